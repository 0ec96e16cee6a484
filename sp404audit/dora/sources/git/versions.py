"""Reading a tag as a version: `v1.2.3`, `api-1.2.3`, `web/v2.0.0-rc.1`, `@scope/package@1.0.0`, `2024.1`, `1.0rc2`."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["Version", "is_lower", "patch_share", "read_version"]

MAX_NAME = 300
_PARTS = 3

# Names are short (`MAX_NAME`), so that what a lazy prefix tries again is bounded.
_DOTTED = regex(
    r"(?:(?P<service>[A-Za-z@][\w./@+-]*?)[-_/@])?[vV]?(?:\d{1,4}!)?"
    r"(?P<release>\d{1,12}(?:\.\d{1,12}){1,5}|\d{1,12}(?:_\d{1,12}){1,5}|\d{4}-\d{2}-\d{2})"
    r"(?P<rest>(?:[-._+]?[A-Za-z][0-9A-Za-z.+_-]*|[-+_][0-9A-Za-z.+_-]*)?)"
)
_SINGLE = regex(r"(?P<service>)[vV]?(?P<release>\d{1,12})(?P<rest>)")
_NUMBER = regex(r"\d+")
_WORD = regex(r"[a-z]+")


class Version(NamedTuple):
    """A tag's name, read.

    Attributes:
        service: what stands before the numbers; empty for none, or for a word that names no service (`release-`).
        numbers: of the release, at least three: `v1.2` is 1.2.0.
        prerelease: a preview, by semantic versioning or PEP 440.
        single: one number alone, as `v4`: often a name that moves along with v4.1, v4.2 …
    """

    service: str
    numbers: tuple[int, ...]
    prerelease: bool
    single: bool


@cache
def _words() -> dict[str, Any]:
    import json
    from importlib.resources import files

    text = files("sp404audit.dora.sources.git").joinpath("versions.json").read_text("utf-8")
    return {key: frozenset(value) if isinstance(value, list) else value for key, value in json.loads(text).items()}


@lru_cache(maxsize=4096)
def read_version(name: str) -> Version | None:
    """Read a tag's name; None for one that is no version."""
    if len(name) > MAX_NAME or not name.isascii():
        return None
    match = _DOTTED.fullmatch(name) or _SINGLE.fullmatch(name)
    if match is None:
        return None
    numbers = tuple(int(each) for each in _NUMBER.findall(match["release"]))
    service = match["service"] or ""
    if service.lower() in _words()["no_services"]:
        service = ""
    padded = numbers + (0,) * (_PARTS - len(numbers))
    return Version(service, padded, _is_preview(match["rest"]), len(numbers) == 1)


def _is_preview(rest: str) -> bool:
    """Judge what follows the numbers; build metadata behind a plus sign says nothing."""
    plain = rest.partition("+")[0].lower()
    words = _WORD.findall(plain)
    if any(word in _words()["previews"] for word in words):
        return True
    # By semantic versioning 1.0.0-1 is a preview, too; by PEP 440 and Debian's policy it is what follows 1.0.0.
    return plain.startswith("-") and bool(words) and words[0] not in _words()["finished"]


def is_lower(name: str, than: str) -> bool:
    """Whether both are versions, and the first is the lower one."""
    version, other = read_version(name), read_version(than)
    return version is not None and other is not None and version.numbers < other.numbers


def patch_share(releases: set[tuple[int, ...]]) -> float:
    """Which share of the steps from one release to the next, by number, changes nothing but the patch number."""
    ordered = sorted(releases)
    steps = list(pairwise(ordered))
    patches = sum(before[:2] == after[:2] for before, after in steps)
    return patches / len(steps) if steps else 0.0
