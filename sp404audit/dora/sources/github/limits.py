"""Reading from an answer that GitHub wants to be left alone, and for how long.

Sources: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api (read 2026-11): a spent
primary limit answers 403 or 429 with `x-ratelimit-remaining: 0`, and ends at `x-ratelimit-reset`; a secondary limit
answers the same with `retry-after`, or with neither, and then a minute is to be waited.
"""

from __future__ import annotations

from sp404audit.dora.sources.http import Answer
from sp404audit.lazy import regex

__all__ = ["pause_after", "server_time"]

_SECONDS_OF_SECONDARY = 60
_NUMBER = regex(r"\s*([0-9]{1,12})\s*")
_REMAINING_NOTHING = regex(r"\s*0{1,12}\s*")
_MAX_MESSAGE = 4096


def pause_after(answer: Answer, now: float) -> float | None:
    """How many seconds to wait before the next question; None when there is no need.

    Args:
        answer: what GitHub answered, whatever its status.
        now: this machine's time, for an answer that tells no time of its own.
    """
    limited = answer.status in (403, 429)
    retry_after = _number(answer.headers.get("retry-after", ""))
    if limited and retry_after is not None:
        return max(1.0, retry_after)
    if _REMAINING_NOTHING.fullmatch(answer.headers.get("x-ratelimit-remaining", "")):
        reset = _number(answer.headers.get("x-ratelimit-reset", ""))
        moment = server_time(answer)
        # The reset is told by the server's clock; a second more, since both times are cut to whole ones.
        return _SECONDS_OF_SECONDARY if reset is None else max(1.0, reset - (now if moment is None else moment) + 1)
    if answer.status == 429 or (limited and _speaks_of_limit(answer.body)):
        return _SECONDS_OF_SECONDARY
    return None


def server_time(answer: Answer) -> int | None:
    """The time by the server's clock, in seconds; None when the answer does not tell it."""
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(answer.headers["date"][:64]).timestamp())
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _number(value: str) -> int | None:
    match = _NUMBER.fullmatch(value)
    return int(match[1]) if match else None


def _speaks_of_limit(body: bytes) -> bool:
    message = body[:_MAX_MESSAGE].lower()
    return b"secondary rate limit" in message or b"abuse detection" in message or b"rate limit exceeded" in message
