"""Alertmanager configurations: receivers, routes and what is silenced.

The format is that of https://prometheus.io/docs/alerting/latest/configuration/; Mimir and Loki take the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents import yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.monitoring.facts import AlertmanagerFile, Holder, Receiver
from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.yaml_tree import Mapping, Node
from sp404audit.results import Location, Region

__all__ = ["Alertmanager", "AlertmanagerConfig", "AlertmanagerReceiver", "Route", "parse"]

KINDS = ("alertmanager", "kubernetes")


class Route:
    """A node of the routing tree; `parent` is None for the root."""

    kinds: ClassVar[tuple[str, ...]] = KINDS

    def __init__(self, config: AlertmanagerConfig, node: Mapping, parent: Route | None) -> None:
        self.config = config
        self.node = node
        self.parent = parent

    @property
    def region(self) -> Region:
        """Where it begins."""
        return self.node.region

    @property
    def receiver(self) -> str:
        """The receiver that it names; the nearest one above when it names none."""
        route: Route | None = self
        while route is not None:
            name = yaml_tree.text(route.node.get("receiver"))
            if name:
                return name
            route = route.parent
        return ""


class AlertmanagerReceiver:
    """An item of `receivers`."""

    kinds: ClassVar[tuple[str, ...]] = KINDS

    def __init__(self, config: AlertmanagerConfig, node: Mapping) -> None:
        self.config = config
        self.node = node

    @property
    def region(self) -> Region:
        """Where its name stands."""
        name = self.node.get("name")
        return name.region if name is not None else self.node.region

    @property
    def name(self) -> str:
        """Its name."""
        return yaml_tree.text(self.node.get("name")) or ""

    @property
    def integrations(self) -> tuple[str, ...]:
        """The ways in which it tells people: `pagerduty`, `slack`, `webhook`; once for each item that is configured."""
        return tuple(
            name.removesuffix("_configs")
            for name, _, items in self.node.pairs()
            if name.endswith("_configs")
            for _ in yaml_tree.sequence(items)
        )


class AlertmanagerConfig:
    """A whole configuration; `holder` says where it lies when it is part of a manifest."""

    kinds: ClassVar[tuple[str, ...]] = KINDS

    def __init__(self, path: str, root: Mapping, holder: Holder | None = None) -> None:
        self.path = path
        self.root = root
        self.holder = holder or Holder()
        items = yaml_tree.sequence(root.get("receivers"))
        self.receivers = [AlertmanagerReceiver(self, item) for item in items if isinstance(item, Mapping)]
        self.routes = list(self._routes(root.get("route")))

    def _routes(self, root: Node | None) -> Iterator[Route]:
        """Yield the routing tree, parents first."""
        pending: list[tuple[Node | None, Route | None]] = [(root, None)]
        seen: set[int] = set()
        while pending:
            node, parent = pending.pop()
            if isinstance(node, Mapping) and id(node) not in seen:
                seen.add(id(node))
                route = Route(self, node, parent)
                yield route
                pending += [(child, route) for child in reversed(yaml_tree.sequence(node.get("routes")))]

    @property
    def region(self) -> Region:
        """Where it begins."""
        return self.root.region

    def subjects(self) -> Iterator[object]:
        """Yield what rules judge of it."""
        yield self
        yield from self.receivers
        yield from self.routes

    def facts(self) -> Iterator[Fact]:
        """Yield what cross-file rules need of it."""
        receivers = (
            Receiver(Location(self.path, receiver.region), receiver.name, receiver.integrations)
            for receiver in self.receivers
        )
        routed = tuple(dict.fromkeys(route.receiver for route in self.routes if route.receiver))
        yield AlertmanagerFile(Location(self.path, self.region), self.holder, tuple(receivers), routed)


class Alertmanager(Document):
    """A file that holds an Alertmanager configuration."""

    kinds: ClassVar[tuple[str, ...]] = ("alertmanager",)

    def __init__(self, source: Source, config: AlertmanagerConfig | None, problems: list[Problem]) -> None:
        super().__init__(source)
        self.config = config
        self.problems = problems

    def subjects(self) -> Iterator[object]:
        """Yield the document, the configuration in it and its parts."""
        yield self
        if self.config is not None:
            yield from self.config.subjects()

    def facts(self) -> Iterator[Fact]:
        """Yield what cross-file rules need of it."""
        if self.config is not None:
            yield from self.config.facts()


def parse(source: Source) -> Alertmanager:
    """Read an Alertmanager configuration.

    Raises:
        DocumentError: when nothing of it can be read, or when it holds no mapping.
    """
    stream = yaml_tree.parse_stream(source)
    root = stream.roots[0] if stream.roots else None
    if isinstance(root, Mapping):
        return Alertmanager(source, AlertmanagerConfig(source.path, root), stream.problems)
    for problem in stream.problems:
        raise DocumentError(problem.id, problem.message, problem.region)
    if root is not None:
        raise DocumentError("yaml/schema", "an Alertmanager configuration must be a mapping")
    return Alertmanager(source, None, [])
