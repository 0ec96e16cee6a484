"""What must have succeeded before a job starts.

GitHub skips a job when any job in the chain of its `needs` failed or was skipped, unless the job's condition holds
`always()`, `cancelled()` or `failure()` (https://docs.github.com/actions, "Using jobs", "Using conditions"): then only
what the condition itself asks of `needs.<job>.result` counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from sp404audit.documents.github import expression
from sp404audit.documents.pipeline.model import Pipeline, PipelineJob, Upstream, with_callees

__all__ = ["upstream"]

_DEPTH = 8
_MOST_WAYS = 100
"""Callers that are followed; each is a way on which the gates must stand."""
_OVERRIDES = frozenset({"always", "cancelled", "failure"})
_ALL_GREEN = ("re-actors/alls-green",)


def upstream(pipeline: Pipeline, job: PipelineJob) -> Upstream:
    """What must have succeeded before `job` starts, on each way that leads to it."""
    ways = _ways(pipeline, job, _DEPTH, [_MOST_WAYS])
    expanded = tuple(tuple(other for other in with_callees(way) if other is not job) for way in ways)
    return Upstream(expanded, _override(job))


def _ways(pipeline: Pipeline, job: PipelineJob, depth: int, left: list[int]) -> list[tuple[PipelineJob, ...]]:
    """The jobs before one, for each way: one for each caller of its workflow, one for events of its own."""
    own = tuple(_guaranteed(pipeline, job))
    own += tuple(_after_workflow_run(pipeline, job))
    ways: list[tuple[PipelineJob, ...]] = []
    if depth > 0:
        for caller in job.callers:
            left[0] -= 1
            if left[0] < 0:
                break
            ways += [own + way for way in _ways(pipeline, caller, depth - 1, left)]
    events = {trigger.name for trigger in job.fact.triggers} - {"workflow_call"}
    if events or not ways:
        ways.append(own)
    return ways


def _guaranteed(pipeline: Pipeline, job: PipelineJob) -> Iterable[PipelineJob]:
    """The jobs whose failure keeps `job` from starting, within its workflow."""
    found: dict[tuple[str, str], PipelineJob] = {}
    pending = [(job, False)]
    while pending:
        current, whole_chain = pending.pop()
        names = current.fact.needs if whole_chain or not _override(current) else _asked_for(pipeline, current)
        # Without an override the whole chain of needs counts, whatever the jobs in between say.
        chained = whole_chain or not _override(current)
        for name in names:
            needed = pipeline.jobs.get((job.fact.path, name))
            if needed is not None and needed.key not in found:
                found[needed.key] = needed
                pending.append((needed, chained))
    return found.values()


def _condition(job: PipelineJob) -> expression.Node | None:
    if not job.fact.condition:
        return None
    try:
        return expression.parse_condition(job.fact.condition)
    except expression.ExpressionError:
        return None


def _override(job: PipelineJob) -> str:
    """The status function with which a job starts although something before it failed; empty when there is none."""
    tree = _condition(job)
    for node in expression.walk(tree) if tree is not None else ():
        if isinstance(node, expression.Call) and node.name.lower() in _OVERRIDES:
            return f"{node.name}()"
    return ""


def _asked_for(pipeline: Pipeline, job: PipelineJob) -> tuple[str, ...]:
    """The needed jobs of which the condition, or a step that fails otherwise, asks that they succeeded."""
    tree = _condition(job)
    asked: set[str] = set()
    for node in expression.walk(tree) if tree is not None else ():
        if isinstance(node, expression.Comparison) and node.operator == "==":
            asked |= _succeeded(node)
        elif isinstance(node, expression.Not) and _looks_at_all(node.operand):
            asked |= set(job.fact.needs)
    for step in pipeline.steps_of(job):
        if step.action in _ALL_GREEN or _fails_unless_green(step.condition, step.run):
            asked |= set(job.fact.needs)
    return tuple(name for name in job.fact.needs if name in asked)


def _succeeded(node: expression.Comparison) -> set[str]:
    """The job of `needs.job.result == 'success'`."""
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(side, expression.Context) and isinstance(other, expression.Literal):
            path = tuple(part.lower() for part in side.path)
            if len(path) == 3 and path[0] == "needs" and path[2] == "result" and other.value == "success":
                return {side.path[1]}
    return set()


def _looks_at_all(node: expression.Node) -> bool:
    """Whether this is `contains(needs.*.result, 'failure')`."""
    return (
        isinstance(node, expression.Call)
        and node.name.lower() == "contains"
        and any(reference.path[:1] == ("needs",) for reference in expression.references(node))
        and any(isinstance(one, expression.Literal) and one.value == "failure" for one in node.arguments)
    )


def _fails_unless_green(condition: str | None, run: str | None) -> bool:
    """Whether a step looks at the results of the needed jobs, in its condition or its text, and ends with an error."""
    looks = "needs." in (condition or "") or "needs." in (run or "") or "toJSON(needs)" in (run or "")
    return looks and run is not None and ("exit 1" in run or "false" in run.split() or "exit $" in run or "[" in run)


def _after_workflow_run(pipeline: Pipeline, job: PipelineJob) -> list[PipelineJob]:
    """The jobs of the workflows that a `workflow_run` waits for, when the job asks that they succeeded."""
    trigger = job.fact.trigger("workflow_run")
    if trigger is None or not _asks_for_success(pipeline, job):
        return []
    names = trigger.filter("workflows") or ()
    paths = [fact.path for fact in pipeline.workflows.values() if fact.name in names]
    return [other for path in paths for other in pipeline.jobs_of(path) if not other.is_tolerated]


def _asks_for_success(pipeline: Pipeline, job: PipelineJob) -> bool:
    """Whether the job, or one that it needs, asks for `github.event.workflow_run.conclusion == 'success'`."""
    for one in (job, *_guaranteed(pipeline, job)):
        tree = _condition(one)
        for node in expression.walk(tree) if tree is not None else ():
            if isinstance(node, expression.Comparison) and node.operator == "==":
                contexts = [side for side in (node.left, node.right) if isinstance(side, expression.Context)]
                literals = [side for side in (node.left, node.right) if isinstance(side, expression.Literal)]
                paths = [tuple(part.lower() for part in context.path) for context in contexts]
                if (
                    literals
                    and literals[0].value == "success"
                    and any(p[-2:] == ("workflow_run", "conclusion") for p in paths)
                ):
                    return True
    return False
