"""The text of one file, and the way from an offset in it to a line and a column."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Protocol

from sp404audit.lazy import regex
from sp404audit.results import Level, Region

__all__ = ["DocumentError", "Excerpt", "Problem", "Source"]

_LINE_END = regex(r"\r\n|\n|\r")
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class Problem:
    """A part of a file that could not be read; the rest of the file is audited. Becomes a notification."""

    __slots__ = ("id", "level", "message", "region")

    def __init__(self, id: str, message: str, region: Region | None = None, level: Level = "error") -> None:  # noqa: A002
        self.id = id
        self.message = message
        self.region = region
        self.level: Level = level


class DocumentError(Exception):
    """A file that could not be read at all: `problem` says why and where."""

    def __init__(self, id: str, message: str, region: Region | None = None, level: Level = "error") -> None:  # noqa: A002
        super().__init__(message)
        self.problem = Problem(id, message, region, level)


class Source:
    """The decoded text of one file.

    Args:
        path: relative to the audited root, with `/`.
        data: the file's bytes. A byte order mark is dropped and counts in no column; UTF-16 with a mark is decoded;
            bytes that are not UTF-8 become surrogate escapes, and `malformed_at` is the offset of the first.

    Lines end with LF, CRLF or CR, as in GitHub and editors; U+0085, U+2028 and U+2029 end none.
    """

    __slots__ = ("_starts", "data", "malformed_at", "path", "text")

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.malformed_at: int | None = None
        self.text = self._decode(data)
        self._starts: list[int] | None = None

    def _decode(self, data: bytes) -> str:
        encoding = "utf-8"
        for mark, name in _BYTE_ORDER_MARKS:
            if data.startswith(mark):
                data, encoding = data[len(mark) :], name
                break
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            text = data[: error.start].decode(encoding, "replace")
            self.malformed_at = len(text)
            return data.decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")

    @property
    def starts(self) -> list[int]:
        """The offset at which each line begins."""
        if self._starts is None:
            if "\r" in self.text:
                self._starts = [0, *(match.end() for match in _LINE_END.finditer(self.text))]
            else:  # as nearly always: the same, several times as fast
                lengths = map(len, self.text.split("\n")[:-1])
                self._starts = [0, *accumulate(map((1).__add__, lengths))]
        return self._starts

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column (both from 1) of the character at `offset`."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def region(self, start: int, end: int) -> Region:
        """The region of `text[start:end]`."""
        return Region(*self.position(start), *self.position(end))

    def offset(self, line: int, column: int = 1) -> int:
        """The offset of a line and column (both from 1); the way back from `position`."""
        return self.starts[line - 1] + column - 1

    def line(self, number: int) -> str:
        """Line `number` (from 1) without its line end; empty when there is none."""
        starts = self.starts
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")

    def line_region(self, number: int) -> Region:
        """The region of line `number` from its first character that is not blank."""
        text = self.line(number)
        indent = len(text) - len(text.lstrip())
        return Region(number, indent + 1, number, max(len(text), indent) + 1)

    @property
    def line_count(self) -> int:
        """How many lines the file has; a last line end begins no new one."""
        starts = self.starts
        return len(starts) - 1 if len(starts) > 1 and starts[-1] == len(self.text) else len(starts)


class Excerpt(Protocol):
    """A stretch of a file as text, with the way back to places in the file. A `Source` is one."""

    @property
    def text(self) -> str:
        """The text."""

    def region(self, start: int, end: int) -> Region:
        """The region in the file of `text[start:end]`."""
