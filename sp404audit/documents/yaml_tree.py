"""YAML as a tree in which every key and value knows its place.

Built from PyYAML's event stream (libyaml where PyYAML has it) by an iterative builder, never by `load` or `compose`:
both recurse on input depth in C, expand aliases, and lose places. Scalars keep their text (`on` stays `on`, `22:22`
stays `22:22`); `Scalar.resolved` gives the value of the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/, 10.3).

An alias is the very node that its anchor names, so a tree may hold cycles: whoever walks it keeps a set of what was
seen. Merge keys (`<<`) are resolved on look-up, within a budget for each file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import yaml

from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Region

if TYPE_CHECKING:
    from sp404audit.documents.yaml_excerpt import ScalarExcerpt

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML built without libyaml: the same events, some twenty times slower

    class _Parser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):  # type: ignore[no-redef]
        """The event stream of PyYAML's own parser."""

        def __init__(self, stream: str) -> None:
            yaml.reader.Reader.__init__(self, stream)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)


__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "Mapping",
    "Mark",
    "MergeBudget",
    "Node",
    "Scalar",
    "Sequence",
    "Stream",
    "Written",
    "mapping",
    "parse",
    "parse_stream",
    "scalars",
    "sequence",
    "strings",
    "text",
    "walk",
]

MAX_DEPTH = 128
"""Deepest nesting that is read; libyaml's event stream is quadratic in flow depth. Deepest real file seen: 40."""
MAX_NODES = 500_000
_LARGE = 1_000_000
"""From this many characters on, memory weighs more than speed."""
MAX_MERGED_KEYS = 10_000
"""How many keys merge keys may bring into one file; real files bring dozens, a merge bomb millions."""

_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep; flatten it"
# Line ends to YAML 1.1, which libyaml counts, but not to YAML 1.2, GitHub or an editor.
_FOREIGN_LINE_ENDS = regex("[\x85\u2028\u2029]")
_NODE_PROPERTIES = regex(r"(?:[&!]\S*\s+)+")
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


class Stream:
    """What a file held: a root a document, and what kept the rest from being read.

    `roots` holds None for an empty document. `mappings_with_duplicates` lists the mappings in which a key stands twice.
    """

    def __init__(self) -> None:
        self.roots: list[Node | None] = []
        self.problems: list[Problem] = []
        self.mappings_with_duplicates: list[Mapping] = []


class _Builder:
    """Turns events into nodes, one document after the other, without recursion."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.stream = Stream()
        self.length = len(source.text)
        self.large = self.length > _LARGE
        self.foreign_lines = not source.text.isascii() and _FOREIGN_LINE_ENDS.search(source.text) is not None
        self.budget = MergeBudget()
        self.merging: list[Mapping] = []

    def place(self, mark: Mark) -> Mark:
        """Count lines as editors do, where libyaml counts others."""
        if not self.foreign_lines and mark.index < self.length:
            return mark
        index = min(mark.index, self.length)  # libyaml ends the last line even where the file does not
        line, column = self.source.position(index)
        return Mark(line - 1, column - 1, index)

    def skip_properties(self, mark: Mark) -> Mark:
        """Go on to the value from the `&anchor` or `!tag` at which libyaml says a node begins."""
        properties = _NODE_PROPERTIES.match(self.source.text, mark.index)
        if properties is None:
            return mark
        line, column = self.source.position(properties.end())
        return Mark(line - 1, column - 1, properties.end())

    def run(self) -> None:
        """Read the whole stream; what was read before an error is kept."""
        get_event: Callable[[], Any] = _Parser(self.source.text).get_event
        scalar, mapping_start, sequence_start = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
        stack: list[Sequence | Mapping] = []
        anchors: dict[str, Node] = {}
        children: list[Node] = []
        root: list[Node] = children
        nodes = 0
        while True:
            event = get_event()
            kind = type(event)
            if kind is scalar:
                if event.anchor is not None or event.tag is not None or self.foreign_lines or not event.value:
                    self.move(event)
                node: Node = Scalar(self.compact(event) if self.large else event)
            elif kind is mapping_start:
                node = Mapping(event.tag, self.begin(event), self.budget)
            elif kind is sequence_start:
                node = Sequence(event.tag, self.begin(event))
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self.close(stack.pop(), event)
                children = stack[-1].children if stack else root
                continue
            elif kind is yaml.AliasEvent:
                target = anchors.get(event.anchor)
                children.append(self.undefined(event) if target is None else target)
                continue
            elif kind is yaml.DocumentStartEvent:
                stack, anchors = [], {}
                root = children = []
                continue
            elif kind is yaml.DocumentEndEvent:
                self.stream.roots.append(None if _is_empty(root) else root[0])
                continue
            elif kind is yaml.StreamEndEvent or event is None:
                return
            else:
                continue
            nodes += 1
            children.append(node)
            if event.anchor is not None:
                anchors[event.anchor] = node
            if kind is not scalar:
                stack.append(node)  # type: ignore[arg-type]
                children = node.children
                self.check_bounds(len(stack), nodes, event.start_mark.line)
            elif nodes > MAX_NODES:  # a flat list of scalars opens no collection
                self.check_bounds(len(stack), nodes, event.start_mark.line)

    @staticmethod
    def compact(event: Any) -> Written:
        """A scalar's event without the dictionary that it brings: half a million of them must fit into memory."""
        return Written(event.value, event.style or "", event.start_mark, event.end_mark, event.tag)

    def begin(self, event: Any) -> Mark:
        """Where a node begins, which is after its anchor and tag."""
        start = self.place(event.start_mark)
        return start if event.anchor is None and event.tag is None else self.skip_properties(start)

    def move(self, event: Any) -> None:
        """Correct where libyaml says that a scalar stands."""
        event.start_mark = self.begin(event)
        event.end_mark = self.place(event.end_mark)

    def check_bounds(self, depth: int, nodes: int, line: int) -> None:
        """Stop at files that nobody wrote by hand."""
        if depth > MAX_DEPTH:
            raise DocumentError(
                "yaml/too-deep",
                _TOO_DEEP,
                Region(line + 1, 1, line + 1, 1),
            )
        if nodes > MAX_NODES:
            raise DocumentError(
                "yaml/too-many-nodes",
                f"more than {MAX_NODES:,} keys and values; split the file",
                Region(line + 1, 1, line + 1, 1),
            )

    def close(self, node: Sequence | Mapping, event: Any) -> None:
        """Note where a collection ends, and look at its keys while they are at hand."""
        node.end = self.place(event.end_mark)
        if isinstance(node, Mapping):
            keys = node.children[::2]
            names = {key.value for key in keys if type(key) is Scalar}
            if len(names) != len(keys) and next(node.duplicates(), None):
                self.stream.mappings_with_duplicates.append(node)
            if "<<" in names:
                self.merging.append(node)

    def undefined(self, event: Any) -> Scalar:
        """Stand in for an alias whose anchor is missing."""
        start, end = self.place(event.start_mark), self.place(event.end_mark)
        region = Region(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        message = f"*{event.anchor} is an alias of an anchor that is not defined before it"
        self.stream.problems.append(Problem("yaml/syntax", message, region))
        return Scalar(Written("", "", start, end))

    def check_merges(self) -> None:
        """Resolve merge keys now: whether the file goes over its budget must be known before a rule asks."""
        for node in self.merging:
            node.index()
        if self.budget.left <= 0:
            message = f"merge keys bring in more than {MAX_MERGED_KEYS:,} keys; the rest was not merged"
            self.stream.problems.append(Problem("yaml/too-many-nodes", message))


def _is_empty(root: list[Node]) -> bool:
    """Tell an empty document: libyaml gives it one plain scalar without a character."""
    return not root or (isinstance(root[0], Scalar) and not root[0].value and not root[0].style)


def parse_stream(source: Source) -> Stream:
    """Read every document of a file; a syntax error ends the reading and becomes a problem of the stream.

    Raises:
        DocumentError: `input/encoding`, when the file is no text that YAML allows.
    """
    if source.malformed_at is not None:
        line, column = source.position(source.malformed_at)
        message = "not UTF-8; save the file as UTF-8"
        raise DocumentError("input/encoding", message, Region(line, column, line, column + 1))
    builder = _Builder(source)
    try:
        builder.run()
    except yaml.reader.ReaderError as error:
        line, column = source.position(min(error.position, len(source.text)))
        message = f"holds a character that YAML does not allow ({_name_of(error.character)})"
        raise DocumentError("input/encoding", message, Region(line, column, line, column + 1)) from None
    except yaml.MarkedYAMLError as error:
        builder.stream.problems.append(_syntax_problem(builder, error))
    except DocumentError as error:
        builder.stream.problems.append(error.problem)
    builder.check_merges()
    return builder.stream


def _name_of(character: object) -> str:
    code = ord(character) if isinstance(character, str) else character
    return f"U+{code:04X}" if isinstance(code, int) else "unknown"


def _syntax_problem(builder: _Builder, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    message = ", ".join(part for part in (error.context, error.problem) if part) or "not YAML"
    if mark is None:
        return Problem("yaml/syntax", message)
    line, column = builder.source.position(min(mark.index, len(builder.source.text)))
    region = Region(line, column, line, column + 1)
    # libyaml looks ahead, and gives up on its own bound before ours is reached.
    if "nesting depth" in message:
        return Problem("yaml/too-deep", _TOO_DEEP, region)
    return Problem("yaml/syntax", message, region)


def parse(source: Source) -> list[Node | None]:
    """Read a file that must be read whole: a root a document, None for an empty one.

    Raises:
        DocumentError: on the first thing that kept a part of it from being read.
    """
    stream = parse_stream(source)
    for problem in stream.problems:
        raise DocumentError(problem.id, problem.message, problem.region)
    return stream.roots


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
