"""What CDEvents mean together: which commit an artifact was made of, when a run began, what caused an incident.

| type | here |
|---|---|
| service.deployed, service.upgraded | a deployment |
| service.rolledback | a deployment that is a rollback |
| incident.detected, incident.reported, incident.resolved | an incident, joined by the subject |
| ticket.created, ticket.closed | an incident, when the type of the ticket is `incident` |
| pipelinerun.finished | a build; when it began comes from pipelinerun.queued and .started of the same subject |
| pipelinerun.finished with `deployment: true` in customData | an attempt to deploy, with its outcome |
| change.merged | when a change was merged |
| artifact.packaged, artifact.published | which commit an artifact was made of |

All others are counted and not used. A deployment's commit comes from `customData.sha`, else from its artifact
(a commit in the package URL, or `change.id` of the event that packaged it), else from the one commit that events of the
same chain name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from sp404audit.dora.events import Build, Change, Deployment, Incident
from sp404audit.dora.sources.files.cdevents import CDEvent
from sp404audit.dora.sources.files.own import SOURCE, Event
from sp404audit.dora.sources.files.problems import Place, Problems, RecordError
from sp404audit.dora.sources.files.spells import Sign, Signal, incidents_of
from sp404audit.dora.sources.files.values import boolean, commit, full_commit, http_url, moment, outcome, text, words
from sp404audit.lazy import regex

__all__ = ["join"]

_DEPLOYED = ("service.deployed", "service.upgraded", "service.rolledback")
_INCIDENT: Mapping[str, Sign] = {
    "incident.detected": "open",
    "incident.reported": "open",
    "incident.resolved": "resolved",
}
_TICKET: Mapping[str, Sign] = {"ticket.created": "open", "ticket.closed": "resolved"}
_PACKAGED = ("artifact.packaged", "artifact.published")
# A package URL: pkg:type/namespace/name@version?qualifiers#subpath (ECMA-427); only its version matters here.
_PURL = regex(r"pkg:[A-Za-z0-9.+-]{1,40}/[^@?#]{1,1000}@([^?#]{1,1000})(?:[?#].*)?")
_SHA1_DIGITS = 40
_MAX_SAME_ID = 10  # an id is unique together with its source only; more than a few of one are no help
_DIGEST = regex(r"sha(?:256|384|512):[0-9a-fA-F]+")

Told = tuple[CDEvent, Place]


def join(told: Iterable[Told], problems: Problems) -> list[Event]:
    """Turn all CDEvents of all files into events.

    Args:
        told: the events with their places; the same event twice counts once.
        problems: takes what could not be used.
    """
    unique: dict[tuple[str, str], Told] = {}
    for event, place in told:
        key = (event.source, event.id)
        known = unique.setdefault(key, (event, place))
        if known[0] != event:
            problems.remark("events/duplicate", "{n} CDEvents share id and source and differ: one of each was used")
            unique[key] = min(known, (event, place), key=repr)
    return _Joiner(sorted(unique.values(), key=_order), problems).events()


def _order(told: Told) -> tuple[object, ...]:
    """By time; at the same second a run is queued before it starts and starts before it ends."""
    event = told[0]
    rank = {"queued": 0, "started": 1}.get(event.predicate, 2)
    return event.at, rank, event.source, event.id


class _Joiner:
    """Holds what events say of each other while they are turned into ours."""

    def __init__(self, told: list[Told], problems: Problems) -> None:
        self.told = told
        self.problems = problems
        self.packaged = _commits_of_artifacts(told)
        self.chains = _commits_of_chains(told)
        self.deployed_by_event: dict[str, list[str]] = {}
        self.deployed_by_artifact: dict[tuple[str, str], tuple[list[int], list[str]]] = {}
        self.begun: dict[tuple[str, str], list[CDEvent]] = {}

    def events(self) -> list[Event]:
        """Everything that the events come to; deployments first, for incidents point to them."""
        made: list[Event] = []
        for event, place in self.told:
            try:
                made += self._single(event)
            except RecordError as error:
                self.problems.lost(place, error.id, str(error))
        signals = []
        for event, place in self.told:
            try:
                signal = self._signal(event, place)
            except RecordError as error:
                self.problems.lost(place, error.id, str(error))
                continue
            if signal:
                signals.append(signal)
        return made + list(incidents_of(signals, self.problems))

    def _single(self, event: CDEvent) -> list[Event]:
        kind = event.kind
        if kind in _DEPLOYED:
            return [self._deployed(event, self._deployment(event, rollback=kind == "service.rolledback"))]
        if event.subject_kind == "pipelinerun":
            return self._run(event)
        if kind == "change.merged":
            return self._merged(event)
        if kind not in _INCIDENT and kind not in _TICKET and kind not in _PACKAGED:
            self.problems.remark("events/ignored", f"{{n}} CDEvents of type {kind} mean nothing to the metrics")
        return []

    def _deployed(self, event: CDEvent, deployment: Deployment) -> Deployment:
        """Keep a deployment in mind for the incidents that point to it."""
        self.deployed_by_event.setdefault(event.id, []).append(deployment.id)
        if artifact := event.part("artifactId"):
            for environment in {"", deployment.environment}:
                times, ids = self.deployed_by_artifact.setdefault((artifact, environment), ([], []))
                times.append(event.at)
                ids.append(deployment.id)
        return deployment

    def _deployment(self, event: CDEvent, *, rollback: bool = False) -> Deployment:
        custom = event.custom
        artifact = event.part("artifactId")
        sha = self._commit(event, artifact)
        if not sha:
            hint = "put it into customData.sha, or send artifact.packaged with change.id"
            self.problems.remark("events/no-commit", f"{{n}} deployments of CDEvents name no commit; {hint}")
        return Deployment(
            _name("deployment", event),
            SOURCE,
            event.at,
            sha=sha,
            version=_custom(custom, "version") or _version(artifact),
            environment=event.part("environment", "id") or _custom(custom, "environment"),
            production=boolean(custom["production"], "customData.production") if "production" in custom else None,
            service=event.subject_id if event.subject_kind == "service" else _custom(custom, "service"),
            prerelease=_flag(custom, "prerelease"),
            rollback=rollback or _flag(custom, "rollback"),
            unplanned=_flag(custom, "unplanned"),
            failed_at=moment(custom["failed_at"], "customData.failed_at") if custom.get("failed_at") else None,
            remedies=_custom(custom, "remedies"),
            url=_url(event),
            basis="event",
        )

    def _commit(self, event: CDEvent, artifact: str = "") -> str:
        if event.custom.get("sha"):
            return commit(event.custom["sha"], "customData.sha")
        known = _commit_in(artifact) or self.packaged.get(artifact, "")
        if known or not event.chain:
            return known
        of_chain = self.chains.get(event.chain, set())
        return next(iter(of_chain)) if len(of_chain) == 1 else ""

    def _run(self, event: CDEvent) -> list[Event]:
        run = (event.subject_source, event.subject_id)
        if event.predicate != "finished":
            self.begun.setdefault(run, []).append(event)
            return []
        ended = event.part("outcome")
        verdict = outcome(ended, "subject.content.outcome") if ended else "unknown"
        if _flag(event.custom, "deployment"):
            return [self._deployed(event, self._deployment(event)._replace(outcome=verdict))]
        began = self.begun.pop(run, [])
        queued = _first(began, "queued", event.custom, "queued_at")
        started = _first(began, "started", event.custom, "started_at")
        if started is None:
            way_out = "send pipelinerun.started of the same subject, or customData.started_at"
            raise RecordError(
                f"pipelinerun {event.subject_id}: when it began is not known; {way_out}", "events/no-start"
            )
        if started > event.at:
            raise RecordError(f"pipelinerun {event.subject_id} ends before it begins")
        attempt = event.custom.get("attempt", 1)
        return [
            Build(
                _name("build", event),
                SOURCE,
                started,
                event.at,
                verdict,
                queued if queued is None or queued <= started else None,
                event.part("pipelineName"),
                _custom(event.custom, "branch"),
                self._commit(event),
                attempt if isinstance(attempt, int) and 0 < attempt < 1_000_000 else 1,
                _url(event),
            )
        ]

    def _merged(self, event: CDEvent) -> list[Event]:
        """A merge is known by its commit; other times of the change are git's to tell."""
        sha = full_commit(event.custom.get("sha")) or full_commit(event.subject_id)
        if not sha:
            hint = "put it into customData.sha"
            self.problems.remark("events/no-commit", f"{{n}} merged changes of CDEvents name no commit; {hint}")
            return []
        number = event.subject_id
        pull_request = int(number) if number.isascii() and number.isdigit() and len(number) <= 9 else None
        return [Change(sha, event.at, event.at, merged_at=event.at, pull_request=pull_request)]

    def _signal(self, event: CDEvent, place: Place) -> Signal | None:
        sign = _INCIDENT.get(event.kind)
        if sign is None and event.part("ticketType").lower() == "incident":
            sign = _TICKET.get(event.kind)
        if sign is None:
            return None
        custom = event.custom
        key = f"{event.subject_source}#{event.subject_id}"
        incident = Incident(
            f"{SOURCE}:incident:{key}",
            SOURCE,
            0,
            caused_by=self._causes(event),
            severity=_custom(custom, "severity") or event.part("priority"),
            service=event.part("service", "id"),
            environment=event.part("environment", "id"),
            title=_custom(custom, "title") or event.part("description") or event.part("summary"),
            url=http_url(event.part("ticketURI") or event.part("uri"), "url") or _url(event),
        )
        began = moment(custom["opened_at"], "customData.opened_at") if custom.get("opened_at") else None
        return Signal(key, event.at, sign, incident, place, began, self._artifact_of(event))

    def _causes(self, event: CDEvent) -> tuple[str, ...]:
        """The deployments that an incident is linked to: by relation, and by what customData says."""
        names = words(event.custom["caused_by"], "customData.caused_by") if event.custom.get("caused_by") else ()
        found: list[str] = []
        for name in names:
            found += self.deployed_by_event.get(name, [name])[:_MAX_SAME_ID]
        for name in event.targets:
            found += self.deployed_by_event.get(name, [])[:_MAX_SAME_ID]
        return tuple(dict.fromkeys(found))

    def _artifact_of(self, event: CDEvent) -> str:
        """The deployment that had last brought the artifact of an incident into its environment."""
        key = (event.part("artifactId"), event.part("environment", "id"))
        times, ids = self.deployed_by_artifact.get(key, ([], []))
        after = bisect_right(times, event.at)
        return ids[after - 1] if after else ""


def _commits_of_artifacts(told: list[Told]) -> dict[str, str]:
    found: dict[str, str] = {}
    for event, _ in told:
        if event.kind in _PACKAGED:
            sha = full_commit(event.custom.get("sha")) or full_commit(event.part("change", "id"))
            if sha:
                found.setdefault(event.subject_id, sha)
    return found


def _commits_of_chains(told: list[Told]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for event, _ in told:
        named = full_commit(event.custom.get("sha")) or full_commit(event.part("change", "id"))
        if event.subject_kind == "change":
            named = named or full_commit(event.subject_id)
        if event.chain and named:
            found.setdefault(event.chain, set()).add(named)
    return found


def _first(began: list[CDEvent], predicate: str, custom: Mapping[str, Any], key: str) -> int | None:
    times = [event.at for event in began if event.predicate == predicate]
    if times:
        return min(times)
    return moment(custom[key], f"customData.{key}") if custom.get(key) else None


def _commit_in(artifact: str) -> str:
    """The commit that a package URL has for its version, as those of forges do (`pkg:github/…`)."""
    match = _PURL.fullmatch(artifact)
    return full_commit(match[1]) if match and len(match[1]) == _SHA1_DIGITS else ""


def _version(artifact: str) -> str:
    """The version in a package URL, unless it is a digest or a commit."""
    from urllib.parse import unquote

    match = _PURL.fullmatch(artifact)
    version = unquote(match[1]) if match else ""
    return "" if _DIGEST.fullmatch(version) or full_commit(version) else version


def _name(kind: str, event: CDEvent) -> str:
    return f"{SOURCE}:{kind}:{event.source}#{event.id}"


def _custom(custom: Mapping[str, Any], key: str) -> str:
    return text(custom[key], f"customData.{key}") if custom.get(key) else ""


def _flag(custom: Mapping[str, Any], key: str) -> bool:
    return boolean(custom[key], f"customData.{key}") if custom.get(key) not in (None, "") else False


def _url(event: CDEvent) -> str:
    return http_url(event.custom.get("url") or event.part("url") or event.part("uri"), "url")
