"""Other ways to see a repository than as it lies on disk: with some files from memory, or as git's index has it.

The audit works on either as it does on disk: a view lists folders, and reads files, under the same bounds.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import TYPE_CHECKING

from sp404audit.discovery.reading import MAX_BYTES, Entry, InputError, LinkEnd, Reader, too_large
from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    from sp404audit.git import Running

__all__ = ["IndexReader", "Overlay", "index_file", "open_index"]

_MAX_LINKS = 40
"""Links that are followed one after the other (Linux's own limit)."""


class _Virtual(NamedTuple):
    """An entry of a folder that is not on disk."""

    name: str
    mode: int
    size: int = 0

    def is_file(self, *, follow_symlinks: bool = True) -> bool:  # noqa: ARG002 (the shape of os.DirEntry)
        return stat.S_ISREG(self.mode)

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:  # noqa: ARG002
        return stat.S_ISDIR(self.mode)

    def is_symlink(self) -> bool:
        return stat.S_ISLNK(self.mode)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:  # noqa: ARG002
        return os.stat_result((self.mode, 0, 0, 1, 0, 0, self.size, 0, 0, 0))


class Overlay(Reader):
    """The files on disk, some of which have another content: what an editor has not saved yet.

    Args:
        root: the folder that is audited.
        contents: by path, relative to the root with `/`. A path that is not on disk is a new file.
    """

    def __init__(self, root: str | os.PathLike[str], contents: Mapping[str, bytes]) -> None:
        super().__init__(root)
        self._contents = dict(contents)
        self._folders = _folders({path: (stat.S_IFREG, len(data)) for path, data in self._contents.items()})

    def has(self, path: str) -> bool:
        """Tell whether there is anything at a path."""
        return path in self._contents or path in self._folders or super().has(path)

    def entries(self, folder: str) -> Sequence[Entry]:
        """List a folder; what is in memory replaces what is on disk."""
        virtual = self._folders.get(folder)
        if virtual is None:
            return super().entries(folder)
        try:
            on_disk = super().entries(folder)
        except (FileNotFoundError, NotADirectoryError):
            on_disk = ()
        known = {entry.name: entry for entry in on_disk}
        added = [each for each in virtual if not (each.is_dir() and each.name in known)]
        replaced = {each.name for each in added}
        return [*(entry for entry in on_disk if entry.name not in replaced), *added]

    def _read(self, path: str, length: int, limit: int | None) -> bytes:
        data = self._contents.get(path)
        if data is None:
            return super()._read(path, length, limit)
        if limit is not None and len(data) > limit:
            self._too_large(path, len(data), limit)
        return data[:length]


class _Blob(NamedTuple):
    """An entry of git's index: its mode, the name of its object, and its size in bytes (None: it is not there)."""

    mode: int
    name: str
    size: int | None
    in_conflict: bool = False


class _Objects:
    """Git's objects, from one process that is asked for one after the other; a new one when it has died of one."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = root
        self._at_work: AbstractContextManager[Running] | None = None
        self._process: Running | None = None

    def content(self, name: str, size: int) -> bytes | None:
        """Return a blob whose size is known; None where git cannot read it."""
        from sp404audit.git import GitError

        try:
            data = self._ask(name, size)
        except (GitError, OSError):
            data = None
        if data is None:
            self.close()
        return data

    def _ask(self, name: str, size: int) -> bytes | None:
        if self._process is None:
            from sp404audit.git import open_git

            self._at_work = open_git(self._root, "cat-file", "--batch", talk=True)
            self._process = self._at_work.__enter__()
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        asked.write(f"{name}\n".encode())
        asked.flush()
        if answers.readline(1024).split() != [name.encode(), b"blob", b"%d" % size]:
            return None
        data = answers.read(size + 1)
        return data[:-1] if len(data) == size + 1 else None

    def close(self) -> None:
        """End the process. Of what it died its answers have told."""
        from sp404audit.git import GitError

        at_work, self._at_work, self._process = self._at_work, None, None
        if at_work is not None:
            with suppress(GitError):
                at_work.__exit__(None, None, None)


class IndexReader(Reader):
    """The repository as git's index has it: what `git commit` would make of it, whatever the work tree holds.

    Contents come from `git cat-file`, which applies no filter and checks out nothing. Made by `open_index`.
    """

    def __init__(self, root: str | os.PathLike[str], blobs: Mapping[str, _Blob], objects: _Objects) -> None:
        super().__init__(root)
        self._blobs = blobs
        self._objects = objects
        self._folders = _folders({path: (blob.mode, blob.size or 0) for path, blob in blobs.items()})
        self.tracked = frozenset(blobs)

    def has(self, path: str) -> bool:
        """Tell whether there is anything at a path. A repository has a `.git`."""
        return path in self._blobs or path in self._folders or path == ".git"

    def entries(self, folder: str) -> Sequence[Entry]:
        """List a folder; that of a submodule holds a `.git` and nothing else."""
        return self._folders.get(folder, ())

    def link_end(self, path: str) -> LinkEnd:
        """Follow a link from name to name, without the file system."""
        for _ in range(_MAX_LINKS):
            target = self._link_target(path)
            if target is None:
                return LinkEnd.NOWHERE
            if target.startswith("/") or (os.name == "nt" and ":" in target):
                return LinkEnd.OUTSIDE
            resolved = _joined(path.rpartition("/")[0], target)
            if resolved is None:
                return LinkEnd.OUTSIDE
            path = resolved
            if path in self._folders:
                return LinkEnd.FOLDER
            blob = self._blobs.get(path)
            if blob is None:
                return LinkEnd.NOWHERE
            if not stat.S_ISLNK(blob.mode):
                return LinkEnd.FILE
        return LinkEnd.NOWHERE

    def _link_target(self, path: str) -> str | None:
        blob = self._blobs[path]
        if blob.size is None or blob.size > 4096:
            return None
        return self._content(blob, path).decode("utf-8", "surrogateescape")

    def _read(self, path: str, length: int, limit: int | None) -> bytes:
        blob = self._blobs.get(path)
        if blob is None:
            missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            self._unreadable(path, missing)
        self._check_regular(os.stat_result((blob.mode, *[0] * 9)), path)
        if blob.in_conflict:
            message = "is in conflict in git's index: not audited until it is resolved and added"
            raise InputError("input/conflict", "error", message, path)
        if blob.size is None:
            raise InputError("input/unreadable", "error", "cannot be read: git has no object for it", path)
        most = MAX_BYTES if limit is None else limit  # git hands out a whole object or none
        if blob.size > most:
            raise InputError("input/too-large", "error", too_large(blob.size, most), path)
        return self._content(blob, path)[:length]

    def _content(self, blob: _Blob, path: str) -> bytes:
        """Ask git for an object; its size is known to be reasonable."""
        data = self._objects.content(blob.name, blob.size or 0)
        if data is None:
            raise InputError("input/unreadable", "error", "cannot be read: git's object of it is broken", path)
        return data


@contextmanager
def open_index(root: str | os.PathLike[str]) -> Iterator[IndexReader]:
    """Read the repository as git's index has it, for the time of a `with` block.

    Raises:
        GitError: when there is no repository, or git cannot read its index.
    """
    from sp404audit.git import git

    index = index_file(root)
    blobs = _parse(git(root, "ls-files", "--stage", "-z", index=index))
    names = sorted({blob.name for blob in blobs.values() if not stat.S_ISDIR(blob.mode)})
    sizes = _sizes(names, git(root, "cat-file", "--batch-check", input="\n".join(names).encode() + b"\n"))
    sized = {path: blob._replace(size=sizes.get(blob.name)) for path, blob in blobs.items()}
    with closing(_Objects(root)) as objects:
        yield IndexReader(root, sized, objects)


def index_file(root: str | os.PathLike[str]) -> str | None:
    """The index that a hook is to go by (`git commit FILE` makes one of its own), where it is that of this repository.

    git names it in GIT_INDEX_FILE; one that lies elsewhere is of another repository, and None is returned.
    """
    named = os.environ.get("GIT_INDEX_FILE")
    if not named:
        return None
    from sp404audit.git import git

    folder = os.path.realpath(os.fsdecode(git(root, "rev-parse", "--absolute-git-dir").rstrip(b"\r\n")))
    full = os.path.realpath(named)
    return full if full.startswith(folder + os.sep) and os.path.exists(full) else None  # noqa: PTH110


def _parse(listing: bytes) -> dict[str, _Blob]:
    """Read `git ls-files --stage -z`: mode, object, stage, a tab, the path."""
    blobs: dict[str, _Blob] = {}
    for record in listing.split(b"\0"):
        described, _, raw = record.partition(b"\t")
        words = described.split()
        if len(words) != 3:
            continue
        path = raw.decode("utf-8", "surrogateescape")
        mode, in_conflict = int(words[0], 8), words[2] != b"0"
        if stat.S_IFMT(mode) == 0o160000:  # a submodule: a folder, with a repository of its own
            mode = stat.S_IFDIR
        blobs[path] = _Blob(
            stat.S_IFREG if in_conflict else mode, words[1].decode("ascii", "replace"), None, in_conflict
        )
    return blobs


def _sizes(names: Sequence[str], answers: bytes) -> dict[str, int]:
    """Read `git cat-file --batch-check`: an answer a line, in the order asked: name, type, size; or `missing`."""
    sizes: dict[str, int] = {}
    for name, line in zip(names, answers.decode("ascii", "replace").splitlines(), strict=False):
        words = line.split()
        if len(words) == 3 and words[1] == "blob" and words[2].isdecimal() and len(words[2]) < 19:
            sizes[name] = int(words[2])
    return sizes


def _folders(files: Mapping[str, tuple[int, int]]) -> dict[str, list[_Virtual]]:
    """Make of paths, with modes and sizes, what each folder holds."""
    folders: dict[str, list[_Virtual]] = {"": []}
    for path, (mode, size) in files.items():
        folder, _, name = path.rpartition("/")
        _add_folder(folders, folder)
        if stat.S_ISDIR(mode):
            _add_folder(folders, path)
            folders[path].append(_Virtual(".git", stat.S_IFREG))
        else:
            folders[folder].append(_Virtual(name, mode, size))
    return folders


def _add_folder(folders: dict[str, list[_Virtual]], folder: str) -> None:
    """Add a folder, and those above it that are not yet known."""
    missing = []
    while folder not in folders:
        missing.append(folder)
        folder = folder.rpartition("/")[0]
    for each in reversed(missing):
        above, _, name = each.rpartition("/")
        folders[each] = []
        folders[above].append(_Virtual(name, stat.S_IFDIR))


def _joined(folder: str, target: str) -> str | None:
    """Follow a relative path from a folder; None where it leaves the root."""
    parts = folder.split("/") if folder else []
    for part in target.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
