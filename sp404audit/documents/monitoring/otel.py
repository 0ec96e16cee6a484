"""OpenTelemetry collector configurations: components, pipelines, and what the Prometheus receiver scrapes.

The format is that of https://opentelemetry.io/docs/collector/configuration/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents import yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.monitoring.facts import Target
from sp404audit.documents.monitoring.prometheus import PrometheusConfig
from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.yaml_tree import Mapping, Node

__all__ = ["OtelCollector", "parse"]

_PROMETHEUS_RECEIVERS = ("prometheus", "prometheus_simple")


class OtelCollector(Document):
    """A collector's configuration; `root` is None when the file is empty."""

    kinds: ClassVar[tuple[str, ...]] = ("otel-collector",)

    def __init__(self, source: Source, root: Mapping | None, problems: list[Problem]) -> None:
        super().__init__(source)
        self.root = root
        self.problems = problems

    def components(self, section: str) -> Iterator[tuple[str, Node, Node]]:
        """Yield name, key and settings of the components of a section (`receivers`, `exporters`, …)."""
        found = yaml_tree.mapping(self.root.get(section)) if self.root is not None else None
        if found is not None:
            yield from found.pairs()

    def pipelines(self) -> Iterator[tuple[str, Mapping]]:
        """Yield each pipeline of `service` by its name (`traces`, `metrics/internal`)."""
        service = yaml_tree.mapping(self.root.get("service")) if self.root is not None else None
        found = yaml_tree.mapping(service.get("pipelines")) if service is not None else None
        for name, _, node in found.pairs() if found is not None else ():
            if isinstance(node, Mapping):
                yield name, node

    def facts(self) -> Iterator[Fact]:
        """Yield what its Prometheus receivers scrape. The collector loads no rules: it is no Prometheus."""
        for name, _, settings in self.components("receivers"):
            if name.partition("/")[0] in _PROMETHEUS_RECEIVERS and isinstance(settings, Mapping):
                config = yaml_tree.mapping(settings.get("config"))
                if config is not None:
                    facts = PrometheusConfig(self.source.path, config).facts()
                    yield from (fact for fact in facts if isinstance(fact, Target))


def parse(source: Source) -> OtelCollector:
    """Read a collector's configuration.

    Raises:
        DocumentError: when nothing of it can be read, or when it holds no mapping.
    """
    stream = yaml_tree.parse_stream(source)
    root = stream.roots[0] if stream.roots else None
    if isinstance(root, Mapping):
        return OtelCollector(source, root, stream.problems)
    for problem in stream.problems:
        raise DocumentError(problem.id, problem.message, problem.region)
    if root is not None:
        raise DocumentError("yaml/schema", "a collector's configuration must be a mapping")
    return OtelCollector(source, None, [])
