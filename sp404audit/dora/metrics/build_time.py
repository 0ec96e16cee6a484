"""Build time: how long a pipeline runs, from its start to the end of its last job, an attempt at a time.

Only attempts that ended in success count; waiting for a machine is told apart. Not a metric of DORA.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sp404audit.dora.events import Build
from sp404audit.dora.figures import Counted, Figure, Interval
from sp404audit.dora.ledger import Ledger
from sp404audit.dora.metrics.assembly import Draft, buckets, ends, finish
from sp404audit.dora.settings import Settings, matches_any
from sp404audit.dora.statistics import bootstrap_mean, mean, median, order_statistic, quantile
from sp404audit.dora.wording import plural

__all__ = ["build_time"]

_QUANTILES = {"p75_seconds": 0.75, "p90_seconds": 0.9, "p95_seconds": 0.95}


def build_time(ledger: Ledger) -> Figure:
    """Measure how long successful builds of the window took."""
    judged = [(each, _why_not(each, ledger.scope.settings)) for each in ledger.builds if ledger.holds(each.finished_at)]
    used = [each for each, why in judged if not why]
    times = sorted(map(_seconds, used))
    interval = order_statistic(times)
    value = median(times) if times else None
    moments = [(each.finished_at, float(_seconds(each))) for each in used]
    return finish(
        Draft(
            metric="build_time",
            title="Build time",
            method="build_time/v1:started_to_last_job",
            unit="seconds",
            value=value,
            n=len(used),
            values=_values(used, times, interval, judged),
            events="builds",
            interval=interval,
            intervals={**_intervals(times), "median_seconds": interval},
            confidence="high" if used else "none",
            because="runs of the pipeline are on record" if used else "no successful build is known",
            sources=[each.source for each in used],
            evidence=[_evidence(each, why) for each, why in judged],
            excluded=_excluded(why for _, why in judged),
            remarks=_remarks(used, ledger.scope.settings),
            buckets=buckets(ledger, moments, lambda numbers: median(numbers) if numbers else None),
            in_dora=False,
            needed=lambda _: "more builds narrow the interval",
        ),
        ledger,
    )


def _intervals(times: Sequence[int]) -> dict[str, Interval | None]:
    """Of what a target may speak of, beside the median."""
    found = {name: order_statistic(times, q) for name, q in _QUANTILES.items()}
    return {**found, "mean_seconds": bootstrap_mean(times)}


def _seconds(build: Build) -> int:
    return build.finished_at - build.started_at


def _why_not(build: Build, settings: Settings) -> str:
    """Why a build does not count; empty when it does. A source that names no branch gave those of the main line."""
    if settings.build_workflows and not matches_any(build.workflow, settings.build_workflows):
        return "another workflow than the policy's builds"
    if settings.branch and build.branch and build.branch != settings.branch:
        return "another branch than the main line"
    if build.outcome != "success":
        return f"its outcome is {build.outcome}"
    return "ends before it begins" if _seconds(build) < 0 else ""


def _began(build: Build) -> int:
    """When it was done with waiting: when its first job ran, where its source tells that apart from its start."""
    return build.started_at if build.running_at is None else build.running_at


def _values(
    used: Sequence[Build], times: Sequence[int], interval: Interval | None, judged: Sequence[tuple[Build, str]]
) -> dict[str, object]:
    # A further attempt is not asked for when the first was: only that one tells how long it waited.
    waits = sorted(
        began - each.queued_at
        for each in used
        if each.queued_at is not None and each.attempt == 1 and (began := _began(each)) >= each.queued_at
    )
    return {
        "median_seconds": median(times) if times else None,
        "mean_seconds": mean(times) if times else None,
        **{name: quantile(times, q) if times else None for name, q in _QUANTILES.items()},
        "n": len(used),
        "interval_seconds": ends(interval),
        "queue_median_seconds": median(waits) if waits else None,
        "queue_p95_seconds": quantile(waits, 0.95) if waits else None,
        "queued": len(waits),
        "failed": sum(1 for each, _ in judged if each.outcome == "failure"),
        "reruns": sum(1 for each in used if each.attempt > 1),
        "workflows": _by_workflow(used),
    }


def _by_workflow(used: Iterable[Build]) -> dict[str, object]:
    times: dict[str, list[int]] = {}
    for each in used:
        times.setdefault(each.workflow, []).append(_seconds(each))
    return {
        name: {"n": len(found), "median_seconds": median(found), "p95_seconds": quantile(sorted(found), 0.95)}
        for name, found in sorted(times.items())
    }


def _evidence(build: Build, why: str) -> Counted:
    name = f" of {build.workflow}" if build.workflow else ""
    attempt = f", attempt {build.attempt}" if build.attempt > 1 else ""
    rule = why or f"a successful run{name}{attempt}"
    value = float(_seconds(build)) if not why else None
    return Counted(build.id, build.finished_at, value, not why, rule, build.source, build.url)


def _excluded(reasons: Iterable[str]) -> dict[str, int]:
    found = [why for why in reasons if why]
    return {why: found.count(why) for why in sorted(set(found))}


def _remarks(used: Sequence[Build], settings: Settings) -> list[str]:
    workflows = {each.workflow for each in used}
    if len(workflows) > 1 and not settings.build_workflows:
        return [
            f"runs of {plural(len(workflows), 'workflow')} are taken together; name those that are builds with "
            "`build-workflows` in the policy"
        ]
    return []
