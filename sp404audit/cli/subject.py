"""What a scan is about: the repository, and the files of it that somebody asks for by name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import visible

__all__ = ["Subject", "subject"]


class Subject(NamedTuple):
    """The repository's root; the files asked for, None for all; and contents that are not on disk."""

    root: Path
    files: list[Path] | None = None
    contents: dict[str, bytes] | None = None


def subject(paths: tuple[str, ...], stdin_filename: str | None) -> Subject:
    """Tell the repository from the files in it: a folder is the repository, without one it is where you stand.

    Args:
        paths: as on the command line. `-` says once more that the file is read from standard input.
        stdin_filename: the file of the repository that standard input stands for.

    Raises:
        click.UsageError: for two folders, for what is not there, and for files beside one from standard input.
    """
    named = [path for path in paths if path != "-" or stdin_filename is None]
    folders = [Path(path) for path in named if Path(path).is_dir()]
    files = [Path(os.path.abspath(path)) for path in named if not Path(path).is_dir()]  # noqa: PTH100 (a link stays one)
    if len(folders) > 1:
        two = visible(f"{folders[0]} and {folders[1]}")
        raise click.UsageError(f"{two} are two folders; name one repository, and files in it")
    for path, file in zip((path for path in named if not Path(path).is_dir()), files, strict=True):
        if not os.path.lexists(file):
            raise click.UsageError(f"{visible(path)} is no folder and no file; name a repository, and files in it")
    root = folders[0] if folders else Path()
    if stdin_filename is None:
        return Subject(root, files or None)
    if files:
        raise click.UsageError("--stdin-filename names the one file that is reported; name no other")
    return Subject(root, None, {os.path.abspath(stdin_filename): _standard_input()})  # noqa: PTH100


def _standard_input() -> bytes:
    """Read a file; one byte more than the limit is enough to tell that it is too large."""
    from sp404audit.discovery import MAX_BYTES

    return sys.stdin.buffer.read(MAX_BYTES + 1)
