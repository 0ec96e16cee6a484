"""What a container starts: the command line, the script behind it, and the user that they hand over to."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from sp404audit.documents.containers.built_images import FinalStage
from sp404audit.documents.containers.dockerfile_stages import Setting, StageState, StepFact
from sp404audit.documents.model import Repository
from sp404audit.documents.shell.commands import ShellCommand
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Drop", "command_line", "privilege_drop"]

_DROPPERS = frozenset({"capsh", "chpst", "gosu", "runuser", "s6-setuidgid", "setpriv", "setuidgid", "su", "su-exec"})
"""Programs that start another one as somebody else."""
_LONGEST_COMMAND = 200


class Drop(NamedTuple):
    """Where the container hands over from root to another user, and the program that does it."""

    location: Location
    program: str


def command_line(state: StageState) -> list[str]:
    """The words of ENTRYPOINT and CMD, in the order in which they are run. Shell forms are split at blanks."""
    words: list[str] = []
    for setting in (state.entrypoint, state.command):
        words += _words(setting)
    return words[:_LONGEST_COMMAND]


def _words(setting: Setting | None) -> list[str]:
    if setting is None:
        return []
    if setting.step.exec_form:
        return list(setting.step.words)
    return [word.strip("\"'") for word in setting.step.words]


def privilege_drop(image: FinalStage, state: StageState) -> Drop | None:
    """Find the program that leaves root behind: in ENTRYPOINT or CMD, or in a script of the repository."""
    for setting in (state.entrypoint, state.command):
        words = _words(setting)
        names = [posixpath.basename(word) for word in words]
        for index, name in enumerate(names):
            if setting is not None and name in _DROPPERS and not _stays_root(words[index + 1 :]):
                return Drop(setting.step.location, name)
    droppers = image.repository.derived(_dropping_scripts)
    for path in _scripts(image, state):
        if path in droppers:
            return droppers[path]
    return None


def _stays_root(words: list[str]) -> bool:
    """Whether the user that is handed over to is root itself."""
    user = next((word for word in words if not word.startswith("-")), "")
    return user.partition(":")[0] in ("root", "0")


def _dropping_scripts(repository: Repository) -> dict[str, Drop]:
    found: dict[str, Drop] = {}
    for command in repository.facts(ShellCommand):
        if command.unit.kind != "script" or command.unit.path in found:
            continue
        dropper = next((name for name in (*command.wrappers, command.name or "") if name in _DROPPERS), None)
        if dropper is not None and not _stays_root([word or "" for word in _after(command, dropper)]):
            found[command.unit.path] = Drop(command.location, dropper)
    return found


def _after(command: ShellCommand, dropper: str) -> list[str | None]:
    # A wrapper's own words are not part of the fact: whom it hands over to is then not known.
    return list(command.argv[1:]) if command.name == dropper else []


def _scripts(image: FinalStage, state: StageState) -> Iterator[str]:
    """The files of the repository that a COPY may have put where ENTRYPOINT or CMD look for a script."""
    programs = [word for word in command_line(state) if "/" in word or word.endswith(".sh")]
    contexts = [request.context for request in image.requests if request.context is not None]
    folders = list(dict.fromkeys(contexts)) or [posixpath.dirname(image.dockerfile.path), ""]
    for program in programs:
        for step in state.copies:
            if step.flag("from") is None and len(step.words) > 1:
                for source in _sources(step, program):
                    for folder in folders:
                        yield posixpath.normpath(posixpath.join(folder, source.lstrip("/")))


def _sources(step: StepFact, program: str) -> Iterator[str]:
    """What a COPY copies that could be the program: a source of that name, or a folder that holds it."""
    name = posixpath.basename(program)
    *sources, target = step.words
    for source in sources:
        if posixpath.basename(source) == name or posixpath.basename(target) == name:
            yield source
        elif program.startswith(target.rstrip("/") + "/"):
            yield posixpath.join(source, program[len(target.rstrip("/")) + 1 :])
        elif not program.startswith("/"):
            yield posixpath.join(source, program)
        else:
            yield posixpath.join(source, name)
