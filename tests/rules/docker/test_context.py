"""docker/dockerignore-present: which context, which file, and what it has to leave out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]

RULE = "docker/dockerignore-present"
COPY_ALL = "FROM debian:13\nCOPY . /srv\n"


def kinds(judge: Judge, files: dict[str, str]) -> list[str]:
    return sorted(result.kind for result in judge(RULE, files))


@pytest.mark.parametrize(
    ("copy", "kind"),
    [
        ("COPY . .", "fail"),
        ("COPY ./ /srv", "fail"),
        ('ADD [".", "/srv"]', "fail"),
        ("COPY --chown=app:app a . /srv/", "fail"),
        ("COPY * /srv/", "fail"),
        ("COPY src /srv", "notApplicable"),
        ("COPY --from=a . /srv", "notApplicable"),
        ("COPY <<EOF /srv/x\n.\nEOF", "notApplicable"),
        ("RUN --mount=type=bind,target=. make", "notApplicable"),
    ],
)
def test_what_is_copied(judge: Judge, copy: str, kind: str) -> None:
    assert kinds(judge, {"Dockerfile": f"FROM debian:13 AS a\nFROM a\n{copy}\n"}) == [kind]


@pytest.mark.parametrize(
    ("ignore", "kind"),
    [
        (".git\n.env\n", "pass"),
        ("**/.git\n**/.env*\n", "pass"),
        (".*\n", "pass"),
        ("*\n!src\n", "pass"),
        ("*\n!.env\n", "fail"),
        (".git\n", "fail"),
        (".env\n", "fail"),
        ("", "fail"),
    ],
)
def test_what_is_left_out(judge: Judge, ignore: str, kind: str) -> None:
    assert kinds(judge, {"Dockerfile": COPY_ALL, ".dockerignore": ignore}) == [kind]


def test_the_history_lies_in_the_root_alone(judge: Judge) -> None:
    assert kinds(judge, {"api/Dockerfile": COPY_ALL, "api/.dockerignore": ".env\n"}) == ["pass"]


def test_node_modules_matter_where_there_are_some(judge: Judge) -> None:
    files = {"Dockerfile": COPY_ALL, ".dockerignore": ".git\n.env\n", "package.json": "{}"}
    (result,) = judge(RULE, files)
    assert (result.kind, result.severity.label) == ("fail", "low")


def test_the_context_of_the_build_counts(judge: Judge) -> None:
    files = {
        "docker/api.Dockerfile": COPY_ALL,
        "docker/.dockerignore": "*\n",
        "compose.yaml": "services:\n  api:\n    build: {context: ., dockerfile: docker/api.Dockerfile}\n",
    }
    assert kinds(judge, files) == ["fail"]
    files["docker/api.Dockerfile.dockerignore"] = "*\n"
    assert kinds(judge, files) == ["pass"]


def test_a_dockerfile_that_nobody_builds_may_be_built_from_the_root(judge: Judge) -> None:
    assert kinds(judge, {"docker/Dockerfile": COPY_ALL, ".dockerignore": ".git\n.env\n"}) == ["pass"]
