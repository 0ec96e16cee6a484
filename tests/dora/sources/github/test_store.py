"""Pages on disk: what is found again, what is not believed, and what a kill or a second run does to them."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import zlib
from pathlib import Path

import pytest

from sp404audit.dora.sources.github.store import KeptPage, PageStore, open_store

ADDRESS = "https://api.github.com/repos/octo/shop/releases"
PAGE = KeptPage('W/"1"', "", "https://api.github.com/x?page=2", [{"id": 1}])


def opened(folder: Path, token_hash: str = "", outside: Path | None = None) -> PageStore:
    store = open_store(token_hash, outside, str(folder))
    assert store is not None
    return store


def test_what_was_kept_is_found(tmp_path: Path) -> None:
    store = opened(tmp_path / "a")
    assert store.find(ADDRESS) is None
    store.keep(ADDRESS, PAGE)
    assert store.find(ADDRESS) == PAGE
    assert opened(tmp_path / "a").find(ADDRESS) == PAGE, "on disk before the store is closed"
    assert opened(tmp_path / "a", "other token").find(ADDRESS) is None
    store.close()


def test_a_page_that_cannot_be_asked_for_again_is_not_kept(tmp_path: Path) -> None:
    store = opened(tmp_path / "a")
    store.keep(ADDRESS, PAGE._replace(etag=""))
    store.keep(ADDRESS, PAGE._replace(etag='"a"\r\nX-Evil: 1'))
    assert store.find(ADDRESS) is None
    store.keep(ADDRESS, PAGE._replace(etag="", settled="merged"))
    assert store.find(ADDRESS) is not None


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"{}",
        zlib.compress(b"{}"),
        zlib.compress(b"[1, 2, 3, 4]"),
        zlib.compress(b'["", "", ""]'),
        zlib.compress(b"[" * 100_000),
        zlib.compress(b"\xff"),
        zlib.compress(b'["", "", "", 1]')[:-6],
    ],
)
def test_what_somebody_else_wrote_is_no_page(tmp_path: Path, entry: bytes) -> None:
    store = opened(tmp_path / "a")
    store.keep(ADDRESS, PAGE)
    with sqlite3.connect(tmp_path / "a/github.sqlite3") as connection:
        connection.execute("UPDATE entries SET data = ?", (entry,))
    connection.close()
    assert store.find(ADDRESS) is None


def test_an_etag_that_would_end_its_header_is_not_used(tmp_path: Path) -> None:
    store = opened(tmp_path / "a")
    store.keep(ADDRESS, PAGE)
    entry = zlib.compress(json.dumps(['"a"\r\nX-Evil: 1', "", "", []]).encode())
    with sqlite3.connect(tmp_path / "a/github.sqlite3") as connection:
        connection.execute("UPDATE entries SET data = ?", (entry,))
    connection.close()
    assert store.find(ADDRESS) == KeptPage("", "", "", [])


def test_never_inside_the_repository(tmp_path: Path) -> None:
    assert open_store("", tmp_path, str(tmp_path / ".cache")) is None
    (tmp_path / "repository").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "repository", target_is_directory=True)
    assert open_store("", tmp_path / "repository", str(tmp_path / "link/cache")) is None
    assert open_store("", tmp_path / "repository", str(tmp_path / "repository-cache")) is not None


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_only_this_user_can_read_it(tmp_path: Path) -> None:
    opened(tmp_path / "a").keep(ADDRESS, PAGE)
    assert (tmp_path / "a").stat().st_mode & 0o077 == 0
    (tmp_path / "a").chmod(0o777)
    assert open_store("", None, str(tmp_path / "a")) is None


def test_the_users_own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    store = open_store("", None)
    assert store is not None
    store.keep(ADDRESS, PAGE)
    assert (tmp_path / "sp404audit/github.sqlite3").is_file()


def test_several_at_once(tmp_path: Path) -> None:
    opened(tmp_path / "a")

    def work(number: int) -> None:
        store = opened(tmp_path / "a")
        for page in range(10):
            store.keep(f"{ADDRESS}?page={number * 10 + page}", PAGE)
        store.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = opened(tmp_path / "a")
    assert all(store.find(f"{ADDRESS}?page={page}") == PAGE for page in range(40))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    opened(tmp_path / "a").keep(ADDRESS, PAGE)
    with sqlite3.connect(tmp_path / "a/github.sqlite3") as connection:
        ((data,),) = connection.execute("SELECT data FROM entries").fetchall()
    connection.close()
    assert json.loads(zlib.decompress(data)) == list(PAGE)
