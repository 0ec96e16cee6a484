"""Numbers as people read them, in verdicts and remarks as in every report."""

from __future__ import annotations

from sp404audit.dora.figures import Interval, Unit

__all__ = ["amount", "interval_text", "plural", "share", "span"]

_STEPS = ((86_400 * 2, 86_400, "d"), (3600, 3600, "h"), (60, 60, "min"))


def span(seconds: float) -> str:
    """A duration in the largest unit that leaves it above one: `45 s`, `12.5 min`, `6.0 h`, `3.2 d`."""
    sign, length = ("-" if seconds < 0 else ""), abs(seconds)
    for least, unit, name in _STEPS:
        if length >= least:
            return f"{sign}{length / unit:.1f} {name}"
    return f"{sign}{length:.0f} s"


def share(ratio: float) -> str:
    """A ratio in per cent: one decimal, and as many more as it takes to tell 99.95 from 100."""
    percent = ratio * 100
    digits = 1
    while digits < 4 and ratio not in (0, 1) and f"{percent:.{digits}f}" in (f"{0:.{digits}f}", f"{100:.{digits}f}"):
        digits += 1
    if 99 < percent < 100:
        digits = max(digits, 2)
    return f"{percent:.{digits}f} %"


def amount(value: float | None, unit: Unit) -> str:
    """A number in the unit of its figure; an end that is not known is `?`."""
    if value is None:
        return "?"
    if unit == "seconds":
        return span(value)
    return share(value) if unit == "ratio" else f"{value:.2f} a week"


def interval_text(interval: Interval, unit: Unit) -> str:
    """Both ends of an interval."""
    return f"{amount(interval.lower, unit)} to {amount(interval.upper, unit)}"


def plural(number: int, noun: str, nouns: str = "") -> str:
    """`1 deployment`, `2 deployments`."""
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"
