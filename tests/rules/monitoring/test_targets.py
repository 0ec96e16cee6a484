from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]
RULE = "monitoring/target-exists"


def scrape(*targets: str) -> str:
    return f"scrape_configs:\n  - job_name: job\n    static_configs:\n      - targets: {list(targets)}\n"


def compose(services: str, rest: str = "") -> str:
    prometheus = (
        "  prometheus: {image: 'prom/prometheus:v3.5.0', volumes: ['./prometheus.yml:/etc/prometheus/p.yml']}\n"
    )
    return f"services:\n{prometheus}{services}{rest}"


def kinds(results: list[Result]) -> list[str]:
    return [result.kind for result in results]


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("web:80", "pass"),
        ("WEB:80", "pass"),
        ("tasks.web:80", "pass"),
        ("tasks.gone:80", "fail"),
        ("front:80", "pass"),
        ("shop:80", "pass"),
        ("declared:80", "pass"),
        ("localhost:9090", "pass"),
        ("shop-web-1:80", "open"),
        ("my_shop_web_1:80", "open"),
        ("shop-gone-1:80", "fail"),
        ("gone:80", "fail"),
        ("wbe:80", "fail"),
        ("http://gone:80/metrics", "fail"),
        ("localhost:9100", "open"),
        ("10.0.0.7:9100", "open"),
        ("[2001:db8::1]:9100", "open"),
        ("host.docker.internal:9100", "open"),
        ("node.example.com:9100", "open"),
        ("${HOST}:9100", "open"),
        ("{{ host }}:9100", "open"),
        ("", "open"),
    ],
)
def test_judges_addresses(judge: Judge, target: str, kind: str) -> None:
    services = "  web: {image: x, container_name: front, networks: {default: {aliases: [shop]}}}\n"
    text = compose(services).replace("volumes:", "extra_hosts: ['declared:10.0.0.1'], volumes:")
    assert kinds(judge(RULE, {"compose.yaml": text, "prometheus.yml": scrape(target)})) == [kind]


def test_suggests_the_name_that_was_meant(judge: Judge) -> None:
    files = {"compose.yaml": compose("  node_exporter: {image: x}\n"), "prometheus.yml": scrape("node-exporter:9100")}
    (result,) = judge(RULE, files)
    assert "did you mean node_exporter?" in result.message
    assert [place.path for place in result.related] == ["compose.yaml"]


def test_knows_networks(judge: Judge) -> None:
    services = "  apart: {image: x, networks: [other]}\n"
    files = {"compose.yaml": compose(services, "networks: {other: {}}\n"), "prometheus.yml": scrape("apart:1")}
    assert kinds(judge(RULE, files)) == ["fail"]


def test_joins_files_of_a_folder_and_external_networks(judge: Judge) -> None:
    shared = "networks: {shared: {external: true}}\n"
    monitoring = compose("").replace("volumes:", "networks: [default, shared], volumes:") + shared
    files = {
        "compose.monitoring.yaml": monitoring,
        "compose.yaml": "services:\n  api: {image: x}\n",
        "other/compose.yaml": "services:\n  far: {image: x, networks: [shared]}\n  away: {image: x}\n" + shared,
        "prometheus.yml": scrape("api:1", "far:1"),
    }
    assert kinds(judge(RULE, files)) == ["pass"]
    files["prometheus.yml"] = scrape("away:1")
    assert kinds(judge(RULE, files)) == ["fail"]


def test_takes_no_source_mount_for_a_reader(judge: Judge) -> None:
    text = "services:\n  app: {build: ., volumes: ['.:/app'], networks: [a]}\n  db: {image: x, networks: [b]}\n"
    files = {"compose.yaml": text + "networks: {a: {}, b: {}}\n", "prometheus.yml": scrape("db:1")}
    assert kinds(judge(RULE, files)) == ["pass"]


def test_cannot_tell_on_the_network_of_the_host(judge: Judge) -> None:
    text = compose("").replace("volumes:", "network_mode: host, volumes:")
    assert kinds(judge(RULE, {"compose.yaml": text, "prometheus.yml": scrape("web:80")})) == ["open"]


def test_cannot_tell_what_is_included_from_elsewhere(judge: Judge) -> None:
    text = "include: [https://example.com/compose.git]\n" + compose("")
    assert kinds(judge(RULE, {"compose.yaml": text, "prometheus.yml": scrape("web:80")})) == ["open"]


def test_cannot_tell_where_nothing_is_deployed(judge: Judge) -> None:
    assert kinds(judge(RULE, {"prometheus.yml": scrape("web:80")})) == ["open"]


@pytest.mark.parametrize("path", ["roles/prometheus/files/prometheus.yml", "docs/prometheus.yml"])
def test_cannot_tell_where_a_configuration_is_used(judge: Judge, path: str) -> None:
    files = {"compose.yaml": "services: {a: {image: x}}\n", path: scrape("node1:9100")}
    assert kinds(judge(RULE, files)) == ["open"]


def test_knows_containers_that_scripts_start(judge: Judge) -> None:
    files = {
        "compose.yaml": "services: {a: {image: x}}\n",
        "prometheus.yml": scrape("node:9100"),
        "up.sh": "#!/bin/sh\ndocker run -d --name node prom/node-exporter:v1.9.1\n",
    }
    assert kinds(judge(RULE, files)) == ["pass"]


def test_cannot_tell_what_helm_installs(judge: Judge) -> None:
    files = {
        "compose.yaml": "services: {a: {image: x}}\n",
        "prometheus.yml": scrape("node:9100"),
        "up.sh": "#!/bin/sh\nhelm upgrade --install exporters stable/exporters\n",
    }
    assert kinds(judge(RULE, files)) == ["open"]


def test_judges_probes_exporters_managers_and_sources(judge: Judge) -> None:
    files = {
        "compose.yaml": compose("  shop: {image: x}\n"),
        "prometheus.yml": """\
scrape_configs:
  - job_name: bb
    static_configs:
      - targets: ["http://shop/a", "http://gone/b"]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {target_label: __address__, replacement: "bb:9115"}
alerting: {alertmanagers: [{static_configs: [{targets: ["am:9093"]}]}]}
""",
        "grafana/datasources.yaml": "apiVersion: 1\ndatasources: [{name: L, url: 'http://loki:3100'}]\n",
        "targets.json": '[{"targets": ["lost:1"], "labels": {}}]',
    }
    failed = {(r.location.path, r.location.region.start_line) for r in judge(RULE, files) if r.kind == "fail"}
    assert failed == {
        ("prometheus.yml", 4),
        ("prometheus.yml", 7),
        ("prometheus.yml", 8),
        ("grafana/datasources.yaml", 2),
        ("targets.json", 1),
    }


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("orders:80", "pass"),
        ("orders.shop:80", "pass"),
        ("orders.shop.svc:80", "pass"),
        ("orders.shop.svc.cluster.local:80", "pass"),
        ("ledger.money.svc:80", "pass"),
        ("payments:80", "fail"),
        ("payments.shop.svc:80", "fail"),
        ("ledger:80", "fail"),
        ("kube-state-metrics.kube-system.svc:8080", "open"),
        ("pod-0.orders.shop.svc:80", "open"),
        ("vault.example.com:8200", "open"),
    ],
)
def test_knows_the_names_of_a_cluster(judge: Judge, target: str, kind: str) -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p, namespace: shop}\ndata:\n  prometheus.yml: |\n"
        + "".join(f"    {line}\n" for line in scrape(target).splitlines())
        + "---\napiVersion: v1\nkind: Service\nmetadata: {name: orders, namespace: shop}\n"
        + "---\napiVersion: v1\nkind: Service\nmetadata: {name: ledger, namespace: money}\n"
    )
    assert kinds(judge(RULE, {"k8s.yaml": text})) == [kind]


def test_cannot_tell_what_a_chart_brings(judge: Judge) -> None:
    text = "---\n".join(
        [
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\ndata:\n  prometheus.yml: |\n    "
            + scrape("gone:80").replace("\n", "\n    ")
            + "\n",
            "apiVersion: v1\nkind: Service\nmetadata: {name: orders}\n",
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: exporters}\n",
        ]
    )
    assert kinds(judge(RULE, {"k8s.yaml": text})) == ["open"]


def test_a_list_that_is_commented_out_names_no_target(judge: Judge) -> None:
    alerting = (
        "alerting:\n  alertmanagers:\n    - static_configs:\n        - targets:\n          # - alertmanager:9093\n"
    )
    assert judge(RULE, {"compose.yaml": compose(""), "prometheus.yml": alerting + "scrape_configs: []\n"}) == []


@pytest.mark.parametrize(
    ("others", "kind"),
    [
        ({}, "open"),
        (
            {
                "app/compose.yaml": "services: {a: {image: x, networks: [shared]}}\n"
                "networks: {shared: {external: true}}\n"
            },
            "fail",
        ),
    ],
)
def test_others_may_be_on_an_external_network(judge: Judge, others: dict[str, str], kind: str) -> None:
    text = compose("  web: {image: x}\n", "networks: {shared: {external: true}}\n")
    text = text.replace("volumes:", "networks: [shared], volumes:")
    files = {"mon/compose.yaml": text, "mon/prometheus.yml": scrape("gone:80")}
    assert kinds(judge(RULE, files | others)) == [kind]


@pytest.mark.parametrize(("address", "kind"), [("nas", "open"), ("nas:22", "fail"), ("http://nas", "fail")])
def test_machines_may_be_pinged_by_name(judge: Judge, address: str, kind: str) -> None:
    relabelling = "    relabel_configs:\n      - {source_labels: [__address__], target_label: __param_target}\n"
    exporter = "      - {target_label: __address__, replacement: 'web:9115'}\n"
    files = {"compose.yaml": compose("  web: {image: x}\n"), "prometheus.yml": scrape(address) + relabelling + exporter}
    assert kinds(judge(RULE, files)) == [kind, "pass"]
