"""The figures as OpenMetrics, for a textfile collector or a push gateway.

The format is that of the OpenMetrics specification 1.0: families with their type, unit and help, `# EOF` at the end.
Confidence and verdict are words; they are labels of an info metric and never of the numbers, whose series would else
break off whenever a word changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports.dora import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sp404audit.dora.figures import Figure, MetricsReport

__all__ = ["render"]

_PREFIX = "sp404audit_dora_"
_QUANTILES = {"median_seconds": "0.5", "p75_seconds": "0.75", "p90_seconds": "0.9", "p95_seconds": "0.95"}


class _Sample(NamedTuple):
    family: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


_FAMILIES = {
    "deployments": ("", "Deployments that count in the window."),
    "deployments_per_week": ("", "Deployments a week, over the window."),
    "lead_time_seconds": ("seconds", "From a change to its deployment."),
    "change_failure_ratio": ("ratio", "Deployments that failed, of all that count."),
    "rework_ratio": ("ratio", "Deployments that were unplanned remedies, of all that count."),
    "recovery_time_seconds": ("seconds", "From a failed deployment to its recovery."),
    "mttr_seconds": ("seconds", "From the beginning of an incident to its end."),
    "uptime_ratio": ("ratio", "Share of the observed time that the service was up."),
    "build_time_seconds": ("seconds", "From the start of a build to the end of its last job."),
    "target_met": ("", "1 where the target is met, 0 where it is missed; absent where neither is proven."),
    "interval_bound": ("", "The ends of the 95 % interval, in the figure's unit."),
}
_TIMES = {
    "lead_time": "lead_time_seconds",
    "recovery_time": "recovery_time_seconds",
    "mttr": "mttr_seconds",
    "build_time": "build_time_seconds",
}
_RATIOS = {"change_failure_rate": "change_failure_ratio", "rework_rate": "rework_ratio", "uptime": "uptime_ratio"}


def render(report: MetricsReport) -> str:
    """Write the report; figures without evidence have no sample, which is not zero."""
    common = (("service", report.service),) if report.service else ()
    samples = [sample for figure in report.figures for sample in _samples(figure)]
    lines: list[str] = []
    for family, (unit, text) in _FAMILIES.items():
        of_family = [sample for sample in samples if sample.family == family]
        if not of_family:
            continue
        lines.append(f"# TYPE {_PREFIX}{family} gauge")
        if unit:
            lines.append(f"# UNIT {_PREFIX}{family} {unit}")
        lines.append(f"# HELP {_PREFIX}{family} {_escaped(text)}")
        lines += [f"{_PREFIX}{family}{_labels((*common, *each.labels))} {_number(each.value)}" for each in of_family]
    lines += _info(report, common)
    return "\n".join([*lines, "# EOF"]) + "\n"


def _samples(figure: Figure) -> Iterator[_Sample]:
    metric = (("metric", figure.metric),)
    if figure.metric == "deployment_frequency" and figure.value is not None:
        yield _Sample("deployments", figure.n)
        yield _Sample("deployments_per_week", figure.value)
    if figure.metric in _TIMES:
        for name, quantile in _QUANTILES.items():
            value = figure.values.get(name)
            if isinstance(value, int | float):
                yield _Sample(_TIMES[figure.metric], value, (("quantile", quantile),))
    ends = wording.bounds(figure)
    for bound, end in zip(("lower", "upper"), ends or (), strict=False):
        rate = end.get("rate")
        if isinstance(rate, int | float):
            yield _Sample(_RATIOS[figure.metric], rate, (("bound", bound),))
    if figure.metric in _RATIOS and figure.value is not None:
        yield _Sample(_RATIOS[figure.metric], figure.value)
    if figure.interval is not None:
        for bound, limit in (("lower", figure.interval.lower), ("upper", figure.interval.upper)):
            if limit is not None:
                yield _Sample("interval_bound", limit, (*metric, ("bound", bound)))
    if figure.verdict in ("pass", "fail"):
        yield _Sample("target_met", float(figure.verdict == "pass"), metric)


def _info(report: MetricsReport, common: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield f"# TYPE {_PREFIX}figure info"
    yield f"# HELP {_PREFIX}figure How each figure was made, how far to trust it, and its verdict."
    for figure in report.figures:
        labels = (
            *common,
            ("confidence", figure.confidence),
            ("method", figure.method),
            ("metric", figure.metric),
            ("verdict", figure.verdict),
        )
        yield f"{_PREFIX}figure_info{_labels(labels)} 1"


def _labels(labels: tuple[tuple[str, str], ...]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return repr(float(value))
