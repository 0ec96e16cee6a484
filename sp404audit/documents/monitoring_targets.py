"""An address that the monitoring connects to, with what the repository knows of who connects and who answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import ClassVar

from sp404audit.documents.compose_project import Service, projects
from sp404audit.documents.model import Repository
from sp404audit.documents.monitoring_facts import Target
from sp404audit.documents.network_names import Address, Names, names, parse_address
from sp404audit.results import Location

__all__ = ["MonitoringTarget", "readers_of"]

_MANY = 50
"""More services than this that read one configuration are not looked at."""


class MonitoringTarget:
    """A scrape target, probe target, Alertmanager, remote storage or data source.

    Attributes:
        target: the fact.
        names: what the repository provides.
        readers: the compose services that read the configuration; empty when the repository does not tell.
    """

    kinds: ClassVar[tuple[str, ...]] = ("prometheus", "otel-collector", "grafana-provisioning", "kubernetes")

    def __init__(self, target: Target, provided: Names, readers: list[Service]) -> None:
        self.target = target
        self.names = provided
        self.readers = readers

    @property
    def location(self) -> Location:
        """Where the address stands."""
        return self.target.location

    @cached_property
    def address(self) -> Address | None:
        """The address taken apart; None when it is none, or is filled in elsewhere."""
        return parse_address(self.target.text)

    @staticmethod
    def in_repository(repository: Repository) -> Iterable[MonitoringTarget]:
        """Yield the targets of every configuration."""
        provided = repository.derived(names)
        readers = repository.derived(_readers)
        for target in repository.facts(Target):
            yield MonitoringTarget(target, provided, list(_reading(readers, target.location.path))[:_MANY])


def _readers(repository: Repository) -> dict[str, list[Service]]:
    """The services that see a path of the repository, by that path (a file or a folder)."""
    found: dict[str, list[Service]] = {}
    for project in repository.derived(projects):
        for service in project.services.values():
            for path, _ in service.mounted:
                found.setdefault(path, []).append(service)
    return found


def _reading(readers: dict[str, list[Service]], path: str) -> Iterator[Service]:
    """Yield the services that mount a file: itself, or the nearest folder above it that any service mounts."""
    while True:
        if path in readers:
            yield from readers[path]
            return
        if not path:
            return
        path = path.rpartition("/")[0]


def readers_of(repository: Repository, path: str) -> list[Service]:
    """The compose services that mount a file of the repository, or a folder that holds it."""
    return list(_reading(repository.derived(_readers), path))[:_MANY]
