"""What was accepted: by which comment or waiver, why, by whom, until when, and what it covers."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import shortened, visible
from sp404audit.reports.html.texts import message, number, place
from sp404audit.results import Location, Result

if TYPE_CHECKING:
    from sp404audit.outcome import Audit

__all__ = ["Accepted", "Expiry", "accepted", "expiry"]

_PLACES = 6
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
    where: str
    reason: str
    owner: str
    expiry: Expiry
    covers: str
    places: tuple[str, ...]
    more: int


class _Key(NamedTuple):
    kind: str
    place: str
    reason: str
    owner: str
    until: str


def accepted(audit: Audit) -> tuple[list[Accepted], int]:
    """List acceptances, those that end first at the top, waivers that cover nothing too.

    Returns:
        As many as a page bears, and how many there are beyond.
    """
    covered: dict[_Key, list[Result]] = {}
    for waiver in audit.policy.waivers:
        covered[_key("waiver", waiver.location, waiver.reason, waiver.owner, waiver.until.isoformat())] = []
    for result in audit.results:
        if (found := result.suppression) is not None:
            kind = "comment" if found.kind == "inSource" else "waiver"
            key = _key(kind, found.location or result.location, found.justification, found.owner, found.until)
            covered.setdefault(key, []).append(result)
    waived = {
        _key("waiver", each.location, each.reason, each.owner, each.until.isoformat()): each
        for each in audit.policy.waivers
    }
    rows = []
    for key, results in sorted(covered.items(), key=lambda item: (item[0].until or "9", item[0])):
        waiver = waived.get(key)
        rules = {result.rule_id for result in results} | ({waiver.rule_id} if waiver else set())
        where = ", ".join(waiver.paths) if waiver else ""
        rows.append(_row(key, sorted(rules), where, results, audit.today))
    return rows[:_ROWS], max(0, len(rows) - _ROWS)


def _key(kind: str, location: Location, reason: str, owner: str, until: str) -> _Key:
    return _Key(kind, place(location), message(reason), owner, until)


def _row(key: _Key, rules: Sequence[str], where: str, results: Sequence[Result], today: datetime.date | None) -> Accepted:
    places = list(dict.fromkeys(place(result.location) for result in results))
    count = sum(result.count for result in results)
    return Accepted(
        kind=key.kind,
        rules=tuple(rules),
        where=shortened(visible(where)) or key.place,
        reason=key.reason,
        owner=shortened(key.owner),
        expiry=expiry(key.until, today),
        covers=number(count, "result") if count else "nothing now",
        places=tuple(places[:_PLACES]),
        more=max(0, len(places) - _PLACES),
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
