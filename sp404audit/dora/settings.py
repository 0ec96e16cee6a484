"""The counting rules that a policy sets under `metrics:`; every one has a default that is written down here.

What a rule means in full stands in the documentation of the metrics report; here is what it is called and what it
may be. Patterns are globs (`prod*`; `*` and `?` are special, nothing else) without regard to case: a policy may come
with the repository that is measured, and a glob cannot be made to backtrack.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from sp404audit.dora.figures import Target
from sp404audit.dora.targets import TARGETS, TargetError, parse_target
from sp404audit.dora.window import parse_span
from sp404audit.policy.model import Policy
from sp404audit.records import NamedTuple

__all__ = ["ServicePattern", "Settings", "SettingsError", "UptimeSettings", "matches_any"]

LeadStart = Literal["committer", "author", "pr-first-commit", "pr-merged"]
LeadMeasure = Literal["commit_to_deploy", "merge_to_deploy"]


class SettingsError(ValueError):
    """A setting that means nothing; the text names file, key and way out."""


class ServicePattern(NamedTuple):
    """How the tags and the files of one service of a repository are told from the others'."""

    tags: str
    paths: tuple[str, ...] = ()


class UptimeSettings(NamedTuple):
    """What is asked of a Prometheus.

    Attributes:
        query: a ratio of good to all, from 0 to 1, such as a recording rule; it comes first when it is given.
        selector: which series say whether the service is up (`up{job="api"}`); empty for probes, then `up`.
        quorum: how many replicas must be up for the service to be up.
        min_coverage: the least share of the window that must have been seen for a verdict.
        incident_severities: which incidents count as downtime where there is no Prometheus; empty for all.
    """

    query: str = ""
    selector: str = ""
    quorum: int = 1
    min_coverage: float = 0.99
    incident_severities: tuple[str, ...] = ()


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a name matches one of the globs, without regard to case; in time of their lengths' product."""
    plain = name.casefold()
    return any(_matches(plain, pattern.casefold()) for pattern in patterns)


def _matches(name: str, pattern: str) -> bool:
    """Match from the left; when stuck, let the last `*` take one character more."""
    at = wanted = 0
    star, resume = -1, 0
    while at < len(name):
        if wanted < len(pattern) and pattern[wanted] == "*":
            star, resume = wanted, at
            wanted += 1
        elif wanted < len(pattern) and pattern[wanted] in ("?", name[at]):
            at, wanted = at + 1, wanted + 1
        elif star >= 0:
            resume += 1
            at, wanted = resume, star + 1
        else:
            return False
    return not pattern[wanted:].strip("*")


@dataclass(frozen=True)
class Settings:
    """The counting rules in force.

    Attributes:
        production_environments: patterns of names of environments that are production.
        tags: glob of the tags that are deployments; empty for every tag that reads as a version.
        branch: the main line; empty for the repository's default branch.
        deployments_from: `tags`, `merges` (each commit of the main line), or `auto`: tags where there are any.
        services: how the services of a repository are told apart, by name.
        merge_window: within how many seconds deployments of one revision to several places are one.
        attribution_window: for how many seconds after a deployment an incident without a link is laid to it.
        patch_window: within how many seconds a patch release hints that the release before it failed.
        count_redeploys, count_rollbacks, count_prereleases: whether these count in the frequency.
        lead_start: what a change's time begins with.
        lead_measure: which stretch is the headline.
        exclude_authors: patterns of authors whose changes are left out.
        bots: further patterns of authors that are programs.
        incident_labels, hotfix_labels: names of labels of issues and pull requests.
        hotfix_branches: patterns of branches whose merge is an unplanned remedy.
        build_workflows: patterns of workflow names that are builds; empty for all.
        bands: the table of published clusters, or `none`.
        verdicts: `interval` (three-valued) or `point`.
        targets: by metric.
    """

    production_environments: tuple[str, ...] = ("prod", "production", "live")
    tags: str = ""
    branch: str = ""
    deployments_from: Literal["auto", "tags", "merges"] = "auto"
    services: Mapping[str, ServicePattern] = field(default_factory=dict)
    merge_window: int = 3600
    attribution_window: int = 86_400
    patch_window: int = 86_400
    count_redeploys: bool = False
    count_rollbacks: bool = False
    count_prereleases: bool = False
    lead_start: LeadStart = "committer"
    lead_measure: LeadMeasure = "commit_to_deploy"
    exclude_authors: tuple[str, ...] = ()
    bots: tuple[str, ...] = ()
    incident_labels: tuple[str, ...] = ("incident",)
    hotfix_labels: tuple[str, ...] = ("hotfix",)
    hotfix_branches: tuple[str, ...] = ("hotfix/*", "hotfix-*")
    build_workflows: tuple[str, ...] = ()
    uptime: UptimeSettings = field(default_factory=UptimeSettings)
    bands: str = "dora-2024"
    verdicts: Literal["interval", "point"] = "interval"
    targets: Mapping[str, Target] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: Policy) -> Settings:
        """Take the counting rules and targets from a policy.

        Raises:
            SettingsError: for a value that the schema lets through and that means nothing (a span, a target).
        """
        known = {each.name for each in fields(cls)}
        values: dict[str, Any] = {}
        for key, value in policy.metrics.items():
            name = key.replace("-", "_")
            if name in known:
                values[name] = _READERS[name](key, value) if name in _READERS else _plain(value)
        targets = {}
        for key, text in policy.targets.items():
            try:
                targets[TARGETS[key].metric if key in TARGETS else key] = parse_target(
                    key, text, policy.target_file(key)
                )
            except TargetError as error:
                raise SettingsError(f"{policy.target_file(key) or 'policy'}: metrics.targets.{error}") from None
        return cls(**values, targets=targets)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _span(key: str, value: Any) -> int:
    seconds = parse_span(str(value))
    if seconds is None:
        raise SettingsError(f"metrics.{key}: {value!r} is no span; write 1h, 30m or 2d")
    return seconds


def _services(_key: str, value: Any) -> dict[str, ServicePattern]:
    return {name: ServicePattern(item["tags"], tuple(item.get("paths", ()))) for name, item in value.items()}


def _uptime(_key: str, value: Any) -> UptimeSettings:
    plain = {key.replace("-", "_"): _plain(item) for key, item in value.items()}
    if "min_coverage" in plain:
        plain["min_coverage"] = float(str(plain["min_coverage"]).rstrip("%")) / 100
    return UptimeSettings(**plain)


_READERS: dict[str, Any] = {
    "merge_window": _span,
    "attribution_window": _span,
    "patch_window": _span,
    "services": _services,
    "uptime": _uptime,
}
