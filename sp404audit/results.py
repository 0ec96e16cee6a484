"""What an audit says: plain data, imported by every layer, importing none.

Positions follow SARIF with `columnKind: unicodeCodePoints`: lines and columns count from 1, columns count code
points, and an end column is the column after the last character.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

from sp404audit.records import NamedTuple

__all__ = [
    "Edit",
    "EngineRun",
    "Fix",
    "Kind",
    "Level",
    "Location",
    "Notification",
    "Region",
    "Result",
    "Severity",
    "Snippet",
    "Suppression",
]

Kind = Literal["pass", "fail", "open", "notApplicable"]
"""A verdict, in SARIF's words (3.27.9): `open` is what the repository cannot prove."""

Level = Literal["error", "warning", "note"]
"""How grave a notification is, in SARIF's words (3.58.6)."""


class Severity(enum.IntEnum):
    """How much a failed control matters. Ordered: `Severity.HIGH > Severity.MEDIUM`."""

    NOTE = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def label(self) -> str:
        """The name that people read and write: `high`."""
        return self.name.lower()

    @classmethod
    def parse(cls, label: str) -> Severity:
        """Turn `high` into `Severity.HIGH`; raise `ValueError` that names the choices."""
        try:
            return cls[label.upper()]
        except KeyError:
            choices = ", ".join(severity.label for severity in cls)
            raise ValueError(f"{label!r} is no severity; choose one of {choices}") from None


class Region(NamedTuple):
    """A stretch of a file; see the module's text for how lines and columns count."""

    start_line: int
    start_column: int
    end_line: int
    end_column: int


WHOLE_FILE = Region(1, 1, 1, 1)
"""Where a statement about a whole file is put: viewers and GitHub want a line."""


class Location(NamedTuple):
    """A place in the audited repository.

    `path` is relative to the root with `/`; bytes that are not UTF-8 are surrogate escapes, as in `os.fsdecode`.
    `message` says what is to be seen there, when the location is a related one.
    """

    path: str
    region: Region = WHOLE_FILE
    message: str = ""


class Snippet(NamedTuple):
    """The lines around a location: `lines[0]` is line `first_line` of the file."""

    first_line: int
    lines: tuple[str, ...]


class Edit(NamedTuple):
    """One replacement of a fix: the text of `region` in `path` becomes `text`."""

    path: str
    region: Region
    text: str


class Fix(NamedTuple):
    """A remedy that a machine can apply; `safe` when it cannot change what the file does otherwise."""

    description: str
    edits: tuple[Edit, ...]
    safe: bool = True


class Suppression(NamedTuple):
    """An accepted failure: by a comment in the source (`inSource`) or by a waiver in the policy (`external`)."""

    kind: Literal["inSource", "external"]
    justification: str
    location: Location | None = None
    owner: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A rule's verdict on one subject.

    `also` lists the checks of other tools that say the same (`checkov:CKV_DOCKER_3`). `count` is the number of places
    that a summarised result stands for. `fingerprint` stays the same when lines are added above; `line_hash` is
    GitHub's `primaryLocationLineHash`.
    """

    rule_id: str
    kind: Kind
    severity: Severity
    message: str
    location: Location
    related: tuple[Location, ...] = ()
    fix: Fix | None = None
    engine: str = "native"
    also: tuple[str, ...] = ()
    suppression: Suppression | None = None
    baseline: Literal["new", "unchanged", "updated", "absent"] | None = None
    snippet: Snippet | None = None
    fingerprint: str = ""
    line_hash: str = ""
    count: int = 1


class Notification(NamedTuple):
    """Something that kept a file, a part of it, or a rule from being audited.

    `id` is one of a fixed list (`yaml/syntax`, `input/too-large`, `rule/crashed` …). At level `error` the audit is
    incomplete and ends with exit code 3; at `warning` and `note` the file was left out on purpose.
    """

    id: str
    level: Level
    message: str
    path: str = ""
    region: Region | None = None
    rule_id: str = ""


class EngineRun(NamedTuple):
    """One engine's part in an audit.

    `missing` tells how to get it when it was needed and is not installed; `controls` then names what was not
    evaluated for want of it.
    """

    name: str
    version: str = ""
    missing: str = ""
    controls: tuple[str, ...] = ()
