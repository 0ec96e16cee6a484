"""A step of a workflow's job or of a composite action, and the code that it hands to an interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from sp404audit.documents.github import expression
from sp404audit.documents.github.uses import Uses
from sp404audit.documents.source import Problem
from sp404audit.documents.yaml_tree import Mapping, Scalar, mapping, sequence, text

if TYPE_CHECKING:
    from sp404audit.documents.github.action import Action
    from sp404audit.documents.github.workflow import Job
    from sp404audit.documents.shell.commands import Shell
    from sp404audit.documents.source import Source
    from sp404audit.documents.yaml_tree import Node
    from sp404audit.results import Region

__all__ = ["Step", "condition_tree", "note_condition", "read_steps"]


class Step:
    """One entry of `steps:`.

    Attributes:
        node: the step's mapping, and `fields` its values by key.
        index: its place in the list, from 0.
        job: the job it belongs to; None in a composite action.
        action: the composite action that it belongs to; None in a workflow.
        uses: what it uses; None when it runs a command.
        run: the command; None when it uses an action.
        shell_text: the command as `step_shell.read_shell` read it, once somebody asked.
    """

    kinds: ClassVar[tuple[str, ...]] = ("workflow", "action")

    __slots__ = ("action", "fields", "index", "job", "node", "run", "shell_text", "source", "uses")

    def __init__(
        self, node: Mapping, index: int, source: Source, job: Job | None = None, action: Action | None = None
    ) -> None:
        self.node = node
        self.fields = {name: value for name, (_, value) in node.index().items()}
        self.index = index
        self.job = job
        self.action = action
        self.source = source
        uses, run = self.fields.get("uses"), self.fields.get("run")
        self.uses = Uses(uses, source) if isinstance(uses, Scalar) else None
        self.run = run if isinstance(run, Scalar) else None
        self.shell_text: Shell | None = None

    @property
    def region(self) -> Region:
        """Where the step begins."""
        return self.node.region

    @property
    def id(self) -> str:
        """The id by which other steps read its outputs; empty when it has none."""
        return text(self.fields.get("id")) or ""

    @property
    def name(self) -> str:
        """The name people gave it; empty when it has none."""
        return text(self.fields.get("name")) or ""

    @property
    def label(self) -> str:
        """What to call the step in a message."""
        if name := self.name or self.id:
            return f"step '{name}'"
        return f"step '{self.uses.text}'" if self.uses else f"step {self.index + 1}"

    @property
    def condition(self) -> Scalar | None:
        """The value of `if:`."""
        return self._scalar("if")

    @property
    def with_(self) -> Mapping | None:
        """The inputs that the step hands to the action it uses."""
        return mapping(self.fields.get("with"))

    def input(self, name: str) -> Scalar | None:
        """The value of one input, whose name knows no case; None when it is not given or no scalar."""
        inputs = self.with_
        if inputs is None:
            return None
        node = inputs.get(name)
        if node is None:
            lowered = name.lower()
            node = next((value for key, _, value in inputs.pairs() if key.lower() == lowered), None)
        return node if isinstance(node, Scalar) else None

    @property
    def env(self) -> Mapping | None:
        """The variables that the step sets for itself."""
        return mapping(self.fields.get("env"))

    @property
    def continue_on_error(self) -> Scalar | None:
        """The value of `continue-on-error`."""
        return self._scalar("continue-on-error")

    @property
    def timeout(self) -> Scalar | None:
        """The value of `timeout-minutes`."""
        return self._scalar("timeout-minutes")

    def _scalar(self, name: str) -> Scalar | None:
        node = self.fields.get(name)
        return node if isinstance(node, Scalar) else None

    @property
    def working_directory(self) -> Scalar | None:
        """The folder that the command runs in: the step's, or the default of its job or workflow."""
        return self._setting("working-directory")

    @property
    def shell(self) -> Scalar | None:
        """The shell that the command runs in: the step's, or the default of its job or workflow."""
        return self._setting("shell")

    def _setting(self, name: str) -> Scalar | None:
        node = self.fields.get(name)
        if node is None and self.job is not None:
            return self.job.run_defaults.get(name)
        return node if isinstance(node, Scalar) else None

    def variable_scopes(self) -> Iterator[Mapping]:
        """Yield the `env:` mappings that hold for the step, the nearest first."""
        if self.env is not None:
            yield self.env
        if self.job is not None:
            yield from self.job.variable_scopes()

    def variable(self, name: str) -> Scalar | None:
        """The value that `env:` gives a variable here, the nearest scope winning; None when none gives it one."""
        for scope in self.variable_scopes():
            node = scope.get(name)
            if isinstance(node, Scalar):
                return node
        return None

    @property
    def is_never_run(self) -> bool:
        """Whether the step's condition is false whatever happens."""
        tree = condition_tree(self.condition)
        return tree is not None and expression.truth(tree) is False


def read_steps(node: Node | None, source: Source, job: Job | None = None, action: Action | None = None) -> list[Step]:
    """Read the steps of a job or of an action; entries of the list that are no mapping are left out."""
    items = enumerate(sequence(node))
    return [Step(item, index, source, job, action) for index, item in items if isinstance(item, Mapping)]


def note_condition(condition: Scalar | None, problems: list[Problem]) -> None:
    """Note a condition that GitHub would refuse; those within braces are noted with the other expressions."""
    if condition is None or "${{" in condition.value or not condition.value.strip():
        return
    try:
        expression.parse_condition(condition.value)
    except expression.ExpressionError as error:
        problems.append(Problem(error.id, f"condition: {error.message}", condition.region))


def condition_tree(condition: Scalar | None) -> expression.Node | None:
    """Parse the value of an `if:`; None when there is none or GitHub would refuse it."""
    if condition is None:
        return None
    try:
        return expression.parse_condition(condition.value)
    except expression.ExpressionError:
        return None
