"""How every report of the metrics writes what it says: headlines, intervals, targets, trends."""

from __future__ import annotations

from sp404audit.dora.events import SourceReport
from sp404audit.dora.figures import Band, Bucket, Figure, Interval, Target, Trend, Unit
from sp404audit.dora.window import utc
from sp404audit.dora.wording import amount, share, span

__all__ = [
    "NO_EVIDENCE",
    "band_text",
    "bounds",
    "day",
    "headline",
    "interval_text",
    "share",
    "span",
    "spark",
    "target_text",
    "told",
    "trend_sign",
]

NO_EVIDENCE = "no evidence"

_BARS = "▁▂▃▄▅▆▇█"
_GAP = "·"


def interval_text(interval: Interval | None, unit: Unit) -> str:
    """`1.3 % to 16.1 %`; empty without an interval."""
    if interval is None:
        return ""
    lower, upper = amount(interval.lower, unit), amount(interval.upper, unit)
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
    text = amount(figure.value, figure.unit)
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
    """An arrow, or `=` where nothing moved beyond chance; empty where there is too little to tell."""
    if trend is None or trend.direction == "unknown":
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


def told(source: SourceReport) -> str:
    """How much a source told of: `1 commit, 12 deployments`."""
    counted = [(count, name) for name, count in source.counts.items() if count]
    return (
        ", ".join(f"{count:,} {name.removesuffix('s') if count == 1 else name}" for count, name in counted) or "nothing"
    )
