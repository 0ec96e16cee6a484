"""What the configuration of backup tools says about how long copies are kept, and whether they are encrypted.

pgBackRest 2.53 (`repo1-retention-full`), borgmatic 1.9 (`keep_daily` …), Velero 1.14 (`ttl`), CloudNativePG 1.24
(`retentionPolicy`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents import yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import Source
from sp404audit.documents.yaml_tree import Mapping, Scalar
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["BackupConfig", "BackupSetting", "kept_days", "parse"]

_SETTING = regex(r"[ \t]*([a-z][a-z0-9-]*)[ \t]*=[ \t]*([^\n#;]*)")
_KEEP_DAYS = {
    "secondly": 1 / 86_400, "minutely": 1 / 1440, "hourly": 1 / 24, "daily": 1, "weekly": 7, "monthly": 30,
    "3monthly": 90, "13weekly": 91, "yearly": 365, "annual": 365,
}  # fmt: skip


class BackupSetting(NamedTuple):
    """One statement of a configuration.

    Attributes:
        tool: `pgbackrest`, `borgmatic`, `velero`, `cnpg`.
        days: for how long a copy is kept; None when it is counted, or the statement is not about that.
        copies: how many full backups are kept; None when it is not counted.
        encrypted: whether copies are encrypted; None when the statement is not about that.
        text: as written.
    """

    location: Location
    tool: str
    days: float | None
    copies: int | None
    encrypted: bool | None
    text: str


def kept_days(period: str, number: int) -> float:
    """Return how many days back `--keep-<period> <number>` reaches."""
    return _KEEP_DAYS.get(period, 0) * number


class BackupConfig(Document):
    """The configuration of pgBackRest, borgmatic or rclone."""

    kinds: ClassVar[tuple[str, ...]] = ("backup-config",)

    def facts(self) -> Iterator[Fact]:
        """Yield what it says about retention and encryption."""
        name = self.source.path.rpartition("/")[2].lower()
        if name.endswith((".yml", ".yaml")):
            yield from self._borgmatic()
        elif "pgbackrest" in name:
            yield from self._pgbackrest()

    def _pgbackrest(self) -> Iterator[BackupSetting]:
        found: dict[str, tuple[str, int]] = {}
        for number in range(1, min(self.source.line_count, 2_000) + 1):
            match = _SETTING.match(self.source.line(number))
            if match:
                found[match.group(1)] = (match.group(2).strip(), number)
        for name, (value, number) in found.items():
            place = Location(self.source.path, self.source.line_region(number))
            if re.fullmatch(r"repo\d+-retention-full", name) and value.isdecimal() and len(value) < 6:
                by_time = found.get(f"{name}-type", ("count", 0))[0] == "time"
                days, copies = (int(value), None) if by_time else (None, int(value))
                yield BackupSetting(place, "pgbackrest", days, copies, None, f"{name}={value}")
            elif re.fullmatch(r"repo\d+-cipher-type", name):
                yield BackupSetting(place, "pgbackrest", None, None, value != "none", f"{name}={value}")
            elif re.fullmatch(r"repo\d+-type", name) and f"{name[:-5]}-cipher-type" not in found:
                yield BackupSetting(place, "pgbackrest", None, None, False, f"{name}={value} without a cipher")

    def _borgmatic(self) -> Iterator[BackupSetting]:
        stream = yaml_tree.parse_stream(self.source)
        self.problems += stream.problems
        for root in stream.roots:
            top = yaml_tree.mapping(root)
            nested = yaml_tree.mapping(top.get("retention")) if top is not None else None
            for holder in (top, nested):
                if holder is not None:
                    yield from self._keeps(holder)

    def _keeps(self, holder: Mapping) -> Iterator[BackupSetting]:
        best: BackupSetting | None = None
        for key, _, value in holder.pairs():
            number = value.resolved if isinstance(value, Scalar) else None
            if key.startswith("keep_") and isinstance(number, int) and not isinstance(number, bool):
                days = kept_days(key.removeprefix("keep_"), min(number, 100_000))
                place = Location(self.source.path, value.region)
                if best is None or days > (best.days or 0):
                    best = BackupSetting(place, "borgmatic", days, None, None, f"{key}: {number}")
            if key in ("encryption_passphrase", "encryption_passcommand"):
                yield BackupSetting(Location(self.source.path, value.region), "borgmatic", None, None, True, key)
        if best is not None:
            yield best


def parse(source: Source) -> BackupConfig:
    """Read the configuration of a backup tool."""
    return BackupConfig(source)
