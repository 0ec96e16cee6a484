from __future__ import annotations

import pytest

from sp404audit.documents import yaml_tree
from sp404audit.documents.compose.merge import merge, mount_of, port_of
from sp404audit.documents.source import Source
from sp404audit.documents.values import Value, freeze


def value(text: str) -> Value:
    root = yaml_tree.parse(Source("compose.yaml", text.encode()))[0]
    assert root is not None
    return freeze(root, "compose.yaml")


def plain(value: Value | None) -> object:
    if value is None or value.is_null:
        return None
    if value.form == "mapping":
        return {entry.key: plain(entry.value) for entry in value.entries}
    return [plain(item) for item in value.items] if value.form == "sequence" else value.text


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        ("image: a", "image: b", {"image": "b"}),
        ("command: [a, b]", "command: [c]", {"command": ["c"]}),
        ("healthcheck: {test: [CMD, a], retries: 3}", "healthcheck: {test: [CMD, b]}", None),
        ("expose: ['1']", "expose: ['2']", {"expose": ["1", "2"]}),
        ("ports: ['80:80']", "ports: ['80:80', '81:81']", {"ports": ["80:80", "81:81"]}),
        ("volumes: ['one:/x', 'two:/y']", "volumes: ['./x:/x:ro']", {"volumes": ["./x:/x:ro", "two:/y"]}),
        ("environment: [A=1, B=2]", "environment: {B: 3}", {"environment": {"A": "1", "B": "3"}}),
        ("depends_on: [a]", "depends_on: {b: {condition: x}}", {"depends_on": {"a": None, "b": {"condition": "x"}}}),
        ("build: ./x", "build: {target: t}", {"build": {"context": "./x", "target": "t"}}),
        ("env_file: a.env", "env_file: [b.env]", {"env_file": ["a.env", "b.env"]}),
        ("ports: ['1:1']", "ports: !reset []", {}),
        ("ports: ['1:1']", "ports: !override ['2:2']", {"ports": ["2:2"]}),
        ("image: a\nports: ['1:1']", "ports:", {"image": "a", "ports": ["1:1"]}),
        ("deploy: {resources: {limits: {cpus: 1}}}", "deploy: {resources: {limits: {memory: 1g}}}", None),
    ],
)
def test_merges_as_compose_does(base: str, over: str, expected: object) -> None:
    merged = plain(merge(value(base), value(over)))
    if expected is not None:
        assert merged == expected
    elif "deploy" in base:
        assert merged == {"deploy": {"resources": {"limits": {"cpus": "1", "memory": "1g"}}}}
    else:
        assert merged == {"healthcheck": {"test": ["CMD", "b"], "retries": "3"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- '80'", (None, None, "80", "tcp")),
        ("- 8080:80", (None, "8080", "80", "tcp")),
        ("- 22:22", (None, "22", "22", "tcp")),
        ("- 127.0.0.1:8080:80/udp", ("127.0.0.1", "8080", "80", "udp")),
        ("- '[::1]:8080:80'", ("::1", "8080", "80", "tcp")),
        ("- '::1:8080:80'", ("::1", "8080", "80", "tcp")),
        ("- 3000-3005:4000-4005", (None, "3000-3005", "4000-4005", "tcp")),
        ("- 127.0.0.1::80", ("127.0.0.1", None, "80", "tcp")),
        ("- ${PORT:-8080}:80", (None, "${PORT:-8080}", "80", "tcp")),
        ("- {target: 80, published: '8080', host_ip: 127.0.0.1, protocol: udp}", ("127.0.0.1", "8080", "80", "udp")),
        ("- {target: 80}", (None, None, "80", "tcp")),
    ],
)
def test_reads_ports_of_every_form(text: str, expected: object) -> None:
    port = port_of(value(text).items[0])
    assert port is not None
    assert port[1:] == expected


@pytest.mark.parametrize(
    ("text", "source", "target", "options"),
    [
        ("- /data", None, "/data", ()),
        ("- db:/data", "db", "/data", ()),
        ("- ./x:/y:ro,z", "./x", "/y", ("ro", "z")),
        ("- ${DIR:-./x}:/y", "${DIR:-./x}", "/y", ()),
        ("- 'C:\\x:/y'", "C:\\x", "/y", ()),
        ("- {type: bind, source: /x, target: /y, read_only: true}", "/x", "/y", ("ro",)),
        ("- {type: volume, target: /y}", None, "/y", ()),
    ],
)
def test_reads_mounts_of_every_form(text: str, source: str | None, target: str, options: tuple[str, ...]) -> None:
    mount = mount_of(value(text).items[0])
    assert mount is not None
    assert (mount.source, mount.target, mount.options) == (source, target, options)


@pytest.mark.parametrize("text", ["- [a]", "- ''", "- ~"])
def test_passes_over_items_of_another_type(text: str) -> None:
    item = value(text).items[0]
    assert port_of(item) is None or item.is_null
    assert mount_of(item) is None or item.is_null
