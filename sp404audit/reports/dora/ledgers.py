"""The ledgers as CSV, for spreadsheets: what was counted, line by line. Columns are stable; new ones come last."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from sp404audit.dora.window import utc
from sp404audit.reports.escape import cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sp404audit.dora.figures import Figure, MetricsReport

__all__ = ["render", "render_all"]

_METRICS = ("metric", "value", "unit", "lower", "upper", "n", "target", "verdict", "confidence", "method", "sources")
_DEPLOYMENTS = (
    ("id", "finished_at", "role", "rule", "environment", "service", "version", "sha", "outcome", "source", "basis"),
    ("changes", "lead_time_seconds", "failed_because", "recovered_at", "url"),
)
_CHANGES = (
    "sha started_at merged_at deployed_at deployment seconds is_bot counted rule pull_request".split()  # noqa: SIM905
)
_INCIDENTS = "id source opened_at resolved_at severity service environment caused_by title url".split()  # noqa: SIM905
_BUILDS = "id source workflow branch sha attempt outcome queued_at started_at finished_at url".split()  # noqa: SIM905
_TIMES = frozenset({"opened_at", "resolved_at", "queued_at", "started_at", "finished_at", "merged_at", "deployed_at"})


def render(report: MetricsReport) -> str:
    """The figures, one a line."""
    return _table(_METRICS, (_figure(figure) for figure in report.figures))


def render_all(report: MetricsReport) -> dict[str, str]:
    """Every ledger by its file name."""
    return {
        "metrics.csv": render(report),
        "deployments.csv": _deployments(report),
        "changes.csv": _records(_CHANGES, report.changes),
        "incidents.csv": _records(_INCIDENTS, report.incidents),
        "builds.csv": _records(_BUILDS, report.builds),
    }


def _figure(figure: Figure) -> list[object]:
    lower, upper = (figure.interval.lower, figure.interval.upper) if figure.interval else (None, None)
    target = figure.target.text if figure.target else None
    sources = " ".join(figure.sources)
    numbers = [figure.value, figure.unit, lower, upper, figure.n]
    return [figure.metric, *numbers, target, figure.verdict, figure.confidence, figure.method, sources]


def _deployments(report: MetricsReport) -> str:
    rows = []
    for row in report.deployments:
        told = row.deployment._asdict() | {"role": row.role, "rule": row.rule}
        counted = [row.changes, row.lead_time, row.failed_because, _time(row.recovered_at), row.deployment.url]
        rows.append([*(_field(name, told[name]) for name in _DEPLOYMENTS[0]), *counted])
    return _table((*_DEPLOYMENTS[0], *_DEPLOYMENTS[1]), rows)


def _records(names: Iterable[str], records: Iterable[Any]) -> str:
    return _table(names, ([_field(name, getattr(record, name)) for name in names] for record in records))


def _field(name: str, value: object) -> object:
    if name in _TIMES:
        assert value is None or isinstance(value, int)
        return _time(value)
    return " ".join(value) if isinstance(value, tuple) else value


def _time(seconds: int | None) -> str:
    return "" if seconds is None else utc(seconds)


def _table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([cell(value) if isinstance(value, str) else value for value in row] for row in rows)
    return target.getvalue()
