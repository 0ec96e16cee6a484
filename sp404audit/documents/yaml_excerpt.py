"""The way from a character of a scalar's value back to its place in the file."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

from sp404audit.lazy import regex
from sp404audit.results import Region

if TYPE_CHECKING:
    from sp404audit.documents.source import Source
    from sp404audit.documents.yaml_tree import Scalar

__all__ = ["ScalarExcerpt"]

_LINE_END = regex(r"\r\n|\n|\r|$")
_ESCAPE = regex(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_BLANK_OR_NOT = regex(r"\s+|\S+")
_BLANK_ESCAPES = frozenset(
    "tn r_NLP\t\n\r0abve"
)  # those that stand for white space, a line fold or a control character


class ScalarExcerpt:
    """The text of a scalar, with the way back to places in its file (an `Excerpt`).

    Exact for plain and quoted scalars and for both kinds of block: the characters of the value that are not white
    space stand in the file in the same order, whatever was folded, indented or escaped between them.
    """

    def __init__(self, scalar: Scalar, source: Source) -> None:
        self.text = scalar.value
        self.scalar = scalar
        self.source = source

    @cached_property
    def _first(self) -> int:
        """The offset in the file of the first character of the value's own text."""
        start = self.scalar.start.index
        if self.scalar.style in ("|", ">"):
            line_end = _LINE_END.search(self.source.text, start)
            return line_end.end() if line_end else start
        return start + (1 if self.scalar.style else 0)

    @cached_property
    def _is_verbatim(self) -> bool:
        return self.source.text.startswith(self.text, self._first)

    @cached_property
    def _literal_lines(self) -> tuple[int, int, list[int]] | None:
        """Of a literal block: its first line, its indent, and where each line of the value begins."""
        if self.scalar.style != "|":
            return None
        lines = self.text.split("\n")
        first_line = self.source.position(self._first)[0]
        for number, line in enumerate(lines):
            if line.strip():
                in_file = self.source.line(first_line + number)
                if not in_file.endswith(line):
                    return None
                starts, offset = [], 0
                for each in lines:
                    starts.append(offset)
                    offset += len(each) + 1
                return first_line, len(in_file) - len(line), starts
        return None

    @cached_property
    def _offsets(self) -> list[int]:
        """For each character of the value, the offset in the file at which it stands."""
        raw = self.source.text
        end = self.scalar.end.index
        offsets: list[int] = []
        at = self._first
        for stretch in _BLANK_OR_NOT.finditer(self.text):
            characters = stretch.group()
            if characters[0].isspace():
                offsets += [at] * len(characters)
                continue
            at = _skip_blanks(raw, at, end)
            if raw.startswith(characters, at) and self.scalar.style not in ("'", '"'):
                offsets += range(at, at + len(characters))
                at += len(characters)
            else:
                at = self._append(offsets, characters, at)
        offsets.append(at)
        return offsets

    def _append(self, offsets: list[int], characters: str, at: int) -> int:
        """Add the offsets of a stretch without blanks one by one; return where it ends in the file."""
        raw = self.source.text
        end = self.scalar.end.index
        for _ in characters:
            at = _skip_blanks(raw, at, end)
            if self.scalar.style == '"':
                at = _skip_blank_escapes(raw, at, end)
            offsets.append(at)
            at += self._width(raw, at)
        return at

    def _width(self, raw: str, at: int) -> int:
        """How many characters of the file stand for the one character of the value at this place."""
        if self.scalar.style == '"' and raw.startswith("\\", at):
            escape = _ESCAPE.match(raw, at)
            return len(escape.group()) if escape else 1
        return 2 if self.scalar.style == "'" and raw.startswith("''", at) else 1

    def region(self, start: int, end: int) -> Region:
        """The region in the file of `text[start:end]`."""
        if self._is_verbatim:
            return self.source.region(self._first + start, self._first + end)
        if self._literal_lines is not None:
            return Region(*self._literal_place(start), *self._literal_place(end))
        last = self._offsets[end - 1] + 1 if end > start else self._offsets[start]
        return self.source.region(self._offsets[start], last)

    def _literal_place(self, offset: int) -> tuple[int, int]:
        assert self._literal_lines is not None
        first_line, indent, starts = self._literal_lines
        line = bisect_right(starts, offset) - 1
        return first_line + line, indent + offset - starts[line] + 1


def _skip_blanks(raw: str, at: int, end: int) -> int:
    """Go on past white space."""
    while at < end and raw[at].isspace():
        at += 1
    return at


def _skip_blank_escapes(raw: str, at: int, end: int) -> int:
    """Go on past escapes that stand for white space, a fold or a control character, and the blanks between them."""
    while at + 1 < end and raw[at] == "\\" and raw[at + 1] in _BLANK_ESCAPES:
        at = _skip_blanks(raw, at + 2, end)
    return at
