"""JSON as the same positioned tree as YAML: strict (RFC 8259), iterative, every key and value in its place."""

from __future__ import annotations

import re

from sp404audit.documents.source import DocumentError, Source
from sp404audit.documents.yaml_tree import (
    MAX_DEPTH,
    MAX_NODES,
    Mapping,
    Mark,
    MergeBudget,
    Node,
    Scalar,
    Sequence,
    Written,
)
from sp404audit.lazy import regex
from sp404audit.results import Region

__all__ = ["parse"]

_TOKEN = regex(
    r"""[ \t\r\n]*(?:
        (?P<punctuation>[{}\[\]:,])
      | (?P<string>"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*")
      | (?P<plain>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![0-9A-Za-z_.])
                 |(?:true|false|null)(?![0-9A-Za-z_]))
    )""",
    re.VERBOSE,
)
_BLANK = regex(r"[ \t\r\n]*")
_ESCAPE = regex(r"\\u([0-9a-fA-F]{4})|\\(.)")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CLOSES = {"{": "}", "[": "]"}


def parse(source: Source) -> Node:
    """Read a file that holds one JSON value.

    Raises:
        DocumentError: `json/syntax` with the place, `json/too-deep`, or `input/encoding`.
    """
    if source.malformed_at is not None:
        raise DocumentError("input/encoding", "not UTF-8; save the file as UTF-8", _at(source, source.malformed_at))
    return _Reader(source).read()


def _at(source: Source, offset: int) -> Region:
    line, column = source.position(offset)
    return Region(line, column, line, column + 1)


class _Reader:
    """A stack of open collections, and what may come next: `value`, `key`, `colon`, `comma`, or the end."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.budget = MergeBudget()
        self.open: list[tuple[str, Sequence | Mapping]] = []
        self.root: Node | None = None
        self.expect = "value"
        self.may_close = False
        self.nodes = 0

    def fail(self, offset: int, message: str, id: str = "json/syntax") -> DocumentError:  # noqa: A002
        return DocumentError(id, message, _at(self.source, offset))

    def read(self) -> Node:
        text, at = self.source.text, 0
        while True:
            token = _TOKEN.match(text, at)
            if token is None:
                at = _BLANK.match(text, at).end()  # type: ignore[union-attr]
                if at == len(text) and self.root is not None and not self.open:
                    return self.root
                raise self.fail(at, self.unexpected(text[at : at + 1]))
            at = token.end()
            kind = token.lastgroup or ""
            if self.expect == "end":
                raise self.fail(token.start(kind), "something follows the value")
            if kind == "punctuation":
                self.punctuation(token.group(kind), token.start(kind), at)
            elif self.expect == "key" and kind == "plain":
                raise self.fail(token.start(kind), "a key must stand in double quotes")
            elif self.expect in ("value", "key"):
                self.add(self.scalar(token.group(kind), token.start(kind), at))
            else:
                raise self.fail(token.start(kind), f"a {self.expect} is missing before this")

    def unexpected(self, character: str) -> str:
        if not character:
            return "ends before its value is complete"
        return f"{character!a} is not JSON here; a {self.expect} was expected"

    def mark(self, offset: int) -> Mark:
        line, column = self.source.position(offset)
        return Mark(line - 1, column - 1, offset)

    def scalar(self, raw: str, start: int, end: int) -> Scalar:
        if raw[0] != '"':
            return Scalar(Written(raw, "", self.mark(start), self.mark(end)))
        return Scalar(Written(_unescape(raw[1:-1]), '"', self.mark(start), self.mark(end)))

    def add(self, node: Node) -> None:
        """Put a finished scalar, or a collection just opened, where it belongs."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.fail(node.start.index, f"more than {MAX_NODES:,} keys and values", "yaml/too-many-nodes")
        if not self.open:
            self.root = node
            self.expect = "end"
            return
        bracket, parent = self.open[-1]
        parent.children.append(node)
        self.expect = "colon" if bracket == "{" and self.expect == "key" else "comma"
        self.may_close = self.expect == "comma"

    def punctuation(self, mark: str, start: int, end: int) -> None:
        if mark in "{[" and self.expect == "value":
            place = self.mark(start)
            node = Mapping(None, place, self.budget) if mark == "{" else Sequence(None, place)
            self.add(node)
            self.open.append((mark, node))
            if len(self.open) > MAX_DEPTH:
                raise self.fail(start, f"nested more than {MAX_DEPTH} levels deep", "json/too-deep")
            self.expect, self.may_close = ("key" if mark == "{" else "value"), True
        elif mark in "}]" and self.open and self.may_close and _CLOSES[self.open[-1][0]] == mark:
            self.open.pop()[1].end = self.mark(end)
            self.expect, self.may_close = ("comma" if self.open else "end"), True
        elif mark == "," and self.expect == "comma":
            self.expect, self.may_close = ("key" if self.open[-1][0] == "{" else "value"), False
        elif mark == ":" and self.expect == "colon":
            self.expect, self.may_close = "value", False
        else:
            raise self.fail(start, self.unexpected(mark))


def _unescape(raw: str) -> str:
    if "\\" not in raw:
        return raw
    decoded = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPED.get(m[2], m[2]), raw)
    # Two escapes that form a surrogate pair are one character.
    return decoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if "\\u" in raw else decoded
