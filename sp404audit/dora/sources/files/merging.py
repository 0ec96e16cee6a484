"""The same event told twice is one event, whatever the order in which it is told."""

from __future__ import annotations

from collections.abc import Iterable

from sp404audit.dora.events import Build, Change, Deployment, Incident
from sp404audit.dora.sources.files.own import Event
from sp404audit.dora.sources.files.problems import Problems
from sp404audit.dora.sources.files.spells import completed

__all__ = ["unique"]


def unique(events: Iterable[Event], problems: Problems) -> list[Event]:
    """Leave one event of each id; a change is known by its commit.

    Incidents of one id are put together, for they are often told when they open and again when they are over. Of
    other events that share an id and differ, the one that ended is used, and of those the latest.

    Args:
        events: in any order.
        problems: takes the remark that events differed.
    """
    told: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        key = event.sha if isinstance(event, Change) else event.id
        told.setdefault((type(event).__name__, key), []).append(event)
    return [each[0] if len(each) == 1 else _one_of(each, problems) for each in told.values()]


def _one_of(same: list[Event], problems: Problems) -> Event:
    incidents = [each for each in same if isinstance(each, Incident)]
    if incidents:
        return _together(sorted(incidents, key=repr))
    if any(each != same[0] for each in same):
        kind = type(same[0]).__name__.lower()
        problems.remark("events/duplicate", f"{{n}} ids of {kind}s stand for records that differ: one of each was used")
    return max(same, key=_lateness)


def _lateness(event: Event) -> tuple[bool, int, str]:
    if isinstance(event, (Deployment, Build)):
        return event.outcome != "running", event.finished_at, repr(event)
    return True, getattr(event, "committed_at", 0), repr(event)


def _together(incidents: list[Incident]) -> Incident:
    one = incidents[0]
    for other in incidents[1:]:
        one = completed(one, other)
    ends = [each.resolved_at for each in incidents if each.resolved_at is not None]
    return one._replace(opened_at=min(each.opened_at for each in incidents), resolved_at=max(ends, default=None))
