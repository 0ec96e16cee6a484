"""PagerDuty's version 3 webhooks, as they stand in files: `{"event": {"event_type": "incident.triggered", …}}`.

Only what opens and what resolves an incident is used; acknowledgements, notes, escalations say nothing about its
length (https://developer.pagerduty.com/docs/webhooks-overview, payload version 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sp404audit.dora.events import Incident
from sp404audit.dora.sources.files.own import SOURCE
from sp404audit.dora.sources.files.problems import Place, RecordError
from sp404audit.dora.sources.files.spells import Signal
from sp404audit.dora.sources.files.values import http_url, moment, text

__all__ = ["body_of", "read_signal"]

_OPENS = ("incident.triggered", "incident.reopened")
_RESOLVED = "incident.resolved"
_LINKS = ("caused_by", "caused by", "deployment", "commit", "sha", "version", "release")
"""Names of custom fields whose value says which deployment caused the incident."""


def body_of(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The event in a record, with or without the envelope; None when this is no event of PagerDuty's."""
    body = record.get("event", record)
    if isinstance(body, Mapping) and isinstance(body.get("event_type"), str) and isinstance(body.get("data"), Mapping):
        return body
    return None


def read_signal(body: Mapping[str, Any], place: Place) -> Signal | None:
    """What an event says about an incident; None for an event that is not used.

    Raises:
        RecordError: when the id of the incident or the time is missing or cannot be read.
    """
    kind, data = body["event_type"], body["data"]
    if kind not in _OPENS and kind != _RESOLVED:
        return None
    if not data.get("id"):
        raise RecordError("event.data.id is missing: it is what joins the events of an incident")
    name = text(data["id"], "event.data.id")
    incident = Incident(
        f"{SOURCE}:incident:{name}",
        SOURCE,
        0,
        caused_by=_causes(data.get("custom_fields")),
        severity=_summary(data, "priority") or _text(data, "urgency"),
        service=_summary(data, "service"),
        title=_text(data, "title"),
        url=http_url(_text(data, "html_url"), "event.data.html_url"),
    )
    at = moment(body.get("occurred_at"), "event.occurred_at")
    began = moment(data["created_at"], "event.data.created_at") if data.get("created_at") else None
    return Signal(name, at, "resolved" if kind == _RESOLVED else "open", incident, place, began)


def _causes(fields: object) -> tuple[str, ...]:
    """Custom fields come as a list of names with values."""
    given = [field for field in fields[:100] if isinstance(field, Mapping)] if isinstance(fields, list) else []
    values = [_text(field, "value") for field in given if _text(field, "name").lower() in _LINKS]
    return tuple(dict.fromkeys(value for value in values if value))


def _summary(data: Mapping[str, Any], key: str) -> str:
    owner = data.get(key)
    return _text(owner, "summary") if isinstance(owner, Mapping) else ""


def _text(owner: Mapping[str, Any], key: str) -> str:
    value = owner.get(key)
    return text(value, key) if isinstance(value, str) else ""
