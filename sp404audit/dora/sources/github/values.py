"""Values of GitHub's answers, taken for what they are: any of them may be missing, null, or of another type.

A mistake in one record costs that record, or that field of it, never the others.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from sp404audit.lazy import regex

__all__ = ["commit", "entry", "iso", "labels", "moment", "records", "text", "whole"]

_MAX_TEXT = 1024
_MAX_LABELS = 100
_MAX_NUMBER = 2**63

# What the API writes: RFC 3339 in UTC. Some fields (a commit's times) may hold another offset, or fractions.
_MOMENT = regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})")
_COMMIT = regex(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def moment(record: Mapping[str, Any], key: str) -> int | None:
    """The whole second of a time; None when there is none that can be read, or one before 1970."""
    value = record.get(key)
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        seconds = datetime.datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError):
        return None
    return int(seconds) if seconds >= 0 else None


def iso(seconds: int) -> str:
    """A moment as the API wants it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text(record: Mapping[str, Any], key: str, limit: int = _MAX_TEXT) -> str:
    """A text, cut to a bearable length; empty when there is none."""
    value = record.get(key)
    return value[:limit] if isinstance(value, str) else ""


def whole(record: Mapping[str, Any], key: str) -> int | None:
    """A number that is not negative; None when there is none."""
    value = record.get(key)
    return value if type(value) is int and 0 <= value < _MAX_NUMBER else None


def commit(record: Mapping[str, Any], key: str) -> str:
    """The full id of a commit; empty when there is none."""
    value = text(record, key)
    return value if _COMMIT.fullmatch(value) else ""


def entry(record: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """What lies below these keys, each an object; an empty one when any is missing."""
    for key in keys:
        inner = record.get(key)
        if not isinstance(inner, dict):
            return {}
        record = inner
    return record


def labels(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of labels, which the API gives as objects or as plain text."""
    given = record.get("labels")
    named = (
        each.get("name") if isinstance(each, dict) else each for each in (given if isinstance(given, list) else ())
    )
    return tuple(each[:_MAX_TEXT] for each in named if isinstance(each, str) and each)[:_MAX_LABELS]


def records(data: object, key: str = "") -> tuple[list[Mapping[str, Any]], int]:
    """The objects of a list, which is the answer itself or lies below a key of it; and how many others it holds."""
    found = data.get(key) if key and isinstance(data, dict) else data
    items: Iterable[Any] = found if isinstance(found, list) else ()
    kept: list[Mapping[str, Any]] = [each for each in items if isinstance(each, dict)]
    return kept, len(found) - len(kept) if isinstance(found, list) else 1
