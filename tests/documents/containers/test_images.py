"""Names of images, and what is known of public ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.containers import known_images
from sp404audit.documents.containers.images import ImageReference, name_of, parse_reference
from sp404audit.documents.containers.known_images import known_image, known_whatever_tag

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("python", "docker.io", "library/python", None, None),
        ("python:3.13-slim", "docker.io", "library/python", "3.13-slim", None),
        (f"python:3@{DIGEST}", "docker.io", "library/python", "3", DIGEST),
        (f"python@{DIGEST}", "docker.io", "library/python", None, DIGEST),
        ("grafana/loki", "docker.io", "grafana/loki", None, None),
        ("docker.io/python", "docker.io", "library/python", None, None),
        ("index.docker.io/a/b", "docker.io", "a/b", None, None),
        ("localhost/x:1", "localhost", "x", "1", None),
        ("localhost:5000/x", "localhost:5000", "x", None, None),
        ("[::1]:5000/x:y", "[::1]:5000", "x", "y", None),
        ("ghcr.io/a/b/c:v1", "ghcr.io", "a/b/c", "v1", None),
        ("evil.example/docker.io/x", "evil.example", "docker.io/x", None, None),
        ("a__b/c--d/e.f", "docker.io", "a__b/c--d/e.f", None, None),
    ],
)
def test_reference(text: str, registry: str, repository: str, tag: str | None, digest: str | None) -> None:
    assert parse_reference(text) == ImageReference(registry, repository, tag, digest)


@pytest.mark.parametrize(
    "text", ["", "Python", "a___b", "-a", "a:", "a@sha256:12", "a b", "${X}", "ghcr.io/A", "a" * 300]
)
def test_no_reference(text: str) -> None:
    assert parse_reference(text) is None


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="aA0.-_/:@[]$", max_size=1200))
def test_any_text(text: str) -> None:
    found = parse_reference(text)
    if found is not None:
        again = found.name + (f":{found.tag}" if found.tag else "") + (f"@{found.digest}" if found.digest else "")
        assert parse_reference(again) == found


@pytest.mark.parametrize(
    ("name", "familiar", "tag"),
    [
        ("python", "python", "latest"),
        ("grafana/loki:3", "grafana/loki", "3"),
        ("quay.io/a/b", "quay.io/a/b", "latest"),
        (f"a@{DIGEST}", "a", None),
    ],
)
def test_names_for_people(name: str, familiar: str, tag: str | None) -> None:
    reference = parse_reference(name)
    assert reference is not None
    assert (reference.familiar, reference.effective_tag) == (familiar, tag)


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("python:3", "root"),
        ("public.ecr.aws/docker/library/node:24", "root"),
        ("nginxinc/nginx-unprivileged:1.28", "101"),
        ("gcr.io/distroless/static-debian12:nonroot", "65532"),
        ("gcr.io/distroless/static-debian12:debug-nonroot", "65532"),
        ("gcr.io/distroless/static-debian12", "root"),
        ("cgr.dev/chainguard/nginx:1.29", "65532"),
        ("cgr.dev/chainguard/wolfi-base", "root"),
        ("mcr.microsoft.com/dotnet/aspnet:9.0", "root"),
        ("mcr.microsoft.com/dotnet/aspnet:9.0-noble-chiseled", "1654"),
        ("mcr.microsoft.com/windows/nanoserver:ltsc2022", "ContainerUser"),
        ("mcr.microsoft.com/windows/servercore:ltsc2022", "ContainerAdministrator"),
        ("acme/base:1", None),
        ("ghcr.io/acme/base:1", None),
    ],
)
def test_known_users(name: str, user: str | None) -> None:
    reference = parse_reference(name)
    assert reference is not None
    known = known_image(reference)
    assert (known.user if known else None) == user


def test_what_holds_for_every_tag() -> None:
    debian, distroless = parse_reference("debian"), parse_reference("gcr.io/distroless/base")
    assert debian is not None
    assert distroless is not None
    known = known_whatever_tag(debian)
    assert known is not None
    assert known.user == "root"
    assert known_whatever_tag(distroless) is None


def test_the_table_holds_no_row_twice() -> None:
    text = Path(known_images.__file__).with_name("known_images.tsv").read_text(encoding="utf-8")
    rows = [tuple(line.split("\t")[:2]) for line in text.splitlines() if line and not line.startswith("#")]
    assert len(rows) == len(set(rows)) > 100
    for image, tag in rows:
        assert "/" in image
        assert tag
        assert image.count("*") <= 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ghcr.io/acme/api:1.2@" + DIGEST, "ghcr.io/acme/api"),
        ("ghcr.io/acme/api:${{ github.sha }}", "ghcr.io/acme/api"),
        ("ghcr.io/acme/api:v${TAG:-a/b}", "ghcr.io/acme/api"),
        ("localhost:5000/api:$TAG", "localhost:5000/api"),
        ("api:${TAG}", "docker.io/library/api"),
        ("acme/api-${KIND}:1", None),
        ("localhost:${PORT}/api:1", None),
        ("${REGISTRY}/api:1", None),
        ("Not valid", None),
    ],
)
def test_a_name_is_known_though_its_tag_is_not(text: str, name: str | None) -> None:
    assert name_of(text) == name
