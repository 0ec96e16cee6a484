"""What the metrics are counted from: plain records that every source fills in the same way.

Times are whole seconds since 1970-01-01T00:00Z, fractions dropped. A field that a source does not know is empty or
None, never guessed; whoever counts decides what that means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from sp404audit.records import NamedTuple

__all__ = [
    "Availability",
    "Build",
    "Change",
    "Collected",
    "Deployment",
    "FailureSignal",
    "History",
    "Incident",
    "Note",
    "Outcome",
    "SourceReport",
]

Outcome = Literal["success", "failure", "cancelled", "running", "unknown"]
"""How an attempt ended. Only `success` ever counts as a deployment."""


class Deployment(NamedTuple):
    """One attempt to bring one revision into one environment.

    Attributes:
        id: unique over all sources: source, kind and name, such as `git:tag:v1.2.0` or `github:deployment:42`.
        source: the name of the source that tells of it: `git`, `github`, `events`.
        finished_at: when it was live, or when the attempt ended.
        outcome: how the attempt ended.
        sha: the full id of the commit that was deployed.
        version: the tag or release name.
        environment: as the source names it.
        production: whether the source itself calls the environment production; None when it does not say.
        service: which service of the repository; empty for the repository as one.
        prerelease: a release candidate, beta or the like.
        rollback: the source calls it a rollback.
        unplanned: the source calls it a remedy for a fault (label, branch, attribute): rework.
        failed_at: when the source says that it went bad after it had been live.
        remedies: what it repairs, as the source links it: the id, version or commit of an earlier deployment.
        url: where people look at it.
        basis: what it was recognised by (`tag`, `merge`, `deployment`, `release`, `workflow run`, `event`).
    """

    id: str
    source: str
    finished_at: int
    outcome: Outcome = "success"
    sha: str = ""
    version: str = ""
    environment: str = ""
    production: bool | None = None
    service: str = ""
    prerelease: bool = False
    rollback: bool = False
    unplanned: bool = False
    failed_at: int | None = None
    remedies: str = ""
    url: str = ""
    basis: str = ""


class Change(NamedTuple):
    """One commit on its way to production; merges are none.

    Attributes:
        sha: its full id.
        authored_at, committed_at: the times that git keeps; either may be wrong.
        author: the address of its author, for telling bots apart; no report shows it.
        is_bot: written by a program.
        merged_at: when it reached the main line, where that is known.
        first_commit_at: the first commit of its pull request, where that is known (a squash hides it).
        pull_request: number of its pull request; None when there is none or none is known.
        labels: of the pull request.
    """

    sha: str
    authored_at: int
    committed_at: int
    author: str = ""
    is_bot: bool = False
    merged_at: int | None = None
    first_commit_at: int | None = None
    pull_request: int | None = None
    labels: tuple[str, ...] = ()


class Incident(NamedTuple):
    """Something went wrong for users.

    Attributes:
        id: unique over all sources.
        opened_at: when it began or was noticed.
        resolved_at: when it was over; None while it is open.
        caused_by: what the source says caused it: ids, versions or commits of deployments. The strongest link.
        severity, service, environment, title, url: as the source tells them.
    """

    id: str
    source: str
    opened_at: int
    resolved_at: int | None = None
    caused_by: tuple[str, ...] = ()
    severity: str = ""
    service: str = ""
    environment: str = ""
    title: str = ""
    url: str = ""


class Build(NamedTuple):
    """One run of a pipeline, one attempt of it.

    Attributes:
        queued_at: when it was asked for; None when the source does not say.
        started_at, finished_at: of this attempt, until its last job ended; waiting for a runner is part of it.
        running_at: when its first job began to run; None when the source does not say. Until then it waited.
    """

    id: str
    source: str
    started_at: int
    finished_at: int
    outcome: Outcome = "success"
    queued_at: int | None = None
    workflow: str = ""
    branch: str = ""
    sha: str = ""
    attempt: int = 1
    url: str = ""
    running_at: int | None = None


class Availability(NamedTuple):
    """For how long one service was seen up, seen down, or not seen, in seconds; the three add up to until - since.

    Attributes:
        signal: what was looked at (`up`, `probe_success`, a recording rule), for the report to name.
        days: the same by day: start, up, down, unknown.
        remark: what limits it (short retention, which query form was used).
    """

    source: str
    service: str
    signal: str
    since: int
    until: int
    up: float
    down: float
    unknown: float
    days: tuple[tuple[int, float, float, float], ...] = ()
    remark: str = ""


class FailureSignal(NamedTuple):
    """A hint that a deployment failed, from something weaker than an incident record.

    Attributes:
        deployment: id of the one that failed.
        kind: `revert` (a lower bound), `patch-release` (an upper bound), `rollback`.
        recovered_by: id of the deployment that repaired it; empty while none has.
        because: one line for people: what was seen where.
    """

    deployment: str
    kind: Literal["revert", "patch-release", "rollback"]
    recovered_by: str = ""
    because: str = ""


class Note(NamedTuple):
    """Something that people should know of a source: what is missing or doubtful, and what they can do about it."""

    id: str
    message: str


class SourceReport(NamedTuple):
    """What a source was asked, and how far its answer reaches.

    Attributes:
        covers_since: from when on the source knows everything; None for always.
        partial: it had to stop early (budget, limit, error); figures from it are flagged.
        counts: how many records of each kind it gave.
    """

    name: str
    counts: Mapping[str, int] = {}
    covers_since: int | None = None
    partial: bool = False
    notes: tuple[Note, ...] = ()


class Collected(NamedTuple):
    """Everything that one source told, each list in order of time, then id."""

    report: SourceReport
    deployments: tuple[Deployment, ...] = ()
    changes: tuple[Change, ...] = ()
    incidents: tuple[Incident, ...] = ()
    builds: tuple[Build, ...] = ()
    availability: tuple[Availability, ...] = ()


class History(Protocol):
    """The commit graph, as `sources.git` reads it; None of it needs the network."""

    @property
    def squashed(self) -> bool:
        """Whether pull requests were squashed or rebased, so that a commit's time is the merge's."""

    def resolve(self, name: str) -> str | None:
        """The full id of the commit that a tag, a full or an unambiguous short id names."""

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether one commit is contained in the other (a commit contains itself)."""

    def attribute(self, tips: Sequence[str], paths: Sequence[str] = ()) -> Sequence[Sequence[Change]]:
        """For deployments in order of time, the changes that each was the first to contain; no change twice.

        The first list is what was there before measuring began. `paths` limits to changes that touch them.
        """

    def failure_signals(self, deployments: Sequence[Deployment], patch_window: int) -> tuple[FailureSignal, ...]:
        """What reverts and patch releases hint at, for deployments in order of time."""
