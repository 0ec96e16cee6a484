"""Change fail rate: which share of the deployments of the window failed, once each however many incidents they had."""

from __future__ import annotations

from collections.abc import Iterable

from sp404audit.dora.figures import Counted, Figure
from sp404audit.dora.ledger import Ledger
from sp404audit.dora.metrics.rates import Question, hinted, rate_figure
from sp404audit.dora.wording import plural, span

__all__ = ["change_failure_rate"]


def change_failure_rate(ledger: Ledger) -> Figure:
    """Measure which share of deployments failed."""
    known = {id_: f"failed ({each.grade}): {each.because}" for id_, each in ledger.failures.known.items()}
    others = list(_without_deployment(ledger))
    return rate_figure(
        ledger,
        Question(
            metric="change_failure_rate",
            title="Change fail rate",
            method="change_failure_rate/v1:deployments_failed",
            known=known,
            least=hinted(ledger, sure=True),
            most=hinted(ledger, sure=False),
            clean="no failure is laid to it",
            others=others,
            remarks=_remarks(ledger, len(others)),
            details={
                "failures_by_grade": _by_grade(ledger),
                "unattributed_incidents": len(others),
                "failed_attempts": _failed_attempts(ledger),
            },
        ),
    )


def _by_grade(ledger: Ledger) -> dict[str, int]:
    """How many failures are known how surely; see `failures`."""
    failed = ledger.failed
    grades = [failed[each.id].grade for each in ledger.counted if each.id in failed]
    return {grade: grades.count(grade) for grade in sorted(set(grades))}


def _failed_attempts(ledger: Ledger) -> int:
    return sum(1 for each in ledger.in_window if each.role == "failed attempt")


def _without_deployment(ledger: Ledger) -> Iterable[Counted]:
    """Incidents of the window that are laid to no deployment."""
    for each in ledger.incidents:
        why = ledger.failures.unattributed.get(each.id)
        if why is not None and ledger.holds(each.opened_at):
            yield Counted(each.id, each.opened_at, None, False, why, each.source, each.url)


def _remarks(ledger: Ledger, unattributed: int) -> list[str]:
    remarks = []
    failed_attempts = _failed_attempts(ledger)
    if failed_attempts:
        remarks.append(
            f"{plural(failed_attempts, 'attempt')} never went live: what users never met is no failed change"
        )
    if unattributed:
        remarks.append(f"laid to no deployment: {plural(unattributed, 'incident')}")
    if ledger.has_incidents:
        reach = span(ledger.scope.settings.attribution_window)
        remarks.append(f"an incident without a link is laid to the last deployment of the {reach} before it")
    return remarks
