"""CDEvents, as they stand in files: the envelope, and what each type of event means to the metrics.

Read after the specification 0.4.1 and 0.5 (https://cdevents.dev, Apache-2.0) and its conformance files: `context`
names the version of the specification in `version` up to 0.4 and in `specversion` from 0.5 on; the type carries the
version of its own schema. Later minor versions only add fields, so they are read; another major version is refused.
The CloudEvents binding wraps the same body into `data` (https://cloudevents.io, specification 1.0.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sp404audit.dora.sources.files.problems import RecordError
from sp404audit.dora.sources.files.values import MAX_TEXT, moment, shown, text
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["CDEvent", "is_cdevent", "is_cloudevent", "read_cdevent", "unwrap"]

_NUMBER = r"([0-9]{1,4})\.[0-9]{1,4}(?:\.[0-9]{1,4})?(?:-[0-9A-Za-z.-]{1,20})?"
_VERSION = regex(_NUMBER)
_TYPE = regex(rf"dev\.cdevents\.([a-z]{{1,40}})\.([a-z]{{1,40}})(?:\.{_NUMBER})?")
_CUSTOM_PREFIX = "dev.cdeventsx."
_MAX_PACKED = 1024 * 1024


class CDEvent(NamedTuple):
    """One event.

    Attributes:
        subject_kind, predicate: of its type: `service`, `deployed`.
        id, source: its context's; together they are unique.
        at: when it happened.
        chain: what links events of one pipeline; empty when there is none.
        targets: ids of events that its links point to.
        subject_id, subject_source: of what it is about; the subject's source is the context's when it has none.
        content: of the subject.
        custom: `customData`, when it is an object.
    """

    subject_kind: str
    predicate: str
    id: str
    source: str
    at: int
    chain: str
    targets: tuple[str, ...]
    subject_id: str
    subject_source: str
    content: Mapping[str, Any]
    custom: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The type without its version: `service.deployed`."""
        return f"{self.subject_kind}.{self.predicate}"

    def part(self, *keys: str) -> str:
        """A text inside the content, such as `environment`, `id`; empty when it is not there."""
        value: Any = self.content
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value.strip()[:MAX_TEXT] if isinstance(value, str) else ""


def is_cloudevent(record: Mapping[str, Any]) -> bool:
    """Whether a record is an envelope of CloudEvents."""
    return isinstance(record.get("specversion"), str) and isinstance(record.get("type"), str)


def is_cdevent(record: Mapping[str, Any]) -> bool:
    """Whether a record is the body of a CDEvent."""
    return isinstance(record.get("context"), Mapping) and isinstance(record.get("subject"), Mapping)


def unwrap(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body in the envelope of a CloudEvent: an object, or one in text or in base64.

    Raises:
        RecordError: for another major version, or when there is no such body.
    """
    version = record["specversion"]
    if not version.startswith("1."):
        raise RecordError(f"specversion: CloudEvents {shown(version)} is not known here; 1.x is", "events/version")
    body = record.get("data")
    if body is None and isinstance(record.get("data_base64"), str):
        body = _from_base64(record["data_base64"])
    if isinstance(body, str):
        body = _from_json(body)
    if not isinstance(body, Mapping):
        raise RecordError("data: a CloudEvent needs a JSON object here (or in data_base64)")
    return body


def _from_base64(packed: str) -> str:
    import base64
    import binascii

    if len(packed) > _MAX_PACKED:
        raise RecordError(f"data_base64: longer than {_MAX_PACKED:,} characters")
    try:
        return base64.b64decode(packed, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise RecordError("data_base64: no UTF-8 text in base64") from None


def _from_json(written: str) -> object:
    import json

    if len(written) > _MAX_PACKED:
        raise RecordError(f"data: longer than {_MAX_PACKED:,} characters")
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        raise RecordError("data: no JSON") from None


def read_cdevent(record: Mapping[str, Any]) -> CDEvent | None:
    """Read the body of a CDEvent; None for a custom type (`dev.cdeventsx.…`), which means nothing here.

    Raises:
        RecordError: for what the specification requires and the record lacks, or a major version that is not known.
    """
    context, subject = record["context"], record["subject"]
    written = context.get("type")
    if isinstance(written, str) and written.startswith(_CUSTOM_PREFIX):
        return None
    subject_kind, predicate = _type(written)
    _check_version(context)
    custom = record.get("customData")
    content = subject.get("content")
    source = _required(context, "source", "context.source")
    return CDEvent(
        subject_kind,
        predicate,
        _required(context, "id", "context.id"),
        source,
        moment(context.get("timestamp"), "context.timestamp"),
        _optional(context, "chainId"),
        _targets(context.get("links")),
        _required(subject, "id", "subject.id"),
        _optional(subject, "source") or source,
        content if isinstance(content, Mapping) else {},
        custom if isinstance(custom, Mapping) else {},
    )


def _type(written: object) -> tuple[str, str]:
    match = _TYPE.fullmatch(written) if isinstance(written, str) else None
    if match is None:
        raise RecordError(
            f"context.type: {shown(written)} is no type of CDEvents, as dev.cdevents.service.deployed.0.2.0"
        )
    if match[3] not in (None, "0"):
        raise RecordError(
            f"context.type: {written}: major version {match[3]} of this type is not known here; emit 0.x",
            "events/version",
        )
    return match[1], match[2]


def _check_version(context: Mapping[str, Any]) -> None:
    """Let every 0.x pass, and a draft without a number; later major versions may mean something else."""
    written = context.get("specversion", context.get("version", "draft"))
    if written == "draft":
        return
    match = _VERSION.fullmatch(written) if isinstance(written, str) else None
    if match is None or match[1] != "0":
        raise RecordError(f"context.version: CDEvents {shown(written)} is not known here; 0.x is", "events/version")


def _required(owner: Mapping[str, Any], key: str, name: str) -> str:
    value = owner.get(key)
    if value is None or value == "":
        raise RecordError(f"{name} is missing")
    return text(value, name)


def _optional(owner: Mapping[str, Any], key: str) -> str:
    value = owner.get(key)
    return value.strip()[:MAX_TEXT] if isinstance(value, str) else ""


def _targets(links: object) -> tuple[str, ...]:
    """Ids of the events that relations point to; paths and ends only say how events of a chain follow on each other."""
    found = []
    for link in links[:100] if isinstance(links, list) else []:
        target = link.get("target") if isinstance(link, Mapping) else None
        name = target.get("contextId") if isinstance(target, Mapping) else None
        if isinstance(name, str) and len(name) <= MAX_TEXT:
            found.append(name)
    return tuple(found)
