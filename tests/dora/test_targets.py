"""Targets as people write them, and the three verdicts."""

from __future__ import annotations

import pytest

from sp404audit.dora.figures import Interval
from sp404audit.dora.targets import TargetError, clean_events_needed, judge, parse_target


@pytest.mark.parametrize(
    ("key", "text", "comparison", "value", "statistic"),
    [
        ("deployment-frequency", "daily", ">=", 5.0, "median_days_per_week"),
        ("deployment-frequency", "3/week", ">=", 3.0, "per_week"),
        ("deployment-frequency", "2/day", ">=", 14.0, "per_week"),
        ("deployment-frequency", "hourly", ">=", 168.0, "per_week"),
        ("lead-time", "30m", "<", 1800.0, "median_seconds"),
        ("lead-time", "<= 2 days p90", "<=", 172_800.0, "p90_seconds"),
        ("mttr", "15 minutes", "<", 900.0, "mean_seconds"),
        ("mttr", "15m median", "<", 900.0, "median_seconds"),
        ("change-failure-rate", "5%", "<", 0.05, "rate"),
        ("change-failure-rate", "0.05", "<", 0.05, "rate"),
        ("uptime", "99.9%", ">=", 0.999, "observed"),
        ("build-time", "1.5m p95", "<", 90.0, "p95_seconds"),
    ],
)
def test_what_a_target_means(key: str, text: str, comparison: str, value: float, statistic: str) -> None:
    target = parse_target(key, text)
    assert (target.comparison, target.value, target.statistic) == (comparison, value, statistic)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("lead-time", "30"),
        ("lead-time", "daily"),
        ("lead-time", "30x"),
        ("lead-time", "30m p12"),
        ("uptime", "999%"),
        ("uptime", "99.9.9%"),
        ("deployment-frequency", "3"),
        ("deployment-frequency", "3/fortnight"),
        ("change-failure-rate", "-1%"),
        ("change-failure-rate", ""),
        ("mttr", "9" * 40 + "m"),
        ("speed", "1"),
    ],
)
def test_what_is_no_target_is_told_with_the_way_out(key: str, text: str) -> None:
    with pytest.raises(TargetError, match=r"is no target; (write|there are)"):
        parse_target(key, text)


RATE = parse_target("change-failure-rate", "5%")
UPTIME = parse_target("uptime", "99.9%")


@pytest.mark.parametrize(
    ("value", "interval", "expected"),
    [
        (0.0, Interval(0.0, 0.04, ""), "pass"),
        (0.049, Interval(0.013, 0.16, ""), "not proven"),
        (0.3, Interval(0.2, 0.4, ""), "fail"),
        (0.3, None, "not proven"),
        (None, None, "not proven"),
        (0.0, Interval(0.0, None, ""), "not proven"),
    ],
)
def test_the_whole_interval_decides(value: float | None, interval: Interval | None, expected: str) -> None:
    assert judge(RATE, value, interval) == expected


def test_a_policy_may_let_the_number_alone_decide() -> None:
    assert judge(RATE, 0.049, Interval(0.013, 0.16, ""), by_point=True) == "pass"
    assert judge(RATE, 0.05, None, by_point=True) == "fail"
    assert judge(RATE, None, None, by_point=True) == "not proven"


def test_more_is_better_for_uptime() -> None:
    assert judge(UPTIME, 0.9996, Interval(0.9969, 0.9997, "")) == "not proven"
    assert judge(UPTIME, 0.9996, Interval(0.9995, 0.9997, "")) == "pass"
    assert judge(UPTIME, 0.99, Interval(0.98, 0.995, "")) == "fail"
    assert judge(None, 0.99, None) == "no target"


def test_how_much_more_evidence_would_prove_it() -> None:
    assert clean_events_needed(RATE, 0, 0) == 73
    assert clean_events_needed(RATE, 0, 73) == 0
    assert clean_events_needed(RATE, 2, 41) == 101
    assert clean_events_needed(UPTIME, 0, 10) is None
    assert clean_events_needed(parse_target("change-failure-rate", "0%"), 0, 10) is None
