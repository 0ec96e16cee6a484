"""Workflow commands: what GitHub shows beside the lines of a pull request, and on the page of the run.

The form of a command, and what it escapes, stands in https://docs.github.com/actions/reference/workflow-commands-for-github-actions
and in actions/toolkit (`command.ts`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.reports import summary
from sp404audit.reports.escape import command_data, command_property, line, visible
from sp404audit.results import WHOLE_FILE, Location, Region, Result

if TYPE_CHECKING:
    from sp404audit.outcome import Audit
    from sp404audit.reports import Options
    from sp404audit.results import Level

__all__ = ["SHOWN", "render"]

SHOWN = 10
"""How many annotations of each level GitHub shows of a step; it drops what comes after."""

_COMMANDS: dict[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}


def render(audit: Audit, options: Options) -> str:
    """Write an annotation for each failure, the gravest first, up to what GitHub shows.

    What kept a part of the repository from being audited comes before the failures of its level. What there is no
    room for is counted in a last notice.
    """
    by_level: dict[Level, list[str]] = {"error": [], "warning": [], "note": []}
    for notification in audit.notifications:
        if notification.level == "error":
            place = Location(notification.path, notification.region or WHOLE_FILE) if notification.path else None
            title = f"not audited: {notification.id}"
            by_level["warning"].append(_command("warning", place, title, line(notification.message), options))
    for result in summary.worst_first(audit, audit.failures):
        level = summary.level(result.severity)
        by_level[level].append(_annotation(audit, result, level, options))
    return "".join(command + "\n" for command in _shown(by_level))


def _shown(by_level: dict[Level, list[str]]) -> Iterator[str]:
    left_out = sum(max(0, len(lines) - SHOWN) for lines in by_level.values())
    for level, lines in by_level.items():
        room = SHOWN - 1 if left_out and level == "note" else SHOWN
        yield from lines[:room]
        if level == "note":
            left_out += min(max(0, len(lines) - room), SHOWN - room)
    if left_out:
        text = f"{left_out} more are not shown here: GitHub shows {SHOWN} a level. The other reports hold all of them."
        yield _command("note", None, "sp404audit", text, None)


def _annotation(audit: Audit, result: Result, level: Level, options: Options) -> str:
    text = line(result.message)
    if result.count > 1:
        text += f" ({summary.number(result.count, 'place')})"
    rule = audit.rule(result.rule_id)
    if rule is not None and (remedy := rule.remedy):
        text += f"\nWhat to do: {line(remedy)}"
    return _command(level, result.location, f"{result.severity.label}: {result.rule_id}", text, options)


def _command(level: Level, place: Location | None, title: str, text: str, options: Options | None) -> str:
    properties: dict[str, str | int] = {}
    if place is not None and place.path and options is not None:
        properties = {"file": visible(options.from_top(place.path)), **_position(place.region)}
    properties["title"] = visible(title)
    written = ",".join(f"{name}={command_property(str(value))}" for name, value in properties.items())
    return f"::{_COMMANDS[level]} {written}::{command_data(text)}"


def _position(region: Region) -> dict[str, str | int]:
    """GitHub takes columns only of a region on one line."""
    if region == WHOLE_FILE:
        return {"line": 1}
    lines: dict[str, str | int] = {"line": region.start_line, "endLine": region.end_line}
    if region.start_line == region.end_line:
        lines |= {"col": region.start_column, "endColumn": region.end_column}
    return lines
