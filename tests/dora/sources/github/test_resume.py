"""A run that is killed between two pages, and the next one: real processes, and a token that must not show anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.github import collect
from sp404audit.dora.sources.github.access import Token
from sp404audit.dora.sources.github.client import Client
from sp404audit.dora.sources.http import parse_url

if TYPE_CHECKING:
    from tests.dora.sources.github.conftest import GitHub, MakeClient

T0, DAY = 1_772_323_200, 86_400
SLUG = "octo/shop"
PROGRAM = f"""
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.github import collect, open_client
with open_client() as client:
    print(collect({SLUG!r}, Settings(), Window({T0}, {T0 + 31 * DAY}), client))
    print(client)
"""


def start(github: GitHub, cache: Path, secret: str) -> subprocess.Popen[bytes]:
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "SYSTEMROOT")},
        "GITHUB_API_URL": github.url,
        "GITHUB_TOKEN": secret,
        "XDG_CACHE_HOME": str(cache),
    }
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_killed_run_goes_on_where_it_was(
    known: GitHub, make_client: MakeClient, window: Window, tmp_path: Path, secret: str
) -> None:
    known.most_per_page = 3
    expected = collect(SLUG, Settings(), window, make_client(is_cached=False))
    known.seen.clear()
    reached, killed = threading.Event(), threading.Event()

    def hold(path: str, _query: dict[str, str]) -> Any:
        if path.endswith("/deployments/103/statuses") and not killed.is_set():
            reached.set()
            killed.wait(30)
        return None

    known.faults.append(hold)
    process = start(known, tmp_path, secret)
    assert reached.wait(30), process.communicate(timeout=5)
    process.kill()
    process.communicate()
    before = [(seen.path, tuple(seen.query.items())) for seen in known.seen]
    assert len(before) > 10
    killed.set()
    process = start(known, tmp_path, secret)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")
    assert output.splitlines()[0].decode() == repr(expected)
    fetched = Counter((seen.path, tuple(seen.query.items())) for seen in known.seen if seen.status == 200)
    twice = {page for page, times in fetched.items() if times > 1}
    assert twice <= {page for page in fetched if page[0].endswith("/deployments/103/statuses")}, "the one in flight"
    assert set(before) <= set(fetched)


def test_the_token_shows_nowhere(known: GitHub, tmp_path: Path, secret: str) -> None:
    known.faults.append(lambda path, _query: _forbidden() if path.endswith("/issues") else None)
    process = start(known, tmp_path, secret)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert known.seen
    assert all(seen.headers["authorization"] == f"Bearer {secret}" for seen in known.seen), "the canary was there"
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for text in (output, errors, *files):
        assert secret.encode() not in text


def test_nobody_there_with_a_token(window: Window, secret: str) -> None:
    token = Token.of({"GH_TOKEN": secret})
    with Client(parse_url("http://127.0.0.1:9"), token, wait=lambda _: None) as client:
        collected = collect(SLUG, Settings(), window, client)
    assert any("gave no answer" in note.message for note in collected.report.notes)
    assert secret not in repr((collected, client, vars(client)["url"]))


def _forbidden() -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(status=403, headers={}, body={"message": "Resource not accessible"}, is_odd=False)
