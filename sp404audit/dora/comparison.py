"""Which way a figure moves where too few weeks have data for a trend: against the window before, of the same length.

Rates are compared by Newcombe's interval of their difference, times by Hodges and Lehmann's of their shift, and counts
by whether their split between the windows is that of the windows' lengths. Without enough on both sides nothing is
said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from sp404audit.dora.figures import Figure, Interval, Trend, Unit, Window
from sp404audit.dora.metrics.assembly import BETTER_UPWARDS
from sp404audit.dora.statistics import LEAST_FOR_INTERVAL, hodges_lehmann, median, newcombe, wilson
from sp404audit.dora.wording import amount, interval_text

__all__ = ["before", "with_comparisons"]

_BEFORE = "in the window before"
_REACHING_BACK = frozenset({"git", "events", "prometheus"})
_WEEK_DAYS = 7


def before(window: Window) -> Window:
    """The window of the same length that ends where this one begins."""
    return window._replace(since=window.since - (window.until - window.since), until=window.since)


def with_comparisons(
    figures: Sequence[Figure], sources: Iterable[str], earlier: Callable[[], Sequence[Figure]]
) -> tuple[Figure, ...]:
    """Say of figures without a trend how they stand to the window before.

    Args:
        figures: of the window.
        sources: names of everything that was asked. GitHub is asked from the window's beginning on: with it, what came
            before is not known well enough.
        earlier: measures the window before; not called where no figure needs it.
    """
    open_ = {each.metric for each in figures if each.metric in _COMPARED and _is_open(each)}
    if not open_ or not _REACHING_BACK.issuperset(sources):
        return tuple(figures)
    past = {each.metric: each for each in earlier()}
    compared = {each.metric: _compared(past[each.metric], each) for each in figures if each.metric in open_}
    return tuple(replace(each, trend=compared.get(each.metric) or each.trend) for each in figures)


def _is_open(figure: Figure) -> bool:
    """Whether there is a figure, and no trend of it."""
    return figure.value is not None and (figure.trend is None or figure.trend.direction == "unknown")


def _compared(past: Figure, now: Figure) -> Trend | None:
    """None where there is too little on either side."""
    found = _COMPARED[now.metric](past, now)
    if found is None:
        return None
    told, difference = found
    assert difference.lower is not None
    assert difference.upper is not None
    if difference.lower <= 0 <= difference.upper:
        return Trend("none", None, f"{told}: no change beyond chance")
    is_up = difference.lower > 0
    return Trend("up" if is_up else "down", is_up == (now.metric in BETTER_UPWARDS), told)


def _counts(past: Figure, now: Figure) -> tuple[str, Interval] | None:
    """Given their sum, two Poisson counts of the same rate are split by chance as the lengths of the windows are.

    Przyborowski and Wilenski, Homogeneity of Results in Testing Samples from Poisson Series, Biometrika 31 (1940); the
    interval of the share is Wilson's.
    """
    days = [_number(each, "window_days") for each in (past, now)]
    if past.value is None or now.value is None or min(days) < _WEEK_DAYS or past.n + now.n < LEAST_FOR_INTERVAL:
        return None
    found, expected = wilson(now.n, past.n + now.n), days[1] / sum(days)
    assert found.lower is not None
    assert found.upper is not None
    told = f"{amount(now.value, 'per_week')} after {amount(past.value, 'per_week')} {_BEFORE}"
    return told, Interval(found.lower - expected, found.upper - expected, found.method)


def _rates(past: Figure, now: Figure) -> tuple[str, Interval] | None:
    if past.value is None or now.value is None or min(past.n, now.n) < LEAST_FOR_INTERVAL:
        return None
    k = [round(_number(each, "k")) for each in (past, now)]
    told = f"{k[1]} of {now.n} after {k[0]} of {past.n} {_BEFORE}"
    return _with_interval(told, newcombe(k[0], past.n, k[1], now.n), "ratio")


def _times(past: Figure, now: Figure) -> tuple[str, Interval] | None:
    """Not of what lasts on: how long it will is not known."""
    if any(each.values.get("open") for each in (past, now)):
        return None
    samples = [_independent(each) for each in (past, now)]
    shift = hodges_lehmann(*samples)
    if shift is None:
        return None
    middles = [amount(median(each), "seconds") for each in samples]
    noun = " by deployment" if now.metric == "lead_time" else ""
    told = f"a median of {middles[1]}{noun} after {middles[0]} {_BEFORE} ({len(samples[1])} and {len(samples[0])})"
    return _with_interval(told, shift, "seconds")


def _independent(figure: Figure) -> list[float]:
    """Values that share no fate: one for each deployment, for its changes went live at one moment."""
    values: dict[object, list[float]] = {}
    for each in figure.evidence:
        if each.counted and each.value is not None:
            values.setdefault(each.at if figure.metric == "lead_time" else each.event, []).append(each.value)
    return [median(each) for each in values.values()]


def _with_interval(told: str, difference: Interval, unit: Unit) -> tuple[str, Interval]:
    return f"{told}; the difference is {interval_text(difference, unit)} with 95 % confidence", difference


def _number(figure: Figure, name: str) -> float:
    value = figure.values.get(name)
    return float(value) if isinstance(value, (int, float)) else 0.0


_COMPARED: dict[str, Callable[[Figure, Figure], tuple[str, Interval] | None]] = {
    "deployment_frequency": _counts,
    "lead_time": _times,
    "change_failure_rate": _rates,
    "recovery_time": _times,
    "rework_rate": _rates,
    "mttr": _times,
    "build_time": _times,
}
