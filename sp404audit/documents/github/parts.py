"""Parts of a workflow: its triggers, and permissions, which the workflow and each job may declare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.documents.yaml_tree import Mapping, mapping, sequence, strings, text
from sp404audit.results import Region

if TYPE_CHECKING:
    from sp404audit.documents.yaml_tree import Node

__all__ = ["Permissions", "Trigger", "block_region", "read_triggers"]

WHOLE_TOKEN = ("read-all", "write-all")
_DEEPEST_BLOCK = 16
_FILTERS = ("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore", "types", "workflows")


class Trigger:
    """One event of `on:`.

    Attributes:
        name: `push`, `pull_request` …, in lower case.
        node: the node of the name.
        value: what the event is narrowed down with; None when nothing.
    """

    __slots__ = ("name", "node", "value")

    def __init__(self, node: Node, name: str, value: Node | None) -> None:
        self.node = node
        self.name = name.lower()
        self.value = value

    @property
    def region(self) -> Region:
        """Where the event is named."""
        return self.node.region

    @property
    def options(self) -> Mapping | None:
        """The filters, inputs and outputs of the event; None when it has none."""
        return mapping(self.value)

    def filter(self, name: str) -> tuple[str, ...] | None:
        """The values of `branches`, `paths-ignore`, `types` …; None when the event has no such filter."""
        options = self.options
        if options is None or name not in options:
            return None
        return tuple(scalar.value for scalar in strings(options.get(name)))

    @property
    def filters(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Every filter that the event has, by name; the cron lines of a schedule under `cron`."""
        if self.name == "schedule":
            lines = (text(entry.get("cron")) for entry in sequence(self.value) if isinstance(entry, Mapping))
            return (("cron", tuple(line for line in lines if line)),)
        options = self.options
        given = [name for name in _FILTERS if name in options] if options is not None else []
        return tuple([(name, self.filter(name) or ()) for name in given])

    @property
    def inputs(self) -> dict[str, Mapping | None]:
        """The inputs that a dispatch or a call declares, by their names in lower case."""
        declared = mapping(self.options.get("inputs")) if self.options else None
        return {name.lower(): mapping(node) for name, _, node in declared.pairs()} if declared else {}


def read_triggers(node: Node | None) -> dict[str, Trigger]:
    """Read `on:` in any of its three forms: an event, a list of events, or a mapping of events to their options."""
    if isinstance(node, Mapping):
        return {name.lower(): Trigger(key, name, value) for name, key, value in node.pairs()}
    found: dict[str, Trigger] = {}
    for scalar in strings(node):
        if scalar.value:
            found.setdefault(scalar.value.lower(), Trigger(scalar, scalar.value, None))
    return found


class Permissions:
    """What `permissions:` grants the GITHUB_TOKEN.

    Attributes:
        key: the node of the word `permissions`.
        node: its value.
        whole: `read-all` or `write-all` when it grants everything at one level; else empty.
        scopes: level by scope, both in lower case, where it lists them. `{}` and nothing at all grant nothing.
    """

    __slots__ = ("key", "node", "scopes", "whole")

    def __init__(self, key: Node, node: Node) -> None:
        self.key = key
        self.node = node
        word = (text(node) or "").strip().lower()
        self.whole = word if word in WHOLE_TOKEN else ""
        pairs = node.pairs() if isinstance(node, Mapping) else ()
        self.scopes = {name.lower(): (text(value) or "none").lower() for name, _, value in pairs}

    @property
    def region(self) -> Region:
        """The whole block, from the word `permissions` on."""
        return block_region(self.key, self.node)

    def level(self, scope: str) -> str:
        """`write`, `read` or `none`."""
        if self.whole:
            return self.whole.removesuffix("-all")
        return self.scopes.get(scope, "none")

    def written(self) -> Iterator[tuple[str, Node]]:
        """Yield the scopes that may be written to, each with its node."""
        if isinstance(self.node, Mapping):
            for name, key, value in self.node.pairs():
                if (text(value) or "").lower() == "write":
                    yield name.lower(), key


def block_region(key: Node, value: Node) -> Region:
    """The region from a key to the last line of its value that is not blank by construction."""
    first = key.start.line + 1
    last = value
    for _ in range(_DEEPEST_BLOCK):  # an alias may make a value its own last child
        if not last.children:
            break
        last = last.children[-1]
    if last.end.line <= key.start.line or last.end.column == 0:
        return Region(first, key.start.column + 1, first, max(key.end.column, key.start.column + 1) + 1)
    return Region(first, key.start.column + 1, last.end.line + 1, last.end.column + 1)
