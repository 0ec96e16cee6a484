"""One module a metric: each a function from the ledger to a figure."""

from __future__ import annotations

from sp404audit.dora.figures import Figure
from sp404audit.dora.ledger import Ledger
from sp404audit.dora.metrics.build_time import build_time
from sp404audit.dora.metrics.change_failure_rate import change_failure_rate
from sp404audit.dora.metrics.deployment_frequency import deployment_frequency
from sp404audit.dora.metrics.lead_time import lead_time
from sp404audit.dora.metrics.mttr import mttr
from sp404audit.dora.metrics.recovery_time import recovery_time
from sp404audit.dora.metrics.rework_rate import rework_rate
from sp404audit.dora.metrics.uptime import uptime

__all__ = ["figures"]


def figures(ledger: Ledger) -> tuple[Figure, ...]:
    """Every figure, in the order of `METRICS`."""
    return (
        deployment_frequency(ledger),
        lead_time(ledger),
        change_failure_rate(ledger),
        recovery_time(ledger),
        rework_rate(ledger),
        mttr(ledger),
        uptime(ledger),
        build_time(ledger),
    )
