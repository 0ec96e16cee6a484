"""The definition of an action (`action.yml`): composite, Docker or JavaScript.

The syntax is that of GitHub's documentation ("Metadata syntax for GitHub Actions").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from sp404audit.documents.github.steps import Step, note_condition, read_steps
from sp404audit.documents.github.workflow import note_expression_problems, single_root
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.yaml_tree import Mapping, Scalar, Sequence, Stream, mapping, parse_stream, text

if TYPE_CHECKING:
    from sp404audit.results import Region

__all__ = ["Action", "parse"]


class Action(Document):
    """One action.

    Attributes:
        root: the mapping of the file; None when the file is empty.
        runs: the value of `runs:`; None when there is none.
        steps: the steps of a composite action, in order.
    """

    kinds: ClassVar[tuple[str, ...]] = ("action",)

    def __init__(self, source: Source, stream: Stream) -> None:
        super().__init__(source)
        self.problems += stream.problems
        node = single_root(stream, self.problems, "an action")
        self.root = mapping(node)
        self.runs = mapping(self.root.get("runs")) if self.root else None
        self.steps: list[Step] = []
        if node is None:
            return
        if self.root is None:
            raise DocumentError("yaml/schema", "not an action: a mapping with 'runs' is expected", node.region)
        if self.runs is None:
            if not stream.problems:
                self.problems.append(Problem("yaml/schema", "not an action: it has no 'runs'", self.root.region))
        else:
            self._read_steps(self.runs)
        note_expression_problems(source, node, self.problems)
        for step in self.steps:
            note_condition(step.condition, self.problems)

    def _read_steps(self, runs: Mapping) -> None:
        steps = runs.get("steps")
        if steps is not None and not isinstance(steps, Sequence):
            self.problems.append(Problem("yaml/schema", "the steps of the action are not a list", steps.region))
        self.steps = read_steps(steps, self.source, action=self)

    @property
    def path(self) -> str:
        """The file."""
        return self.source.path

    @property
    def label(self) -> str:
        """What to call the action in a message."""
        return f"action '{self.name}'"

    @property
    def region(self) -> Region:
        """Where the action begins."""
        return self.root.region if self.root else self.source.line_region(1)

    @property
    def name(self) -> str:
        """The name people gave it, or else the file's path."""
        return (text(self.root.get("name")) if self.root else None) or self.path

    @property
    def using(self) -> str:
        """What runs it: `composite`, `docker`, `node20` …; empty when it does not say."""
        return (text(self.runs.get("using")) if self.runs else None) or ""

    @property
    def image(self) -> Scalar | None:
        """The image of a Docker action: `docker://…`, or the path of a Dockerfile."""
        node = self.runs.get("image") if self.runs and self.using.lower() == "docker" else None
        return node if isinstance(node, Scalar) else None

    @property
    def inputs(self) -> dict[str, Mapping | None]:
        """The inputs that the action declares, by their names in lower case."""
        declared = mapping(self.root.get("inputs")) if self.root else None
        return {name.lower(): mapping(node) for name, _, node in declared.pairs()} if declared else {}

    def subjects(self) -> Iterator[object]:
        """Yield the action and what stands in its steps; what an anchor names is judged once."""
        from sp404audit.documents.github.code import step_subjects

        yield self
        yield from step_subjects(self.steps, set())

    def facts(self) -> Iterator[Fact]:
        """Yield what rules across files need to know; see workflow_facts."""
        from sp404audit.documents.github.facts import action_facts

        return action_facts(self)


def parse(source: Source) -> Action:
    """Read the definition of an action.

    Raises:
        DocumentError: when the file is not YAML or no mapping.
    """
    stream = parse_stream(source)
    if not stream.roots and stream.problems:
        problem = stream.problems[0]
        raise DocumentError(problem.id, problem.message, problem.region)
    return Action(source, stream)
