"""The pipeline of a repository as one model, across its workflows, actions, scripts and task files.

For each job: the commands and actions that really run, followed through composite actions, reusable workflows of this
repository, make, npm, tox and their like, and scripts; what each of them does (`commands.Activity`), and whether its
failure would fail the job. Between jobs: what must have succeeded before one starts, across `needs`, reusable
workflows and `workflow_run`. Rules ask `pipeline_of(repository)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from sp404audit.documents.github.facts import JobFact, StepFact, TriggerFact, WorkflowFact
from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline.activities import Activity
from sp404audit.documents.pipeline.runs import Follower, Opaque, Run
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Opaque", "Pipeline", "PipelineJob", "Run", "Upstream", "pipeline_of"]

_CLOCK = regex(r"github\.event_name\s*==\s*'(?:schedule|workflow_dispatch)'")
_MOST_JOBS = 500
"""Jobs of one workflow that are looked at; a run of GitHub has 256 at most of a matrix, and fewer by hand."""
_MOST_CALLS = 20_000
_DEPTH = 8
"""How many reusable workflows may be nested: GitHub allows ten."""

KINDS = ("workflow", "action", "shell", "makefile", "justfile", "python-project", "node-project", "build-project")
"""The kinds of file that say what jobs run."""
_REWRITABLE = frozenset({"lint", "format", "typecheck", "test"})
"""Roles that are no gate when their options keep them from failing; a scan that only reports still is a scan."""
PULL_REQUEST = frozenset({"pull_request", "pull_request_target", "merge_group"})


class PipelineJob:
    """A job with what it runs.

    Attributes:
        pipeline: the pipeline that it belongs to.
        fact: the job as written.
        runs: its commands and actions, in order.
        opaque: what it runs that the repository does not hold: workflows and actions of others that may do anything.
        callers: the jobs that call its workflow.
        callees: the jobs of the workflow that it calls.
        triggers: the events that start its workflow, those of its callers included.
    """

    kinds: ClassVar[tuple[str, ...]] = KINDS

    def __init__(self, pipeline: Pipeline, fact: JobFact, runs: tuple[Run, ...], opaque: tuple[Opaque, ...]) -> None:
        self.pipeline = pipeline
        self.fact = fact
        self.runs = runs
        self.opaque = opaque
        self.callers: list[PipelineJob] = []
        self.callees: list[PipelineJob] = []
        self.triggers: tuple[TriggerFact, ...] = fact.triggers

    @staticmethod
    def in_repository(repository: Repository) -> Iterable[PipelineJob]:
        """Every job of the repository's workflows."""
        return pipeline_of(repository)

    def __repr__(self) -> str:
        return f"PipelineJob({self.fact.path}:{self.fact.id})"

    @property
    def location(self) -> Location:
        """Where the job stands."""
        return self.fact.location

    @property
    def key(self) -> tuple[str, str]:
        """The workflow's path and the job's id."""
        return self.fact.path, self.fact.id

    @property
    def label(self) -> str:
        """What to call the job in a message."""
        return f"job '{self.fact.id}'"

    @property
    def is_tolerated(self) -> bool:
        """Whether the job's failure is no failure of the workflow: `continue-on-error: true`."""
        return (self.fact.continue_on_error or "").strip().lower() == "true"

    @property
    def never_runs(self) -> bool:
        """Whether no event ever starts the job."""
        return self.fact.is_never_run

    @property
    def events(self) -> frozenset[str]:
        """The names of the events that start it."""
        return frozenset(trigger.name for trigger in self.triggers)

    @property
    def gates_changes(self) -> bool:
        """Whether it runs on changes that people propose or push, and not only by the clock or by hand."""
        return bool(self.events & (PULL_REQUEST | {"push"}))

    def activities(self, *roles: str) -> Iterator[tuple[Run, Activity]]:
        """Yield what the job does in one of these roles, whether or not a failure counts."""
        for run in self.runs:
            for activity in run.activities:
                if activity.role in roles:
                    yield run, activity

    @property
    def is_by_clock_or_hand(self) -> bool:
        """Whether its condition lets only schedules or manual starts through."""
        return is_by_clock_or_hand(self.fact.condition)

    def does(self, *roles: str) -> bool:
        """Whether the job does something in one of these roles, such that its failure fails the job."""
        if self.never_runs or self.is_tolerated:
            return False
        return any(
            not run.swallowed and not (activity.role in _REWRITABLE and activity.fails is False)
            for run, activity in self.activities(*roles)
        )


class Upstream(NamedTuple):
    """What must have succeeded before a job starts: on each way that leads to it.

    `ways` holds a set of jobs for each way (each caller of its workflow is one). `broken` says which condition lets the
    job start although what it needs has failed.
    """

    ways: tuple[tuple[PipelineJob, ...], ...]
    broken: str = ""


class Pipeline:
    """Every job of a repository. Made by `pipeline_of`."""

    def __init__(self, repository: Repository) -> None:
        self.workflows: dict[str, WorkflowFact] = {fact.path: fact for fact in repository.facts(WorkflowFact)}
        follower = Follower(repository)
        self.jobs: dict[tuple[str, str], PipelineJob] = {}
        self._by_path: dict[str, list[PipelineJob]] = {}
        self._needed_by: dict[tuple[str, str], list[PipelineJob]] = {}
        self._doing: dict[tuple[str, ...], tuple[PipelineJob, ...]] = {}
        for fact in repository.facts(JobFact):
            siblings = self._by_path.setdefault(fact.path, [])
            if len(siblings) < _MOST_JOBS:
                self._add(PipelineJob(self, fact, *follower.job(fact)), siblings)
        self._steps = follower.steps
        self._connect_calls()
        self._inherit_triggers()

    def __iter__(self) -> Iterator[PipelineJob]:
        return iter(self.jobs.values())

    def _add(self, job: PipelineJob, siblings: list[PipelineJob]) -> None:
        siblings.append(job)
        self.jobs[job.key] = job
        for name in dict.fromkeys(job.fact.needs):
            self._needed_by.setdefault((job.fact.path, name), []).append(job)

    def _connect_calls(self) -> None:
        left = _MOST_CALLS
        for job in self:
            target = _local_workflow(job.fact.uses)
            for callee in self.jobs_of(target)[:left] if target else ():
                left -= 1
                job.callees.append(callee)
                callee.callers.append(job)

    def _inherit_triggers(self) -> None:
        """A reusable workflow runs on the events of those that call it, and on events of its own."""
        for _ in range(_DEPTH):
            changed = False
            for job in self:
                merged = dict.fromkeys([*job.triggers, *(one for caller in job.callers for one in caller.triggers)])
                if len(merged) != len(job.triggers):
                    job.triggers = tuple(merged)
                    changed = True
            if not changed:
                return

    def jobs_of(self, path: str) -> list[PipelineJob]:
        """The jobs of one workflow."""
        return self._by_path.get(path, [])

    def doing(self, *roles: str) -> tuple[PipelineJob, ...]:
        """The jobs that do something in one of these roles, such that its failure fails them."""
        if roles not in self._doing:
            self._doing[roles] = tuple(job for job in self if job.does(*roles))
        return self._doing[roles]

    def steps_of(self, job: PipelineJob) -> tuple[StepFact, ...]:
        """The steps of a job as written."""
        return self._steps.get(job.key, ())

    @property
    def opaque(self) -> tuple[Opaque, ...]:
        """What jobs run that the repository does not hold."""
        return tuple(one for job in self for one in job.opaque if not job.never_runs)

    def upstream(self, job: PipelineJob) -> Upstream:
        """What must have succeeded before a job starts."""
        from sp404audit.documents.pipeline.needs import upstream

        return upstream(self, job)

    def downstream(self, job: PipelineJob) -> tuple[PipelineJob, ...]:
        """The jobs of the same workflow that need a job, at any distance."""
        found: dict[tuple[str, str], PipelineJob] = {}
        pending = [job]
        while pending:
            current = pending.pop()
            for other in self._needed_by.get(current.key, ()):
                if other.key not in found:
                    found[other.key] = other
                    pending.append(other)
        return tuple(found.values())


def is_by_clock_or_hand(condition: str | None) -> bool:
    """Whether a condition asks for a schedule or a manual start, and for nothing else instead."""
    text = condition or ""
    return "||" not in text and _CLOCK.search(text) is not None


def with_callees(jobs: Iterable[PipelineJob]) -> tuple[PipelineJob, ...]:
    """The jobs, and those of the workflows that they call."""
    found: dict[tuple[str, str], PipelineJob] = {}
    pending = list(jobs)
    while pending:
        job = pending.pop()
        if job.key not in found:
            found[job.key] = job
            pending += job.callees
    return tuple(found.values())


def pipeline_of(repository: Repository) -> Pipeline:
    """The pipeline of a repository, put together once."""
    return repository.derived(Pipeline)


def _local_workflow(uses: str | None) -> str:
    """The path of a reusable workflow of this repository; empty for any other."""
    text = (uses or "").strip()
    for prefix in ("./", "$/"):
        if text.startswith(prefix):
            return text[len(prefix) :].partition("@")[0]
    return ""
