"""What was not assessed, and why: the part of the page that keeps the rest honest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import shortened
from sp404audit.reports.html.texts import message, place
from sp404audit.reports.notifications import meaning
from sp404audit.results import WHOLE_FILE, Level, Location, Notification

if TYPE_CHECKING:
    from sp404audit.outcome import Audit
    from sp404audit.results import EngineRun

__all__ = ["Gap", "gaps", "missing_engines"]

_OF_AN_ID = 50


class Gap(NamedTuple):
    """Notifications of one id and level: what it means, and where it happened, each with its message."""

    level: Level
    id: str
    meaning: str
    items: tuple[tuple[str, str], ...]
    more: int


def gaps(audit: Audit) -> list[Gap]:
    """Group what was not audited, what made the audit incomplete first."""
    grouped: dict[tuple[Level, str], list[Notification]] = {}
    for notification in audit.notifications:
        grouped.setdefault((notification.level, notification.id), []).append(notification)
    order: list[Level] = ["error", "warning", "note"]
    return [
        Gap(
            level,
            shortened(identifier),
            meaning(identifier),
            tuple((_where(each), message(each.message)) for each in notifications[:_OF_AN_ID]),
            max(0, len(notifications) - _OF_AN_ID),
        )
        for (level, identifier), notifications in sorted(
            grouped.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    ]


def _where(notification: Notification) -> str:
    where = place(Location(notification.path, notification.region or WHOLE_FILE)) if notification.path else ""
    return ", ".join(filter(None, (where, notification.rule_id)))


def missing_engines(audit: Audit) -> list[EngineRun]:
    """The engines that were needed and are not installed."""
    return [engine for engine in audit.engines if engine.missing]
