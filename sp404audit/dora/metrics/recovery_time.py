"""Failed deployment recovery time: from the end of a deployment that failed to the end of its failure.

DORA narrowed its time to restore to failed changes in 2023; incidents of any cause are in `mttr`. Where git alone hints
at failures, this is the time from a release to the release that mends it, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sp404audit.dora.failures import Failure
from sp404audit.dora.figures import Figure
from sp404audit.dora.ledger import Ledger
from sp404audit.dora.metrics.assembly import Draft, buckets, finish
from sp404audit.dora.metrics.durations import Spell, Spells
from sp404audit.dora.metrics.rates import failure_confidence
from sp404audit.dora.statistics import mean

__all__ = ["recovery_time"]


def recovery_time(ledger: Ledger) -> Figure:
    """Measure how long failed deployments took to recover from."""
    is_hinted = not ledger.has_incidents
    spells = Spells(list(_spells(ledger, ledger.failed)))
    intervals = spells.intervals
    confidence, because = failure_confidence(ledger) if spells.n else ("none", "no failed deployment is known")
    if is_hinted and spells.n:
        confidence, because = "low", "failures and what mended them are inferred from git alone"
    moments = [(each.at, float(each.seconds)) for each in spells.all if not each.is_open and each.seconds >= 0]
    return finish(
        Draft(
            metric="recovery_time",
            title="Failed deployment recovery time",
            method="recovery_time/v1:release_to_fixing_release"
            if is_hinted
            else "recovery_time/v1:failed_to_recovered",
            unit="seconds",
            value=spells.median,
            n=spells.n,
            values=spells.values(),
            events="failed deployments",
            interval=intervals["median_seconds"],
            intervals=intervals,
            confidence=confidence,
            because=because,
            sources=[each.source for each in spells.all],
            evidence=[each.evidence for each in spells.all],
            excluded={"ends before it begins": spells.negative},
            remarks=[*_remarks(is_hinted=is_hinted), *spells.remarks("failed deployment")],
            buckets=buckets(ledger, moments, lambda numbers: mean(numbers) if numbers else None),
        ),
        ledger,
    )


def _spells(ledger: Ledger, failures: Mapping[str, Failure]) -> Iterable[Spell]:
    for each in ledger.counted:
        failure = failures.get(each.id)
        if failure is None:
            continue
        is_open = failure.recovered_at is None
        end = ledger.scope.as_of if failure.recovered_at is None else failure.recovered_at
        rule = f"failed ({failure.grade}): {failure.because}"
        yield Spell(each.id, each.finished_at, end - each.finished_at, is_open, rule, each.source, each.url)


def _remarks(*, is_hinted: bool) -> list[str]:
    if is_hinted:
        return ["from a release to the release that reverts it: not how long users were without service"]
    return ["from the end of the failed deployment; incidents that no deployment caused are in MTTR"]
