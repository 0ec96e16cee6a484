"""A GitHub Actions workflow: typed, tolerant of every type that its author may have got wrong.

The syntax is that of GitHub's documentation ("Workflow syntax for GitHub Actions"). A file under `.github/workflows`
that is no workflow but holds steps (a list of them, or a job without its workflow) is a *fragment*: GitHub refuses it,
which is told, and its steps are audited all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from sp404audit.documents.github import expression
from sp404audit.documents.github.matrix import Matrix
from sp404audit.documents.github.parts import Permissions, Trigger, read_triggers
from sp404audit.documents.github.steps import Step, condition_tree, note_condition, read_steps
from sp404audit.documents.github.uses import Uses
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.yaml_tree import (
    Mapping,
    MergeBudget,
    Node,
    Scalar,
    Sequence,
    Stream,
    mapping,
    parse_stream,
    scalars,
    strings,
    text,
)

if TYPE_CHECKING:
    from sp404audit.results import Region

__all__ = ["Job", "Workflow", "note_expression_problems", "parse", "single_root"]


class Job:
    """One entry of `jobs:`, or what stands for it in a fragment.

    Attributes:
        id: the key under `jobs:`; empty in a fragment.
        key: the node of that key; the node of the job itself in a fragment.
        node: the job's mapping; an empty one where the author wrote something else.
        workflow: the workflow it belongs to.
        permissions: what the job declares for its token; None when it says nothing.
        uses: the reusable workflow that the job calls; None when it has steps of its own.
        matrix: its matrix; None when it has none.
        run_defaults: what `defaults.run` of the job, or else of the workflow, says of `shell` and `working-directory`.
        steps: its steps, in order.
    """

    kinds: ClassVar[tuple[str, ...]] = ("workflow",)

    def __init__(self, id: str, key: Node, node: Mapping, workflow: Workflow, steps: Node | None) -> None:  # noqa: A002
        self.id = id
        self.key = key
        self.node = node
        self.workflow = workflow
        uses, strategy = node.get("uses"), mapping(node.get("strategy"))
        matrix = strategy.get("matrix") if strategy else None
        self.permissions = _permissions(node)
        self.uses = Uses(uses, workflow.source, is_workflow=True) if isinstance(uses, Scalar) else None
        self.matrix = Matrix(matrix) if matrix is not None else None
        self.run_defaults = workflow.run_defaults | _run_defaults(node)
        self.steps = read_steps(steps, workflow.source, job=self)

    @property
    def region(self) -> Region:
        """Where the job's id stands."""
        return self.key.region

    @property
    def label(self) -> str:
        """What to call the job in a message."""
        return f"job '{self.id}'" if self.id else "these steps"

    @property
    def name(self) -> str:
        """The name people gave it; empty when it has none."""
        return text(self.node.get("name")) or ""

    @property
    def needs(self) -> list[Scalar]:
        """The ids of the jobs that must end before; the graph may hold cycles and ids of no job."""
        return strings(self.node.get("needs"))

    def all_needs(self) -> frozenset[str]:
        """The ids of all jobs that must end before, at any distance."""
        found: set[str] = set()
        open_ids = [scalar.value for scalar in self.needs]
        while open_ids:
            name = open_ids.pop()
            job = self.workflow.jobs.get(name)
            if job is not None and name not in found:
                found.add(name)
                open_ids += [scalar.value for scalar in job.needs]
        return frozenset(found)

    @property
    def runs_on(self) -> list[Scalar]:
        """The labels of the runner: `runs-on` as text, as a list, or under its key `labels`."""
        node = self.node.get("runs-on")
        return strings(node.get("labels")) if isinstance(node, Mapping) else strings(node)

    @cached_property
    def default_language(self) -> str:
        """What reads the commands of its steps when they name no shell: `bash`, `powershell` …; empty if unknown."""
        from sp404audit.documents.github.code import default_language

        return default_language(self)

    @property
    def env(self) -> Mapping | None:
        """The variables that the job sets for its steps."""
        return mapping(self.node.get("env"))

    def variable_scopes(self) -> Iterator[Mapping]:
        """Yield the `env:` mappings of the job and of the workflow, in this order."""
        for scope in (self.env, self.workflow.env):
            if scope is not None:
                yield scope

    @property
    def environment(self) -> Scalar | None:
        """The name of the deployment environment: `environment:` as text or under its key `name`."""
        node = self.node.get("environment")
        if isinstance(node, Mapping):
            node = node.get("name")
        return node if isinstance(node, Scalar) else None

    @property
    def condition(self) -> Scalar | None:
        """The value of `if:`."""
        node = self.node.get("if")
        return node if isinstance(node, Scalar) else None

    @property
    def is_never_run(self) -> bool:
        """Whether the job's condition is false whatever happens."""
        tree = condition_tree(self.condition)
        return tree is not None and expression.truth(tree) is False

    @property
    def timeout(self) -> Scalar | None:
        """The value of `timeout-minutes`."""
        node = self.node.get("timeout-minutes")
        return node if isinstance(node, Scalar) else None

    @property
    def continue_on_error(self) -> Scalar | None:
        """The value of `continue-on-error`."""
        node = self.node.get("continue-on-error")
        return node if isinstance(node, Scalar) else None

    @property
    def with_(self) -> Mapping | None:
        """The inputs that the job hands to the workflow it calls."""
        return mapping(self.node.get("with"))

    @property
    def secrets(self) -> Node | None:
        """What the job hands to the workflow it calls: a mapping, or the word `inherit`."""
        return self.node.get("secrets")

    @property
    def container(self) -> Node | None:
        """The container that the steps run in: a mapping, or only the image."""
        return self.node.get("container")

    @property
    def container_image(self) -> Scalar | None:
        """The image of the job's container."""
        return _image(self.container)

    def services(self) -> Iterator[tuple[str, Node, Node]]:
        """Yield name, key and value of each service container."""
        declared = mapping(self.node.get("services"))
        if declared is not None:
            yield from declared.pairs()

    @property
    def concurrency(self) -> Node | None:
        """The value of `concurrency`: a mapping, or only the group."""
        return self.node.get("concurrency")


class Workflow(Document):
    """One workflow file.

    Attributes:
        root: the mapping of the file; None in a fragment that is a list.
        triggers: the events that start the workflow, by name in lower case.
        permissions: what the workflow declares for the token of its jobs; None when it says nothing.
        run_defaults: what `defaults.run` says of `shell` and `working-directory`.
        jobs: the jobs by id, in order; empty in a fragment.
        fragment: the nameless job that stands for a fragment; None in a workflow.
    """

    kinds: ClassVar[tuple[str, ...]] = ("workflow",)

    def __init__(self, source: Source, stream: Stream) -> None:
        super().__init__(source)
        self.problems += stream.problems
        node = single_root(stream, self.problems, "a workflow")
        self.root = root = mapping(node)
        self.triggers: dict[str, Trigger] = read_triggers(root.get("on")) if root else {}
        self.permissions = _permissions(root) if root else None
        self.run_defaults = _run_defaults(root) if root else {}
        self.jobs: dict[str, Job] = {}
        self.fragment: Job | None = None
        if node is not None:
            self._read_jobs(node, stream)
            note_expression_problems(source, node, self.problems)
            for job in self.all_jobs:
                note_condition(job.condition, self.problems)
            for step in self.steps():
                note_condition(step.condition, self.problems)

    def _read_jobs(self, node: Node, stream: Stream) -> None:
        root, declared = self.root, mapping(self.root.get("jobs")) if self.root else None
        if root is not None and declared is not None:
            for name, key, value in declared.pairs():
                job = value if isinstance(value, Mapping) else None
                if job is None:
                    self._refuse(f"job '{name[:80]}' is not a mapping", key)
                    continue
                steps = job.get("steps")
                if steps is not None and not isinstance(steps, Sequence):
                    self._refuse(f"the steps of job '{name[:80]}' are not a list", key)
                self.jobs[name] = Job(name, key, job, self, steps)
            return
        if stream.problems:
            return  # what is missing may stand behind the place where the reading ended
        if isinstance(node, Sequence):
            self._read_fragment(node, Mapping(None, node.start, MergeBudget()), node)
        elif root is not None and isinstance(root.get("steps"), Sequence):
            self._read_fragment(node, root, root.get("steps"))
        elif root is not None:
            self._refuse("not a workflow: it has no jobs", root.key("jobs") or root)
        else:
            message = "not a workflow: a mapping with 'on' and 'jobs' is expected"
            raise DocumentError("yaml/schema", message, node.region)

    def _read_fragment(self, node: Node, job: Mapping, steps: Node | None) -> None:
        self._refuse("not a workflow: steps without 'on' and 'jobs', which GitHub refuses; its steps are audited", node)
        self.fragment = Job("", node, job, self, steps)

    def _refuse(self, message: str, node: Node) -> None:
        self.problems.append(Problem("yaml/schema", message, node.region))

    @property
    def is_partial(self) -> bool:
        """Whether a part was not judged. A fragment is told as no workflow, but its steps are judged like any."""
        errors = sum(problem.level == "error" for problem in self.problems)
        return errors > (self.fragment is not None)

    @property
    def path(self) -> str:
        """The file."""
        return self.source.path

    @property
    def region(self) -> Region:
        """Where the workflow begins: its `on:`, or its first key."""
        key = self.root.key("on") if self.root else None
        node = key or self.root or (self.fragment.key if self.fragment else None)
        return node.region if node is not None else self.source.line_region(1)

    @property
    def name(self) -> str:
        """The name people gave it, or else the file's path, as GitHub shows it."""
        return (text(self.root.get("name")) if self.root else None) or self.path

    @property
    def env(self) -> Mapping | None:
        """The variables that the workflow sets for its jobs."""
        return mapping(self.root.get("env")) if self.root else None

    @property
    def concurrency(self) -> Node | None:
        """The value of `concurrency`: a mapping, or only the group."""
        return self.root.get("concurrency") if self.root else None

    @property
    def all_jobs(self) -> list[Job]:
        """The jobs, or the one that stands for a fragment."""
        return [self.fragment] if self.fragment is not None else list(self.jobs.values())

    def steps(self) -> Iterator[Step]:
        """Yield every step of every job; a job that an alias repeats, repeats its steps."""
        for job in self.all_jobs:
            yield from job.steps

    def subjects(self) -> Iterator[object]:
        """Yield the workflow, its jobs, and what stands in them; what an anchor names is judged once."""
        from sp404audit.documents.github.code import job_code, step_subjects

        yield self
        seen: set[int] = set()
        for job in self.all_jobs:
            if job.id:
                yield job
            if id(job.node) in seen:
                continue
            seen.add(id(job.node))
            if job.uses is not None:
                yield job.uses
            yield from job_code(job)
            yield from step_subjects(job.steps, seen)

    def facts(self) -> Iterator[Fact]:
        """Yield what rules across files need to know; see workflow_facts."""
        from sp404audit.documents.github.facts import workflow_facts

        return workflow_facts(self)

    def release(self) -> None:
        """Part the jobs from their steps and from the workflow."""
        for job in self.all_jobs:
            job.steps.clear()
        self.jobs.clear()
        self.fragment = None


def parse(source: Source) -> Workflow:
    """Read a workflow.

    Raises:
        DocumentError: when the file is not YAML, or holds neither a workflow nor steps.
    """
    stream = parse_stream(source)
    if not stream.roots and stream.problems:
        problem = stream.problems[0]
        raise DocumentError(problem.id, problem.message, problem.region)
    return Workflow(source, stream)


def single_root(stream: Stream, problems: list[Problem], what: str) -> Node | None:
    """Return the first document of a file, of which GitHub reads no other, and note what else GitHub would refuse."""
    if len(stream.roots) > 1:
        message = f"{what} is one YAML document; the {len(stream.roots) - 1} after the first were not audited"
        problems.append(Problem("yaml/schema", message, None, "note"))
    for node in stream.mappings_with_duplicates:
        for first, later in node.duplicates():
            message = f"'{later.value[:80]}' stands twice (first in line {first.start.line + 1}), which GitHub refuses"
            problems.append(Problem("yaml/schema", message, later.region, "note"))
            break
    root = stream.roots[0] if stream.roots else None
    if root is None and not stream.problems:
        problems.append(Problem("yaml/schema", "the file is empty", None, "note"))
    return root


def note_expression_problems(source: Source, root: Node, problems: list[Problem]) -> None:
    """Note every expression that GitHub would refuse; the rest of the file is audited."""
    # The raw text is looked at first: walking every scalar of every file to find nothing would cost a third of parsing.
    if not any(embedded.error for embedded in expression.find(source.text)):
        return
    for scalar in scalars(root):
        if "${{" not in scalar.value:
            continue
        for embedded in expression.find(scalar.value):
            if embedded.error is not None:
                region = scalar.excerpt(source).region(embedded.start, min(embedded.end, embedded.start + 80))
                problems.append(Problem(embedded.error.id, f"expression: {embedded.error.message}", region))


def _permissions(node: Mapping) -> Permissions | None:
    key, value = node.key("permissions"), node.get("permissions")
    return Permissions(key, value) if key is not None and value is not None else None


def _run_defaults(node: Mapping) -> dict[str, Scalar]:
    defaults = mapping(node.get("defaults"))
    run = mapping(defaults.get("run")) if defaults else None
    return {name: value for name, _, value in run.pairs() if isinstance(value, Scalar)} if run else {}


def _image(node: Node | None) -> Scalar | None:
    if isinstance(node, Mapping):
        node = node.get("image")
    return node if isinstance(node, Scalar) else None
