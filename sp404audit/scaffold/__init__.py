"""The files that a repository starts with: a configuration, a workflow, an entry for pre-commit.

Nothing that exists is changed, and nothing is written outside the repository: a folder on the way that is a link is
not entered.
"""

from __future__ import annotations

import os
import stat
from importlib.resources import files
from typing import Literal

from sp404audit.discovery import InputError, Reader
from sp404audit.policy.loading import CONFIGURATION_FILES
from sp404audit.records import NamedTuple

__all__ = ["CONFIGURATION", "PIECES", "PRE_COMMIT", "WORKFLOW", "Outcome", "Piece", "entry", "lay", "text"]

_HOMEPAGE = "https://github.com/sp404audit/sp404audit"


class Piece(NamedTuple):
    """A file to write: where it goes, the template beside this module, and what it is for."""

    path: str
    template: str
    purpose: str


CONFIGURATION = Piece(CONFIGURATION_FILES[0], "configuration.yaml", "the configuration")
WORKFLOW = Piece(".github/workflows/sp404audit.yml", "workflow.yml", "a workflow that audits pushes and pull requests")
PRE_COMMIT = Piece(".pre-commit-config.yaml", "pre-commit.yaml", "a hook for pre-commit")
PIECES = (CONFIGURATION, WORKFLOW, PRE_COMMIT)


class Outcome(NamedTuple):
    """What became of a piece.

    `written`; `there`: sp404audit is set up in the file `path` already; `exists`: a file of that name does something
    else, `path` names it; `refused`: `reason` says why nothing was written.
    """

    kind: Literal["written", "there", "exists", "refused"]
    path: str
    reason: str = ""


def text(piece: Piece) -> str:
    """The content of a piece, for this version of sp404audit."""
    return ("repos:\n" if piece is PRE_COMMIT else "") + entry(piece)


def entry(piece: Piece) -> str:
    """What to add where the file exists: the hook without the list around it; otherwise the whole content."""
    from sp404audit import __version__

    content = files(__name__).joinpath(piece.template).read_text("utf-8")
    if piece is WORKFLOW:
        content = content.replace("@CHECKOUT@", _pinned("actions/checkout"))
        content = content.replace("@UPLOAD_SARIF@", _pinned("github/codeql-action", "/upload-sarif"))
    return content.replace("@HOMEPAGE@", _HOMEPAGE).replace("@VERSION@", __version__)


def _pinned(action: str, part: str = "") -> str:
    """An action at the commit of its newest version that we know of."""
    from sp404audit.rules.actions.pinning import known_commits

    versions = known_commits()[action]
    newest = max(versions, key=lambda version: [int(number) for number in version.removeprefix("v").split(".")])
    return f"{action}{part}@{versions[newest]} # {newest}"


def lay(root: str | os.PathLike[str], piece: Piece) -> Outcome:
    """Write a piece below the root of a repository, unless there is something.

    Args:
        root: of the repository; it may be reached through links itself.
        piece: what to write.
    """
    reader = Reader(root)
    if found := _found(reader, piece):
        return found
    folder, _, _ = piece.path.rpartition("/")
    try:
        _make_folders(reader, folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(reader.full(piece.path), flags, 0o644), "wb") as file:
            file.write(text(piece).encode())
    except _RefusedError as error:
        return Outcome("refused", piece.path, str(error))
    except FileExistsError:
        return Outcome("exists", piece.path)
    except OSError as error:
        return Outcome("refused", piece.path, error.strerror or str(error))
    return Outcome("written", piece.path)


class _RefusedError(Exception):
    """A place that must not be written to."""


def _found(reader: Reader, piece: Piece) -> Outcome | None:
    """What is there in place of a piece."""
    if piece is CONFIGURATION:
        for path in CONFIGURATION_FILES:
            if os.path.lexists(reader.full(path)):
                return Outcome("there", path)
        if b"[tool.sp404audit" in _content(reader, "pyproject.toml"):
            return Outcome("there", "pyproject.toml")
        return None
    if not os.path.lexists(reader.full(piece.path)):
        return None
    content = _content(reader, piece.path)
    ours = b"id: sp404audit" in content if piece is PRE_COMMIT else content == text(piece).encode()
    return Outcome("there" if ours else "exists", piece.path)


def _content(reader: Reader, path: str) -> bytes:
    try:
        return reader.read(path)
    except InputError:
        return b""


def _make_folders(reader: Reader, folder: str) -> None:
    """Make a folder and those around it; raise where one of them is no folder of the repository itself."""
    made = ""
    for part in filter(None, folder.split("/")):
        made = f"{made}/{part}" if made else part
        full = reader.full(made)
        try:
            os.mkdir(full)  # noqa: PTH102
        except FileExistsError:
            status = os.lstat(full)
            if not stat.S_ISDIR(status.st_mode) or os.path.realpath(full) != full:
                raise _RefusedError(f"{made} is no folder of the repository itself") from None
