"""Files of environment variables: `.env` and its kin, as docker compose reads them.

The grammar is that of compose-go's `dotenv` package (https://github.com/compose-spec/compose-go): `export` is allowed,
`:` may stand for `=`, single quotes are literal, double quotes know escapes, both may span lines, and ` #` begins a
comment behind a bare value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import ClassVar

from sp404audit.documents.model import Document, Fact
from sp404audit.documents.secrets.words import holds_url_password, is_reference, names_secret
from sp404audit.documents.source import Source
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Region

__all__ = ["MASK", "Dotenv", "DotenvFile", "Entry", "parse"]

MASK = "********"
"""Stands in facts for the value of a credential."""

MAX_ENTRIES = 50_000
_MAX_VALUE = 4096  # longer values are no settings, and could double from line to line
_MAX_REFERENCES = 50
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Entry:
    """One variable.

    Attributes:
        name: of the variable.
        value: with quotes and escapes removed, `$` left as it is; None when the line names it without giving a value.
        quote: the quotation mark around the value, or nothing.
    """

    __slots__ = ("_name_span", "_source", "_value_span", "name", "quote", "value")

    def __init__(
        self,
        source: Source,
        name: str,
        value: str | None,
        quote: str,
        name_span: tuple[int, int],
        value_span: tuple[int, int],
    ) -> None:
        self._source = source
        self.name = name
        self.value = value
        self.quote = quote
        self._name_span = name_span
        self._value_span = value_span

    @property
    def region(self) -> Region:
        """Where its name stands."""
        return self._source.region(*self._name_span)

    @property
    def value_region(self) -> Region:
        """Where its value stands, quotes included; empty when there is none."""
        return self._source.region(*self._value_span)

    @property
    def is_reference(self) -> bool:
        """Whether the value says where the real one is: a variable, a store, a ciphertext."""
        return self.value is not None and self.quote != "'" and is_reference(self.value)

    @property
    def holds_secret(self) -> bool:
        """Whether name or form of the value say that it is a credential."""
        return bool(self.value) and (names_secret(self.name) or holds_url_password(self.value or ""))

    def __repr__(self) -> str:
        return f"Entry({self.name!r})"  # never the value


class DotenvFile(NamedTuple):
    """What other files may take from an environment file.

    Attributes:
        location: of the file.
        values: name and value of each variable that has one, references to earlier ones put in; the value of a
            credential is `MASK`.
        inherited: the variables that are named without a value.
    """

    location: Location
    values: tuple[tuple[str, str], ...]
    inherited: tuple[str, ...]


class Dotenv(Document):
    """An environment file: its variables in source order."""

    kinds: ClassVar[tuple[str, ...]] = ("dotenv",)

    def __init__(self, source: Source, entries: list[Entry]) -> None:
        super().__init__(source)
        self.entries = entries

    def facts(self) -> Iterator[Fact]:
        """Yield what compose and others put into their own files."""
        from sp404audit.documents.compose.interpolation import parse as parse_template

        values: dict[str, str] = {}
        for entry in self.entries:
            value = entry.value
            if value is None:
                continue
            if entry.holds_secret and not entry.is_reference:
                value = MASK
            elif "$" in value and entry.quote != "'" and value.count("$") <= _MAX_REFERENCES:
                value = parse_template(value).evaluate(values.get, "") or ""
            values[entry.name] = value[:_MAX_VALUE]
        inherited = tuple(entry.name for entry in self.entries if entry.value is None)
        yield DotenvFile(Location(self.source.path), tuple(values.items()), inherited)


def parse(source: Source) -> Dotenv:
    """Read an environment file. Lines that are none of its grammar are passed over, as far as they reach."""
    text = source.text
    entries: list[Entry] = []
    at = 0
    while at < len(text) and len(entries) < MAX_ENTRIES:
        start = _beginning().match(text, at)
        if start is None:
            at = _next_line(text, at)
            continue
        name_span = start.span(1)
        if not start[2]:
            entries.append(Entry(source, start[1], None, "", name_span, (start.end(), start.end())))
            at = _next_line(text, start.end())
            continue
        value, quote, end = _value(text, start.end())
        entries.append(Entry(source, start[1], value, quote, name_span, (start.end(), end)))
        at = _next_line(text, end)
    return Dotenv(source, entries)


def _next_line(text: str, at: int) -> int:
    match = _line_end().search(text, at)
    return match.end() if match else len(text)


def _value(text: str, at: int) -> tuple[str, str, int]:
    """Read a value: its text, its quotation mark, and where it ends."""
    quote = text[at : at + 1]
    if quote == "'" and (end := text.find("'", at + 1)) > 0:
        return text[at + 1 : end], quote, end + 1
    if quote == '"' and (match := _double_quoted().match(text, at)):
        return _unescaped(match[1]), quote, match.end()
    match = _bare().match(text, at)
    assert match is not None  # it matches the empty string
    bare = match[0].rstrip()
    return bare, "", at + len(bare)


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _escape().sub(lambda match: _ESCAPES.get(match[1], match[0] if match[1] == "$" else match[1]), text)


@cache
def _beginning() -> re.Pattern[str]:
    return re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.\-]*)(?:[ \t]*([=:])[ \t]*|[ \t]*(?=[\r\n]|\Z))")


@cache
def _bare() -> re.Pattern[str]:
    return re.compile(r"(?:(?![ \t]#)[^\r\n])*")


@cache
def _double_quoted() -> re.Pattern[str]:
    return re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)


@cache
def _escape() -> re.Pattern[str]:
    return re.compile(r"\\(.)", re.DOTALL)


@cache
def _line_end() -> re.Pattern[str]:
    return re.compile(r"\r\n|\n|\r")
