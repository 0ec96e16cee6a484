from __future__ import annotations

from sp404audit.documents.kubernetes import manifest as kubernetes
from sp404audit.documents.monitoring.facts import Dashboard, Monitor, RuleFile, ServiceName, Target
from sp404audit.documents.monitoring.prometheus import PrometheusConfig
from sp404audit.documents.source import Source

MANIFESTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: prometheus, namespace: shop}
data:
  notes.txt: "scrape_configs are in prometheus.yml"
  prometheus.yml: |
    # comment
    scrape_configs:
      - job_name: orders
        static_configs:
          - targets: ['orders:8080']
  rules.yml: "groups: [{name: g, rules: [{alert: A, expr: up}]}]"
  board.json: |-
    {"title": "T", "panels": []}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: r}
spec:
  groups: [{name: g, rules: [{alert: B, expr: up}]}]
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: m, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  endpoints: [{port: http}]
---
apiVersion: monitoring.coreos.com/v1
kind: Probe
metadata: {name: p}
spec:
  prober: {url: 'blackbox:9115'}
  targets: {staticConfig: {static: ['https://shop.example']}}
---
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
"""


def test_finds_configurations_in_their_places() -> None:
    facts = list(kubernetes.parse(Source("k8s.yaml", MANIFESTS.encode())).facts())
    addresses = [fact for fact in facts if isinstance(fact, Target)]
    assert [(each.text, each.role) for each in addresses] == [
        ("orders:8080", "scrape"),
        ("blackbox:9115", "exporter"),
        ("https://shop.example", "probe"),
    ]
    orders = addresses[0]
    line = MANIFESTS.splitlines()[orders.location.region.start_line - 1]
    assert line[orders.location.region.start_column - 1 : orders.location.region.end_column - 1] == "'orders:8080'"
    assert (orders.holder.kind, orders.holder.name, orders.holder.namespace, orders.holder.key) == (
        "ConfigMap",
        "prometheus",
        "shop",
        "prometheus.yml",
    )
    rules = [fact for fact in facts if isinstance(fact, RuleFile)]
    assert [(file.holder.kind, file.alerts[0].name) for file in rules] == [("ConfigMap", "A"), ("PrometheusRule", "B")]
    assert [fact.title for fact in facts if isinstance(fact, Dashboard)] == ["T"]
    assert [(fact.kind, fact.selector, fact.ports) for fact in facts if isinstance(fact, Monitor)] == [
        ("ServiceMonitor", (("app", "orders"),), ("http",)),
        ("Probe", (), ()),
    ]
    assert [(fact.name, fact.namespace) for fact in facts if isinstance(fact, ServiceName)] == [("orders", "shop")]


def test_leads_from_a_character_of_an_embedded_value_to_the_file() -> None:
    source = Source("k8s.yaml", MANIFESTS.encode())
    document = kubernetes.parse(source)
    configs = [each for each in document.subjects() if isinstance(each, PrometheusConfig)]
    (target,) = configs[0].scrape_configs[0].static_targets
    region = target.excerpt(source).region(0, 6)
    line = source.line(region.start_line)
    assert line[region.start_column - 1 : region.end_column - 1] == "orders"


def test_tells_what_keeps_an_embedded_file_from_being_read() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  p.yml: |\n    scrape_configs:\n    - [\n"
    (problem,) = kubernetes.parse(Source("k8s.yaml", text.encode())).problems
    assert problem.id == "yaml/syntax"
    assert problem.message.startswith("p.yml: ")
    assert problem.region is not None
    assert problem.region.start_line >= 6
