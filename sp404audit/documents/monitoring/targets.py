"""An address that the monitoring connects to, with what the repository knows of who connects and who answers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar

from sp404audit.documents.compose.project import Project, Service, projects
from sp404audit.documents.model import Repository
from sp404audit.documents.monitoring.facts import Target
from sp404audit.documents.monitoring.network_names import (
    Address,
    Names,
    external_networks,
    names,
    network_ids,
    parse_address,
)
from sp404audit.results import Location

__all__ = ["MonitoringTarget", "Readers", "readers_of"]

_MANY = 50
"""More services than this that read one configuration are not looked at."""


class Readers:
    """The compose services that read a configuration; none when the repository does not tell.

    Attributes:
        services: those services.
        projects: every project of the repository.
    """

    def __init__(self, services: Iterable[Service] = (), projects: tuple[Project, ...] = ()) -> None:
        self.services = list(services)[:_MANY]
        self.projects = projects

    def __bool__(self) -> bool:
        return bool(self.services)

    @cached_property
    def networks(self) -> frozenset[str]:
        """The networks that any of them is on (`network_ids`)."""
        return frozenset().union(*map(network_ids, self.services))

    @cached_property
    def extra_hosts(self) -> frozenset[str]:
        """The names that are added to what any of them can resolve."""
        return frozenset().union(*(service.extra_hosts for service in self.services))

    @cached_property
    def may_meet_strangers(self) -> bool:
        """Whether one is on an external network that no other project here is on: then another repository's is."""
        external = frozenset().union(*map(external_networks, self.services))
        if not external:
            return False
        own = {service.project.folder for service in self.services}
        shown = (
            network
            for project in self.projects
            if project.folder not in own
            for service in project.services.values()
            for network in network_ids(service)
        )
        return not external <= frozenset(shown)

    @property
    def are_on_host(self) -> bool:
        """Whether one of them is on the network of the host, where names of containers mean nothing."""
        return any(service.network_mode == "host" for service in self.services)


class MonitoringTarget:
    """A scrape target, probe target, Alertmanager, remote storage or data source.

    Attributes:
        target: the fact.
        names: what the repository provides.
        readers: the services that read the configuration.
    """

    kinds: ClassVar[tuple[str, ...]] = ("prometheus", "otel-collector", "grafana-provisioning", "kubernetes")

    def __init__(self, target: Target, provided: Names, readers: Readers) -> None:
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
        by_path: dict[str, Readers] = {}
        for target in repository.facts(Target):
            path = target.location.path
            if path not in by_path:
                by_path[path] = readers_of(repository, path)
            yield MonitoringTarget(target, provided, by_path[path])


def readers_of(repository: Repository, path: str) -> Readers:
    """The services that mount a file: itself, or the nearest folder above it that any service mounts."""
    mounted = repository.derived(_readers)
    while path not in mounted and path:
        path = path.rpartition("/")[0]
    return mounted.get(path, Readers())


def _readers(repository: Repository) -> dict[str, Readers]:
    """The services that see a path of the repository, by that path (a file or a folder).

    A service that is built here and mounts a folder sees its source code, and whatever else lies there by chance.
    """
    found: dict[str, list[Service]] = {}
    every = repository.derived(projects)
    for project in every:
        for service in project.services.values():
            for path, _ in service.mounted:
                if path in repository.paths or (path and service.get("build") is None):
                    found.setdefault(path, []).append(service)
    return {path: Readers(services, every) for path, services in found.items()}
