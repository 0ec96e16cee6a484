"""Whole audits of small repositories: what goes wrong in one place costs nothing elsewhere, and is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sp404audit
from sp404audit import audit
from sp404audit.documents.containers.dockerfile import Dockerfile
from sp404audit.outcome import Audit
from sp404audit.rules import registry
from sp404audit.rules.registry import Verdicts, fail, passed

LATEST = "FROM python:latest\nUSER 1000\n"


def scan(root: Path, files: dict[str, str | bytes], **options: object) -> Audit:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return audit(root, engines=["native"], **options)  # type: ignore[arg-type]


def ids(report: Audit) -> list[str]:
    return [note.id for note in report.notifications if note.level == "error"]


def test_the_front_door_is_the_function() -> None:
    assert sp404audit.audit is audit


def test_a_bad_file_is_told_once_and_costs_no_other_file(tmp_path: Path) -> None:
    report = scan(tmp_path, {"compose.yaml": "services:\n\ta: [\n", "Dockerfile": LATEST})
    assert ids(report) == ["yaml/syntax"]
    assert any(result.rule_id == "images/no-latest-tag" and result.kind == "fail" for result in report.results)


def test_a_control_that_needed_the_bad_file_is_not_proven(tmp_path: Path) -> None:
    report = scan(tmp_path, {"compose.yaml": "services:\n\ta: [\n"}, ignore=["deps"])
    kinds = {verdict.rule.id: verdict.kind for verdict in report.verdicts}
    assert kinds["compose/no-privileged"] == "open"
    assert report.exit_code == 3


def test_a_file_that_could_not_be_opened_leaves_its_controls_open(tmp_path: Path) -> None:
    report = scan(tmp_path, {"compose.yaml": b"a" * (11 * 1024 * 1024), "Dockerfile": LATEST})
    assert ids(report) == ["input/too-large"]
    assert report.incomplete


def registered(rule_id: str, function: Callable[[Dockerfile], Verdicts]) -> Iterator[None]:
    """Have one more rule on Dockerfiles while a test runs."""
    registry.rule(rule_id, severity="low", security=False)(function)
    yield
    del registry.RULES[rule_id]


@pytest.fixture
def crashing_rule() -> Iterator[None]:
    def crash(dockerfile: Dockerfile) -> Verdicts:
        """Never crash."""
        yield passed(dockerfile.source.line_region(1))
        raise KeyError("deliberate")

    yield from registered("docker/crashes", crash)


@pytest.mark.usefixtures("crashing_rule")
def test_a_crashing_rule_costs_no_other_rule(tmp_path: Path) -> None:
    report = scan(tmp_path, {"Dockerfile": LATEST})
    (note,) = [note for note in report.notifications if note.id == "rule/crashed"]
    assert (note.rule_id, note.path) == ("docker/crashes", "Dockerfile")
    assert "deliberate" in note.message
    assert any(result.rule_id == "images/no-latest-tag" for result in report.failures)
    assert {result.kind for result in report.results if result.rule_id == "docker/crashes"} == {"pass", "open"}


@pytest.fixture
def talkative_rule() -> Iterator[None]:
    def talk(dockerfile: Dockerfile) -> Verdicts:
        """Say less."""
        for number in range(1, 251):
            yield fail(dockerfile.source.line_region(number), "x" * 1000)

    yield from registered("docker/talks", talk)


@pytest.mark.usefixtures("talkative_rule")
def test_results_of_a_rule_in_a_file_are_bounded_and_counted(tmp_path: Path) -> None:
    report = scan(tmp_path, {"Dockerfile": LATEST + "RUN true\n" * 300})
    results = [result for result in report.results if result.rule_id == "docker/talks"]
    assert len(results) == 101
    assert [result.message for result in results if result.message[0] != "x"] == [
        "150 more results of this rule in this file are not listed"
    ]
    assert max(len(result.message) for result in results) <= 400


def test_engines_that_are_not_native_leave_our_rules_out(tmp_path: Path) -> None:
    scan(tmp_path, {"README.md": "x"})
    report = audit(tmp_path, engines=["pip-audit"])
    assert [run.name for run in report.engines] == []


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="no folder"):
        audit(tmp_path / "missing")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_and_a_link_out_are_never_opened(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    (root / ".github" / "workflows").mkdir(parents=True)
    os.mkfifo(root / ".github" / "workflows" / "ci.yml")
    (root / "Dockerfile").symlink_to("/dev/zero")
    report = scan(root, {"backend/Dockerfile": LATEST})
    left_out = {note.path: note.id for note in report.notifications}
    assert left_out == {".github/workflows/ci.yml": "input/not-regular", "Dockerfile": "input/link"}
    assert not report.incomplete


def test_what_is_excluded_is_not_audited(tmp_path: Path) -> None:
    report = scan(tmp_path, {"old/Dockerfile": LATEST, ".sp404audit.yaml": "version: 1\nexclude: [old/**]\n"})
    assert report.failures == ()


def test_severities_decide_the_exit_code_not_what_is_shown(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"Dockerfile": LATEST}
    assert scan(tmp_path, files, fail_on="critical").exit_code == 0
    assert scan(tmp_path, files, fail_on="medium").exit_code == 1


def test_a_folder_with_nothing_to_audit_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.odt").write_text("nothing of ours")
    report = audit(tmp_path, engines=["native"])
    assert [(note.id, note.level) for note in report.notifications] == [("scope/empty", "note")]
    assert report.exit_code == 0
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert audit(tmp_path, engines=["native"]).notifications == ()
