"""Which findings of a scan bear upon which figure, or upon how far to trust it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sp404audit.dora.figures import Figure, Influence
from sp404audit.results import Result

__all__ = ["INFLUENCES", "with_influences"]

INFLUENCES: dict[str, tuple[str, ...]] = {
    "alerts/exist": ("mttr", "recovery_time", "uptime"),
    "backup/retention": ("mttr",),
    "backup/scheduled": ("mttr",),
    "ci/coverage-gate": ("change_failure_rate",),
    "ci/deploy-needs-gates": ("change_failure_rate",),
    "ci/timeouts": ("build_time",),
    "deploy/rollback-on-failure": ("recovery_time", "change_failure_rate"),
    "deps/update-bot": ("lead_time",),
    "docker/dockerignore-present": ("build_time",),
    "docker/healthcheck": ("uptime", "recovery_time"),
    "images/digest-pinned": ("change_failure_rate",),
    "images/no-latest-tag": ("change_failure_rate", "recovery_time"),
    "monitoring/target-exists": ("uptime", "mttr"),
    "shell/exec-targets-exist": ("change_failure_rate",),
    "shell/strict-mode": ("change_failure_rate",),
}
"""Metrics by the rule whose failure bears upon them. What is not built the same way twice, or not tested before it goes
live, fails more often; what nobody watches is mended late; what cannot go back stays broken."""

_MOST = 5


def with_influences(figures: Iterable[Figure], findings: Iterable[Result]) -> tuple[Figure, ...]:
    """Name the findings of a scan beside the figures that they bear upon, the gravest first, a few of each rule.

    Args:
        figures: without influences.
        findings: the results of a scan; only failures that nobody accepted are named.
    """
    failed = [each for each in findings if each.kind == "fail" and each.suppression is None]
    failed = [each for each in failed if each.rule_id in INFLUENCES and each.baseline != "absent"]
    failed.sort(key=lambda each: (-each.severity, each.rule_id, each.location.path, each.location.region))
    return tuple(replace(figure, influences=_of(figure.metric, failed)) for figure in figures)


def _of(metric: str, failed: Iterable[Result]) -> tuple[Influence, ...]:
    """One influence a rule: its first place, and how many more there are."""
    by_rule: dict[str, list[Result]] = {}
    for each in failed:
        if metric in INFLUENCES[each.rule_id]:
            by_rule.setdefault(each.rule_id, []).append(each)
    found = []
    for rule_id, results in by_rule.items():
        more = f" (and {len(results) - 1} more)" if len(results) > 1 else ""
        found.append(Influence(rule_id, results[0].message + more, results[0].location.path))
    return tuple(found[:_MOST])
