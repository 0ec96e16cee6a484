"""Statistics of small samples, with the standard library alone: same input, same figures on every machine.

All intervals are at the 95 % level. An interval that the data cannot carry is None, never a guess.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from operator import mul

from sp404audit.dora.figures import Interval

__all__ = [
    "LEAST_FOR_INTERVAL",
    "bootstrap_mean",
    "cluster_bootstrap",
    "cluster_bootstrap_mean",
    "hodges_lehmann",
    "kaplan_meier_median",
    "mann_kendall",
    "mean",
    "median",
    "newcombe",
    "order_statistic",
    "poisson",
    "quantile",
    "theil_sen",
    "wilson",
]

LEAST_FOR_INTERVAL = 6
"""With fewer independent values no two order statistics enclose the median with 95 %: 1 - 2 * 0.5 ** 5 is 93.75 %."""

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""

_TAIL = 0.025
_SEED = 404
_DRAWS = 2000
_LEAST_DRAWS = 200
_WORK = 5_000_000  # steps of one bootstrap: about a quarter of a second
_MOST_PAIRS = 250_000


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean, summed without loss; raises ZeroDivisionError for no values."""
    return math.fsum(values) / len(values)


def quantile(ordered: Sequence[float], q: float) -> float:
    """The `q` quantile of values in ascending order, linear between neighbours.

    Type 7 of Hyndman and Fan, Sample Quantiles in Statistical Packages, The American Statistician 50 (1996).
    """
    position = (len(ordered) - 1) * q
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle."""
    return quantile(sorted(values), 0.5)


def wilson(k: int, n: int) -> Interval:
    """The interval of a rate of `k` in `n`; [0, 1] when nothing was seen.

    Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927).
    """
    if n == 0:
        return Interval(0.0, 1.0, "wilson")
    rate, square = k / n, Z * Z
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = Z / (1 + square / n) * math.sqrt(rate * (1 - rate) / n + square / (4 * n * n))
    lower = 0.0 if k == 0 else max(0.0, centre - half)
    upper = 1.0 if k == n else min(1.0, centre + half)
    return Interval(lower, upper, "wilson")


def poisson(k: int) -> Interval:
    """The exact interval of the expected count when `k` events were seen.

    Garwood, Fiducial Limits for the Poisson Distribution, Biometrika 28 (1936): the counts under which as few, or as
    many, events have a chance of 2.5 %.
    """
    upper = _solve(lambda expected: _poisson_at_most(k, expected) - _TAIL, k + 1.0, k + 20 + 10 * math.sqrt(k + 1))
    lower = 0.0
    if k > 0:
        lower = _solve(lambda expected: _TAIL - (1 - _poisson_at_most(k - 1, expected)), 0.0, float(k))
    return Interval(lower, upper, "poisson (garwood)")


def _poisson_at_most(k: int, expected: float) -> float:
    """The chance of at most `k` events: terms are summed downwards from `k`, so that none underflows too early."""
    if expected <= 0:
        return 1.0
    term = total = 1.0
    for count in range(k, 0, -1):
        term *= count / expected
        total += term
        if term < total * 1e-17 and count < expected:
            break
    log_scale = k * math.log(expected) - expected - math.lgamma(k + 1)
    return min(1.0, math.exp(min(0.0, log_scale + math.log(total))))


def _solve(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function is zero, by halving."""
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def order_statistic(values: Sequence[float], q: float = 0.5) -> Interval | None:
    """The interval of a quantile between two of the values themselves; for independent values, of any distribution.

    How many values lie below the quantile is binomial (David and Nagaraja, Order Statistics, 2003, chapter 7.1). An end
    for which there are too few values is None: of six values, none is an upper end of the 90 % quantile.

    Returns:
        None for fewer than `LEAST_FOR_INTERVAL` values.
    """
    n = len(values)
    if n < LEAST_FOR_INTERVAL:
        return None
    ordered = sorted(values)
    low, high = _most_at_tail(n, q), _most_at_tail(n, 1 - q)
    lower = ordered[low - 1] if low else None
    upper = ordered[n - high] if high else None
    return Interval(lower, upper, "order statistics")


def _most_at_tail(n: int, chance: float) -> int:
    """The greatest rank such that fewer than `rank` of n events with that chance happen in at most 2.5 % of cases."""
    below, rank, log_chance, log_other = 0.0, 0, math.log(chance), math.log1p(-chance)
    while rank <= n:
        ways = math.lgamma(n + 1) - math.lgamma(rank + 1) - math.lgamma(n - rank + 1)
        below += math.exp(ways + rank * log_chance + (n - rank) * log_other)
        if below > _TAIL:
            break
        rank += 1
    return rank


def cluster_bootstrap(clusters: Sequence[Sequence[float]], q: float = 0.5) -> Interval | None:
    """The interval of a pooled quantile when values come in clusters: the changes of one deployment share its fate.

    Whole clusters are drawn again and again with replacement, and the interval holds the middle 95 % of the quantiles
    found (Davison and Hinkley, Bootstrap Methods and their Application, 1997, chapter 3.8). The generator's start is
    fixed, so the same values give the same interval; `random.Random.random` is the same in every version of Python.

    Returns:
        None for fewer than `LEAST_FOR_INTERVAL` clusters with values.
    """
    filled = sorted(sorted(cluster) for cluster in clusters if cluster)
    count = len(filled)
    if count < LEAST_FOR_INTERVAL:
        return None
    pool = _Pool(filled)
    draws = max(_LEAST_DRAWS, min(_DRAWS, _WORK // pool.cost))
    return _middle(pool.quantile(weights, q) for weights in _drawn(count, draws))


def cluster_bootstrap_mean(clusters: Sequence[Sequence[float]]) -> Interval | None:
    """The interval of the mean of all values when they come in clusters, as `cluster_bootstrap`."""
    filled = sorted((math.fsum(cluster), len(cluster)) for cluster in clusters if cluster)
    count = len(filled)
    if count < LEAST_FOR_INTERVAL:
        return None
    sums, sizes = [total for total, _ in filled], [size for _, size in filled]
    draws = max(_LEAST_DRAWS, min(_DRAWS, _WORK // (10 * count)))
    return _middle(
        math.fsum(map(mul, weights, sums)) / sum(map(mul, weights, sizes)) for weights in _drawn(count, draws)
    )


def _drawn(count: int, draws: int) -> Iterable[list[int]]:
    """How often each of so many clusters is drawn, once for each draw of as many."""
    import random

    draw = random.Random(_SEED).random  # noqa: S311 (no secret: the same start every time is the point)
    for _ in range(draws):
        weights = [0] * count
        for _ in range(count):
            weights[int(draw() * count)] += 1
        yield weights


def _middle(drawn: Iterable[float]) -> Interval:
    """The middle 95 % of what was drawn."""
    found = sorted(drawn)
    method = f"cluster bootstrap by deployment, {len(found)} draws"
    return Interval(quantile(found, _TAIL), quantile(found, 1 - _TAIL), method)


class _Pool:
    """The values of all clusters in ascending order, ready for quantiles in which each cluster has a weight.

    How many values of each cluster come before it is kept for every so many values: a quantile is then found by
    halving among those places, and a few steps from there.
    """

    def __init__(self, clusters: Sequence[Sequence[float]]) -> None:
        pooled = sorted((value, owner) for owner, cluster in enumerate(clusters) for value in cluster)
        self._values: list[float] = [value for value, _ in pooled]
        self._owners = [owner for _, owner in pooled]
        self._sizes = [len(cluster) for cluster in clusters]
        self._step = max(1, math.isqrt(len(pooled)))
        before = [0] * len(clusters)
        self._before = [tuple(before)]
        for place, owner in enumerate(self._owners, 1):
            before[owner] += 1
            if place % self._step == 0:
                self._before.append(tuple(before))
        self.cost = len(clusters) * (2 + len(self._before).bit_length()) + 2 * self._step
        """About how many steps a draw takes."""

    def quantile(self, weights: Sequence[int], q: float) -> float:
        """`quantile` of the values, each repeated by the weight of its cluster."""
        total: int = sum(map(mul, weights, self._sizes))
        position = (total - 1) * q
        below = math.floor(position)
        place = bisect_right(self._before, below, key=lambda before: sum(map(mul, weights, before))) - 1
        passed = sum(map(mul, weights, self._before[place]))
        at = place * self._step
        while passed + weights[self._owners[at]] <= below:
            passed += weights[self._owners[at]]
            at += 1
        lower, above = self._values[at], min(below + 1, total - 1)
        while passed + weights[self._owners[at]] <= above:
            passed += weights[self._owners[at]]
            at += 1
        return lower + (self._values[at] - lower) * (position - below)


def bootstrap_mean(values: Sequence[float]) -> Interval | None:
    """The interval of the mean of independent values of any distribution, from the means of as many drawn again.

    The middle 95 % of them (Davison and Hinkley, chapter 5.3); the generator's start is fixed as above.

    Returns:
        None for fewer than `LEAST_FOR_INTERVAL` values.
    """
    import random

    count = len(values)
    if count < LEAST_FOR_INTERVAL:
        return None
    ordered = sorted(values)
    draws = max(_LEAST_DRAWS, min(_DRAWS, _WORK // (10 * count)))
    generator = random.Random(_SEED)  # noqa: S311 (no secret: the same start every time is the point)
    found = sorted(math.fsum(ordered[int(generator.random() * count)] for _ in ordered) / count for _ in range(draws))
    return Interval(quantile(found, _TAIL), quantile(found, 1 - _TAIL), f"bootstrap of the mean, {draws} draws")


def kaplan_meier_median(durations: Sequence[float], ongoing: Sequence[float]) -> float | None:
    """The median duration when some are not over yet: `ongoing` holds how long those have lasted so far.

    Kaplan and Meier, Nonparametric Estimation from Incomplete Observations, JASA 53 (1958).

    Returns:
        None while too many last on for a median to be known.
    """
    ended = sorted(durations)
    still = sorted(ongoing)
    surviving = 1.0
    at = 0
    while at < len(ended):
        duration = ended[at]
        ends = bisect_right(ended, duration) - at
        at_risk = len(ended) - at + len(still) - bisect_left(still, duration)
        surviving *= 1 - ends / at_risk
        if surviving <= 0.5 + 1e-12:
            return duration
        at += ends
    return None


def newcombe(k1: int, n1: int, k2: int, n2: int) -> Interval:
    """The interval of the difference between two rates, the second less the first.

    Method 10 of Newcombe, Interval Estimation for the Difference Between Independent Proportions, Statistics in
    Medicine 17 (1998).
    """
    if n1 == 0 or n2 == 0:
        return Interval(-1.0, 1.0, "newcombe")
    first, second = wilson(k1, n1), wilson(k2, n2)
    assert first.lower is not None
    assert first.upper is not None
    assert second.lower is not None
    assert second.upper is not None
    before, after = k1 / n1, k2 / n2
    difference = after - before
    lower = difference - math.hypot(after - second.lower, first.upper - before)
    upper = difference + math.hypot(second.upper - after, before - first.lower)
    return Interval(max(-1.0, lower), min(1.0, upper), "newcombe")


def hodges_lehmann(before: Sequence[float], after: Sequence[float]) -> Interval | None:
    """The interval of how far `after` is shifted against `before`, from all differences between the two.

    Hodges and Lehmann, Estimates of Location Based on Rank Tests, Annals of Mathematical Statistics 34 (1963), with
    the normal approximation of the rank sum. Long lists are thinned evenly to bound the work.

    Returns:
        None when either list has fewer than `LEAST_FOR_INTERVAL` values.
    """
    if min(len(before), len(after)) < LEAST_FOR_INTERVAL:
        return None
    most = math.isqrt(_MOST_PAIRS)
    first, second = _thinned(sorted(before), most), _thinned(sorted(after), most)
    m, n = len(first), len(second)
    differences = sorted(late - early for late in second for early in first)
    rank = math.floor(m * n / 2 - Z * math.sqrt(m * n * (m + n + 1) / 12))
    rank = max(1, rank)
    return Interval(differences[rank - 1], differences[m * n - rank], "hodges-lehmann")


def _thinned(ordered: list[float], most: int) -> list[float]:
    if len(ordered) <= most:
        return ordered
    return [quantile(ordered, step / (most - 1)) for step in range(most)]


def theil_sen(values: Sequence[float]) -> float:
    """The slope a step: the median of the slopes between all pairs (Sen, JASA 63, 1968); 0 for a single value."""
    slopes = [
        (values[later] - values[earlier]) / (later - earlier)
        for later in range(1, len(values))
        for earlier in range(later)
    ]
    return median(slopes) if slopes else 0.0


def mann_kendall(values: Sequence[float]) -> float:
    """The two-sided chance of seeing such a trend where there is none.

    Mann, Nonparametric Tests Against Trend, Econometrica 13 (1945), with ties and the correction for continuity.
    """
    n = len(values)
    score = sum(
        (values[later] > values[earlier]) - (values[later] < values[earlier])
        for later in range(1, n)
        for earlier in range(later)
    )
    ties = [values.count(value) for value in set(values)]
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    if variance <= 0 or score == 0:
        return 1.0
    z = (abs(score) - 1) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))
