"""What the two rates of deployments share: k deployments of n, never incidents, with Wilson's interval.

Where nothing but git tells of failures, a rate would be a guess: reverts of shipped changes are fewer than the
failures, patch releases soon after a release are more, so the two are given as a lower and an upper bound. Where most
releases are patches they say nothing, and there is no upper bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sp404audit.dora.events import Deployment
from sp404audit.dora.failures import SURE_HINTS
from sp404audit.dora.figures import Confidence, Counted, Figure, Interval, Target, Verdict
from sp404audit.dora.ledger import Ledger
from sp404audit.dora.metrics.assembly import Draft, buckets, deployment_confidence, ends, finish, weaker
from sp404audit.dora.statistics import mean, wilson
from sp404audit.dora.targets import clean_events_needed, judge
from sp404audit.dora.wording import amount, interval_text, plural

__all__ = ["PATCHES_SAY_NOTHING", "Question", "failure_confidence", "hinted", "rate_figure"]

PATCHES_SAY_NOTHING = "git/patch-releases"
"""The note by which git's source says that it gave no hints from patch releases, and why."""


@dataclass(frozen=True)
class Question:
    """Which of the window's deployments are to be counted.

    Attributes:
        known: why a deployment counts, by its id, from records.
        least, most: the same from git's hints: those that certainly count, and all that may.
        clean: the rule of those that do not count.
        others: evidence of other kinds, which does not count.
        details: further numbers by their names in the JSON report.
    """

    metric: str
    title: str
    method: str
    known: Mapping[str, str]
    least: Mapping[str, str]
    most: Mapping[str, str]
    clean: str
    others: Sequence[Counted] = ()
    remarks: Sequence[str] = ()
    details: Mapping[str, object] = field(default_factory=dict)


def hinted(ledger: Ledger, *, sure: bool) -> dict[str, str]:
    """Deployments of the window that git hints to have failed, and why."""
    ids = {each.id for each in ledger.counted}
    return {
        id_: failure.because
        for id_, failure in ledger.failures.hinted.items()
        if id_ in ids and (not sure or SURE_HINTS & set(failure.kinds))
    }


def rate_figure(ledger: Ledger, question: Question) -> Figure:
    """Count, from records where there are any, else as bounds from git's hints."""
    if ledger.has_incidents:
        return _from_records(ledger, question)
    return _from_hints(ledger, question)


def _share(k: int, n: int) -> dict[str, object]:
    return {"k": k, "n": n, "rate": k / n if n else None, "interval": ends(wilson(k, n)) if n else None}


def _from_records(ledger: Ledger, question: Question) -> Figure:
    counted = ledger.counted
    k, n = sum(1 for each in counted if each.id in question.known), len(counted)
    interval = wilson(k, n) if n else None
    confidence, because = failure_confidence(ledger)
    moments = [(each.finished_at, float(each.id in question.known)) for each in counted]
    hints = {**question.most, **question.least}
    only_hinted = sum(1 for each in counted if each.id in hints and each.id not in question.known)
    remarks = list(question.remarks)
    if only_hinted:
        what = plural(only_hinted, "further deployment")
        remarks.append(f"git hints at {what}; where failures are on record, hints do not count")
    return finish(
        Draft(
            metric=question.metric,
            title=question.title,
            method=question.method,
            unit="ratio",
            value=k / n if n else None,
            n=n,
            values={**_share(k, n), **question.details},
            events="deployments",
            interval=interval,
            intervals={"rate": interval},
            confidence=confidence,
            because=because,
            sources=[*(each.source for each in counted), *(each.source for each in ledger.incidents)] if n else (),
            evidence=[*_evidence(counted, question.known, {}, question.clean), *question.others],
            excluded=_excluded(ledger),
            remarks=remarks,
            buckets=buckets(ledger, moments, lambda values: mean(values) if values else None),
            needed=lambda target: _needed(target, k, n),
        ),
        ledger,
    )


def failure_confidence(ledger: Ledger) -> tuple[Confidence, str]:
    """How far to trust what is said of failures: as far as the deployments, and as the links between them."""
    counted = ledger.counted
    confidence, because = deployment_confidence(counted)
    grades = {ledger.failures.known[each.id].grade for each in counted if each.id in ledger.failures.known}
    is_linked = "C" not in grades and (bool(grades) or any(each.caused_by for each in ledger.incidents))
    if is_linked or confidence == "none":
        return confidence, because if confidence == "none" else f"{because}; failures are linked to them"
    return weaker(confidence, "medium"), f"{because}; incidents are laid to them by time, not by a link"


def _from_hints(ledger: Ledger, question: Question) -> Figure:
    counted = ledger.counted
    n, ids = len(counted), {each.id for each in counted}
    least = {**question.least, **question.known}
    lower = len(ids & set(least))
    upper = len(ids & {*least, *question.most}) if _has_upper(ledger) else None
    values: dict[str, object] = {
        "lower": _share(lower, n) if n else None,
        "upper": _share(upper, n) if n and upper is not None else None,
        **question.details,
    }
    because = "no source tells of incidents; what failed is inferred from git alone"
    return finish(
        Draft(
            metric=question.metric,
            title=question.title,
            method=f"{question.method}:bounds",
            unit="ratio",
            value=None,
            n=n,
            values=values,
            events="deployments",
            confidence="low" if n else "none",
            because=because if n else "no deployment is known",
            sources=[*(each.source for each in counted), "git"] if n else (),
            evidence=[*_evidence(counted, least, question.most, question.clean), *question.others],
            excluded=_excluded(ledger),
            remarks=[*question.remarks, *_bound_remarks(ledger, n)],
            judged=lambda target: _judge_bounds(target, lower, upper, n, ledger),
        ),
        ledger,
    )


def _has_upper(ledger: Ledger) -> bool:
    """Whether patch releases can hint at failures: there are versions, and not most of them are patches."""
    notes = [note.id for report in ledger.sources for note in report.notes]
    has_versions = all(each.version for each in ledger.counted)
    return ledger.has_history and has_versions and PATCHES_SAY_NOTHING not in notes


def _bound_remarks(ledger: Ledger, n: int) -> list[str]:
    if not n:
        return []
    if not ledger.has_history:
        return ["no source tells of incidents, and there is no git history: what failed is not known"]
    remarks = ["reverts of what was live give the lower bound, for not every failure is reverted"]
    if _has_upper(ledger):
        return [
            *remarks,
            "patch releases soon after a release give the upper bound, for not every patch mends a failure",
        ]
    if not all(each.version for each in ledger.counted):
        return [*remarks, "there are no versions whose patches would give an upper bound"]
    return [*remarks, "most releases here are patches, so that they hint at nothing: there is no upper bound"]


def _judge_bounds(target: Target, lower: int, upper: int | None, n: int, ledger: Ledger) -> tuple[Verdict, str]:
    """Hold both bounds, with their uncertainty, against the target.

    They can show that it is missed. That it is met they cannot: a failure that was neither reverted nor followed by a
    patch leaves no trace in git.
    """
    if not n:
        return "not proven", "there are no deployments to judge by"
    by_point = ledger.scope.settings.verdicts == "point"
    most = 1.0 if upper is None else upper / n if by_point else wilson(upper, n).upper
    reach = Interval(lower / n if by_point else wilson(lower, n).lower, most, "bounds from git")
    told = f"{interval_text(reach, 'ratio')}, as far as git can tell"
    if judge(target, lower / n, reach) == "fail":
        return "fail", f"{told}: the lower bound misses the target already"
    return "not proven", f"{told}; incident records would decide"


def _needed(target: Target, k: int, n: int) -> str:
    more = clean_events_needed(target, k, n)
    if not more:
        return ""
    so_far = f"so far {k} of {n}, {amount(k / n, 'ratio')}"
    return f"{plural(more, 'more deployment')} without a failure would prove it ({so_far})"


def _evidence(
    counted: Sequence[Deployment], failed: Mapping[str, str], perhaps: Mapping[str, str], clean: str
) -> list[Counted]:
    rows = []
    for each in counted:
        value, rule = 0.0, clean
        if each.id in failed:
            value, rule = 1.0, failed[each.id]
        told: float | None = value
        if value == 0.0 and each.id in perhaps:
            told, rule = None, f"only in the upper bound: {perhaps[each.id]}"
        rows.append(Counted(each.id, each.finished_at, told, True, rule, each.source, each.url))
    return rows


def _excluded(ledger: Ledger) -> dict[str, int]:
    roles = [each.role for each in ledger.in_window if not each.counts]
    return {role: roles.count(role) for role in sorted(set(roles))}
