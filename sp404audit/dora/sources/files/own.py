"""Our own simple form of events: a JSON object or a row of a table, with the fields of the event and no more.

The fields, and what each may hold, stand in `schema/events-1.json` too; a test keeps the two alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sp404audit.dora.events import Build, Change, Deployment, Incident
from sp404audit.dora.sources.files.problems import Place, Problems, RecordError
from sp404audit.dora.sources.files.values import (
    boolean,
    commit,
    count,
    full_commit,
    http_url,
    moment,
    outcome,
    shown,
    text,
    words,
)
from sp404audit.records import NamedTuple

__all__ = ["COLLECTIONS", "KINDS", "SOURCE", "Event", "Kind", "kind_of", "read_record"]

Event = Deployment | Incident | Build | Change

SOURCE = "events"
"""The name of this source in events and reports."""


class Kind(NamedTuple):
    """A kind of record.

    Attributes:
        fields: how the value of each key is read.
        required: keys without which a record means nothing.
        marks: keys that only this kind has: a record without `kind` is told by them.
    """

    fields: Mapping[str, Callable[[Any, str], Any]]
    required: tuple[str, ...]
    marks: tuple[str, ...]


_ANY = {"kind": text, "id": text, "url": http_url}

KINDS: Mapping[str, Kind] = {
    "deployment": Kind(
        {
            **_ANY,
            "finished_at": moment,
            "outcome": outcome,
            "sha": commit,
            "version": text,
            "environment": text,
            "service": text,
            "production": boolean,
            "prerelease": boolean,
            "rollback": boolean,
            "unplanned": boolean,
            "failed_at": moment,
            "remedies": text,
        },
        ("finished_at",),
        ("finished_at",),
    ),
    "incident": Kind(
        {
            **_ANY,
            "opened_at": moment,
            "resolved_at": moment,
            "caused_by": words,
            "severity": text,
            "service": text,
            "environment": text,
            "title": text,
        },
        ("opened_at",),
        ("opened_at",),
    ),
    "build": Kind(
        {
            **_ANY,
            "queued_at": moment,
            "started_at": moment,
            "finished_at": moment,
            "outcome": outcome,
            "workflow": text,
            "branch": text,
            "sha": commit,
            "attempt": count,
        },
        ("started_at", "finished_at"),
        ("started_at",),
    ),
    "change": Kind(
        {
            "kind": text,
            "sha": commit,
            "authored_at": moment,
            "committed_at": moment,
            "author": text,
            "is_bot": boolean,
            "merged_at": moment,
            "first_commit_at": moment,
            "pull_request": count,
            "labels": words,
        },
        ("sha", "committed_at"),
        ("committed_at",),
    ),
}
"""Every kind of record by its name."""

COLLECTIONS = {f"{kind}s": kind for kind in KINDS}
"""Keys of a JSON object that holds records in lists: `{"deployments": […], "incidents": […]}`."""


def kind_of(record: Mapping[str, Any], expected: str = "") -> str:
    """What kind of record this is: by `kind`, else by what surrounds it, else by the keys that only one kind has.

    Raises:
        RecordError: when it is none, or none can be told.
    """
    named = record.get("kind")
    if named not in (None, ""):
        if not isinstance(named, str) or named not in KINDS:
            raise RecordError(f"kind: {shown(named)} is none of {', '.join(KINDS)}")
        return named
    if expected:
        return expected
    for kind in ("incident", "change", "build", "deployment"):  # a build has a finished_at too
        if any(record.get(mark) not in (None, "") for mark in KINDS[kind].marks):
            return kind
    raise RecordError(f"no kind; write kind: {', '.join(KINDS)}, and its times")


def read_record(record: Mapping[str, Any], kind: str, place: Place, problems: Problems) -> Event:
    """Turn a record into an event; a key that it may not have is remarked upon.

    Raises:
        RecordError: for a value that cannot be used or a key that is missing.
    """
    known = KINDS[kind]
    values: dict[str, Any] = {}
    for key, value in record.items():
        reader = known.fields.get(key)
        if reader is None:
            problems.remark("events/unknown-key", _unknown(str(key), kind, place.path))
        elif value is not None and value != "":
            values[key] = reader(value, key)
    values.pop("kind", None)
    for key in known.required:
        if key not in values:
            raise RecordError(f"a {kind} needs {key}")
    return _MAKERS[kind](values)


def _unknown(key: str, kind: str, path: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key[:40], list(KINDS[kind].fields), 1, 0.7)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{path}: {shown(key)} is no key of a {kind} and was not used ({{n}} times){hint}"


def _deployment(values: dict[str, Any]) -> Deployment:
    if values.get("failed_at", values["finished_at"]) < values["finished_at"]:
        raise RecordError("failed_at lies before finished_at; an attempt that never went live has outcome: failure")
    values["id"] = _name("deployment", values)
    return Deployment(source=SOURCE, basis="event", **values)


def _incident(values: dict[str, Any]) -> Incident:
    if values.get("resolved_at", values["opened_at"]) < values["opened_at"]:
        raise RecordError("resolved_at lies before opened_at")
    values["id"] = _name("incident", values)
    return Incident(source=SOURCE, **values)


def _build(values: dict[str, Any]) -> Build:
    if values["finished_at"] < values["started_at"]:
        raise RecordError("finished_at lies before started_at")
    if values.get("queued_at", 0) > values["started_at"]:
        raise RecordError("queued_at lies after started_at")
    values["id"] = _name("build", values)
    return Build(source=SOURCE, **values)


def _change(values: dict[str, Any]) -> Change:
    if not full_commit(values["sha"]):
        raise RecordError(f"sha: {shown(values['sha'])} is no whole id of a commit; write its 40 hexadecimal digits")
    values.setdefault("authored_at", values["committed_at"])
    return Change(**values)


_MAKERS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "deployment": _deployment,
    "incident": _incident,
    "build": _build,
    "change": _change,
}


def _name(kind: str, values: Mapping[str, Any]) -> str:
    """The event's id: its own, or one made of all that it says, so that the same record twice is one event."""
    own = values.get("id")
    if own:
        return f"{SOURCE}:{kind}:{own}"
    import hashlib

    told = repr(sorted((key, value) for key, value in values.items() if key != "id"))
    return f"{SOURCE}:{kind}:{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
