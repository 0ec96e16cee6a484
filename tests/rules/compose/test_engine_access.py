from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]
RULE = "compose/no-docker-socket"


def files(volume: str, rest: str = "") -> dict[str, str]:
    return {"compose.yaml": f"services:\n  a:\n    image: acme/agent:1.0\n    volumes:\n      - {volume}\n{rest}"}


@pytest.mark.parametrize(
    ("volume", "severity"),
    [
        ("/var/run/docker.sock:/var/run/docker.sock", "critical"),
        ("/var/run/docker.sock:/var/run/docker.sock:ro", "high"),
        ("//var/run/docker.sock:/x", "critical"),
        ("${SOCK:-/var/run/docker.sock}:/x", "critical"),
        ("${XDG_RUNTIME_DIR}/docker.sock:/x", "critical"),
        ("/run/podman/podman.sock:/x", "critical"),
        ("/run/containerd/containerd.sock:/x", "critical"),
        ("{type: bind, source: /var/run/docker.sock, target: /x, read_only: true}", "high"),
        ("'\\\\.\\pipe\\docker_engine:\\\\.\\pipe\\docker_engine'", "critical"),
        ("/:/host", "critical"),
        ("/etc/../:/host:ro", "high"),
        ("/var/run:/host/run", "critical"),
        ("/run/./containerd/:/x", "critical"),
    ],
)
def test_fails(judge: Judge, volume: str, severity: str) -> None:
    (result,) = judge(RULE, files(volume))
    assert (result.kind, result.severity.label, result.location.region.start_line) == ("fail", severity, 5)


@pytest.mark.parametrize(
    "volume",
    [
        "/run/app:/x",
        "./docker/site:/x",
        "docker.sock.d:/x",
        "/var/lib/data:/x",
        "{type: tmpfs, target: /run}",
        "/etc/localtime:/etc/localtime:ro",
        "${DATA_DIR}:/data",
    ],
)
def test_passes(judge: Judge, volume: str) -> None:
    assert [result.kind for result in judge(RULE, files(volume))] == ["pass"]


def test_knows_the_other_ways_to_the_engine(judge: Judge) -> None:
    text = (
        "services:\n  a:\n    image: x\n    use_api_socket: true\n"
        "  b:\n    image: x\n    environment: [DOCKER_HOST=tcp://host.docker.internal:2375]\n"
        "  c:\n    image: x\n    environment: {DOCKER_HOST: 'tcp://proxy:2375'}\n"
    )
    kinds = {(result.kind, result.location.region.start_line) for result in judge(RULE, {"compose.yaml": text})}
    assert kinds == {("fail", 4), ("fail", 7), ("pass", 8)}


def test_is_mild_on_socket_proxies_and_tells_what_they_allow(judge: Judge) -> None:
    text = (
        "services:\n  p:\n    image: tecnativa/docker-socket-proxy:0.3.0\n    environment: {CONTAINERS: 1, POST: 0}\n"
        "    volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']\n"
    )
    (result,) = judge(RULE, {"compose.yaml": text})
    assert result.severity.label == "medium"
    assert "CONTAINERS" in result.message
    assert "POST" not in result.message


def test_cannot_tell_where_the_source_is_a_variable(judge: Judge) -> None:
    assert [result.kind for result in judge(RULE, files("${SOCKET}:/var/run/docker.sock"))] == ["open"]
