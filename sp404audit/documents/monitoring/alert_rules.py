"""Files of alerting and recording rules, and the groups in them.

The format is that of https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/; Loki, Mimir and
Thanos add fields of their own. The `groups` of a PrometheusRule are the same subjects.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents import yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.monitoring.facts import Alert, AlertSource, Holder, Recording, RuleFile
from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar
from sp404audit.results import Location, Region

__all__ = ["AlertRules", "AlertingRule", "RecordingRule", "RuleGroup", "RuleGroups", "parse"]

KINDS = ("prometheus-rules", "kubernetes")


class _Rule:
    """What both kinds of rule have in common."""

    kinds: ClassVar[tuple[str, ...]] = KINDS
    key: ClassVar[str] = ""

    def __init__(self, group: RuleGroup, node: Mapping) -> None:
        self.group = group
        self.node = node

    @property
    def name(self) -> str:
        """What it is called, or what it records to."""
        return yaml_tree.text(self.node.get(self.key)) or ""

    @property
    def region(self) -> Region:
        """Where its name stands."""
        name = self.node.get(self.key)
        return name.region if name is not None else self.node.region

    @property
    def location(self) -> Location:
        """Where its name stands, with the file."""
        return Location(self.group.groups.path, self.region)

    @property
    def expression(self) -> Scalar | None:
        """Its query."""
        expression = self.node.get("expr")
        return expression if isinstance(expression, Scalar) else None

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Its `labels` or `annotations`."""
        mapping = yaml_tree.mapping(self.node.get(key))
        return tuple((name, yaml_tree.text(value) or "") for name, _, value in mapping.pairs()) if mapping else ()


class AlertingRule(_Rule):
    """A rule that raises an alert."""

    key = "alert"

    @property
    def hold(self) -> str:
        """Its `for`, as written; empty when there is none."""
        return yaml_tree.text(self.node.get("for")) or ""

    def fact(self) -> Alert:
        """The rule as a fact."""
        expression = self.expression.value if self.expression else ""
        return Alert(self.location, self.name, expression, self.hold, self.pairs("labels"), self.pairs("annotations"))


class RecordingRule(_Rule):
    """A rule that records a series."""

    key = "record"

    def fact(self) -> Recording:
        """The rule as a fact."""
        return Recording(self.location, self.name, self.expression.value if self.expression else "")


class RuleGroup:
    """A group of rules that are evaluated together."""

    kinds: ClassVar[tuple[str, ...]] = KINDS

    def __init__(self, groups: RuleGroups, node: Mapping) -> None:
        self.groups = groups
        self.node = node
        items = [item for item in yaml_tree.sequence(node.get("rules")) if isinstance(item, Mapping)]
        self.alerts = [AlertingRule(self, item) for item in items if "alert" in item]
        self.recordings = [RecordingRule(self, item) for item in items if "record" in item and "alert" not in item]

    @property
    def name(self) -> str:
        """Its name."""
        return yaml_tree.text(self.node.get("name")) or ""

    @property
    def region(self) -> Region:
        """Where its name stands."""
        name = self.node.get("name")
        return name.region if name is not None else self.node.region


class RuleGroups:
    """The `groups` of a file or of a PrometheusRule, or the `slos` that Sloth makes them from; `root` holds them."""

    kinds: ClassVar[tuple[str, ...]] = KINDS

    def __init__(self, path: str, root: Mapping, holder: Holder | None = None) -> None:
        self.path = path
        self.root = root
        self.holder = holder or Holder()
        items = yaml_tree.sequence(root.get("groups"))
        self.groups = [RuleGroup(self, item) for item in items if isinstance(item, Mapping)]

    @property
    def region(self) -> Region:
        """Where they begin."""
        return self.root.region

    def subjects(self) -> Iterator[object]:
        """Yield what rules judge of them."""
        yield self
        for group in self.groups:
            yield group
            yield from group.alerts
            yield from group.recordings

    def facts(self) -> Iterator[Fact]:
        """Yield what cross-file rules need of them."""
        yield RuleFile(
            Location(self.path, self.region),
            self.holder,
            tuple(alert.fact() for group in self.groups for alert in group.alerts),
            tuple(recording.fact() for group in self.groups for recording in group.recordings),
        )
        for objective in yaml_tree.sequence(self.root.get("slos")):
            if isinstance(objective, Mapping) and "alerting" in objective:
                name = yaml_tree.text(objective.get("name")) or ""
                yield AlertSource(Location(self.path, objective.region), name, "sloth")


class AlertRules(Document):
    """A file of rules."""

    kinds: ClassVar[tuple[str, ...]] = ("prometheus-rules",)

    def __init__(self, source: Source, roots: list[Mapping], problems: list[Problem]) -> None:
        super().__init__(source)
        self.problems = problems
        self.parts = [RuleGroups(source.path, root) for root in roots]

    def subjects(self) -> Iterator[object]:
        """Yield the document, its groups and the rules in them."""
        yield self
        for part in self.parts:
            yield from part.subjects()

    def facts(self) -> Iterator[Fact]:
        """Yield what cross-file rules need of it."""
        for part in self.parts:
            yield from part.facts()


def has_rules(root: Node | None) -> bool:
    """Whether a mapping is one of `groups` with `rules`."""
    groups = root.get("groups") if isinstance(root, Mapping) else None
    return any(isinstance(group, Mapping) and "rules" in group for group in yaml_tree.sequence(groups))


def parse(source: Source) -> AlertRules:
    """Read a file of rules.

    Raises:
        DocumentError: when nothing of it can be read, or when it holds no mapping.
    """
    stream = yaml_tree.parse_stream(source)
    roots = [root for root in stream.roots if isinstance(root, Mapping)]
    if not roots:
        for problem in stream.problems:
            raise DocumentError(problem.id, problem.message, problem.region)
        if any(root is not None for root in stream.roots):
            raise DocumentError("yaml/schema", "a file of rules must be a mapping with groups")
    return AlertRules(source, roots, stream.problems)
