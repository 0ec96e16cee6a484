"""What is known of public images: the user they run as, whether they are services, whether they check their health."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sp404audit.documents.containers.images import ImageReference
from sp404audit.records import NamedTuple

__all__ = ["KnownImage", "known_image", "known_whatever_tag"]

_MIRRORS = {
    "public.ecr.aws/docker/library/": "docker.io/library/",
    "mirror.gcr.io/library/": "docker.io/library/",
    "registry-1.docker.io/": "docker.io/",
}


class KnownImage(NamedTuple):
    """A row of the table beside this module.

    Attributes:
        user: the user that its processes start as; empty when it is not known.
        is_service: started as it is, it serves requests.
        drops_privileges: it starts as root, and its entrypoint hands over to `user`.
        has_healthcheck: it brings a HEALTHCHECK.
        environment: variables that it sets.
    """

    user: str
    is_service: bool = False
    drops_privileges: bool = False
    has_healthcheck: bool = False
    environment: tuple[tuple[str, str], ...] = ()


class _Row(NamedTuple):
    image: str
    tag: str
    known: KnownImage


def known_image(reference: ImageReference) -> KnownImage | None:
    """Look an image up; None when nothing is known of it."""
    tag = reference.effective_tag or ""
    return next((row.known for row in _rows(reference) if _fits(row.tag, tag)), None)


def known_whatever_tag(reference: ImageReference) -> KnownImage | None:
    """Look up what holds for every tag of an image; None when its tags differ, or nothing is known of it."""
    first = next(_rows(reference), None)
    return first.known if first is not None and first.tag == "*" else None


def _rows(reference: ImageReference) -> Iterator[_Row]:
    name = reference.name
    for mirror, original in _MIRRORS.items():
        if name.startswith(mirror):
            name = original + name.removeprefix(mirror)
    exact, with_wildcards = _table()
    yield from exact.get(name, ())
    yield from (row for row in with_wildcards if _fits(row.image, name))


@cache
def _table() -> tuple[dict[str, list[_Row]], list[_Row]]:
    exact: dict[str, list[_Row]] = {}
    with_wildcards: list[_Row] = []
    text = Path(__file__).with_name("known_images.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        image, tag, user, traits = [*line.split("\t"), "", "", ""][:4]
        names = traits.split(",") if traits else []
        known = KnownImage(
            user,
            "service" in names,
            "drops" in names,
            "healthcheck" in names,
            tuple((name, value) for name, _, value in (trait.partition("=") for trait in names) if value),
        )
        row = _Row(image, tag, known)
        if "*" in image:
            with_wildcards.append(row)
        else:
            exact.setdefault(image, []).append(row)
    return exact, with_wildcards


def _fits(pattern: str, text: str) -> bool:
    """Match a pattern in which `*` stands for anything; the table's patterns have two at most."""
    first, *others = pattern.split("*")
    if not others:
        return pattern == text
    if not text.startswith(first):
        return False
    position = len(first)
    for piece in others[:-1]:
        position = text.find(piece, position)
        if position < 0:
            return False
        position += len(piece)
    return text.endswith(others[-1]) and len(text) - len(others[-1]) >= position
