"""Targets as SARIF: each a result of the rule `dora/*`, passed, failed or open, at the line that sets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy
from sp404audit.reports.sarif import full

if TYPE_CHECKING:
    from sp404audit.dora.figures import MetricsReport

__all__ = ["render"]


def render(report: MetricsReport) -> str:
    """Write the log; it holds what `scan --dora` would add to its own."""
    empty = Audit(
        version=report.version, policy=Policy(report.policy), rules=(), results=(), notifications=(), files={}
    )
    return full(empty.with_metrics(report))
