"""Services cannot command the container engine that runs them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cache

from sp404audit.documents.compose.merge import Mount
from sp404audit.documents.compose.project import Service
from sp404audit.documents.compose.service import UNKNOWN
from sp404audit.documents.values import Value, as_bool
from sp404audit.records import NamedTuple
from sp404audit.results import Location
from sp404audit.rules import Verdicts, fail, passed, rule, unproven

_SOCKET_NAMES = (
    "docker.sock",
    "podman.sock",
    "containerd.sock",
    "containerd.sock.ttrpc",
    "docker.sock.raw",
    "dockershim.sock",
    "crio.sock",
    "cri-dockerd.sock",
)
"""Files whose name alone tells that they are the API of an engine, wherever they lie."""
_PRIVATE_SOCKETS = (
    "/run/systemd/private",
    "/run/buildkit/buildkitd.sock",
    "/var/lib/lxd/unix.socket",
    "/var/lib/incus/unix.socket",
    "/var/snap/lxd/common/lxd/unix.socket",
)
"""Sockets whose name alone does not tell what they command."""
_PIPES = ("/pipe/docker_engine", "/pipe/podman-machine-default")
_HOLDERS = frozenset(
    {
        "/", "/run", "/var/run", "/run/containerd", "/run/crio", "/run/podman", "/run/docker", "/run/k3s",
        "/run/k3s/containerd", "/run/buildkit", "/run/systemd",
    }
)  # fmt: skip
"""Folders that hold the socket of an engine (or of systemd, which can start anything)."""
_PROXIES = ("docker-socket-proxy", "socket-proxy", "dockerproxy", "docker-proxy")
_HOST_NAMES = frozenset({"host.docker.internal", "gateway.docker.internal", "172.17.0.1", "host.containers.internal"})
_PLAIN_PORT = "2375"


class _Access(NamedTuple):
    """A way to the engine: what is mounted or given, and where."""

    what: str
    location: Location
    read_only: bool = False


@rule(
    "compose/no-docker-socket",
    severity="critical",
    equivalents=[
        "kics:d6355c88-1e8d-49e9-b2f2-f8a1ca12c75b",
        "semgrep:exposing-docker-socket-volume",
        "compose-lint:CL-0001",
    ],
    cwe=[250],
    controls=["CIS Docker 5.32"],
)
def no_docker_socket(service: Service) -> Verdicts:
    """No service can reach the socket of a container engine.

    Whoever can talk to the engine can start a container that mounts the host's root: the socket is root on the host.
    Mounting it read-only protects the file, not the API behind it.

    Fix: remove the mount. Where a service must see containers, put a socket proxy that allows the few calls it needs
    between it and the engine, on a network of their own.

    Passes:
        services:
          web:
            image: nginx:1.28
            volumes:
              - ./site:/usr/share/nginx/html:ro

    Fails:
        services:
          portainer:
            image: portainer/portainer-ce:2.33.0
            volumes:
              - /var/run/docker.sock:/var/run/docker.sock:ro

    Fails (the folder that holds the socket):
        services:
          agent:
            image: ghcr.io/example/agent:3.2.1
            volumes:
              - type: bind
                source: /var/run
                target: /host/run

    Fails (through a named volume):
        services:
          agent:
            image: ghcr.io/example/agent:3.2.1
            volumes:
              - engine:/engine.sock
        volumes:
          engine:
            driver_opts: {type: none, o: bind, device: /run/podman/podman.sock}

    Unproven:
        services:
          agent:
            image: ghcr.io/example/agent:3.2.1
            volumes:
              - ${ENGINE_SOCKET}:/var/run/docker.sock
    """
    found = False
    for access in _accesses(service):
        found = True
        if _is_proxy(service):
            yield fail(
                access.location,
                f"service {service.name} is a socket proxy on {access.what}; {_allowed(service)}",
                severity="medium",
            )
        else:
            advice = "remove it, or put a socket proxy in between"
            yield fail(
                access.location,
                f"service {service.name} gets {access.what}, and that is root on the host: {advice}",
                severity="high" if access.read_only else None,
            )
    for mount in () if found else service.mounts:
        if _is_unknown_engine(service, mount):
            found = True
            yield unproven(mount.value.location, f"what service {service.name} mounts here depends on a variable")
    if not found:
        yield passed(service.location, f"service {service.name} reaches no container engine")


def _accesses(service: Service) -> Iterator[_Access]:
    for mount in service.mounts:
        source = _host_path(service, mount)
        what = None if source is None else _engine_at(source)
        if what is not None:
            yield _Access(what, mount.value.location, "ro" in mount.options)
    use = service.get("use_api_socket")
    if use is not None and as_bool(service.text(use)):
        yield _Access("the engine's API (use_api_socket)", use.location)
    host = service.environment.get("DOCKER_HOST")
    if host is not None and host.value is not None and _is_host_engine(host.value):
        yield _Access(f"the engine's API without TLS (DOCKER_HOST on port {_PLAIN_PORT})", host.location)


def _host_path(service: Service, mount: Mount) -> str | None:
    """The folder or file of the host that is mounted; None when it is none (a named or anonymous volume, a tmpfs)."""
    if mount.source is None or mount.type in ("tmpfs", "image", "cluster"):
        return None
    source = service.part(mount.source, mount.value)
    volume = service.project.volumes.get(source)
    if volume is not None and mount.type != "bind":
        options = volume.value.get("driver_opts")
        device: Value | None = options.get("device") if options is not None else None
        return service.sketch(device) if device is not None else None
    return source if source.startswith(("/", "\\", "~", ".", UNKNOWN)) or mount.type in ("bind", "npipe") else None


def _engine_at(path: str) -> str | None:
    """Name the engine access that a path of the host is, None when it is none."""
    slashed = path.replace("\\", "/").lower()
    if slashed.endswith(_PIPES):
        return f"the engine's pipe {path[:80]}"
    if posixpath.basename(slashed) in _SOCKET_NAMES:
        return f"the engine's socket {path[:80].replace(UNKNOWN, '…')}"
    if not path.startswith("/") or UNKNOWN in path:
        return None
    normal = posixpath.normpath("/" + path.lstrip("/"))
    if normal.startswith("/var/run/"):
        normal = normal.removeprefix("/var")
    if normal in _PRIVATE_SOCKETS:
        return f"the socket {normal}"
    return f"the folder {normal} of the host with the sockets in it" if normal in _HOLDERS else None


def _is_unknown_engine(service: Service, mount: Mount) -> bool:
    """Whether a mount becomes the engine's socket in the container, from a source that is not known."""
    if mount.source is None or mount.target is None:
        return False
    source, target = service.part(mount.source, mount.value), service.part(mount.target, mount.value)
    return UNKNOWN in source and posixpath.basename(target.lower()) in _SOCKET_NAMES


@cache
def _tcp_address() -> re.Pattern[str]:
    return re.compile(r"(?:tcp|http)://([\w.-]{1,253}):(\d{1,5})/?")


def _is_host_engine(address: str) -> bool:
    """Whether an address is the host's own engine without TLS (one in another service is that service's matter)."""
    match = _tcp_address().fullmatch(address)
    return match is not None and match[2] == _PLAIN_PORT and match[1] in _HOST_NAMES


def _is_proxy(service: Service) -> bool:
    reference = service.image_reference
    return reference is not None and reference.repository.rpartition("/")[2] in _PROXIES


def _allowed(service: Service) -> str:
    """What the proxy lets through, by the switches that these images share (`CONTAINERS: 1`, `POST: 0`)."""
    allowed = [name for name, setting in service.environment.items() if name.isupper() and as_bool(setting.value)]
    if not allowed:
        return "its environment allows nothing beyond its defaults"
    return f"it allows {', '.join(sorted(allowed)[:12])}: keep to what its clients need"
