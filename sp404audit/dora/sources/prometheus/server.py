"""Prometheus's HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/), as far as it is needed here.

Thanos, Mimir, VictoriaMetrics and others answer the same questions; what only some of them know (targets, retention)
may be missing, and is then None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sp404audit.dora.sources.http import Answer, AnswerTooLargeError, Client, HttpError
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = [
    "MAX_ANSWER",
    "MAX_POINTS",
    "PrometheusError",
    "RefusedError",
    "Series",
    "Server",
    "TooMuchError",
    "parse_duration",
]

MAX_ANSWER = 64 * 1024 * 1024
"""The largest answer that is read, in bytes."""

MAX_POINTS = 10_000
"""Points of one series in an answer to query_range; Prometheus itself refuses more than 11,000."""

_DURATION = regex(
    r"(?:([0-9]{1,6})y)?(?:([0-9]{1,6})w)?(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?"
    r"(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s)?(?:([0-9]{1,9})ms)?"
)
_UNITS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1000, 1)


class PrometheusError(Exception):
    """The server could not be asked, or its answer is none; one line for people."""


class RefusedError(PrometheusError):
    """The server does not take the query as it stands."""


class TooMuchError(PrometheusError):
    """The server, or we, will not handle so much at once: ask for less."""


class Series(NamedTuple):
    """The labels of a series, and its samples as the server sent them: seconds and a number as text."""

    labels: Mapping[str, str]
    values: list[Any]


def parse_duration(text: str) -> int | None:
    """The milliseconds of one of Prometheus's durations (`1m30s`, `15d`); None for what is none."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    return sum(int(number or 0) * unit for number, unit in zip(match.groups(), _UNITS, strict=True))


class Server:
    """Asks the questions and checks the shape of the answers.

    Args:
        client: connected to the address below which `/api/v1` lies.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.warnings: dict[str, None] = {}

    def samples(self, selector: str, start: int, end: int) -> list[Series]:
        """The raw samples of [start, end), without lookback or steps; times in milliseconds.

        Up to Prometheus 2 a range holds both its ends, from 3 on only the later: a range that ends a millisecond early
        and begins a millisecond early holds what is wanted with both, and one sample before it, which is left to the
        caller to drop.

        Raises:
            RefusedError: when this is no selector of series.
            TooMuchError, PrometheusError: see there.
        """
        length = f"{end - start}ms"
        # A selector may end in a comment: the range goes on a line of its own.
        data = self._query("query", {"query": f"{selector}\n[{length}]", "time": _seconds(end - 1)})
        return _matrix(data, self._client.url.origin)

    def steps(self, expression: str, start: int, end: int, step: int) -> list[Series]:
        """The value of any expression every `step` milliseconds in [start, end); at most `MAX_POINTS` of them."""
        times = {"start": _seconds(start), "end": _seconds(end - 1), "step": _seconds(step)}
        return _matrix(self._query("query_range", {"query": expression, **times}), self._client.url.origin)

    def has_series(self, selector: str, start: int, end: int) -> bool:
        """Whether any series matches in that time; True when the server does not say."""
        try:
            data = self._query("series", {"match[]": selector, "start": _seconds(start), "end": _seconds(end)})
        except RefusedError:
            return True
        return not isinstance(data, list) or bool(data)

    def scrape_intervals(self) -> dict[tuple[str, str], int]:
        """How often targets are scraped now, in milliseconds, by job and instance; empty when that is not said."""
        data = self._about("targets?state=active")
        found: dict[tuple[str, str], int] = {}
        targets = data.get("activeTargets") if isinstance(data, dict) else None
        for target in targets if isinstance(targets, list) else []:
            labels = target.get("labels") if isinstance(target, dict) else None
            interval = target.get("scrapeInterval") if isinstance(target, dict) else None
            if isinstance(labels, dict) and isinstance(interval, str):
                milliseconds = parse_duration(interval)
                if milliseconds:
                    found[str(labels.get("job", "")), str(labels.get("instance", ""))] = milliseconds
        return found

    def retention(self) -> int | None:
        """For how many milliseconds samples are kept; None when the server does not say, or keeps them by size only."""
        data = self._about("status/runtimeinfo")
        text = data.get("storageRetention") if isinstance(data, dict) else None
        return parse_duration(text.split(" or ")[0]) if isinstance(text, str) else None

    def _about(self, path: str) -> object:
        """What the server says of itself; None when it does not."""
        try:
            answer = self._client.get(f"/api/v1/{path}")
            return _body(answer).get("data") if answer.status == 200 else None
        except (HttpError, PrometheusError):
            return None

    def _query(self, kind: str, parameters: Mapping[str, str]) -> object:
        from urllib.parse import urlencode

        try:
            answer = self._client.get(f"/api/v1/{kind}?{urlencode(parameters)}")
        except AnswerTooLargeError as error:
            raise TooMuchError(str(error)) from error
        except HttpError as error:
            raise PrometheusError(str(error)) from error
        if answer.status != 200:
            raise _refusal(answer, self._client.url.origin)
        body = _body(answer)
        warnings = body.get("warnings")
        for warning in warnings if isinstance(warnings, list) else []:
            if isinstance(warning, str) and len(self.warnings) < 10:
                self.warnings[_short(warning)] = None
        if body.get("status") != "success":
            raise PrometheusError(f"{self._client.url.origin} does not answer as Prometheus does")
        return body.get("data")


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03}"


def _body(answer: Answer) -> dict[str, Any]:
    import json

    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


def _refusal(answer: Answer, origin: str) -> PrometheusError:
    status, body = answer.status, _body(answer)
    said = _short(body["error"]) if isinstance(body.get("error"), str) else ""
    if 300 <= status < 400:
        target = _short(answer.headers.get("location", "elsewhere"))
        return PrometheusError(f"{origin} redirects to {target}: not followed; give that address if it is right")
    if status in (401, 403):
        return PrometheusError(f"{origin} wants other credentials (status {status})")
    if status in (413, 422, 429, 503, 504) and body.get("errorType") != "bad_data":
        return TooMuchError(f"{origin} answered {status}: {said or 'no reason given'}")
    if status in (400, 404, 405, 422):
        return RefusedError(f"{origin} does not take the query: {said or 'no reason given'}")
    return PrometheusError(f"{origin} answered {status}{': ' + said if said else ''}")


def _matrix(data: object, origin: str) -> list[Series]:
    """The series of an answer; a query that came to something else was not what it looked like."""
    if not isinstance(data, dict) or not isinstance(data.get("result"), list):
        raise PrometheusError(f"{origin} does not answer as Prometheus does")
    if data.get("resultType") != "matrix":
        raise RefusedError(f"{origin} answered with a {_short(str(data.get('resultType')))} instead of a matrix")
    series = []
    for each in data["result"]:
        labels = each.get("metric") if isinstance(each, dict) else None
        values = each.get("values", []) if isinstance(each, dict) else None
        if not isinstance(labels, dict) or not isinstance(values, list):
            raise PrometheusError(f"{origin} does not answer as Prometheus does")
        series.append(Series({str(key): str(value) for key, value in labels.items()}, values))
    return series


def _short(text: str) -> str:
    return " ".join(text[:400].split())[:200]
