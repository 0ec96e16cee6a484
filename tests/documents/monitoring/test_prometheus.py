from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.monitoring import alert_rules, alertmanager, grafana, otel, prometheus
from sp404audit.documents.monitoring.facts import (
    AlertmanagerFile,
    AlertSource,
    Dashboard,
    Datasource,
    PrometheusFile,
    RuleFile,
    Target,
)
from sp404audit.documents.source import DocumentError, Source


def targets(text: str) -> list[tuple[str, str, int]]:
    facts = prometheus.parse(Source("prometheus.yml", text.encode())).facts()
    return [(fact.text, fact.role, fact.location.region.start_line) for fact in facts if isinstance(fact, Target)]


def test_yields_every_address_with_its_role_and_place() -> None:
    text = """\
global: {scrape_interval: 15s}
alerting:
  alertmanagers:
    - static_configs: [{targets: ["am:9093"]}]
rule_files: ["rules/*.yml"]
scrape_configs:
  - job_name: a
    static_configs:
      - targets: [a:1, b:2]
      - targets:
          - c:3
  - job_name: b
    kubernetes_sd_configs: [{role: pod}]
remote_write: [{url: "https://x.example/push"}]
"""
    assert targets(text) == [
        ("a:1", "scrape", 9),
        ("b:2", "scrape", 9),
        ("c:3", "scrape", 11),
        ("am:9093", "alertmanager", 4),
        ("https://x.example/push", "remote", 14),
    ]
    document = prometheus.parse(Source("prometheus.yml", text.encode()))
    (file,) = (fact for fact in document.facts() if isinstance(fact, PrometheusFile))
    assert (file.jobs, file.alertmanagers, file.remote_writes) == (("a", "b"), 1, ("https://x.example/push",))
    assert [glob for glob, _ in file.rule_files] == ["rules/*.yml"]
    assert document.config is not None
    assert [scrape.discoveries for scrape in document.config.scrape_configs] == [[], ["kubernetes"]]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("", [("t:1", "scrape")]),
        ("[{source_labels: [__address__], target_label: __param_target}]", [("t:1", "probe")]),
        ("[{target_label: __address__, replacement: 'bb:9115'}]", [("bb:9115", "exporter")]),
        (
            "[{source_labels: [__address__], target_label: __param_target},"
            " {target_label: __address__, replacement: 'bb:9115'}]",
            [("bb:9115", "exporter"), ("t:1", "probe")],
        ),
        ("[{source_labels: [__address__], regex: '(.*):.*', target_label: __address__, replacement: '$1:9'}]", []),
        ("[{source_labels: [__name__], action: drop, regex: go_.*}]", [("t:1", "scrape")]),
    ],
)
def test_follows_relabelling(steps: str, expected: list[tuple[str, str]]) -> None:
    text = (
        f"scrape_configs: [{{job_name: a, static_configs: [{{targets: ['t:1']}}], relabel_configs: {steps or '[]'}}}]"
    )
    assert [(address, role) for address, role, _ in targets(text)] == expected


def test_keeps_credentials_to_itself() -> None:
    text = "remote_write: [{url: 'https://user:" + "hunter" + "2@tsdb.example/push?token=" + "abc'}]\n"
    facts = list(prometheus.parse(Source("prometheus.yml", text.encode())).facts())
    assert "hunter" not in str(facts)
    assert [fact.text for fact in facts if isinstance(fact, Target)] == ["https://tsdb.example/push"]


def test_reads_files_of_targets() -> None:
    assert targets("- targets: [n1:9100]\n  labels: {a: b}\n- targets: [n2:9100]\n") == [
        ("n1:9100", "scrape", 1),
        ("n2:9100", "scrape", 3),
    ]


def test_reads_additional_scrape_configurations() -> None:
    assert targets("- job_name: a\n  static_configs: [{targets: ['a:1']}]\n") == [("a:1", "scrape", 2)]


def test_reads_rules() -> None:
    text = (
        "groups:\n  - name: g\n    rules:\n      - alert: Down\n        expr: up == 0\n        for: 5m\n"
        "        labels: {severity: page}\n      - record: a:b\n        expr: sum(b)\n"
    )
    document = alert_rules.parse(Source("rules.yml", text.encode()))
    (file,) = (fact for fact in document.facts() if isinstance(fact, RuleFile))
    (alert,), (recording,) = file.alerts, file.recordings
    assert (alert.name, alert.expression, alert.hold, alert.labels) == (
        "Down",
        "up == 0",
        "5m",
        (("severity", "page"),),
    )
    assert alert.location.region[:2] == (4, 16)
    assert recording.name == "a:b"


def test_reads_routes_and_receivers() -> None:
    text = (
        "route:\n  receiver: team\n  routes: [{matchers: [a=b]}, {receiver: pager}]\n"
        "receivers:\n  - name: team\n    slack_configs: [{channel: x}]\n"
        "  - {name: pager, pagerduty_configs: [{}], webhook_configs: [{}, {}]}\n  - name: none\n"
    )
    document = alertmanager.parse(Source("alertmanager.yml", text.encode()))
    (file,) = (fact for fact in document.facts() if isinstance(fact, AlertmanagerFile))
    assert file.routed == ("team", "pager")
    assert [(receiver.name, receiver.integrations) for receiver in file.receivers] == [
        ("team", ("slack",)),
        ("pager", ("pagerduty", "webhook", "webhook")),
        ("none", ()),
    ]


@pytest.mark.parametrize("wrapped", [False, True])
def test_reads_dashboards(wrapped: bool) -> None:
    text = (
        '{"title": "API", "uid": "u", "panels": [{"type": "row", "panels": [{"title": "in", "type": "graph",'
        ' "alert": {}, "datasource": {"uid": "p", "type": "prometheus"}, "targets": [{"expr": "up"}]}]}],'
        ' "rows": [{"panels": [{"title": "old", "targets": [{"query": "x"}]}]}]}'
    )
    source = Source("d.json", (f'{{"dashboard": {text}}}' if wrapped else text).encode())
    document = grafana.parse_dashboard(source)
    (board,) = (fact for fact in document.facts() if isinstance(fact, Dashboard))
    assert (board.title, board.uid, board.alerts) == ("API", "u", 1)
    assert [(query.expression, query.datasource, query.kind) for query in board.queries] == [
        ("x", "", ""),
        ("up", "p", "prometheus"),
    ]
    assert document.dashboard.is_wrapped is wrapped


def test_reads_provisioning() -> None:
    text = (
        "apiVersion: 1\ndatasources: [{name: P, type: prometheus, uid: p, url: 'http://prometheus:9090'}]\n"
        "groups: [{name: g, rules: [{title: T}]}]\n"
    )
    facts = list(grafana.parse_provisioning(Source("g.yaml", text.encode())).facts())
    (source,) = (fact for fact in facts if isinstance(fact, Datasource))
    assert (source.name, source.uid, source.kind, source.url) == ("P", "p", "prometheus", "http://prometheus:9090")
    assert [fact.role for fact in facts if isinstance(fact, Target)] == ["datasource"]
    assert [fact.name for fact in facts if isinstance(fact, AlertSource)] == ["T"]


def test_reads_what_a_collector_scrapes() -> None:
    text = (
        "receivers:\n  otlp: {}\n  prometheus/own:\n    config:\n      scrape_configs:\n"
        "        - {job_name: a, static_configs: [{targets: ['api:8080']}]}\n"
        "service: {pipelines: {metrics: {receivers: [prometheus/own]}}}\n"
    )
    document = otel.parse(Source("otel.yaml", text.encode()))
    assert [fact.text for fact in document.facts() if isinstance(fact, Target)] == ["api:8080"]
    assert [name for name, _ in document.pipelines()] == ["metrics"]


PARSERS = [
    prometheus.parse,
    alert_rules.parse,
    alertmanager.parse,
    otel.parse,
    grafana.parse_provisioning,
    grafana.parse_dashboard,
]
KEYS = [
    "scrape_configs", "static_configs", "targets", "relabel_configs", "groups", "rules", "alert", "expr", "route",
    "routes", "receivers", "name", "slack_configs", "panels", "rows", "dashboard", "datasources", "url", "alerting",
    "alertmanagers", "remote_write", "rule_files", "source_labels", "target_label", "prometheus", "config", "service",
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["a", "a:1", "__address__", "__param_target", "", "1"]) | st.none() | st.integers(0, 3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        max_leaves=25,
    )
)
def test_reads_any_shape(tree: object) -> None:
    import json

    for parse in PARSERS:
        try:
            document = parse(Source("x.json", json.dumps(tree).encode()))
        except DocumentError:
            continue
        assert all(subject is not None for subject in document.subjects())
        assert all(isinstance(fact, tuple) for fact in document.facts())
