"""What all metrics share: from numbers and evidence to a finished figure, with verdict, band, trend and confidence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sp404audit.dora.bands import band
from sp404audit.dora.events import Deployment
from sp404audit.dora.figures import (
    Band,
    Bucket,
    Confidence,
    Counted,
    Figure,
    Interval,
    Target,
    Trend,
    Unit,
    Verdict,
    Window,
)
from sp404audit.dora.fusion import kind_of, name_of
from sp404audit.dora.ledger import Ledger
from sp404audit.dora.statistics import mann_kendall, theil_sen
from sp404audit.dora.targets import events_for_interval, judge
from sp404audit.dora.wording import amount, plural

__all__ = ["BETTER_UPWARDS", "Draft", "buckets", "deployment_confidence", "ends", "finish", "trend", "weaker"]

LEAST_BUCKETS = 8
"""With fewer full weeks no trend is told from chance."""

MOST_BUCKETS = 260
"""A trend is of the last five years at most: older weeks say nothing of today, and every pair of weeks is looked at."""

_CHANCE = 0.05
_DAYS = "median_days_per_week"
_CONFIDENCES: tuple[Confidence, ...] = ("none", "low", "medium", "high")
BETTER_UPWARDS = frozenset({"deployment_frequency", "uptime"})


@dataclass
class Draft:
    """A figure before it is judged.

    Attributes:
        value, interval: the headline, as in `Figure`; `values` holds every number by its name.
        intervals: of the numbers that a target may speak of, by name.
        needed: says how much more evidence would decide about a target; None for medians, where that is a count.
        events: what the figure counts, for people: `deployments`.
        independent: how many independent values its interval rests on, and what they are; `n` and `events` without.
        judged: where a verdict does not follow from one number and its interval: tells verdict and reason.
    """

    metric: str
    title: str
    method: str
    unit: Unit
    value: float | None
    n: int
    values: dict[str, object]
    events: str
    independent: tuple[int, str] | None = None
    interval: Interval | None = None
    intervals: Mapping[str, Interval | None] = field(default_factory=dict)
    confidence: Confidence = "none"
    because: str = ""
    sources: Iterable[str] = ()
    evidence: Sequence[Counted] = ()
    excluded: Mapping[str, int] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    buckets: Sequence[Bucket] = ()
    in_dora: bool = True
    needed: Callable[[Target], str] | None = None
    judged: Callable[[Target], tuple[Verdict, str]] | None = None


def finish(draft: Draft, ledger: Ledger) -> Figure:
    """Judge a draft against the policy's target, rank it, and look for a trend."""
    confidence, because = _degraded(draft, ledger)
    verdict, why = _verdict(draft, ledger)
    if verdict == "pass" and draft.confidence == "low" and ledger.scope.settings.verdicts == "interval":
        verdict, why = "not proven", f"{why}, but what is only inferred proves no target"
    return Figure(
        metric=draft.metric,
        title=draft.title,
        in_dora=draft.in_dora,
        method=draft.method,
        unit=draft.unit,
        value=draft.value,
        n=draft.n,
        interval=draft.interval,
        values=draft.values,
        confidence=confidence,
        confidence_because=because,
        sources=tuple(sorted(set(draft.sources))),
        target=ledger.scope.settings.targets.get(draft.metric),
        verdict=verdict,
        verdict_because=why,
        band=_band(draft, ledger, confidence),
        trend=trend(draft.metric, draft.buckets),
        buckets=tuple(draft.buckets),
        evidence=tuple(draft.evidence),
        excluded={reason: number for reason, number in draft.excluded.items() if number},
        remarks=tuple(draft.remarks),
    )


def _band(draft: Draft, ledger: Ledger, confidence: Confidence) -> Band | None:
    if draft.n == 0:
        return None
    return band(draft.metric, draft.value, draft.interval, ledger.scope.settings.bands, confidence)


def _degraded(draft: Draft, ledger: Ledger) -> tuple[Confidence, str]:
    """Confidence, a step lower when a source had to stop early."""
    names = set(draft.sources)
    partial = [report.name for report in ledger.sources if report.partial and report.name in names]
    if not partial or draft.confidence == "none":
        return draft.confidence, draft.because
    lower = _CONFIDENCES[max(1, _CONFIDENCES.index(draft.confidence) - 1)]
    return lower, f"{draft.because}; {', '.join(partial)} told only a part"


def weaker(first: Confidence, second: Confidence) -> Confidence:
    """The lower of two confidences."""
    return min(first, second, key=_CONFIDENCES.index)


def deployment_confidence(deployments: Sequence[Deployment]) -> tuple[Confidence, str]:
    """How far to trust a list of deployments: as far as the weakest way in which one of them is known."""
    if not deployments:
        return "none", "no deployment is known"
    worst = max(kind_of(each) for each in deployments)
    what = f"{worst.noun} in {name_of(worst)}"
    if worst.rank <= 1:
        return "high", f"deployments are on record in {name_of(worst)}"
    if worst.rank <= 3:
        return "medium", f"deployments are taken from {what}, which may not have gone live"
    return "low", f"deployments are inferred from {what}"


def _verdict(draft: Draft, ledger: Ledger) -> tuple[Verdict, str]:
    settings = ledger.scope.settings
    target = settings.targets.get(draft.metric)
    if target is None:
        return "no target", ""
    if draft.judged is not None:
        return draft.judged(target)
    number = draft.values.get(target.statistic)
    value = float(number) if isinstance(number, (int, float)) else None
    interval = draft.intervals.get(target.statistic)
    verdict = judge(target, value, interval, by_point=settings.verdicts == "point")
    if value is None:
        return verdict, _without_value(draft, target)
    told = _told(target.statistic, value, draft.unit)
    if settings.verdicts == "point":
        return verdict, f"{told} by the number alone, as the policy wants"
    if interval is None:
        return verdict, _without_interval(draft, target, told)
    ends_told = [None if end is None else _told(target.statistic, end, draft.unit) for end in interval[:2]]
    reach = f"{told}, with 95 % confidence " + " to ".join("any" if end is None else end for end in ends_told)
    if verdict != "not proven":
        whole = "meets" if verdict == "pass" else "misses"
        return verdict, f"{reach}: the whole interval {whole} the target"
    more = draft.needed(target) if draft.needed else ""
    return verdict, f"{reach}: the target lies within" + (f"; {more}" if more else "")


def _told(statistic: str, value: float, unit: Unit) -> str:
    """A number that a target speaks of; deployment days have a unit of their own."""
    return f"{value:g} days a week" if statistic == _DAYS else amount(value, unit)


def _without_value(draft: Draft, target: Target) -> str:
    if draft.n and target.statistic != _DAYS:
        return f"{draft.events} that are not over yet leave no {target.statistic.removesuffix('_seconds')} to judge by"
    return f"there are no {'full weeks' if draft.n else draft.events} to judge by"


def _without_interval(draft: Draft, target: Target, told: str) -> str:
    if target.statistic == _DAYS:
        return f"{told}: too few full weeks for an interval"
    n, events = draft.independent or (draft.n, draft.events)
    more = events_for_interval(n)
    if more:
        return f"{told} of {plural(n, events.removesuffix('s'), events)}: an interval needs {more} more"
    return f"{told}: there is no interval for {target.statistic.removesuffix('_seconds')}"


def ends(interval: Interval | None) -> list[float | None] | None:
    """An interval as it stands in the JSON report."""
    return None if interval is None else [interval.lower, interval.upper]


def buckets(
    ledger: Ledger, moments: Sequence[tuple[int, float]], value: Callable[[list[float]], float | None]
) -> tuple[Bucket, ...]:
    """A figure week by week.

    Args:
        ledger: whose window and calendar apply.
        moments: what counts: when, and what it brings in.
        value: from what a week brought in to its number; None where no data is not zero.
    """
    window = ledger.scope.window
    weeks = ledger.scope.calendar.weeks(window)
    starts = [start for start, _ in weeks]
    filled: list[list[float]] = [[] for _ in weeks]
    for at, number in moments:
        filled[bisect_right(starts, at) - 1].append(number)
    return tuple(_bucket(window, week, numbers, value) for week, numbers in zip(weeks, filled, strict=True))


def _bucket(
    window: Window, week: tuple[int, int], numbers: list[float], value: Callable[[list[float]], float | None]
) -> Bucket:
    start, end = week
    is_partial = start < window.since or end > window.until
    return Bucket(max(start, window.since), min(end, window.until), value(numbers), len(numbers), is_partial)


def trend(metric: str, weeks: Sequence[Bucket]) -> Trend | None:
    """Which way a figure moves, by the full weeks that have data; None without any."""
    values = [week.value for week in weeks if week.value is not None and not week.partial][-MOST_BUCKETS:]
    if not values:
        return None
    if len(values) < LEAST_BUCKETS:
        few = plural(len(values), "full week")
        return Trend("unknown", None, f"too little data: {few} of the {LEAST_BUCKETS} that it takes")
    chance, slope = mann_kendall(values), theil_sen(values)
    if slope == 0:
        return Trend("none", None, f"level over {len(values)} weeks")
    if chance >= _CHANCE:
        return Trend("none", None, f"no trend beyond chance over {len(values)} weeks (p = {chance:.2f})")
    told = "p < 0.001" if chance < 0.001 else f"p = {chance:.3f}"
    is_better = (slope > 0) == (metric in BETTER_UPWARDS)
    word = "rises" if slope > 0 else "falls"
    return Trend("up" if slope > 0 else "down", is_better, f"{word} over {len(values)} weeks ({told})")
