"""Against a loopback server that answers what no Prometheus should, or what an old or guarded one does."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sp404audit.dora.events import Collected
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings, UptimeSettings
from sp404audit.dora.sources import prometheus
from sp404audit.dora.sources.http import UrlError
from sp404audit.dora.sources.prometheus import PASSWORD, TOKEN, USERNAME, CredentialsError, collect, fetching
from sp404audit.dora.sources.prometheus.server import parse_duration

T0 = 1_704_067_200  # 2024-01-01T00:00:00Z
HOUR = 3600
WINDOW = Window(T0, T0 + HOUR)
Answer = tuple[int, bytes] | tuple[int, bytes, Mapping[str, str]]
Asked = dict[str, str]


@contextmanager
def server(reply: Callable[[str, Asked], Answer]) -> Iterator[tuple[str, list[tuple[str, Asked, Any]]]]:
    """A server that answers by path and query; what it was asked is kept, with the headers."""
    asked: list[tuple[str, Asked, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            asked.append((url.path, query, self.headers))
            status, body, *rest = reply(url.path, query)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(rest[0] if rest else {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", asked
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def success(data: object, **more: object) -> Answer:
    return 200, json.dumps({"status": "success", "data": data, **more}).encode()


def matrix(*series: tuple[Mapping[str, str], list[Any]], **more: object) -> Answer:
    result = [{"metric": labels, "values": values} for labels, values in series]
    return success({"resultType": "matrix", "result": result}, **more)


def failure(status: int, kind: str, text: str) -> Answer:
    return status, json.dumps({"status": "error", "errorType": kind, "error": text}).encode()


def ask(
    url: str, window: Window = WINDOW, timeout: float = 10, env: Mapping[str, str] | None = None, **up: Any
) -> Collected:
    up = up or {"selector": "up"}
    return collect(url, Settings(uptime=UptimeSettings(**up)), window, environment=env or {}, timeout=timeout)


def messages(collected: Collected) -> str:
    return "\n".join(f"{note.id}: {note.message}" for note in collected.report.notes)


def test_samples_at_the_edges_count_once() -> None:
    """Prometheus 2 gives both ends of a range, Prometheus 3 the later one only; others give what they like."""
    values = [[T0 - 15, "0"], [T0, "1"], *([T0 + at, "1"] for at in range(15, HOUR, 15)), [T0 + HOUR, "0"]]
    with server(lambda path, query: matrix(({"job": "api"}, values))) as (url, _):
        (got,) = ask(url).availability
    assert (got.since, got.up, got.down, got.unknown) == (T0, HOUR, 0, 0)


def test_asks_for_raw_samples_a_day_at_a_time() -> None:
    with server(lambda path, query: matrix()) as (url, asked):
        ask(url, Window(T0, T0 + 2 * 86_400))
    queries = [(query["query"], query["time"]) for path, query, _ in asked if path == "/api/v1/query"]
    assert queries == [
        ("up\n[86400000ms]", f"{T0 - 300 + 86_400 - 1}.999"),
        ("up\n[86400000ms]", f"{T0 - 300 + 2 * 86_400 - 1}.999"),
        ("up\n[300000ms]", f"{T0 + 2 * 86_400 - 1}.999"),
    ]


def test_path_of_the_address_is_kept() -> None:
    with server(lambda path, query: matrix()) as (url, asked):
        ask(url + "/prom/")
    assert asked[0][0] == "/prom/api/v1/query"


@pytest.mark.parametrize(
    ("stated", "unknown", "told"),
    [
        ("15s", 45, ""),  # one sample speaks for 15 s: the gap of a minute is not filled
        ("1m", 0, ""),  # the gap is within the interval
        ("5s", 45, "scraped every 5 s now, samples are 15 s apart: the latter was used"),
        (None, 45, ""),  # the usual distance
    ],
)
def test_scrape_interval(stated: str | None, unknown: int, told: str) -> None:
    values = [[T0 + at, "1"] for at in range(0, HOUR, 15) if not 600 < at < 660]
    target = {"labels": {"job": "api", "instance": "a"}, "scrapeInterval": stated}

    def reply(path: str, query: Asked) -> Answer:
        if path.endswith("/targets"):
            return success({"activeTargets": [target, {"labels": 1}, None]}) if stated else (404, b"")
        return matrix(({"job": "api", "instance": "a"}, values))

    with server(reply) as (url, _):
        collected = ask(url)
    assert collected.availability[0].unknown == unknown
    assert told in messages(collected)


def test_stale_markers_and_other_strange_values_are_unknown() -> None:
    strange: list[Any] = ["NaN", "+Inf", "2", "-1", "x", None, 1, "9" * 100]
    values = [[T0 + 15 * at, strange[at] if at < len(strange) else "1"] for at in range(HOUR // 15)]
    broken: list[Any] = [None, 5, [], [T0], ["x", "1"], {}, [1e400, "1"]]
    with server(lambda path, query: matrix(({"job": "api"}, [*broken, *values]))) as (url, _):
        collected = ask(url)
    (got,) = collected.availability
    assert (got.up + got.unknown, got.down) == (HOUR, 0)
    assert got.unknown >= 5 * 15
    assert "samples are neither 0 nor 1: not known what they mean" in messages(collected)


@pytest.mark.parametrize(
    ("targets", "unknown"),
    [
        ([("api", "a", "60s"), ("api", "b", "15s"), ("web", "a", "15s")], 0),  # its own
        ([("api", "gone", "60s"), ("web", "a", "15s")], 0),  # that of its job
        ([("web", "a", "60s")], 45),  # another's says nothing
    ],
)
def test_scrape_interval_is_the_targets_own_or_its_jobs(targets: list[tuple[str, str, str]], unknown: int) -> None:
    values = [[T0 + at, "1"] for at in range(0, HOUR, 15) if not 600 < at < 660]
    active = [{"labels": {"job": j, "instance": i}, "scrapeInterval": every} for j, i, every in targets]

    def reply(path: str, query: Asked) -> Answer:
        if path.endswith("/targets"):
            return success({"activeTargets": active})
        return matrix(({"job": "api", "instance": "a"}, values))

    with server(reply) as (url, _):
        assert ask(url).availability[0].unknown == unknown


def test_samples_that_mean_nothing_are_counted() -> None:
    values: list[Any] = [[T0, "1"], [T0 + 60, "2"], [T0 + 120, "x"], [T0 + 180, "NaN"], [T0 + 240, "0"]]
    with server(lambda path, query: matrix(({"job": "api"}, values))) as (url, _):
        assert "api: 3 samples are neither 0 nor 1" in messages(ask(url))


def test_ratio_of_nothing_is_down() -> None:
    values = [[T0 + 60 * at, "0"] for at in range(60)]
    with server(lambda path, query: matrix(({"job": "shop"}, values))) as (url, _):
        (got,) = ask(url, query="ratio").availability
    assert (got.service, got.up, got.down, got.unknown) == ("shop", 0, HOUR, 0)


def test_ratios_beyond_one_are_unknown() -> None:
    values = [[T0 + 60 * at, "1.5" if at < 10 else "0.75"] for at in range(60)]
    with server(lambda path, query: matrix(({"service": "s"}, values))) as (url, _):
        (got,) = ask(url, query="ratio").availability
    assert (got.up, got.down, got.unknown) == (0.75 * 3000, 0.25 * 3000, 600)


def test_ratios_of_several_series_are_services_of_their_own() -> None:
    values = [[T0 + 60 * at, "1"] for at in range(60)]
    told = [({"service": "a"}, values), ({"service": "a", "zone": "x"}, values), ({}, values)]
    with server(lambda path, query: matrix(*told)) as (url, _):
        got = ask(url, query="ratio").availability
    assert [each.service for each in got] == ["", "a", "service=a, zone=x"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b'"text"',
        b"[" * 100_000,
        b'{"status": "success"}',
        b'{"status": "success", "data": {"result": 5, "resultType": "matrix"}}',
        b'{"status": "success", "data": {"result": [5], "resultType": "matrix"}}',
        b'{"status": "success", "data": {"result": [{"metric": [], "values": 5}], "resultType": "matrix"}}',
        b'{"status": "success", "data": {"result": [], "resultType": "streams"}}',
        b"\xff\xfe\x00",
    ],
)
def test_answers_that_are_none(body: bytes) -> None:
    with server(lambda path, query: (200, body)) as (url, _):
        got = ask(url)
    assert (got.availability, got.report.partial) == ((), True)
    assert "prometheus/failed" in messages(got)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((500, b"oops"), "answered 500"),
        ((401, b""), "wants other credentials (status 401)"),
        ((403, b"no"), "wants other credentials (status 403)"),
        (failure(500, "internal", "disk\nfull"), "answered 500: disk full"),
        ((301, b"", {"Location": "https://elsewhere.example/api"}), "redirects to https://elsewhere.example/api: not"),
    ],
)
def test_errors_are_told(answer: Answer, told: str) -> None:
    with server(lambda path, query: answer) as (url, asked):
        got = ask(url)
    assert (got.availability, got.report.partial) == ((), True)
    assert told in messages(got)
    assert len(asked) == 1


def test_nothing_of_an_answer_that_is_too_large_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "MAX_ANSWER", 1000)
    with server(lambda path, query: (200, b" " * 5000)) as (url, asked):
        got = ask(url, Window(T0, T0 + 86_400))
    assert (got.availability, got.report.partial) == ((), True)
    assert "more than 1,000 bytes" in messages(got)
    lengths = [int(query["query"].split("[")[1][:-3]) for path, query, _ in asked if path == "/api/v1/query"]
    assert lengths == [86_400_000, 21_600_000, 5_400_000, 3_600_000]


def test_slow_server() -> None:
    over = threading.Event()

    def reply(path: str, query: Asked) -> Answer:
        over.wait(30)
        return matrix()

    with server(reply) as (url, _):
        got = ask(url, timeout=0.2)
        over.set()
    assert "did not answer within 0.2 seconds" in messages(got)


def test_smaller_pieces_when_the_server_will_not_load_so_much() -> None:
    values = [[T0 + 60 * at, "1"] for at in range(1440)]

    def reply(path: str, query: Asked) -> Answer:
        length = int(query["query"].split("[")[1][:-3]) if "[" in query.get("query", "") else 0
        if length > 4 * HOUR * 1000:
            return failure(422, "execution", "query processing would load too many samples into memory")
        return matrix(({"job": "api"}, values))

    with server(reply) as (url, _):
        collected = ask(url, Window(T0, T0 + 86_400))
    (got,) = collected.availability
    assert (got.up, got.unknown, collected.report.partial, got.remark) == (86_400, 0, False, "")


def test_what_came_before_an_error_is_used_and_flagged() -> None:
    values = [[T0 + 60 * at, "1"] for at in range(3 * 1440)]

    def reply(path: str, query: Asked) -> Answer:
        if path == "/api/v1/query" and float(query["time"]) > T0 + 2 * 86_400:
            return 502, b"bad gateway"
        return matrix(({"job": "api"}, values))

    with server(reply) as (url, _):
        collected = ask(url, Window(T0, T0 + 3 * 86_400))
    (got,) = collected.availability
    assert (got.until, got.up, got.unknown) == (T0 + 2 * 86_400 - 300, 2 * 86_400 - 300, 0)
    assert collected.report.partial
    assert "prometheus/partial: up: stopped early" in messages(collected)


@pytest.mark.parametrize(("name", "value", "told"), [("MAX_SAMPLES", 10, "name fewer"), ("BUDGET", -1, "no more time")])
def test_limits(monkeypatch: pytest.MonkeyPatch, name: str, value: int, told: str) -> None:
    monkeypatch.setattr(fetching, name, value)
    values = [[T0 + 60 * at, "1"] for at in range(3 * 1440)]
    with server(lambda path, query: matrix(({"job": "api"}, values))) as (url, _):
        collected = ask(url, Window(T0, T0 + 3 * 86_400))
    assert collected.report.partial
    assert told in messages(collected)
    assert collected.availability[0].until == T0 + 86_400 - 300


def test_warnings_are_told() -> None:
    with server(lambda path, query: matrix(warnings=["one store is\naway", 5])) as (url, _):
        assert "prometheus/warning: the server warns: one store is away" in messages(ask(url))


def test_server_that_lists_no_series_is_asked_all_the_same() -> None:
    def reply(path: str, query: Asked) -> Answer:
        if path.endswith("/series"):
            return 404, b""
        return matrix(({"job": "api"}, [[T0, "1"]])) if query["query"].startswith("up") else matrix()

    with server(reply) as (url, _):
        (got,) = ask(url, quorum=1).availability
    assert got.signal == "up"
    assert got.up == 60
    assert "one sample and no scrape interval" in got.remark


SECRET = "".join(["not", "-so-", "secret"])


@pytest.mark.parametrize(
    ("environment", "header"),
    [
        ({}, None),
        ({TOKEN: SECRET + "\n"}, f"Bearer {SECRET}"),
        ({USERNAME: "ada", PASSWORD: SECRET}, "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode()),
        ({"PROMETHEUS_TOKEN": SECRET}, None),
    ],
)
def test_credentials_come_from_the_environment_and_go_to_the_server_only(
    environment: dict[str, str], header: str | None
) -> None:
    with server(lambda path, query: (401, SECRET.encode())) as (other, elsewhere):
        with server(lambda path, query: (307, b"", {"Location": other})) as (url, asked):
            got = ask(url, env=environment)
        assert {headers.get("Authorization") for _, _, headers in asked} == {header}
        assert elsewhere == []
    assert SECRET not in repr(got)


@pytest.mark.parametrize(
    "environment",
    [
        {TOKEN: f"{SECRET}\r\nX: y"},
        {TOKEN: f"{SECRET}é"},
        {TOKEN: SECRET, USERNAME: "ada"},
        {PASSWORD: SECRET},
        {USERNAME: "a:b", PASSWORD: SECRET},
    ],
)
def test_credentials_that_cannot_be_sent(environment: dict[str, str]) -> None:
    with pytest.raises(CredentialsError) as caught:
        ask("http://127.0.0.1:1", env=environment)
    assert SECRET not in str(caught.value)
    assert "SP404AUDIT_PROMETHEUS_" in str(caught.value)


def test_credentials_in_the_clear_are_told() -> None:
    got = ask("http://127.0.0.2:1", env={TOKEN: SECRET}, timeout=5)
    assert "credentials go to http://127.0.0.2:1 unencrypted; use https" in messages(got)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "prometheus:9090", "http://a:b@prometheus", ""])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UrlError):
        ask(url)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("15s", 15_000),
        ("1m30s", 90_000),
        ("15d", 1_296_000_000),
        ("1y", 31_536_000_000),
        ("5ms", 5),
        ("", None),
        ("1", None),
    ],
)
def test_durations(text: str, milliseconds: int | None) -> None:
    assert parse_duration(text) == milliseconds
