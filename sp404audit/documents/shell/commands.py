"""Shell, wherever it stands: scripts, `run:` blocks, RUN instructions, recipes, hooks.

`parse` reads any excerpt; `command_facts` turns what it read into facts for rules that look across files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from sp404audit.documents.shell.model import (
    ROOT_FOLDER,
    SCRIPT_FOLDER,
    UNKNOWN,
    Assignment,
    Command,
    Frame,
    Part,
    Pipeline,
    Redirect,
    Setting,
    Shell,
    Word,
    is_known,
)
from sp404audit.documents.shell.values import expand
from sp404audit.documents.source import Problem
from sp404audit.records import NamedTuple
from sp404audit.results import Location

if TYPE_CHECKING:
    from sp404audit.documents.source import Excerpt

__all__ = [
    "MAX_SIZE",
    "ROOT_FOLDER",
    "SCRIPT_FOLDER",
    "UNKNOWN",
    "Assignment",
    "Command",
    "Frame",
    "Part",
    "Pipeline",
    "Redirect",
    "Shell",
    "ShellCommand",
    "ShellRedirect",
    "Unit",
    "Word",
    "command_facts",
    "expand",
    "is_known",
    "parse",
]

MAX_SIZE = 256 * 1024
"""The longest text that is read; installers that carry an archive behind their last line are longer."""


def parse(
    excerpt: Excerpt,
    *,
    github: bool = False,
    templates: bool = False,
    interpreter: str = "bash",
    options: Iterable[str] = (),
    environment: Mapping[str, str | None] | None = None,
) -> Shell:
    """Read a stretch of shell. Never raises: what could not be read is told in `Shell.problems`.

    Args:
        excerpt: the text and the way back to its places.
        github: `${{ … }}` is filled in by GitHub before the shell starts; no word that holds one has a known value.
        templates: `{{ … }}` is filled in by a template engine before the shell starts, likewise.
        interpreter: the shell that runs it, when the caller knows (`sh` has no `pipefail` of its own).
        options: what is switched on from outside (`bash -e {0}`: `errexit`).
        environment: variables that are set outside; None for one whose value isn't known.
    """
    from sp404audit.documents.shell.text import View, mask_github, mask_templates

    shell = Shell(excerpt)
    shell.interpreter = interpreter
    shell.environment = dict(environment or {})
    text = excerpt.text
    if len(text) > MAX_SIZE:
        message = (
            f"the shell text has {len(text):,} characters, more than the {MAX_SIZE:,} that are read; it was not audited"
        )
        shell.problems.append(Problem("shell/too-large", message, excerpt.region(0, 0)))
        return shell
    shell.settings += [Setting(0, option, True, len(text) + 1) for option in options]
    if text.strip():
        from sp404audit.documents.shell.reader import read

        masked = mask_github(text) if github else mask_templates(text) if templates else text
        read(shell, View(masked))
        shell.commands.sort(key=lambda command: (command.start, -command.end))
        shell.assignments.sort(key=lambda assignment: (assignment.start, -assignment.end))
        shell.settings.sort(key=lambda setting: setting.offset)
    return shell


class Unit(NamedTuple):
    """What a command belongs to: all commands of a unit run in one shell.

    `kind` is script, step, action, run (of a Dockerfile), command (CMD, ENTRYPOINT, that of a container), recipe or
    npm. `path` and `line` say where it begins; `owner` is the job, the target, the service; `folder` is the working
    directory relative to the root (None: not known, for instance inside an image).
    """

    kind: str
    path: str
    line: int = 1
    owner: str = ""
    name: str = ""
    folder: str | None = ""


class ShellRedirect(NamedTuple):
    """A redirection: `target` is known as far as `UNKNOWN` allows; `body` is the text of a here-document."""

    operator: str
    target: str
    body: str | None = None


class ShellCommand(NamedTuple):
    """A simple command, as cross-file rules see it.

    `name` and `argv` are those of the command that really runs, without `sudo` and its like (`wrappers`); an argument
    is None when only the run can tell it, and `known` holds the same words with `UNKNOWN` in the unknown stretches.
    `raw` is the source of each word. Variables and their defaults are followed.
    """

    location: Location
    unit: Unit
    name: str | None
    argv: tuple[str | None, ...]
    known: tuple[str, ...]
    raw: tuple[str, ...]
    start: int
    end: int
    redirects: tuple[ShellRedirect, ...] = ()
    wrappers: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()
    pipeline: Pipeline | None = None
    options: tuple[str, ...] = ()
    function: str | None = None
    payload: str | None = None
    guarded: bool = False
    in_condition: bool = False
    errexit_ignored: bool = False
    substitution: bool = False
    conditional: bool = False
    assignments: tuple[tuple[str, str], ...] = ()

    @property
    def arguments(self) -> tuple[str | None, ...]:
        """The words behind the name."""
        return self.argv[1:]


def command_facts(shell: Shell, path: str, unit: Unit) -> Iterator[ShellCommand]:
    """Yield every command of a shell text as a fact, in source order."""
    for command in shell.commands:
        argv: tuple[str | None, ...]
        if command.row is not None:
            raw, known = command.row.texts[command.first :], command.row.values[command.first :]
            name, argv = command.name, known
        else:
            words = command.words[command.first :]
            raw = tuple([word.text for word in words])
            known = tuple([shell.resolve(word) for word in words])
            argv = tuple([one if is_known(one) else None for one in known])
            tail = known[0].rpartition("/")[2] if known else ""
            name = tail if is_known(tail) else None
        around = command.around
        yield ShellCommand(
            location=Location(path, command.region),
            unit=unit,
            name=name,
            argv=argv,
            known=known,
            raw=raw,
            start=command.start,
            end=command.end,
            redirects=tuple([_redirect(shell, one) for one in command.redirects]),
            wrappers=command.wrappers,
            frames=command.frames,
            pipeline=around.pipeline,
            options=tuple(sorted(shell.options_at(command))),
            function=around.function,
            payload=around.payload,
            guarded=around.guarded,
            in_condition=around.in_condition,
            errexit_ignored=around.errexit_ignored,
            substitution=around.substitution,
            conditional=around.conditional,
            assignments=tuple(
                [(one.name, UNKNOWN if one.value is None else shell.resolve(one.value)) for one in command.assignments]
            ),
        )


def _redirect(shell: Shell, redirect: Redirect) -> ShellRedirect:
    return ShellRedirect(
        redirect.operator, shell.resolve(redirect.target) if redirect.target is not None else "", redirect.body
    )
