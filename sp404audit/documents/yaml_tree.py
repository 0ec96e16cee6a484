"""YAML as a tree in which every key and value knows its place.

Built from PyYAML's event stream (libyaml where PyYAML has it) by an iterative builder, never by `load` or `compose`:
both recurse on input depth in C, expand aliases, and lose places. Scalars keep their text (`on` stays `on`, `22:22`
stays `22:22`); `Scalar.resolved` gives the value of the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/, 10.3).

An alias is the very node that its anchor names, so a tree may hold cycles: whoever walks it keeps a set of what was
seen. Merge keys (`<<`) are resolved on look-up, within a budget for each file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import yaml

from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.yaml_nodes import (
    MAX_MERGED_KEYS,
    Mapping,
    Mark,
    MergeBudget,
    Node,
    Scalar,
    Sequence,
    Written,
    mapping,
    scalars,
    sequence,
    strings,
    text,
    walk,
)
from sp404audit.lazy import regex
from sp404audit.results import Region

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
    "MAX_MERGED_KEYS",
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

_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep; flatten it"
# Line ends to YAML 1.1, which libyaml counts, but not to YAML 1.2, GitHub or an editor.
_FOREIGN_LINE_ENDS = regex("[\x85\u2028\u2029]")
_NODE_PROPERTIES = regex(r"(?:[&!]\S*\s+)+")


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
        foreign_lines, large = self.foreign_lines, self.large
        while True:
            event = get_event()
            kind = type(event)
            if kind is scalar:
                if foreign_lines or not event.value or event.anchor is not None or event.tag is not None:
                    self.move(event)
                node: Node = Scalar(self.compact(event) if large else event)
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
            if nodes > MAX_NODES or len(stack) > MAX_DEPTH:
                self.refuse(len(stack), event.start_mark.line)

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

    @staticmethod
    def refuse(depth: int, line: int) -> NoReturn:
        """Stop at a file that nobody wrote by hand."""
        place = Region(line + 1, 1, line + 1, 1)
        if depth > MAX_DEPTH:
            raise DocumentError("yaml/too-deep", _TOO_DEEP, place)
        raise DocumentError("yaml/too-many-nodes", f"more than {MAX_NODES:,} keys and values; split the file", place)

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
