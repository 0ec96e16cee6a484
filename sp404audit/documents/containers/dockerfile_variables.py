"""Variables in a Dockerfile: what a word means once they are replaced, as far as that is known.

Quoting and the forms of `${…}` follow BuildKit's `shell.Lex` (`frontend/dockerfile/shell/lex.go`).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from functools import cache

from sp404audit.records import NamedTuple

__all__ = ["MAXIMAL_EXPANSION", "Expansion", "Lookup", "Missing", "expand"]

MAXIMAL_EXPANSION = 16_384
"""A longer value is taken for unknown: variables that double each other thirty times would fill the memory."""
_MAXIMAL_NESTING = 16
_MAXIMAL_PATTERN = 64


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
