"""Incidents from signals: something opened, something was resolved, and it may open again under the same id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from sp404audit.dora.events import Incident
from sp404audit.dora.sources.files.problems import Place, Problems
from sp404audit.records import NamedTuple

__all__ = ["Sign", "Signal", "completed", "incidents_of"]


MAX_CAUSES = 100
"""How many causes of one incident are kept."""

Sign = Literal["open", "resolved"]


class Signal(NamedTuple):
    """One message about an incident.

    Attributes:
        key: what messages about the same incident have in common.
        at: when it happened.
        sign: what it says.
        incident: what it tells of the incident; times and id are put in from all messages together.
        place: where it stands.
        began_at: when the message says that the incident began; None when it does not.
        artifact_of: the deployment that brought what the message says is at fault. Only the first message's counts, and
            only when none names a cause outright: the same artifact may be deployed again while the incident lasts.
    """

    key: str
    at: int
    sign: Sign
    incident: Incident
    place: Place
    began_at: int | None = None
    artifact_of: str = ""


def incidents_of(signals: Iterable[Signal], problems: Problems) -> list[Incident]:
    """Put the messages about each incident together.

    The first message opens it, later ones while it is open add what they know, `resolved` ends it, and a message
    after that opens it again: each stretch is an incident of its own, from the second on with `#2` … after its id. A
    `resolved` that nothing opened counts from when it says that the incident began; it is told when it says nothing.
    """
    by_key: dict[str, list[Signal]] = {}
    for signal in signals:
        by_key.setdefault(signal.key, []).append(signal)
    found = []
    for _, told in sorted(by_key.items()):
        # At the same second, what opens comes before what ends.
        told.sort(key=lambda each: (each.at, each.sign == "resolved", each.incident))
        found += _stretches(told, problems)
    return found


def _stretches(told: list[Signal], problems: Problems) -> list[Incident]:
    stretches: list[Incident] = []
    running: Incident | None = None
    artifact_of = ""
    for signal in told:
        if running is None:
            artifact_of = ""
        artifact_of = artifact_of or signal.artifact_of
        if running is None and signal.sign == "resolved":
            if stretches:
                continue  # resolved once more: nothing new
            if signal.began_at is None or signal.began_at > signal.at:
                message = f"incident {signal.key} is resolved here and opened nowhere; add the event that opened it"
                problems.lost(signal.place, "events/incident", message)
                continue
            running = signal.incident._replace(opened_at=signal.began_at)
        elif running is None:
            running = signal.incident._replace(opened_at=signal.at)
        else:
            running = completed(running, signal.incident)
        if signal.sign == "resolved":
            stretches.append(_caused(running._replace(resolved_at=signal.at), artifact_of))
            running = None
    if running is not None:
        stretches.append(_caused(running, artifact_of))
    return [
        stretch if number == 1 else stretch._replace(id=f"{stretch.id}#{number}")
        for number, stretch in enumerate(stretches, 1)
    ]


def _caused(incident: Incident, artifact_of: str) -> Incident:
    return incident._replace(caused_by=(artifact_of,)) if artifact_of and not incident.caused_by else incident


def completed(kept: Incident, other: Incident) -> Incident:
    """What is known of an incident, with what another message adds; times and id stay."""
    return kept._replace(
        caused_by=tuple(dict.fromkeys((*kept.caused_by, *other.caused_by)))[:MAX_CAUSES],
        severity=kept.severity or other.severity,
        service=kept.service or other.service,
        environment=kept.environment or other.environment,
        title=kept.title or other.title,
        url=kept.url or other.url,
    )
