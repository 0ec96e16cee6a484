"""What was accepted: by which comment or waiver, why, by whom, until when, and what it covers."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import line, shortened, visible
from sp404audit.reports.html.texts import Place, Places
from sp404audit.reports.summary import number
from sp404audit.results import Result

if TYPE_CHECKING:
    from sp404audit.outcome import Audit
    from sp404audit.policy.model import Waiver

__all__ = ["Accepted", "Expiry", "accepted", "expiry"]

_PLACES = 4
_ROWS = 500
SOON = 14
"""From how many days before its end on an acceptance is pointed out: two weeks leave time to plan the work."""


class Expiry(NamedTuple):
    """When an acceptance ends. `tone` is `over`, `soon` or empty; `left` is empty where no day is known."""

    until: str
    left: str
    tone: str


class Accepted(NamedTuple):
    """An acceptance: a comment in the source, or a waiver in the policy, and the results it covers."""

    kind: str
    rules: tuple[str, ...]
    where: Place
    reason: str
    owner: str
    expiry: Expiry
    covers: str
    places: tuple[Place, ...]
    more: int


class _Key(NamedTuple):
    kind: str
    place: Place
    reason: str
    owner: str
    until: str


def accepted(audit: Audit, places: Places) -> tuple[list[Accepted], int]:
    """List acceptances, those that end first at the top, waivers that cover nothing too.

    Returns:
        As many as a page bears, and how many there are beyond.
    """
    waivers = {
        _Key("waiver", places(each.location), line(each.reason), line(each.owner), each.until.isoformat()): each
        for each in audit.policy.waivers
    }
    covered: dict[_Key, list[Result]] = {key: [] for key in waivers}
    for result in audit.results:
        if (found := result.suppression) is not None:
            kind = "comment" if found.kind == "inSource" else "waiver"
            place = places(found.location or result.location)
            key = _Key(kind, place, line(found.justification), line(found.owner), line(found.until))
            covered.setdefault(key, []).append(result)
    rows = [
        _row(key, waivers.get(key), results, audit.today, places)
        for key, results in sorted(covered.items(), key=lambda item: (item[0].until or "9", item[0]))
    ]
    return rows[:_ROWS], max(0, len(rows) - _ROWS)


def _row(
    key: _Key, waiver: Waiver | None, results: Sequence[Result], today: datetime.date | None, places: Places
) -> Accepted:
    rules = {result.rule_id for result in results} | ({waiver.rule_id} if waiver else set())
    seen = list(dict.fromkeys(places(result.location) for result in results))
    count = sum(result.count for result in results)
    ends = expiry(key.until, today)
    nothing = "nothing, it has run out" if ends.tone == "over" else "nothing that failed"
    return Accepted(
        kind=key.kind,
        rules=tuple(sorted(rules)),
        where=Place(shortened(visible(", ".join(waiver.paths)))) if waiver else key.place,
        reason=key.reason,
        owner=key.owner,
        expiry=ends,
        covers=number(count, "result") if count else nothing,
        places=tuple(seen[:_PLACES]),
        more=max(0, len(seen) - _PLACES),
    )


def expiry(until: str, today: datetime.date | None) -> Expiry:
    """Tell how long an acceptance still holds; its last day is one on which it holds."""
    if not until:
        return Expiry("no end", "", "")
    try:
        end = datetime.date.fromisoformat(until)
    except ValueError:
        return Expiry(shortened(until, 40), "", "")
    if today is None:
        return Expiry(end.isoformat(), "", "")
    days = (end - today).days
    if days < 0:
        return Expiry(end.isoformat(), f"ran out {number(-days, 'day')} ago", "over")
    left = f"{number(days, 'day')} left" if days else "last day"
    return Expiry(end.isoformat(), left, "soon" if days <= SOON else "")
