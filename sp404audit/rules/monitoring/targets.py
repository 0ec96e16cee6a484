"""What monitoring connects to exists."""

from __future__ import annotations

from sp404audit.documents.monitoring.network_names import Address, Provider, is_for_other_machines, is_sample
from sp404audit.documents.monitoring.targets import MonitoringTarget
from sp404audit.records import NamedTuple
from sp404audit.results import Kind
from sp404audit.rules import Verdict, Verdicts, fail, passed, rule, unproven

_TASKS = "tasks."
"""Before a service's name, Docker Swarm answers with the address of each of its containers."""
_ROLES = {
    "scrape": "job {owner} scrapes {text}",
    "probe": "job {owner} probes {text}",
    "exporter": "job {owner} asks {text}",
    "alertmanager": "alerts go to {text}",
    "remote": "samples go to or come from {text}",
    "datasource": "data source {owner} reads {text}",
}
_CLUSTER_SUFFIXES = (".svc", ".svc.cluster.local", ".cluster.local")


class _Finding(NamedTuple):
    """A verdict's kind, the end of its message, and what answers to the name."""

    kind: Kind
    why: str
    provider: Provider | None = None


@rule(
    "monitoring/target-exists",
    severity="high",
    controls=["NIST 800-53 SI-4", "SOC 2 CC7.2"],
    security=False,
)
def target_exists(target: MonitoringTarget, *, external_hosts: tuple[str, ...] = ()) -> Verdicts:
    """Every target of the monitoring is something that the repository deploys.

    A target that nobody provides is never up: its metrics are missing from every dashboard, and an alert on them
    either never fires or never stops. It is the usual trace of an exporter that was planned, renamed or forgotten.

    Names without a dot are judged, and those of Kubernetes Services; other domain names and IP addresses are outside
    of what the repository can prove. `external_hosts` lists names that something else provides.

    Fix: deploy what is missing, or write the target as the service is called.

    Passes:
        --- compose.yaml
        services:
          prometheus:
            image: prom/prometheus:v3.5.0
            volumes:
              - ./prometheus.yml:/etc/prometheus/prometheus.yml:ro
          node-exporter:
            image: prom/node-exporter:v1.9.1
        --- prometheus.yml
        scrape_configs:
          - job_name: node
            static_configs:
              - targets: ["node-exporter:9100"]

    Fails:
        --- compose.yaml
        services:
          prometheus:
            image: prom/prometheus:v3.5.0
            volumes:
              - ./prometheus.yml:/etc/prometheus/prometheus.yml:ro
        --- prometheus.yml
        scrape_configs:
          - job_name: node
            static_configs:
              - targets: ["node-exporter:9100"]

    Fails (on a network that Prometheus is not on):
        --- compose.yaml
        services:
          prometheus:
            image: prom/prometheus:v3.5.0
            networks: [monitoring]
            volumes:
              - ./prometheus.yml:/etc/prometheus/prometheus.yml:ro
          redis-exporter:
            image: oliver006/redis_exporter:v1.74.0
            networks: [data]
        networks:
          monitoring: {}
          data: {}
        --- prometheus.yml
        scrape_configs:
          - job_name: redis
            static_configs:
              - targets: ["redis-exporter:9121"]

    Passes (external_hosts=[mainframe]):
        --- compose.yaml
        services:
          web:
            image: nginx:1.28
        --- prometheus.yml
        scrape_configs:
          - job_name: mainframe
            static_configs:
              - targets: ["mainframe:9100"]

    Unproven:
        --- compose.yaml
        services:
          web:
            image: nginx:1.28
        --- prometheus.yml
        scrape_configs:
          - job_name: vendor
            static_configs:
              - targets: ["metrics.vendor.example:443"]
    """
    address = target.address
    if address is None:
        finding = _Finding("open", "which is filled in elsewhere")
    elif address.host in external_hosts:
        finding = _Finding("pass", "which the policy declares to be provided outside of the repository")
    else:
        finding = _judge(target, address)
    yield _verdict(target, finding)


def _verdict(target: MonitoringTarget, finding: _Finding) -> Verdict:
    fact = target.target
    template = _ROLES[fact.role]
    message = f"{template.format(owner=fact.owner[:60] or '(nameless)', text=fact.text[:120])}, {finding.why}"
    related = [(finding.provider.location, f"{finding.provider.name} is here")] if finding.provider else []
    if finding.kind == "pass":
        return passed(target.location, message, related=related)
    if finding.kind == "fail":
        return fail(target.location, message, related=related)
    return unproven(target.location, message, related=related)


def _judge(target: MonitoringTarget, address: Address) -> _Finding:
    if address.is_loopback:
        return _loopback(target, address)
    if address.is_ip or address.is_container_host:
        return _Finding("open", "which is outside of the repository")
    host = address.host.removeprefix(_TASKS) or address.host
    providers = target.names.by_name.get(host, [])
    if target.target.holder.kind:
        return _in_cluster(target, host, providers)
    if target.readers:
        return _in_project(target, host, providers)
    return _anywhere(target, host, providers)


def _loopback(target: MonitoringTarget, address: Address) -> _Finding:
    if target.target.role == "scrape" and address.port in ("9090", "") and not target.target.holder.kind:
        return _Finding("pass", "which is Prometheus itself")
    return _Finding("open", "which is whatever runs beside it")


def _missing(target: MonitoringTarget, host: str) -> _Finding:
    """Nothing answers to the name; say so, unless the repository does not show everything that might."""
    path = target.location.path
    if not target.readers and (is_sample(path) or is_for_other_machines(path)):
        return _Finding("open", "and the repository does not show where this configuration is used")
    if not target.names.by_name:
        return _Finding("open", "and the repository deploys nothing that it could be")
    if not target.names.is_complete or target.names.unseen:
        return _Finding("open", "and the repository does not show everything that it deploys")
    container = target.names.container_of(host)
    if container is not None:
        return _Finding("open", f"which is a container of {container.name} if the project is called so", container)
    address = target.address
    if target.target.role == "probe" and address is not None and not (address.port or address.scheme):
        return _Finding("open", "which may be a machine of the network that it runs in")
    similar = target.names.similar_to(host)
    provider = target.names.by_name[similar][0] if similar else None
    hint = f"; did you mean {similar}?" if similar else ""
    return _Finding("fail", f"but nothing in the repository is called {host[:80]}{hint}", provider)


def _anywhere(target: MonitoringTarget, host: str, providers: list[Provider]) -> _Finding:
    """Who reads the configuration is not known: any provider of the name will do."""
    if providers:
        return _Finding("pass", "which the repository deploys", providers[0])
    if _is_cluster_name(host) and "kubernetes" in target.names.kinds:
        return _in_cluster(target, host, providers)
    if "." in host:
        return _Finding("open", "which is outside of the repository")
    return _missing(target, host)


def _in_project(target: MonitoringTarget, host: str, providers: list[Provider]) -> _Finding:
    """A compose service reads the configuration: the name must be one on its networks."""
    if target.readers.are_on_host:
        return _Finding("open", "and names of containers mean nothing on the host's network")
    if host in target.readers.extra_hosts:
        return _Finding("pass", "which extra_hosts declares")
    containers = [provider for provider in providers if provider.kind != "kubernetes"]
    networks = target.readers.networks
    on_network = next((provider for provider in containers if provider.networks & networks), None)
    if on_network is not None:
        return _Finding("pass", "which is on a network with it", on_network)
    if "." in host and not containers:
        return _Finding("open", "which is outside of the repository")
    if any(not provider.networks for provider in containers):
        return _Finding("open", "whose network decides whether it is reached", containers[0])
    if containers:
        reader = target.readers.services[0].name
        return _Finding("fail", f"but {host[:80]} is on no network with {reader}: put them on one", containers[0])
    missing = _missing(target, host)
    if missing.kind == "fail" and target.readers.may_meet_strangers:
        return _Finding("open", "which may be on the external network that something else makes")
    return missing


def _is_cluster_name(host: str) -> bool:
    return host.endswith(_CLUSTER_SUFFIXES)


def _in_cluster(target: MonitoringTarget, host: str, providers: list[Provider]) -> _Finding:
    """A manifest holds the configuration: the name must be one of a Service, by the rules of cluster DNS."""
    plain = host
    for suffix in _CLUSTER_SUFFIXES:
        plain = plain.removesuffix(suffix)
    name, dot, namespace = plain.partition(".")
    if dot and not _is_cluster_name(host) and namespace not in target.names.namespaces:
        return _Finding("open", "which is outside of the repository")
    if "." in namespace:
        return _Finding("open", "which is a name within a Service")
    own = namespace or target.target.holder.namespace
    services = [each for each in target.names.by_name.get(name, providers) if each.kind == "kubernetes"]
    match = next((each for each in services if not own or not each.namespace or each.namespace == own), None)
    if match is not None:
        return _Finding("pass", "which is a Service", match)
    if services and not dot:
        other = services[0]
        return _Finding("fail", f"but {name[:80]} is in namespace {other.namespace}: write the name with it", other)
    if "kubernetes" not in target.names.kinds:
        return _Finding("open", "and the repository shows no Service at all")
    if dot and namespace not in target.names.namespaces:
        return _Finding("open", f"and the repository shows nothing of namespace {namespace[:60]}")
    return _missing(target, name)
