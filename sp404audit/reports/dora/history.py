"""One line of JSON for each report, to be appended: trends over months without a database.

A line is known by its window and the methods of its figures; whoever reads the file takes the last of those with the
same key.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sp404audit.dora.window import utc
from sp404audit.reports.dora.json_report import SCHEMA_VERSION

if TYPE_CHECKING:
    from sp404audit.dora.figures import MetricsReport

__all__ = ["render"]


def render(report: MetricsReport) -> str:
    """The line, with its end."""
    line = {
        "schema_version": SCHEMA_VERSION,
        "since": utc(report.window.since),
        "until": utc(report.window.until),
        "service": report.service,
        "policy": report.policy,
        "version": report.version,
        "metrics": {
            figure.metric: {
                "value": figure.value,
                "lower": figure.interval.lower if figure.interval else None,
                "upper": figure.interval.upper if figure.interval else None,
                "n": figure.n,
                "verdict": figure.verdict,
                "confidence": figure.confidence,
                "method": figure.method,
            }
            for figure in report.figures
        },
    }
    return json.dumps(line, separators=(",", ":")) + "\n"
