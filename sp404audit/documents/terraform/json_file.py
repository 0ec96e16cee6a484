"""Terraform's JSON syntax, read into the same tree as HCL.

The mapping: https://developer.hashicorp.com/terraform/language/syntax/json. Whether a nested object is a block or the
value of an argument only a provider's schema tells: here it is both.
"""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents import json_tree
from sp404audit.documents.hcl.expressions import ExpressionReader
from sp404audit.documents.hcl.reader import (
    MAX_DEPTH,
    Attribute,
    Block,
    Expression,
    HclSyntaxError,
    one_problem,
    too_deep,
)
from sp404audit.documents.source import Problem, Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar, Sequence

__all__ = ["parse", "parse_values"]

_LABELS = {
    "resource": 2, "data": 2, "ephemeral": 2, "action": 2,
    "module": 1, "variable": 1, "output": 1, "provider": 1, "check": 1,
}  # fmt: skip
_REFERENCES = frozenset({"provider", "providers", "depends_on", "replace_triggered_by", "ignore_changes"})
"""Arguments whose strings are references without `${ }`."""
_REFACTORING = frozenset({"moved", "removed", "import"})
_BLOCKS_ONLY = frozenset({"lifecycle", "connection", "provisioner"})


def parse(source: Source) -> tuple[Block, list[Problem]]:
    """Read a `*.tf.json` file.

    Raises:
        DocumentError: when it is no JSON.
    """
    reader = _Reader(source)
    blocks: list[Block] = []
    for body in _bodies(json_tree.parse(source)):
        for type_, key, value in body.pairs():
            if type_ != "//":
                blocks.extend(reader.labelled(type_, key, value, _LABELS.get(type_, 0)))
    size = len(source.text)
    return Block("", (), 0, 0, size, (), tuple(blocks), not reader.problems), one_problem(reader.problems)


def parse_values(source: Source) -> tuple[Block, list[Problem]]:
    """Read a `*.tfvars.json` file, whose strings are literal.

    Raises:
        DocumentError: when it is no JSON.
    """
    reader = _Reader(source, literal=True)
    attributes = [attribute for body in _bodies(json_tree.parse(source)) for attribute in reader.attributes(body, 0)]
    return Block("", (), 0, 0, len(source.text), tuple(attributes), (), not reader.problems), one_problem(
        reader.problems
    )


def _bodies(node: Node) -> Iterator[Mapping]:
    """A body is an object, or a list of objects that are read as one."""
    for item in node.items if isinstance(node, Sequence) else [node]:
        if isinstance(item, Mapping):
            yield item


class _Reader:
    """Makes blocks and expressions of nodes; nothing deeper than `MAX_DEPTH`."""

    def __init__(self, source: Source, *, literal: bool = False) -> None:
        self.source = source
        self.literal = literal
        self.problems: list[Problem] = []
        self.expressions = ExpressionReader(source.text)

    def labelled(self, type_: str, key: Node, value: Node, count: int) -> Iterator[Block]:
        """The blocks of a type that has `count` labels, which are the keys of nested objects."""
        pending: list[tuple[tuple[str, ...], Node, Node]] = [((), key, value)]
        while pending:
            labels, place, node = pending.pop(0)
            for body in _bodies(node):
                if len(labels) < count:
                    pending.extend(((*labels, name), inner, item) for name, inner, item in body.pairs() if name != "//")
                else:
                    yield self.block(type_, labels, place, body, 0)

    def block(self, type_: str, labels: tuple[str, ...], key: Node, body: Mapping, depth: int) -> Block:
        attributes: list[Attribute] = []
        blocks: list[Block] = []
        references = _REFERENCES | {"to", "from"} if type_ in _REFACTORING else _REFERENCES
        for name, inner, value in body.pairs():
            if name == "//":
                continue
            if name == "dynamic":
                blocks.extend(self.dynamic(value, depth))
                continue
            only_block = name in _BLOCKS_ONLY or (type_ == "dynamic" and name == "content") or _holds_dynamic(value)
            if not only_block:
                attributes.append(Attribute(name, inner.start.index, self.value(value, depth, name in references)))
            if depth < MAX_DEPTH and name not in references:
                blocks.extend(self.block(name, (), inner, nested, depth + 1) for nested in _bodies(value))
        start, head, end = key.start.index, key.end.index, body.end.index
        return Block(type_, labels, start, head, end, tuple(attributes), tuple(blocks))

    def dynamic(self, value: Node, depth: int) -> Iterator[Block]:
        for body in _bodies(value):
            for label, key, nested in body.pairs():
                if depth < MAX_DEPTH:
                    yield from (self.block("dynamic", (label,), key, each, depth + 1) for each in _bodies(nested))

    def attributes(self, body: Mapping, depth: int) -> Iterator[Attribute]:
        for name, key, value in body.pairs():
            if name != "//":
                yield Attribute(name, key.start.index, self.value(value, depth, reference=False))

    def value(self, node: Node, depth: int, reference: bool) -> Expression:
        """The expression that a node stands for."""
        start, end = node.start.index, node.end.index
        if depth >= MAX_DEPTH:
            self.problems.append(too_deep(node.region))
            return Expression("unknown", start, end)
        if isinstance(node, Scalar):
            return self.scalar(node, reference)
        if isinstance(node, Sequence):
            parts = [self.value(item, depth + 1, reference) for item in node.items]
            return Expression("list", start, end, None, tuple(parts))
        parts = []
        if isinstance(node, Mapping):
            for name, key, item in node.pairs():
                parts.append(Expression("literal", key.start.index, key.end.index, name))
                parts.append(self.value(item, depth + 1, reference))
        return Expression("object", start, end, None, tuple(parts))

    def scalar(self, node: Scalar, reference: bool) -> Expression:
        start, end = node.start.index, node.end.index
        text = node.value
        if not node.style:
            value = node.resolved
            return Expression("literal", start, end, value)
        if self.literal or not (reference or "${" in text or "%{" in text):
            return Expression("literal", start, end, text)
        exact = self.source.text[start + 1 : end - 1] == text
        try:
            if exact:
                return self._read(self.expressions, start + 1, end - 1, reference and "${" not in text)
            # Escapes in the string: its parts have no exact place of their own.
            within = ExpressionReader(text)
            return _moved(self._read(within, 0, len(text), reference and "${" not in text), start, end)
        except HclSyntaxError as problem:
            self.problems.append(Problem("hcl/syntax", str(problem), node.region))
            return Expression("unknown", start, end)

    @staticmethod
    def _read(reader: ExpressionReader, start: int, end: int, reference: bool) -> Expression:
        return reader.read_within(start, end) if reference else reader.read_template(start, end)


def _moved(expression: Expression, start: int, end: int) -> Expression:
    """Put every node of an expression at one place; an expression's depth is bounded."""
    parts = tuple(_moved(part, start, end) for part in expression.parts)
    return Expression(expression.kind, start, end, expression.value, parts)


def _holds_dynamic(node: Node) -> bool:
    """Tell whether an object holds a `dynamic` block: then it is a block itself."""
    pending, left = [node], 10_000
    while pending and left:
        left -= 1
        item = pending.pop()
        if isinstance(item, Mapping) and "dynamic" in item:
            return True
        if isinstance(item, Mapping | Sequence):
            pending.extend(item.children)
    return False
