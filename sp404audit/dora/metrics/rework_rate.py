"""Deployment rework rate: which share of the deployments were unplanned, to mend what users met.

A deployment is rework when its source says so (a hotfix label or branch, an attribute of the event), or when it ended
the failure of an earlier one. A rollback is no counted deployment, and so it is no rework either.
"""

from __future__ import annotations

from collections.abc import Iterable

from sp404audit.dora.failures import SURE_HINTS, Failure
from sp404audit.dora.figures import Figure
from sp404audit.dora.ledger import Ledger
from sp404audit.dora.metrics.rates import Question, rate_figure

__all__ = ["rework_rate"]

_SAID = "its source calls it an unplanned remedy"


def rework_rate(ledger: Ledger) -> Figure:
    """Measure which share of deployments were rework."""
    said = {each.deployment.id: _SAID for each in ledger.in_window if each.counts and each.deployment.unplanned}
    hints = ledger.failures.hinted.values()
    return rate_figure(
        ledger,
        Question(
            metric="rework_rate",
            title="Deployment rework rate",
            method="rework_rate/v1:unplanned_deployments",
            known={**_remedies(ledger, ledger.failures.known.values()), **said},
            least={**_remedies(ledger, [each for each in hints if SURE_HINTS & set(each.kinds)]), **said},
            most=_remedies(ledger, hints),
            clean="nothing says that it was unplanned",
        ),
    )


def _remedies(ledger: Ledger, failures: Iterable[Failure]) -> dict[str, str]:
    """Deployments of the window that ended a failure, which may have begun before it."""
    ids = {each.id for each in ledger.counted}
    return {
        each.recovered_by: f"the remedy of {each.deployment}: {each.because}"
        for each in failures
        if each.recovered_by in ids
    }
