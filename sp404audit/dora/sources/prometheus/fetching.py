"""All samples of a stretch of time, a piece at a time, with the ways around what a server refuses."""

from __future__ import annotations

import time
from collections.abc import Callable

from sp404audit.dora.sources.prometheus.samples import Samples
from sp404audit.dora.sources.prometheus.server import (
    MAX_POINTS,
    PrometheusError,
    RefusedError,
    Series,
    Server,
    TooMuchError,
)
from sp404audit.records import NamedTuple

__all__ = ["BUDGET", "MAX_SAMPLES", "STEP", "Fetched", "fetch"]

PIECE = 86_400_000
"""A day: what is asked for at once, in milliseconds."""

LEAST_PIECE = 3_600_000
"""An hour: less is not asked for at once."""

STEP = 60_000
"""How far apart values are that a server works out for us."""

MAX_SAMPLES = 8_000_000
"""How many samples are kept; one takes 16 bytes."""

BUDGET = 300.0
"""Seconds for all answers together."""


class Fetched(NamedTuple):
    """What came.

    Attributes:
        series: with their samples.
        until: up to where all answers came, in milliseconds.
        step: how far apart values are that the server worked out; 0 for samples as they were taken.
        stopped: why it stopped early; empty when it did not.
        remarks: ids and texts: which way around was taken.
    """

    series: tuple[Samples, ...]
    until: int
    step: int = 0
    stopped: str = ""
    remarks: tuple[tuple[str, str], ...] = ()


def fetch(server: Server, expression: str, since: int, until: int) -> Fetched:
    """Fetch the samples of [since, until), in milliseconds.

    Raw samples when the expression is a selector and the server gives them; else values that the server works out
    every `STEP`, which fill gaps of the monitor with what was seen up to five minutes before: told in a remark.

    Raises:
        PrometheusError: when not even the first answer came.
    """
    try:
        return _Fetching(server.samples, expression).run(since, until, PIECE)
    except (RefusedError, TooMuchError) as error:
        reason = str(error)

    def steps(query: str, start: int, end: int) -> list[Series]:
        return server.steps(query, start, end, STEP)

    found = _Fetching(steps, expression).run(since - since % STEP, until, STEP * MAX_POINTS)
    remark = (
        f"values every {STEP // 1000} s as the server works them out, which hides gaps up to its lookback ({reason})"
    )
    return found._replace(step=STEP, remarks=(("worked-out", remark),))


class _Fetching:
    """Collects the series of one expression piece by piece."""

    def __init__(self, ask: Callable[[str, int, int], list[Series]], expression: str) -> None:
        self._ask = ask
        self._expression = expression
        self._series: dict[tuple[tuple[str, str], ...], Samples] = {}
        self._samples = 0

    def run(self, since: int, until: int, piece: int) -> Fetched:
        """Ask for every piece in turn; ask for smaller ones when the server will not handle so much."""
        deadline = time.monotonic() + BUDGET
        at = since
        while at < until:
            end = min(at + piece, until)
            try:
                series = self._ask(self._expression, at, end)
            except TooMuchError as error:
                if piece > LEAST_PIECE:
                    piece = max(piece // 4, LEAST_PIECE)
                    continue
                if at == since:
                    raise
                return self._stopped(at, str(error))
            except PrometheusError as error:
                if at == since:
                    raise
                return self._stopped(at, str(error))
            self._take(series, at, end)
            at = end
            if at < until and self._samples > MAX_SAMPLES:
                return self._stopped(at, f"more than {MAX_SAMPLES:,} samples; name fewer series")
            if at < until and time.monotonic() > deadline:
                return self._stopped(at, f"no more time after {BUDGET:g} seconds")
        return Fetched(tuple(self._series.values()), until)

    def _take(self, series: list[Series], start: int, end: int) -> None:
        for each in series:
            key = tuple(sorted(each.labels.items()))
            samples = self._series.setdefault(key, Samples(each.labels))
            self._samples += samples.add(each.values, start, end)

    def _stopped(self, at: int, reason: str) -> Fetched:
        return Fetched(tuple(self._series.values()), at, stopped=f"stopped early: {reason}")
