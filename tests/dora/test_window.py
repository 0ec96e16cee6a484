"""Windows and calendars: zones, changes of the clock, and what people write for a time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.figures import Window
from sp404audit.dora.window import Calendar, WindowError, parse_moment, parse_span, utc, window

DAY = 86_400
NOON = 1_767_268_800  # 2026-01-01T12:00Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90d", 90 * DAY),
        ("12 weeks", 84 * DAY),
        ("30m", 1800),
        ("30 min", 1800),
        ("6mo", 15_778_800),
        ("1 Year", 31_557_600),
    ],
)
def test_spans(text: str, seconds: int) -> None:
    assert parse_span(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "999999d", "1fortnight"])
def test_what_is_no_span(text: str) -> None:
    assert parse_span(text) is None


def test_moments() -> None:
    berlin = Calendar("Europe/Berlin")
    assert utc(parse_moment("2026-01-31", berlin)) == "2026-01-30T23:00:00Z"
    assert utc(parse_moment("2026-01-31T09:00", berlin)) == "2026-01-31T08:00:00Z"
    assert utc(parse_moment("2026-01-31T09:00+02:00", berlin)) == "2026-01-31T07:00:00Z"
    assert parse_moment("@1767268800", berlin) == parse_moment("1767268800", berlin) == NOON
    assert utc(parse_moment("20260131", Calendar())) == "2026-01-31T00:00:00Z"
    assert parse_moment("90d", berlin, before=NOON) == NOON - 90 * DAY


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "@" + "9" * 40, "90d"])
def test_what_is_no_moment_is_told_with_the_way_out(text: str) -> None:
    with pytest.raises(WindowError, match="write 2026-01-31"):
        parse_moment(text, Calendar())


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "", "\0"])
def test_a_zone_that_is_none(zone: str) -> None:
    with pytest.raises(WindowError, match="is no time zone here"):
        Calendar(zone)


def test_the_default_window_is_ninety_days() -> None:
    assert window(None, None, NOON, Calendar()) == Window(NOON - 90 * DAY, NOON, "UTC")
    assert window("30d", "2026-01-01", NOON, Calendar()).days == 30


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(WindowError, match="the window is empty"):
        window("2026-02-01", "2026-01-01", NOON, Calendar())


def test_a_week_with_a_change_of_the_clock_has_an_hour_less_or_more() -> None:
    berlin = Calendar("Europe/Berlin")
    spring = window("2026-03-23", "2026-03-30", 0, berlin)
    autumn = window("2026-10-19", "2026-10-26", 0, berlin)
    assert [end - start for start, end in berlin.weeks(spring)] == [7 * DAY - 3600]
    assert [end - start for start, end in berlin.weeks(autumn)] == [7 * DAY + 3600]


def test_the_same_moment_falls_on_other_days() -> None:
    late = parse_moment("2026-01-04T23:30:00Z", Calendar())
    assert Calendar().date(late).isoformat() == "2026-01-04"
    assert Calendar("Asia/Tokyo").date(late).isoformat() == "2026-01-05"


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 200 * DAY),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata"]),
)
def test_days_and_weeks_cover_the_window_without_gaps(since: int, length: int, zone: str) -> None:
    calendar, asked = Calendar(zone), Window(since, since + length, zone)
    for steps in (calendar.days(asked), calendar.weeks(asked)):
        assert steps[0][0] <= asked.since < steps[0][1]
        assert steps[-1][0] < asked.until <= steps[-1][1]
        assert all(end == start for (_, end), (start, _) in pairwise(steps))
