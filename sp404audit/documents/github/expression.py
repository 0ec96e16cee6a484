"""GitHub's expression language: `${{ … }}` inside any text, parsed into a small tree, and what may flow out of it.

The language is described in GitHub's documentation ("Evaluate expressions in workflows and actions"); what the text
leaves open follows actions/runner: an expression ends at the first `}}` outside a string, names and properties know no
case, nothing nests deeper than 50 levels and nothing is longer than 21,000 characters (`ExpressionConstants`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from sp404audit.documents.github.expression_tree import (
    ANY,
    Call,
    Comparison,
    Context,
    Flow,
    Literal,
    Logic,
    Node,
    Not,
    Select,
    flows,
    references,
    truth,
    walk,
)
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = [
    "ANY",
    "Call",
    "Comparison",
    "Context",
    "Embedded",
    "ExpressionError",
    "Flow",
    "Literal",
    "Logic",
    "Node",
    "Not",
    "Select",
    "find",
    "flows",
    "mask",
    "parse",
    "parse_condition",
    "references",
    "truth",
    "walk",
]

MAX_DEPTH = 50
MAX_LENGTH = 21_000


class ExpressionError(Exception):
    """An expression that GitHub would refuse: `id` as a problem has it, `start` and `end` within the text."""

    def __init__(self, id: str, message: str, start: int, end: int) -> None:  # noqa: A002
        super().__init__(message)
        self.id = id
        self.message = message
        self.start = start
        self.end = end


class Embedded(NamedTuple):
    """One `${{ … }}` in a text: `text[start:end]` with its braces; `inner` is where what stands between them begins.

    Offsets of `tree` count from `inner`. `tree` is None when `error` says why it could not be parsed.
    """

    start: int
    end: int
    inner: int
    tree: Node | None
    error: ExpressionError | None


_TOKEN = regex(
    r"""[ \t\r\n\f\v\u00a0]*+(?:
      (?P<number>[-+]?(?:0x[0-9A-Fa-f]++|0o[0-7]++|(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][-+]?[0-9]++)?|Infinity)
         (?![A-Za-z0-9_.]))
    | (?P<name>[A-Za-z_][A-Za-z0-9_-]*+)
    | (?P<string>'(?:[^']++|'')*+')
    | (?P<symbol>&&|\|\||==|!=|<=|>=|[!<>()\[\],.*])
    | (?P<end>\Z)
    | (?P<bad>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
# Most expressions are no more than a context: recognised without the parser, for speed.
_PLAIN = regex(r"[ \t\r\n]*+([A-Za-z_][A-Za-z0-9_-]*+(?:\.[A-Za-z_][A-Za-z0-9_-]*+)*+)[ \t\r\n]*+")
_CLOSE = regex(r"'[^']*+(?:'|\Z)|\}\}")
_KEYWORDS: dict[str, bool | float | None] = {
    "true": True,
    "false": False,
    "null": None,
    "nan": float("nan"),
    "infinity": float("inf"),
}


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def _tokens(text: str) -> Iterator[_Token]:
    offset = 0
    while True:
        match = _TOKEN.match(text, offset)
        assert match is not None  # `bad` and `end` match anything
        kind = match.lastgroup or "bad"
        start, offset = match.span(kind)
        yield _Token(kind, match.group(kind), start, offset)
        if kind == "end":
            return


class _Parser:
    """Recursive descent, its depth bounded by MAX_DEPTH; chains of one operator are flat."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._token = next(self._tokens)
        self._depth = 0

    def parse(self) -> Node:
        node = self._disjunction()
        if self._token.kind != "end":
            raise self._refuse()
        return node

    def _next(self) -> _Token:
        token = self._token
        self._token = next(self._tokens)
        return token

    def _accept(self, symbol: str) -> bool:
        if self._token.kind == "symbol" and self._token.text == symbol:
            self._next()
            return True
        return False

    def _expect(self, symbol: str) -> int:
        if self._token.kind != "symbol" or self._token.text != symbol:
            raise self._refuse(f"expected '{symbol}'")
        return self._next().end

    def _refuse(self, wish: str = "") -> ExpressionError:
        token = self._token
        if token.text == "'":
            message = "a string is not closed"
        elif token.kind == "end":
            message = "the expression ends too early"
        else:
            message = f"unexpected {token.text[:40]!r}"
        return ExpressionError("expression/syntax", f"{message}, {wish}" if wish else message, token.start, token.end)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            message = f"nested deeper than the {MAX_DEPTH} levels that GitHub evaluates"
            raise ExpressionError("expression/too-deep", message, self._token.start, self._token.end)

    def _disjunction(self) -> Node:
        self._deeper()
        operands = [self._conjunction()]
        while self._accept("||"):
            operands.append(self._conjunction())
        self._depth -= 1
        return _chain("||", operands)

    def _conjunction(self) -> Node:
        operands = [self._equality()]
        while self._accept("&&"):
            operands.append(self._equality())
        return _chain("&&", operands)

    def _equality(self) -> Node:
        return self._compared(("==", "!="), self._relation)

    def _relation(self) -> Node:
        return self._compared(("<", "<=", ">", ">="), self._unary)

    def _compared(self, operators: tuple[str, ...], operand: Callable[[], Node]) -> Node:
        left = operand()
        depth = self._depth
        while self._token.kind == "symbol" and self._token.text in operators:
            self._deeper()  # a chain leans to the left: each link is a level of the tree
            operator = self._next().text
            right = operand()
            left = Comparison(operator, left, right, left.start, right.end)
        self._depth = depth
        return left

    def _unary(self) -> Node:
        if self._token.kind == "symbol" and self._token.text == "!":
            start = self._next().start
            self._deeper()
            operand = self._unary()
            self._depth -= 1
            return Not(operand, start, operand.end)
        return self._access(self._primary())

    def _primary(self) -> Node:
        token = self._token
        if token.kind == "string":
            self._next()
            return Literal(token.text[1:-1].replace("''", "'"), token.start, token.end)
        if token.kind == "number":
            self._next()
            return Literal(_number(token.text), token.start, token.end)
        if token.kind == "name":
            return self._named()
        if self._accept("("):
            node = self._disjunction()
            end = self._expect(")")
            return node._replace(start=token.start, end=end)
        raise self._refuse()

    def _named(self) -> Node:
        token = self._next()
        name = token.text.lower()
        if self._accept("("):
            arguments: list[Node] = []
            if not (self._token.kind == "symbol" and self._token.text == ")"):
                arguments.append(self._disjunction())
                while self._accept(","):
                    arguments.append(self._disjunction())
            return Call(name, tuple(arguments), token.start, self._expect(")"))
        if name in _KEYWORDS:
            return Literal(_KEYWORDS[name], token.start, token.end)
        return Context((name,), (), token.start, token.end)

    def _access(self, base: Node) -> Node:
        path: list[str] = []
        indexes: list[Node] = []
        end = base.end
        while self._token.kind == "symbol" and self._token.text in (".", "["):
            end = self._property(path) if self._next().text == "." else self._index(path, indexes)
        if not path:
            return base
        if isinstance(base, Context):
            return Context(base.path + tuple(path), base.indexes + tuple(indexes), base.start, end)
        return Select(base, tuple(path), tuple(indexes), base.start, end)

    def _property(self, path: list[str]) -> int:
        if self._token.kind != "name" and self._token.text != ANY:
            raise self._refuse("expected a property's name")
        token = self._next()
        path.append(token.text.lower())
        return token.end

    def _index(self, path: list[str], indexes: list[Node]) -> int:
        if self._accept(ANY):
            path.append(ANY)
            return self._expect("]")
        index = self._disjunction()
        if isinstance(index, Literal) and index.value is not None and not isinstance(index.value, bool):
            path.append(_key(index.value))
        else:
            path.append(ANY)
            indexes.append(index)
        return self._expect("]")


def _chain(operator: str, operands: list[Node]) -> Node:
    if len(operands) == 1:
        return operands[0]
    return Logic(operator, tuple(operands), operands[0].start, operands[-1].end)


def _key(value: float | str) -> str:
    if isinstance(value, str):
        return value.lower()
    return f"{value:.0f}" if value == value and abs(value) < 1e15 else ANY


def _number(text: str) -> float:
    sign = -1.0 if text.startswith("-") else 1.0
    digits = text.lstrip("+-")
    if digits[:2] in ("0x", "0o"):
        # A number of more digits than a double has bits is refused by no one and used by no one.
        return sign * float(int(digits[:18], 0))
    return float(text)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Node | ExpressionError:
    plain = _PLAIN.fullmatch(text)
    if plain is not None and len(text) <= MAX_LENGTH and plain.group(1).lower() not in _KEYWORDS:
        return Context(tuple(plain.group(1).lower().split(".")), (), *plain.span(1))
    try:
        node = _Parser(text[:MAX_LENGTH]).parse()
    except ExpressionError as error:
        if len(text) <= MAX_LENGTH or error.id == "expression/too-deep":
            return error.with_traceback(None)
    else:
        if len(text) <= MAX_LENGTH:
            return node
    message = f"longer than the {MAX_LENGTH:,} characters that GitHub evaluates"
    return ExpressionError("expression/syntax", message, 0, len(text))


def parse(text: str) -> Node:
    """Parse one expression, without its braces.

    Args:
        text: what stands between `${{` and `}}`.

    Returns:
        The tree; offsets count from the beginning of `text`.

    Raises:
        ExpressionError: with the id `expression/syntax` or `expression/too-deep`.
    """
    result = _parse(text)
    if isinstance(result, ExpressionError):
        raise ExpressionError(result.id, result.message, result.start, result.end)
    return result


def find(text: str) -> list[Embedded]:
    """Return the expressions in a text, in order; a string within one may hold `}}`. What is not closed ends it."""
    found: list[Embedded] = []
    start = text.find("${{")
    while start >= 0:
        inner = start + 3
        close = _closing(text, inner)
        if close < 0:
            error = ExpressionError("expression/syntax", "'${{' is not closed", start, inner)
            found.append(Embedded(start, len(text), inner, None, error))
            break
        result = _parse(text[inner:close])
        if isinstance(result, ExpressionError):
            error = ExpressionError(result.id, result.message, result.start + inner, result.end + inner)
            found.append(Embedded(start, close + 2, inner, None, error))
        else:
            found.append(Embedded(start, close + 2, inner, result, None))
        start = text.find("${{", close + 2)
    return found


def _closing(text: str, offset: int) -> int:
    """Return where the `}}` that ends the expression begins, or -1."""
    first = text.find("}}", offset)
    if first < 0 or text.find("'", offset, first) < 0:
        return first
    for match in _CLOSE.finditer(text, offset):
        if match.group() == "}}":
            return match.start()
    return -1


def parse_condition(text: str) -> Node:
    """Parse the value of `if:`, where the braces may be left out.

    A condition that mixes text and expressions is a string to GitHub, and so always true: it comes back as the literal
    text.

    Raises:
        ExpressionError: as `parse`; the offsets count within `text`.
    """
    if "${{" not in text:
        return parse(text)
    stripped = text.strip()
    embedded = find(stripped)
    first = embedded[0]
    if first.error is not None:
        raise first.error
    if len(embedded) == 1 and first.start == 0 and first.end == len(stripped) and first.tree is not None:
        # What comes before the opening braces is blank, and so is what the tree's offsets must leave out.
        return _shifted(text, text.find("${{") + 3, text.rfind("}}"))
    return Literal(text, 0, len(text))


def _shifted(text: str, start: int, end: int) -> Node:
    return parse(" " * start + text[start:end])


def mask(text: str, filler: str = "_") -> str:
    """Return the text with each expression overwritten at equal length, line ends kept: fit for another parser."""
    if "${{" not in text:
        return text
    parts: list[str] = []
    done = 0
    for embedded in find(text):
        parts.append(text[done : embedded.start])
        parts.append("".join(char if char in "\r\n" else filler for char in text[embedded.start : embedded.end]))
        done = embedded.end
    parts.append(text[done:])
    return "".join(parts)
