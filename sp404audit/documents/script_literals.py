"""What a JavaScript or TypeScript configuration file exports, as far as it is written down literally.

`jest.config.ts`, `vite.config.mjs` and their like are programs: they are never run. A tokeniser and a reader of literal
values find the exported object through the usual wrappings (`defineConfig(…)`, `mergeConfig(a, {…})`, a constant
exported by name, an arrow function that returns an object, `as` and `satisfies`). Whatever is computed is *unknown*: a
caller can tell "not set" from "cannot be known".
"""

from __future__ import annotations

import re
from typing import Literal

from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["UNKNOWN", "Value", "exported", "is_one_value", "read_json5"]

_DEPTH = 64
_TOKEN_LIMIT = 200_000
_TOKEN = regex(
    r"""
      (?P<space>[\s\ufeff]+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)
    | (?P<string>"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'|`(?:[^`\\]|\\[\s\S])*`)
    | (?P<number>(?:0[xXbBoO][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)n?)
    | (?P<name>[A-Za-z_$][\w$]*)
    | (?P<mark>=>|\.\.\.|\?\?|\|\||&&|[=!]==?|[-+*/%<>]=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_REGEX = regex(r"/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_QUOTES = ("'", '"', "`")
_OPERATORS = frozenset("?+-*/%<>.[(") | {"??", "||", "&&", "==", "===", "!=", "!=="}
_WRAPPERS = regex(r"define\w*|mergeConfig|merge|withNuxt")
_CLOSING = {"{": "}", "[": "]", "(": ")"}


class Value(NamedTuple):
    """A literal, or what is known of one.

    `kind` is `object`, `array`, `scalar` or `unknown`. `literal` is a scalar's value; `entries` are an object's keys;
    `items` an array's elements. `complete` is False for an object with spreads or computed keys: a key that is not in
    `entries` may still be set.
    """

    kind: Literal["object", "array", "scalar", "unknown"]
    start: int = 0
    end: int = 0
    literal: str | int | float | bool | None = None
    entries: dict[str, Value] = {}  # noqa: RUF012 - never changed after the reader filled it
    items: tuple[Value, ...] = ()
    complete: bool = True

    def get(self, *path: str) -> Value | None:
        """Follow keys into objects.

        Returns:
            The value; None when it is certainly not set; an `unknown` value when it cannot be known.
        """
        value = self
        for key in path:
            if value.kind == "unknown":
                return value
            if value.kind != "object":
                return None
            inner = value.entries.get(key)
            if inner is None:
                return None if value.complete else UNKNOWN
            value = inner
        return value


UNKNOWN = Value("unknown", complete=False)
"""What is computed, imported or otherwise not written down."""


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


def _tokens(text: str) -> list[_Token]:
    """Split a module; stop where a string, a comment or a regular expression is never closed (and stay linear)."""
    tokens: list[_Token] = []
    at = 0
    while at < len(text) and len(tokens) < _TOKEN_LIMIT:
        match = _TOKEN.match(text, at)
        if match is None:  # cannot be: `mark` takes any character
            break
        kind = match.lastgroup or "mark"
        if match.group() in ("/", "/=") and kind == "mark":
            if text.startswith("/*", at):
                break
            if _expects_operand(tokens):
                match = _REGEX.match(text, at)
                kind = "regex"
        if match is None or (kind == "mark" and match.group() in _QUOTES):
            break
        if kind != "space":
            tokens.append(_Token(kind, match.group(), at))
        at = match.end()
    return tokens


def _expects_operand(tokens: list[_Token]) -> bool:
    """Tell whether a slash here begins a regular expression and is no division."""
    if not tokens:
        return True
    last = tokens[-1]
    return last.text == "return" or (last.kind == "mark" and last.text not in (")", "]", "}"))


def _brackets(tokens: list[_Token]) -> list[int]:
    """For each opening bracket the position of its closing one; the number of tokens where there is none."""
    closing = [len(tokens)] * len(tokens)
    opened: list[int] = []
    for at, token in enumerate(tokens):
        if token.kind != "mark":
            continue
        if token.text in _CLOSING:
            opened.append(at)
        elif opened and token.text in (")", "]", "}"):
            closing[opened.pop()] = at
    return closing


def exported(text: str) -> Value:
    """Read what a configuration module exports.

    Args:
        text: the module's source, JavaScript or TypeScript.

    Returns:
        The exported object; an unknown value when it is computed.
    """
    return _Reader(text).exported()


def read_json5(text: str) -> Value:
    """Read a JSON5 (or JSON with comments) document; parts that are no literal are unknown."""
    return _Reader(text).value(0, _DEPTH)[0]


def is_one_value(text: str) -> bool:
    """Whether a text is one JSON5 value: every bracket closed, and nothing behind it."""
    reader = _Reader(text)
    if not reader.tokens or reader.text_at(0) not in _CLOSING:
        return False
    last = reader.tokens[-1]
    rest = text[last.start + len(last.text) :].lstrip()
    if (rest and not rest.startswith(("//", "/*"))) or reader.closing(0) != reader.size - 1:
        return False
    opened = (at for at, token in enumerate(reader.tokens) if token.kind == "mark" and token.text in _CLOSING)
    return all(reader.closing(at) < reader.size for at in opened)


class _Reader:
    """Reads values at positions of a token list; every method returns the value and the position behind it."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.size = len(self.tokens)
        self.brackets = _brackets(self.tokens)
        self.constants: dict[str, int] | None = None
        self.values: dict[str, Value] = {}

    def text_at(self, at: int) -> str:
        return self.tokens[at].text if 0 <= at < self.size else ""

    def exported(self) -> Value:
        for at in range(self.size):
            text = self.text_at(at)
            if text == "export" and self.text_at(at + 1) in ("default", "="):
                return self.value(at + 2, _DEPTH)[0]
            if text == "exports" and self.text_at(at - 1) == "." and self.text_at(at + 1) == "=":
                return self.value(at + 2, _DEPTH)[0]
            if text == "default" and self.text_at(at - 2) == "exports" and self.text_at(at + 1) == "=":
                return self.value(at + 2, _DEPTH)[0]
        return UNKNOWN

    def value(self, at: int, depth: int) -> tuple[Value, int]:
        """Read an expression; what follows it decides whether it was only an operand of a computation."""
        value, end = self.operand(at, depth)
        while self.text_at(end) in ("as", "satisfies", "!"):
            end = self.after_type(end + 1) if self.text_at(end) != "!" else end + 1
        if self.text_at(end) in _OPERATORS and end < self.size:
            return UNKNOWN, self.expression_end(end)
        return value, end

    def operand(self, at: int, depth: int) -> tuple[Value, int]:
        if at >= self.size or depth <= 0:
            return UNKNOWN, self.expression_end(at)
        token = self.tokens[at]
        if token.kind == "string":
            return self.string(token), at + 1
        if token.kind == "number":
            return self.number(token, token.text, token.start), at + 1
        if token.text in ("-", "+") and at + 1 < self.size and self.tokens[at + 1].kind == "number":
            following = self.tokens[at + 1]
            return self.number(following, token.text + following.text, token.start), at + 2
        if token.text == "{":
            return self.object(at, depth)
        if token.text == "[":
            return self.array(at, depth)
        if token.text == "(":
            return self.parenthesised(at, depth)
        if token.kind == "name":
            return self.named(at, depth)
        return UNKNOWN, self.expression_end(at)

    def string(self, token: _Token) -> Value:
        inner = token.text[1:-1]
        end = token.start + len(token.text)
        if token.text[0] == "`" and "${" in inner:
            return Value("unknown", token.start, end, complete=False)
        if "\\" in inner:
            inner = re.sub(r"\\([\s\S])", r"\1", inner)
        return Value("scalar", token.start, end, inner)

    def number(self, token: _Token, text: str, start: int) -> Value:
        end = token.start + len(token.text)
        try:
            number = float(text.replace("_", "")) if len(text) < 40 else None
        except ValueError:  # hexadecimal and its like: no configuration that is read here is written so
            number = None
        if number is None:
            return Value("unknown", start, end, complete=False)
        return Value("scalar", start, end, number)

    def parenthesised(self, at: int, depth: int) -> tuple[Value, int]:
        closing = self.closing(at)
        following = closing + 1
        if self.text_at(following) == ":":  # the return type of an arrow function
            following = self.after_type(following + 1)
        if self.text_at(following) == "=>":
            return self.function_body(following + 1, depth)
        return self.value(at + 1, depth - 1)[0], closing + 1

    def function_body(self, at: int, depth: int) -> tuple[Value, int]:
        """What a function returns, when its body is an object or holds one `return` that is not nested in a block."""
        if self.text_at(at) != "{":
            return self.value(at, depth - 1)
        closing = self.closing(at)
        returned = UNKNOWN
        seen = 0
        inner = at + 1
        while inner < closing:
            text = self.text_at(inner)
            if text == "return":
                seen += 1
                returned = self.value(inner + 1, depth - 1)[0]
                inner += 1
            elif text in _CLOSING:
                block = self.closing(inner)
                seen += any(self.tokens[i].text == "return" for i in range(inner, min(block, self.size)))
                inner = block + 1
            else:
                inner += 1
        return (returned if seen == 1 else UNKNOWN), closing + 1

    def named(self, at: int, depth: int) -> tuple[Value, int]:
        token = self.tokens[at]
        words: dict[str, bool | None] = {"true": True, "false": False, "null": None, "undefined": None}
        if token.text in words:
            return Value("scalar", token.start, token.start + len(token.text), words[token.text]), at + 1
        if token.text in ("async", "await"):
            return self.operand(at + 1, depth - 1)
        if token.text == "function":
            return self.function(at, depth)
        if self.text_at(at + 1) == "=>":
            return self.function_body(at + 2, depth)
        if self.text_at(at + 1) == "(":
            return self.call(at, depth)
        return self.constant(token.text, depth), at + 1

    def function(self, at: int, depth: int) -> tuple[Value, int]:
        while at < self.size and self.text_at(at) != "(":
            at += 1
        at = self.closing(at) + 1
        while at < self.size and self.text_at(at) != "{":
            at += 1
        return self.function_body(at, depth)

    def call(self, at: int, depth: int) -> tuple[Value, int]:
        """`defineConfig({…})` is its argument; of `mergeConfig(base, {…})` only the literal parts are known."""
        name = self.text_at(at)
        closing = self.closing(at + 1)
        if not _WRAPPERS.fullmatch(name):
            return UNKNOWN, closing + 1
        arguments: list[Value] = []
        inner = at + 2
        while inner < closing:
            value, end = self.value(inner, depth - 1)
            arguments.append(value)
            inner = max(self.argument_end(end, closing), inner) + 1
        if len(arguments) == 1:
            return arguments[0], closing + 1
        return _merged(arguments), closing + 1

    def argument_end(self, at: int, closing: int) -> int:
        while at < closing and self.text_at(at) != ",":
            at = self.closing(at) + 1 if self.text_at(at) in _CLOSING else at + 1
        return at

    def constant(self, name: str, depth: int) -> Value:
        """The value of a constant of the module; each is read once, and unknown while it is being read."""
        if self.constants is None:
            self.constants = self.declarations()
        if name not in self.values:
            self.values[name] = UNKNOWN
            if name in self.constants:
                self.values[name] = self.value(self.constants[name], depth - 1)[0]
        return self.values[name]

    def declarations(self) -> dict[str, int]:
        """Where the value of each constant begins."""
        places: dict[str, int] = {}
        for at in range(self.size - 1):
            if self.text_at(at) in ("const", "let", "var") and self.tokens[at + 1].kind == "name":
                begin = at + 2
                if self.text_at(begin) == ":":
                    begin = self.after_type(begin + 1)
                if self.text_at(begin) == "=":
                    places.setdefault(self.text_at(at + 1), begin + 1)
        return places

    def object(self, at: int, depth: int) -> tuple[Value, int]:
        closing = self.closing(at)
        entries: dict[str, Value] = {}
        complete = True
        inner = at + 1
        while inner < closing:
            token = self.tokens[inner]
            following = self.text_at(inner + 1)
            if token.kind in ("string", "name", "number") and following == ":":
                value, end = self.value(inner + 2, depth - 1)
                key = token.text[1:-1] if token.kind == "string" else token.text
                entries[key] = value._replace(start=token.start) if value.kind != "unknown" else value
            elif token.kind == "name" and following in (",", "}"):
                entries[token.text], end = self.named(inner, depth - 1)
            elif token.kind == "name" and following == "(":
                entries[token.text], end = UNKNOWN, inner + 1
            else:
                end = inner
                if token.text == "...":
                    complete = self.spread(inner, depth, entries) and complete
                elif token.text != ",":  # a computed key
                    complete = False
            inner = max(self.argument_end(end, closing), inner) + 1
        place = self.tokens[at].start
        stop = self.tokens[closing].start + 1 if closing < self.size else place + 1
        return Value("object", place, stop, entries=entries, complete=complete), closing + 1

    def spread(self, at: int, depth: int, entries: dict[str, Value]) -> bool:
        """Take over the keys of `...other`; tell whether all of them are known."""
        value, _ = self.value(at + 1, depth - 1)
        if value.kind != "object" or not value.complete:  # what came before may be overwritten
            for key in entries:
                entries[key] = UNKNOWN
        entries.update(value.entries)
        return value.kind == "object" and value.complete

    def array(self, at: int, depth: int) -> tuple[Value, int]:
        closing = self.closing(at)
        items: list[Value] = []
        inner = at + 1
        while inner < closing:
            value, end = self.value(inner, depth - 1)
            items.append(value)
            inner = max(self.argument_end(end, closing), inner) + 1
        place = self.tokens[at].start
        stop = self.tokens[closing].start + 1 if closing < self.size else place + 1
        return Value("array", place, stop, items=tuple(items)), closing + 1

    def closing(self, at: int) -> int:
        """The position of the bracket that closes the one at `at`; the end when there is none."""
        return self.brackets[at] if at < self.size else self.size

    def expression_end(self, at: int) -> int:
        """Where the expression that goes on at `at` ends: at a comma, a semicolon or a closing bracket."""
        while at < self.size:
            text = self.tokens[at].text
            if text in (",", ";", "}", "]", ")"):
                return at
            at = self.closing(at) + 1 if text in _CLOSING else at + 1
        return at

    def after_type(self, at: int) -> int:
        """Skip a TypeScript type: up to what may follow one."""
        while at < self.size and self.text_at(at) not in (",", ";", "=", "=>", ")", "]", "}"):
            at = self.closing(at) + 1 if self.text_at(at) in _CLOSING else at + 1
            if at < self.size and self.tokens[at].kind == "name" and self.text_at(at - 1) not in (".", "<", "|", "&"):
                break
        return at


def _merged(values: list[Value]) -> Value:
    """Merge as `mergeConfig` does: later objects win key by key; an unknown part leaves the rest open."""
    entries: dict[str, Value] = {}
    complete = True
    for value in values:
        if value.kind != "object":
            complete = False
            continue
        complete = complete and value.complete
        for key, entry in value.entries.items():
            old = entries.get(key)
            both = old is not None and old.kind == "object" and entry.kind == "object"
            entries[key] = _merged([old, entry]) if both and old is not None else entry
    if not complete:  # the unknown part may reach into every object
        entries = {key: _opened(value) for key, value in entries.items()}
    first = next((value for value in values if value.kind == "object"), UNKNOWN)
    return Value("object", first.start, first.end, entries=entries, complete=complete)


def _opened(value: Value) -> Value:
    """The value as part of something that more may be merged into."""
    if value.kind != "object" or not value.complete:
        return value
    return value._replace(complete=False, entries={key: _opened(entry) for key, entry in value.entries.items()})
