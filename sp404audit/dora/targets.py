"""What the policy wants of a figure, and whether the evidence shows it: pass, fail, or not proven.

A target is met when the whole interval meets it, and missed when none of the interval does. In between the evidence
does not decide, and the report says how much more would.
"""

from __future__ import annotations

from collections.abc import Mapping

from sp404audit.dora.figures import Comparison, Interval, Target, Verdict
from sp404audit.dora.statistics import LEAST_FOR_INTERVAL, wilson
from sp404audit.dora.window import parse_span
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["TARGETS", "TargetError", "clean_events_needed", "events_for_interval", "judge", "parse_target"]

_GRAMMAR = regex(
    r"(<=|>=|<|>)?\s*([0-9][0-9.]{0,12}|hourly|daily|weekly|monthly)\s*(%|/\s?[a-z]+|[a-z]+)?(?:\s+([a-z0-9]+))?"
)
_COMPARISONS: dict[str, Comparison] = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
_PER_WEEK = {"hour": 168.0, "day": 7.0, "week": 1.0, "month": 7 / 30.4375}


class TargetError(ValueError):
    """A target that means nothing; the text says what to write instead."""


class _Kind(NamedTuple):
    """How the target of a metric is written: its unit, its usual direction, and the number that it speaks of."""

    metric: str
    unit: str
    comparison: Comparison
    statistics: Mapping[str, str]
    example: str


_TIMES = {"median": "median_seconds", "mean": "mean_seconds", "p75": "p75_seconds", "p90": "p90_seconds"}

TARGETS: dict[str, _Kind] = {
    "deployment-frequency": _Kind("deployment_frequency", "frequency", ">=", {"": "per_week"}, "daily, or 3/week"),
    "lead-time": _Kind("lead_time", "span", "<", {"": "median_seconds", **_TIMES}, "30m, or 2d p90"),
    "change-failure-rate": _Kind("change_failure_rate", "ratio", "<", {"": "rate"}, "5%"),
    "recovery-time": _Kind("recovery_time", "span", "<", {"": "mean_seconds", **_TIMES}, "1h, or 1h median"),
    "rework-rate": _Kind("rework_rate", "ratio", "<", {"": "rate"}, "10%"),
    "mttr": _Kind("mttr", "span", "<", {"": "mean_seconds", **_TIMES}, "15m, or 15m median"),
    "uptime": _Kind("uptime", "ratio", ">=", {"": "observed"}, "99.9%"),
    "build-time": _Kind(
        "build_time", "span", "<", {"": "median_seconds", "p95": "p95_seconds", **_TIMES}, "5m, or 10m p95"
    ),
}
"""The keys of `metrics.targets` in a policy. MTTR is a mean by its name; the times of DORA are medians."""

_WORDS = {
    "hourly": ("per_week", 168.0),
    "daily": ("median_days_per_week", 5.0),
    "weekly": ("per_week", 1.0),
    "monthly": ("per_week", 7 / 30.4375),
}
"""What a word asks: `daily` means on five days of a usual week, since few work on seven."""


def parse_target(key: str, text: str, file: str = "") -> Target:
    """Read a target of the policy, such as `30m`, `< 5%`, `daily` or `2d p90`.

    Args:
        key: its name, one of `TARGETS`.
        text: what the policy says.
        file: the policy file, for the report.

    Raises:
        TargetError: when the key or the text means nothing.
    """
    kind = TARGETS.get(key)
    if kind is None:
        raise TargetError(f"{key} is no target; there are {', '.join(TARGETS)}")
    match = _GRAMMAR.fullmatch(text.strip().lower())
    statistic = kind.statistics.get((match[4] or "") if match else "?")
    value = _value(kind.unit, match[2], (match[3] or "").replace(" ", "")) if match else None
    if match is None or statistic is None or value is None:
        raise TargetError(f"{key}: {text!r} is no target; write {kind.example}")
    if match[2] in _WORDS:
        statistic = _WORDS[match[2]][0]
    comparison = _COMPARISONS.get(match[1] or "", kind.comparison)
    return Target(text, comparison, value, statistic, file)


def _value(unit: str, number: str, suffix: str) -> float | None:
    if unit == "frequency" and number in _WORDS:
        return _WORDS[number][1] if not suffix else None
    try:
        amount = float(number)
    except ValueError:
        return None
    if unit == "frequency":
        per = _PER_WEEK.get(suffix.removeprefix("/"))
        return amount * per if per is not None and suffix.startswith("/") else None
    if unit == "ratio":
        share = round(amount / 100, 12) if suffix == "%" else amount
        return share if suffix in ("%", "") and 0 <= share <= 1 else None
    span = parse_span(f"1{suffix}") if suffix else None
    return amount * span if span else None


def judge(target: Target | None, value: float | None, interval: Interval | None, *, by_point: bool = False) -> Verdict:
    """Hold a number and its interval against a target.

    Args:
        target: None when the policy has none.
        value: the number that the target speaks of; None when there is no evidence.
        interval: of that number; None when there are too few events for one. An end that is None is unbounded.
        by_point: let the number alone decide; the policy's `verdicts: point`.
    """
    if target is None:
        return "no target"
    if value is None:
        return "not proven"
    if by_point:
        return "pass" if _meets(target, value) else "fail"
    if interval is None:
        return "not proven"
    ends = (_end(interval.lower, below=True), _end(interval.upper, below=False))
    met = [_meets(target, end) for end in ends]
    if all(met):
        return "pass"
    return "not proven" if any(met) or _meets(target, value) else "fail"


def _end(end: float | None, *, below: bool) -> float:
    if end is not None:
        return end
    return float("-inf") if below else float("inf")


def _meets(target: Target, value: float) -> bool:
    if target.comparison == "<":
        return value < target.value
    if target.comparison == "<=":
        return value <= target.value
    return value >= target.value if target.comparison == ">=" else value > target.value


def clean_events_needed(target: Target, k: int, n: int, most: int = 100_000) -> int | None:
    """How many more events without a failure would prove a rate below the target.

    Returns:
        0 when it is proven already; None when more than `most` would be needed, or the target is no upper bound.
    """
    if target.comparison not in ("<", "<="):
        return None

    def proven(more: int) -> bool:
        upper = wilson(k, n + more).upper
        return upper is not None and _meets(target, upper)

    if proven(0):
        return 0
    if not proven(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if proven(middle) else (middle, high)
    return high


def events_for_interval(n: int) -> int:
    """How many more independent values an interval of a median needs."""
    return max(0, LEAST_FOR_INTERVAL - n)
