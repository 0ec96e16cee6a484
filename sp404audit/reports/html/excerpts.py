"""Code on the page: the lines around a finding with the part that is meant, and a remedy as a diff.

No file is read: both are made from the lines that the result brought along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import code, line
from sp404audit.reports.frames import last_line, marked_columns
from sp404audit.reports.html.texts import Place, Places
from sp404audit.results import WHOLE_FILE, Edit, Location, Region, Result, Snippet

__all__ = ["Change", "CodeLine", "DiffLine", "change", "excerpt"]

_BEFORE, _MARKED, _AFTER = 2, 5, 2
_COLUMNS = 160
_LEAD = 40
_DIFF_LINES = 24
_SIGNS = ("-", "+", " ")
_SNIPPET_WIDTH = 500
"""Triage cuts longer lines: what stands behind is not known here, and no diff of it can be drawn."""


class CodeLine(NamedTuple):
    """A line of source in three parts, of which `marked` is what the finding is about. `number` counts from 1."""

    number: int
    before: str
    marked: str
    after: str


class DiffLine(NamedTuple):
    """A line of a diff: `sign` is a blank, `-` or `+`."""

    sign: str
    text: str


class Change(NamedTuple):
    """A remedy: what it does, whether it can change anything else, and its lines; `place` when they are elsewhere."""

    description: str
    safe: bool
    place: Place | None
    lines: tuple[DiffLine, ...]
    more: bool


def excerpt(snippet: Snippet | None, region: Region) -> tuple[CodeLine, ...]:
    """The lines of a region with two before and after; a region of many lines is cut after five.

    Returns:
        Nothing where there is no snippet, or where the whole file is meant.
    """
    if snippet is None or region == WHOLE_FILE:
        return ()
    end = last_line(region)
    last_marked = min(end, region.start_line + _MARKED - 1)
    last = last_marked + (_AFTER if last_marked == end else 0)
    numbered = [
        (number, snippet.lines[number - snippet.first_line])
        for number in range(max(region.start_line - _BEFORE, snippet.first_line), last + 1)
        if number - snippet.first_line < len(snippet.lines)
    ]
    while numbered and not numbered[-1][1].strip() and numbered[-1][0] > last_marked:
        numbered.pop()
    while numbered and not numbered[0][1].strip() and numbered[0][0] < region.start_line:
        numbered.pop(0)
    return tuple(
        _marked(number, source, region) if region.start_line <= number <= last_marked else _plain(number, source)
        for number, source in numbered
    )


def _plain(number: int, source: str) -> CodeLine:
    return CodeLine(number, code(source[:_COLUMNS].rstrip()) + _ellipsis(source), "", "")


def _marked(number: int, source: str, region: Region) -> CodeLine:
    """A line and the part of it that is meant; of a long line, what is around that part."""
    start, end = marked_columns(number, source, region)
    first = start - _LEAD if end > _COLUMNS and start > _LEAD else 0
    end = min(end, first + _COLUMNS)
    rest = source[end : first + _COLUMNS].rstrip()
    lead = "… " if first else ""
    return CodeLine(
        number,
        lead + code(source[first:start]),
        code(source[start:end].ljust(end - start)),
        code(rest) + _ellipsis(source[first:]),
    )


def _ellipsis(source: str) -> str:
    return " …" if len(source.rstrip()) > _COLUMNS else ""


def change(result: Result, places: Places) -> Change | None:
    """A result's fix as a diff of the lines around it; where those do not show it, as the lines that it writes."""
    fix = result.fix
    if fix is None:
        return None
    lines = _diff(result.location.path, result.snippet, fix.edits)
    where = None
    if lines is None:
        where = next((places(Location(edit.path, edit.region)) for edit in fix.edits), None)
        lines = [DiffLine("+", code(text[:_COLUMNS])) for edit in fix.edits for text in edit.text.splitlines()]
    shown = tuple(lines[:_DIFF_LINES])
    return Change(line(fix.description), fix.safe, where, shown, len(lines) > len(shown))


def _diff(path: str, snippet: Snippet | None, edits: Iterable[Edit]) -> list[DiffLine] | None:
    """The changed lines with one around them, or None when an edit lies outside of the lines that are known."""
    if snippet is None:
        return None
    text = "\n".join(snippet.lines)
    for edit in sorted(edits, key=lambda edit: edit.region, reverse=True):
        span = _span(snippet, edit.region)
        if edit.path != path or span is None:
            return None
        text = text[: span[0]] + edit.text + text[span[1] :]
    return list(_compared(snippet.lines, text.split("\n")))


def _span(snippet: Snippet, region: Region) -> tuple[int, int] | None:
    """Where a region lies in the snippet's text: offset of its start and of its end."""
    start = _offset(snippet.lines, region.start_line - snippet.first_line, region.start_column)
    end = _offset(snippet.lines, region.end_line - snippet.first_line, region.end_column)
    return None if start is None or end is None or end < start else (start, end)


def _offset(lines: Sequence[str], index: int, column: int) -> int | None:
    if not 0 <= index < len(lines) or len(lines[index]) >= _SNIPPET_WIDTH or not 1 <= column <= len(lines[index]) + 1:
        return None
    return sum(len(each) + 1 for each in lines[:index]) + column - 1


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffLine]:
    import difflib

    for text in list(difflib.unified_diff(list(old), list(new), n=1, lineterm=""))[2:]:
        if text[:1] in _SIGNS:
            yield DiffLine(text[0], code(text[1 : _COLUMNS + 1]) + _ellipsis(text[1:]))
