"""Prometheus configurations: what is scraped, which rules are loaded, where alerts and samples go.

The format is that of https://prometheus.io/docs/prometheus/latest/configuration/configuration/; vmagent, other
agents and the OpenTelemetry collector's Prometheus receiver read the same. One in a ConfigMap is the same subject.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeGuard

from sp404audit.documents import yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.monitoring.facts import Holder, PrometheusFile, Target, without_credentials
from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.yaml_tree import Mapping, MergeBudget, Node, Scalar, Sequence
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Region

__all__ = ["Prometheus", "PrometheusConfig", "Relabelling", "ScrapeConfig", "parse"]

_ADDRESS = "__address__"
_PROBE_PARAMETER = "__param_target"


class Relabelling(NamedTuple):
    """One step of `relabel_configs` or `metric_relabel_configs`, defaults filled in."""

    node: Mapping
    sources: tuple[str, ...]
    target: str
    regex: str
    replacement: str
    action: str


def relabellings(node: Node | None) -> list[Relabelling]:
    """Read the steps of a relabelling."""
    return [_relabelling(step) for step in yaml_tree.sequence(node) if isinstance(step, Mapping)]


def _relabelling(step: Mapping) -> Relabelling:
    return Relabelling(
        step,
        tuple(source.value for source in yaml_tree.strings(step.get("source_labels"))),
        yaml_tree.text(step.get("target_label")) or "",
        yaml_tree.text(step.get("regex")) or "(.*)",
        yaml_tree.text(step.get("replacement")) if "replacement" in step else "$1",  # type: ignore[arg-type]
        (yaml_tree.text(step.get("action")) or "replace").lower(),
    )


class ScrapeConfig:
    """An item of `scrape_configs`."""

    kinds: ClassVar[tuple[str, ...]] = ("prometheus", "kubernetes")

    def __init__(self, config: PrometheusConfig, node: Mapping) -> None:
        self.config = config
        self.node = node

    @property
    def region(self) -> Region:
        """Where its name stands."""
        name = self.node.get("job_name")
        return name.region if name is not None else self.node.region

    @property
    def job(self) -> str:
        """The value of `job_name`."""
        return yaml_tree.text(self.node.get("job_name")) or ""

    @property
    def static_targets(self) -> list[Scalar]:
        """The targets of every `static_configs` item."""
        return static_targets(self.node)

    @property
    def discoveries(self) -> list[str]:
        """The kinds of service discovery that it uses: `kubernetes`, `file`, `ec2` and so on."""
        return [name.removesuffix("_sd_configs") for name, _, _ in self.node.pairs() if name.endswith("_sd_configs")]

    @property
    def relabellings(self) -> list[Relabelling]:
        """Its `relabel_configs`."""
        return relabellings(self.node.get("relabel_configs"))

    def targets(self) -> Iterator[tuple[Scalar, str]]:
        """Yield each address that is connected to with its role, relabelling taken into account.

        An address that the relabelling computes from anything but a constant is left out: it is not known.
        """
        role = "scrape"
        for step in self.relabellings:
            if step.action == "replace" and step.sources == (_ADDRESS,) and step.target == _PROBE_PARAMETER:
                role = "probe"
            if step.action == "replace" and step.target == _ADDRESS:
                replacement = step.node.get("replacement")
                if step.sources or not isinstance(replacement, Scalar) or "$" in replacement.value:
                    return
                yield replacement, "exporter"
                role = "probe" if role == "probe" else ""
        if role:
            for target in self.static_targets:
                yield target, role


def static_targets(node: Mapping) -> list[Scalar]:
    """The targets of the `static_configs` in a mapping."""
    found: list[Scalar] = []
    for item in yaml_tree.sequence(node.get("static_configs")):
        if isinstance(item, Mapping):
            found += _filled(item.get("targets"))
    return found


def _filled(node: Node | None) -> list[Scalar]:
    """The texts of a list; none of one that is commented out item by item, which YAML reads as null."""
    return [scalar for scalar in yaml_tree.strings(node) if scalar.resolved is not None]


class PrometheusConfig:
    """A whole configuration, or a list of scrape configurations that are added to one elsewhere.

    Attributes:
        path: of the file that it stands in.
        root: its mapping, or the list.
        settings: its mapping; an empty one for a list.
        holder: where it lies when it is part of a manifest.
    """

    kinds: ClassVar[tuple[str, ...]] = ("prometheus", "kubernetes")

    def __init__(self, path: str, root: Mapping | Sequence, holder: Holder | None = None) -> None:
        self.path = path
        self.root = root
        self.settings = root if isinstance(root, Mapping) else Mapping(None, root.start, MergeBudget())
        self.holder = holder or Holder()
        items = root.items if isinstance(root, Sequence) else yaml_tree.sequence(root.get("scrape_configs"))
        self.scrape_configs = [ScrapeConfig(self, item) for item in items if isinstance(item, Mapping)]

    @property
    def region(self) -> Region:
        """Where it begins."""
        return self.root.region

    def subjects(self) -> Iterator[object]:
        """Yield what rules judge of it."""
        yield self
        yield from self.scrape_configs

    def facts(self) -> Iterator[Fact]:
        """Yield what cross-file rules need of it."""
        managers = list(self._alertmanagers())
        remotes = self._remotes("remote_write")
        if isinstance(self.root, Mapping):
            yield self._file(len(managers), remotes)
        for scrape in self.scrape_configs:
            for address, role in scrape.targets():
                yield self._target(address, role, scrape.job)
        for manager in managers:
            for address in static_targets(manager):
                yield self._target(address, "alertmanager", "alertmanagers")
        for url in (*remotes, *self._remotes("remote_read")):
            yield self._target(url, "remote", "remote storage")

    def _file(self, alertmanagers: int, remotes: list[Scalar]) -> PrometheusFile:
        return PrometheusFile(
            self._at(self.root),
            self.holder,
            tuple(scrape.job for scrape in self.scrape_configs),
            tuple((glob.value, self._at(glob)) for glob in _filled(self.settings.get("rule_files"))),
            alertmanagers,
            tuple(without_credentials(url.value) for url in remotes),
            tuple(glob.value for glob in _filled(self.settings.get("scrape_config_files"))),
        )

    def _at(self, node: Node) -> Location:
        return Location(self.path, node.region)

    def _target(self, address: Scalar, role: str, owner: str) -> Target:
        return Target(self._at(address), without_credentials(address.value), role, owner, self.holder)

    def _alertmanagers(self) -> Iterator[Mapping]:
        alerting = yaml_tree.mapping(self.settings.get("alerting"))
        for item in yaml_tree.sequence(alerting.get("alertmanagers") if alerting else None):
            if isinstance(item, Mapping):
                yield item

    def _remotes(self, key: str) -> list[Scalar]:
        items = yaml_tree.sequence(self.settings.get(key))
        urls = [item.get("url") for item in items if isinstance(item, Mapping)]
        return [url for url in urls if isinstance(url, Scalar)]


class Prometheus(Document):
    """A file that holds a Prometheus configuration, or a list of targets for `file_sd_configs`."""

    kinds: ClassVar[tuple[str, ...]] = ("prometheus",)

    def __init__(self, source: Source, root: Node | None, problems: list[Problem]) -> None:
        super().__init__(source)
        self.root = root
        self.config = PrometheusConfig(source.path, root) if is_configuration(root) else None
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
        for group in yaml_tree.sequence(self.root):
            for target in _filled(group.get("targets")) if isinstance(group, Mapping) else ():
                text = without_credentials(target.value)
                yield Target(Location(self.source.path, target.region), text, "scrape", "file_sd")


def is_configuration(root: Node | None) -> TypeGuard[Mapping | Sequence]:
    """Whether a node is a mapping, or a list of which an item has a `job_name`."""
    return isinstance(root, Mapping) or any(
        isinstance(item, Mapping) and "job_name" in item for item in yaml_tree.sequence(root)
    )


def parse(source: Source) -> Prometheus:
    """Read a Prometheus configuration.

    Raises:
        DocumentError: when nothing of it can be read, or when it holds neither a mapping nor a list.
    """
    stream = yaml_tree.parse_stream(source)
    root = stream.roots[0] if stream.roots else None
    if isinstance(root, Mapping | Sequence):
        return Prometheus(source, root, stream.problems)
    for problem in stream.problems:
        raise DocumentError(problem.id, problem.message, problem.region)
    if root is not None:
        raise DocumentError("yaml/schema", "a Prometheus configuration must be a mapping")
    return Prometheus(source, None, [])
