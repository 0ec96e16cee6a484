"""What comes out: figures, each with its evidence, its uncertainty, a verdict and a trend; every report is of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sp404audit.dora.events import Availability, Build, Deployment, Incident, SourceReport
from sp404audit.records import NamedTuple

__all__ = [
    "METRICS",
    "Band",
    "Bucket",
    "ChangeRow",
    "Comparison",
    "Confidence",
    "Counted",
    "DeploymentRow",
    "Figure",
    "Influence",
    "Interval",
    "MetricsReport",
    "Target",
    "Trend",
    "Unit",
    "Verdict",
    "Window",
]

METRICS = (
    "deployment_frequency",
    "lead_time",
    "change_failure_rate",
    "recovery_time",
    "rework_rate",
    "mttr",
    "uptime",
    "build_time",
)
"""The order of figures in every report: DORA's five, then the handbook's own."""

Comparison = Literal["<", "<=", ">", ">="]
Unit = Literal["per_week", "seconds", "ratio"]
Verdict = Literal["pass", "fail", "not proven", "no target"]
Confidence = Literal["high", "medium", "low", "none"]
"""High: deployment and incident records with links. Medium: records without links. Low: inferred from git alone."""


class Interval(NamedTuple):
    """Where the true value lies with 95 % confidence; None for an end that is not known."""

    lower: float | None
    upper: float | None
    method: str


class Counted(NamedTuple):
    """One event behind a figure, and the rule by which it counted or did not.

    Attributes:
        event: its id, as in the ledgers.
        at: when it happened.
        value: what it brought in, in the figure's unit (for a rate: 1 or 0); None where it has none.
        counted: whether it is part of the figure.
        rule: the counting rule, one line for people.
    """

    event: str
    at: int
    value: float | None
    counted: bool
    rule: str
    source: str = ""
    url: str = ""


class Bucket(NamedTuple):
    """A stretch of time in a trend: None means no data, which is not zero; `partial` when the window cuts it."""

    start: int
    end: int
    value: float | None
    n: int
    partial: bool = False


class Band(NamedTuple):
    """Where a figure stands among others: the survey's answer classes that its interval spans, and a year's clusters.

    Attributes:
        classes: from DORA's survey answers, best first; several when the interval spans them.
        clusters: names of the published clusters that fit; empty when bands are off.
        table: which table, such as `dora-2024`; derived ones say so.
        source: where the table is from.
    """

    classes: tuple[str, ...]
    clusters: tuple[str, ...] = ()
    table: str = ""
    source: str = ""


class Target(NamedTuple):
    """What the policy wants of a figure.

    Attributes:
        text: as it stands in the policy.
        comparison: how the figure must stand to the value.
        value: in the figure's unit.
        statistic: which of the figure's numbers is compared (`median_seconds`, `mean_seconds`, `rate`, …).
        file: the policy file that sets it.
    """

    text: str
    comparison: Comparison
    value: float
    statistic: str
    file: str = ""


class Trend(NamedTuple):
    """Which way a figure moves: `none` unless the change is beyond chance, `unknown` where data are too few to tell."""

    direction: Literal["up", "down", "none", "unknown"]
    better: bool | None
    because: str


class Influence(NamedTuple):
    """A result of the scan that bears upon a figure, or upon how far to trust it."""

    rule_id: str
    message: str
    path: str = ""


@dataclass(frozen=True)
class Figure:
    """One metric.

    Attributes:
        metric: one of `METRICS`.
        title: for people.
        in_dora: whether it is one of DORA's five.
        method: id of the definition and its version, such as `lead_time/v1:commit_to_deploy`.
        unit: of `value`, `interval`, buckets and evidence.
        value: the headline number; None when there is no evidence. For change failures from git alone it is None too:
            then `values` holds `lower` and `upper`.
        interval: of the headline.
        values: every number by its name in the JSON report (`median_seconds`, `k`, `n`, `rate`, …), in a fixed order.
        n: how many events the headline rests on.
        confidence, confidence_because: how far to trust it, and why.
        sources: names of the sources that it rests on.
        target, verdict, verdict_because: against the policy; the last line also says how much more evidence is needed.
        band: None when there is nothing to rank.
        trend, buckets: over the window.
        evidence: every event that was looked at.
        excluded: how many events did not count, by reason.
        remarks: definitions and caveats for people.
        influences: results of the scan that bear upon it.
    """

    metric: str
    title: str
    in_dora: bool
    method: str
    unit: Unit
    value: float | None
    n: int
    interval: Interval | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    confidence: Confidence = "none"
    confidence_because: str = ""
    sources: tuple[str, ...] = ()
    target: Target | None = None
    verdict: Verdict = "no target"
    verdict_because: str = ""
    band: Band | None = None
    trend: Trend | None = None
    buckets: tuple[Bucket, ...] = ()
    evidence: tuple[Counted, ...] = ()
    excluded: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    influences: tuple[Influence, ...] = ()


class Window(NamedTuple):
    """The stretch that is measured: [since, until), in seconds; `timezone` is used for days and weeks only."""

    since: int
    until: int
    timezone: str = "UTC"

    @property
    def days(self) -> float:
        """Its length in days of 86,400 seconds."""
        return (self.until - self.since) / 86_400


class DeploymentRow(NamedTuple):
    """A line of the ledger of deployments: the event, and what the counting rules made of it.

    Attributes:
        role: `counted`, `redeploy`, `rollback`, `prerelease`, `failed attempt`, `unfinished`, `late tag`,
            `other environment`, `other source`, `merged`, `before the window`, `after the window`.
        rule: why, one line for people.
        changes: how many changes it was the first to contain; None where that is not known.
        lead_time: their median, in seconds.
        failed_because: why it counts as failed; empty when it does not.
        recovered_at: when the failure was over.
    """

    deployment: Deployment
    role: str
    rule: str
    changes: int | None = None
    lead_time: float | None = None
    failed_because: str = ""
    recovered_at: int | None = None


class ChangeRow(NamedTuple):
    """A line of the ledger of changes: when it was written, merged and deployed, and whether it counted."""

    sha: str
    started_at: int
    merged_at: int | None
    deployed_at: int
    deployment: str
    seconds: int
    is_bot: bool
    counted: bool
    rule: str
    pull_request: int | None = None


@dataclass(frozen=True)
class MetricsReport:
    """The finished report: figures in the order of `METRICS`, and what they were made from.

    `as_of` is the moment up to which anything was known; what was not over then has lasted until then.
    """

    version: str
    policy: str
    window: Window
    as_of: int
    figures: tuple[Figure, ...]
    sources: tuple[SourceReport, ...]
    disagreements: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    service: str = ""
    deployments: tuple[DeploymentRow, ...] = ()
    changes: tuple[ChangeRow, ...] = ()
    incidents: tuple[Incident, ...] = ()
    builds: tuple[Build, ...] = ()
    availability: tuple[Availability, ...] = ()

    def figure(self, metric: str) -> Figure:
        """The figure with this name; raises KeyError for one that is none."""
        for figure in self.figures:
            if figure.metric == metric:
                return figure
        raise KeyError(f"{metric} is no metric of this report; there are {', '.join(METRICS)}")

    @property
    def missed(self) -> tuple[Figure, ...]:
        """Figures that fail their target."""
        return tuple(figure for figure in self.figures if figure.verdict == "fail")
