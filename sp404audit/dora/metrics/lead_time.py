"""Change lead time: from a commit to the deployment that was the first to contain it.

Merges are no changes. The headline is the median of all changes of the window's deployments, with quantiles of type 7
and an interval from a bootstrap that draws whole deployments, since the changes of one share its fate. The median by
deployment stands beside it: big releases rule the pooled one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sp404audit.dora.figures import Bucket, Confidence, Counted, Figure, Interval
from sp404audit.dora.ledger import Arrival, Ledger
from sp404audit.dora.metrics.assembly import Draft, buckets, deployment_confidence, ends, finish
from sp404audit.dora.statistics import (
    LEAST_FOR_INTERVAL,
    cluster_bootstrap,
    cluster_bootstrap_mean,
    mean,
    median,
    quantile,
)
from sp404audit.dora.wording import plural

__all__ = ["lead_time"]

_QUANTILES = {"median_seconds": 0.5, "p75_seconds": 0.75, "p90_seconds": 0.9}


def lead_time(ledger: Ledger) -> Figure:
    """Measure change lead time by the policy's start and stretch."""
    settings = ledger.scope.settings
    used = [each for each in ledger.arrivals if each.counted]
    clusters = _by_deployment(used)
    target = settings.targets.get("lead_time")
    intervals = _intervals(list(clusters.values()), target.statistic if target else "")
    values = _values(ledger, used, clusters, intervals.get("median_seconds"))
    confidence, because = _confidence(ledger, clusters)
    median_seconds = values["median_seconds"]
    return finish(
        Draft(
            metric="lead_time",
            title="Change lead time",
            method=f"lead_time/v1:{settings.lead_measure}",
            unit="seconds",
            value=median_seconds if isinstance(median_seconds, (int, float)) else None,
            n=len(used),
            values=values,
            events="changes",
            independent=(len(clusters), "deployments"),
            interval=intervals.get("median_seconds"),
            intervals=intervals,
            confidence=confidence,
            because=because,
            sources=_sources(ledger, clusters),
            evidence=[_evidence(each) for each in ledger.arrivals],
            excluded=_excluded(ledger),
            remarks=_remarks(ledger, used, clusters),
            buckets=_weeks(ledger, used),
            needed=lambda _: "more deployments narrow the interval",
        ),
        ledger,
    )


def _by_deployment(used: Sequence[Arrival]) -> dict[str, list[float]]:
    clusters: dict[str, list[float]] = {}
    for each in used:
        assert each.seconds is not None
        clusters.setdefault(each.deployment, []).append(each.seconds)
    return clusters


def _intervals(clusters: Sequence[Sequence[float]], wanted: str) -> dict[str, Interval | None]:
    """Of the median, and of the number that the target speaks of: each costs a bootstrap."""
    names = dict.fromkeys(["median_seconds", wanted])
    found = {name: cluster_bootstrap(clusters, _QUANTILES[name]) for name in names if name in _QUANTILES}
    return {**found, "mean_seconds": cluster_bootstrap_mean(clusters)} if wanted == "mean_seconds" else found


def _values(
    ledger: Ledger, used: Sequence[Arrival], clusters: Mapping[str, Sequence[float]], interval: Interval | None
) -> dict[str, object]:
    times = _times(used)
    return {
        **_summary(times),
        "mean_seconds": mean(times) if times else None,
        "per_deployment_median_seconds": median([median(each) for each in clusters.values()]) if clusters else None,
        "changes": len(used),
        "deployments": len(clusters),
        "interval_seconds": ends(interval),
        "range_seconds": [min(times), max(times)] if times else None,
        "measure": ledger.scope.settings.lead_measure,
        "start": ledger.scope.settings.lead_start,
        "stages": _stages(used),
        "humans": _group(used, is_bot=False),
        "bots": _group(used, is_bot=True),
        "negative": sum(1 for each in ledger.arrivals if each.seconds is not None and each.seconds < 0),
        "squashed": ledger.squashed,
    }


def _times(used: Sequence[Arrival]) -> list[int]:
    return sorted(each.seconds for each in used if each.seconds is not None)


def _summary(times: Sequence[float]) -> dict[str, float | None]:
    return {name: quantile(times, q) if times else None for name, q in _QUANTILES.items()}


def _stages(used: Sequence[Arrival]) -> dict[str, object]:
    """Both stretches of the way, whichever is the headline, as far as the merge is known and not dated wrongly."""
    merged = [(each, each.merged_at) for each in used if each.merged_at is not None]
    stages = {
        "commit_to_merge": sorted(at - each.started_at for each, at in merged if at >= each.started_at),
        "merge_to_deploy": sorted(
            each.deployed_at - at for each, at in merged if each.deployed_at >= at and not each.by_merge
        ),
        "commit_to_deploy": sorted(
            each.deployed_at - each.started_at for each in used if each.deployed_at >= each.started_at
        ),
    }
    return {name: {**_summary(times), "changes": len(times)} for name, times in stages.items()}


def _group(used: Sequence[Arrival], *, is_bot: bool) -> dict[str, object]:
    times = _times([each for each in used if each.change.is_bot == is_bot])
    return {**_summary(times), "changes": len(times)}


def _confidence(ledger: Ledger, clusters: Mapping[str, object]) -> tuple[Confidence, str]:
    deployments = [each for each in ledger.counted if each.id in clusters]
    if not deployments:
        return "none", _why_none(ledger)
    return deployment_confidence(deployments)


def _why_none(ledger: Ledger) -> str:
    """Why no change counts."""
    if not ledger.has_history:
        return "there is no git history"
    if not ledger.arrivals:
        return "no change is known to have been deployed"
    reasons = [each.rule for each in ledger.arrivals]
    usual = max(sorted(set(reasons)), key=reasons.count)
    return f"of {plural(len(reasons), 'change')} that went live, none counts: {usual}"


def _sources(ledger: Ledger, clusters: Mapping[str, object]) -> list[str]:
    named = [each.source for each in ledger.counted if each.id in clusters]
    return [*named, "git"] if named else []


def _evidence(arrival: Arrival) -> Counted:
    at, seconds = arrival.deployed_at, arrival.seconds
    return Counted(arrival.change.sha, at, seconds, arrival.counted, arrival.rule, "git")


def _excluded(ledger: Ledger) -> dict[str, int]:
    excluded = dict(ledger.left_out)
    for each in ledger.arrivals:
        if not each.counted:
            excluded[each.rule] = excluded.get(each.rule, 0) + 1
    return dict(sorted(excluded.items()))


def _remarks(ledger: Ledger, used: Sequence[Arrival], clusters: Mapping[str, object]) -> list[str]:
    settings, remarks = ledger.scope.settings, []
    if 0 < len(clusters) < LEAST_FOR_INTERVAL:
        remarks.append(
            f"{plural(len(clusters), 'deployment')}: too few for an interval, which needs {LEAST_FOR_INTERVAL}"
        )
    known = sum(1 for each in used if each.change.first_commit_at is not None)
    if ledger.squashed and settings.lead_measure == "commit_to_deploy" and known < len(used):
        remarks.append(
            "pull requests are squashed or rebased here: git alone knows when they were merged, not when their work "
            f"began; for {known} of {plural(len(used), 'change')} the pull request says so"
        )
    bots = sum(1 for each in used if each.change.is_bot)
    if bots:
        remarks.append(f"{bots} of {plural(len(used), 'change')} are by bots; both groups are told apart in the values")
    return remarks


def _weeks(ledger: Ledger, used: Sequence[Arrival]) -> tuple[Bucket, ...]:
    moments = [(each.deployed_at, float(each.seconds)) for each in used if each.seconds is not None]
    return buckets(ledger, moments, lambda numbers: median(numbers) if numbers else None)
