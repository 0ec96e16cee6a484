"""Which deployments failed, how surely that is known, and when it was over.

In order of confidence: A, an incident or a remedy that names the deployment; B, a rollback, or a deployment that its
source says went bad after it had been live; C, an incident soon after the deployment and before the next one; D, what
git alone hints at: reverts and patch releases. Whatever the number of hints, a deployment fails once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Literal

from sp404audit.dora.counting import Standing
from sp404audit.dora.events import Deployment, FailureSignal, Incident
from sp404audit.dora.fusion import plain_version
from sp404audit.dora.settings import Settings
from sp404audit.records import NamedTuple

__all__ = ["SURE_HINTS", "Failure", "Failures", "Grade", "attribute_failures"]

SURE_HINTS = frozenset({"revert", "rollback"})
"""Hints of git that a deployment failed for certain; a patch release may have had any reason."""

Grade = Literal["A", "B", "C", "D"]
_LEAST_SHORT_ID = 7
_FULL_ID = 40


class Failure(NamedTuple):
    """A deployment that failed.

    Attributes:
        grade: how surely it is known: see the module's text.
        because: what shows it, one line for people.
        recovered_at: when it was over; None while it lasts.
        recovered_by: id of the deployment that was the remedy; empty when none was seen.
        kinds: which sorts of evidence there are: `incident`, `remedy`, `rollback`, `status`, `revert`,
            `patch-release`.
    """

    deployment: str
    grade: Grade
    because: str
    recovered_at: int | None
    recovered_by: str
    kinds: tuple[str, ...]


class Failures(NamedTuple):
    """What is known of failures.

    Attributes:
        known: by id of the counted deployment; grades A to C.
        hinted: the same for grade D, whether or not a better grade knows of it.
        unattributed: why an incident is laid to no deployment, by its id.
    """

    known: Mapping[str, Failure]
    hinted: Mapping[str, Failure]
    unattributed: Mapping[str, str]


class _Sign(NamedTuple):
    """One piece of evidence that a deployment failed. `ended_at` is None while that is open or not told."""

    grade: Grade
    kind: str
    because: str
    ended_at: int | None = None
    by: str = ""
    is_open: bool = False


def attribute_failures(
    standings: Sequence[Standing],
    incidents: Iterable[Incident],
    signals: Iterable[FailureSignal],
    settings: Settings,
    first_in: Callable[[str], str | None],
) -> Failures:
    """Lay failures to deployments.

    Args:
        standings: every deployment, in order of time.
        incidents: those of production.
        signals: what git hints at.
        settings: the counting rules.
        first_in: id of the deployment that was the first to contain a commit.
    """
    signs: dict[str, list[_Sign]] = {}
    unattributed: dict[str, str] = {}
    index = _Index(standings, first_in)
    for incident in incidents:
        heads, sign, why = _of_incident(incident, index, settings)
        for head in heads:
            signs.setdefault(head, []).append(sign)
        if not heads:
            unattributed[incident.id] = why
    for head, sign in _of_deployments(standings, index):
        signs.setdefault(head, []).append(sign)
    hints: dict[str, list[_Sign]] = {}
    for signal in signals:
        head = index.head_of.get(signal.deployment, "")
        if head in index.counted:
            hints.setdefault(head, []).append(_of_signal(signal, index))
    for head, found in signs.items():
        hints.setdefault(head, []).extend(sign for sign in found if sign.grade == "D")
    return Failures(
        known=_failures({head: [sign for sign in found if sign.grade != "D"] for head, found in signs.items()}, index),
        hinted=_failures(hints, index),
        unattributed=unattributed,
    )


class _Index:
    """Finds deployments by what people and tools call them."""

    def __init__(self, standings: Sequence[Standing], first_in: Callable[[str], str | None]) -> None:
        self.by_id = {each.deployment.id: each.deployment for each in standings}
        self.counted = {each.deployment.id for each in standings if each.counts}
        self.head_of = {each.deployment.id: each.head for each in standings if each.head}
        self._first_in = first_in
        self._names: dict[str, list[Standing]] = {}
        for each in standings:
            if each.head in self.counted:
                for name in (each.deployment.sha, plain_version(each.deployment.version), _own_id(each.deployment)):
                    self._names.setdefault(name, []).append(each)
        self._commits = sorted({each.deployment.sha for each in standings if each.deployment.sha})
        self._name_times: dict[str, list[int]] = {}
        self._moves = _Moves(each for each in standings if each.counts or each.role == "rollback")
        self._lanes: dict[tuple[str, str], list[Standing]] = {}
        for each in standings:
            if each.head:
                self._lanes.setdefault(_lane(each.deployment), []).append(each)
        self._times: dict[tuple[str, str], list[int]] = {}

    def find(self, name: str, before: int | None = None) -> str:
        """Id of the counted deployment that an id, a version or a commit means; empty when there is none.

        Of several, the last that began before a moment.
        """
        if self.head_of.get(name, "") in self.counted:
            return self.head_of[name]
        lowered = name.strip().lower()
        if not lowered:
            return ""
        known = next((each for each in (lowered, plain_version(lowered)) if each in self._names), "")
        if not known:
            known = self._full_id(lowered)
            if known not in self._names:
                return self._first_in(known) or ""
        found = self._names[known]
        if known not in self._name_times:
            self._name_times[known] = [each.deployment.finished_at for each in found]
        end = len(found) if before is None else bisect_right(self._name_times[known], before)
        return found[max(0, end - 1)].head

    def _full_id(self, short: str) -> str:
        if not _LEAST_SHORT_ID <= len(short) < _FULL_ID:
            return short
        at = bisect_left(self._commits, short)
        near = [sha for sha in self._commits[at : at + 2] if sha.startswith(short)]
        return near[0] if len(near) == 1 else short

    def last_move(self, at: int, service: str, environment: str) -> Standing | None:
        """What was deployed last at a moment, of a service and in an environment where those are named."""
        return self._moves.last(at, service, environment.lower())

    def next_in_lane(self, deployment: Deployment, at: int) -> Deployment | None:
        """The next successful deployment to the same place after a moment."""
        lane = _lane(deployment)
        if lane not in self._times:
            self._times[lane] = [each.deployment.finished_at for each in self._lanes.get(lane, ())]
        end = bisect_right(self._times[lane], at)
        following = self._lanes.get(lane, [])[end : end + 1]
        return following[0].deployment if following else None


class _Moves:
    """What an incident without a link is laid to: whatever changed what is live, by service and environment.

    What names none is about all of them, and an incident that names none about every deployment.
    """

    def __init__(self, moves: Iterable[Standing]) -> None:
        self._moves = list(moves)
        self._places: dict[tuple[str | None, str | None], list[int]] = {}
        for place, each in enumerate(self._moves):
            service, environment = _lane(each.deployment)
            for key in ((service, environment), (service, None), (None, environment), (None, None)):
                self._places.setdefault(key, []).append(place)

    def last(self, at: int, service: str, environment: str) -> Standing | None:
        """The last one up to a moment."""
        services: tuple[str | None, ...] = (service, "") if service else (None,)
        environments: tuple[str | None, ...] = (environment, "") if environment else (None,)
        latest = -1
        for key in product(services, environments):
            places = self._places.get(key, [])
            end = bisect_right(places, at, key=lambda place: self._moves[place].deployment.finished_at)
            latest = max(latest, places[end - 1] if end else -1)
        return self._moves[latest] if latest >= 0 else None


def _own_id(deployment: Deployment) -> str:
    """The id that an event file gave a deployment, as people write it in the incident that it caused."""
    return deployment.id.removeprefix("events:deployment:").strip().lower() if deployment.source == "events" else ""


def _lane(deployment: Deployment) -> tuple[str, str]:
    return deployment.service, deployment.environment.lower()


def _of_incident(incident: Incident, index: _Index, settings: Settings) -> tuple[list[str], _Sign, str]:
    """The counted deployments that an incident is laid to, the sign that it is, and else why there are none."""
    is_open = incident.resolved_at is None
    if incident.caused_by:
        found = {index.find(name, incident.opened_at) for name in incident.caused_by}
        because = f"incident {incident.id} names it as the cause"
        sign = _Sign("A", "incident", because, incident.resolved_at, is_open=is_open)
        return sorted(found - {""}), sign, "names a cause that is no counted deployment"
    move = index.last_move(incident.opened_at, incident.service, incident.environment)
    sign = _Sign("C", "incident", "", incident.resolved_at, is_open=is_open)
    if move is None:
        return [], sign, "no deployment came before it"
    after = incident.opened_at - move.deployment.finished_at
    if after > settings.attribution_window:
        hours = settings.attribution_window / 3600
        return [], sign, f"no deployment in the {hours:g} hours before it"
    if not move.counts:
        return [], sign, "what was deployed last before it was a rollback"
    because = f"incident {incident.id} was opened {after / 60:.0f} minutes after it, before the next deployment"
    return [move.deployment.id], sign._replace(because=because), ""


def _of_deployments(standings: Iterable[Standing], index: _Index) -> Iterable[tuple[str, _Sign]]:
    """What deployments tell of each other: links, rollbacks, and a status that turned bad."""
    for each in standings:
        one = each.deployment
        if each.head and one.remedies:
            head = index.find(one.remedies, one.finished_at - 1)
            if head and head != each.head:
                yield head, _Sign("A", "remedy", f"{one.id} is its remedy by its own word", one.finished_at, one.id)
        if each.reverses and each.reverses in index.counted:
            grade: Grade = "D" if one.source == "git" and not one.rollback else "B"
            yield each.reverses, _Sign(grade, "rollback", f"{one.id} rolled it back", one.finished_at, one.id)
        if one.failed_at is not None and each.head in index.counted:
            following = index.next_in_lane(one, max(one.failed_at, one.finished_at))
            because = f"{one.source} says that it went bad after it had been live"
            ended = following.finished_at if following else None
            yield each.head, _Sign("B", "status", because, ended, following.id if following else "")


def _of_signal(signal: FailureSignal, index: _Index) -> _Sign:
    remedy = index.by_id.get(signal.recovered_by)
    because = signal.because or f"a {signal.kind}"
    return _Sign("D", signal.kind, because, remedy.finished_at if remedy else None, signal.recovered_by)


def _failures(signs: Mapping[str, list[_Sign]], index: _Index) -> dict[str, Failure]:
    """Fold all signs of one deployment into one failure, in the order of the deployments."""
    failures = {}
    for head in sorted(filter(signs.__getitem__, signs), key=lambda id_: (index.by_id[id_].finished_at, id_)):
        found = sorted(signs[head], key=lambda sign: (sign.grade, sign.because, sign.by, sign.ended_at or 0))
        best = [sign for sign in found if sign.grade == found[0].grade]
        ended, by = _end(found)
        kinds = tuple(sorted({sign.kind for sign in found}))
        failures[head] = Failure(head, found[0].grade, _because(best), ended, by, kinds)
    return failures


def _because(signs: Sequence[_Sign]) -> str:
    lines = list(dict.fromkeys(sign.because for sign in signs))
    return lines[0] if len(lines) == 1 else f"{lines[0]} (and {len(lines) - 1} more)"


def _end(signs: Sequence[_Sign]) -> tuple[int | None, str]:
    """When a failure was over: when its last incident was; else, or while one stands open, with the first remedy."""
    incidents = [sign for sign in signs if sign.kind == "incident"]
    remedies = sorted((sign.ended_at, sign.by) for sign in signs if sign.by and sign.ended_at is not None)
    by = remedies[0][1] if remedies else ""
    if incidents and not any(sign.is_open for sign in incidents):
        return max(sign.ended_at for sign in incidents if sign.ended_at is not None), by
    return remedies[0] if remedies else (None, "")
