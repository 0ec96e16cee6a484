"""The metrics report for a browser: the page of an audit that holds delivery metrics and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy
from sp404audit.reports import Options
from sp404audit.reports.html import render as page

if TYPE_CHECKING:
    from sp404audit.dora.figures import MetricsReport

__all__ = ["render"]


def render(report: MetricsReport) -> str:
    """Write one file that holds everything and asks for nothing."""
    empty = Audit(
        version=report.version, policy=Policy(report.policy), rules=(), results=(), notifications=(), files={}
    )
    return page(empty.with_metrics(report), Options())
