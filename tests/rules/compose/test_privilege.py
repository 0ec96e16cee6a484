from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]
RULE = "compose/no-privileged"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("true", "fail"),
        ("'yes'", "fail"),
        ("on", "fail"),
        ("${P:-true}", "fail"),
        ("${P}", "open"),
        ("false", "pass"),
        ("", "pass"),
        ("'no'", "pass"),
    ],
)
def test_reads_the_flag(judge: Judge, value: str, kind: str) -> None:
    text = f"services:\n  a:\n    image: x\n    privileged: {value}\n"
    assert [result.kind for result in judge(RULE, {"compose.yaml": text})] == [kind]


def test_sees_through_extends_include_and_hooks(judge: Judge) -> None:
    files = {
        "compose.yaml": "include: [inc.yaml]\nservices:\n  a: {extends: {file: base.yaml, service: b}}\n"
        "  h:\n    image: x\n    post_start:\n      - command: ls\n        privileged: true\n",
        "base.yaml": "services:\n  b:\n    image: x\n    privileged: true\n",
        "inc.yaml": "services:\n  c:\n    image: x\n    privileged: true\n",
    }
    failures = {(r.location.path, r.location.region.start_line) for r in judge(RULE, files) if r.kind == "fail"}
    assert failures == {("base.yaml", 4), ("inc.yaml", 4), ("compose.yaml", 8)}


def test_reads_version_1_files(judge: Judge) -> None:
    (result,) = judge(RULE, {"docker-compose.yml": "a:\n  image: x\n  privileged: true\n"})
    assert (result.kind, result.location.region.start_line) == ("fail", 3)
