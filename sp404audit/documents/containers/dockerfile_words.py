"""The words of a Dockerfile: logical lines that know where each character stands, quoting, JSON arrays.

The splitting follows BuildKit's `frontend/dockerfile/parser/line_parsers.go`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from sp404audit.documents.containers.dockerfile_variables import expand

if TYPE_CHECKING:
    from sp404audit.documents.source import Source
    from sp404audit.results import Region

__all__ = ["Joined", "Word", "json_array", "quoted_words", "spaced_words", "unquote"]


class Joined:
    """An excerpt made of pieces of the file: a logical line without its continuation marks and comments.

    Args:
        source: the file.
        pieces: offsets (start, end) in the file's text, in order; empty ones are dropped.
    """

    __slots__ = ("_offsets", "_starts", "source", "text")

    def __init__(self, source: Source, pieces: list[tuple[int, int]]) -> None:
        self.source = source
        self._starts: list[int] = []
        self._offsets: list[int] = []
        texts = []
        length = 0
        for start, end in pieces:
            if end > start:
                self._starts.append(length)
                self._offsets.append(start)
                texts.append(source.text[start:end])
                length += end - start
        if not texts:
            self._starts.append(0)
            self._offsets.append(pieces[0][0] if pieces else 0)
        self.text = "".join(texts)

    def offset(self, position: int) -> int:
        """The offset in the file of the character at `position` of the text."""
        if len(self._starts) == 1:
            return self._offsets[0] + position
        piece = bisect_right(self._starts, position) - 1
        return self._offsets[piece] + position - self._starts[piece]

    def end_offset(self, position: int) -> int:
        """The offset in the file just after the character before `position`."""
        return self.offset(position - 1) + 1 if position > 0 else self.offset(0)

    def region(self, start: int, end: int) -> Region:
        """The region in the file of `text[start:end]`; continuation marks and comments between are inside it."""
        first = self.offset(start)
        return self.source.region(first, max(first, self.end_offset(end)) if end > start else first)

    def slice(self, start: int, end: int) -> Joined:
        """The excerpt of `text[start:end]`."""
        end = min(end, len(self.text))
        pieces = []
        piece = max(bisect_right(self._starts, start) - 1, 0)
        while piece < len(self._starts) and self._starts[piece] < end:
            begin = self._starts[piece]
            stop = self._starts[piece + 1] if piece + 1 < len(self._starts) else len(self.text)
            origin = self._offsets[piece] - begin
            pieces.append((origin + max(begin, start), origin + min(stop, end)))
            piece += 1
        return Joined(self.source, pieces or [(self.offset(start), self.offset(start))])

    def followed_by(self, pieces: list[tuple[int, int]]) -> Joined:
        """This excerpt with further pieces of the file at its end."""
        own = []
        for index, offset in enumerate(self._offsets):
            stop = self._starts[index + 1] if index + 1 < len(self._starts) else len(self.text)
            own.append((offset, offset + stop - self._starts[index]))
        return Joined(self.source, own + pieces)


class Word:
    """A word of an instruction.

    Attributes:
        excerpt: the logical line that it is part of.
        start: where it begins in the excerpt's text.
        end: where it ends there.
    """

    __slots__ = ("_value", "end", "excerpt", "start")

    def __init__(self, excerpt: Joined, start: int, end: int, value: str | None = None) -> None:
        self.excerpt = excerpt
        self.start = start
        self.end = end
        self._value = value

    @property
    def text(self) -> str:
        """The word as written, quotes and all."""
        return self.excerpt.text[self.start : self.end]

    @property
    def value(self) -> str:
        """The text that it stands for: decoded in a JSON array, else as written."""
        return self.text if self._value is None else self._value

    @property
    def region(self) -> Region:
        """Where it stands."""
        return self.excerpt.region(self.start, self.end)

    def part(self, start: int, end: int) -> Word:
        """The word made of `text[start:end]`."""
        return Word(self.excerpt, self.start + start, self.start + end)

    def __repr__(self) -> str:
        return f"Word({self.value!r})"


@cache
def _spaced() -> re.Pattern[str]:
    return re.compile(r"[^\t\v\f\r ]+")


def spaced_words(excerpt: Joined, start: int = 0) -> list[Word]:
    """Split at blanks and nothing else, as FROM, EXPOSE, COPY and VOLUME are."""
    return [Word(excerpt, match.start(), match.end()) for match in _spaced().finditer(excerpt.text, start)]


@cache
def _quoted(escape: str) -> re.Pattern[str]:
    mark = re.escape(escape)
    # Possessive, so that a long word costs one pass. An unclosed quote runs to the end.
    return re.compile(
        rf"(?:[^\s'\"{mark}]|{mark}(?:.|\Z)|\"(?:[^\"{mark}]|{mark}(?:.|\Z))*+\"?|'[^']*+'?)++", re.DOTALL
    )


def quoted_words(excerpt: Joined, start: int = 0, escape: str = "\\") -> Iterator[Word]:
    """Split at blanks outside quotes, as ENV, LABEL and ARG are; quotes stay part of the words."""
    for match in _quoted(escape).finditer(excerpt.text, start):
        yield Word(excerpt, match.start(), match.end())


def unquote(text: str, escape: str = "\\") -> str:
    """Take quotes and escapes away, replacing no variable."""
    if not any(mark in text for mark in ("'", '"', escape)):
        return text
    found = expand(text, lambda name: f"${{{name}}}", escape)
    return text if found.value is None else found.value


@cache
def _json_string() -> re.Pattern[str]:
    return re.compile(r'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+)"')


def json_array(excerpt: Joined, start: int = 0) -> list[Word] | None:
    """Read a JSON array of strings (exec form).

    Returns:
        its strings as words, or None when the text is no such array: BuildKit then takes it for a shell command.
    """
    text = excerpt.text
    position = _skip_blanks(text, start)
    if not text.startswith("[", position):
        return None
    words: list[Word] = []
    position = _skip_blanks(text, position + 1)
    if text.startswith("]", position):
        return words if _skip_blanks(text, position + 1) == len(text) else None
    while (match := _json_string().match(text, position)) is not None:
        words.append(Word(excerpt, match.start(), match.end(), _decode_json(match[1])))
        position = _skip_blanks(text, match.end())
        if text.startswith("]", position):
            return words if _skip_blanks(text, position + 1) == len(text) else None
        if not text.startswith(",", position):
            return None
        position = _skip_blanks(text, position + 1)
    return None


@cache
def _blanks() -> re.Pattern[str]:
    return re.compile(r"[ \t\r\n\v\f]*+")


def _skip_blanks(text: str, position: int) -> int:
    match = _blanks().match(text, position)
    return match.end() if match else position


def _decode_json(body: str) -> str:
    if "\\" not in body:
        return body
    import json

    return str(json.loads(f'"{body}"'))
