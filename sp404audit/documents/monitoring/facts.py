"""What cross-file rules know of monitoring: plain facts, whichever file or manifest they come from."""

from __future__ import annotations

import re
from functools import cache

from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = [
    "Alert",
    "AlertSource",
    "AlertmanagerFile",
    "Dashboard",
    "DashboardQuery",
    "Datasource",
    "Holder",
    "Monitor",
    "PrometheusFile",
    "Receiver",
    "Recording",
    "RuleFile",
    "ServiceName",
    "Target",
    "without_credentials",
]


def without_credentials(address: str) -> str:
    """An address or URL without user, password and query, which may hold secrets; facts and messages show no more."""
    return _user_information().sub("//", address.strip()).partition("?")[0]


@cache
def _user_information() -> re.Pattern[str]:
    return re.compile(r"//[^/@\s]*@")


class Holder(NamedTuple):
    """The Kubernetes object that a configuration is part of; all empty for a file of its own.

    `key` is the entry of a ConfigMap or Secret.
    """

    kind: str = ""
    name: str = ""
    namespace: str = ""
    key: str = ""


class Target(NamedTuple):
    """An address that something of the monitoring connects to.

    Attributes:
        location: of the address.
        text: as written, without credentials: `backend:8000`, `http://shop:3000/healthz`.
        role: `scrape`, `probe` (asked through an exporter), `exporter` (which a relabelling puts in the place of the
            targets), `alertmanager`, `remote` (remote_write, remote_read) or `datasource`.
        owner: the job, or the name of the data source.
        holder: where the configuration lies when it is part of a manifest.
    """

    location: Location
    text: str
    role: str
    owner: str
    holder: Holder = Holder()


class PrometheusFile(NamedTuple):
    """A Prometheus configuration (or one that an agent of the same format reads).

    Attributes:
        location: of the configuration.
        holder: where it lies when it is part of a manifest.
        jobs: the names of its scrape configurations.
        rule_files: the globs in `rule_files`, each with its place.
        alertmanagers: how many ways to an Alertmanager it names.
        remote_writes: the URLs that it sends samples to.
        scrape_config_files: the globs of that name.
    """

    location: Location
    holder: Holder
    jobs: tuple[str, ...]
    rule_files: tuple[tuple[str, Location], ...]
    alertmanagers: int
    remote_writes: tuple[str, ...]
    scrape_config_files: tuple[str, ...] = ()


class Alert(NamedTuple):
    """An alerting rule; `labels` and `annotations` as pairs, `hold` is its `for`."""

    location: Location
    name: str
    expression: str
    hold: str
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]


class Recording(NamedTuple):
    """A recording rule."""

    location: Location
    name: str
    expression: str


class RuleFile(NamedTuple):
    """A file of Prometheus (or Loki, Mimir, Thanos) rules, or a PrometheusRule."""

    location: Location
    holder: Holder
    alerts: tuple[Alert, ...]
    recordings: tuple[Recording, ...]


class Monitor(NamedTuple):
    """A ServiceMonitor, PodMonitor, Probe or ScrapeConfig of the Prometheus operator.

    `selector` are the labels that it selects by; `ports` those of its endpoints.
    """

    location: Location
    kind: str
    name: str
    namespace: str
    selector: tuple[tuple[str, str], ...]
    ports: tuple[str, ...]


class ServiceName(NamedTuple):
    """A name that Kubernetes resolves, or an object that brings services which the repository does not show.

    `kind` is `Service`, or that of the object (`HelmRelease`, `Application`, …).
    """

    location: Location
    name: str
    namespace: str
    kind: str


class Receiver(NamedTuple):
    """A receiver of Alertmanager and the integrations that it has (`pagerduty`, `slack`, …)."""

    location: Location
    name: str
    integrations: tuple[str, ...]


class AlertmanagerFile(NamedTuple):
    """An Alertmanager configuration; `routed` are the receivers that its routes name."""

    location: Location
    holder: Holder
    receivers: tuple[Receiver, ...]
    routed: tuple[str, ...]


class DashboardQuery(NamedTuple):
    """A query of a panel; `datasource` is its uid or name as written, `kind` its type where that is written."""

    location: Location
    expression: str
    datasource: str
    kind: str


class Dashboard(NamedTuple):
    """A Grafana dashboard; `alerts` counts the alerts of the old kind, which panels hold."""

    location: Location
    holder: Holder
    title: str
    uid: str
    queries: tuple[DashboardQuery, ...]
    alerts: int


class Datasource(NamedTuple):
    """A data source that Grafana is provisioned with."""

    location: Location
    name: str
    uid: str
    kind: str
    url: str


class AlertSource(NamedTuple):
    """Something else that alerts come from.

    `kind` is `grafana` for a rule of Grafana's own alerting, `sloth` for an objective that Sloth makes rules from, else
    the kind of the Kubernetes object.
    """

    location: Location
    name: str
    kind: str
