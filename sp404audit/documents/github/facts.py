"""What rules across files need to know of workflows and actions: plain facts, which outlive the documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.documents.yaml_tree import Mapping, Scalar, Sequence, text
from sp404audit.records import NamedTuple
from sp404audit.results import Location

if TYPE_CHECKING:
    from sp404audit.documents.github.action import Action
    from sp404audit.documents.github.steps import Step
    from sp404audit.documents.github.workflow import Job, Workflow
    from sp404audit.documents.model import Fact, Repository
    from sp404audit.documents.yaml_tree import Node

__all__ = [
    "ActionFact",
    "JobFact",
    "StepFact",
    "TriggerFact",
    "WorkflowFact",
    "action_facts",
    "steps_by_job",
    "workflow_facts",
]

Pairs = tuple[tuple[str, str], ...]


class TriggerFact(NamedTuple):
    """One event of a workflow; `filters` holds `branches`, `paths-ignore`, `types`, `cron` … as written."""

    name: str
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    location: Location

    def filter(self, name: str) -> tuple[str, ...] | None:
        """The values of one filter; None when the event has no such filter."""
        return next((values for key, values in self.filters if key == name), None)


class WorkflowFact(NamedTuple):
    """A workflow. `name` is its name or its path; `permissions` is as in JobFact."""

    location: Location
    path: str
    name: str
    triggers: tuple[TriggerFact, ...]
    jobs: tuple[str, ...]
    permissions: Pairs | None
    concurrency: str | None
    cancel_in_progress: str | None
    env: Pairs
    is_fragment: bool

    def trigger(self, *names: str) -> TriggerFact | None:
        """The first of these events that starts the workflow."""
        return next((trigger for trigger in self.triggers if trigger.name in names), None)


class JobFact(NamedTuple):
    """A job of a workflow; the nameless one of a fragment is none.

    Texts are as written, expressions and all; None where the key is missing.

    Attributes:
        location: of the job's id.
        path: the workflow's file.
        workflow: the workflow's name, or its path.
        triggers: the events of the workflow.
        needs: the ids as written; the graph may hold cycles and ids of no job.
        condition: the text of `if:`.
        environment: the name of the deployment environment; an empty text when it is there without a readable name.
        uses: the reusable workflow that the job calls.
        permissions: level by scope as the job declares it; `("*", "read")` for `read-all`; None when it says nothing.
        concurrency: the group, with `cancel_in_progress` beside it.
        secrets: `inherit`, or nothing.
        end_line: the last line of the job.
        timeout_location: of the value, where there is one.
        steps_have_timeouts: whether there are steps and each has `timeout-minutes` of its own.
        is_never_run: the condition is false whatever happens.
        matrix: the values of each plain axis of the matrix, where the file alone decides on them.
    """

    location: Location
    path: str
    workflow: str
    id: str
    name: str
    triggers: tuple[TriggerFact, ...]
    needs: tuple[str, ...]
    condition: str | None
    environment: str | None
    timeout: str | None
    uses: str | None
    runs_on: tuple[str, ...]
    container: str | None
    has_matrix: bool
    continue_on_error: str | None
    concurrency: str | None
    cancel_in_progress: str | None
    permissions: Pairs | None
    with_: Pairs
    secrets: str
    env: Pairs
    steps: int
    end_line: int
    timeout_location: Location | None
    steps_have_timeouts: bool
    is_never_run: bool
    matrix: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def trigger(self, *names: str) -> TriggerFact | None:
        """The first of these events that starts the workflow."""
        return next((trigger for trigger in self.triggers if trigger.name in names), None)


class StepFact(NamedTuple):
    """A step of a job, of a fragment (job is empty) or of a composite action (job is empty).

    Attributes:
        location: of the step.
        path: the file.
        job: the id of its job.
        position: its place among the job's steps, from 0.
        uses: as written; `action` is `owner/repo/path` in lower case, `ref` what follows the `@`.
        with_: the inputs, names in lower case.
        env: the variables that the step itself sets.
        run: the command as written; None when it uses an action.
        shell: what `shell:` or the defaults say; None when nothing.
        is_never_run: the condition is false whatever happens.
    """

    location: Location
    path: str
    job: str
    position: int
    id: str
    name: str
    uses: str | None
    action: str
    ref: str
    with_: Pairs
    env: Pairs
    run: str | None
    shell: str | None
    working_directory: str | None
    condition: str | None
    continue_on_error: str | None
    is_never_run: bool

    def input(self, name: str) -> str | None:
        """The value of an input, by its name in lower case."""
        return next((value for key, value in self.with_ if key == name), None)


class ActionFact(NamedTuple):
    """An action of this repository. `using` is `composite`, `docker`, `node20` …; `image` that of a Docker action."""

    location: Location
    path: str
    name: str
    using: str
    image: str | None
    steps: int


def steps_by_job(repository: Repository) -> dict[tuple[str, str], tuple[StepFact, ...]]:
    """Return the steps of each job, in order, by the workflow's path and the job's id; the job of an action is empty.

    Ask by `repository.derived(steps_by_job)`.
    """
    found: dict[tuple[str, str], list[StepFact]] = {}
    for step in repository.facts(StepFact):
        found.setdefault((step.path, step.job), []).append(step)
    return {key: tuple(steps) for key, steps in found.items()}


def workflow_facts(workflow: Workflow) -> Iterator[Fact]:
    """Yield the facts of a workflow: itself, its jobs and steps, their commands, images and builds."""
    from sp404audit.documents.github.images import image_facts
    from sp404audit.documents.github.step_shell import step_commands

    path = workflow.path
    triggers = tuple(
        TriggerFact(trigger.name, trigger.filters, Location(path, trigger.region))
        for trigger in workflow.triggers.values()
    )
    group, cancel = _concurrency(workflow.concurrency)
    yield WorkflowFact(
        Location(path, workflow.region),
        path,
        workflow.name,
        triggers,
        tuple(workflow.jobs),
        _permissions(workflow),
        group,
        cancel,
        _pairs(workflow.env),
        workflow.fragment is not None,
    )
    for job in workflow.all_jobs:
        if job.id:
            yield _job_fact(job, triggers)
        for step in job.steps:
            yield _step_fact(step, path, job.id)
            yield from step_commands(step, path, workflow.problems)
        yield from image_facts(job)


def action_facts(action: Action) -> Iterator[Fact]:
    """Yield the facts of an action: itself, its steps and their commands."""
    from sp404audit.documents.github.images import action_image_facts
    from sp404audit.documents.github.step_shell import step_commands

    image = action.image
    yield ActionFact(
        Location(action.path, action.region),
        action.path,
        action.name,
        action.using,
        image.value if image else None,
        len(action.steps),
    )
    for step in action.steps:
        yield _step_fact(step, action.path, "")
        yield from step_commands(step, action.path, action.problems)
    yield from action_image_facts(action)


def _job_fact(job: Job, triggers: tuple[TriggerFact, ...]) -> JobFact:
    path = job.workflow.path
    group, cancel = _concurrency(job.concurrency)
    environment = job.environment
    timeout = job.timeout
    return JobFact(
        Location(path, job.region),
        path,
        job.workflow.name,
        job.id,
        job.name,
        triggers,
        tuple(scalar.value for scalar in job.needs),
        _value(job.condition),
        environment.value if environment else "" if "environment" in job.node else None,
        _value(timeout),
        job.uses.text if job.uses else None,
        tuple(scalar.value for scalar in job.runs_on),
        _value(job.container_image),
        job.matrix is not None,
        _value(job.continue_on_error),
        group,
        cancel,
        _permissions(job),
        _pairs(job.with_),
        text(job.secrets) or "",
        _pairs(job.env),
        len(job.steps),
        job.node.lines[1],
        Location(path, timeout.region) if timeout else None,
        bool(job.steps) and all(step.timeout is not None for step in job.steps),
        job.is_never_run,
        tuple(_axes(job)),
    )


def _axes(job: Job) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The axes of a job's matrix, and what `include` adds, with values that hold no expression."""
    matrix = job.matrix
    if matrix is None:
        return
    names = [name for name, _ in matrix.axes()]
    include = matrix.node.get("include") if matrix.node is not None else None
    entries = [entry for entry in include if isinstance(entry, Mapping)] if isinstance(include, Sequence) else []
    names += [name.lower() for entry in entries for name, _, _ in entry.pairs()]
    for name in dict.fromkeys(names):
        values = [scalar.value for scalar in matrix.values((name,)) or ()]
        if values and not any("${{" in value for value in values):
            yield name, tuple(dict.fromkeys(values))


def _step_fact(step: Step, path: str, job: str) -> StepFact:
    uses = step.uses
    inputs = _pairs(step.with_)
    return StepFact(
        Location(path, step.region),
        path,
        job,
        step.index,
        step.id,
        step.name,
        uses.text if uses else None,
        uses.action if uses else "",
        uses.ref if uses else "",
        tuple([(name.lower(), value) for name, value in inputs]),
        _pairs(step.env),
        _value(step.run),
        _value(step.shell),
        _value(step.working_directory),
        _value(step.condition),
        _value(step.continue_on_error),
        step.is_never_run,
    )


def _value(scalar: Scalar | None) -> str | None:
    return scalar.value if scalar is not None else None


def _pairs(node: Mapping | None) -> Pairs:
    """The scalars of a mapping, by name."""
    if node is None:
        return ()
    return tuple([(name, value.value) for name, (_, value) in node.index().items() if isinstance(value, Scalar)])


def _permissions(holder: Workflow | Job) -> Pairs | None:
    permissions = holder.permissions
    if permissions is None:
        return None
    if permissions.whole:
        return (("*", permissions.whole.removesuffix("-all")),)
    return tuple(permissions.scopes.items())


def _concurrency(node: Node | None) -> tuple[str | None, str | None]:
    """The group and `cancel-in-progress` of a `concurrency:`."""
    if isinstance(node, Mapping):
        return text(node.get("group")), text(node.get("cancel-in-progress"))
    return text(node), None
