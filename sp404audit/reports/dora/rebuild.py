"""From the JSON of a metrics report back to the report, so that every other format can be made without measuring again.

Like every report that comes from a file it is checked against its schema; nothing that it names is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sp404audit.dora.events import Availability, Build, Deployment, Incident, Note, SourceReport
from sp404audit.dora.figures import (
    METRICS,
    Band,
    Bucket,
    ChangeRow,
    Counted,
    DeploymentRow,
    Figure,
    Influence,
    Interval,
    MetricsReport,
    Target,
    Trend,
    Window,
)
from sp404audit.reports.dora.json_report import SCHEMA_VERSION, schema

__all__ = ["rebuild_metrics"]

_Object = Mapping[str, Any]


def rebuild_metrics(report: _Object) -> MetricsReport:
    """Return the report that the JSON tells of.

    Args:
        report: the parsed JSON, as the format `json` writes it.

    Raises:
        ValueError: when it is none of this version; the text begins with the way to the value.
    """
    known = schema()
    _check(report, known)
    shared = frozenset(known["$defs"]["figure"]["required"])
    return MetricsReport(
        version=report["tool"]["version"],
        policy=report["policy"],
        window=Window(report["window"]["since"], report["window"]["until"], report["window"]["timezone"]),
        as_of=report["as_of"],
        figures=tuple(_figure(metric, report["metrics"][metric], shared) for metric in METRICS),
        sources=tuple(_source(source) for source in report["sources"]),
        disagreements=tuple(report["disagreements"]),
        services=tuple(report["services"]),
        service=report["service"],
        deployments=tuple(
            _record(DeploymentRow, {**row, "deployment": _record(Deployment, row)}) for row in report["deployments"]
        ),
        changes=tuple(_record(ChangeRow, row) for row in report["changes"]),
        incidents=tuple(_record(Incident, row) for row in report["incidents"]),
        builds=tuple(_record(Build, row) for row in report["builds"]),
        availability=tuple(_record(Availability, row) for row in report["availability"]),
    )


def _check(report: _Object, known: _Object) -> None:
    from jsonschema import Draft202012Validator

    version = report.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise ValueError(f"schema_version: is not {SCHEMA_VERSION}: use the version of sp404audit that wrote it")
    for error in Draft202012Validator(known).iter_errors(report):
        if error.validator != "additionalProperties":
            raise ValueError(f"{error.json_path.removeprefix('$.')}: {error.message[:200]}")


def _figure(metric: str, figure: _Object, shared: frozenset[str]) -> Figure:
    """A figure; what is not shared by every figure is one of its own numbers."""
    headline = figure["headline"]
    return Figure(
        metric=metric,
        title=figure["title"],
        in_dora=figure["in_dora"],
        method=figure["method"],
        unit=headline["unit"],
        value=headline["value"],
        n=headline["n"],
        interval=_maybe(Interval, headline["interval"]),
        values={name: value for name, value in figure.items() if name not in shared},
        confidence=figure["confidence"],
        confidence_because=figure["confidence_because"],
        sources=tuple(figure["from_sources"]),
        target=_maybe(Target, figure["target"]),
        verdict=figure["verdict"],
        verdict_because=figure["verdict_because"],
        band=_maybe(Band, figure["band"]),
        trend=_maybe(Trend, figure["trend"]),
        buckets=tuple(_record(Bucket, bucket) for bucket in figure["series"]),
        evidence=tuple(_record(Counted, each) for each in figure["evidence"]),
        excluded=dict(figure["excluded"]),
        remarks=tuple(figure["remarks"]),
        influences=tuple(_record(Influence, each) for each in figure["influences"]),
    )


def _source(source: _Object) -> SourceReport:
    notes = tuple(Note(note["id"], note["message"]) for note in source["notes"])
    return SourceReport(source["name"], dict(source["counts"]), source["covers_since"], source["partial"], notes)


def _maybe(kind: type[Any], values: _Object | None) -> Any:
    return None if values is None else _record(kind, values)


def _record(kind: type[Any], values: _Object) -> Any:
    """A record from its properties; what a later version added is passed over."""
    return kind(**{name: _frozen(values[name]) for name in kind._fields if name in values})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
