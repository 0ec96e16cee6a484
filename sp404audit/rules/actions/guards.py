"""What a condition demands before a job or a step runs, as far as it decides whether strangers' code gets in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.documents.github.expression_tree import Call, Comparison, Context, Literal, Logic, Node, Not, walk
from sp404audit.documents.github.steps import condition_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sp404audit.documents.github.steps import Step
    from sp404audit.documents.github.workflow import Job

__all__ = ["demands", "keeps_forks_out", "mentions_approval", "trees_before"]

_SAME_REPOSITORY = (
    ("github", "event", "pull_request", "head", "repo", "full_name"),
    ("github", "event", "workflow_run", "head_repository", "full_name"),
)
_FORK = (
    ("github", "event", "pull_request", "head", "repo", "fork"),
    ("github", "event", "workflow_run", "head_repository", "fork"),
)
_AUTHOR = ("github", "event", "pull_request", "user", "login")
_EVENT = ("github", "event_name")
_STARTING_EVENT = ("github", "event", "workflow_run", "event")


def trees_before(job: Job, step: Step | None = None) -> Iterator[Node]:
    """Yield the conditions that must all hold before a job, and a step of it, run.

    A job that waits for others is skipped with them, unless its own condition calls a status function.
    """
    own = condition_tree(job.condition)
    names = {part.name for part in walk(own) if isinstance(part, Call)} if own is not None else set()
    if not names & {"always", "failure", "cancelled"}:
        for name in sorted(job.all_needs()):
            tree = condition_tree(job.workflow.jobs[name].condition)
            if tree is not None:
                yield tree
    if own is not None:
        yield own
    tree = condition_tree(step.condition) if step is not None else None
    if tree is not None:
        yield tree


def demands(tree: Node, holds: Callable[[Node], bool]) -> bool:
    """Tell whether a condition can only be true where one of the parts that `holds` accepts is true."""
    if isinstance(tree, Logic):
        check = any if tree.operator == "&&" else all
        return check(demands(operand, holds) for operand in tree.operands)
    return holds(tree)


def keeps_forks_out(trees: Iterable[Node], triggers: frozenset[str]) -> bool:
    """Tell whether conditions let none of the named events in that comes from another repository."""
    return any(demands(tree, lambda part: _is_own_code(part, triggers)) for tree in trees)


def _is_own_code(part: Node, triggers: frozenset[str]) -> bool:
    if isinstance(part, Not):
        return isinstance(part.operand, Context) and part.operand.path in _FORK
    if not isinstance(part, Comparison) or part.operator not in ("==", "!="):
        return False
    sides = (part.left, part.right)
    paths = [side.path for side in sides if isinstance(side, Context)]
    values = [side.value for side in sides if isinstance(side, Literal)]
    equal = part.operator == "=="
    if len(paths) == 2:
        return equal and ("github", "repository") in paths and any(path in _SAME_REPOSITORY for path in paths)
    if len(paths) != 1 or len(values) != 1:
        return False
    if paths[0] in _FORK:
        return values[0] is (not equal)
    if paths[0] == _AUTHOR or paths[0] in _SAME_REPOSITORY:
        return equal
    return _is_other_event(paths[0], str(values[0]).lower(), triggers, equal=equal)


def _is_other_event(path: tuple[str, ...], value: str, triggers: frozenset[str], *, equal: bool) -> bool:
    """Whether a comparison of the event's name leaves out all of the triggers."""
    if path == _EVENT:
        return value not in triggers if equal else triggers == {value}
    return path == _STARTING_EVENT and triggers == {"workflow_run"} and equal and value in ("push", "schedule")


def mentions_approval(trees: Iterable[Node]) -> bool:
    """Tell whether a condition asks who the author is, or for a label, which only members can set."""
    for tree in trees:
        for part in walk(tree):
            if isinstance(part, Context) and (part.path[-1] == "author_association" or "label" in part.path):
                return True
            if isinstance(part, Context) and "labels" in part.path:
                return True
    return False
