"""A part of a YAML or JSON document as plain, immutable data that still knows its places.

Trees of nodes are dropped with their document; what a cross-file model is put together from (a compose service that is
merged from three files) must outlive them. `freeze` turns nodes into `Value`s, within bounds.
"""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.yaml_tree import Mapping, Node, Scalar, Sequence
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Entry", "Freezer", "Value", "as_bool", "freeze", "mapping_of", "sequence_of"]

MAX_DEPTH = 24
"""Deeper parts are left out: no model that is merged across files nests half as deep."""
MAX_VALUES = 100_000
"""How many values one document may freeze to. Aliases are expanded, so a small file may ask for billions."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "yes", "on", "y", "1", "t"})
_FALSE = frozenset({"false", "no", "off", "n", "0", "f"})


class Value(NamedTuple):
    """A scalar, a mapping or a sequence with its place.

    Attributes:
        location: where it stands.
        text: a scalar's text; None for a mapping or a sequence.
        entries: a mapping's pairs, merged keys resolved.
        items: a sequence's items.
        form: `scalar`, `mapping` or `sequence`.
        style: of a scalar: empty when plain, else the quote or block mark.
        tag: a tag written in the file (`!reset`); empty when there is none.
    """

    location: Location
    text: str | None = None
    entries: tuple[Entry, ...] = ()
    items: tuple[Value, ...] = ()
    form: str = "scalar"
    style: str = ""
    tag: str = ""

    @property
    def is_null(self) -> bool:
        """Whether it is YAML's null."""
        return self.form == "scalar" and not self.style and self.text in _NULLS

    def get(self, key: str) -> Value | None:
        """The value of a mapping's key; None when there is none, or when this is no mapping."""
        for entry in self.entries:
            if entry.key == key:
                return entry.value
        return None

    def entry(self, key: str) -> Entry | None:
        """The pair of a mapping's key."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def text_of(self, key: str) -> str | None:
        """The text of a mapping's key that holds a scalar other than null."""
        value = self.get(key)
        return None if value is None or value.is_null else value.text

    def walk(self) -> Iterator[Value]:
        """Yield this value and everything in it, in order."""
        pending = [self]
        while pending:
            value = pending.pop()
            yield value
            pending.extend(reversed(value.items))
            pending.extend(entry.value for entry in reversed(value.entries))


class Entry(NamedTuple):
    """A key of a mapping with its value; `location` is the key's."""

    key: str
    location: Location
    value: Value


def mapping_of(location: Location, entries: tuple[Entry, ...], tag: str = "") -> Value:
    """Make a mapping."""
    return Value(location, None, entries, (), "mapping", "", tag)


def sequence_of(location: Location, items: tuple[Value, ...], tag: str = "") -> Value:
    """Make a sequence."""
    return Value(location, None, (), items, "sequence", "", tag)


def as_bool(text: str | None) -> bool | None:
    """Read a truth value as compose and Docker do, quoted or not; None when the text is none."""
    lowered = (text or "").strip().lower()
    return True if lowered in _TRUE else False if lowered in _FALSE else None


class Freezer:
    """Freezes nodes of one file, within one budget for all of them."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.left = MAX_VALUES
        self.is_exhausted = False

    def freeze(self, node: Node, depth: int = MAX_DEPTH) -> Value:
        """Turn a node and what it holds into plain data; what goes over the bounds becomes null."""
        location = Location(self.path, node.region)
        self.left -= 1
        if self.left < 0 or depth <= 0:
            self.is_exhausted = True
            return Value(location, "")
        tag = node.tag or ""
        if isinstance(node, Scalar):
            return Value(location, node.value, (), (), "scalar", node.style, tag)
        if isinstance(node, Mapping):
            return mapping_of(location, tuple(self._entries(node, depth - 1)), tag)
        if isinstance(node, Sequence):
            items = []
            for item in node:
                if self.left < 0:
                    break
                items.append(self.freeze(item, depth - 1))
            return sequence_of(location, tuple(items), tag)
        return Value(location, "")

    def _entries(self, node: Mapping, depth: int) -> Iterator[Entry]:
        for name, key, value in node.pairs():
            if self.left < 0:
                return
            yield Entry(name, Location(self.path, key.region), self.freeze(value, depth))


def freeze(node: Node, path: str) -> Value:
    """Turn one node into plain data; see `Freezer`."""
    return Freezer(path).freeze(node)
