"""Grafana: dashboards, and what provisioning files set up (data sources, alert rules).

Formats: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ and
https://grafana.com/docs/grafana/latest/administration/provisioning/. A dashboard may be wrapped as the HTTP API
wants it (`{"dashboard": …}`), or lie in a ConfigMap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents import json_tree, yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.monitoring.facts import (
    AlertSource,
    Dashboard,
    DashboardQuery,
    Datasource,
    Holder,
    Target,
    without_credentials,
)
from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar
from sp404audit.results import Location, Region

__all__ = [
    "DashboardModel",
    "GrafanaDashboard",
    "GrafanaProvisioning",
    "Panel",
    "parse_dashboard",
    "parse_provisioning",
]

_QUERY_KEYS = ("expr", "query", "rawSql", "expression")


class Panel:
    """A panel of a dashboard, those inside of rows too."""

    kinds: ClassVar[tuple[str, ...]] = ("grafana", "kubernetes")

    def __init__(self, dashboard: DashboardModel, node: Mapping) -> None:
        self.dashboard = dashboard
        self.node = node

    @property
    def title(self) -> str:
        """Its title."""
        return yaml_tree.text(self.node.get("title")) or ""

    @property
    def region(self) -> Region:
        """Where its title stands."""
        title = self.node.get("title")
        return title.region if title is not None else self.node.region

    @property
    def targets(self) -> list[Mapping]:
        """Its queries."""
        return [target for target in yaml_tree.sequence(self.node.get("targets")) if isinstance(target, Mapping)]

    def queries(self) -> Iterator[tuple[Scalar, str, str]]:
        """Yield the text of each query, with the uid or name and the type of its data source where they are written."""
        for target in self.targets:
            expression = next((node for key in _QUERY_KEYS if isinstance(node := target.get(key), Scalar)), None)
            if expression is not None:
                yield expression, *_datasource(target.get("datasource") or self.node.get("datasource"))


def _datasource(node: Node | None) -> tuple[str, str]:
    if isinstance(node, Mapping):
        return yaml_tree.text(node.get("uid")) or "", yaml_tree.text(node.get("type")) or ""
    return yaml_tree.text(node) or "", ""


class DashboardModel:
    """A dashboard.

    Attributes:
        path: of the file that it stands in.
        root: its mapping, without any wrapping.
        is_wrapped: whether it stands in `{"dashboard": …}`, which only the HTTP API takes.
        holder: where it lies when it is part of a manifest.
    """

    kinds: ClassVar[tuple[str, ...]] = ("grafana", "kubernetes")

    def __init__(self, path: str, root: Mapping, holder: Holder | None = None) -> None:
        inner = root.get("dashboard")
        self.path = path
        self.is_wrapped = isinstance(inner, Mapping)
        self.root = inner if isinstance(inner, Mapping) else root
        self.holder = holder or Holder()
        self.panels = [Panel(self, node) for node in _panels(self.root)]

    @property
    def region(self) -> Region:
        """Where its title stands, or where it begins."""
        title = self.root.get("title")
        return title.region if title is not None else self.root.region

    @property
    def title(self) -> str:
        """Its title."""
        return yaml_tree.text(self.root.get("title")) or ""

    def subjects(self) -> Iterator[object]:
        """Yield what rules judge of it."""
        yield self
        yield from self.panels

    def facts(self) -> Iterator[Fact]:
        """Yield what cross-file rules need of it."""
        queries = tuple(
            DashboardQuery(Location(self.path, text.region), text.value, uid, kind)
            for panel in self.panels
            for text, uid, kind in panel.queries()
        )
        uid = yaml_tree.text(self.root.get("uid")) or ""
        alerts = sum(isinstance(panel.node.get("alert"), Mapping) for panel in self.panels)
        yield Dashboard(Location(self.path, self.region), self.holder, self.title, uid, queries, alerts)


def _panels(root: Mapping) -> Iterator[Mapping]:
    """Yield every panel, those in rows of the old and the new kind too, in order."""
    pending: list[Node] = [*yaml_tree.sequence(root.get("rows")), *yaml_tree.sequence(root.get("panels"))]
    pending.reverse()
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if not isinstance(node, Mapping) or id(node) in seen:
            continue
        seen.add(id(node))
        inner = yaml_tree.sequence(node.get("panels"))
        pending.extend(reversed(inner))
        if "type" in node or "targets" in node or not inner:
            yield node


class GrafanaDashboard(Document):
    """A file that holds a dashboard."""

    kinds: ClassVar[tuple[str, ...]] = ("grafana",)

    def __init__(self, source: Source, dashboard: DashboardModel) -> None:
        super().__init__(source)
        self.dashboard = dashboard

    def subjects(self) -> Iterator[object]:
        """Yield the document, the dashboard and its panels."""
        yield self
        yield from self.dashboard.subjects()

    def facts(self) -> Iterator[Fact]:
        """Yield what cross-file rules need of it."""
        yield from self.dashboard.facts()


class GrafanaProvisioning(Document):
    """A file of Grafana's provisioning: data sources, dashboard providers, alert rules, contact points."""

    kinds: ClassVar[tuple[str, ...]] = ("grafana-provisioning",)

    def __init__(self, source: Source, root: Mapping | None, problems: list[Problem]) -> None:
        super().__init__(source)
        self.root = root
        self.problems = problems

    def facts(self) -> Iterator[Fact]:
        """Yield the data sources with the addresses that they connect to, and the alert rules."""
        if self.root is not None:
            yield from provisioning_facts(self.source.path, self.root, Holder())


def provisioning_facts(path: str, root: Mapping, holder: Holder) -> Iterator[Fact]:
    """Yield the data sources and alert rules that a mapping of provisioning sets up."""
    for item in yaml_tree.sequence(root.get("datasources")):
        if isinstance(item, Mapping):
            name, uid, kind = (yaml_tree.text(item.get(key)) or "" for key in ("name", "uid", "type"))
            url = item.get("url")
            text = without_credentials(yaml_tree.text(url) or "")
            yield Datasource(Location(path, item.region), name, uid, kind, text)
            if text and url is not None:
                yield Target(Location(path, url.region), text, "datasource", name, holder)
    for group in yaml_tree.sequence(root.get("groups")):
        rules = group.get("rules") if isinstance(group, Mapping) else None
        for alert in yaml_tree.sequence(rules):
            if isinstance(alert, Mapping):
                yield AlertSource(Location(path, alert.region), yaml_tree.text(alert.get("title")) or "", "grafana")


def is_dashboard(root: Node | None) -> bool:
    """Whether a mapping is a dashboard, wrapped or not."""
    if not isinstance(root, Mapping):
        return False
    inner = root.get("dashboard")
    model = inner if isinstance(inner, Mapping) else root
    return "panels" in model or "rows" in model or ("title" in model and "schemaVersion" in model)


def parse_dashboard(source: Source) -> GrafanaDashboard:
    """Read a dashboard.

    Raises:
        DocumentError: `json/syntax`, `json/too-deep`, or `yaml/schema` when it is no object.
    """
    root = json_tree.parse(source)
    if not isinstance(root, Mapping):
        raise DocumentError("yaml/schema", "a dashboard must be an object")
    return GrafanaDashboard(source, DashboardModel(source.path, root))


def parse_provisioning(source: Source) -> GrafanaProvisioning:
    """Read a file of provisioning.

    Raises:
        DocumentError: when nothing of it can be read, or when it holds no mapping.
    """
    stream = yaml_tree.parse_stream(source)
    root = stream.roots[0] if stream.roots else None
    if root is None or isinstance(root, Mapping):
        if root is None:
            for problem in stream.problems:
                raise DocumentError(problem.id, problem.message, problem.region)
        return GrafanaProvisioning(source, root, stream.problems)
    raise DocumentError("yaml/schema", "a file of provisioning must be a mapping")
