"""What the audit of a file came to, kept from one run to the next: an unchanged file is not audited again.

Kept is what depends on one file alone. Rules that see the whole repository are always asked, on the kept facts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sp404audit.cache.judged import Judged
from sp404audit.discovery import Discovery, File, Kind, Reader
from sp404audit.policy.model import Policy
from sp404audit.rules.evaluation import judges_across
from sp404audit.rules.registry import Rule

if TYPE_CHECKING:
    from sp404audit.cache.keys import Keys
    from sp404audit.cache.store import Store

__all__ = ["FILE_NAME", "WORTHWHILE_FILES", "Cache", "Judged", "default_folder", "for_audit", "private_folder"]

WORTHWHILE_FILES = 2_000
"""From how many files on the cache is worth its file. Two hundred are audited in a tenth of a second, about what
it takes to load SQLite and to hash the ruleset; two thousand take seconds, of which an unchanged tree spares more than
half."""

FILE_NAME = "files.sqlite3"
"""The cache's file, in the folder that it is kept in."""


class Cache:
    """The cache of one audit; where it is off, it holds nothing.

    Args:
        store: the entries; None when the cache is off.
        keys: makes the keys.
        rules: the ids of the rules that judge single files.
    """

    def __init__(self, store: Store | None = None, keys: Keys | None = None, rules: Iterable[str] = ()) -> None:
        self._store = store
        self._keys = keys
        self._rules = frozenset(rules)

    def find(self, file: File, data: bytes) -> Judged | None:
        """What an earlier audit of this very file came to; None when that is not known."""
        if self._store is None or self._keys is None:
            return None
        from sp404audit.cache.entries import load

        entry = self._store.get(self._keys.key(file.path, file.kind, data))
        return None if entry is None else load(entry, file.path, self._rules)

    def keep(self, file: File, data: bytes, judged: Judged) -> None:
        """Keep what the audit of a file came to, unless another run might come to something else."""
        if self._store is None or self._keys is None:
            return
        from sp404audit.cache.entries import dump

        if written := dump(judged, file.path):
            self._store.put(self._keys.key(file.path, file.kind, data), written)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._store is not None:
            self._store.close()


def for_audit(
    where: bool | str | Path | None, reader: Reader, found: Discovery, policy: Policy, rules: Iterable[Rule]
) -> Cache:
    """Open the cache of an audit.

    Args:
        where: False for none, True for the user's own, or a folder. With None it is the user's own where that pays.
        reader: the repository; a cache inside it is not used, since whoever wrote the repository could fill it.
        found: its files.
        policy: the policy in force.
        rules: the rules in force.
    """
    if where is None:
        where = sum(file.kind is not Kind.TEXT for file in found.files) >= WORTHWHILE_FILES
    if where is False:
        return Cache()
    folder = private_folder(default_folder() if where is True else os.path.abspath(where))  # noqa: PTH100 (keeps `..` safe)
    if folder is None or reader.holds(os.path.realpath(folder)):
        return Cache()
    from sp404audit.cache.entries import MAX_ENTRY_BYTES
    from sp404audit.cache.keys import Keys
    from sp404audit.cache.store import Store

    local = [rule for rule in rules if not judges_across(rule)]
    try:
        keys = Keys(policy, local)
        store = Store(os.path.join(folder, FILE_NAME), max_entry_bytes=MAX_ENTRY_BYTES)
    except (OSError, ImportError):  # Python may be built without SQLite
        return Cache()
    return Cache(store, keys, (rule.id for rule in local))


def default_folder() -> str | None:
    """The folder that the system has for caches of this user; None where there is none.

    `XDG_CACHE_HOME` counts on every system (https://specifications.freedesktop.org/basedir-spec/latest/: a relative
    one is ignored).
    """
    import sys

    parent = os.environ.get("XDG_CACHE_HOME", "")
    if not Path(parent).is_absolute():
        home = os.path.expanduser("~")  # noqa: PTH111 (tells a missing home by its answer, not by an exception)
        parent = {
            "darwin": os.path.join(home, "Library", "Caches"),
            "win32": os.environ.get("LOCALAPPDATA", ""),
        }.get(sys.platform, os.path.join(home, ".cache"))
    return os.path.join(parent, "sp404audit") if Path(parent).is_absolute() else None


def private_folder(folder: str | None) -> str | None:
    """Make the folder; None when that cannot be done, or when other users may write in it."""
    if folder is None:
        return None
    try:
        os.makedirs(folder, 0o700, exist_ok=True)  # noqa: PTH103
        status = os.stat(folder)  # noqa: PTH116
    except OSError:
        return None
    if os.name == "posix" and (status.st_uid != os.geteuid() or status.st_mode & 0o022):
        return None
    return folder
