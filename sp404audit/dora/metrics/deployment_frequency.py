"""Deployment frequency: how often production gets a new revision.

The headline is the number of counted deployments by the exact length of the window, with Garwood's exact interval. The
median of deployment days by ISO week stands beside it: weeks without a deployment are zeros, weeks that the window
cuts are left out. Redeploys, rollbacks, prereleases and failed attempts are told and not counted.
"""

from __future__ import annotations

import datetime
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from sp404audit.dora.counting import COUNTED, LATE_TAG
from sp404audit.dora.events import Deployment
from sp404audit.dora.figures import Bucket, Counted, Figure, Interval, Window
from sp404audit.dora.ledger import Ledger
from sp404audit.dora.metrics.assembly import Draft, buckets, deployment_confidence, ends, finish
from sp404audit.dora.statistics import median, order_statistic, poisson
from sp404audit.dora.wording import plural, span

__all__ = ["deployment_frequency"]

METHOD = "deployment_frequency/v1:deployments_per_week"
_WEEK = 7 * 86_400
_DAYS_OF_FOUR_KEYS = 3
_BETTER_EVIDENCE = (
    "a deployment job that names its `environment:` (asked for with --github), or `sp404audit dora event deployment` "
    "in any pipeline, would put deployments on record"
)
_ROLES = {
    "redeploys": "redeploy",
    "rollbacks": "rollback",
    "failed_attempts": "failed attempt",
    "unfinished": "unfinished",
    "late_tags": LATE_TAG,
    "prereleases": "prerelease",
    "merged": "merged",
    "other_environments": "other environment",
    "other_sources": "other source",
}


def deployment_frequency(ledger: Ledger) -> Figure:
    """Measure deployment frequency; no figure when no deployment is known at all, not even before the window."""
    known = [each.deployment for each in ledger.standings if each.counts]
    counted = ledger.counted
    observed = _observed(ledger)
    weeks = observed.days / 7
    is_known = bool(known) and weeks > 0
    interval = _per_week(poisson(len(counted)), weeks) if is_known else None
    days, days_interval, day_values = _days_by_week(counted, ledger, observed)
    confidence, because = deployment_confidence(counted or known[-1:])
    values: dict[str, object] = {
        "deployments": len(counted),
        "per_week": len(counted) / weeks if is_known else None,
        "interval": ends(interval),
        "median_days_per_week": days if is_known else None,
        **day_values,
        "window_days": observed.days,
        **_gaps(counted, known, ledger),
        **_others(ledger),
    }
    return finish(
        Draft(
            metric="deployment_frequency",
            title="Deployment frequency",
            method=METHOD,
            unit="per_week",
            value=len(counted) / weeks if is_known else None,
            n=len(counted),
            values=values,
            events="deployments",
            interval=interval,
            intervals={"per_week": interval, "median_days_per_week": days_interval},
            confidence=confidence,
            because=because,
            sources=[each.source for each in counted or known[-1:]],
            evidence=_evidence(ledger),
            excluded={_ROLES[name]: number for name, number in _others(ledger).items()},
            remarks=[*_remarks(ledger, observed, day_values), *([_BETTER_EVIDENCE] if confidence == "low" else [])],
            buckets=_buckets(counted, ledger) if is_known else (),
        ),
        ledger,
    )


def _observed(ledger: Ledger) -> Window:
    """The part of the window in which there was something to deploy, and in which deployments are known.

    A repository that is younger than a week is measured over a week, as far as the window goes: the rate of its first
    hours says nothing of its weeks.
    """
    window, since = ledger.scope.window, ledger.scope.window.since
    if ledger.begins_at is not None:
        since = max(since, min(ledger.begins_at, window.until - _WEEK))
    if ledger.covers_since is not None:
        since = max(since, min(ledger.covers_since, window.until))
    return window._replace(since=since)


def _per_week(count: Interval, weeks: float) -> Interval:
    assert count.lower is not None
    assert count.upper is not None
    return Interval(count.lower / weeks, count.upper / weeks, count.method)


def _days_by_week(
    counted: Sequence[Deployment], ledger: Ledger, observed: Window
) -> tuple[float | None, Interval | None, dict[str, object]]:
    """The median of days with a deployment by full week, its interval, and how many weeks and days there are."""
    calendar = ledger.scope.calendar
    weeks = calendar.weeks(observed)
    full = [(start, end) for start, end in weeks if observed.since <= start and end <= observed.until]
    days: dict[object, int] = {}
    for each in counted:
        days.setdefault(calendar.date(each.finished_at), each.finished_at)
    times = sorted(days.values())
    numbers = [bisect_left(times, end) - bisect_left(times, start) for start, end in full]
    told: dict[str, object] = {
        "weeks_counted": len(full),
        "weeks_partial": len(weeks) - len(full),
        "days_with_deployments": len(days),
        "four_keys": _four_keys(numbers, [calendar.date(start) for start, _ in full]),
    }
    return (median(numbers) if numbers else None), order_statistic(numbers), told


def _four_keys(numbers: Sequence[int], weeks: Sequence[datetime.date]) -> str | None:
    """The class that Four Keys would give, for comparison: its dashboard's query, but over full weeks of ISO only.

    https://github.com/dora-team/fourkeys/blob/main/METRICS.md: daily from a median of three days a week on; weekly or
    monthly where most weeks, or most weeks' months, have a deployment.
    """
    if not numbers:
        return None
    months = [(week.year, week.month) for week in weeks]
    deployed = {month for month, number in zip(months, numbers, strict=True) if number}
    if median(numbers) >= _DAYS_OF_FOUR_KEYS:
        return "daily"
    if median([min(1, number) for number in numbers]) >= 1:
        return "weekly"
    return "monthly" if median([int(month in deployed) for month in months]) >= 1 else "yearly"


def _gaps(counted: Sequence[Deployment], known: Sequence[Deployment], ledger: Ledger) -> dict[str, object]:
    """Times between deployments; the last known one may lie before the window."""
    times = [each.finished_at for each in counted]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    past = [each.finished_at for each in known if each.finished_at < ledger.scope.window.until]
    return {
        "median_gap_seconds": median(gaps) if gaps else None,
        "seconds_since_last": ledger.scope.window.until - past[-1] if past else None,
    }


def _others(ledger: Ledger) -> dict[str, int]:
    roles = [each.role for each in ledger.in_window]
    return {name: roles.count(role) for name, role in _ROLES.items()}


def _evidence(ledger: Ledger) -> list[Counted]:
    return [
        Counted(
            each.deployment.id,
            each.deployment.finished_at,
            1.0 if each.role == COUNTED else None,
            each.counts,
            each.rule,
            each.deployment.source,
            each.deployment.url,
        )
        for each in ledger.in_window
    ]


def _buckets(counted: Sequence[Deployment], ledger: Ledger) -> tuple[Bucket, ...]:
    moments = [(each.finished_at, 1.0) for each in counted]
    covered = _observed(ledger).since
    weeks = buckets(ledger, moments, lambda numbers: float(len(numbers)))
    # A week before anything is known is a gap; one without a deployment is a zero.
    return tuple(
        week._replace(value=None if week.end <= covered else week.value, partial=week.partial or week.start < covered)
        for week in weeks
    )


def _remarks(ledger: Ledger, observed: Window, days: dict[str, object]) -> list[str]:
    window = ledger.scope.window
    remarks = [
        f"deployment days are counted by ISO week in {window.timezone}, over {days['weeks_counted']} full weeks; "
        f"{days['weeks_partial']} that the window cuts are left out"
    ]
    if observed.since > window.since:
        begun = ledger.begins_at is not None and ledger.begins_at >= observed.since
        why = "the history is younger than the window" if begun else "deployments are not known for all of the window"
        remarks.append(f"{why}: the rate is of its last {span(observed.until - observed.since)}")
    services = {each.service for each in ledger.counted}
    if len(services) > 1:
        remarks.append(f"{len(services)} services are counted together; `--service NAME` measures one")
    target = ledger.scope.settings.targets.get("deployment_frequency")
    if target is not None and target.statistic == "median_days_per_week":
        remarks.append(
            f"the target {target.text!r} means deployments on {plural(int(target.value), 'day')} of a usual week"
        )
    return remarks
