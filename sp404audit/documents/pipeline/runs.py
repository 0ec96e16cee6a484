"""What a job runs: its steps, followed through actions, task runners and scripts of the repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from sp404audit.documents.github.facts import JobFact, StepFact, WorkflowFact, steps_by_job
from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline import activities as command_lines
from sp404audit.documents.pipeline.activities import Activity
from sp404audit.documents.pipeline.task_runners import (
    Call,
    Runners,
    commands_by_task,
    joined_folder,
    runners_of,
    script_called,
)
from sp404audit.documents.projects.facts import LineExcerpt
from sp404audit.documents.projects.pre_commit import Hook
from sp404audit.documents.shell.commands import ShellCommand, Unit, command_facts, parse
from sp404audit.documents.shell.exit_status import swallowed_by
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Location

if TYPE_CHECKING:
    from sp404audit.documents.pipeline.tools_actions import ActionTool

__all__ = ["Follower", "Opaque", "Run"]

_DEPTH = 5
"""How deep calls are followed: a step that makes a target that runs a script that calls npm is three deep."""
_MOST_IN_JOB = 2_000
"""Commands that are followed for one job, calls included; nobody writes a tenth of that."""
_MOST = 100_000
"""Commands that are followed in all: a script may call itself, and a thousand jobs the same script."""


_ENDS = ("exit", "false")
_SUBSHELLS = ("subshell", "payload", "substitution", "process")
"""Constructs that a change of the folder does not outlive."""
_CONTEXT = regex(r"\$\{\{\s*((?:matrix|env)\.[A-Za-z_][\w-]*)\s*\}\}")
_MOST_VALUES = 30
_RUNS_HOOKS = (("pre-commit", "run"), ("prek", "run"), ("prek",))
_HOOK_ACTIONS = ("pre-commit/action", "j178/prek-action")
_NAMED = (
    ("e2e", regex(r"(?:.*[:_-])?(?:e2e|cypress|playwright|acceptance|smoke)(?:[:_-].*)?")),
    ("test", regex(r"(?:.*[:_-])?(?:tests?|unit|jest|vitest|coverage)(?:[:_-].*)?")),
    ("lint", regex(r"(?:.*[:_-])?(?:lint|eslint)(?:[:_-].*)?")),
    ("typecheck", regex(r"(?:.*[:_-])?(?:typecheck|type-check|types|tsc)(?:[:_-].*)?")),
    ("format", regex(r"(?:.*[:_-])?(?:format|fmt|prettier)(?:[:_-].*)?")),
    ("deploy", regex(r"deploy(?:[:_-].*)?")),
)


class Run(NamedTuple):
    """A command or an action that a job runs.

    Attributes:
        location: where it is written: in the workflow, or in the task or script that a step calls.
        step: the job's own step that it belongs to.
        lines: the command line and those that it starts, outermost first; for an action its name.
        folder: the folder that it runs in; None when it is not known.
        activities: what it does.
        swallowed: what throws its failure away; empty when a failure fails the job.
        via: where the calls stand that lead to it, outermost first.
        inputs: the inputs of an action, and the variables of its step.
        call: what it calls without the repository holding it (`npm run x` without such a script).
    """

    location: Location
    step: StepFact
    lines: tuple[tuple[str, ...], ...]
    folder: str | None
    activities: tuple[Activity, ...] = ()
    swallowed: str = ""
    via: tuple[Location, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    call: Call | None = None
    command: ShellCommand | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The command line that does the work, runners taken off."""
        return self.lines[-1] if self.lines else ()

    @property
    def is_action(self) -> bool:
        """Whether it is an action and no command."""
        return self.command is None

    @property
    def text(self) -> str:
        """The command line as one text, for messages."""
        return " ".join(self.words).replace("\x00", "…")[:80]

    def input(self, name: str) -> str | None:
        """An input of the action."""
        return next((value for key, value in self.inputs if key == name), None)


class Opaque(NamedTuple):
    """Something that a job runs and that cannot be looked into: it lies in another repository, or is too much."""

    location: Location
    text: str


class _Frame(NamedTuple):
    """Where the following stands: the step, what swallows failures, the way here, and how deep."""

    step: StepFact
    swallowed: str
    via: tuple[Location, ...]
    depth: int


class Follower:
    """Looks up what steps call. `steps` holds the steps of each job."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.runners: Runners = repository.derived(runners_of)
        facts = repository.facts(ShellCommand)
        self.tasks = commands_by_task(facts)
        self.units: dict[tuple[str, int], list[ShellCommand]] = {}
        self.scripts: dict[str, list[ShellCommand]] = {}
        for command in facts:
            if command.unit.kind in ("step", "action"):
                self.units.setdefault((command.unit.path, command.unit.line), []).append(command)
            elif command.unit.kind == "script":
                self.scripts.setdefault(command.unit.path, []).append(command)
        self.axes: dict[str, tuple[str, ...]] = {}
        self.workflow_env = {one.path: one.env for one in repository.facts(WorkflowFact)}
        self.left_in_job = 0
        self.left = _MOST
        self.hooks = tuple(_hook_activities(repository))
        self.starts: dict[tuple[str, int], list[int]] = {}
        self.steps = repository.derived(steps_by_job)
        for step in repository.facts(StepFact):
            region = step.location.region
            self.starts.setdefault((step.path, region.start_line), []).append(region.start_column)

    def job(self, fact: JobFact) -> tuple[tuple[Run, ...], tuple[Opaque, ...]]:
        """Follow every step of a job."""
        runs: list[Run] = []
        opaque: list[Opaque] = []
        self.axes = {f"matrix.{name}": values for name, values in fact.matrix}
        scopes = (self.workflow_env.get(fact.path, ()), fact.env)
        self.axes |= {
            f"env.{name.lower()}": (value,) for scope in scopes for name, value in scope if "${{" not in value
        }
        self.left_in_job = _MOST_IN_JOB
        if fact.uses and not fact.uses.strip().startswith(("./", "$/")):
            opaque.append(Opaque(fact.location, fact.uses))
            runs += self._called_elsewhere(fact)
        for step in self.steps.get((fact.path, fact.id), ()):
            if not step.is_never_run:
                self._step(step, _Frame(step, _tolerance(step), (), 0), runs, opaque)
        if self.left_in_job < 0 or self.left < 0:
            opaque.append(Opaque(fact.location, "more commands than are followed"))
        return tuple(runs), tuple(opaque)

    def _called_elsewhere(self, fact: JobFact) -> Iterator[Run]:
        """A reusable workflow of another repository that a table knows."""
        name = (fact.uses or "").partition("@")[0].lower()
        found = tuple(_action_activities(name, fact.with_))
        if found:
            step = StepFact(
                fact.location, fact.path, fact.id, 0, "", "", fact.uses, name, "", fact.with_, (), None, None, None,
                None, None, False,
            )  # fmt: skip
            yield Run(fact.location, step, ((name,),), "", found, "", (), fact.with_)

    def _step(self, step: StepFact, frame: _Frame, runs: list[Run], opaque: list[Opaque]) -> None:
        if step.uses is not None:
            self._action(step, frame, runs, opaque)
            return
        unit = self._unit(step)
        if not unit and step.run and _is_foreign_shell(step.shell):
            unit = _read_as_shell(step)
        self._commands(unit, unit[0].unit.folder if unit else "", frame, runs)

    def _unit(self, step: StepFact) -> list[ShellCommand]:
        """The commands of a step; of several steps on one line (`steps: [{run: a}, {run: b}]`) only its own."""
        line, column = step.location.region.start_line, step.location.region.start_column
        unit = self.units.get((step.path, line), [])
        later = [start for start in self.starts.get((step.path, line), ()) if start > column]
        if not later and column == min(self.starts.get((step.path, line), [column])):
            return unit
        end = (line, min(later)) if later else (1 << 30, 0)
        return [one for one in unit if (line, column) <= one.location.region[:2] < end]

    def _action(self, step: StepFact, frame: _Frame, runs: list[Run], opaque: list[Opaque]) -> None:
        uses = (step.uses or "").strip()
        if uses.startswith(("./", "$/")):
            folder = uses[2:].partition("@")[0].strip("/")
            prefix = f"{folder}/" if folder else ""
            for name in ("action.yml", "action.yaml"):
                inner = self.steps.get((prefix + name, ""), ())
                if inner and frame.depth < _DEPTH:
                    via = (*frame.via, step.location)
                    for one in inner:
                        if not one.is_never_run:
                            swallowed = frame.swallowed or _tolerance(one)
                            self._step(one, _Frame(frame.step, swallowed, via, frame.depth + 1), runs, opaque)
                    return
            return
        found = tuple(_action_activities(step.action, step.with_))
        found += self.hooks if step.action in _HOOK_ACTIONS else ()
        inputs = (*step.with_, *step.env)
        runs.append(Run(step.location, frame.step, ((step.action,),), "", found, frame.swallowed, frame.via, inputs))

    def _commands(
        self,
        unit: Sequence[ShellCommand],
        folder: str | None,
        frame: _Frame,
        runs: list[Run],
        handed: tuple[str, ...] = (),
    ) -> None:
        """Follow the commands of one shell, keeping track of the folder."""
        start = folder
        for _, shell in groupby(unit[:_MOST_IN_JOB], key=lambda command: command.unit.line):
            siblings = list(shell)
            folder = start  # each recipe line has a shell of its own
            outside: list[tuple[int, str | None]] = []
            for command in siblings:
                if not command.known:
                    continue
                while outside and command.start >= outside[-1][0]:
                    folder = outside.pop()[1]
                self.left_in_job -= 1
                self.left -= 1
                if self.left_in_job < 0 or self.left < 0:
                    return
                if command.name in ("cd", "pushd"):
                    inner = next((one for one in reversed(command.frames) if one.kind in _SUBSHELLS), None)
                    if inner is not None:
                        outside.append((inner.end, folder))
                    folder = _below(folder, command.known[1] if len(command.known) > 1 else "")
                    continue
                extra = handed if command is unit[-1] else ()
                for variant in self._variants(command, command.known):
                    self._command(command, variant + extra, folder, frame, siblings, runs)

    def _variants(self, command: ShellCommand, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The command line for each value of the matrix, or of `env`, that it names: `npm run ${{ matrix.task }}`."""
        found = [words]
        for place, raw in enumerate(command.raw):
            for match in _CONTEXT.finditer(raw) if "${{" in raw else ():
                values = self.axes.get(match[1].lower(), ())[:_MOST_VALUES]
                if values and len(found) * len(values) <= _MOST_VALUES:
                    text = raw[: match.start()], raw[match.end() :]
                    if "${{" not in text[0] + text[1] and "$" not in text[0] + text[1]:
                        found = [
                            (*line[:place], f"{text[0]}{value}{text[1]}".strip("\"'"), *line[place + 1 :])
                            for line in found
                            for value in values
                        ]
        return found

    def _command(
        self,
        command: ShellCommand,
        words: tuple[str, ...],
        folder: str | None,
        frame: _Frame,
        siblings: Sequence[ShellCommand],
        runs: list[Run],
    ) -> None:
        """Take one command: follow what it calls, or note what it does."""
        lines = command_lines.laid_bare(words)
        found: list[Activity] = []
        called: Call | None = None
        for line in lines:
            found += command_lines.activities(line)
            found += command_lines.remote_activities(line) if command.payload == "ssh" else ()
            found += self.hooks if line[:2] in _RUNS_HOOKS else ()
            called = called or self.runners.call(line, folder)
        script = script_called(words, folder, self.repository)
        script = script if script in self.scripts else ""
        missing = called if called is not None and not called.tasks and not script else None
        found += _by_name(missing) if missing is not None else ()
        swallowed = frame.swallowed
        if not swallowed and (found or called or script or command.name in _ENDS):
            swallowed = swallowed_by(command, siblings)
        follows = frame.depth < _DEPTH and (script or (called is not None and called.tasks))
        if follows:
            inner = _Frame(frame.step, swallowed, (*frame.via, command.location), frame.depth + 1)
            self._follow(script, called, folder, inner, runs)
        if found or not follows:
            activities = tuple(dict.fromkeys(found))
            via = frame.via
            runs.append(
                Run(command.location, frame.step, lines, folder, activities, swallowed, via, (), missing, command)
            )

    def _follow(self, script: str, called: Call | None, folder: str | None, inner: _Frame, runs: list[Run]) -> None:
        """Follow a script, or the tasks of a call; the last task gets the arguments."""
        if script:
            self._commands(self.scripts[script], folder, inner, runs)
            return
        for task in called.tasks if called is not None else ():
            last = called is not None and (task.name == called.name or task is called.tasks[-1])
            handed = called.arguments if called is not None and last else ()
            self._commands(self.tasks.get((task.path, task.name), ()), task.folder, inner, runs, handed)


def _hook_activities(repository: Repository) -> Iterator[Activity]:
    """What the hooks of pre-commit do when all of them run."""
    from sp404audit.documents.pipeline import tools

    for hook in repository.facts(Hook):
        if "manual" in hook.stages:
            continue
        words = tools.HOOKS.get(hook.id, (hook.id,))
        if hook.repository == "local" and hook.entry:
            words = tuple(hook.entry.split()[:30])
        for line in command_lines.laid_bare((*words, *hook.arguments)) if words else ():
            for activity in command_lines.activities(line):
                # A hook that rewrites files fails all the same: pre-commit sees the change.
                yield activity if activity.fails is not False else activity._replace(fails=None)


def _is_foreign_shell(shell: str | None) -> bool:
    """Whether the step runs under PowerShell or cmd, whose simplest commands look like those of a shell."""
    return shell is None or shell.split()[:1] in (["pwsh"], ["powershell"], ["cmd"])


def _read_as_shell(step: StepFact) -> list[ShellCommand]:
    """The commands of a PowerShell or cmd step, as far as they are plain: only the last one's status counts there."""
    excerpt = LineExcerpt([(step.run or "", step.location.region)])
    unit = Unit("step", step.path, step.location.region.start_line, step.job, step.name, step.working_directory or "")
    return list(command_facts(parse(excerpt, github=True), step.path, unit))


def _by_name(call: Call) -> Iterator[Activity]:
    """What a task that the repository does not hold does, as far as its name tells."""
    for name in call.name.split():
        for role, pattern in _NAMED:
            if pattern.fullmatch(name):
                yield Activity(role, f"{call.runner} {name}", ("node",) if call.runner == "npm" else ())
                break


def _tolerance(step: StepFact) -> str:
    """What keeps a failure of the step from failing its job."""
    value = (step.continue_on_error or "").strip().lower()
    return "`continue-on-error: true` on the step" if value in ("true", "${{ true }}") else ""


def _below(folder: str | None, target: str) -> str | None:
    """The folder after `cd target`; None when only the run can tell it."""
    if target in ("", "-", "~"):
        return None
    return joined_folder(folder, target.replace("$GITHUB_WORKSPACE/", ""))


@lru_cache(maxsize=1024)
def _entries(action: str) -> tuple[ActionTool, ...]:
    """What the table says of an action or of the repository that it lies in, in the table's order."""
    parts = action.split("/")
    found = [entry for end in range(1, len(parts) + 1) for entry in _table().get("/".join(parts[:end]), ())]
    return tuple([entry for _, entry in sorted(found, key=itemgetter(0))])


@cache
def _table() -> dict[str, list[tuple[int, ActionTool]]]:
    """The table's entries with their places in it, by the name of the action."""
    from sp404audit.documents.pipeline.tools_actions import ACTIONS

    found: dict[str, list[tuple[int, ActionTool]]] = {}
    for place, entry in enumerate(ACTIONS):
        found.setdefault(entry.action, []).append((place, entry))
    return found


def _action_activities(action: str, inputs: Sequence[tuple[str, str]]) -> Iterator[Activity]:
    """What an action does, by the tables."""
    values = dict(inputs)
    for entry in _entries(action):
        if entry.needs is not None and not _holds(values.get(entry.needs[0]), entry.needs[1]):
            continue
        fails = entry.fails
        if entry.switch is not None:
            fails = _holds(values.get(entry.switch[0]), entry.switch[1])
        yield Activity(entry.role, entry.action, entry.covers, fails)


def _holds(value: str | None, wanted: Sequence[str]) -> bool:
    """Whether an input has one of the values: `""` for none given, `*` for any, `*x` for one with the word `x`."""
    if value is None or not value.strip():
        return "" in wanted
    text = value.strip().lower()
    if "${{" in text:
        return "expression" in wanted or "*" in wanted
    words = text.split()
    return any(one in (text, "*") or (len(one) > 1 and one[0] == "*" and one[1:].lower() in words) for one in wanted)
