"""Against real servers on loopback that answer as no server should."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from sp404audit.dora.sources.http import AnswerTooLargeError, Client, ConnectionFailedError, Url, UrlError, parse_url

Serve = Callable[[socket.socket, bytes], None]


@contextmanager
def server(*replies: Serve) -> Iterator[tuple[Url, list[bytes]]]:
    """A server that gives one reply a connection, in order; the heads of the requests are kept."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    over = threading.Event()
    heads: list[bytes] = []

    def accept() -> socket.socket | None:
        while not over.is_set():
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                connection.settimeout(5)
                return connection
        return None

    def run() -> None:
        for reply in replies:
            connection = accept()
            if connection is None:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head and (chunk := connection.recv(4096)):
                    head += chunk
                heads.append(head)
                try:
                    reply(connection, head)
                except OSError:
                    continue

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield parse_url(f"http://127.0.0.1:{listener.getsockname()[1]}"), heads
    finally:
        over.set()
        thread.join(5)
        listener.close()


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> Serve:
    lines = b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers, b"", b""])
    return lambda connection, _head: connection.sendall(lines + body)


def ask(url: Url, timeout: float = 5, limit: int = 1000) -> bytes:
    with Client(url, {"Authorization": "secret"}, timeout=timeout, limit=limit) as client:
        return client.get("/x?y=1").body


def test_answer_and_header() -> None:
    with server(answer(b"hello")) as (url, heads):
        assert ask(url) == b"hello"
    assert heads[0].startswith(b"GET /x?y=1 HTTP/1.1\r\n")
    assert b"Authorization: secret" in heads[0]


def test_redirect_is_handed_back_and_not_followed() -> None:
    with server(answer(b"", b"Location: http://elsewhere.example/", status=b"302 Found")) as (url, heads):
        with Client(url, {}, timeout=5, limit=10) as client:
            got = client.get("/")
        assert (got.status, got.headers["location"]) == (302, "http://elsewhere.example/")
    assert len(heads) == 1


def test_connection_is_used_again_and_opened_again_when_the_server_closed_it() -> None:
    with server(answer(b"one"), answer(b"two")) as (url, heads), Client(url, {}, timeout=5, limit=10) as client:
        assert client.get("/1").body == b"one"
        assert client.get("/2").body == b"two"
    assert [head.split()[1] for head in heads] == [b"/1", b"/2"]


def test_packed_answer() -> None:
    with server(answer(gzip.compress(b"a" * 900), b"Content-Encoding: gzip")) as (url, _):
        assert ask(url) == b"a" * 900


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"a" * 1001),
        answer(gzip.compress(b"a" * 10_000_000), b"Content-Encoding: gzip"),
    ],
    ids=["plain", "packed"],
)
def test_too_large(reply: Serve) -> None:
    with server(reply) as (url, _), pytest.raises(AnswerTooLargeError, match="more than 1,000 bytes"):
        ask(url)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"abc")[:-4],
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    ],
    ids=["nothing", "no http", "cut short", "cut chunk", "not gzip", "cut gzip", "many headers"],
)
def test_broken_answer(raw: bytes) -> None:
    with server(*[lambda connection, _head: connection.sendall(raw)] * 2) as (url, _):
        with pytest.raises(ConnectionFailedError) as caught:
            ask(url)
        assert str(caught.value).startswith(url.origin)
        assert "secret" not in str(caught.value)


def test_slow_answer_ends_in_time() -> None:
    stop = threading.Event()

    def drip(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not stop.wait(0.02):
            connection.sendall(b"x")

    with server(drip) as (url, _):
        with pytest.raises(ConnectionFailedError, match=r"did not answer within 0\.2 seconds"):
            ask(url, timeout=0.2)
        stop.set()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConnectionFailedError, match="gave no answer"):
        ask(parse_url(f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("text", "origin", "path"),
    [
        ("http://example.com", "http://example.com", ""),
        ("https://example.com:8443/prom/", "https://example.com:8443", "/prom"),
        ("http://[::1]:9090", "http://[::1]:9090", ""),
    ],
)
def test_address(text: str, origin: str, path: str) -> None:
    url = parse_url(text)
    assert (url.origin, url.path) == (origin, path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://example.com", "must begin with"),
        ("file:///etc/passwd", "must begin with"),
        ("example.com", "must begin with"),
        ("http://", "no host"),
        ("http://example.com:99999", "cannot be read"),
        ("http://a\r\nb", "control"),
        ("http://example.com/?a=b", "query"),
        ("http://[::1", "cannot be read"),
    ],
)
def test_no_address(text: str, reason: str) -> None:
    with pytest.raises(UrlError, match=reason):
        parse_url(text)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(UrlError) as caught:
        parse_url("https://user:hidden@example.com")
    assert "hidden" not in str(caught.value)


def test_proxies_are_for_https_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(lambda c, _h: c.sendall(b"HTTP/1.1 403 No\r\n\r\n"), answer(b"direct")) as (proxy, heads):
        monkeypatch.setenv("https_proxy", proxy.origin)
        monkeypatch.setenv("http_proxy", proxy.origin)
        with pytest.raises(ConnectionFailedError, match="Tunnel connection failed"):
            ask(parse_url("https://example.com"))
        assert heads[0].startswith(b"CONNECT example.com:443")
        assert b"secret" not in heads[0]
        assert ask(proxy) == b"direct"
