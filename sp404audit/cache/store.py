"""Entries on disk: one SQLite file, which several audits may use at once and any of them may die over.

What is wrong with the file is never an error of the audit: one that is damaged, or is no cache of ours, is made anew;
one that is locked or cannot be written is done without.
"""

from __future__ import annotations

import os
import sqlite3
import time

__all__ = ["MAX_BYTES", "Store"]

MAX_BYTES = 256 * 1024 * 1024
"""How large the file may become: about twenty audits of five thousand files."""

_SCHEMA = (
    "CREATE TABLE entries (key BLOB PRIMARY KEY, used INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE INDEX entries_by_use ON entries (used)",
)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SECONDS_TO_WAIT = 2.0
_PENDING_BYTES = 4 * 1024 * 1024
_SECONDS_PER_DAY = 86_400


class _NotOursError(sqlite3.DatabaseError):
    """A database that this module did not make."""


class Store:
    """A bounded table of entries, of which those not used for longest make room.

    Args:
        file: the database; made when it is missing.
        max_bytes: how large it may become.
        max_entry_bytes: the largest entry that is read.
    """

    def __init__(self, file: str, *, max_entry_bytes: int, max_bytes: int = MAX_BYTES) -> None:
        self.file = file
        self.max_bytes = max_bytes
        self.max_entry_bytes = max_entry_bytes
        # A day is exact enough to tell old entries from new ones, and spares most runs to write that they read.
        self._today = int(time.time()) // _SECONDS_PER_DAY
        self._pending: dict[bytes, bytes] = {}
        self._pending_bytes = 0
        self._touched: list[bytes] = []
        self._connection: sqlite3.Connection | None = None
        self._made_anew = False
        self._open()

    def get(self, key: bytes) -> bytes | None:
        """The entry of this key, if there is one."""
        if self._connection is None:
            return None
        query = "SELECT used, data FROM entries WHERE key = ? AND length(data) <= ?"
        try:
            row = self._connection.execute(query, (key, self.max_entry_bytes)).fetchone()
        except sqlite3.Error as error:
            self._recover(error)
            return None
        if row is None or type(row[1]) is not bytes:
            return None
        if row[0] != self._today:
            self._touched.append(key)
        return row[1]

    def put(self, key: bytes, data: bytes) -> None:
        """Keep an entry; it is written with others, at the latest when the store is closed."""
        self._pending[key] = data
        self._pending_bytes += len(data)
        if self._pending_bytes > _PENDING_BYTES:
            self._write()

    def flush(self) -> None:
        """Write what is left to write: a process that is killed leaves behind what it has flushed."""
        self._write()

    def close(self) -> None:
        """Write what is left to write."""
        self._write()
        self._close()

    def _open(self) -> None:
        try:
            self._connection = self._connect()
        except sqlite3.Error as error:
            self._recover(error)

    def _connect(self) -> sqlite3.Connection:
        """Open the database, and make its tables when it is new.

        A rollback journal, not WAL: it keeps a killed writer's file whole just as well, and works on network folders.
        """
        connection = sqlite3.connect(self.file, timeout=_SECONDS_TO_WAIT, isolation_level=None)
        try:
            # What https://www.sqlite.org/security.html asks for where the file may come from somebody else.
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", "synchronous = NORMAL"):
                connection.execute(f"PRAGMA {pragma}")
            if _schema(connection) != _SCHEMA:
                connection.execute("BEGIN IMMEDIATE")
                found = _schema(connection)
                if not found:
                    for statement in _SCHEMA:
                        connection.execute(statement)
                connection.execute("COMMIT")
                if found not in ((), _SCHEMA):
                    raise _NotOursError("another schema")
        except BaseException:
            connection.close()
            raise
        return connection

    def _write(self) -> None:
        pending, self._pending, self._pending_bytes = self._pending, {}, 0
        touched, self._touched = self._touched, []
        if self._connection is None or not (pending or touched):
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)",
                ((key, self._today, data) for key, data in pending.items()),
            )
            self._connection.executemany(
                "UPDATE entries SET used = ? WHERE key = ?", ((self._today, key) for key in touched)
            )
            self._make_room(self._connection)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._recover(error)

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Delete a quarter of the entries, the longest unused first, until the others fit."""
        while _live_bytes(connection) > self.max_bytes:
            (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
            if not count:
                return
            connection.execute(
                "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries ORDER BY used, rowid LIMIT ?)",
                (count // 4 + 1,),
            )

    def _recover(self, error: sqlite3.Error) -> None:
        """Make the database anew, once, when it is damaged or not ours; after any other error do without it."""
        self._close()
        if self._made_anew or not (isinstance(error, _NotOursError) or _primary_code(error) in _DAMAGED):
            return
        self._made_anew = True
        try:
            os.unlink(self.file)  # noqa: PTH108 (a link is removed, not what it points at)
        except OSError:
            return
        self._open()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _schema(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The statements that made the database: views and triggers, too, which an untrusted file may hold."""
    rows = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid LIMIT 9")
    return tuple(str(sql) for (sql,) in rows)


def _live_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
