"""When things run by themselves: crontabs, systemd timers, and how long their intervals are.

Formats: crontab(5) of cronie 1.7 and Vixie cron, systemd.time(7) and systemd.timer(5) of systemd 256.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents.model import Document, Fact
from sp404audit.documents.projects.facts import LineExcerpt
from sp404audit.documents.shell import commands as shell
from sp404audit.documents.source import Source
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Region

__all__ = ["Crontab", "Schedule", "SystemdUnit", "cron_hours", "hours_of", "parse_crontab", "parse_systemd"]

_NICKNAMES = {
    "@hourly": 1.0, "@daily": 24.0, "@midnight": 24.0, "@weekly": 168.0, "@monthly": 730.0, "@yearly": 8760.0,
    "@annually": 8760.0,
}  # fmt: skip
_DURATION = regex(
    r"(\d{1,9})\s*(ms|months?|minutes?|min|m|hours?|hr|h|days?|d|weeks?|w|years?|y|seconds?|sec|s)(?![a-z])"
)
_UNIT_HOURS = {"s": 1 / 3600, "m": 1 / 60, "h": 1.0, "d": 24.0, "w": 168.0, "y": 8760.0}
_LINE = regex(r"[ \t]*((?:[^\s#]+[ \t]+){5}|@[a-z]+[ \t]+)(\S[^\n]*)")
_VARIABLE = regex(r"[ \t]*\w+[ \t]*=")
_MAX_LINES = 5_000


class Schedule(NamedTuple):
    """Something starts by itself.

    `kind`, `path` and `owner` are those of the group of commands (`Unit`) that it starts. `hours` is the interval; None
    when it cannot be told.
    """

    location: Location
    expression: str
    hours: float | None
    kind: str
    path: str
    owner: str


def hours_of(text: str) -> float | None:
    """Read a duration such as `30d`, `720h0m0s`, `2 weeks`; None when it is none."""
    found = _DURATION.findall(text.lower())
    if not found:
        return None
    total = 0.0
    for number, unit in found:
        total += int(number) * (730.0 if unit.startswith("month") else 0.0 if unit == "ms" else _UNIT_HOURS[unit[0]])
    return total


def cron_hours(expression: str) -> float | None:
    """Return the hours between two runs of a cron expression of five fields, of six (seconds first), or a nickname."""
    words = expression.split()
    if not words:
        return None
    if words[0].startswith("@"):
        return hours_of(" ".join(words[1:])) if words[0] == "@every" else _NICKNAMES.get(words[0])
    if len(words) == 6:
        words = words[1:]
    if len(words) != 5:
        return None
    minute, hour, day, month, weekday = words
    if month != "*":
        return 8760.0
    if weekday not in ("*", "?"):
        return 168.0 / max(_values(weekday, 7), 1)
    if day not in ("*", "?"):
        return 730.0 / max(_values(day, 31), 1)
    if hour != "*":
        return 24.0 / max(_values(hour, 24), 1)
    return 1.0 / max(_values(minute, 60), 1)


def _values(field: str, size: int) -> int:
    """How many values a field of a cron expression stands for."""
    total = 0
    for part in field.split(","):
        span, _, step = part.partition("/")
        width = int(step) if step.isdecimal() and len(step) < 4 else 1
        low, dash, high = span.partition("-")
        if span == "*":
            count = size
        elif dash and low.isdecimal() and high.isdecimal() and len(low + high) < 6:
            count = int(high) - int(low) + 1
        else:
            count = 1 if not step else size
        total += max(1, -(-count // max(width, 1)))
    return min(total, size)


class Crontab(Document):
    """A crontab: `entries` are the line number, the schedule, and the place and text of the command."""

    kinds: ClassVar[tuple[str, ...]] = ("crontab",)

    def __init__(self, source: Source, entries: list[tuple[int, str, str, Region]]) -> None:
        super().__init__(source)
        self.entries = entries

    def facts(self) -> Iterator[Fact]:
        """Yield each schedule, and the commands that it starts."""
        path = self.source.path
        for line, expression, text, region in self.entries:
            owner = f"line {line}"
            yield Schedule(Location(path, region), expression, cron_hours(expression), "cron", path, owner)
            read = shell.parse(LineExcerpt([(text, region)]), interpreter="sh")
            self.problems += read.problems
            yield from shell.command_facts(read, path, shell.Unit("cron", path, line, owner, folder=None))


def parse_crontab(source: Source) -> Crontab:
    """Read a crontab, with or without a column for the user."""
    entries = []
    system = "/cron.d" in f"/{source.path}" or source.path.endswith((".cron", "etc/crontab"))
    for number in range(1, min(source.line_count, _MAX_LINES) + 1):
        line = source.line(number)
        match = None if _VARIABLE.match(line) else _LINE.match(line)
        if match is None:
            continue
        command = match.group(2)
        user, _, rest = command.partition(" ")
        if rest and (system or "\t" in user) and re.fullmatch(r"[a-z_][\w-]*", user.strip()):
            command = rest.strip()
        begin = line.find(command)
        region = Region(number, begin + 1, number, len(line) + 1)
        entries.append((number, match.group(1).strip(), command.replace("\\%", "%"), region))
    return Crontab(source, entries)


class SystemdUnit(Document):
    """A unit file: `settings` are section, name, value and line of each assignment."""

    kinds: ClassVar[tuple[str, ...]] = ("systemd",)

    def __init__(self, source: Source, settings: list[tuple[str, str, str, int]]) -> None:
        super().__init__(source)
        self.settings = settings

    @property
    def stem(self) -> str:
        """The unit's name without its kind."""
        return self.source.path.rpartition("/")[2].rpartition(".")[0]

    def facts(self) -> Iterator[Fact]:
        """Yield the schedule of a timer, or the commands of a service."""
        path = self.source.path
        if path.endswith(".timer"):
            yield from self._schedule()
            return
        for _, name, value, line in self.settings:
            if name.startswith("Exec") and value:
                region = self.source.line_region(line)
                text = value.lstrip("-@:+!")
                read = shell.parse(LineExcerpt([(text, region)]), interpreter="sh")
                self.problems += read.problems
                yield from shell.command_facts(read, path, shell.Unit("systemd", path, line, self.stem, folder=None))

    def _schedule(self) -> Iterator[Schedule]:
        target = next((value for _, name, value, _ in self.settings if name == "Unit"), f"{self.stem}.service")
        for section, name, value, line in self.settings:
            if section == "Timer" and name in ("OnCalendar", "OnUnitActiveSec", "OnUnitInactiveSec"):
                hours = _calendar_hours(value) if name == "OnCalendar" else hours_of(value)
                place = Location(self.source.path, self.source.line_region(line))
                yield Schedule(place, value, hours, "systemd", "", target.removesuffix(".service"))


_CALENDAR = {"minutely": 1 / 60, "hourly": 1.0, "daily": 24.0, "weekly": 168.0, "monthly": 730.0, "yearly": 8760.0}


def _calendar_hours(value: str) -> float | None:
    """The interval of a calendar event, where its form is a common one."""
    text = value.strip().lower()
    if text in _CALENDAR:
        return _CALENDAR[text]
    if re.match(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\b(?!\.\.|,)", text):
        return 168.0
    days = re.match(r"(?:\S+ )?\*-\*-(\S+)", text)
    if days and days.group(1) not in ("*", "*/1"):
        return 730.0
    found = re.search(r"(?:^|\s)(\*|[\d,/*.]+):", text)
    if found and ("/" in found.group(1) or "," in found.group(1) or found.group(1) == "*"):
        return 24.0 / max(_values(found.group(1), 24), 1)
    return 24.0


def parse_systemd(source: Source) -> SystemdUnit:
    """Read a unit file."""
    settings: list[tuple[str, str, str, int]] = []
    section, number, last = "", 0, min(source.line_count, _MAX_LINES)
    while number < last:
        number += 1
        line, first = source.line(number).strip(), number
        while line.endswith("\\") and number < last:
            number += 1
            line = f"{line[:-1]} {source.line(number).strip()}"
        if line.startswith("["):
            section = line.strip("[]")
        elif line and line[0] not in "#;" and "=" in line:
            name, _, value = line.partition("=")
            settings.append((section, name.strip(), value.strip(), first))
    return SystemdUnit(source, settings)
