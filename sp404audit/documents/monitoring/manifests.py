"""Monitoring inside of Kubernetes manifests: configurations in ConfigMaps, and the objects of the Prometheus operator.

A ConfigMap or Secret holds files as text; each that is a Prometheus, Alertmanager or Grafana file becomes the very
subject and the very facts that the file on its own would be, with places in the manifest.
"""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents import yaml_embedded, yaml_tree
from sp404audit.documents.model import Fact
from sp404audit.documents.monitoring.alert_rules import RuleGroups, has_rules
from sp404audit.documents.monitoring.alertmanager import AlertmanagerConfig
from sp404audit.documents.monitoring.facts import AlertSource, Holder, Monitor, ServiceName, Target, without_credentials
from sp404audit.documents.monitoring.grafana import DashboardModel, is_dashboard, provisioning_facts
from sp404audit.documents.monitoring.prometheus import PrometheusConfig, is_configuration
from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Monitoring", "read"]

_HOLDERS = ("ConfigMap", "Secret")
_MONITORS = ("ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig")
_RULES = ("PrometheusRule", "VMRule")
_ALERT_SOURCES = ("GrafanaAlertRuleGroup", "PrometheusServiceLevel", "ServiceLevelObjective")
"""Objects of the Grafana operator, of Sloth and of Pyrra, from which alerts are made."""
_NAMES = ("Service", "HelmRelease", "HelmChart", "Application", "ApplicationSet")
"""Services, and objects of Flux, K3s and Argo CD that install more of them."""
_SUFFIXES = (".yml", ".yaml", ".rules", ".json", "")
_MAX_TEXT = 1024 * 1024
"""What Kubernetes allows for a whole ConfigMap."""
_SIGNS = ("scrape_configs", "job_name:", "rule_files", "groups:", "receivers:", "datasources:", "panels", "dashboard")
"""One of these stands in every text that is of interest; others are not parsed."""


class Monitoring(NamedTuple):
    """What a manifest holds of monitoring.

    Attributes:
        subjects: what rules judge.
        facts: what cross-file rules need.
        problems: what kept embedded files from being read.
    """

    subjects: list[object]
    facts: list[Fact]
    problems: list[Problem]


def read(manifest: Mapping, source: Source) -> Monitoring:
    """Read one manifest (the root of one document of a Kubernetes file)."""
    found = Monitoring([], [], [])
    kind = yaml_tree.text(manifest.get("kind")) or ""
    if kind in _HOLDERS:
        for holder, text in _entries(manifest, kind):
            _read_entry(holder, text, source, found)
    elif kind in _RULES:
        spec = yaml_tree.mapping(manifest.get("spec"))
        if spec is not None:
            _add(RuleGroups(source.path, spec, _holder(manifest, kind)), found)
    elif kind in _ALERT_SOURCES:
        found.facts.append(AlertSource(Location(source.path, manifest.region), _holder(manifest, kind).name, kind))
    elif kind in _NAMES:
        holder = _holder(manifest, kind)
        found.facts.append(ServiceName(Location(source.path, manifest.region), holder.name, holder.namespace, kind))
    elif kind in _MONITORS:
        found.facts.extend(_monitor_facts(manifest, kind, source.path))
    return found


def _holder(manifest: Mapping, kind: str, key: str = "") -> Holder:
    metadata = yaml_tree.mapping(manifest.get("metadata"))
    name = yaml_tree.text(metadata.get("name")) if metadata else None
    namespace = yaml_tree.text(metadata.get("namespace")) if metadata else None
    return Holder(kind, name or "", namespace or "", key)


def _entries(manifest: Mapping, kind: str) -> Iterator[tuple[Holder, Scalar]]:
    """Yield the texts of a ConfigMap, or of a Secret's `stringData`, that may be of interest."""
    data = yaml_tree.mapping(manifest.get("data" if kind == "ConfigMap" else "stringData"))
    for key, _, text in data.pairs() if data is not None else ():
        suffix = key[key.rfind(".") :] if "." in key else ""
        if isinstance(text, Scalar) and suffix in _SUFFIXES and any(sign in text.value for sign in _SIGNS):
            yield _holder(manifest, kind, key), text


def _read_entry(holder: Holder, text: Scalar, source: Source, found: Monitoring) -> None:
    if len(text.value) > _MAX_TEXT:
        message = f"{holder.key[:80]}: larger than Kubernetes allows; it was not read"
        found.problems.append(Problem("input/too-large", message, text.region))
        return
    try:
        roots, problems = yaml_embedded.parse(text, source)
    except DocumentError as error:
        roots, problems = [], [error.problem]
    for root in roots:
        _read_root(root, holder, source.path, found)
    found.problems.extend(
        Problem(problem.id, f"{holder.key[:80]}: {problem.message}", problem.region or text.region, problem.level)
        for problem in problems
    )


def _read_root(root: Node | None, holder: Holder, path: str, found: Monitoring) -> None:
    """Take an embedded file for what its keys say that it is."""
    if not isinstance(root, Mapping):
        if is_configuration(root):
            _add(PrometheusConfig(path, root, holder), found)
        return
    if "scrape_configs" in root or "rule_files" in root or "scrape_config_files" in root:
        _add(PrometheusConfig(path, root, holder), found)
    elif "receivers" in root and "route" in root:
        _add(AlertmanagerConfig(path, root, holder), found)
    elif "apiVersion" in root and ("datasources" in root or "groups" in root):
        found.facts.extend(provisioning_facts(path, root, holder))
    elif has_rules(root):
        _add(RuleGroups(path, root, holder), found)
    elif is_dashboard(root):
        _add(DashboardModel(path, root, holder), found)


def _add(part: PrometheusConfig | AlertmanagerConfig | RuleGroups | DashboardModel, found: Monitoring) -> None:
    found.subjects.extend(part.subjects())
    found.facts.extend(part.facts())


def _monitor_facts(manifest: Mapping, kind: str, path: str) -> Iterator[Fact]:
    """Yield the facts of an object that tells the operator what to scrape."""
    holder = _holder(manifest, kind)
    spec = yaml_tree.mapping(manifest.get("spec"))
    if spec is None:
        return
    selector = yaml_tree.mapping(spec.get("selector"))
    labels = yaml_tree.mapping(selector.get("matchLabels")) if selector else None
    endpoints = yaml_tree.sequence(spec.get("endpoints") or spec.get("podMetricsEndpoints"))
    ports = (yaml_tree.text(endpoint.get("port")) for endpoint in endpoints if isinstance(endpoint, Mapping))
    yield Monitor(
        Location(path, manifest.region),
        kind,
        holder.name,
        holder.namespace,
        tuple((name, yaml_tree.text(value) or "") for name, _, value in labels.pairs()) if labels else (),
        tuple(port for port in ports if port),
    )
    for address, role in _addresses(spec, kind):
        text = without_credentials(address.value)
        yield Target(Location(path, address.region), text, role, holder.name, holder)


def _addresses(spec: Mapping, kind: str) -> Iterator[tuple[Scalar, str]]:
    """Yield the addresses that a Probe or a ScrapeConfig names."""
    if kind == "ScrapeConfig":
        for item in yaml_tree.sequence(spec.get("staticConfigs")):
            if isinstance(item, Mapping):
                yield from ((target, "scrape") for target in yaml_tree.strings(item.get("targets")))
    elif kind == "Probe":
        prober, targets = yaml_tree.mapping(spec.get("prober")), yaml_tree.mapping(spec.get("targets"))
        url = prober.get("url") if prober else None
        if isinstance(url, Scalar):
            yield url, "exporter"
        static = yaml_tree.mapping(targets.get("staticConfig")) if targets else None
        for target in yaml_tree.strings(static.get("static") if static else None):
            yield target, "probe"
