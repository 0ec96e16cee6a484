"""The words of a Dockerfile: logical lines that know where each character stands, quoting, JSON arrays, variables.

The splitting follows BuildKit (`frontend/dockerfile/parser/line_parsers.go`), the replacement of variables its
`shell.Lex` (`frontend/dockerfile/shell/lex.go`).
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sp404audit.documents.source import Source
    from sp404audit.results import Region

__all__ = [
    "Expansion",
    "Joined",
    "Lookup",
    "Missing",
    "Word",
    "expand",
    "json_array",
    "quoted_words",
    "spaced_words",
    "unquote",
]

MAXIMAL_EXPANSION = 16_384
"""A longer value is taken for unknown: variables that double each other thirty times would fill the memory."""
_MAXIMAL_NESTING = 16
_MAXIMAL_PATTERN = 64


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
        value: the text that it stands for: decoded in a JSON array, else as written.
    """

    __slots__ = ("end", "excerpt", "start", "value")

    def __init__(self, excerpt: Joined, start: int, end: int, value: str | None = None) -> None:
        self.excerpt = excerpt
        self.start = start
        self.end = end
        self.value = self.text if value is None else value

    @property
    def text(self) -> str:
        """The word as written, quotes and all."""
        return self.excerpt.text[self.start : self.end]

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


class Missing(enum.Enum):
    """Why a variable has no value."""

    UNSET = "declared without a value: whoever builds may give one"
    UNKNOWN = "not declared here: the base image may set it"


class Expansion(NamedTuple):
    """A text with its variables replaced.

    Attributes:
        value: the text; None when it hangs on a variable that has no value here.
        unknown: the names of those variables.
        used: the names of all variables that were asked for.
    """

    value: str | None
    unknown: tuple[str, ...] = ()
    used: tuple[str, ...] = ()


Lookup = Callable[[str], "str | Missing"]
"""A variable's value, or why there is none."""


class _RefusedError(Exception):
    """The budget of an expansion is spent, or a brace is not closed."""


class _Expander:
    """One pass over one word; `position` moves forward only, so the work is linear in the word's length."""

    __slots__ = ("escape", "length", "lookup", "position", "text", "unknown", "used")

    def __init__(self, text: str, lookup: Lookup, escape: str) -> None:
        self.text = text
        self.lookup = lookup
        self.escape = escape
        self.position = 0
        self.length = 0
        self.unknown: list[str] = []
        self.used: list[str] = []

    def run(self, depth: int = 0, stop: str = "") -> str | None:
        """Expand up to the character `stop` outside quotes; None when a variable in it has no value."""
        if depth > _MAXIMAL_NESTING:
            raise _RefusedError
        parts: list[str] = []
        known = True
        quote = ""
        while self.position < len(self.text):
            character = self.text[self.position]
            if character == stop and not quote:
                break
            if character in "'\"" and quote in ("", character):
                quote = "" if quote else character
                self.position += 1
                continue
            part = self._part(character, quote, stop, depth)
            if part is None:
                known = False
                continue
            parts.append(part)
            self.length += len(part)
            if self.length > MAXIMAL_EXPANSION:
                raise _RefusedError
        return "".join(parts) if known else None

    def _part(self, character: str, quote: str, stop: str, depth: int) -> str | None:
        if quote != "'" and character == "$":
            return self._variable(depth)
        if quote != "'" and character == self.escape:
            return self._escaped(quote)
        return self._plain(quote, stop)

    def _plain(self, quote: str, stop: str) -> str:
        """Take this character and all up to the next one that may mean something."""
        marks = ("'",) if quote == "'" else ("$", "'", '"', self.escape, stop)
        start, end = self.position, self.position + 1
        while end < len(self.text) and self.text[end] not in marks:
            end += 1
        self.position = end
        return self.text[start:end]

    def _escaped(self, quote: str) -> str:
        following = self.text[self.position + 1 : self.position + 2]
        self.position += 2
        # Inside double quotes only what would mean something there can be escaped.
        if not following or (quote == '"' and following not in ('"', "$", self.escape)):
            return self.escape + following
        return following

    def _variable(self, depth: int) -> str | None:
        self.position += 1
        if not self.text.startswith("{", self.position):
            name = self._name()
            return self._known(name, self._value(name)) if name else "$"
        self.position += 1
        name = self._name()
        if not name:
            raise _RefusedError
        value = self._modified(name, depth)
        if not self.text.startswith("}", self.position):
            raise _RefusedError
        self.position += 1
        return value

    def _name(self) -> str:
        match = _name_pattern().match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return match[0]

    def _value(self, name: str) -> str | Missing:
        self.used.append(name)
        return self.lookup(name)

    def _known(self, name: str, value: str | Missing) -> str | None:
        if isinstance(value, Missing):
            self.unknown.append(name)
            return None
        return value

    def _modified(self, name: str, depth: int) -> str | None:
        """Apply what stands between the name and the closing brace: `:-`, `-`, `:+`, `+`, `:?`, `?`, `#`, `%`, `/`."""
        value = self._value(name)
        match = _modifier_pattern().match(self.text, self.position)
        if match is None:
            return self._known(name, value)
        modifier = match[0]
        self.position = match.end()
        unknown_before = len(self.unknown)
        argument = self.run(depth + 1, "/" if modifier.startswith("/") else "}")
        replacement: str | None = ""
        if modifier.startswith("/") and self.text.startswith("/", self.position):
            self.position += 1
            replacement = self.run(depth + 1, "}")
        if modifier[-1] == "-":
            if value is Missing.UNSET or (value == "" and modifier == ":-"):
                return argument
            # The default is not taken, so what it hangs on does not matter.
            del self.unknown[unknown_before:]
            return self._known(name, value)
        known = self._known(name, value)
        if known is None or modifier[-1] == "?":
            return known
        if modifier[-1] == "+":
            return argument if known or modifier == "+" else ""
        return None if argument is None or replacement is None else _edited(known, modifier, argument, replacement)


def _edited(value: str, modifier: str, pattern: str, replacement: str) -> str | None:
    """The value of `${X#pattern}` and its kin; None when the pattern is too costly to apply."""
    if len(pattern) > _MAXIMAL_PATTERN or pattern.count("*") > 2:
        return None
    greedy = modifier in ("##", "%%", "/", "//")
    body = _glob(pattern, greedy=greedy)
    if modifier in ("#", "##"):
        return re.sub(rf"\A(?:{body})", "", value, count=1, flags=re.DOTALL)
    if modifier == "%%":
        return re.sub(rf"(?:{body})\Z", "", value, count=1, flags=re.DOTALL)
    if modifier == "%":
        # The shortest suffix: search from the end for the last place where the pattern matches up to the end.
        suffix = re.compile(rf"(?:{body})\Z", re.DOTALL)
        for start in range(len(value), max(len(value) - 1024, -1), -1):
            if suffix.match(value, start):
                return value[:start]
        return value
    return re.sub(body, lambda _: replacement, value, count=0 if modifier == "//" else 1, flags=re.DOTALL)


def _glob(pattern: str, *, greedy: bool) -> str:
    marks = {"*": ".*" if greedy else ".*?", "?": "."}
    return "".join(marks.get(character) or re.escape(character) for character in pattern)


@cache
def _name_pattern() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]", re.ASCII)


@cache
def _modifier_pattern() -> re.Pattern[str]:
    return re.compile(r":[-+?]|[-+?]|##|#|%%|%|//|/")


def expand(text: str, lookup: Lookup, escape: str = "\\") -> Expansion:
    """Take quotes away and replace variables, as BuildKit does in every instruction but RUN, CMD and ENTRYPOINT.

    Args:
        text: a word as written.
        lookup: the variables in scope.
        escape: the escape character of the file.

    Returns:
        the value, or none when a variable is unknown, the syntax is broken, or the result is beyond the budget.
    """
    if "$" not in text and not any(mark in text for mark in ("'", '"', escape)):
        return Expansion(text)
    expander = _Expander(text, lookup, escape)
    try:
        value = expander.run()
    except _RefusedError:
        value = None
    return Expansion(value, tuple(dict.fromkeys(expander.unknown)), tuple(dict.fromkeys(expander.used)))
