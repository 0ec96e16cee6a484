"""A table for spreadsheets and scripts: a row for each result, and one for whatever was not audited."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from sp404audit.reports.escape import cell, line
from sp404audit.results import WHOLE_FILE, Notification, Result

if TYPE_CHECKING:
    from sp404audit.outcome import Audit

__all__ = ["COLUMNS", "render"]

COLUMNS = (
    "path",
    "line",
    "column",
    "end_line",
    "end_column",
    "kind",
    "severity",
    "rule",
    "message",
    "counts",
    "places",
    "accepted",
    "reason",
    "owner",
    "until",
    "baseline",
    "engine",
    "also_reported_by",
    "requirement",
    "controls",
    "fingerprint",
)
"""The columns, in their order. New ones come at the end.

`kind` is pass, fail, open, notApplicable or notAudited; `counts` says whether the failure counts towards the verdict;
`accepted` is inSource (a comment) or external (a waiver).
"""


def render(audit: Audit) -> str:
    """Write the table, with a header; every cell is quoted."""
    target = io.StringIO()
    writer = csv.DictWriter(target, COLUMNS, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    failures = set(map(id, audit.failures))
    rows = [_row(audit, result, counts=id(result) in failures) for result in audit.results]
    rows += [_not_audited(notification) for notification in audit.notifications]
    for row in rows:
        writer.writerow({name: cell(str(value)) for name, value in row.items()})
    return target.getvalue()


def _row(audit: Audit, result: Result, *, counts: bool) -> dict[str, str | int]:
    rule, suppression = audit.rule(result.rule_id), result.suppression
    region = result.location.region
    accepted = {}
    if suppression is not None:
        accepted = {
            "accepted": suppression.kind,
            "reason": line(suppression.justification),
            "owner": suppression.owner,
            "until": suppression.until,
        }
    return {
        "path": result.location.path,
        "line": region.start_line,
        "column": region.start_column,
        "end_line": region.end_line,
        "end_column": region.end_column,
        "kind": result.kind,
        "severity": result.severity.label,
        "rule": result.rule_id,
        "message": line(result.message),
        "counts": "yes" if counts else "no",
        "places": result.count,
        **accepted,
        "baseline": result.baseline or "",
        "engine": result.engine,
        "also_reported_by": ", ".join(result.also),
        "requirement": rule.summary if rule else "",
        "controls": ", ".join(rule.controls) if rule else "",
        "fingerprint": result.fingerprint,
    }


def _not_audited(notification: Notification) -> dict[str, str | int]:
    region = notification.region or WHOLE_FILE
    return {
        "path": notification.path,
        "line": region.start_line,
        "column": region.start_column,
        "end_line": region.end_line,
        "end_column": region.end_column,
        "kind": "notAudited",
        "severity": notification.level,
        "rule": notification.id,
        "message": line(notification.message),
        "counts": "no",
        "places": 1,
    }
