"""A code frame: lines of a file with their numbers, and carets under the part that is meant."""

from __future__ import annotations

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import code
from sp404audit.results import WHOLE_FILE, Region, Snippet

__all__ = ["FrameLine", "frame", "last_line", "marked_columns", "width"]

_BEFORE, _MARKED, _AFTER = 1, 3, 1
_COLUMNS = 110
_LEAD = 30


class FrameLine(NamedTuple):
    """One line of a frame. `number` is 0 for a line of carets, which stands under the line before it."""

    number: int
    text: str


def width(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters (East Asian, most emoji) take two, marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def frame(snippet: Snippet | None, region: Region) -> list[FrameLine]:
    """Draw the lines of a region with one line before and after; a region of many lines is cut after three.

    Blank lines are left out, unless it is one that the region begins with.

    Returns:
        No lines when there is nothing to point at: no snippet, or a statement about a whole file.
    """
    if snippet is None or region == WHOLE_FILE:
        return []
    end_line = last_line(region)
    last_marked = min(end_line, region.start_line + _MARKED - 1)
    after = _AFTER if last_marked == end_line else 0
    lines: list[FrameLine] = []
    for number in range(region.start_line - _BEFORE, last_marked + after + 1):
        index = number - snippet.first_line
        if not 0 <= index < len(snippet.lines):
            continue
        line = snippet.lines[index]
        if not line.strip() and number != region.start_line:
            continue
        if region.start_line <= number <= last_marked:
            lines.extend(_marked(number, line, region))
        else:
            lines.append(FrameLine(number, code(line[:_COLUMNS]) + _ellipsis(line)))
    return lines


def last_line(region: Region) -> int:
    """The last line that a region has a character of: one that ends with a line end stops before the next line."""
    if region.end_column == 1 and region.end_line > region.start_line:
        return region.end_line - 1
    return region.end_line


def marked_columns(number: int, line: str, region: Region) -> tuple[int, int]:
    """Which part of a line a region covers: the first character and the one after the last, counted from 0.

    Indentation is left out where the region goes on from the line before; at least one column is marked.
    """
    indent = len(line) - len(line.lstrip())
    start = region.start_column - 1 if number == region.start_line else indent
    end = region.end_column - 1 if number == region.end_line else len(line.rstrip())
    start = min(start, len(line))
    return start, max(start + 1, min(end, len(line)))


def _ellipsis(line: str) -> str:
    return " …" if len(line) > _COLUMNS else ""


def _marked(number: int, line: str, region: Region) -> list[FrameLine]:
    """A line and its carets. Of a long line, the part around them is shown."""
    start, end = marked_columns(number, line, region)
    first = start - _LEAD if end > _COLUMNS and start > _LEAD else 0
    shown = line[first : first + _COLUMNS]
    lead = "… " if first else ""
    before = lead + code(shown[: start - first])
    meant = code(shown[start - first : end - first])
    carets = " " * width(before) + "^" * max(1, width(meant))
    text = lead + code(shown) + _ellipsis(line[first:])
    return [FrameLine(number, text.rstrip()), FrameLine(0, carets)]
