"""The client over real sockets: pages, ETags, limits, breakdowns, the budget, and where the token goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.github import collect
from sp404audit.dora.sources.github.problems import RefusedError, StopError

if TYPE_CHECKING:
    from tests.dora.sources.github.conftest import Fault, GitHub, MakeClient

T0, HOUR, DAY = 1_772_323_200, 3600, 86_400
SLUG = "octo/shop"
RELEASES = f"/repos/{SLUG}/releases"


@pytest.fixture
def reply() -> Callable[..., Any]:
    """Makes replies; named as the server's own class is, which test modules cannot import."""

    def make(status: int, headers: dict[str, str] | None = None, body: Any = None, is_odd: bool = False) -> Any:
        from types import SimpleNamespace

        message = {"message": "told by a fault"} if body is None and status >= 400 else body
        return SimpleNamespace(status=status, headers=headers or {}, body=message, is_odd=is_odd)

    return make


Make = Callable[..., Any]


def once(path: str, answer: Any, times: int = 1) -> Fault:
    """A fault that happens so many times to one path."""
    left = times

    def fault(asked: str, _query: dict[str, str]) -> Any:
        nonlocal left
        if asked != path or not left:
            return None
        left -= 1
        return answer

    return fault


def releases(github: GitHub, count: int) -> None:
    for number in range(count):
        github.release(number + 1, f"v1.0.{number}", T0 + number)


class TestPages:
    def test_three_pages(self, github: GitHub, make_client: MakeClient) -> None:
        releases(github, 5)
        github.most_per_page = 2
        pages = list(make_client().pages(RELEASES))
        assert [len(page.data) for page in pages] == [2, 2, 1]
        assert [seen.query.get("page", "1") for seen in github.seen] == ["1", "2", "3"]
        assert {seen.query["per_page"] for seen in github.seen} == {"100"}

    def test_no_more_than_what_is_wanted(self, github: GitHub, make_client: MakeClient) -> None:
        releases(github, 5)
        github.most_per_page = 1
        next(make_client().pages(RELEASES))
        assert len(github.seen) == 1

    def test_unchanged_pages_cost_nothing(self, github: GitHub, make_client: MakeClient) -> None:
        releases(github, 5)
        github.most_per_page = 2
        first, second = make_client(), make_client()
        assert list(first.pages(RELEASES)) == list(second.pages(RELEASES))
        assert [seen.status for seen in github.seen] == [200] * 3 + [304] * 3
        assert (second.usage.asked, second.usage.charged, second.usage.unchanged) == (3, 0, 3)

    def test_a_changed_page_is_fetched(self, github: GitHub, make_client: MakeClient) -> None:
        releases(github, 1)
        make_client().get(RELEASES)
        github.releases[0]["name"] = "renamed"
        assert make_client().get(RELEASES).data[0]["name"] == "renamed"

    def test_a_full_last_page_is_fetched_again(self, github: GitHub, make_client: MakeClient) -> None:
        """It may have got a successor, which changes no byte of it."""
        releases(github, 100)
        assert len(list(make_client().pages(RELEASES))) == 1
        releases(github, 1)
        assert len(list(make_client().pages(RELEASES))) == 2

    def test_another_token_sees_what_it_may_see(self, github: GitHub, make_client: MakeClient, tmp_path: Any) -> None:
        from sp404audit.dora.sources.github.access import Token
        from sp404audit.dora.sources.github.client import Client
        from sp404audit.dora.sources.github.store import open_store

        releases(github, 1)
        client = make_client()
        client.get(RELEASES)
        pages = open_store("", None, str(tmp_path / "cache"))
        with Client(client.url, None, pages=pages) as nobody:
            nobody.get(RELEASES)
            nobody.get(RELEASES)
        assert [seen.status for seen in github.seen] == [200, 200, 304]
        assert nobody.usage.charged == 2, "without a token an unchanged page counts"
        assert "authorization" not in github.seen[1].headers
        assert Token.of({}) is None

    def test_what_is_settled_is_asked_for_once(self, github: GitHub, make_client: MakeClient) -> None:
        releases(github, 1)
        assert make_client().get(RELEASES, settled="a") == make_client().get(RELEASES, settled="a")
        assert len(github.seen) == 1
        make_client().get(RELEASES, settled="b")
        assert len(github.seen) == 2

    def test_a_list_without_end_ends(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        link = {"Link": f'<{github.url}{RELEASES}?page=1&per_page=100>; rel="next"'}
        github.faults.append(lambda _path, _query: reply(200, link, []))
        pages = list(make_client().pages(RELEASES))
        assert [page.is_cut for page in pages] == [False, True]


class TestLimits:
    def test_a_spent_primary_limit_is_waited_for(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 60)}
        github.faults.append(once(RELEASES, reply(403, spent)))
        waits: list[float] = []
        client = make_client(waits=waits)
        assert client.get(RELEASES).data == []
        assert len(waits) == 1
        assert 30 < waits[0] <= 61
        assert [seen.status for seen in github.seen] == [403, 200]

    def test_the_reset_is_read_by_the_servers_clock(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        github.ahead = 7200
        spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 7260)}
        github.faults.append(once(RELEASES, reply(403, spent)))
        waits: list[float] = []
        make_client(waits=waits).get(RELEASES)
        assert 30 < waits[0] <= 62

    @pytest.mark.parametrize(
        ("status", "headers", "body"),
        [
            (429, {"Retry-After": "50"}, None),
            (403, {"Retry-After": "50"}, {"message": "You have exceeded a secondary rate limit."}),
        ],
    )
    def test_retry_after_is_waited_for(
        self, github: GitHub, make_client: MakeClient, reply: Make, status: int, headers: Any, body: Any
    ) -> None:
        github.faults.append(once(RELEASES, reply(status, headers, body)))
        waits: list[float] = []
        assert make_client(waits=waits).get(RELEASES).data == []
        assert len(waits) == 1
        assert 25 < waits[0] <= 50

    def test_a_secondary_limit_that_tells_no_time_is_a_minute(
        self, github: GitHub, make_client: MakeClient, reply: Make
    ) -> None:
        body = {"message": "You have exceeded a secondary rate limit. Please wait."}
        github.faults.append(once(RELEASES, reply(403, {}, body)))
        waits: list[float] = []
        make_client(waits=waits).get(RELEASES)
        assert 30 < waits[0] <= 60

    def test_the_last_request_of_a_limit_is_noticed(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 60)}
        github.faults.append(once(RELEASES, reply(200, spent, [])))
        waits: list[float] = []
        client = make_client(waits=waits)
        client.get(RELEASES)
        assert waits == []
        client.get(f"/repos/{SLUG}")
        assert len(waits) == 1
        assert [seen.status for seen in github.seen] == [200, 200]

    def test_patience_ends(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        github.faults.append(once(RELEASES, reply(429, {"Retry-After": "1800"})))
        client = make_client()
        with pytest.raises(StopError, match="run again in 30 minutes: what has been read is kept"):
            client.get(RELEASES)
        with pytest.raises(StopError):
            client.get(f"/repos/{SLUG}")
        assert len(github.seen) == 1, "whoever is told to wait does not ask"

    def test_patience_is_for_the_whole_run(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        github.faults.append(once(RELEASES, reply(429, {"Retry-After": "4"}), times=3))
        waits: list[float] = []
        with pytest.raises(StopError):
            make_client(waits=waits, patience=10).get(RELEASES)
        assert len(waits) == 2

    def test_a_permission_is_no_limit(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        github.faults.append(once(RELEASES, reply(403, {"X-RateLimit-Remaining": "4999"})))
        with pytest.raises(RefusedError, match=r"releases: the token may not read this: give it the permission"):
            make_client().get(RELEASES)

    def test_single_sign_on(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        github.faults.append(once(RELEASES, reply(403, {"X-GitHub-SSO": "required; url=https://example.com/x"})))
        with pytest.raises(RefusedError, match="wants single sign-on: authorize the token"):
            make_client().get(RELEASES)

    def test_odd_limits(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        for value in ("-1", "soon", "9" * 400, "Wed, 21 Oct 2026 07:28:00 GMT"):
            github.faults.append(once(RELEASES, reply(429, {"Retry-After": value})))
        waits: list[float] = []
        make_client(waits=waits, patience=300).get(RELEASES)
        assert len(waits) == 4
        assert all(59 < wait <= 60 for wait in waits)


class TestBreakdowns:
    def test_a_bad_gateway_is_asked_again(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        github.faults.append(once(RELEASES, reply(502)))
        waits: list[float] = []
        assert make_client(waits=waits).get(RELEASES).data == []
        assert waits == [1.0]

    def test_one_that_stays_costs_one_question(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        github.faults.append(once(RELEASES, reply(502), times=99))
        client = make_client()
        with pytest.raises(RefusedError, match="status 502, 4 times"):
            client.get(RELEASES)
        assert client.get(f"/repos/{SLUG}").data["default_branch"] == "main"
        for _ in range(2):  # others that answer in between show that somebody is there
            with pytest.raises(RefusedError, match="status 502"):
                client.get(RELEASES)
            client.get(f"/repos/{SLUG}")

    def test_nobody_there(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        github.faults.append(lambda _path, _query: reply(503))
        client = make_client()
        with pytest.raises(RefusedError):
            client.get(RELEASES)
        with pytest.raises(StopError):
            client.get(f"/repos/{SLUG}")
        asked = len(github.seen)
        with pytest.raises(StopError):
            client.get(f"/repos/{SLUG}/issues")
        assert len(github.seen) == asked

    def test_no_connection(self, tmp_path: Any) -> None:
        import socket

        from sp404audit.dora.sources.github.client import Client
        from sp404audit.dora.sources.http import parse_url

        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with (
            Client(parse_url(f"http://127.0.0.1:{port}"), wait=lambda _: None) as client,
            pytest.raises(RefusedError, match="gave no answer"),
        ):
            client.get(RELEASES)

    def test_a_token_that_is_not_accepted(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        github.faults.append(lambda _path, _query: reply(401))
        with pytest.raises(StopError, match="does not accept the token"):
            make_client().get(RELEASES)

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"\xff\xfe", b'{"a": ' + b"9" * 5000 + b"}"])
    def test_what_is_no_json(self, body: bytes, monkeypatch: pytest.MonkeyPatch, make_client: MakeClient) -> None:
        from sp404audit.dora.sources import http

        monkeypatch.setattr(http.Client, "get", lambda *_: http.Answer(200, {}, body))
        with pytest.raises(RefusedError, match="is not JSON"):
            make_client().get(RELEASES)


class TestBudget:
    def test_it_ends_the_run_and_the_next_one_goes_on(
        self, known: GitHub, make_client: MakeClient, window: Window
    ) -> None:
        whole = collect(SLUG, Settings(), window, make_client(is_cached=False))
        known.seen.clear()
        runs = 0
        while True:
            runs += 1
            client = make_client(budget=4)
            collected = collect(SLUG, Settings(), window, client)
            assert client.usage.charged <= 4
            if not collected.report.partial:
                break
            assert any("--api-budget" in note.message for note in collected.report.notes)
            assert any(note.id == "github/incomplete" for note in collected.report.notes)
            assert runs < 12
        assert collected == whole
        fetched = [(seen.path, tuple(seen.query.items())) for seen in known.seen if seen.status == 200]
        assert len(fetched) == len(set(fetched)), "nothing is fetched twice"

    def test_it_cuts_off_the_oldest(self, github: GitHub, make_client: MakeClient, window: Window) -> None:
        for number in range(10):
            github.deploy(number + 1, T0 + number * DAY, (T0 + number * DAY + 60, "success"))
        report = (collected := collect(SLUG, Settings(), window, make_client(budget=12))).report
        live = [each.id for each in collected.deployments if each.outcome == "success"]
        assert live == [f"github:deployment:{number}" for number in (7, 8, 9, 10)]
        assert report.partial
        assert report.covers_since == T0 + 5 * DAY + 1, "after the last one whose course is not known"
        (told,) = [note.message for note in report.notes if note.id == "github/incomplete"]
        assert told.startswith("not read, or not all: statuses of 6 deployments;")


def test_the_same_refusal_is_told_once(github: GitHub, make_client: MakeClient, window: Window, reply: Make) -> None:
    for number in range(3):
        github.deploy(number + 1, T0 + number, (T0 + number, "success"))
    github.faults.append(lambda path, _query: reply(404) if path.endswith("/statuses") else None)
    report = collect(SLUG, Settings(), window, make_client()).report
    assert [note.id for note in report.notes] == ["github/status-404", "github/incomplete"]
    assert "statuses of 3 deployments" in report.notes[1].message


class TestClocks:
    @pytest.mark.parametrize(("ahead", "side"), [(900, "ahead of"), (-900, "behind")])
    def test_skew_is_told(self, ahead: int, side: str, known: GitHub, make_client: MakeClient, window: Window) -> None:
        known.ahead = ahead
        (note,) = collect(SLUG, Settings(), window, make_client()).report.notes
        assert note.id == "github/clock"
        assert side in note.message
        assert any(f"{seconds} s" in note.message for seconds in (899, 900, 901))

    def test_a_date_that_is_none(self, known: GitHub, make_client: MakeClient, window: Window, reply: Make) -> None:
        client = make_client()
        known.faults.append(once(RELEASES, reply(200, {"Date": "yesterday"}, [])))
        client.get(RELEASES)
        assert client.usage.skew is None


class TestElsewhere:
    def test_the_next_page_is_not_fetched_from_another_server(
        self, github: GitHub, other_github: GitHub, make_client: MakeClient, window: Window, reply: Make
    ) -> None:
        for target in (
            f"{other_github.url}{RELEASES}?page=2",
            f"//{other_github.url[7:]}{RELEASES}?page=2",
            github.url.replace("http:", "https:") + f"{RELEASES}?page=2",
            github.url.replace("127.0.0.1", "localhost") + f"{RELEASES}?page=2",
            github.url.replace("127.0.0.1", "127.0.0.1@localhost") + f"{RELEASES}?page=2",
        ):
            github.faults[:] = [once(RELEASES, reply(200, {"Link": f'<{target}>; rel="next"'}, []))]
            report = collect(SLUG, Settings(), window, make_client(is_cached=False)).report
            assert report.partial, target
            assert [note.id for note in report.notes] == ["github/cut"], target

    def test_a_redirect_is_not_followed_to_another_server(
        self, github: GitHub, other_github: GitHub, make_client: MakeClient, reply: Make
    ) -> None:
        location = {"Location": f"{other_github.url}{RELEASES}"}
        for status in (301, 302, 307, 308):
            github.faults.append(once(RELEASES, reply(status, location, {"message": "Moved"})))
            with pytest.raises(RefusedError, match="redirected to another server, which is not asked"):
                make_client().get(RELEASES)

    def test_a_renamed_repository_is_found(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        location = {"Location": f"{github.url}{RELEASES}?per_page=100"}
        github.faults.append(once("/repos/octo/old/releases", reply(301, location, {"message": "Moved Permanently"})))
        releases(github, 1)
        assert len(next(make_client().pages("/repos/octo/old/releases")).data) == 1

    def test_redirects_in_a_circle(self, github: GitHub, make_client: MakeClient, reply: Make) -> None:
        moved = reply(301, {"Location": f"{github.url}{RELEASES}"}, {"message": "Moved Permanently"})
        github.faults.append(once(RELEASES, moved, times=99))
        with pytest.raises(RefusedError, match="too often"):
            make_client().get(RELEASES)
        assert len(github.seen) == 4


def test_what_every_question_carries(github: GitHub, make_client: MakeClient, secret: str) -> None:
    make_client().get(RELEASES)
    (seen,) = github.seen
    assert seen.headers["authorization"] == f"Bearer {secret}"
    assert seen.headers["accept"] == "application/vnd.github+json"
    assert seen.headers["x-github-api-version"] == "2022-11-28"
    assert seen.headers["user-agent"] == "sp404audit"
