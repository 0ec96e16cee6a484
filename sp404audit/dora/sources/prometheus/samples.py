"""Samples of one series, kept small, and for how long each of them speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    from array import array

__all__ = ["Run", "Samples"]

_TOLERANCE = 1.5
"""A sample may come this many intervals after the one before it; later, and something was missed between them."""


class Run(NamedTuple):
    """A stretch [start, end), in milliseconds, in which a series had one value."""

    start: int
    end: int
    value: float


class Samples:
    """The samples of one series in the order of time: milliseconds and values.

    Args:
        labels: of the series.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        from array import array

        self.labels = labels
        self.times: array[int] = array("q")
        self.values: array[float] = array("d")
        self.unreadable = 0

    def add(self, values: Iterable[Any], start: int, end: int) -> int:
        """Take samples of [start, end), which come after those taken before; return how many were new."""
        before, last = len(self.times), self.times[-1] if self.times else -1
        for pair in values:
            try:
                at, value = round(float(pair[0]) * 1000), float(pair[1][:40])
            except (TypeError, ValueError, IndexError, OverflowError, KeyError):
                self.unreadable += 1
                continue
            if start <= at < end and at > last:
                last = at
                self.times.append(at)
                self.values.append(value)
        return len(self.times) - before

    def median_gap(self) -> int | None:
        """The middle one of the distances between samples that follow on each other; None for less than two samples."""
        gaps = sorted(map(int.__sub__, self.times[1:], self.times[:-1]))
        return gaps[(len(gaps) - 1) // 2] if gaps else None

    def runs(self, interval: int, since: int, until: int, meaning: Callable[[float], float | None]) -> list[Run]:
        """For how long the series had which value.

        A sample speaks until the next one, and for one interval when the next one is late: what lies between is not
        known. The very first one speaks from the beginning of its second, so that a window can begin there.

        Args:
            interval: between scrapes, in milliseconds.
            since: what lies before is cut off.
            until: what lies from here on is cut off.
            meaning: what a value says (1 is up, 0 is down, between is a ratio); None when it says nothing.
        """
        runs: list[Run] = []
        patience = int(interval * _TOLERANCE)
        last = len(self.times) - 1
        for index, at in enumerate(self.times):
            value = meaning(self.values[index])
            end = at + interval
            if index < last and self.times[index + 1] - at <= patience:
                end = self.times[index + 1]
            start = at - at % 1000 if index == 0 else at
            start, end = max(start, since), min(end, until)
            if value is None or start >= end:
                continue
            if runs and runs[-1].end == start and runs[-1].value == value:
                start = runs.pop().start
            runs.append(Run(start, end, value))
        return runs
