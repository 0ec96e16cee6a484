"""From what single replicas were to what the service was, second by second and day by day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sp404audit.dora.sources.prometheus.samples import Run
from sp404audit.records import NamedTuple

__all__ = ["Totals", "by_day", "service_runs", "total"]


class Totals(NamedTuple):
    """Seconds up, down and not known."""

    up: float
    down: float
    unknown: float


def service_runs(replicas: Iterable[Sequence[Run]], quorum: int) -> list[Run]:
    """When the service was up (1) and when it was down (0); what lies between the runs is not known.

    Up while at least `quorum` replicas were up, not known while none was seen, else down. The runs of each replica are
    1 for up and 0 for down.
    """
    changes: list[tuple[int, int, int]] = []  # when, how many more are seen, how many more are up
    for runs in replicas:
        for run in runs:
            up = int(run.value >= 1)
            changes += [(run.start, 1, up), (run.end, -1, -up)]
    changes.sort()
    found: list[Run] = []
    seen = up = 0
    before = 0
    for at, more_seen, more_up in changes:
        if at > before and seen:
            value = float(up >= quorum)
            start = before
            if found and found[-1].end == before and found[-1].value == value:
                start = found.pop().start
            found.append(Run(start, at, value))
        before = at
        seen += more_seen
        up += more_up
    return found


def total(runs: Iterable[Run], since: int, until: int) -> Totals:
    """Add up what lies inside [since, until); milliseconds in, seconds out. A value between 0 and 1 counts in part."""
    up = 0.0
    seen = 0
    for run in runs:
        length = min(run.end, until) - max(run.start, since)
        if length > 0:
            seen += length
            up += length * run.value
    return Totals(up / 1000, (seen - up) / 1000, (until - since - seen) / 1000)


def by_day(
    runs: Sequence[Run], days: Iterable[tuple[int, int]], since: int, until: int
) -> tuple[tuple[int, float, float, float], ...]:
    """The same for every day that [since, until) touches: its beginning in seconds, then seconds up, down, unknown.

    Args:
        runs: in order of time.
        days: [start, end) of each, in seconds.
        since: where to begin, in milliseconds.
        until: where to end, in milliseconds.
    """
    found = []
    first = 0
    for start, end in days:
        begin, finish = max(start * 1000, since), min(end * 1000, until)
        if begin >= finish:
            continue
        while first < len(runs) and runs[first].end <= begin:
            first += 1
        after = first
        while after < len(runs) and runs[after].start < finish:
            after += 1
        found.append((start, *total(runs[first:after], begin, finish)))
    return tuple(found)
