"""The metrics report as JSON: every figure with what it rests on, in a versioned schema; the source of all others.

Times are seconds since 1970-01-01T00:00Z, durations are seconds, rates go from 0 to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sp404audit.dora.figures import Interval
from sp404audit.reports.escape import decodable, visible
from sp404audit.reports.json_lines import Layout, dump

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sp404audit.dora.figures import Band, Bucket, Counted, Figure, MetricsReport, Target

__all__ = ["SCHEMA_ID", "SCHEMA_VERSION", "properties", "render", "schema"]

SCHEMA_VERSION = 1
SCHEMA_ID = "urn:sp404audit:metrics:1"

_METRICS = frozenset(
    {
        "metrics",
        "deployment_frequency",
        "lead_time",
        "change_failure_rate",
        "recovery_time",
        "rework_rate",
        "mttr",
        "uptime",
        "build_time",
    }
)
_LAYOUT = Layout(
    _METRICS | {"tool", "window"},
    frozenset({"evidence", "series", "deployments", "changes", "incidents", "builds", "availability", "sources"}),
)


def render(report: MetricsReport) -> str:
    """Write the report; lists of events have a line for each."""
    return dump(properties(report), _LAYOUT)


def schema() -> dict[str, Any]:
    """Read the JSON Schema that every report of this version keeps."""
    import json
    from importlib.resources import files

    text = files("sp404audit.reports.dora").joinpath(f"schema/metrics-{SCHEMA_VERSION}.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def properties(report: MetricsReport) -> dict[str, Any]:
    """The report as plain values, in the order in which they are written."""
    return {
        "$schema": SCHEMA_ID,
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "sp404audit", "version": report.version},
        "policy": _text(report.policy),
        "service": _text(report.service),
        "services": [_text(name) for name in report.services],
        "as_of": report.as_of,
        "window": {**report.window._asdict(), "days": report.window.days},
        "metrics": {figure.metric: _figure(figure) for figure in report.figures},
        "sources": [
            {
                "name": source.name,
                "counts": dict(source.counts),
                "covers_since": source.covers_since,
                "partial": source.partial,
                "notes": [{"id": note.id, "message": _text(note.message)} for note in source.notes],
            }
            for source in report.sources
        ],
        "disagreements": [_text(line) for line in report.disagreements],
        "deployments": [{**_plain(row.deployment), **_plain(row, without="deployment")} for row in report.deployments],
        "changes": [_plain(row) for row in report.changes],
        "incidents": [_plain(incident) for incident in report.incidents],
        "builds": [_plain(build) for build in report.builds],
        "availability": [_plain(each) for each in report.availability],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        **{name: _value(value) for name, value in figure.values.items()},
        "title": figure.title,
        "in_dora": figure.in_dora,
        "method": figure.method,
        "headline": {"value": figure.value, "unit": figure.unit, "interval": _interval(figure.interval), "n": figure.n},
        "confidence": figure.confidence,
        "confidence_because": _text(figure.confidence_because),
        "from_sources": list(figure.sources),
        "target": _target(figure.target),
        "verdict": figure.verdict,
        "verdict_because": _text(figure.verdict_because),
        "band": _band(figure.band),
        "trend": figure.trend and figure.trend._asdict(),
        "excluded": dict(figure.excluded),
        "remarks": [_text(line) for line in figure.remarks],
        "influences": [_plain(each) for each in figure.influences],
        "series": [_bucket(bucket) for bucket in figure.buckets],
        "evidence": [_counted(each) for each in figure.evidence],
    }


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    return None if interval is None else {**interval._asdict(), "level": 0.95}


def _target(target: Target | None) -> dict[str, Any] | None:
    return None if target is None else _plain(target)


def _band(band: Band | None) -> dict[str, Any] | None:
    return None if band is None else _plain(band)


def _bucket(bucket: Bucket) -> dict[str, Any]:
    return bucket._asdict()


def _counted(counted: Counted) -> dict[str, Any]:
    return _plain(counted)


def _plain(record: Any, without: str = "") -> dict[str, Any]:
    """A record as properties; None for what is not known."""
    return {name: _value(value) for name, value in record._asdict().items() if name != without}


def _value(value: object) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Interval):
        return _interval(value)
    if hasattr(value, "_asdict"):
        return _plain(value)
    if isinstance(value, dict):
        return {_text(str(key)): _value(item) for key, item in value.items()}
    return _list(value) if isinstance(value, list | tuple) else value


def _list(values: Iterable[object]) -> list[Any]:
    return [_value(item) for item in values]


def _text(text: str) -> str:
    return visible(decodable(text))
