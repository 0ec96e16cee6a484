"""How a figure stands to the window before, where there are too few weeks for a trend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sp404audit.dora.figures import Trend

DAY = 24


def trend(bench: Any, metric: str, *told: Any, **fields: Any) -> Trend:
    """Of the second of two windows of four weeks."""
    found = bench.report(*told, scope=bench.scope(days=28, since=28 * DAY), **fields).figure(metric).trend
    assert isinstance(found, Trend)
    return found


def deployments(bench: Any, days: Sequence[float], name: str = "c") -> list[Any]:
    return [bench.deployment(f"{name}{day}", day * DAY) for day in days]


@pytest.mark.parametrize(
    ("numbers", "direction", "better"),
    [((3, 24), "up", True), ((24, 3), "down", False), ((10, 12), "none", None), ((0, 5), "unknown", None)],
)
def test_a_frequency_is_compared_by_the_split_of_its_count(
    bench: Any, numbers: tuple[int, int], direction: str, better: bool | None
) -> None:
    first = [0.0] + [1 + place for place in range(numbers[0])]
    told = deployments(bench, [-1, *first[1:], *(28 + place for place in range(numbers[1]))])
    found = trend(bench, "deployment_frequency", *told)
    assert (found.direction, found.better) == (direction, better)
    if direction != "unknown":
        assert "in the window before" in found.because


def test_records_that_begin_in_the_window_before_are_no_zeros(bench: Any) -> None:
    """The same pace before and after, but the first record is of ten days before: that is no rise."""
    told = deployments(bench, [18 + place for place in range(38)])
    assert trend(bench, "deployment_frequency", *told).direction == "none"
    assert trend(bench, "deployment_frequency", *deployments(bench, [*range(28, 56)])).direction == "unknown"


@pytest.mark.parametrize(
    ("failures", "direction", "better"), [((1, 15), "up", False), ((15, 1), "down", True), ((4, 6), "none", None)]
)
def test_rates_are_compared_by_newcombes_interval(
    bench: Any, failures: tuple[int, int], direction: str, better: bool | None
) -> None:
    told = []
    for window, failed in enumerate(failures):
        days = [28 * window + place for place in range(20)]
        told += deployments(bench, days)
        told += [bench.incident(f"{day}", day * DAY + 1, day * DAY + 2) for day in days[:failed]]
    found = trend(bench, "change_failure_rate", *told)
    assert (found.direction, found.better) == (direction, better)
    assert f"{failures[1]} of 20 after {failures[0]} of 20 in the window before" in found.because


@pytest.mark.parametrize(
    ("minutes", "direction", "better"), [((60, 10), "down", True), ((10, 60), "up", False), ((30, 31), "none", None)]
)
def test_times_are_compared_by_their_shift(
    bench: Any, minutes: tuple[int, int], direction: str, better: bool | None
) -> None:
    told = [
        bench.incident(
            f"{window}-{place}", (28 * window + place) * DAY, (28 * window + place) * DAY + (length + place) / 60
        )
        for window, length in enumerate(minutes)
        for place in range(8)
    ]
    found = trend(bench, "mttr", *told)
    assert (found.direction, found.better) == (direction, better)


def test_what_lasts_on_is_not_compared(bench: Any) -> None:
    told = [bench.incident(f"{day}", day * DAY, day * DAY + 1) for day in [*range(8), *range(28, 36)]]
    assert trend(bench, "mttr", *told).direction == "none"
    assert trend(bench, "mttr", *told, bench.incident("open", 40 * DAY)).direction == "unknown"


def test_changes_of_one_deployment_are_one_value(bench: Any) -> None:
    """A hundred slow changes of two deployments prove no rise."""
    changes, told = [], []
    for window in range(2):
        for place in range(2):
            day = 28 * window + 8 + place
            names = [f"{window}-{place}-{number}" for number in range(50)]
            changes += [bench.change(name, (day - 1 - window) * DAY) for name in names]
            told.append(bench.deployment(names[-1], day * DAY))
    found = trend(
        bench,
        "lead_time",
        bench.deployment("first", -DAY),
        *told,
        history=bench.line(bench.change("first", -2 * DAY), *changes),
    )
    assert found.direction == "unknown"


def test_a_window_without_a_full_week_is_compared_too(bench: Any) -> None:
    told = deployments(bench, [day / 4 for day in range(-24, 40)]) + deployments(
        bench, [5 + day / 50 for day in range(99)]
    )
    found = bench.report(*told, scope=bench.scope(days=5, since=5 * DAY)).figure("deployment_frequency").trend
    assert found is None
    found = bench.report(*told, scope=bench.scope(days=8, since=3 * DAY)).figure("deployment_frequency").trend
    assert (found.direction, found.better) == ("up", True)


def test_a_source_that_is_asked_from_the_window_on_is_not_compared(bench: Any) -> None:
    from sp404audit.dora.measure import report

    told = deployments(bench, [*range(0, 28, 9), *range(28, 56)])
    scope = bench.scope(days=28, since=28 * DAY)
    with_github = [bench.told(*told), bench.told(name="github")]
    found = [report(scope, each).figure("deployment_frequency").trend for each in (with_github, with_github[:1])]
    assert [each.direction for each in found if each] == ["unknown", "up"]
