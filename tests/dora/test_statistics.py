"""The statistics against published examples, against brute force, and by their properties."""

from __future__ import annotations

import math
from itertools import accumulate, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora import statistics
from sp404audit.dora.figures import Interval

PROPERTY = settings(max_examples=100, deadline=None)
VALUES = st.lists(st.integers(0, 10**7).map(float), min_size=1, max_size=40)


def near(interval: Interval | None, lower: float, upper: float, digits: float = 1e-4) -> bool:
    assert interval is not None
    assert interval.lower is not None
    assert interval.upper is not None
    return math.isclose(interval.lower, lower, abs_tol=digits) and math.isclose(interval.upper, upper, abs_tol=digits)


def test_quantiles_lie_linearly_between_neighbours() -> None:
    assert statistics.quantile([1.0, 6.0, 8.0], 0.75) == 7.0
    assert statistics.quantile([1.0, 6.0, 8.0], 0.9) == pytest.approx(7.6)
    assert statistics.median([4.0, 1.0]) == 2.5, "not the lower of the two, as one peer has it"


@pytest.mark.parametrize(
    ("k", "n", "lower", "upper"),
    [(1, 3, 0.061492, 0.792340), (2, 41, 0.0134, 0.1614), (0, 73, 0.0, 0.0500), (0, 0, 0.0, 1.0), (5, 5, 0.5655, 1.0)],
)
def test_wilson(k: int, n: int, lower: float, upper: float) -> None:
    assert near(statistics.wilson(k, n), lower, upper)


@pytest.mark.parametrize(
    ("k", "lower", "upper"), [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (3, 0.6187, 8.7673), (10, 4.7954, 18.3904)]
)
def test_poisson_has_the_tabulated_limits(k: int, lower: float, upper: float) -> None:
    assert near(statistics.poisson(k), lower, upper)


def test_poisson_of_many_events_comes_near_the_normal_interval() -> None:
    interval = statistics.poisson(100_000)
    half = statistics.Z * math.sqrt(100_000)
    assert near(interval, 100_000 - half, 100_000 + half, 5)


def test_newcombe_has_the_published_example() -> None:
    assert near(statistics.newcombe(48, 80, 56, 70), 0.0524, 0.3339)


def test_a_median_of_few_values_has_no_interval() -> None:
    assert statistics.order_statistic([1.0] * 5) is None
    assert near(statistics.order_statistic([3.0, 1.0, 2.0, 6.0, 5.0, 4.0]), 1, 6)


def test_the_order_statistics_of_twenty_values_are_the_sixth_and_the_fifteenth() -> None:
    assert near(statistics.order_statistic([float(each) for each in range(1, 21)]), 6, 15)


@pytest.mark.parametrize("q", [0.5, 0.75, 0.9, 0.95])
@pytest.mark.parametrize("n", [6, 10, 29, 36, 73, 200])
def test_the_order_statistics_of_a_quantile_are_those_of_the_binomial(n: int, q: float) -> None:
    """The narrowest ranks that leave 2.5 % at either end, found by adding up every term exactly."""
    chances = list(accumulate(math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)))
    lower = max((rank for rank in range(1, n + 1) if chances[rank - 1] <= 0.025), default=None)
    upper = min((rank for rank in range(1, n + 1) if 1 - chances[rank - 1] <= 0.025), default=None)
    found = statistics.order_statistic([float(rank) for rank in range(1, n + 1)], q)
    assert found is not None
    assert (found.lower, found.upper) == (lower, upper)


def test_six_values_do_not_bound_the_largest_tenth() -> None:
    found = statistics.order_statistic([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.9)
    assert found is not None
    assert (found.lower, found.upper) == (4.0, None)


def test_the_bootstrap_of_a_mean_draws_whole_clusters() -> None:
    clusters = [[float(at * 100 + each) for each in range(50)] for at in range(8)]
    interval = statistics.cluster_bootstrap_mean(clusters)
    alone = statistics.bootstrap_mean([value for cluster in clusters for value in cluster])
    assert interval is not None
    assert alone is not None
    assert None not in (*interval, *alone)
    assert interval.upper - interval.lower > 2 * (alone.upper - alone.lower)  # type: ignore[operator]
    assert interval == statistics.cluster_bootstrap_mean(clusters[::-1])
    assert statistics.cluster_bootstrap_mean([[1.0, 2.0]] * 5 + [[]]) is None


def test_the_bootstrap_wants_six_clusters() -> None:
    assert statistics.cluster_bootstrap([[1.0, 2.0]] * 5 + [[]]) is None
    assert near(statistics.cluster_bootstrap([[2.0, 2.0]] * 6), 2, 2)


def test_the_bootstrap_draws_whole_clusters() -> None:
    """Values that share a deployment are no independent evidence: an interval by value would be narrower."""
    clusters = [[float(at * 100 + each) for each in range(50)] for at in range(8)]
    interval = statistics.cluster_bootstrap(clusters)
    alone = statistics.order_statistic([value for cluster in clusters for value in cluster])
    assert interval is not None
    assert alone is not None
    assert interval.upper is not None
    assert interval.lower is not None
    assert alone.upper is not None
    assert alone.lower is not None
    assert interval.upper - interval.lower > 2 * (alone.upper - alone.lower)


def test_the_bootstrap_is_the_same_whatever_the_order() -> None:
    clusters = [[float(at), float(at * 3)] for at in range(12)]
    assert statistics.cluster_bootstrap(clusters) == statistics.cluster_bootstrap(clusters[::-1])


@pytest.mark.parametrize(
    ("ended", "ongoing", "expected"),
    [
        ([1.0, 2.0, 3.0], [], 2.0),
        ([1.0, 2.0, 3.0], [5.0, 6.0, 7.0], 3.0),
        ([1.0], [5.0, 6.0], None),
        ([], [5.0], None),
        ([4.0, 4.0], [1.0], 4.0),
    ],
)
def test_what_is_not_over_yet_makes_the_median_longer(
    ended: list[float], ongoing: list[float], expected: float | None
) -> None:
    assert statistics.kaplan_meier_median(ended, ongoing) == expected


def test_a_shift_of_all_values_is_found() -> None:
    before = [float(each) for each in range(20)]
    interval = statistics.hodges_lehmann(before, [value + 100 for value in before])
    assert interval is not None
    assert interval.lower is not None
    assert interval.lower > 80


def test_long_lists_are_compared_in_bounded_time() -> None:
    before = [float(each) for each in range(5000)]
    interval = statistics.hodges_lehmann(before, [value + 1000 for value in before])
    assert interval is not None
    assert interval.lower is not None
    assert interval.upper is not None
    assert interval.lower < 1000 < interval.upper


def test_trend() -> None:
    assert statistics.theil_sen([1.0, 3.0, 5.0, 700.0]) > 0
    assert statistics.mann_kendall([float(each) for each in range(8)]) < 0.001
    assert statistics.mann_kendall([1.0] * 8) == 1.0
    assert statistics.theil_sen([5.0]) == 0.0


@PROPERTY
@given(st.integers(0, 300), st.integers(0, 300))
def test_a_rate_lies_in_its_interval(k: int, more: int) -> None:
    n = k + more
    interval = statistics.wilson(k, n)
    assert interval.lower is not None
    assert interval.upper is not None
    if n:
        assert 0 <= interval.lower <= k / n <= interval.upper <= 1


@PROPERTY
@given(st.integers(0, 2000))
def test_a_count_lies_in_its_interval(k: int) -> None:
    interval = statistics.poisson(k)
    assert interval.lower is not None
    assert interval.upper is not None
    assert interval.lower <= k <= interval.upper


@PROPERTY
@given(VALUES)
def test_a_median_lies_in_its_interval(values: list[float]) -> None:
    interval = statistics.order_statistic(values)
    if interval is not None:
        assert interval.lower is not None
        assert interval.upper is not None
        assert interval.lower <= statistics.median(values) <= interval.upper


@PROPERTY
@given(VALUES, st.sampled_from([0.75, 0.9, 0.95]))
def test_a_quantile_lies_in_its_interval(values: list[float], q: float) -> None:
    interval = statistics.order_statistic(values, q)
    if interval is not None:
        estimate = statistics.quantile(sorted(values), q)
        assert interval.lower is None or interval.lower <= estimate
        assert interval.upper is None or estimate <= interval.upper


@PROPERTY
@given(VALUES, st.integers(1, 4))
def test_means_lie_in_their_intervals(values: list[float], size: int) -> None:
    """Of values that stand alone, and of clusters of them."""
    clusters = [values[at : at + size] for at in range(0, len(values), size)]
    for interval in (statistics.bootstrap_mean(values), statistics.cluster_bootstrap_mean(clusters)):
        if interval is not None:
            assert interval.lower is not None
            assert interval.upper is not None
            assert interval.lower <= statistics.mean(values) * (1 + 1e-9)
            assert statistics.mean(values) <= interval.upper * (1 + 1e-9)


@PROPERTY
@given(VALUES, st.lists(st.integers(0, 4), min_size=40, max_size=40), st.sampled_from([0.5, 0.75, 0.9]))
def test_a_weighted_quantile_is_that_of_the_repeated_values(values: list[float], weights: list[int], q: float) -> None:
    ordered = sorted(values)
    weights = weights[: len(ordered)]
    if not any(weights):
        return
    repeated = [value for value, weight in zip(ordered, weights, strict=True) for _ in range(weight)]
    pool = statistics._Pool([[value] for value in ordered])
    assert pool.quantile(weights, q) == pytest.approx(statistics.quantile(repeated, q))


@PROPERTY
@given(VALUES)
def test_without_ongoing_ones_the_median_is_one_of_the_values(values: list[float]) -> None:
    found = statistics.kaplan_meier_median(values, [])
    assert found in values
    assert sum(1 for value in values if value <= found) * 2 >= len(values)


@PROPERTY
@given(VALUES)
def test_the_slope_is_the_median_of_all_slopes(values: list[float]) -> None:
    slopes = [(b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(values), 2)]
    assert statistics.theil_sen(values) == (statistics.median(slopes) if slopes else 0.0)
