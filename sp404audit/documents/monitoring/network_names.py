"""Which host names the repository itself provides: services of compose projects, Services of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from sp404audit.documents.compose.project import Project, Service, projects
from sp404audit.documents.model import Repository
from sp404audit.documents.monitoring.facts import ServiceName
from sp404audit.documents.values import as_bool
from sp404audit.records import NamedTuple
from sp404audit.results import Location

if TYPE_CHECKING:
    from sp404audit.documents.shell.commands import ShellCommand

__all__ = [
    "Address",
    "Names",
    "Provider",
    "external_networks",
    "is_for_other_machines",
    "is_sample",
    "names",
    "network_ids",
    "parse_address",
]  # fmt: skip

_EXTERNAL_TO_CONTAINER = frozenset(
    {
        "host.docker.internal", "gateway.docker.internal", "host.containers.internal", "docker.for.mac.localhost",
        "docker.for.win.localhost", "host.lima.internal", "host.minikube.internal",
    }
)  # fmt: skip

_ENGINES = frozenset({"docker", "podman", "nerdctl"})
_STARTS = frozenset({"run", "create"})
_NAMING = frozenset({"--name", "--hostname", "--network-alias", "--net-alias"})
_HELM_INSTALLS = frozenset({"install", "upgrade"})
_MANY = 200
"""More providers of one name, or more names to compare, are not looked at."""


class Address(NamedTuple):
    """An address taken apart; `host` is lower case, without the brackets of IPv6."""

    host: str
    port: str = ""
    scheme: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether it is the very container or host that connects."""
        return self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"

    @property
    def is_ip(self) -> bool:
        """Whether the host is a number."""
        return ":" in self.host or (self.host.replace(".", "").isdecimal() and self.host.count(".") == 3)

    @property
    def is_container_host(self) -> bool:
        """Whether it is a name by which a container reaches the machine that it runs on."""
        return self.host in _EXTERNAL_TO_CONTAINER


@cache
def _address() -> re.Pattern[str]:
    return re.compile(
        r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})://)?(?:[^@/\s]{0,200}@)?"
        r"(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?))\.?"
        r"(?::(?P<port>\d{1,5}))?(?:[/?#].*)?"
    )


@cache
def _numbered() -> re.Pattern[str]:
    return re.compile(r"([a-z0-9_-]{1,200})[-_]\d{1,4}")


def parse_address(text: str) -> Address | None:
    """Take `host:port`, or a URL, apart; None for anything else, a text with variables in it too."""
    match = _address().fullmatch(text)
    if match is None:
        return None
    return Address((match["six"] or match["host"]).lower(), match["port"] or "", (match["scheme"] or "").lower())


_SAMPLES = frozenset(
    {"doc", "docs", "documentation", "example", "examples", "fixture", "fixtures", "sample", "samples", "testdata"}
)
_OTHER_MACHINES = frozenset({"ansible", "chef", "cookbooks", "inventory", "playbooks", "puppet", "roles", "salt"})


def is_sample(path: str) -> bool:
    """Whether a file lies among examples or test data: what it asks for need not be there."""
    return not _SAMPLES.isdisjoint(path.lower().split("/")[:-1])


def is_for_other_machines(path: str) -> bool:
    """Whether a file lies among those of a tool that sets up machines, which have names of their own."""
    return not _OTHER_MACHINES.isdisjoint(path.lower().split("/")[:-1])


class Provider(NamedTuple):
    """What answers to a name.

    Attributes:
        name: the host name.
        location: of what answers to it.
        kind: `compose`, `kubernetes`, or `container` for one that a script starts.
        networks: of a compose service, by identity (`network_ids`).
        namespace: of a Kubernetes Service; empty when its manifest names none.
    """

    name: str
    location: Location
    kind: str
    networks: frozenset[str] = frozenset()
    namespace: str = ""


def network_ids(service: Service) -> frozenset[str]:
    """The networks of a service, named so that the same external network of two projects is one."""
    return frozenset(_network_id(service.project, name) for name in service.networks)


def _network_id(project: Project, key: str) -> str:
    entry = project.networks.get(key)
    external = entry.value.get("external") if entry is not None else None
    if entry is None or external is None or as_bool(external.text) is False:
        own_name = entry.value.text_of("name") if entry is not None else None
        # The files of a folder are one project to compose, started together or one by one.
        return f"name:{own_name}" if own_name else f"folder:{project.folder}:{key}"
    return f"name:{entry.value.text_of('name') or external.text_of('name') or key}"


def external_networks(service: Service) -> frozenset[str]:
    """The networks of a service that exist before its project does."""
    networks = service.project.networks
    return frozenset(
        _network_id(service.project, name)
        for name in service.networks
        if (entry := networks.get(name)) is not None
        and (external := entry.value.get("external")) is not None
        and as_bool(external.text) is not False
    )


class Names:
    """Every name that the repository provides.

    Attributes:
        by_name: the providers of each name, in lower case.
        namespaces: those that hold a Service.
        unseen: objects that install services which the repository does not show.
        is_complete: False when compose files include, or charts install, what is not shown.
        kinds: the kinds of provider that there are.
    """

    def __init__(self, repository: Repository) -> None:
        self.by_name: dict[str, list[Provider]] = {}
        self.namespaces: set[str] = set()
        self.unseen: list[ServiceName] = []
        self.is_complete = True
        self.kinds: set[str] = set()
        self._similar: dict[str, str] = {}
        for project in repository.derived(projects):
            self.is_complete &= project.is_complete
            for service in project.services.values():
                networks = network_ids(service)
                for name in dict.fromkeys(service.host_names()):
                    self._add(Provider(name.lower(), service.location, "compose", networks))
        for fact in repository.facts(ServiceName):
            if fact.kind == "Service":
                self.namespaces.add(fact.namespace)
                self._add(Provider(fact.name.lower(), fact.location, "kubernetes", namespace=fact.namespace))
            else:
                self.unseen.append(fact)
        from sp404audit.documents.shell.commands import ShellCommand

        for command in repository.facts(ShellCommand):
            for name in _container_names(command):
                self._add(Provider(name.lower(), command.location, "container"))
            self.is_complete &= not _installs_from_elsewhere(command)
        if repository.files("helm-chart"):
            self.is_complete = False

    def _add(self, provider: Provider) -> None:
        self.kinds.add(provider.kind)
        if provider not in (providers := self.by_name.setdefault(provider.name, [])) and len(providers) < _MANY:
            providers.append(provider)

    def container_of(self, name: str) -> Provider | None:
        """What a name such as `shop-redis-1` or `shop_redis_1` is a container of, if the project is called `shop`."""
        match = _numbered().fullmatch(name)
        parts = match[1].replace("_", "-").split("-") if match else []
        for first in range(1, len(parts)):
            for joint in "-_":
                providers = self.by_name.get(joint.join(parts[first:]))
                if providers:
                    return providers[0]
        return None

    def similar_to(self, name: str) -> str:
        """A name that is written nearly like this one; empty when there is none."""
        if name not in self._similar and len(self._similar) < _MANY:
            self._similar[name] = self._nearest(name)
        return self._similar.get(name, "")

    def _nearest(self, name: str) -> str:
        plain = name.replace("_", "-")
        same = next((other for other in self.by_name if other.replace("_", "-") == plain), None)
        if same is not None:
            return same
        import difflib

        return next(iter(difflib.get_close_matches(name[:80], list(self.by_name)[:500], 1, 0.75)), "")


def _container_names(command: ShellCommand) -> Iterator[str]:
    """Yield the names that a `docker run` gives to its container."""
    if command.name not in _ENGINES or _STARTS.isdisjoint(command.arguments):
        return
    for word, following in zip(command.argv, (*command.argv[1:], None), strict=True):
        option, equals, value = (word or "").partition("=")
        name = value if equals else following
        if option in _NAMING and name:
            yield name


def _installs_from_elsewhere(command: ShellCommand) -> bool:
    """Whether a command installs what the repository does not show: a chart, or a manifest from the web."""
    words = [word or "" for word in command.arguments]
    if command.name == "helm":
        return not _HELM_INSTALLS.isdisjoint(words)
    return command.name == "kubectl" and any(word.startswith(("http://", "https://")) for word in words)


def names(repository: Repository) -> Names:
    """The names of a repository; for `Repository.derived`."""
    return Names(repository)
