"""Which values in a workflow other people write: contexts, and what is derived from them.

A value is followed through `env:`, the matrix, the outputs of jobs, the outputs and variables that commands of the same
job write, and the outputs of actions that are known to hand on what they read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from sp404audit.documents.github import expression
from sp404audit.documents.github.action import Action
from sp404audit.documents.github.workflow import Workflow
from sp404audit.documents.yaml_tree import Mapping, Scalar, mapping, sequence, strings, text
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    from sp404audit.documents.github.parts import Trigger
    from sp404audit.documents.github.steps import Step
    from sp404audit.documents.github.workflow import Job
    from sp404audit.documents.yaml_tree import Node

__all__ = ["Scope", "Taint", "Trail", "Writer"]

Writer = str
"""Who writes a value: `anyone`, `contributors`, `members`, `callers` or `refs`; see untrusted_contexts.json."""

_RANK = {"anyone": 0, "contributors": 1, "callers": 2, "members": 3, "refs": 4}
_MAX_DEPTH = 6
_MAX_LOOKUPS = 2000
"""How many contexts are looked up for one expression; values that refer to values can double at each step."""
_SAFE_INPUT_TYPES = frozenset({"boolean", "number", "choice"})
_SAFE_STEP_PROPERTIES = frozenset({"outcome", "conclusion"})
_SAFE_OUTPUTS = frozenset({"cache-hit"})
_GLOB = regex(r"[*?+\[\]!]")


class Taint(NamedTuple):
    """A value that somebody else writes: who, and the context that they write, as people know it."""

    writer: Writer
    source: str

    @property
    def rank(self) -> int:
        """0 for what anyone on the internet writes, then upwards."""
        return _RANK[self.writer]


@cache
def _data() -> dict[str, Any]:
    import json
    from pathlib import Path

    data: dict[str, Any] = json.loads(Path(__file__).with_name("untrusted_contexts.json").read_text("utf-8"))
    return data


@cache
def _patterns() -> list[tuple[Writer, tuple[str, ...]]]:
    contexts: dict[str, list[str]] = _data()["contexts"]
    return [(writer, tuple(path.split("."))) for writer, paths in contexts.items() for path in paths]


@lru_cache(maxsize=1024)
def _context_taint(path: tuple[str, ...], whole: bool) -> Taint | None:
    """Look a path below `github` up; `whole` says that everything below it comes along."""
    for writer, pattern in _patterns():
        if len(path) > len(pattern) and pattern[-1] != "*":
            continue
        if len(path) < len(pattern) and not whole:
            continue
        if all(expression.ANY in (step, asked) or step == asked for step, asked in zip(path, pattern, strict=False)):
            return Taint(writer, ".".join(path))
    return None


class Trail:
    """What was met on the way from an expression to where its values come from.

    Attributes:
        lookups_left: how many more contexts may be looked up.
        unknown: outputs that nothing here tells the origin of, as people write them, each with what makes it.
    """

    __slots__ = ("lookups_left", "unknown")

    def __init__(self) -> None:
        self.lookups_left = _MAX_LOOKUPS
        self.unknown: list[tuple[str, str]] = []


class Scope:
    """Where an expression stands: its step, its job, and the workflow or action around them."""

    def __init__(
        self, owner: Workflow | Action, job: Job | None, step: Step | None, trail: Trail | None = None
    ) -> None:
        self.owner = owner
        self.job = job
        self.step = step
        self.trail = trail or Trail()

    def taint(self, tree: expression.Node, depth: int = 0) -> Taint | None:
        """Return the gravest taint that can reach the text that an expression leaves; None when none can."""
        found = [self._flow(flow, depth) for flow in expression.flows(tree)]
        return gravest(found)

    def text_taint(self, value: str, depth: int = 0) -> Taint | None:
        """Return the gravest taint of the expressions in a text."""
        if "${{" not in value or depth > _MAX_DEPTH:
            return None
        trees = (embedded.tree for embedded in expression.find(value))
        return gravest(self.taint(tree, depth) for tree in trees if tree is not None)

    def _flow(self, flow: expression.Flow, depth: int) -> Taint | None:
        root, *rest = flow.path
        self.trail.lookups_left -= 1
        if depth > _MAX_DEPTH or self.trail.lookups_left < 0:
            return None
        if root == "github":
            return self._github(flow)
        if root == "inputs":
            return self._input(tuple(rest), whole=flow.whole)
        if root == "env" and rest:
            return self._variable(rest[0], depth)
        if root == "matrix":
            return self._matrix(tuple(rest), depth)
        if root == "steps" and len(rest) >= 2:
            return self._step_output(tuple(rest), depth)
        if root == "needs" and len(rest) >= 2:
            return self._job_output(tuple(rest), depth)
        return None

    def _github(self, flow: expression.Flow) -> Taint | None:
        if flow.path[:3] == ("github", "event", "inputs"):
            return self._input(flow.path[3:], whole=flow.whole)
        taint = _context_taint(flow.path, flow.whole)
        if taint is not None and taint.writer == "refs" and not self._refs_are_free():
            return None
        return taint

    def _refs_are_free(self) -> bool:
        """Whether somebody chooses the name of the branch or tag: not so where the triggers fix it."""
        return isinstance(self.owner, Workflow) and any(map(_ref_is_free, self.owner.triggers.values()))

    def _input(self, path: tuple[str, ...], *, whole: bool) -> Taint | None:
        declared = self._declared_inputs()
        if not path or path[0] == expression.ANY:
            free = [name for name, definition in declared if not _is_safe_input(definition)]
            return Taint("callers", f"inputs.{free[0]}") if free and (whole or path) else None
        if any(name == path[0] and not _is_safe_input(definition) for name, definition in declared):
            return Taint("callers", f"inputs.{path[0]}")
        # A fragment does not say what starts it; in a workflow, what nothing declares is empty.
        is_fragment = isinstance(self.owner, Workflow) and self.owner.fragment is not None
        return Taint("callers", f"inputs.{path[0]}") if is_fragment else None

    def _declared_inputs(self) -> list[tuple[str, Mapping | None]]:
        if isinstance(self.owner, Action):
            return list(self.owner.inputs.items())
        triggers = self.owner.triggers
        named = (triggers.get(name) for name in ("workflow_dispatch", "workflow_call"))
        return [item for trigger in named if trigger is not None for item in trigger.inputs.items()]

    def _variable(self, name: str, depth: int) -> Taint | None:
        """Follow `env.<name>` to the nearest `env:`, or to an earlier step that writes it to GITHUB_ENV."""
        for scope in self._variable_scopes():
            for key, _, value in scope.pairs():
                if key.lower() == name:
                    return self.text_taint(value.value, depth + 1) if isinstance(value, Scalar) else None
        return gravest(self._within(step).written("GITHUB_ENV", name, depth + 1) for step in self._earlier_steps())

    def _variable_scopes(self) -> Iterable[Mapping]:
        if self.step is not None:
            return self.step.variable_scopes()
        return self.job.variable_scopes() if self.job is not None else ()

    def _steps(self) -> list[Step]:
        if self.job is not None:
            return self.job.steps
        return self.owner.steps if isinstance(self.owner, Action) else []

    def _earlier_steps(self) -> list[Step]:
        steps = self._steps()
        step = self.step
        return steps if step is None else [each for each in steps if each.index < step.index]

    def _within(self, step: Step) -> Scope:
        return Scope(self.owner, self.job, step, self.trail)

    def _matrix(self, path: tuple[str, ...], depth: int) -> Taint | None:
        matrix = self.job.matrix if self.job is not None else None
        if matrix is None:
            return None
        makers = _matrix_makers(matrix.source_node, path)
        return gravest(self.text_taint(scalar.value, depth + 1) for scalar in makers)

    def _step_output(self, path: tuple[str, ...], depth: int) -> Taint | None:
        """Follow `steps.<id>.outputs.<name>`."""
        if path[1] in _SAFE_STEP_PROPERTIES:
            return None
        name = path[2] if len(path) > 2 else expression.ANY
        found: list[Taint | None] = []
        for step in self._steps():
            if path[0] not in (expression.ANY, step.id.lower()) or not step.id:
                continue
            if step.uses is not None:
                taint = _action_output(step, name)
                if step.uses.name not in _data()["outputs"] and name not in _SAFE_OUTPUTS:
                    self.trail.unknown.append((".".join(("steps", *path)), step.uses.text))
                found.append(taint)
            else:
                found.append(self._within(step).written("GITHUB_OUTPUT", name, depth + 1))
        return gravest(found)

    def _job_output(self, path: tuple[str, ...], depth: int) -> Taint | None:
        """Follow `needs.<job>.outputs.<name>` to what that job says the output is."""
        jobs = self.owner.jobs if isinstance(self.owner, Workflow) else {}
        if path[1] != "outputs":
            return None
        found: list[Taint | None] = []
        for job in jobs.values():
            if path[0] not in (expression.ANY, job.id.lower()):
                continue
            if job.uses is not None:
                self.trail.unknown.append((".".join(("needs", *path)), job.uses.text))
            outputs = mapping(job.node.get("outputs"))
            if outputs is None:
                continue
            inner = Scope(self.owner, job, None, self.trail)
            for key, _, value in outputs.pairs():
                if isinstance(value, Scalar) and (len(path) < 3 or path[2] in (expression.ANY, key.lower())):
                    found.append(inner.text_taint(value.value, depth + 1))
        return gravest(found)

    def written(self, file: str, name: str, depth: int) -> Taint | None:
        """Return the taint of what the step's command writes under a name to GITHUB_ENV or GITHUB_OUTPUT."""
        command = self.step.run.value if self.step is not None and self.step.run is not None else ""
        if file not in command or depth > _MAX_DEPTH:
            return None
        return gravest(self._line_taint(line, depth) for line in _lines_writing(command, name))

    def _line_taint(self, line: str, depth: int) -> Taint | None:
        found = [self.text_taint(line, depth)]
        found += [self._shell_variable(match.group(1), depth) for match in _shell_variables().finditer(line)]
        return gravest(found)

    def _shell_variable(self, name: str, depth: int) -> Taint | None:
        """What `$NAME` holds in a command: what `env:` gives it, or a variable that GitHub sets."""
        if name in ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "GITHUB_REF", "GITHUB_BASE_REF"):
            path = ("github", name.removeprefix("GITHUB_").lower())
            return self._github(expression.Flow(path, whole=False, start=0, end=0))
        value = self.step.variable(name) if self.step is not None else None
        return self.text_taint(value.value, depth + 1) if value is not None else None


def gravest(found: Iterable[Taint | None]) -> Taint | None:
    """Return the taint of the widest circle of writers."""
    return min((taint for taint in found if taint is not None), key=lambda taint: taint.rank, default=None)


@cache
def _shell_variables() -> re.Pattern[str]:
    return re.compile(r"\$(?:env:)?\{?(?:env:)?([A-Za-z_][A-Za-z0-9_]*)")


def _lines_writing(command: str, name: str) -> Iterator[str]:
    """Yield the lines that give a name its value: `name=value`, or all of them when `name<<` begins a block."""
    lines = command.splitlines()
    lowered = name.lower()
    for line in lines:
        words = line.lower()
        if lowered == expression.ANY or f"{lowered}=" in words or f"name={lowered}::" in words:
            yield line
        elif f"{lowered}<<" in words:
            yield from lines
            return


def _is_safe_input(definition: Mapping | None) -> bool:
    """Whether GitHub itself keeps an input to a boolean, a number or one of a list."""
    kind = (text(definition.get("type")) or "").lower() if definition is not None else ""
    return kind in _SAFE_INPUT_TYPES


def _ref_is_free(trigger: Trigger) -> bool:
    """Whether a trigger lets somebody with write access choose a ref's name freely."""
    if trigger.name in ("push", "workflow_call"):
        branches, tags = trigger.filter("branches"), trigger.filter("tags")
        if branches is None and tags is None:
            return True
        return any(_GLOB.search(pattern) for pattern in (*(branches or ()), *(tags or ())))
    return trigger.name in ("workflow_dispatch", "create", "delete", "release", "deployment", "repository_dispatch")


def _action_output(step: Step, name: str) -> Taint | None:
    """Return the taint of an action's output, by the table of actions that hand on what they read."""
    uses = step.uses
    patterns: list[str] = _data()["outputs"].get(uses.name, []) if uses is not None else []
    if any(name == expression.ANY or fnmatchcase(name, pattern) for pattern in patterns):
        return Taint("anyone", f"the output '{name}' of {uses.name if uses else ''}")
    return None


def _matrix_makers(node: Node, path: tuple[str, ...]) -> list[Scalar]:
    """The scalars that can make `matrix.<path>`: the values themselves, or the expressions that make them."""
    if isinstance(node, Scalar):
        return [node]
    found: list[Scalar] = []
    root = mapping(node)
    for name, _, value in root.pairs() if root is not None else ():
        if name.lower() == "include":
            entries = sequence(value) or strings(value)
            found += [scalar for entry in entries for scalar in _below(entry, path)]
        elif name.lower() != "exclude" and (not path or path[0] in (expression.ANY, name.lower())):
            found += [scalar for entry in sequence(value) or [value] for scalar in _below(entry, path[1:])]
    return found


def _below(node: Node, path: tuple[str, ...]) -> list[Scalar]:
    """The scalars at a path below a value; an expression on the way makes all that is below it."""
    from sp404audit.documents.github.matrix import descend

    return [node] if isinstance(node, Scalar) else descend(node, path)
