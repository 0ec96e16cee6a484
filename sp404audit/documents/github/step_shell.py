"""The commands of a step, read as the shell reads them that GitHub starts for it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from sp404audit.documents.github.code import shell_language
from sp404audit.documents.shell import commands as shell
from sp404audit.documents.yaml_tree import Scalar
from sp404audit.results import WHOLE_FILE, Location

if TYPE_CHECKING:
    from sp404audit.documents.github.steps import Step
    from sp404audit.documents.source import Excerpt, Problem
    from sp404audit.results import Region

__all__ = ["environment", "read_shell", "step_commands"]


def read_shell(step: Step) -> shell.Shell | None:
    """Read the command of a step as shell; None when it has none, or another language reads it.

    Where the shell depends on the run, bash is assumed: it is the default of every runner but Windows.
    """
    interpreter = _interpreter(step)
    if step.shell_text is None and step.run is not None and interpreter is not None:
        step.shell_text = shell.parse(
            step.run.excerpt(step.source),
            github=True,
            interpreter=interpreter,
            options=_options(step),
            environment=environment(step),
        )
    return step.shell_text


def _interpreter(step: Step) -> str | None:
    language = shell_language(step) if step.run is not None else "none"
    return (language or "bash") if language in ("bash", "sh", "") else None


def _options(step: Step) -> tuple[str, ...]:
    """The options that GitHub starts the shell with ("Workflow syntax", `jobs.<job_id>.steps[*].shell`)."""
    written = step.shell.value.split() if step.shell is not None else []
    if len(written) > 1:
        flags = "".join(word[1:] for word in written[1:] if word.startswith("-") and not word.startswith("--"))
        return tuple(name for flag, name in (("e", "errexit"), ("u", "nounset")) if flag in flags) + (
            ("pipefail",) if "pipefail" in written else ()
        )
    # Only a shell that is named gets pipefail: the default is `bash -e`.
    return ("errexit", "pipefail") if written == ["bash"] else ("errexit",)


def environment(step: Step) -> dict[str, str | None]:
    """The variables that `env:` sets for the step; None for one whose value an expression makes."""
    found: dict[str, str | None] = {}
    for scope in step.variable_scopes():
        for name, _, value in scope.pairs():
            if name not in found:
                known = isinstance(value, Scalar) and "${{" not in value.value
                found[name] = value.value if known and isinstance(value, Scalar) else None
    return found


def step_commands(step: Step, path: str, problems: list[Problem]) -> Iterator[shell.ShellCommand]:
    """Yield the commands of a step as facts; what cannot be read of them goes to `problems`."""
    interpreter = _interpreter(step)
    if step.run is None or interpreter is None:
        return
    text = step.run.value
    excerpt = step.run.excerpt(step.source)
    kind, owner = ("step", step.job.id) if step.job is not None else ("action", "")
    unit = shell.Unit(kind, path, step.region.start_line, owner, step.name or step.id, _folder(step))
    if step.shell_text is not None:  # a rule asked for it
        problems += step.shell_text.problems
        yield from shell.command_facts(step.shell_text, path, unit)
        return
    # What the text does not name cannot change what it means: the same text with other variables around it is the same.
    environ = tuple(sorted((name, value) for name, value in environment(step).items() if name in text))
    known = _commands(text, interpreter, _options(step), environ)
    if known is None:
        known, found = _read(excerpt, interpreter, _options(step), environ)
        problems += found
    for command in known:
        place = Location(path, excerpt.region(command.start, command.end))
        yield shell.ShellCommand(place, unit, *command[2:])  # `_replace` takes several times as long


_Environment = tuple[tuple[str, "str | None"], ...]
_Commands = tuple[shell.ShellCommand, ...]


class _Anywhere:
    """A text without places: those are filled in for each step that holds it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def region(self, start: int, end: int) -> Region:
        """No place."""
        del start, end
        return WHOLE_FILE


@lru_cache(maxsize=2048)
def _commands(text: str, interpreter: str, options: tuple[str, ...], environ: _Environment) -> _Commands | None:
    """Read a text, once for all the steps that hold it; None when it could not be read without a problem."""
    commands, problems = _read(_Anywhere(text), interpreter, options, environ)
    return None if problems else commands


def _read(
    excerpt: Excerpt, interpreter: str, options: tuple[str, ...], environ: _Environment
) -> tuple[_Commands, list[Problem]]:
    found = shell.parse(excerpt, github=True, interpreter=interpreter, options=options, environment=dict(environ))
    return tuple(shell.command_facts(found, "", shell.Unit("step", ""))), found.problems


def _folder(step: Step) -> str | None:
    """The folder that the command starts in, relative to the workspace, which is the repository's root."""
    written = step.working_directory
    if written is None:
        return ""
    folder = posixpath.normpath(written.value.strip() or ".")
    if "${{" in folder or folder.startswith(("/", "../")) or folder == "..":
        return None
    return "" if folder == "." else folder
