"""Where a figure stands among others: the survey's answer class, and the published clusters of a year (`bands.yaml`).

The whole interval is ranked, not the number alone: when it spans two classes, both are told. Nothing is ranked from no
evidence, or from what was only inferred.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from sp404audit.dora.figures import Band, Confidence, Interval

__all__ = ["NO_BANDS", "band", "tables"]

NO_BANDS = "none"
_SCALES = {"lead_time": "duration", "recovery_time": "duration", "deployment_frequency": "frequency"}


def tables() -> tuple[str, ...]:
    """The names of the tables of published clusters."""
    return tuple(_data()["tables"])


def band(
    metric: str, value: float | None, interval: Interval | None, table: str, confidence: Confidence
) -> Band | None:
    """Rank a figure.

    Args:
        metric: only DORA's own metrics are ranked; rework has no published clusters.
        value: in the figure's unit; None when there is no evidence.
        interval: of the value; without one, the value alone is ranked.
        table: one of `tables()`, or `NO_BANDS`.
        confidence: of the figure; what is `low` or `none` is not ranked.
    """
    if value is None or confidence in ("low", "none"):
        return None
    if metric == "change_failure_rate":
        return _rate_band(value, interval, table)
    scale = _SCALES.get(metric)
    if scale is None:
        return None
    names = [each["name"] for each in _data()["classes"][scale]]
    ends = _ends(value, interval)
    first, last = sorted(_class(scale, end) for end in ends)
    classes = tuple(names[first : last + 1])
    if table == NO_BANDS:
        return Band(classes, source=_data()["classes"]["source"])
    chosen = _data()["tables"][table]
    clusters = tuple(name for name, row in chosen["clusters"].items() if set(row[metric]) & set(classes))
    return Band(classes, clusters, table, chosen["source"])


def _rate_band(rate: float, interval: Interval | None, table: str) -> Band | None:
    """A rate has no answer classes. A year's clusters are named beside it; only a derived table puts it into one."""
    if table == NO_BANDS:
        return None
    chosen = _data()["tables"][table]
    rows = chosen["clusters"]
    if chosen["status"] != "derived":
        return Band(
            (), tuple(f"{name} {row['change_failure_rate']}" for name, row in rows.items()), table, chosen["source"]
        )
    limits = [(name, row["change_failure_rate_up_to"]) for name, row in rows.items()]
    first, last = sorted(
        next(at for at, (_, most) in enumerate(limits) if end <= most) for end in _ends(rate, interval)
    )
    return Band((), tuple(name for name, _ in limits[first : last + 1]), table, chosen["source"])


def _ends(value: float, interval: Interval | None) -> tuple[float, float]:
    if interval is None:
        return value, value
    lower = value if interval.lower is None else interval.lower
    return lower, value if interval.upper is None else interval.upper


def _class(scale: str, value: float) -> int:
    rows = _data()["classes"][scale]
    for at, row in enumerate(rows):
        if ("below" in row and value < row["below"]) or ("at_least" in row and value >= row["at_least"]):
            return at
    return len(rows) - 1


@cache
def _data() -> Any:
    import yaml

    return yaml.safe_load(files("sp404audit.dora").joinpath("bands.yaml").read_text("utf-8"))
