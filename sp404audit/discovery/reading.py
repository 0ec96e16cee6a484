"""Opening files of a repository that may be hostile: regular files below the root, and nothing else."""

from __future__ import annotations

import enum
import os
import stat
from collections.abc import Sequence
from typing import NoReturn, Protocol

from sp404audit.results import Level, Notification

__all__ = ["MAX_BYTES", "Entry", "InputError", "LinkEnd", "Reader", "read"]

MAX_BYTES = 10 * 1024 * 1024
"""The largest file that is audited."""

# Windows has neither O_NOFOLLOW nor O_NONBLOCK; there, lstat before and fstat after the open are what protects.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOCTTY", 0)
)


class InputError(Exception):
    """A file that must not or cannot be read; `notification` is the one thing to report about it."""

    def __init__(self, id: str, level: Level, message: str, path: str) -> None:  # noqa: A002
        super().__init__(message)
        self.notification = Notification(id, level, message, path)


class Entry(Protocol):
    """What a folder holds, as `os.scandir` tells it."""

    @property
    def name(self) -> str:
        """Its name in the folder."""

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a regular file."""

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a folder."""

    def is_symlink(self) -> bool:
        """Whether it is a symbolic link."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Its mode and size; the rest may be zero."""


class LinkEnd(enum.Enum):
    """Where a symbolic link ends."""

    OUTSIDE = enum.auto()
    NOWHERE = enum.auto()
    FILE = enum.auto()
    FOLDER = enum.auto()


class Reader:
    """Lists and reads what lies below one root: here the files on disk; `views` knows others.

    A file is opened only when no folder on the way to it is a link, `lstat` says that it is a regular file, and the
    opened file turns out to be that very file: a FIFO never blocks, a device is never read, a link never followed.

    Args:
        root: the folder that is audited; it may be reached through links itself.
    """

    tracked: frozenset[str] | None = None
    """The paths that git tracks, where the reader has them from git."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.path.realpath(root)
        self._prefix = self.root.rstrip(os.sep) + os.sep
        self._real_folders: set[str] = {""}

    def full(self, path: str) -> str:
        """Return the absolute path of `path`, which is relative to the root with `/`."""
        return self._prefix + (path if os.sep == "/" else path.replace("/", os.sep))

    def holds(self, full: str) -> bool:
        """Tell whether an absolute path without links is the root or lies below it."""
        return full == self.root or full.startswith(self._prefix)

    def has(self, path: str) -> bool:
        """Tell whether there is anything at a path, be it a link that points to nothing."""
        return os.path.lexists(self.full(path))

    def entries(self, folder: str) -> Sequence[Entry]:
        """List a folder (empty for the root); raise OSError where it cannot be listed."""
        with os.scandir(self.full(folder)) as found:
            return list(found)

    def link_end(self, path: str) -> LinkEnd:
        """Tell where a symbolic link leads in the end."""
        target = os.path.realpath(self.full(path))
        if not self.holds(target):
            return LinkEnd.OUTSIDE
        try:
            mode = os.lstat(target).st_mode
        except OSError:
            return LinkEnd.NOWHERE
        if stat.S_ISLNK(mode):  # a circle
            return LinkEnd.NOWHERE
        return LinkEnd.FOLDER if stat.S_ISDIR(mode) else LinkEnd.FILE

    def read(self, path: str, limit: int = MAX_BYTES) -> bytes:
        """Return the whole file.

        Args:
            path: relative to the root, with `/`.
            limit: the largest size that is read, in bytes.

        Raises:
            InputError: with the notification to report.
        """
        data = self._read(path, limit + 1, limit)
        if len(data) > limit:
            self._too_large(path, len(data), limit)
        return data

    def head(self, path: str, length: int) -> bytes:
        """Return the first `length` bytes of a file, however large it is; raise `InputError` as `read` does."""
        return self._read(path, length, None)

    def _read(self, path: str, length: int, limit: int | None) -> bytes:
        full = self.full(path)
        try:
            self._check_folder(path.rpartition("/")[0], path)
            before = os.lstat(full)
            self._check_regular(before, path)
            if limit is not None and before.st_size > limit:
                self._too_large(path, before.st_size, limit)
            descriptor = os.open(full, _FLAGS)
        except (OSError, ValueError) as error:
            self._unreadable(path, error)
        try:
            after = os.fstat(descriptor)
            self._check_regular(after, path)
            if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino):
                raise InputError("input/unreadable", "error", "was replaced while it was opened", path)
            return _read_up_to(descriptor, length)
        except OSError as error:
            self._unreadable(path, error)
        finally:
            os.close(descriptor)

    def _check_folder(self, folder: str, path: str) -> None:
        if folder in self._real_folders:
            return
        full = self.full(folder)
        if os.path.realpath(full) != full or not self.holds(full):
            raise InputError("input/link", "warning", "lies in a folder that is a link: not opened", path)
        self._real_folders.add(folder)

    @staticmethod
    def _check_regular(status: os.stat_result, path: str) -> None:
        if stat.S_ISLNK(status.st_mode):
            raise InputError("input/link", "warning", "is a link: not opened", path)
        if not stat.S_ISREG(status.st_mode):
            raise InputError("input/not-regular", "warning", "is not a regular file: not opened", path)

    @staticmethod
    def _too_large(path: str, size: int, limit: int) -> NoReturn:
        raise InputError("input/too-large", "error", too_large(size, limit), path)

    @staticmethod
    def _unreadable(path: str, error: Exception) -> NoReturn:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "its name cannot be opened"
        raise InputError("input/unreadable", "error", f"cannot be read: {reason}", path) from error


def too_large(size: int, limit: int) -> str:
    """Say that a file is over the limit."""
    return f"is larger than {limit // (1024 * 1024)} MiB ({size:,} bytes): not audited"


def read(root: str | os.PathLike[str], path: str, limit: int = MAX_BYTES) -> bytes:
    """Return one file below `root`; see `Reader`, which is quicker for many files."""
    return Reader(root).read(path, limit)


def _read_up_to(descriptor: int, length: int) -> bytes:
    chunks = []
    while length > 0 and (chunk := os.read(descriptor, length)):
        chunks.append(chunk)
        length -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
