"""Code in a workflow: what an interpreter, and not a program, reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from sp404audit.documents.github.steps import Step
from sp404audit.documents.yaml_tree import Mapping, Scalar, text

if TYPE_CHECKING:
    from sp404audit.documents.github.expression import Embedded
    from sp404audit.documents.github.workflow import Job
    from sp404audit.documents.source import Source
    from sp404audit.results import Region

__all__ = ["Code", "default_language", "job_code", "shell_language", "step_code", "step_subjects"]

_PROGRAMS = {
    "bash": "bash",
    "sh": "sh",
    "zsh": "bash",
    "pwsh": "powershell",
    "powershell": "powershell",
    "cmd": "cmd",
    "python": "python",
    "node": "javascript",
}


class Code:
    """A text of a workflow or an action that something executes.

    Attributes:
        scalar: the text.
        what: the key it stands under: `run`, the input of an action (`script`), `container.options` …
        step: the step it belongs to; None for the options of a job's containers.
        job: the job it belongs to; None in a composite action.
        declared_language: what the table of known inputs says of an action's input; empty for the others.
    """

    kinds: ClassVar[tuple[str, ...]] = ("workflow", "action")
    __slots__ = ("declared_language", "job", "scalar", "source", "step", "what")

    def __init__(
        self, scalar: Scalar, what: str, source: Source, step: Step | None, job: Job | None, declared_language: str = ""
    ) -> None:
        self.scalar = scalar
        self.what = what
        self.source = source
        self.step = step
        self.job = job
        self.declared_language = declared_language

    @property
    def region(self) -> Region:
        """Where the text begins."""
        return self.scalar.region

    def region_of(self, start: int, end: int) -> Region:
        """Where a stretch of the text stands in the file."""
        return self.scalar.excerpt(self.source).region(start, end)

    @property
    def expressions(self) -> list[Embedded]:
        """The expressions in the text, which GitHub replaces before anything executes it."""
        from sp404audit.documents.github import expression

        return expression.find(self.scalar.value)

    @property
    def language(self) -> str:
        """`bash`, `sh`, `powershell`, `cmd`, `python`, `javascript` …; empty where the run decides or none is known."""
        if self.what != "run" or self.step is None:
            return self.declared_language
        return shell_language(self.step)


def shell_language(step: Step) -> str:
    """Tell what reads the command of a step, by its `shell:` or by the default of its runner."""
    shell = step.shell
    if shell is not None:
        # `bash -e {0}`: the program is the first word.
        words = shell.value.split()
        program = words[0].rpartition("/")[2].lower().removesuffix(".exe") if words else ""
        return _PROGRAMS.get(program, "")
    return step.job.default_language if step.job is not None else ""


def default_language(job: Job) -> str:
    """Tell what reads the commands of a job's steps that name no shell; empty where the run decides."""
    if job.container is not None:
        return "sh"
    labels = [scalar.value.lower() for scalar in _runner_labels(job)]
    windows = [label for label in labels if label.startswith("windows")]
    if windows:
        return "powershell" if len(windows) == len(labels) or "self-hosted" in labels else ""
    return "" if any("${{" in label for label in labels) or not labels else "bash"


def _runner_labels(job: Job) -> list[Scalar]:
    """The labels of the runner, the values of the matrix in place of a reference to it."""
    from sp404audit.documents.github.expression import Context, find

    labels: list[Scalar] = []
    for scalar in job.runs_on:
        embedded = find(scalar.value) if "${{" in scalar.value else []
        tree = embedded[0].tree if len(embedded) == 1 else None
        if isinstance(tree, Context) and tree.path[0] == "matrix" and job.matrix is not None:
            labels += job.matrix.values(tree.path[1:]) or [scalar]
        else:
            labels.append(scalar)
    return labels


@cache
def code_inputs() -> dict[str, dict[str, str]]:
    """The inputs of known actions that are code: language by input, by `owner/repo` (all in lower case)."""
    import json
    from pathlib import Path

    data = json.loads(Path(__file__).with_name("code_inputs.json").read_text("utf-8"))
    return {
        action.lower(): {name.lower(): language for name, language in inputs.items()}
        for action, inputs in data["actions"].items()
    }


def step_subjects(steps: Iterable[Step], seen: set[int]) -> Iterator[object]:
    """Yield steps and what rules judge in them; a step that was seen under another anchor's alias is left out."""
    for step in steps:
        if id(step.node) in seen:
            continue
        seen.add(id(step.node))
        yield step
        if step.uses is not None:
            yield step.uses
        yield from step_code(step)


def step_code(step: Step) -> Iterator[Code]:
    """Yield the code of a step: its command, its shell where an expression chooses it, code among its inputs."""
    if step.run is not None:
        yield Code(step.run, "run", step.source, step, step.job)
        shell = step.node.get("shell")
        if isinstance(shell, Scalar) and "${{" in shell.value:
            yield Code(shell, "shell", step.source, step, step.job)
    inputs = step.with_
    if step.uses is None or inputs is None:
        return
    known = code_inputs().get(step.uses.name)
    if known is None:
        return
    for name, _, value in inputs.pairs():
        language = known.get(name.lower())
        if language is not None and isinstance(value, Scalar):
            yield Code(value, name, step.source, step, step.job, language)


def job_code(job: Job) -> Iterator[Code]:
    """Yield what is handed to the container runtime of a job as options or as a command."""
    source = job.workflow.source
    if isinstance(job.container, Mapping):
        options = job.container.get("options")
        if isinstance(options, Scalar):
            yield Code(options, "container.options", source, None, job)
    for name, _, service in job.services():
        if not isinstance(service, Mapping):
            continue
        for key in ("options", "command", "entrypoint"):
            value = service.get(key)
            if isinstance(value, Scalar) and text(value):
                yield Code(value, f"services.{name}.{key}", source, None, job)
