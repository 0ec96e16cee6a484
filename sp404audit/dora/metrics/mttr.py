"""Mean time to restore: from the beginning of an incident in production to its end, whatever its cause."""

from __future__ import annotations

from collections.abc import Iterable

from sp404audit.dora.figures import Confidence, Figure
from sp404audit.dora.ledger import Ledger
from sp404audit.dora.metrics.assembly import Draft, buckets, finish
from sp404audit.dora.metrics.durations import Spell, Spells
from sp404audit.dora.statistics import mean

__all__ = ["mttr"]


def mttr(ledger: Ledger) -> Figure:
    """Measure how long incidents that began in the window lasted; overlapping ones are each their own."""
    spells = Spells(list(_spells(ledger)))
    intervals = spells.intervals
    confidence, because = _confidence(spells, ledger)
    moments = [(each.at, float(each.seconds)) for each in spells.all if not each.is_open and each.seconds >= 0]
    return finish(
        Draft(
            metric="mttr",
            title="Mean time to restore",
            method="mttr/v1:opened_to_resolved",
            unit="seconds",
            value=spells.mean,
            n=spells.n,
            values=spells.values(),
            events="incidents",
            interval=intervals["mean_seconds"],
            intervals=intervals,
            confidence=confidence,
            because=because,
            sources=[each.source for each in spells.all],
            evidence=[each.evidence for each in spells.all],
            excluded={"ends before it begins": spells.negative},
            remarks=spells.remarks("incident"),
            buckets=buckets(ledger, moments, lambda numbers: mean(numbers) if numbers else None),
            in_dora=False,
        ),
        ledger,
    )


def _spells(ledger: Ledger) -> Iterable[Spell]:
    for each in ledger.incidents:
        if ledger.holds(each.opened_at):
            is_open = each.resolved_at is None
            end = ledger.scope.as_of if each.resolved_at is None else each.resolved_at
            rule = "an incident in production" if each.environment else "an incident; no environment is named"
            yield Spell(each.id, each.opened_at, end - each.opened_at, is_open, rule, each.source, each.url)


def _confidence(spells: Spells, ledger: Ledger) -> tuple[Confidence, str]:
    sources = {each.source for each in spells.all}
    if not spells.n:
        told = "no incident began in the window" if ledger.incidents else "no source tells of incidents"
        return "none", told
    if sources == {"events"}:
        return "high", "incidents are on record with their beginning and end"
    return "medium", "incidents are issues that people open and close, often later than the fact"
