"""images/*: which names are judged, and what they mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]

LATEST, DIGEST = "images/no-latest-tag", "images/digest-pinned"
PIN = "@sha256:" + "ab" * 32


def kinds(judge: Judge, rule: str, files: dict[str, str] | str) -> list[str]:
    found = judge(rule, {"Dockerfile": files} if isinstance(files, str) else files)
    return sorted(result.kind for result in found)


@pytest.mark.parametrize(
    ("image", "latest", "digest"),
    [
        ("a:1", "pass", "fail"),
        ("a", "fail", "fail"),
        ("a:latest", "fail", "fail"),
        ("a:latest-dev", "fail", "fail"),
        ("a:latest-20251101", "pass", "fail"),
        ("localhost:5000/a", "fail", "fail"),
        (f"a:latest{PIN}", "pass", "pass"),
        (f"a{PIN}", "pass", "pass"),
        ("$X", "open", "open"),
        ("$X/a:latest", "fail", "open"),
        ("a:${T:-latest}", "fail", "fail"),
        ("a:${T:-1}", "pass", "fail"),
        (f"$X/a{PIN}", "open", "pass"),
        ("A:1", "open", "open"),
    ],
)
def test_references(judge: Judge, image: str, latest: str, digest: str) -> None:
    assert kinds(judge, LATEST, f"ARG X\nARG T\nFROM {image}\n") == [latest]
    assert kinds(judge, DIGEST, f"ARG X\nARG T\nFROM {image}\n") == [digest]


def test_what_is_no_external_image(judge: Judge) -> None:
    files = {
        "Dockerfile": f"FROM golang:1{PIN} AS build\nFROM BUILD AS more\nFROM scratch\nCOPY --from=more /a /a\n",
        "compose.yaml": (
            "services:\n"
            "  app: {build: ., image: acme/app}\n"
            "  job: {image: 'acme/app:latest'}\n"
            "  own: {image: mine, pull_policy: never}\n"
        ),
    }
    assert kinds(judge, LATEST, files) == ["pass"]
    assert kinds(judge, DIGEST, files) == ["pass"]


def test_a_version_that_a_kustomization_sets(judge: Judge) -> None:
    files = {
        "k8s/pod.yaml": (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: acme/api:latest}]\n"
        ),
        "k8s/kustomization.yaml": "resources: [pod.yaml]\nimages: [{name: acme/api, newTag: '7'}]\n",
    }
    assert kinds(judge, LATEST, files) == []


def test_scripts_pull_images_too(judge: Judge) -> None:
    files = {"Dockerfile": f"FROM a:1{PIN}\n", "run.sh": "#!/bin/sh\ndocker run --rm acme/tool\ndocker run b:2\n"}
    assert kinds(judge, LATEST, files) == ["fail", "pass", "pass"]
    assert kinds(judge, DIGEST, files) == ["pass"]
