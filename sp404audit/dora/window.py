"""The calendar of the metrics report: what people write for a time, and where days and weeks begin."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sp404audit.dora.figures import Window
from sp404audit.lazy import regex

__all__ = ["DEFAULT_DAYS", "Calendar", "WindowError", "parse_moment", "parse_span", "utc", "window"]

DEFAULT_DAYS = 90

_SPAN = regex(r"(\d{1,5})\s*(s|m|min|h|d|w|mo|y)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_629_800, "y": 31_557_600}
_SECONDS_ALONE = regex(r"@([0-9]{1,11})|([0-9]{9,11})")
_WORDS = regex(r"\s*(seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b")


class WindowError(ValueError):
    """A time, span or time zone that means nothing; the text says what to write instead."""


class Calendar:
    """Where days and weeks begin in a time zone; weeks are ISO's and begin on Mondays.

    Args:
        timezone: a name of the IANA database, such as `Europe/Berlin`.

    Raises:
        WindowError: when there is no such zone.
    """

    def __init__(self, timezone: str = "UTC") -> None:
        self.timezone = timezone
        try:
            self._zone: datetime.tzinfo = datetime.UTC if timezone == "UTC" else ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise WindowError(
                f"{timezone!r} is no time zone here; write a name such as Europe/Berlin, or UTC"
            ) from None

    def date(self, seconds: int) -> datetime.date:
        """The day on which a moment falls."""
        return datetime.datetime.fromtimestamp(seconds, self._zone).date()

    def start(self, day: datetime.date) -> int:
        """When a day begins; where the clock skips midnight, the first moment after."""
        return int(datetime.datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp())

    def monday(self, day: datetime.date) -> datetime.date:
        """The first day of the week."""
        return day - datetime.timedelta(days=day.weekday())

    def days(self, window: Window) -> list[tuple[int, int]]:
        """Every day that the window touches, as [start, end); the first and the last may reach beyond it."""
        return self._steps(window, self.date(window.since), 1)

    def weeks(self, window: Window) -> list[tuple[int, int]]:
        """Every week that the window touches, as [start, end); the first and the last may reach beyond it."""
        return self._steps(window, self.monday(self.date(window.since)), 7)

    def _steps(self, window: Window, first: datetime.date, days: int) -> list[tuple[int, int]]:
        step, steps = datetime.timedelta(days=days), []
        start = self.start(first)
        while start < window.until:
            first += step
            end = self.start(first)
            steps.append((start, end))
            start = end
        return steps


def utc(seconds: int) -> str:
    """A moment as reports write it: `2026-01-31T09:00:00Z`."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_span(text: str) -> int | None:
    """The seconds of a span such as `90d`, `12 weeks`, `30m`, `6mo`; None when the text is none.

    A month is a twelfth of a year, a year 365.25 days.
    """
    short = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w", "month": "mo", "year": "y"}
    plain = _WORDS.sub(lambda match: short[match[1].rstrip("s")], text.strip().lower()).strip()
    match = _SPAN.fullmatch(plain)
    return int(match[1]) * _SECONDS[match[2]] if match else None


def parse_moment(text: str, calendar: Calendar, *, before: int | None = None) -> int:
    """The moment that a person means.

    Args:
        text: a date (its beginning in the calendar's zone), a date and time (in that zone unless it has an offset),
            seconds as `@1767225600` or, from nine digits on, bare as in SOURCE_DATE_EPOCH; or, with `before`, a span
            that ends there (`90d`).
        calendar: the zone of times without one.
        before: the moment that spans are counted back from.

    Raises:
        WindowError: when the text is none of these.
    """
    plain = text.strip()
    seconds = _SECONDS_ALONE.fullmatch(plain)
    if seconds:
        return int(seconds[1] or seconds[2])
    span = parse_span(plain) if before is not None else None
    if before is not None and span is not None:
        return before - span
    try:
        moment = datetime.datetime.fromisoformat(plain)
    except ValueError:
        spans = ", or a span such as 90d" if before is not None else ""
        raise WindowError(f"{text!r} is no time; write 2026-01-31 or 2026-01-31T09:00:00Z{spans}") from None
    if moment.tzinfo is None:
        midnight = calendar.start(moment.date())
        if moment.time() == datetime.time():
            return midnight
        moment = moment.replace(tzinfo=ZoneInfo(calendar.timezone))
    return int(moment.timestamp())


def window(since: str | None, until: str | None, as_of: int, calendar: Calendar) -> Window:
    """The window that is asked for: up to `until` (default `as_of`), from `since` (default 90 days before).

    Raises:
        WindowError: when it would be empty or a time cannot be read.
    """
    end = parse_moment(until, calendar, before=as_of) if until else as_of
    start = parse_moment(since, calendar, before=end) if since else end - DEFAULT_DAYS * 86_400
    if start >= end:
        raise WindowError(f"the window is empty: it would begin at {utc(start)} and end at {utc(end)}")
    return Window(start, end, calendar.timezone)
