"""HCL (Terraform's language) read into a light tree of plain values in which everything knows its offsets.

The tree is made of named tuples of plain values and bounded in depth, so that it may outlive its file as a fact.
The grammar is that of https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md, read by one pass over the text:
the body of blocks and attributes here, without recursion; expressions in `hcl_expressions`, with a bound.
After a syntax error reading goes on at the next block that begins in the first column.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from sp404audit.documents.source import Problem, Source
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Region

__all__ = [
    "MAX_DEPTH",
    "Attribute",
    "Block",
    "Expression",
    "HclSyntaxError",
    "Scalar",
    "one_problem",
    "parse",
    "region",
    "too_deep",
]

Scalar = str | int | float | bool | None

MAX_DEPTH = 40
"""How deep expressions and blocks may nest; what lies deeper is unknown, and told."""

_MAX_PROBLEMS = 20


class Expression(NamedTuple):
    """One node of an expression.

    `start` and `end` are offsets in the text of the file. `kind` says what `value` and `parts` mean:

    | kind | value | parts |
    |---|---|---|
    | `literal` | the value | – |
    | `template` | – | literals and expressions, in order |
    | `list` | – | the elements |
    | `object` | – | key, value, key, value … |
    | `name` | the first name of a reference | its steps |
    | `access` | – | an expression, then its steps |
    | `attribute` | the name after the dot (a step) | – |
    | `index` | – | the expression in brackets (a step) |
    | `splat` | – | – (a step) |
    | `call` | the function's name | the arguments |
    | `expand` | – | the last argument, which `...` spreads |
    | `conditional` | – | condition, then, else |
    | `operation` | the operator | one operand, or two, or more when they are chained |
    | `for` | the names it defines, with a comma | collection, result, condition |
    | `for_object` | the names it defines, with a comma | collection, key, result, condition |
    | `for_group` | as `for_object`, results grouped by key with `...` | as `for_object` |
    | `for_template` | the names it defines, with a comma | collection, body |
    | `unknown` | – | what could be read of something that nests too deep |
    """

    kind: str
    start: int
    end: int
    value: Scalar = None
    parts: tuple[Expression, ...] = ()

    def walk(self) -> Iterator[Expression]:
        """Yield this node and all below it, in the order of the text."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.parts))

    @property
    def text(self) -> str | None:
        """The value of a literal string, else None."""
        return self.value if self.kind == "literal" and isinstance(self.value, str) else None


class Attribute(NamedTuple):
    """`name = value`; `start` is the offset of the name."""

    name: str
    start: int
    value: Expression

    @property
    def end(self) -> int:
        """The offset after the value."""
        return self.value.end


class Block(NamedTuple):
    """`type "label" { … }`, or a whole file, whose type is the empty string.

    `start` to `head` is the header without the brace, `start` to `end` the whole block. `complete` is false when a
    syntax error cost a part of it.
    """

    type: str
    labels: tuple[str, ...]
    start: int
    head: int
    end: int
    attributes: tuple[Attribute, ...] = ()
    blocks: tuple[Block, ...] = ()
    complete: bool = True

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of this name in the block itself; of several the last."""
        for attribute in reversed(self.attributes):
            if attribute.name == name:
                return attribute
        return None

    def nested(self, *types: str) -> Iterator[Block]:
        """The blocks of these types directly inside, without those that `dynamic` makes."""
        return (block for block in self.blocks if block.type in types)

    def walk(self) -> Iterator[Block]:
        """Yield this block and all below it, in the order of the text."""
        pending = [self]
        while pending:
            block = pending.pop()
            yield block
            pending.extend(reversed(block.blocks))


def region(starts: Sequence[int], start: int, end: int) -> Region:
    """The region between two offsets of a text whose lines begin at `starts` (`Source.starts`)."""
    first = bisect_right(starts, start)
    last = bisect_right(starts, end)
    return Region(first, start - starts[first - 1] + 1, last, end - starts[last - 1] + 1)


class HclSyntaxError(Exception):
    """What is not HCL, and where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def parse(source: Source) -> tuple[Block, list[Problem]]:
    """Read a file; return its body as a block, and what could not be read."""
    reader = _BodyReader(source.text, unindented_header_closes=False)
    body = reader.read()
    if reader.unclosed:
        # A brace is missing. Files are indented: a header in the first column says where the block above ends.
        reader = _BodyReader(source.text, unindented_header_closes=True)
        body = reader.read()
    return body, one_problem(_problem(source, *problem) for problem in reader.problems)


def too_deep(region: Region) -> Problem:
    """Tell of an expression whose value is taken as unknown: every rule that asks for it says so, none misses it."""
    return Problem("hcl/too-deep", "this nests too deep to be evaluated: its value is taken as unknown", region, "note")


def _problem(source: Source, id_: str, message: str, span: tuple[int, int]) -> Problem:
    region = source.region(*span)
    return too_deep(region) if id_ == "hcl/too-deep" else Problem(id_, message, region)


def one_problem(problems: Iterable[Problem]) -> list[Problem]:
    """Tell only the first problem of a file, an error of syntax before anything else, and how many there are."""
    ordered = sorted(problems, key=lambda problem: (problem.level != "error", problem.id))
    if len(ordered) > 1:
        ordered[0].message += f" (and {len(ordered) - 1} more)"
    return ordered[:1]


_SPACE = regex(r"(?:[^\S\n]+|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?)*")
_BLANK = regex(r"(?:\s+|#[^\n]*|//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?)*")
_NAME = regex(r"[^\W\d][\w-]*")
_LABEL = regex(r'"((?:[^"\\\n]|\\[^\n])*)"|([^\W\d][\w-]*)')
_SIMPLE_ATTRIBUTE = regex(
    r"""([^\W\d][\w-]*)[ \t]*=[ \t]*
    (?: "([^"\\$%\n]*)" | (true|false|null)\b | (\d{1,15}) | ([^\W\d][\w-]*)((?:\.[^\W\d][\w-]*)*) )
    [ \t\r]*(?=\n|\#|//|\Z)""",
    re.VERBOSE,
)
_STEP = regex(r"\.([^\W\d][\w-]*)")
_HEADER_AT_LINE_START = regex(r'^[a-z_]\w*(?:[ \t]+(?:"[^"\n]*"|[^\W\d][\w-]*))*[ \t]*\{', re.MULTILINE)
_TOP_LEVEL = frozenset({
    "check", "data", "ephemeral", "import", "locals", "module", "moved", "output", "provider", "removed", "resource",
    "terraform", "variable",
})  # fmt: skip
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}


class _Open:
    """A block whose closing brace has not come yet."""

    __slots__ = ("attributes", "blocks", "complete", "head", "labels", "start", "type")

    def __init__(self, type_: str, labels: tuple[str, ...], start: int, head: int) -> None:
        self.type = type_
        self.labels = labels
        self.start = start
        self.head = head
        self.attributes: list[Attribute] = []
        self.blocks: list[Block] = []
        self.complete = True

    def close(self, end: int) -> Block:
        attributes, blocks = tuple(self.attributes), tuple(self.blocks)
        return Block(self.type, self.labels, self.start, self.head, end, attributes, blocks, self.complete)


class _BodyReader:
    """Reads blocks and attributes. `open[0]` is the file itself."""

    def __init__(self, text: str, *, unindented_header_closes: bool) -> None:
        from sp404audit.documents.hcl.expressions import ExpressionReader

        self.text = text
        self.at = 0
        self.problems: list[tuple[str, str, tuple[int, int]]] = []
        self.unclosed = False
        self.unindented_header_closes = unindented_header_closes
        self.open = [_Open("", (), 0, 0)]
        self.expressions = ExpressionReader(text)

    def read(self) -> Block:
        text, size = self.text, len(self.text)
        while True:
            self.at = cast("re.Match[str]", _BLANK.match(text, self.at)).end()
            if self.at >= size:
                break
            try:
                self._statement()
            except HclSyntaxError as problem:
                self._recover(str(problem), problem.offset)
        if text.rfind("/*") > text.rfind("*/") and self._ends_in_comment():
            self._problem("this comment is never closed", text.rfind("/*"))
        while len(self.open) > 1:
            self.unclosed = True
            block = self.open[-1]
            self._problem(f"the block {block.type!r} is never closed", block.start, block.head)
            self._close(size, complete=False)
        self._take_deep()
        return self.open[0].close(size)

    def _ends_in_comment(self) -> bool:
        """Tell whether the last `/*` begins a comment: then nothing after it was read."""
        at = self.text.rfind("/*")
        body = self.open[0]
        last = max([block.end for block in body.blocks] + [attribute.end for attribute in body.attributes], default=0)
        return last <= at

    def _statement(self) -> None:
        """Read one attribute, the header of a block, or a closing brace."""
        match = _SIMPLE_ATTRIBUTE.match(self.text, self.at)
        if match is not None:
            self.open[-1].attributes.append(_simple_attribute(match))
            self.at = match.end()
            return
        if self.text[self.at] == "}":
            if len(self.open) == 1:
                raise HclSyntaxError("a closing brace without a block", self.at)
            self.at += 1
            self._close(self.at)
            return
        name = _NAME.match(self.text, self.at) or _LABEL.match(self.text, self.at)
        if name is None:
            raise HclSyntaxError("expected an attribute or a block", self.at)
        after = self._space(name.end())
        if self.text.startswith("=", after) and not self.text.startswith("==", after):
            self._attribute(name.group().strip('"'), name.start(), after + 1)
        else:
            self._header(name.group(), name.start(), name.end())

    def _space(self, at: int) -> int:
        return cast("re.Match[str]", _SPACE.match(self.text, at)).end()

    def _attribute(self, name: str, start: int, at: int) -> None:
        value, at = self.expressions.read(at)
        self.open[-1].attributes.append(Attribute(name, start, value))
        self.at = self._space(at)
        if not self.text.startswith(("\n", "#", "//", "}"), self.at) and self.at < len(self.text):
            raise HclSyntaxError("expected the end of the line after the value", self.at)

    def _header(self, type_: str, start: int, at: int) -> None:
        labels: list[str] = []
        head = at
        at = self._space(at)
        while match := _LABEL.match(self.text, at):
            labels.append(match.group(2) if match.group(1) is None else match.group(1))
            head = match.end()
            at = self._space(head)
        if not self.text.startswith("{", at):
            raise HclSyntaxError("expected '=' or the opening brace of a block", at)
        if self.unindented_header_closes and type_ in _TOP_LEVEL and self.text[start - 1 : start] in ("", "\n"):
            self._close_all_before(start)
        if len(self.open) > MAX_DEPTH:
            raise HclSyntaxError(f"blocks nest deeper than {MAX_DEPTH}", start)
        self.open.append(_Open(type_, tuple(labels), start, head))
        self.at = at + 1

    def _close_all_before(self, offset: int) -> None:
        while len(self.open) > 1:
            block = self.open[-1]
            self._problem(f"the block {block.type!r} is never closed", block.start, block.head)
            self._close(offset, complete=False)

    def _close(self, end: int, *, complete: bool = True) -> None:
        block = self.open.pop()
        block.complete = block.complete and complete
        parent = self.open[-1]
        parent.complete = parent.complete and block.complete
        parent.blocks.append(block.close(end))

    def _recover(self, message: str, offset: int) -> None:
        """Note the error; go on at the next block that begins in the first column."""
        self._problem(message, offset)
        self.open[-1].complete = False
        if len(self.problems) < _MAX_PROBLEMS:
            header = _HEADER_AT_LINE_START.search(self.text, self.at + 1)
            self.at = header.start() if header else len(self.text)
        else:
            self._problem("too many errors of syntax: the rest of the file was not read", self.at)
            self.at = len(self.text)
        while len(self.open) > 1:
            self._close(self.at, complete=False)

    def _problem(self, message: str, start: int, end: int | None = None) -> None:
        start = min(start, len(self.text))
        self.problems.append(("hcl/syntax", message, (start, min(start + 1, len(self.text)) if end is None else end)))

    def _take_deep(self) -> None:
        for start, end in self.expressions.too_deep[:_MAX_PROBLEMS]:
            self.problems.append(("hcl/too-deep", "", (start, end)))


def _simple_attribute(match: re.Match[str]) -> Attribute:
    """Make the attribute that most lines hold: a plain string, a word, a number or a reference without brackets."""
    start = match.start(1)
    if (string := match.group(2)) is not None:
        value = Expression("literal", match.start(2) - 1, match.end(2) + 1, string)
    elif word := match.group(3):
        value = Expression("literal", match.start(3), match.end(3), _WORDS[word])
    elif number := match.group(4):
        value = Expression("literal", match.start(4), match.end(4), int(number))
    else:
        steps = tuple(
            Expression("attribute", step.start(1), step.end(1), step.group(1))
            for step in _STEP.finditer(match.string, match.start(6), match.end(6))
        )
        value = Expression("name", match.start(5), match.end(6), match.group(5), steps)
    return Attribute(match.group(1), start, value)
