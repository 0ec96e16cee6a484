"""How every report of the metrics writes numbers: spans, rates, intervals, targets, trends."""

from __future__ import annotations

from sp404audit.dora.figures import Band, Bucket, Figure, Interval, Target, Trend, Unit
from sp404audit.dora.window import utc

__all__ = [
    "NO_EVIDENCE",
    "band_text",
    "bounds",
    "day",
    "headline",
    "interval_text",
    "number",
    "span",
    "spark",
    "target_text",
    "trend_sign",
]

NO_EVIDENCE = "no evidence"

_BARS = "▁▂▃▄▅▆▇█"
_GAP = "·"
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


def number(value: float, unit: Unit) -> str:
    """A number of a figure, with its unit."""
    if unit == "seconds":
        return span(value)
    return share(value) if unit == "ratio" else f"{value:.2f} a week"


def interval_text(interval: Interval | None, unit: Unit) -> str:
    """`1.3 % to 16.1 %`; empty without an interval."""
    if interval is None:
        return ""
    lower = "?" if interval.lower is None else number(interval.lower, unit)
    upper = "?" if interval.upper is None else number(interval.upper, unit)
    if unit == "per_week":
        lower = lower.removesuffix(" a week")
        upper = upper.removesuffix(" a week")
    return f"{lower} to {upper}"


def bounds(figure: Figure) -> tuple[dict[str, object], dict[str, object]] | None:
    """The lower and the upper rate of a figure that was only inferred from git; None for any other."""
    lower, upper = figure.values.get("lower"), figure.values.get("upper")
    if isinstance(lower, dict) and isinstance(upper, dict):
        return lower, upper
    return None


def headline(figure: Figure) -> str:
    """The figure's number as people read it first."""
    ends = bounds(figure)
    if ends is not None:
        least, most = (f"{end['k']}/{end['n']}" for end in ends)
        first, last = (share(float(str(end["rate"]))) if end.get("rate") is not None else "?" for end in ends)
        return f"{first} to {last} ({least} to {most})"
    least_alone = figure.values.get("lower")
    if isinstance(least_alone, dict):
        return f"at least {share(float(str(least_alone['rate'])))} ({least_alone['k']}/{least_alone['n']})"
    if figure.value is None:
        return NO_EVIDENCE
    text = number(figure.value, figure.unit)
    if "k" in figure.values and "n" in figure.values:
        text = f"{text} ({figure.values['k']}/{figure.values['n']})"
    return text


def target_text(target: Target | None) -> str:
    """`< 30m`; `daily` as it stands."""
    if target is None:
        return "none"
    plain = target.text.strip()
    if plain[:1] in "<>" or not plain[:1].isdigit():
        return plain
    return f"{target.comparison} {plain}"


def band_text(band: Band | None) -> str:
    """Classes, and the clusters of a year with its name; empty without a band."""
    if band is None:
        return ""
    classes = " … ".join(dict.fromkeys((band.classes[0], band.classes[-1]))) if band.classes else ""
    clusters = f"{band.table}: {', '.join(band.clusters)}" if band.clusters else ""
    return "; ".join(filter(None, (classes, clusters)))


def trend_sign(trend: Trend | None) -> str:
    """An arrow, or `=` where nothing moved beyond chance."""
    if trend is None:
        return ""
    return {"up": "↑", "down": "↓", "none": "="}[trend.direction]


def spark(buckets: tuple[Bucket, ...], most: int = 16) -> str:
    """The last buckets as bars, from zero to the highest; a dot where there is no data, which is not zero."""
    shown = buckets[-most:]
    values = [bucket.value for bucket in shown if bucket.value is not None]
    if not values:
        return ""
    top = max(*values, 0.0) or 1.0
    return "".join(
        _GAP if bucket.value is None else _BARS[min(7, max(0, round(bucket.value / top * 7)))] for bucket in shown
    )


def day(seconds: int) -> str:
    """The date of a moment, in UTC."""
    return utc(seconds)[:10]
