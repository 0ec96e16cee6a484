"""Runs of workflows on the main line, and how long each attempt of them took.

A run's own `updated_at` is not its end, since later edits move it: an attempt ends with its last job. The list of runs
gives at most a thousand for one question (https://docs.github.com/en/rest/actions/workflow-runs), so that it is asked
for stretches of `created`, halved until each is below that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sp404audit.dora.events import Build, Outcome
from sp404audit.dora.settings import matches_any
from sp404audit.dora.sources.github.gathering import Gathering
from sp404audit.dora.sources.github.values import commit, iso, moment, text, whole
from sp404audit.records import NamedTuple

__all__ = ["Run", "list_runs", "read_builds"]

MOST_RESULTS = 1000
_BLOCK = 30 * 86_400
_SHORTEST = 3600
_OUTCOMES: dict[str, Outcome] = {
    "success": "success",
    "failure": "failure",
    "timed_out": "failure",
    "startup_failure": "failure",
}
"""Of the conclusions of a run, those that tell something of a build; the others (cancelled, skipped …) are counted."""


class _Attempt(NamedTuple):
    """What the jobs of one attempt tell together."""

    asked_at: int
    running_at: int | None
    finished_at: int
    outcome: Outcome


Run = tuple[int, Mapping[str, Any]]
"""The id of a run, and what the list says of it."""


def list_runs(gathering: Gathering, branch: str) -> list[Run]:
    """The runs of a branch in the window that are builds, the latest first."""
    runs: dict[int, Mapping[str, Any]] = {}
    with gathering.part("workflow runs"):
        for since, until in _blocks(gathering.window.since, gathering.window.until):
            for record in _runs(gathering, branch, since, until):
                if (id_ := whole(record, "id")) is not None:
                    runs[id_] = record
    gathering.counts["workflow runs"] = len(runs)
    wanted = [(id_, record) for id_, record in runs.items() if _is_build(gathering, record)]
    return sorted(wanted, key=lambda each: (moment(each[1], "created_at") or 0, each[0]), reverse=True)


def read_builds(gathering: Gathering, runs: list[Run]) -> list[Build]:
    """The builds that runs were, in the order of the runs: a budget that ends cuts off the last."""
    builds: list[Build] = []
    gathering.each("jobs of workflow runs", runs, lambda each: builds.extend(_builds(gathering, *each)))
    gathering.counts["builds"] = len(builds)
    return builds


def _is_build(gathering: Gathering, record: Mapping[str, Any]) -> bool:
    patterns = gathering.settings.build_workflows
    is_wanted = not patterns or matches_any(text(record, "name"), patterns)
    return is_wanted and text(record, "conclusion") in _OUTCOMES


def _blocks(since: int, until: int) -> Iterator[tuple[int, int]]:
    """Stretches of thirty days counted from 1970, so that the next run asks the same questions; the latest first."""
    start = (until - 1) // _BLOCK * _BLOCK
    while start + _BLOCK > since:
        yield start, start + _BLOCK
        start -= _BLOCK


def _runs(gathering: Gathering, branch: str, since: int, until: int) -> Iterator[Mapping[str, Any]]:
    """All completed runs that were created in [since, until)."""
    stretches = [(since, until)]
    while stretches:
        start, end = stretches.pop()
        parameters = {
            "branch": branch,
            "status": "completed",
            "created": f"{iso(start)}..{iso(end - 1)}",
            "exclude_pull_requests": "true",
        }
        for number, page in enumerate(gathering.client.pages(f"{gathering.path}/actions/runs", parameters)):
            total = whole(page.data, "total_count") if isinstance(page.data, dict) else None
            if number == 0 and (total or 0) >= MOST_RESULTS:
                if end - start > _SHORTEST:
                    middle = start + (end - start) // 2
                    stretches += [(start, middle), (middle, end)]
                    break
                gathering.partial = True
                gathering.note("many-runs", "GitHub lists no more than 1,000 runs of one hour; the others are missing")
            yield from gathering.of_page("workflow runs", page, "workflow_runs")


def _builds(gathering: Gathering, id_: int, run: Mapping[str, Any]) -> list[Build]:
    """The attempts of a run, told from its jobs."""
    latest = max(1, whole(run, "run_attempt") or 1)
    attempts: dict[int, list[Mapping[str, Any]]] = {}
    # The jobs of a completed run stay as they are until it is run again, which makes another attempt.
    settled = f"attempt {latest} of {text(run, 'run_started_at')}, {text(run, 'conclusion')}"
    path = f"/actions/runs/{id_}/jobs"
    for page in gathering.items("jobs of workflow runs", path, {"filter": "all"}, "jobs", settled=settled):
        for job in page:
            attempts.setdefault(whole(job, "run_attempt") or latest, []).append(job)
    builds = []
    for number in range(1, latest + 1):
        if number in attempts and (attempt := _attempt(run, number, latest, attempts[number])) is not None:
            if moment(run, "created_at") is None or attempt.finished_at >= gathering.window.until:
                continue
            builds.append(_build(id_, run, number, attempt))
    if not builds:
        gathering.odd["workflow runs"] += 1
    return builds


def _attempt(run: Mapping[str, Any], number: int, latest: int, jobs: list[Mapping[str, Any]]) -> _Attempt | None:
    """One attempt; None when it cannot be told when it began and ended."""
    asked = None
    if number == latest:
        asked = moment(run, "run_started_at")
    if asked is None:
        created = [moment(run, "created_at")] if number == 1 else [moment(job, "created_at") for job in jobs]
        asked = min((at for at in created if at is not None), default=None)
    ran = [job for job in jobs if text(job, "conclusion") != "skipped"]
    ends = [at for job in ran if (at := moment(job, "completed_at")) is not None]
    if asked is None or not ends or max(ends) < asked:
        return None
    # Jobs that a partial re-run takes over keep their old times.
    starts = [at for job in ran if (at := moment(job, "started_at")) is not None and at >= asked]
    conclusion = text(run, "conclusion") if number == latest else _worst([text(job, "conclusion") for job in ran])
    return _Attempt(asked, min(starts, default=None), max(ends), _OUTCOMES.get(conclusion, "cancelled"))


def _worst(conclusions: list[str]) -> str:
    """What an earlier attempt came to: the run itself tells only of the latest."""
    for bad in ("failure", "timed_out", "cancelled"):
        if bad in conclusions:
            return bad
    return "success"


def _build(id_: int, run: Mapping[str, Any], number: int, attempt: _Attempt) -> Build:
    url = text(run, "html_url")
    return Build(
        id=f"github:run:{id_}/{number}",
        source="github",
        queued_at=attempt.asked_at,
        started_at=attempt.asked_at,
        running_at=attempt.running_at,
        finished_at=attempt.finished_at,
        outcome=attempt.outcome,
        workflow=text(run, "name"),
        branch=text(run, "head_branch"),
        sha=commit(run, "head_sha"),
        attempt=number,
        url=f"{url}/attempts/{number}" if url and number > 1 else url,
    )
