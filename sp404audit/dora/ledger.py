"""Everything that the metrics are counted from, counted once: deployments with their roles, changes, failures.

A metric is a function from the ledger to a figure; none of them asks a source again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sp404audit.dora.counting import Standing, classify, production, role_in
from sp404audit.dora.events import Availability, Build, Change, Deployment, History, Incident, SourceReport
from sp404audit.dora.failures import SURE_HINTS, Failure, Failures, attribute_failures
from sp404audit.dora.figures import ChangeRow, DeploymentRow, Window
from sp404audit.dora.fusion import Fused
from sp404audit.dora.settings import Settings, matches_any
from sp404audit.dora.statistics import median
from sp404audit.dora.window import Calendar
from sp404audit.records import NamedTuple

__all__ = ["Arrival", "Ledger", "Scope", "draw_up"]


class Scope(NamedTuple):
    """What is measured.

    Attributes:
        as_of: the moment up to which anything is known; what lasts on then has lasted so far.
        service: one service of the repository; empty for all.
    """

    settings: Settings
    window: Window
    as_of: int
    calendar: Calendar
    service: str = ""


class Arrival(NamedTuple):
    """A change that a deployment of the window was the first to contain, with the times of its stages.

    Attributes:
        merged_at: when it reached the main line; None when that is not known.
        seconds: what counts by the policy's `lead-measure`; None when that is not known.
        counted, rule: whether it is part of the figure, and why.
        by_merge: its merge is taken for its deployment, so that nothing lies between the two.
    """

    change: Change
    deployment: str
    deployed_at: int
    started_at: int
    merged_at: int | None
    seconds: int | None
    counted: bool
    rule: str
    by_merge: bool = False

    @property
    def row(self) -> ChangeRow:
        """Its line in the ledger of changes."""
        return ChangeRow(
            self.change.sha,
            self.started_at,
            self.merged_at,
            self.deployed_at,
            self.deployment,
            self.deployed_at - self.started_at if self.seconds is None else self.seconds,
            self.change.is_bot,
            self.counted,
            self.rule,
            self.change.pull_request,
        )


@dataclass(frozen=True)
class Ledger:
    """The finished ledger.

    Attributes:
        standings: every deployment that any source told of, in order of time.
        arrivals: changes of the deployments in the window.
        left_out: how many changes have no line, by reason.
        failures: which deployments failed.
        incidents: those of production, in order of time.
        has_incidents: whether any source told of an incident or a failure, ever: then a clean record means something.
        has_history: whether there was a commit graph to ask.
        squashed: whether a commit's time is that of its merge.
        covers_since: from when on deployments are known; None for always.
        begins_at: the first commit, where no deployment before the window shows that there is a longer past.
    """

    scope: Scope
    sources: tuple[SourceReport, ...]
    standings: tuple[Standing, ...]
    failures: Failures
    arrivals: tuple[Arrival, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    has_incidents: bool = False
    builds: tuple[Build, ...] = ()
    availability: tuple[Availability, ...] = ()
    has_history: bool = False
    squashed: bool = False
    covers_since: int | None = None
    begins_at: int | None = None

    @property
    def counted(self) -> list[Deployment]:
        """The deployments of the window that count, in order of time."""
        return [each.deployment for each in self.in_window if each.counts]

    @property
    def failed(self) -> Mapping[str, Failure]:
        """Deployments that failed: by records, or where there are none, by hints of git that are no mere maybe."""
        if self.has_incidents:
            return self.failures.known
        hinted = {id_: each for id_, each in self.failures.hinted.items() if SURE_HINTS & set(each.kinds)}
        return {**hinted, **self.failures.known}

    @property
    def in_window(self) -> list[Standing]:
        """Every deployment of the window."""
        return [each for each in self.standings if self.holds(each.deployment.finished_at)]

    def holds(self, at: int) -> bool:
        """Whether a moment lies in the window: from its beginning on, and before its end."""
        return self.scope.window.since <= at < self.scope.window.until

    def rows(self) -> tuple[DeploymentRow, ...]:
        """The ledger of deployments."""
        times: dict[str, list[int]] = {}
        numbers: dict[str, int] = {}
        for each in self.arrivals:
            numbers[each.deployment] = numbers.get(each.deployment, 0) + 1
            if each.counted and each.seconds is not None:
                times.setdefault(each.deployment, []).append(each.seconds)
        failed = self.failed
        return tuple(self._row(each, numbers, times, failed) for each in self.standings)

    def _row(
        self,
        standing: Standing,
        numbers: Mapping[str, int],
        times: Mapping[str, list[int]],
        failed: Mapping[str, Failure],
    ) -> DeploymentRow:
        role, rule = role_in(self.scope.window, standing)
        id_ = standing.deployment.id
        failure = failed.get(id_)
        is_measured = self.has_history and role == "counted"
        return DeploymentRow(
            standing.deployment,
            role,
            rule,
            numbers.get(id_, 0) if is_measured else None,
            median(times[id_]) if id_ in times else None,
            failure.because if failure else "",
            failure.recovered_at if failure else None,
        )


def draw_up(scope: Scope, fused: Fused, reports: Iterable[SourceReport], history: History | None) -> Ledger:
    """Count everything once.

    Args:
        scope: what is measured.
        fused: what all sources know together.
        reports: what each was asked.
        history: the commit graph; None when there is none.
    """
    about = _of_service(scope.service)
    deployments = [each for each in fused.deployments if about(each.service)]
    firsts = _Firsts(history, deployments, fused.superseded, scope.settings)
    standings = classify(deployments, scope.settings, fused.superseded, firsts.goes_back)
    is_production = production(scope.settings)
    incidents = tuple(each for each in fused.incidents if about(each.service) and _concerns(each, is_production))
    heads = [each.deployment for each in standings if each.counts]
    signals = history.failure_signals(heads, scope.settings.patch_window) if history else ()
    failures = attribute_failures(standings, incidents, signals, scope.settings, firsts.first_in(standings))
    return Ledger(
        scope=scope,
        sources=tuple(sorted(reports, key=lambda report: report.name)),
        standings=tuple(standings),
        failures=failures,
        arrivals=tuple(_arrivals(scope, standings, firsts, fused)),
        left_out=firsts.left_out(scope.window),
        incidents=incidents,
        has_incidents=bool(fused.incidents or failures.known),
        builds=fused.builds,
        availability=tuple(each for each in fused.availability if about(each.service)),
        has_history=history is not None,
        squashed=history.squashed if history else False,
        covers_since=fused.covers_since,
        begins_at=firsts.begins_at(scope.window),
    )


def _of_service(service: str) -> Callable[[str], bool]:
    """What is about a service: what names it, and what names none."""
    return lambda name: not service or name in ("", service)


def _concerns(incident: Incident, is_production: Callable[[Deployment], bool]) -> bool:
    """An incident that names no environment is one of production."""
    place = Deployment(incident.id, incident.source, incident.opened_at, environment=incident.environment)
    return not incident.environment or is_production(place)


class _Firsts:
    """Which deployment was the first to contain which changes, a service at a time."""

    def __init__(
        self,
        history: History | None,
        deployments: Sequence[Deployment],
        superseded: Iterable[str],
        settings: Settings,
    ) -> None:
        self._history = history
        self._changes: dict[str, Sequence[Change]] = {}
        self._beginnings: list[tuple[Deployment, Sequence[Change]]] = []
        self._unknown: list[Deployment] = []
        self.squashed = history.squashed if history else False
        if history is None:
            return
        is_production, out = production(settings), frozenset(superseded)
        by_service: dict[str, list[Deployment]] = {}
        for each in deployments:
            if each.outcome != "success" or each.id in out or not is_production(each):
                continue
            if each.prerelease and not settings.count_prereleases:
                continue
            if not each.sha or history.resolve(each.sha) is None:
                self._unknown.append(each)
                continue
            by_service.setdefault(each.service, []).append(each)
        for service, ordered in sorted(by_service.items()):
            pattern = settings.services.get(service)
            found = history.attribute([each.sha for each in ordered], pattern.paths if pattern else ())
            self._beginnings.append((ordered[0], found[0]))
            self._changes.update({each.id: changes for each, changes in zip(ordered[1:], found[1:], strict=True)})

    def of(self, deployment: Deployment) -> Sequence[Change]:
        """The changes that a deployment was the first to contain; none for the first deployment of all."""
        return self._changes.get(deployment.id, ())

    def goes_back(self, deployment: Deployment, live: Deployment) -> bool:
        """Whether a deployment is of a commit that is contained in what is live: one with new changes cannot be."""
        if self._history is None or self._changes.get(deployment.id):
            return False
        return self._history.is_ancestor(deployment.sha, live.sha)

    def first_in(self, standings: Iterable[Standing]) -> Callable[[str], str | None]:
        """A function from a commit to the counted deployment that first contained it; built when first asked."""
        index: dict[str, str] = {}

        def find(sha: str) -> str | None:
            if not index:
                index[""] = ""
                for each in standings:
                    if each.counts:
                        index.update({change.sha: each.deployment.id for change in self.of(each.deployment)})
            full = "" if sha in index or self._history is None else self._history.resolve(sha) or ""
            return index.get(sha) or index.get(full) or None

        return find

    def begins_at(self, window: Window) -> int | None:
        """When the first change was made, if that was in the window or no deployment came before it."""
        if not self._beginnings or any(each.finished_at < window.since for each, _ in self._beginnings):
            return None
        changes = [change.committed_at for _, begun in self._beginnings for change in begun]
        return min(changes, default=None)

    def left_out(self, window: Window) -> dict[str, int]:
        """How many changes, or deployments, tell nothing of lead times, by reason."""
        begun = sum(len(begun) for each, begun in self._beginnings if window.since <= each.finished_at < window.until)
        unknown = sum(1 for each in self._unknown if window.since <= each.finished_at < window.until)
        reasons = {
            "there before the first deployment that is known": begun,
            "deployments whose commit is not in the history": unknown,
        }
        return {reason: number for reason, number in reasons.items() if number}


def _arrivals(scope: Scope, standings: Sequence[Standing], firsts: _Firsts, fused: Fused) -> Iterable[Arrival]:
    times = [each.deployment.finished_at for each in standings]
    start = bisect_right(times, scope.window.since - 1)
    end = bisect_right(times, scope.window.until - 1)
    for standing in standings[start:end]:
        for change in firsts.of(standing.deployment):
            known = fused.changes.get(change.sha)
            full = change if known is None else _enriched(change, known)
            yield _arrival(full, standing, scope.settings, squashed=firsts.squashed)


def _enriched(change: Change, known: Change) -> Change:
    """A commit with what the pull request says of it: its word on merging is better than the graph's."""
    return change._replace(
        is_bot=change.is_bot or known.is_bot,
        merged_at=change.merged_at if known.merged_at is None else known.merged_at,
        first_commit_at=known.first_commit_at,
        pull_request=change.pull_request if known.pull_request is None else known.pull_request,
        labels=known.labels,
    )


def _arrival(change: Change, standing: Standing, settings: Settings, *, squashed: bool) -> Arrival:
    deployed_at = standing.deployment.finished_at
    merged_at = change.merged_at
    if merged_at is None and squashed:
        merged_at = change.committed_at
    started_at = _started_at(change, merged_at, settings, squashed=squashed)
    begin = started_at if settings.lead_measure == "commit_to_deploy" else merged_at
    seconds = None if begin is None else deployed_at - begin
    counted, rule = _counts(change, standing, settings, seconds)
    by_merge = standing.deployment.basis == "merge"
    if counted and by_merge and begin is not None and begin >= _merge_time(change, merged_at):
        counted, rule = False, "its merge is taken for its deployment: nothing lies between"
    id_ = standing.deployment.id
    return Arrival(change, id_, deployed_at, started_at, merged_at, seconds, counted, rule, by_merge)


def _merge_time(change: Change, merged_at: int | None) -> int:
    return change.committed_at if merged_at is None else merged_at


def _started_at(change: Change, merged_at: int | None, settings: Settings, *, squashed: bool) -> int:
    if settings.lead_start == "author":
        return change.authored_at
    if settings.lead_start == "pr-merged" and merged_at is not None:
        return merged_at
    wants_first = settings.lead_start == "pr-first-commit" or (settings.lead_start == "committer" and squashed)
    if wants_first and change.first_commit_at is not None:
        return change.first_commit_at
    return change.committed_at


def _counts(change: Change, standing: Standing, settings: Settings, seconds: int | None) -> tuple[bool, str]:
    if not standing.counts:
        return False, f"went live with what is no counted deployment ({standing.role})"
    if settings.exclude_authors and matches_any(change.author, settings.exclude_authors):
        return False, "its author is excluded by the policy"
    if seconds is None:
        return False, "when it was merged is not known"
    if seconds < 0:
        return False, "dated after its deployment"
    return True, f"first contained in {standing.deployment.version or standing.deployment.id}"
