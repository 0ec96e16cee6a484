"""The nodes of a YAML or JSON tree: mappings, sequences and scalars that know their places, and ways to read them.

No accessor raises on odd input: what is not there, or not of the kind that is asked for, is None or empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sp404audit.documents.source import Source
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Region

if TYPE_CHECKING:
    from sp404audit.documents.yaml_excerpt import ScalarExcerpt

__all__ = [
    "MAX_MERGED_KEYS",
    "Mapping",
    "Mark",
    "MergeBudget",
    "Node",
    "Scalar",
    "Sequence",
    "Written",
    "mapping",
    "scalars",
    "sequence",
    "strings",
    "text",
    "walk",
]

MAX_MERGED_KEYS = 10_000
"""How many keys merge keys may bring into one file; real files bring dozens, a merge bomb millions."""

_INT = regex(r"[-+]?[0-9]{1,25}$|0o[0-7]{1,25}$|0x[0-9a-fA-F]{1,25}$")
_FLOAT = regex(r"[-+]?(?:\.[0-9]{1,40}|[0-9]{1,40}(?:\.[0-9]{0,40})?)(?:[eE][-+]?[0-9]{1,4})?$")
_CORE_WORDS: dict[str, bool | float | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".inf": float("inf"), ".Inf": float("inf"), ".INF": float("inf"), "+.inf": float("inf"),
    "-.inf": float("-inf"), "-.Inf": float("-inf"), "-.INF": float("-inf"),
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
}  # fmt: skip


class Mark:
    """A place as libyaml counts it: from 0, in code points."""

    __slots__ = ("column", "index", "line")

    def __init__(self, line: int, column: int, index: int) -> None:
        self.line = line
        self.column = column
        self.index = index


class Node:
    """What mappings, sequences and scalars have in common."""

    __slots__ = ()
    start: Mark
    end: Mark
    tag: str | None
    children: list[Node]
    """What the node holds: a sequence's items, a mapping's keys and values by turns, nothing in a scalar."""

    @property
    def region(self) -> Region:
        """Where the node begins; all of it when it stands on one line."""
        start, end = self.start, self.end
        if end.line == start.line and end.index > start.index:
            return Region(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        return Region(start.line + 1, start.column + 1, start.line + 1, start.column + 2)

    @property
    def lines(self) -> tuple[int, int]:
        """The first and the last line of the node."""
        last = self.end.line if self.end.column == 0 and self.end.line > self.start.line else self.end.line + 1
        return self.start.line + 1, last


class Written(NamedTuple):
    """A scalar as a parser other than libyaml's found it, with the names that PyYAML's `ScalarEvent` has."""

    value: str
    style: str
    start_mark: Mark
    end_mark: Mark
    tag: str | None = None


class Scalar(Node):
    """A scalar: `value` is its text, `style` is `''` (plain), `'`, `"`, `|` or `>`.

    Most nodes of a file are scalars that nobody asks for more than their value, so all else stays in the event.
    """

    __slots__ = ("_event", "value")
    children: list[Node] = []  # noqa: RUF012 (shared, and nobody writes to it)

    def __init__(self, event: Any) -> None:
        self.value: str = event.value
        self._event = event

    def __repr__(self) -> str:
        return f"Scalar({self.value[:40]!r}, line {self.start.line + 1})"

    @property
    def style(self) -> str:
        """How it is written."""
        return self._event.style or ""

    @property
    def tag(self) -> str | None:  # type: ignore[override]
        """Its tag, written out."""
        return self._event.tag  # type: ignore[no-any-return]

    @property
    def start(self) -> Mark:  # type: ignore[override]
        """Where it begins."""
        return self._event.start_mark  # type: ignore[no-any-return]

    @property
    def end(self) -> Mark:  # type: ignore[override]
        """Where it ends."""
        return self._event.end_mark  # type: ignore[no-any-return]

    @property
    def resolved(self) -> bool | int | float | str | None:
        """The value by the YAML 1.2 core schema; text when quoted, in a block, or a number of absurd length."""
        value = self.value
        if self.style:
            return value
        if value in _CORE_WORDS:
            return _CORE_WORDS[value]
        if _INT.match(value):
            return int(value, 0) if value[:2] in ("0o", "0x") else int(value)
        return float(value) if _FLOAT.match(value) else value

    def excerpt(self, source: Source) -> ScalarExcerpt:
        """The scalar's text with the way back to places in `source`, its file."""
        from sp404audit.documents.yaml_excerpt import ScalarExcerpt

        return ScalarExcerpt(self, source)


class Sequence(Node):
    """A sequence; iterate over it, or read `items`."""

    __slots__ = ("children", "end", "start", "tag")

    def __init__(self, tag: str | None, start: Mark) -> None:
        self.children: list[Node] = []
        self.tag = tag
        self.start = self.end = start

    @property
    def items(self) -> list[Node]:
        """The items, in order."""
        return self.children

    def __iter__(self) -> Iterator[Node]:
        return iter(self.children)

    def __len__(self) -> int:
        return len(self.children)


class MergeBudget:
    """How many keys merge keys may still bring into the file."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_MERGED_KEYS


class Mapping(Node):
    """A mapping. Look-ups see merged keys; of duplicate keys the last one counts."""

    __slots__ = ("_budget", "_index", "children", "end", "start", "tag")

    def __init__(self, tag: str | None, start: Mark, budget: MergeBudget) -> None:
        self.children: list[Node] = []
        self._index: dict[str, tuple[Node, Node]] | None = None
        self._budget = budget
        self.tag = tag
        self.start = self.end = start

    @property
    def entries(self) -> list[tuple[Node, Node]]:
        """The pairs of key and value as they stand in the file, unmerged, keys of any kind."""
        return list(zip(self.children[::2], self.children[1::2], strict=False))

    @property
    def region(self) -> Region:
        """The mapping's first key, or all of a flow mapping that stands on one line."""
        if self.children and self.end.line != self.start.line:
            return self.children[0].region
        whole = super().region
        if whole.end_column - whole.start_column > 1 or not self.children:
            return whole
        return self.children[0].region

    def index(self) -> dict[str, tuple[Node, Node]]:
        """Key and value of every scalar key by its name, with merged keys first."""
        if self._index is None:
            self._index = {}  # set before the merge: a mapping that merges itself ends here
            own: dict[str, tuple[Node, Node]] = {}
            for key, value in zip(self.children[::2], self.children[1::2], strict=False):
                if isinstance(key, Scalar):
                    own[key.value] = (key, value)
            if "<<" in own:
                self._index = self._merged(own.pop("<<")[1], own)
            else:
                self._index = own
        return self._index

    def _merged(self, merged: Node, own: dict[str, tuple[Node, Node]]) -> dict[str, tuple[Node, Node]]:
        found: dict[str, tuple[Node, Node]] = {}
        for parent in merged.items if isinstance(merged, Sequence) else [merged]:
            if not isinstance(parent, Mapping):
                continue
            for name, pair in parent.index().items():
                if name not in found and name not in own:
                    if self._budget.left <= 0:
                        return found | own
                    self._budget.left -= 1
                    found[name] = pair
        return found | own

    def get(self, name: str) -> Node | None:
        """Return the value of a key, or None."""
        pair = self.index().get(name)
        return pair[1] if pair else None

    def key(self, name: str) -> Node | None:
        """Return the node of a key itself, or None."""
        pair = self.index().get(name)
        return pair[0] if pair else None

    def pairs(self) -> Iterator[tuple[str, Node, Node]]:
        """Yield name, key and value of every scalar key, merged ones first."""
        for name, (key, value) in self.index().items():
            yield name, key, value

    def __contains__(self, name: str) -> bool:
        return name in self.index()

    def __len__(self) -> int:
        return len(self.index())

    def duplicates(self) -> Iterator[tuple[Scalar, Scalar]]:
        """Yield the first and the later key of every key that the mapping holds twice."""
        seen: dict[str, Scalar] = {}
        for key in self.children[::2]:
            if isinstance(key, Scalar) and key.value != "<<":
                first = seen.setdefault(key.value, key)
                if first is not key:
                    yield first, key


def text(node: Node | None) -> str | None:
    """The text of a scalar; None for anything else."""
    return node.value if isinstance(node, Scalar) else None


def mapping(node: Node | None) -> Mapping | None:
    """The node when it is a mapping; None for anything else."""
    return node if isinstance(node, Mapping) else None


def sequence(node: Node | None) -> list[Node]:
    """The items of a sequence; nothing for anything else."""
    return node.items if isinstance(node, Sequence) else []


def strings(node: Node | None) -> list[Scalar]:
    """The scalars of a field that takes one or several: a scalar, or a sequence of scalars."""
    if isinstance(node, Scalar):
        return [node]
    return [item for item in sequence(node) if isinstance(item, Scalar)]


def walk(root: Node | None) -> Iterator[Node]:
    """Yield every node of a tree once, keys included, in the order of the file."""
    stack = [root] if root is not None else []
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        stack.extend(reversed(node.children))


def scalars(root: Node | None) -> Iterator[Scalar]:
    """Yield every scalar of a tree once, keys included, in the order of the file."""
    return (node for node in walk(root) if isinstance(node, Scalar))
