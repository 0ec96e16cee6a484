"""Commands that delete old copies: where they act, and after how many days."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sp404audit.documents.model import Repository
from sp404audit.documents.shell.commands import UNKNOWN, ShellCommand
from sp404audit.documents.shell.groups import Group, groups
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.rules.backup._jobs import Job, pipeline_peers
from sp404audit.rules.backup._tools import Store, days_in

__all__ = ["Pruning", "local_pruning", "remote_pruning"]

_MTIME = regex(r"\+(\d{1,5})")
_NAME = regex(r"[\w.-]+")
_DELETES = frozenset({"rm", "unlink", "trash"})
_REMOTE_VERBS = {
    "aws": ("s3 rm", "s3api delete-object"),
    "gsutil": ("rm",),
    "gcloud": ("storage rm",),
    "rclone": ("delete", "deletefile", "purge"),
    "mc": ("rm",),
    "s3cmd": ("del", "rm", "expire"),
    "s5cmd": ("rm",),
    "az": ("storage blob delete", "storage blob delete-batch"),
    "b2": ("delete-file-version", "rm"),
}


class Pruning(NamedTuple):
    """A command that deletes old copies; `days` is None when its limit is not known."""

    command: ShellCommand
    days: float | None
    text: str


def local_pruning(job: Job) -> Pruning | None:
    """Find what deletes old files where the job runs."""
    for command in job.group.commands:
        if command.name == "find" and (command.payload or "") != "ssh" and _deletes(job.group, command):
            return _by_find(command)
    for command in job.group.commands:
        kept = _counted(job.group, command)
        if kept is not None:
            days = None if job.hours is None else kept * job.hours / 24
            return Pruning(command, days, f"the newest {kept} copies")
    return None


def _deletes(group: Group, find: ShellCommand) -> bool:
    if "-delete" in find.known or any(word.rpartition("/")[2] in _DELETES for word in find.known):
        return True
    return any(peer.name in _DELETES for peer in pipeline_peers(group, find))


def _by_find(command: ShellCommand) -> Pruning:
    for at, word in enumerate(command.known[:-1]):
        value = command.known[at + 1]
        match = _MTIME.fullmatch(value)
        if word in ("-mtime", "-ctime") and match:
            # `+30` means more than 30 whole days: the file is deleted when it is 31 days old.
            return Pruning(command, int(match.group(1)) + 1, f"find {word} {value}")
        if word in ("-mmin", "-cmin") and match:
            return Pruning(command, int(match.group(1)) / 1440, f"find {word} {value}")
    return Pruning(command, None, "find without a known age")


def _counted(group: Group, command: ShellCommand) -> int | None:
    """Return how many copies `ls -t | tail -n +31 | xargs rm` leaves."""
    if command.name != "tail" or not any(peer.name in _DELETES for peer in pipeline_peers(group, command)):
        return None
    for word in command.known[1:]:
        match = re.fullmatch(r"(?:-n)?\+(\d{1,5})", word)
        if match:
            return int(match.group(1)) - 1
    return None


def remote_pruning(repository: Repository, job: Job, store: Store) -> Pruning | None:
    """Find what deletes old copies from a store: in the job, or elsewhere by the store's name."""
    for command in job.group.commands:
        if _acts_on(command, store):
            return Pruning(command, _age(job.group, command), _label(command))
    if store.bucket == "*":
        return None
    found = (each for each in repository.derived(_deletions).of(store) if each.group is not job.group)
    deletion = next(found, None)
    if deletion is None:
        return None
    return Pruning(deletion.command, _age(deletion.group, deletion.command), _label(deletion.command))


class _Deletion(NamedTuple):
    """A command that deletes from some store, with the group that it belongs to."""

    group: Group
    command: ShellCommand


class _Deletions:
    """Every command that deletes from a store, by the names that it holds: a store asks only those that name it."""

    def __init__(self, found: Iterable[_Deletion]) -> None:
        self._all = list(found)
        self._by_name: dict[str, list[_Deletion]] = {}
        for each in self._all:
            for name in dict.fromkeys(_NAME.findall(" ".join(each.command.known))):
                self._by_name.setdefault(name, []).append(each)
        self._found: dict[tuple[str | None, str, str], tuple[_Deletion, ...]] = {}

    def of(self, store: Store) -> tuple[_Deletion, ...]:
        """Return what deletes from a store: the first in each of the first two groups that do."""
        key = (store.command.name, store.kind, store.bucket)
        if key not in self._found:
            first: dict[int, _Deletion] = {}
            for each in self._candidates(store.bucket):
                if _acts_on(each.command, store) and store.bucket in " ".join(each.command.known):
                    first.setdefault(id(each.group), each)
                if len(first) == 2:  # whoever asks is one group, and wants another's
                    break
            self._found[key] = tuple(first.values())
        return self._found[key]

    def _candidates(self, bucket: str) -> list[_Deletion]:
        named = [self._by_name.get(name, []) for name in _NAME.findall(bucket)]
        return min(named, key=len, default=self._all)


def _deletions(repository: Repository) -> _Deletions:
    """Index what deletes from stores, wherever it is; ask by `repository.derived(_deletions)`."""
    return _Deletions(
        _Deletion(group, command)
        for group in repository.derived(groups)
        for command in group.commands
        if command.name == "find" or command.name in _REMOTE_VERBS
    )


def _label(command: ShellCommand) -> str:
    return " ".join(command.known[:3]).replace(UNKNOWN, "…")


def _acts_on(command: ShellCommand, store: Store) -> bool:
    if store.kind == "host":
        return command.name == "find" and command.payload == "ssh" and "-delete" in command.known
    if command.name != store.command.name and (command.name, store.kind) not in (("aws", "s3"), ("s3cmd", "s3")):
        return False
    text = " ".join(word for word in command.known[1:] if not word.startswith("-"))
    if not any(text == verb or text.startswith(f"{verb} ") for verb in _REMOTE_VERBS.get(command.name or "", ())):
        return False
    name = store.bucket.partition("*")[0].rstrip(":")
    return not name or name in text or UNKNOWN in text


def _age(group: Group, command: ShellCommand) -> float | None:
    """Return the age at which copies are deleted, by the command's options or the date that the script computes."""
    for at, word in enumerate(command.known):
        for option in ("--min-age", "--older-than", "--expiry-days"):
            if word.startswith(option):
                value = word.partition("=")[2] or (command.known[at + 1] if at + 1 < len(command.known) else "")
                return days_in(value)
    found = {
        days
        for other in group.commands
        if other.name in ("date", "gdate") and other.unit == command.unit
        for word in other.known[1:]
        if (days := days_in(word)) is not None
    }
    return min(found) if found else None
