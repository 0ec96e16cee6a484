from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.compose.file import Compose, ComposeFile, parse, path_in_repository
from sp404audit.documents.source import DocumentError, Source

_KEYS = [
    "image", "build", "context", "args", "environment", "env_file", "path", "ports", "volumes", "extends", "file",
    "service", "healthcheck", "test", "include", "networks", "target", "source", "user", "x-y", "tags",
]  # fmt: skip


def read(text: str, path: str = "compose.yaml") -> Compose:
    return parse(Source(path, text.encode()))


def file_of(text: str) -> ComposeFile:
    (file,) = read(text).files
    return file


def test_knows_where_services_and_values_stand() -> None:
    file = file_of("services:\n  web:\n    image: nginx:1.28\n    privileged: true\n")
    (web,) = file.services
    privileged = web.value.get("privileged")
    assert web.location.region[:2] == (2, 3)
    assert privileged is not None
    assert privileged.location.region[:2] == (4, 17)


def test_reads_version_1_files() -> None:
    file = file_of("web:\n  image: nginx\nvolumes:\n  data: {}\n")
    assert file.is_version_1
    assert [service.key for service in file.services] == ["web"]


def test_leaves_extensions_out_and_resolves_merge_keys() -> None:
    file = file_of(
        "x-base: &base\n  privileged: true\n  labels: {a: b}\nservices:\n  x-note: {image: no}\n"
        "  web:\n    <<: *base\n    image: nginx\n"
    )
    (web,) = file.services
    assert web.value.text_of("privileged") == "true"


def test_keeps_ports_as_text() -> None:
    (web,) = file_of("services:\n  web:\n    image: a\n    ports:\n      - 22:22\n").services
    ports = web.value.get("ports")
    assert ports is not None
    assert ports.items[0].text == "22:22"


@pytest.mark.parametrize("text", ["", "# nothing\n", "services:\n", "services: {}\n", "services: {web: }\n"])
def test_reads_empty_files(text: str) -> None:
    assert not read(text).problems


@pytest.mark.parametrize(
    ("text", "problem"), [("services: [a]\n", "yaml/schema"), ("services: {a: b}\n", "yaml/schema")]
)
def test_tells_what_is_no_service(text: str, problem: str) -> None:
    assert [each.id for each in read(text).problems] == [problem]


@pytest.mark.parametrize(("text", "problem"), [("- a\n", "yaml/schema"), ("\t- a: [\n", "yaml/syntax")])
def test_refuses_what_is_no_compose_file(text: str, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(text)
    assert caught.value.problem.id == problem


def test_tells_of_paths_out_of_the_repository() -> None:
    document = read(
        "include: [../../other/compose.yaml, ./in.yaml]\nservices:\n  a:\n    image: x\n    env_file: /etc/passwd\n"
        "    extends: {file: ../../../base.yaml, service: b}\n",
        "deploy/compose.yaml",
    )
    assert [each.id for each in document.problems] == ["compose/path-escape"] * 3
    assert {each.level for each in document.problems} == {"warning"}
    (file,) = document.files
    assert [include.paths for include in file.includes] == [(None,), ("deploy/in.yaml",)]


@pytest.mark.parametrize(
    ("folder", "path", "expected"),
    [
        ("", "a.yaml", "a.yaml"),
        ("x", "./a.yaml", "x/a.yaml"),
        ("x", "..", ""),
        ("x", "../../a", None),
        ("", "/etc/passwd", None),
        ("", "~/x", None),
        ("", "https://example.com/x.yaml", None),
        ("", "C:\\x", None),
        ("a/b", "../c/./d", "a/c/d"),
    ],
)
def test_keeps_paths_inside(folder: str, path: str, expected: str | None) -> None:
    assert path_in_repository(folder, path) == expected


def test_bounds_what_aliases_expand_to() -> None:
    lines = ["x-0: &x0 [a, a, a, a, a, a, a, a, a]"]
    lines += [f"x-{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 9)]
    document = read("\n".join([*lines, "services:", "  a:", "    image: x", "    ports: *x8"]))
    assert [each.id for each in document.problems] == ["yaml/too-many-nodes"]


def test_survives_a_service_that_holds_itself() -> None:
    assert read("services:\n  a: &a\n    image: x\n    labels: *a\n").files


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["a", "$X", "${Y:-z}", "1", "", "~", "./x:/y", "NONE"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
        max_leaves=20,
    )
)
def test_reads_any_shape(tree: object) -> None:
    for text in (
        json.dumps({"services": {"web": tree}}),
        json.dumps({"services": tree, "include": tree}),
        json.dumps(tree),
    ):
        try:
            document = read(text)
        except DocumentError:
            continue
        for fact in document.facts():
            assert fact.location.path == "compose.yaml"  # type: ignore[attr-defined]
