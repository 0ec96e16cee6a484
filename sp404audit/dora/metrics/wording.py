"""Numbers as people read them in verdicts and remarks."""

from __future__ import annotations

from sp404audit.dora.figures import Interval, Unit

__all__ = ["amount", "interval_text", "plural", "span"]

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_LEAST_IN_UNIT = 2


def span(seconds: float) -> str:
    """A span of time in the largest unit of which it has at least two: `36.0 h`, `3.5 d`, `90 s`."""
    size, name = next(
        ((size, name) for size, name in _UNITS if abs(seconds) >= _LEAST_IN_UNIT * size),
        _UNITS[-1],
    )
    return f"{seconds:.0f} s" if size == 1 else f"{seconds / size:.1f} {name}"


def amount(value: float | None, unit: Unit) -> str:
    """A number in the unit of its figure; an end that is not known is `…`."""
    if value is None:
        return "…"
    if unit == "seconds":
        return span(value)
    return f"{value * 100:.4g} %" if unit == "ratio" else f"{value:.3g} a week"


def interval_text(interval: Interval, unit: Unit) -> str:
    """Both ends of an interval."""
    return f"{amount(interval.lower, unit)} to {amount(interval.upper, unit)}"


def plural(number: int, noun: str, nouns: str = "") -> str:
    """`1 deployment`, `2 deployments`."""
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"
