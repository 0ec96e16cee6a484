"""What was not assessed, and why: the part of the page that keeps the rest honest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import line
from sp404audit.reports.html.texts import Place, Places
from sp404audit.reports.notifications import meaning
from sp404audit.results import WHOLE_FILE, Level, Location, Notification

if TYPE_CHECKING:
    from sp404audit.outcome import Audit
    from sp404audit.results import EngineRun

__all__ = ["Gap", "GapItem", "gaps", "missing_engines"]

_OF_AN_ID = 50


class GapItem(NamedTuple):
    """One place where something was not audited, and what was said of it."""

    place: Place | None
    rule_id: str
    message: str


class Gap(NamedTuple):
    """Notifications of one id and level: what it means, and where it happened, each with its message."""

    level: Level
    id: str
    meaning: str
    items: tuple[GapItem, ...]
    more: int


def gaps(audit: Audit, places: Places) -> list[Gap]:
    """Group what was not audited, what made the audit incomplete first."""
    grouped: dict[tuple[Level, str], list[Notification]] = {}
    for notification in audit.notifications:
        grouped.setdefault((notification.level, notification.id), []).append(notification)
    order: list[Level] = ["error", "warning", "note"]
    return [
        Gap(
            level,
            line(identifier),
            meaning(identifier),
            tuple(_item(each, places) for each in notifications[:_OF_AN_ID]),
            max(0, len(notifications) - _OF_AN_ID),
        )
        for (level, identifier), notifications in sorted(
            grouped.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    ]


def _item(notification: Notification, places: Places) -> GapItem:
    where = Location(notification.path, notification.region or WHOLE_FILE)
    return GapItem(places(where) if notification.path else None, notification.rule_id, line(notification.message))


def missing_engines(audit: Audit) -> list[EngineRun]:
    """The engines that were needed and are not installed."""
    return [engine for engine in audit.engines if engine.missing]
