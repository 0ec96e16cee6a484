"""Which commits touch the files of a service."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from sp404audit.dora.settings import matches_any
from sp404audit.git import open_git, top_folder

__all__ = ["commits_that_touch"]

_SECONDS = 600.0
_CHUNK = 1 << 18


def commits_that_touch(root: str | os.PathLike[str], tips: Iterable[str], paths: Sequence[str]) -> frozenset[str]:
    """Return the ids of the commits, no merges, that change a file which one of the patterns fits.

    Args:
        root: a folder of the repository.
        tips: where to begin.
        paths: globs or folders, from the top of the repository, without regard to case.

    Raises:
        GitError: also for a clone without trees (`filter: tree:0`), which cannot tell.
    """
    patterns = [pattern for path in paths for pattern in _patterns(path)]
    folders = sorted({_folder(path) for path in paths})
    options = ("-z", "--format=tformat:%x00%H", "--name-only", "--no-renames", "--no-merges", "--full-history")
    limits = () if "" in folders else ("--", *folders)
    wanted = "".join(f"{tip}\n" for tip in tips).encode("ascii")
    found: set[str] = set()
    commit, is_id = "", False
    with open_git(
        top_folder(root), "log", *options, "--no-notes", "--stdin", *limits, input=wanted, seconds=_SECONDS
    ) as running:
        rest = b""
        while chunk := running.stdout.read(_CHUNK):
            *records, rest = (rest + chunk).split(b"\0")
            for record in records:
                # An empty record comes before each id; the first file's name follows on a line of its own.
                if not record:
                    is_id = True
                elif is_id:
                    commit, is_id = record.decode("ascii", "replace"), False
                elif commit not in found and matches_any(_text(record.removeprefix(b"\n")), patterns):
                    found.add(commit)
    return frozenset(found)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _patterns(path: str) -> tuple[str, ...]:
    plain = path.removeprefix("./").rstrip("/")
    return (plain, f"{plain}/*")


def _folder(path: str) -> str:
    """The part of a pattern that holds no wildcard, as whole names."""
    names = path.removeprefix("./").rstrip("/").split("/")
    plain = next((place for place, name in enumerate(names) if "*" in name or "?" in name), len(names))
    return "/".join(names[:plain])
