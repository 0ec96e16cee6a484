"""There are alerts at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from sp404audit.documents.model import Repository
from sp404audit.documents.monitoring.facts import AlertSource, Dashboard, Monitor, PrometheusFile, RuleFile
from sp404audit.documents.monitoring.network_names import is_sample
from sp404audit.documents.monitoring.rule_loading import Loading, loading
from sp404audit.documents.terraform.file import TerraformFile
from sp404audit.lazy import regex
from sp404audit.results import Location
from sp404audit.rules import Verdicts, fail, passed, rule, unproven

_MANY = 20
_LONG_SOURCE = 500
_ALARM_MODULE = regex(r"alarm|alert(?!manager)|datadog.*monitor|/monitors?\b", re.IGNORECASE)
"""In the source of a Terraform module: it makes alarms of a kind that the table of resources need not hold."""


@rule(
    "alerts/exist",
    severity="high",
    controls=["NIST 800-53 SI-4(5)", "SOC 2 CC7.2"],
    security=False,
)
def exist(repository: Repository) -> Verdicts:
    """A system that is monitored raises alerts.

    Metrics that nobody is told about are looked at after the outage. Alert rules count when something loads them: a
    Prometheus configuration's `rule_files`, the Prometheus operator, Grafana's alerting, or the monitoring service that
    Terraform sets up.

    Fix: write alert rules for what users notice (errors, latency, absence), and name their files in `rule_files`.

    Passes:
        --- prometheus.yml
        rule_files: [alerts.yml]
        scrape_configs:
          - job_name: api
            static_configs: [{targets: ["api:8080"]}]
        --- alerts.yml
        groups:
          - name: api
            rules:
              - alert: ApiDown
                expr: up{job="api"} == 0
                for: 5m

    Fails:
        --- prometheus.yml
        scrape_configs:
          - job_name: api
            static_configs: [{targets: ["api:8080"]}]

    Fails (the rules are there, but nothing loads them):
        --- prometheus.yml
        scrape_configs:
          - job_name: api
            static_configs: [{targets: ["api:8080"]}]
        --- alerts.yml
        groups:
          - name: api
            rules:
              - alert: ApiDown
                expr: up{job="api"} == 0

    Passes (Terraform sets them up):
        --- prometheus.yml
        scrape_configs:
          - job_name: api
            static_configs: [{targets: ["api:8080"]}]
        --- alarms.tf
        resource "grafana_rule_group" "api" {
          name             = "api"
          folder_uid       = "services"
          interval_seconds = 60
        }

    Unproven (samples go to a service that may well evaluate rules):
        --- prometheus.yml
        scrape_configs:
          - job_name: api
            static_configs: [{targets: ["api:8080"]}]
        remote_write:
          - url: https://metrics.example.com/api/v1/push
    """
    state = repository.derived(loading)
    evidence = list(_alerts(repository, state))
    configs = [
        config for config in repository.facts(PrometheusFile) if config.jobs and not is_sample(config.location.path)
    ]
    if evidence:
        first, *others = evidence
        related = [(place, "another") for place in others[:_MANY]]
        yield passed(first, f"{len(evidence)} alert rule{'s' * (len(evidence) > 1)} found and loaded", related=related)
    elif configs:
        yield from _without_alerts(configs, state)
    else:
        place = next(_monitored(repository), None)
        if place is not None:
            yield unproven(place, "alert rules, if there are any, are kept where this is deployed")


def _alerts(repository: Repository, state: Loading) -> Iterator[Location]:
    """Yield where each alert is made that something loads."""
    for rules in state.loaded:
        yield from (alert.location for alert in rules.alerts)
    yield from (source.location for source in repository.facts(AlertSource))
    yield from (board.location for board in repository.facts(Dashboard) if board.alerts)
    for file in repository.facts(TerraformFile):
        for block in file.body.nested("resource"):
            if block.labels and block.labels[0] in _alarm_types():
                yield file.locate(block)
        for block in file.body.nested("module"):
            source = block.attribute("source")
            if source is not None and _ALARM_MODULE.search((source.value.text or "")[:_LONG_SOURCE]):
                yield file.locate(block)


@cache
def _alarm_types() -> frozenset[str]:
    """The types of Terraform resource that raise alerts."""
    import json
    from pathlib import Path

    text = Path(__file__).with_name("alarm_resources.json").read_text("utf-8")
    return frozenset(json.loads(text)["types"])


def _monitored(repository: Repository) -> Iterator[Location]:
    """Yield what shows that something is monitored, other than a Prometheus configuration."""
    yield from (monitor.location for monitor in repository.facts(Monitor))
    yield from (board.location for board in repository.facts(Dashboard))
    yield from (config.location for config in repository.facts(PrometheusFile))


def _without_alerts(configs: list[PrometheusFile], state: Loading) -> Verdicts:
    """Judge configurations that scrape, of which none loads an alert."""
    config = configs[0]
    unloaded = [rules for rules in state.unloaded if rules.alerts]
    elsewhere = [glob for _, glob in state.elsewhere]
    if elsewhere and not unloaded:
        yield unproven(config.location, f"the rules come from {elsewhere[0][:120]}, which is not in the repository")
    elif any(each.remote_writes for each in configs) and not unloaded:
        yield unproven(config.location, "samples are sent on, and rules may be evaluated where they arrive")
    else:
        yield fail(config.location, _message(config, unloaded), related=[(each, "not loaded") for each in unloaded])


def _message(config: PrometheusFile, unloaded: list[RuleFile]) -> str:
    jobs = f"{len(config.jobs)} job{'s' * (len(config.jobs) > 1)}"
    if unloaded:
        return f"{jobs} scraped, but rule_files loads no alert: name {unloaded[0].location.path[:120]} in it"
    if config.rule_files:
        named = config.rule_files[0][0][:120]
        return f"{jobs} scraped, but no alert rule is in what rule_files names ({named}): write some there"
    return f"{jobs} scraped, but no alert rule is loaded: write some and name their files in rule_files"
