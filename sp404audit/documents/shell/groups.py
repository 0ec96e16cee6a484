"""Commands that run together: those of a script, of a job, of a target, of a service."""

from __future__ import annotations

from sp404audit.documents.model import Repository
from sp404audit.documents.shell.commands import ROOT_FOLDER, SCRIPT_FOLDER, UNKNOWN, ShellCommand
from sp404audit.records import NamedTuple

__all__ = ["Group", "groups", "script_paths", "started_scripts"]

_SHELLS = frozenset({"bash", "sh", "dash", "zsh", "ksh", "ash", "source", "."})


class Group(NamedTuple):
    """Commands that run one after another; `owner` is the job, target, workload or unit; empty for a script."""

    kind: str
    path: str
    owner: str
    commands: tuple[ShellCommand, ...]


def groups(repository: Repository) -> tuple[Group, ...]:
    """Return every group of the repository, in the order of their files; ask by `repository.derived(groups)`."""
    found: dict[tuple[str, str, str], list[ShellCommand]] = {}
    for command in repository.facts(ShellCommand):
        unit = command.unit
        found.setdefault((unit.kind, unit.path, unit.owner), []).append(command)
    return tuple([Group(*key, tuple(commands)) for key, commands in found.items()])


def script_paths(repository: Repository, word: str, command: ShellCommand) -> list[str]:
    """Return the files of the repository that a path in a command may mean.

    A path below an unknown folder, or of an installed copy (`/opt/app/scripts/backup.sh`), means the files that end
    like it.
    """
    folder = command.unit.path.rpartition("/")[0]
    if word.startswith(SCRIPT_FOLDER):
        bases, tail = [folder], word[1:].lstrip("/")
    elif word.startswith(ROOT_FOLDER):
        bases, tail = [""], word[1:].lstrip("/")
    elif word.startswith(("/", UNKNOWN)):
        tail = word.rpartition(UNKNOWN)[2].lstrip("/")
        return _ending(repository, tail)
    else:
        bases, tail = [command.unit.folder or "", folder, ""], word
    direct = [path for base in bases if (path := normal(base, tail)) in repository.paths]
    return list(dict.fromkeys(direct))


def _ending(repository: Repository, tail: str) -> list[str]:
    """The files whose path shares the longest end with `tail`; an installed copy may have lost its extension."""
    parts = [part for part in tail.split("/") if part]
    if not parts or f"/{tail}".startswith(_SYSTEM):
        return []
    names = repository.derived(_by_name)
    found = names.get(parts[-1]) or ([] if "." in parts[-1] else names.get(f"{parts[-1]}.sh", []))
    for count in range(len(parts), 1, -1):
        suffix = "/".join(parts[-count:])
        longer = [path for path in found if path == suffix or path.endswith(f"/{suffix}")]
        if longer:
            return longer
    return found


_SYSTEM = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/dev/", "/proc/")


def _by_name(repository: Repository) -> dict[str, list[str]]:
    """Every file by its name without the folder."""
    found: dict[str, list[str]] = {}
    for path in sorted(repository.paths):
        found.setdefault(path.rpartition("/")[2], []).append(path)
    return found


def normal(base: str, tail: str) -> str | None:
    """Join two relative paths; None when the result lies outside the root."""
    parts = [part for part in base.split("/") if part]
    for part in tail.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def started_scripts(repository: Repository, command: ShellCommand) -> list[str]:
    """Return the scripts of the repository that a command starts or sources."""
    if not command.known:
        return []
    word = command.known[0]
    if command.name in _SHELLS:
        word = next((one for one in command.known[1:] if not one.startswith("-")), "")
    elif "/" not in word:
        return []
    return script_paths(repository, word, command) if word else []
