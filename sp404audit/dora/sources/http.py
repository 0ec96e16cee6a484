"""Asking one HTTP server, bounded in every way: the only door of this package to a network.

What is asked for is a document of at most so many bytes within so many seconds. No redirect is followed, so that a
token goes to the origin that it is meant for and to no other; whoever asks is told where the server points to. Only
`http` and `https` are spoken; certificates are checked. Proxies are taken from the environment as curl takes them
(`https_proxy`, `no_proxy`), and for https alone: a proxy of plain http would read along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    import http.client

__all__ = [
    "Answer",
    "AnswerTooLargeError",
    "Client",
    "ConnectionFailedError",
    "HttpError",
    "Url",
    "UrlError",
    "parse_url",
]

_CHUNK = 64 * 1024
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class HttpError(Exception):
    """The server did not answer as it should; the text is one line for people and holds no credential."""


class ConnectionFailedError(HttpError):
    """No answer at all, or not the whole of it in time."""


class AnswerTooLargeError(HttpError):
    """The answer is larger than asked for; none of it is used."""


class UrlError(ValueError):
    """An address that cannot be asked; the text says what is wrong with it, without repeating credentials."""


class Url(NamedTuple):
    """The parts of an address that matter here; `path` has no slash at its end."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, as in RFC 6454; the port is left out where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme] == self.port
        return f"{self.scheme}://{host}" + ("" if usual else f":{self.port}")

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read along: https, or this very machine."""
        return self.scheme == "https" or self.host in _LOOPBACK


class Answer(NamedTuple):
    """What a server answered: status, headers by lower-case name (the last one of several), and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def parse_url(text: str) -> Url:
    """Take an address apart.

    Raises:
        UrlError: for another scheme than http and https, no host, a port that is none, or credentials in it.
    """
    from urllib.parse import urlsplit

    if any(character <= " " or character == "\x7f" for character in text):
        raise UrlError("the address holds blanks or control characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UrlError(f"the address cannot be read: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise UrlError("the address must begin with http:// or https://")
    if "@" in parts.netloc:
        raise UrlError("the address holds credentials; give them in environment variables instead")
    if not parts.hostname:
        raise UrlError("the address names no host")
    if parts.query or parts.fragment:
        raise UrlError("the address has a query or a fragment; give the server's own address only")
    return Url(parts.scheme, parts.hostname, port or {"http": 80, "https": 443}[parts.scheme], parts.path.rstrip("/"))


class Client:
    """Asks one server; keeps the connection open from one question to the next. Use it in a `with` statement.

    Args:
        url: the server; what is asked for is relative to its path.
        headers: sent with every question; a credential goes here.
        timeout: seconds for a whole answer, from connecting to its last byte.
        limit: the largest answer in bytes, as sent and unpacked.

    Raises:
        ValueError: for a header that cannot be sent; its value, which may be a credential, is not repeated.
    """

    def __init__(self, url: Url, headers: Mapping[str, str], *, timeout: float, limit: int) -> None:
        for name, value in headers.items():
            if not value.isascii() or not value.isprintable():
                raise ValueError(f"{name} holds characters that no header can")
        self.url = url
        self._headers = {"Accept-Encoding": "gzip", **headers}
        self._timeout = timeout
        self._limit = limit
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection up; the next question opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a path with its query (`/api/v1/query?query=up`), whatever the status of the answer is.

        Raises:
            ConnectionFailedError: no connection, a broken one, no HTTP, or not all within the time.
            AnswerTooLargeError: more than the limit.
        """
        reused = self._connection is not None
        try:
            return self._ask(path, headers or {})
        except _ClosedWhileIdleError as error:
            if not reused:
                raise ConnectionFailedError(f"{self.url.origin} closed the connection without an answer") from error
        try:
            return self._ask(path, headers or {})
        except _ClosedWhileIdleError as error:
            raise ConnectionFailedError(f"{self.url.origin} closed the connection without an answer") from error

    def _ask(self, path: str, headers: Mapping[str, str]) -> Answer:
        import http.client

        watch = _Watch(self._timeout)
        try:
            connection = self._connection = self._connection or self._connect()
            with watch.over(connection):
                connection.request("GET", self.url.path + path, headers={**self._headers, **headers})
                response = connection.getresponse()
                body = self._body(response)
        except AnswerTooLargeError:
            self.close()
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            if watch.expired or isinstance(error, TimeoutError):
                raise self._late() from error
            if isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
                raise _ClosedWhileIdleError from error
            raise ConnectionFailedError(f"{self.url.origin} gave no answer: {_reason(error)}") from error
        if watch.expired:
            self.close()
            raise self._late()
        if response.will_close:
            self.close()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def _late(self) -> ConnectionFailedError:
        return ConnectionFailedError(f"{self.url.origin} did not answer within {self._timeout:g} seconds")

    def _connect(self) -> http.client.HTTPConnection:
        import http.client
        import ssl

        if self.url.scheme == "http":
            return http.client.HTTPConnection(self.url.host, self.url.port, timeout=self._timeout)
        context = ssl.create_default_context()
        proxy = _proxy_for(self.url)
        if proxy is None:
            return http.client.HTTPSConnection(self.url.host, self.url.port, timeout=self._timeout, context=context)
        made = http.client.HTTPSConnection(proxy.host, proxy.port, timeout=self._timeout, context=context)
        made.set_tunnel(self.url.host, self.url.port)
        return made

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        import zlib

        packed = response.getheader("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip")
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if packed else None
        parts, sent, size = [], 0, 0
        while chunk := response.read(_CHUNK):
            sent += len(chunk)
            try:
                plain = unpack.decompress(chunk, self._limit + 1 - size) if unpack else chunk
            except zlib.error as error:
                raise ValueError("it says gzip and is not") from error
            size += len(plain)
            if size > self._limit or sent > self._limit:
                raise AnswerTooLargeError(f"{self.url.origin} answered with more than {self._limit:,} bytes")
            parts.append(plain)
        if response.length or (unpack is not None and not unpack.eof):
            raise ValueError("its answer is cut short")
        return b"".join(parts)


class _ClosedWhileIdleError(Exception):
    """The server closed a connection before it answered: common with one that was kept open for a while."""


class _Watch:
    """Ends a connection when the time for the whole answer is over, however slowly it drips in."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._seconds = seconds

    @contextmanager
    def over(self, connection: http.client.HTTPConnection) -> Iterator[None]:
        """Watch what is done with the connection inside the `with` statement."""
        import threading

        timer = threading.Timer(self._seconds, self._expire, (connection,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self, connection: http.client.HTTPConnection) -> None:
        import socket

        self.expired = True
        # To shut it down wakes up whoever reads from it; to close it from here would not.
        with suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _proxy_for(url: Url) -> Url | None:
    """The proxy that the environment names for an https address; one that needs a password is not used."""
    from urllib.request import getproxies_environment, proxy_bypass

    proxies = getproxies_environment()
    text = proxies.get("https") or proxies.get("all")
    if not text or url.host in _LOOPBACK or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    try:
        proxy = parse_url(text if "://" in text else f"http://{text}")
    except UrlError as error:
        raise ValueError(f"https_proxy: {error}") from None
    if proxy.scheme != "http":
        raise ValueError("https_proxy: a proxy that is itself reached by https is not supported; name it with http://")
    return proxy


def _reason(error: Exception) -> str:
    """What went wrong, in the system's words, on one line."""
    invalid = getattr(error, "verify_message", None)  # of ssl.SSLCertVerificationError
    text = f"its certificate is not valid: {invalid}" if invalid else getattr(error, "strerror", None) or str(error)
    text = text or type(error).__name__
    return " ".join(str(text).split())[:200]
