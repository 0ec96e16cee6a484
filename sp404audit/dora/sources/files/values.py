"""Values of event records as people and programs write them: times, yes and no, lists, outcomes, commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.dora.sources.files.problems import RecordError
from sp404audit.lazy import regex

if TYPE_CHECKING:
    from sp404audit.dora.events import Outcome

__all__ = [
    "MAX_TEXT",
    "boolean",
    "commit",
    "count",
    "full_commit",
    "http_url",
    "moment",
    "outcome",
    "shown",
    "text",
    "words",
]

MAX_TEXT = 4096
"""The longest text of one field, in characters."""

_LATEST = 4_102_444_800
"""2100-01-01T00:00Z; a larger number is no time in seconds."""

# RFC 3339, section 5.6; a blank may stand for the T, as its note allows.
_RFC_3339 = regex(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,12})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_SECONDS = regex(r"[0-9]{1,15}(?:\.[0-9]{1,12})?")
_COMMIT = regex(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_COMMIT = regex(r"[0-9a-f]{7,64}")

_OUTCOMES: dict[str, Outcome] = {
    "success": "success",
    "succeeded": "success",
    "failure": "failure",
    "failed": "failure",
    "error": "failure",
    "cancel": "cancelled",
    "canceled": "cancelled",
    "cancelled": "cancelled",
    "running": "running",
    "in_progress": "running",
    "unknown": "unknown",
}


def moment(value: object, key: str) -> int:
    """The whole second of a time: RFC 3339 with an offset, or seconds since 1970.

    Raises:
        RecordError: for anything else, a time without an offset, or one outside of 1970 to 2099.
    """
    if isinstance(value, str):
        value = value.strip()
        if _SECONDS.fullmatch(value):
            value = float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _epoch(value, key)
    if isinstance(value, str) and (match := _RFC_3339.fullmatch(value)):
        return _rfc_3339(*match.groups(), key=key)
    raise _no_time(value, key)


def _epoch(value: float, key: str) -> int:
    if 0 <= value < _LATEST:
        return int(value)
    if _LATEST <= value < _LATEST * 1000:
        raise RecordError(f"{key}: {value:.0f} is no time in seconds; it reads as milliseconds: divide by 1000")
    raise _no_time(value, key)


def _rfc_3339(
    year: str, month: str, day: str, hour: str, minute: str, second: str, offset: str | None, *, key: str
) -> int:
    import datetime

    written = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
    if offset is None:
        raise RecordError(f"{key}: {written} has no offset; write {written}Z, or +01:00 after it, whichever is meant")
    shift = 0
    if offset not in "Zz":
        hours, minutes = int(offset[1:3]), int(offset[4:6])
        if hours > 23 or minutes > 59:
            raise _no_time(written + offset, key)
        shift = (hours * 60 + minutes) * (-60 if offset[0] == "-" else 60)
    leap = second == "60"  # a leap second counts as the one before it
    try:
        local = datetime.datetime(
            int(year), int(month), int(day), int(hour), int(minute), 59 if leap else int(second), tzinfo=datetime.UTC
        )
    except ValueError:
        raise _no_time(written + offset, key) from None
    seconds = int(local.timestamp()) - shift
    if not 0 <= seconds < _LATEST:
        raise RecordError(f"{key}: {written}{offset} lies outside of the years 1970 to 2099")
    return seconds


def _no_time(value: object, key: str) -> RecordError:
    return RecordError(f"{key}: {shown(value)} is no time; write 2026-01-31T09:00:00Z or seconds since 1970")


def shown(value: object) -> str:
    """A value for a message: short, on one line, however long or deep it is."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a mapping"
    plain = repr(value[:61] if isinstance(value, str) else value)
    return plain if len(plain) <= 60 else plain[:60] + "…"


def text(value: object, key: str) -> str:
    """A text of bounded length; a number is written out.

    Raises:
        RecordError: for a list, a mapping, yes or no, or a text that is too long.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise RecordError(f"{key}: {shown(value)} is no text")
    if len(value) > MAX_TEXT:
        raise RecordError(f"{key}: longer than {MAX_TEXT:,} characters")
    return value.strip()


def boolean(value: object, key: str) -> bool:
    """Yes or no: true and false, also as a word or as 1 and 0.

    Raises:
        RecordError: for anything else.
    """
    plain = value.strip().lower() if isinstance(value, str) else value
    if plain in (True, "true", "yes", "1"):
        return True
    if plain in (False, "false", "no", "0"):
        return False
    raise RecordError(f"{key}: {shown(value)} is neither true nor false")


def words(value: object, key: str) -> tuple[str, ...]:
    """A list of texts; one text is split at `;` (a cell of a table cannot hold a list).

    Raises:
        RecordError: for anything else, or more than 100 of them.
    """
    items = value.split(";") if isinstance(value, str) else value
    if not isinstance(items, list) or len(items) > 100:
        raise RecordError(f"{key}: {shown(value)} is no list of at most 100 texts")
    return tuple(dict.fromkeys(item for item in (text(each, key) for each in items) if item))


def outcome(value: object, key: str) -> Outcome:
    """How an attempt ended, in our words or another tool's.

    Raises:
        RecordError: for a word that none of them uses.
    """
    plain = value.strip().lower() if isinstance(value, str) else ""
    if plain not in _OUTCOMES:
        raise RecordError(f"{key}: {shown(value)} is no outcome; write success, failure, cancelled, running or unknown")
    return _OUTCOMES[plain]


def commit(value: object, key: str) -> str:
    """The id of a commit, whole or at least 7 digits of it.

    Raises:
        RecordError: for anything else.
    """
    plain = text(value, key).lower()
    if not _SHORT_COMMIT.fullmatch(plain):
        raise RecordError(f"{key}: {shown(value)} is no commit; write its 40 hexadecimal digits")
    return plain


def full_commit(value: object) -> str:
    """The value when it is the full id of a commit, else an empty text."""
    plain = value.strip().lower() if isinstance(value, str) and len(value) <= 80 else ""
    return plain if _COMMIT.fullmatch(plain) else ""


def http_url(value: object, key: str) -> str:
    """An address that a report may link to; one that is not http or https is dropped.

    Raises:
        RecordError: when it is no text.
    """
    plain = text(value, key)
    return plain if plain.lower().startswith(("https://", "http://")) else ""


def count(value: object, key: str) -> int:
    """A whole number from 1 to 999,999,999, also as a text.

    Raises:
        RecordError: for anything else.
    """
    plain = value.strip() if isinstance(value, str) else value
    if isinstance(plain, str) and plain.isascii() and plain.isdigit() and len(plain) <= 9:
        plain = int(plain)
    if not isinstance(plain, int) or isinstance(plain, bool) or not 0 < plain < 1_000_000_000:
        raise RecordError(f"{key}: {shown(value)} is no number from 1 on")
    return plain
