"""One list of events from all sources: the same thing told twice is kept once, and what they disagree on is told.

The better a source knows what happened, the more its word weighs: event files over GitHub's deployments, those over
its releases, its workflow runs, git's tags, and commits on the main line. Where a better source covers a time, what
only a lesser one calls a deployment is not counted, but it stands in the ledger.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

from sp404audit.dora.events import Availability, Build, Change, Collected, Deployment, Incident
from sp404audit.dora.figures import Window
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["SAME_WITHIN", "Fused", "Kind", "fuse", "in_order", "kind_of", "known_at", "name_of", "plain_version"]

SAME_WITHIN = 86_400
"""How many seconds may lie between what two sources call the deployment of one release: a tag is often made hours
before its deployment is over."""

_DIFFERENT_TIME = 3600
_NAMED = 3
_RECORDS_OF_DEPLOYMENTS = 1
_NUMBER = regex(r"\d{1,40}")


class Kind(NamedTuple):
    """What a deployment was recognised by: the lower the rank, the more it weighs."""

    rank: int
    source: str
    noun: str


_RANKS = {"deployment": 1, "release": 2, "workflow run": 3, "tag": 4, "merge": 5}
_NOUNS = {"merge": "merges to the main line", "event": "deployments"}


class Fused(NamedTuple):
    """What all sources know together.

    Attributes:
        deployments, incidents, builds, availability: in order of time.
        superseded: why some deployments do not count, by id: a better source covers their time and knows none.
        changes: what sources other than the commit graph know of commits, by full id.
        disagreements: a line for people each.
        covers_since: from when on deployments are known; None for always.
    """

    deployments: tuple[Deployment, ...] = ()
    incidents: tuple[Incident, ...] = ()
    builds: tuple[Build, ...] = ()
    availability: tuple[Availability, ...] = ()
    superseded: Mapping[str, str] = {}
    changes: Mapping[str, Change] = {}
    disagreements: tuple[str, ...] = ()
    covers_since: int | None = None


def kind_of(deployment: Deployment) -> Kind:
    """What a deployment was recognised by, and how much that weighs."""
    if deployment.source == "events":
        return Kind(0, deployment.source, _NOUNS["event"])
    basis = deployment.basis or "deployment"
    return Kind(_RANKS.get(basis, 3), deployment.source, _NOUNS.get(basis, f"{basis}s"))


def plain_version(version: str) -> str:
    """A version for comparison: without a leading `v`, in lower case."""
    lowered = version.strip().lower()
    return lowered[1:] if lowered[:1] == "v" and lowered[1:2].isdigit() else lowered


def in_order(deployments: Iterable[Deployment]) -> list[Deployment]:
    """In order of time; those of one second by version, as people count, then by id."""
    return sorted(deployments, key=lambda each: (each.finished_at, _natural(each.version), each.id))


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """Orders v1.9 before v1.10, without making numbers of what a stranger wrote."""
    return tuple((len(number), number) for number in (each.lstrip("0") for each in _NUMBER.findall(text)))


def known_at(collected: Collected, as_of: int) -> Collected:
    """What a source would have told at a moment: nothing later, and what ended later was still going on."""
    incidents = [
        each._replace(resolved_at=None) if each.resolved_at is not None and each.resolved_at > as_of else each
        for each in collected.incidents
        if each.opened_at <= as_of
    ]
    deployments = [
        each._replace(failed_at=None) if each.failed_at is not None and each.failed_at > as_of else each
        for each in collected.deployments
        if each.finished_at <= as_of
    ]
    builds = tuple(each for each in collected.builds if each.finished_at <= as_of)
    return collected._replace(deployments=tuple(deployments), incidents=tuple(incidents), builds=builds)


def fuse(
    collected: Sequence[Collected],
    window: Window,
    is_production: Callable[[Deployment], bool],
    resolve: Callable[[str], str | None] | None = None,
) -> Fused:
    """Put the events of all sources together.

    Args:
        collected: what each source told, in any order.
        window: the stretch whose disagreements are told.
        is_production: whether a deployment went to production.
        resolve: the full id of the commit that a tag or a short id names; None where there is no history to ask.
    """
    ordered = sorted(collected, key=lambda each: each.report.name)
    reach = {each.report.name: each.report.covers_since for each in ordered}
    told = [one for each in ordered for one in each.deployments]
    if resolve is not None:
        told = [_with_commit(one, resolve) for one in told]
    folding = _Folding(is_production)
    for one in sorted(told, key=lambda one: (kind_of(one), one.finished_at, one.id)):
        folding.add(one)
    kept = in_order(folding.kept.values())
    starts = _starts(kept, reach, is_production)
    return Fused(
        deployments=tuple(kept),
        incidents=tuple(sorted(_incidents(ordered), key=lambda each: (each.opened_at, each.id))),
        builds=tuple(sorted(_builds(ordered), key=lambda each: (each.started_at, each.id, each.attempt))),
        availability=tuple(sorted(one for each in ordered for one in each.availability)),
        superseded=_superseded(kept, starts, is_production),
        changes=_changes(ordered),
        disagreements=tuple(_disagreements(folding, told, window, is_production)),
        covers_since=_covers_since(starts, reach),
    )


def _with_commit(deployment: Deployment, resolve: Callable[[str], str | None]) -> Deployment:
    """Complete the id of the commit, from a short one or from the version."""
    if len(deployment.sha) >= 40:
        return deployment
    names = [deployment.sha] if deployment.sha else [deployment.version, f"v{deployment.version}"]
    if not any(names) or not (deployment.sha or deployment.version):
        return deployment
    found = next((sha for sha in map(resolve, names) if sha), None)
    return deployment._replace(sha=found) if found else deployment


class _Folding:
    """Folds deployments that are one into the one whose source weighs most; they come in that order."""

    def __init__(self, is_production: Callable[[Deployment], bool]) -> None:
        self.kept: dict[str, Deployment] = {}
        self.same: list[tuple[Deployment, Deployment]] = []
        self._is_production = is_production
        # By release and kind, in order of time: when each was, and its id.
        self._by_release: dict[str, dict[Kind, list[tuple[int, str]]]] = {}
        self._folded_kinds: dict[str, set[Kind]] = {}

    def add(self, deployment: Deployment) -> None:
        """Keep a deployment, or fold it into the nearest one that is the same."""
        home = self.kept.get(deployment.id) or self._home(deployment)
        if home is None:
            self.kept[deployment.id] = deployment
            kind = kind_of(deployment)
            self._folded_kinds[deployment.id] = {kind}
            for key in _release_keys(deployment):
                known = self._by_release.setdefault(key, {}).setdefault(kind, [])
                known.append((deployment.finished_at, deployment.id))
            return
        if home.id != deployment.id:
            self.same.append((home, deployment))
            self._folded_kinds[home.id].add(kind_of(deployment))
        self.kept[home.id] = _completed(home, deployment)

    def _home(self, deployment: Deployment) -> Deployment | None:
        kind = kind_of(deployment)
        ids = {id_ for key in _release_keys(deployment) for id_ in self._near(key, kind, deployment.finished_at)}
        near = [
            (home.outcome != deployment.outcome, abs(home.finished_at - deployment.finished_at), home.finished_at, id_)
            for id_ in ids
            if kind not in self._folded_kinds[id_] and self._are_one(home := self.kept[id_], deployment)
        ]
        return self.kept[min(near)[-1]] if near else None

    def _near(self, key: str, kind: Kind, at: int) -> Iterable[str]:
        """Those of a release that other kinds of record tell of, from around a moment."""
        for other, known in self._by_release.get(key, {}).items():
            if other != kind:
                start = bisect_left(known, (at - SAME_WITHIN, ""))
                yield from (id_ for _, id_ in known[start : bisect_left(known, (at + SAME_WITHIN + 1, ""))])

    def _are_one(self, first: Deployment, second: Deployment) -> bool:
        if abs(first.finished_at - second.finished_at) > SAME_WITHIN:
            return False
        if first.sha and second.sha and first.sha != second.sha:
            return False
        if first.service and second.service and first.service != second.service:
            return False
        if first.environment and second.environment:
            return first.environment.lower() == second.environment.lower()
        return self._is_production(first) and self._is_production(second)


def _release_keys(deployment: Deployment) -> list[str]:
    keys = [f"commit {deployment.sha}"] if deployment.sha else []
    return [*keys, f"version {plain_version(deployment.version)}"] if deployment.version else keys


def _completed(kept: Deployment, other: Deployment) -> Deployment:
    """A deployment with what another source adds. That a version looks like a preview does not undo that it is live."""
    return kept._replace(
        sha=kept.sha or other.sha,
        version=kept.version or other.version,
        environment=kept.environment or other.environment,
        production=other.production if kept.production is None else kept.production,
        service=kept.service or other.service,
        prerelease=kept.prerelease or (other.prerelease and kind_of(kept).rank > _RECORDS_OF_DEPLOYMENTS),
        rollback=kept.rollback or other.rollback,
        unplanned=kept.unplanned or other.unplanned,
        failed_at=other.failed_at if kept.failed_at is None else kept.failed_at,
        remedies=kept.remedies or other.remedies,
        url=kept.url or other.url,
    )


class _Start(NamedTuple):
    """From when on a kind of record is relied upon, and for which services."""

    kind: Kind
    at: int | None
    services: frozenset[str]


def _starts(
    kept: Iterable[Deployment], reach: Mapping[str, int | None], is_production: Callable[[Deployment], bool]
) -> list[_Start]:
    by_kind: dict[Kind, list[Deployment]] = {}
    for each in kept:
        if each.outcome == "success" and is_production(each):
            by_kind.setdefault(kind_of(each), []).append(each)
    starts = []
    for kind, deployments in sorted(by_kind.items()):
        at = reach.get(kind.source)
        if at is None and kind.source == "events":
            # Nobody wrote events before the first one: what came earlier is known from elsewhere.
            at = min(each.finished_at for each in deployments)
        starts.append(_Start(kind, at, frozenset(each.service for each in deployments)))
    return starts


def _superseded(
    kept: Iterable[Deployment], starts: Sequence[_Start], is_production: Callable[[Deployment], bool]
) -> dict[str, str]:
    superseded = {}
    for each in kept:
        if not is_production(each):
            continue
        rank = kind_of(each).rank
        for start in starts:
            about = not each.service or each.service in start.services or "" in start.services
            if start.kind.rank < rank and about and (start.at is None or each.finished_at >= start.at):
                superseded[each.id] = f"{start.kind.source} tells deployments of this time, and not this one"
                break
    return superseded


def _covers_since(starts: Sequence[_Start], reach: Mapping[str, int | None]) -> int | None:
    """From when on any source of deployments knows them; what event files begin with is all that there was."""
    reaches = [reach.get(start.kind.source) for start in starts]
    known = [each for each in reaches if each is not None]
    return min(known) if known and len(known) == len(reaches) else None


def _disagreements(
    folding: _Folding, told: Sequence[Deployment], window: Window, is_production: Callable[[Deployment], bool]
) -> Iterable[str]:
    counts: dict[Kind, set[str]] = {}
    for each in told:
        if each.outcome == "success" and is_production(each) and window.since <= each.finished_at < window.until:
            counts.setdefault(kind_of(each), set()).add(each.id)
    if len(counts) > 1:
        best, *others = sorted(counts)
        for other in others:
            pairs = [(a.id, b.id) for a, b in folding.same if kind_of(a) == best and b.id in counts[other]]
            shared = {kept for kept, _ in pairs} & counts[best]
            failed = sum(1 for kept, _ in pairs if kept not in counts[best])
            line = _difference(best, other, len(counts[best]), len(counts[other]), len(shared), failed)
            yield from [line] if line else []
    yield from _contradictions(folding.same, window)


def _difference(best: Kind, other: Kind, knows: int, tells: int, shared: int, failed: int) -> str:
    """What two sources tell of the deployments in the window; empty when they agree."""
    only = {other: tells - shared - failed, best: knows - shared}
    if not any(only.values()) and not failed:
        return ""
    parts = [f"{shared} {'is' if shared == 1 else 'are'} the same"]
    if failed:
        parts.append(f"{failed} did not succeed by the word of {name_of(best)}")
    parts += [f"{number} only {name_of(kind)} {_verb(kind, 'know')}" for kind, number in only.items()]
    counts = (
        f"{name_of(other)} {_verb(other, 'tell')} of {tells} {other.noun} in the window, {name_of(best)} of {knows}"
    )
    whose = f"what {name_of(best)} {_verb(best, 'tell')} counts"
    return f"{counts} {best.noun}: {', '.join(parts)}; {whose}"


def name_of(kind: Kind) -> str:
    """What people call the source."""
    return {"events": "event files", "github": "GitHub"}.get(kind.source, kind.source)


def _verb(kind: Kind, verb: str) -> str:
    return verb if kind.source == "events" else f"{verb}s"


def _contradictions(same: Iterable[tuple[Deployment, Deployment]], window: Window) -> Iterable[str]:
    late, failed = [], []
    for kept, other in same:
        if not window.since <= kept.finished_at < window.until:
            continue
        name = kept.version or other.version or kept.sha[:12] or kept.id
        if kept.outcome == "failure" and other.outcome == "success":
            better, lesser = kind_of(kept), kind_of(other)
            whose = (
                f"{name_of(lesser)} {_verb(lesser, 'tell')} of it, {name_of(better)} {_verb(better, 'say')} it failed"
            )
            failed.append(f"{name} ({whose})")
        elif abs(kept.finished_at - other.finished_at) > _DIFFERENT_TIME:
            hours = abs(kept.finished_at - other.finished_at) / 3600
            late.append((-hours, f"{name} by {hours:.1f} h ({name_of(kind_of(kept))} and {name_of(kind_of(other))})"))
    if failed:
        yield f"sources disagree whether these went live: {_listed(sorted(failed))}"
    if late:
        names = _listed([text for _, text in sorted(late)])
        yield f"sources disagree by more than an hour when these went live: {names}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _weight(source: str) -> tuple[int, str]:
    """Event files come first, git last."""
    return {"events": 0, "git": 2}.get(source, 1), source


def _incidents(collected: Iterable[Collected]) -> Iterable[Incident]:
    """Incidents, each once: known again by its id or its address."""
    kept: dict[str, Incident] = {}
    homes: dict[str, str] = {}
    for each in sorted((one for source in collected for one in source.incidents), key=_incident_order):
        home = each.id if each.id in kept else homes.get(each.url, "") if each.url else ""
        if not home:
            kept[each.id] = each
        else:
            kept[home] = _completed_incident(kept[home], each)
        if each.url:
            homes.setdefault(each.url, home or each.id)
    return kept.values()


def _incident_order(incident: Incident) -> tuple[object, ...]:
    return (*_weight(incident.source), incident.opened_at, incident.id, incident.resolved_at or 0)


def _completed_incident(kept: Incident, other: Incident) -> Incident:
    return kept._replace(
        opened_at=min(kept.opened_at, other.opened_at) if kept.id == other.id else kept.opened_at,
        resolved_at=other.resolved_at if kept.resolved_at is None else kept.resolved_at,
        caused_by=tuple(dict.fromkeys((*kept.caused_by, *other.caused_by))),
        severity=kept.severity or other.severity,
        service=kept.service or other.service,
        environment=kept.environment or other.environment,
        title=kept.title or other.title,
        url=kept.url or other.url,
    )


def _builds(collected: Iterable[Collected]) -> Iterable[Build]:
    """Builds, each attempt once: known again by its id or its address."""
    kept: dict[tuple[str, int], Build] = {}
    for each in sorted((one for source in collected for one in source.builds), key=_build_order):
        kept.setdefault((each.url or each.id, each.attempt), each)
    return kept.values()


def _build_order(build: Build) -> tuple[object, ...]:
    return (*_weight(build.source), build.started_at, build.id, build.attempt, build.finished_at)


def _changes(collected: Iterable[Collected]) -> dict[str, Change]:
    """What is known of commits: the first source's word, completed by the others."""
    changes: dict[str, Change] = {}
    for source in sorted(collected, key=lambda each: _weight(each.report.name)):
        for each in source.changes:
            known = changes.get(each.sha)
            changes[each.sha] = each if known is None else _completed_change(known, each)
    return changes


def _completed_change(kept: Change, other: Change) -> Change:
    return kept._replace(
        is_bot=kept.is_bot or other.is_bot,
        merged_at=other.merged_at if kept.merged_at is None else kept.merged_at,
        first_commit_at=other.first_commit_at if kept.first_commit_at is None else kept.first_commit_at,
        pull_request=other.pull_request if kept.pull_request is None else kept.pull_request,
        labels=kept.labels or other.labels,
    )
