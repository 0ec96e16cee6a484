"""The walk over a repository that finds the files of the audit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import repeat
from operator import itemgetter

from sp404audit.discovery.git_index import BrokenIndexError, tracked_paths
from sp404audit.discovery.ignore import IgnoreRules
from sp404audit.discovery.kinds import HEAD_BYTES, Doubt, Kind, by_content, by_path
from sp404audit.discovery.reading import MAX_BYTES, Entry, InputError, LinkEnd, Reader, too_large
from sp404audit.records import NamedTuple
from sp404audit.results import Level, Notification

__all__ = ["Discovery", "File", "discover"]

MAX_DEPTH = 64
"""Folders below each other that are walked; the deepest in public repositories is about 30."""

MAX_IGNORE_BYTES = 256 * 1024

MAX_NOTIFICATIONS = 100
"""Notifications of one id; what is beyond is counted."""

_OTHER_ORIGIN = """
    .git .hg .svn .jj node_modules bower_components jspm_packages .venv venv virtualenv site-packages
    dist-packages __pycache__ .tox .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis .eggs
    .ipynb_checkpoints .terraform .terragrunt-cache .gradle .m2 .bundle vendor third_party Pods Carthage
    DerivedData .pnpm-store .yarn .npm .next .nuxt .svelte-kit .angular .parcel-cache .turbo .cache"""
PRUNED_FOLDERS = frozenset(_OTHER_ORIGIN.split())
"""Folders of other people's or generated files: not walked wherever they are, and counted."""

_PRUNED_BESIDE = {"target": ("Cargo.toml", "pom.xml")}
_METADATA = frozenset((".git", ".hg", ".svn", ".jj"))
_ONLY_WHEN_TRACKED = frozenset((Kind.DOTENV, Kind.TFVARS, Kind.KEYSTORE))
"""Kinds of which git's ignore rules say that they are this machine's, even where git's index cannot be asked."""


class File(NamedTuple):
    """A file of the audit: its path relative to the root with `/`, its kind, and its size in bytes.

    The size of a file of kind `TEXT` is not asked for and is 0: there may be a hundred thousand of them.
    """

    path: str
    kind: Kind
    size: int


class Discovery(NamedTuple):
    """What a repository holds.

    Attributes:
        files: the files to audit, in the order of their paths. Those of kind `TEXT` are read for secrets alone.
        paths: every file in the tree, audited or not, links included; what lies in a pruned folder is not in it.
        notifications: what is left out, and why.
        pruned: the folders that were not walked.
    """

    files: tuple[File, ...]
    paths: frozenset[str]
    notifications: tuple[Notification, ...]
    pruned: tuple[str, ...]


def discover(
    root: str | os.PathLike[str] | Reader, *, exclude: Iterable[str] = (), named: AbstractSet[str] = frozenset()
) -> Discovery:
    """Walk a repository and tell the kind of each of its files.

    No link is followed, nothing outside `root` is opened, and no process is started. What .gitignore leaves out is left
    out only where git's index says that it is not tracked: a repository cannot hide a workflow that way.

    Args:
        root: the folder to audit, or what reads it.
        exclude: further patterns, as in .gitignore, of files that are not audited.
        named: files that somebody asks for by name: .gitignore does not hide them, `exclude` does.
    """
    walk = _Walk(root if isinstance(root, Reader) else Reader(root))
    walk.run()
    return _Selection(walk, exclude, named).discovery()


class _Found(NamedTuple):
    path: str
    kind: Kind | Doubt
    size: int


class _Notes:
    """Notifications, bounded by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, list[Notification]] = {}

    def add(self, id: str, level: Level, message: str, path: str = "") -> None:  # noqa: A002
        self._by_id.setdefault(id, []).append(Notification(id, level, message, path))

    def take(self, notification: Notification) -> None:
        self._by_id.setdefault(notification.id, []).append(notification)

    def bounded(self) -> Iterator[Notification]:
        for id, notes in sorted(self._by_id.items()):  # noqa: A001
            notes.sort(key=lambda note: (note.level != "error", note.path))
            yield from notes[:MAX_NOTIFICATIONS]
            if rest := notes[MAX_NOTIFICATIONS:]:
                yield Notification(id, rest[0].level, f"{len(rest)} more files: {rest[0].message}")


class _Walk:
    """One pass over the tree with a stack of its own."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.found: list[_Found] = []
        self.texts: list[str] = []
        self.paths: list[str] = []
        self.ignore_files: list[str] = []
        self.pruned: list[str] = []
        self.notes = _Notes()
        self._is_checkout = reader.has(".git")

    def run(self) -> None:
        pending: list[tuple[str, int]] = [("", 0)]
        while pending:
            folder, depth = pending.pop()
            entries = self._list(folder)
            if entries is None:
                continue
            names = {entry.name for entry in entries}
            if folder and self._is_checkout and ".git" in names:
                self.pruned.append(folder)  # a submodule or another checkout: a repository of its own
                continue
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_file(follow_symlinks=False):
                    self._file(folder, path, entry)
                elif entry.is_dir(follow_symlinks=False):
                    self._folder(path, entry.name, names, depth, pending)
                elif entry.is_symlink():
                    self._link(folder, entry.name, path)
                elif entry.name not in _METADATA and _audited(by_path(folder, entry.name)):
                    self.notes.add("input/not-regular", "warning", "is not a regular file: not opened", path)

    def _list(self, folder: str) -> Sequence[Entry] | None:
        try:
            return self.reader.entries(folder)
        except OSError as error:
            reason = error.strerror or "unknown error"
            self.notes.add("input/unreadable", "error", f"cannot be listed: {reason}", folder or ".")
            return None

    def _folder(self, path: str, name: str, names: set[str], depth: int, pending: list[tuple[str, int]]) -> None:
        if name in PRUNED_FOLDERS or not names.isdisjoint(_PRUNED_BESIDE.get(name, ())):
            if name not in _METADATA:
                self.pruned.append(path)
        elif depth + 1 > MAX_DEPTH:
            message = f"lies deeper than {MAX_DEPTH} folders: not walked"
            self.notes.add("input/too-deep-path", "warning", message, path)
        else:
            pending.append((path, depth + 1))

    def _file(self, folder: str, path: str, entry: Entry) -> None:
        name = entry.name
        if name in _METADATA:
            return
        self.paths.append(path)
        if name == ".gitignore":
            self.ignore_files.append(path)
        kind = by_path(folder, name)
        if kind is Kind.TEXT:
            self.texts.append(path)
        if kind is None or kind is Kind.TEXT:
            return
        try:
            size = entry.stat(follow_symlinks=False).st_size
        except OSError:
            size = 0  # opening it will tell
        self.found.append(_Found(path, kind, size))

    def _link(self, folder: str, name: str, path: str) -> None:
        self.paths.append(path)
        kind = by_path(folder, name)
        leads = self.reader.link_end(path)
        if leads is LinkEnd.OUTSIDE:
            level: Level = "warning" if _audited(kind) else "note"
            self.notes.add("input/link", level, "is a link that leaves the repository: not followed", path)
        elif _audited(kind) or leads is LinkEnd.FOLDER:
            end = "it points to nothing" if leads is LinkEnd.NOWHERE else "what it points to is audited where it lies"
            self.notes.add("input/link", "note", f"is a link and not followed: {end}", path)


def _audited(kind: Kind | Doubt | None) -> bool:
    return kind is Doubt.DOCKERFILE or (isinstance(kind, Kind) and kind not in (Kind.TEXT, Kind.TEMPLATE))


class _Selection:
    """From what the walk found to what is audited."""

    def __init__(self, walk: _Walk, exclude: Iterable[str], named: AbstractSet[str]) -> None:
        self._walk = walk
        self._notes = walk.notes
        self._reader = walk.reader
        self._rules = IgnoreRules()
        self._excluded = IgnoreRules()
        self._excluded.add("", "\n".join(exclude))
        self._named = named
        self._tracked: frozenset[str] | None = None
        self._may_hide = True

    def discovery(self) -> Discovery:
        self._read_index()
        self._read_ignore_files()
        files = [file for found in self._walk.found if (file := self._select(found)) is not None]
        files.extend(map(File, self._texts(), repeat(Kind.TEXT), repeat(0)))
        files.sort(key=itemgetter(0))
        pruned = tuple(sorted(self._walk.pruned))
        self._count_what_is_left_out(pruned)
        return Discovery(tuple(files), frozenset(self._walk.paths), tuple(self._notes.bounded()), pruned)

    def _count_what_is_left_out(self, pruned: tuple[str, ...]) -> None:
        told = [folder for folder in pruned if not self._rules.ignores(folder)]
        if told:
            shown = ", ".join(told[:3]) + (", …" if len(told) > 3 else "")
            message = f"not walked: {_count(len(told), 'folder')} of other origin ({shown})"
            self._notes.add("input/pruned", "note", message)

    def _read_index(self) -> None:
        try:
            self._tracked = tracked_paths(self._reader)
        except BrokenIndexError as error:
            self._may_hide = False
            message = f"git's index cannot be used ({error}): nothing is left out by .gitignore"
            self._notes.add("input/unreadable", "note", message, ".git/index")

    def _read_ignore_files(self) -> None:
        if not self._may_hide:
            return
        paths = [*sorted(self._walk.ignore_files), *([".git/info/exclude"] if self._tracked is not None else [])]
        for path in paths:
            folder = "" if path.startswith(".git/") else path.rpartition("/")[0]
            try:
                data = self._reader.read(path, MAX_IGNORE_BYTES)
            except InputError:
                if path.startswith(".git/"):
                    continue  # most repositories have none
                data = None
            if data is None or not self._rules.add(folder, data.decode("utf-8", "surrogateescape")):
                message = "is too long or cannot be read: nothing is left out by it"
                self._notes.add("input/too-large", "warning", message, path)

    def _select(self, found: _Found) -> File | None:
        path, kind, size = found
        if self._excluded and self._excluded.ignores(path):
            return None
        if self._ignored(path, kind):
            return None
        if isinstance(kind, Doubt):
            decided = self._by_content(kind, path)
            if decided is Kind.TEXT:
                self._walk.texts.append(path)
            if decided is None or decided is Kind.TEXT:
                return None
            kind = decided
        if kind is Kind.TEMPLATE:
            self._notes.add("input/template", "note", "is a template: what it becomes is not known", path)
            return None
        if size > MAX_BYTES:
            self._notes.add("input/too-large", "error", too_large(size, MAX_BYTES), path)
            return None
        return File(path, kind, size)

    def _texts(self) -> Iterable[str]:
        """Text is read for secrets that are tracked; where git's index is known, it says what is."""
        texts: Iterable[str] = self._walk.texts
        if self._tracked is not None:
            texts = self._tracked.union(self._named).intersection(texts)
        if self._excluded:
            texts = [path for path in texts if not self._excluded.ignores(path)]
        return texts

    def _ignored(self, path: str, kind: Kind | Doubt) -> bool:
        if path in self._named:
            return False
        if self._tracked is None:
            return kind in _ONLY_WHEN_TRACKED and self._rules.ignores(path)
        return path not in self._tracked and self._rules.ignores(path)

    def _by_content(self, doubt: Doubt, path: str) -> Kind | None:
        try:
            return by_content(doubt, path, self._reader.head(path, HEAD_BYTES))
        except InputError as error:
            self._notes.take(error.notification)
            return None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
