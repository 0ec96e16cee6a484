"""From samples to seconds up, down and unknown: properties that hold whatever the samples are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.sources.prometheus.samples import Run, Samples
from sp404audit.dora.sources.prometheus.timeline import by_day, service_runs, total

INTERVAL = 1000
END = 40_000


def up_or_down(value: float) -> float | None:
    return value if value in (0, 1) else None


def series(values: dict[int, float]) -> Samples:
    samples = Samples({})
    samples.add([[at / 1000, str(value)] for at, value in sorted(values.items())], 0, END)
    return samples


VALUES = st.dictionaries(st.integers(0, END - 1), st.sampled_from([0.0, 1.0, float("nan")]), max_size=30)
REPLICAS = st.lists(VALUES.map(series), max_size=4)


def runs_of(replicas: list[Samples], quorum: int = 1, since: int = 0, until: int = END) -> list[Run]:
    return service_runs([each.runs(INTERVAL, since, until, up_or_down) for each in replicas], quorum)


def state(samples: Samples, at: int) -> float | None:
    """What one replica was at a moment, worked out the slow way: the last sample before, if it still speaks."""
    found = None
    for index, time in enumerate(samples.times):
        start = time - time % 1000 if index == 0 else time
        following = samples.times[index + 1] if index + 1 < len(samples.times) else END * 10
        end = following if following - time <= INTERVAL * 1.5 else time + INTERVAL
        if start <= at < end:
            found = up_or_down(samples.values[index])
    return found


@settings(max_examples=100, deadline=None)
@given(REPLICAS, st.integers(1, 3), st.lists(st.integers(0, END - 1), max_size=20))
def test_every_moment_is_what_its_samples_say(replicas: list[Samples], quorum: int, moments: list[int]) -> None:
    runs = runs_of(replicas, quorum)
    for at in moments:
        seen = [value for value in (state(each, at) for each in replicas) if value is not None]
        want = None if not seen else float(sum(seen) >= quorum)
        assert next((run.value for run in runs if run.start <= at < run.end), None) == want


@settings(max_examples=100, deadline=None)
@given(REPLICAS, st.integers(1, 3), st.integers(0, END), st.integers(0, END))
def test_parts_add_up_to_the_whole(replicas: list[Samples], quorum: int, cut: int, day: int) -> None:
    whole = total(runs_of(replicas, quorum), 0, END)
    assert abs(sum(whole) - END / 1000) < 1e-9
    parts = [total(runs_of(replicas, quorum, *span), *span) for span in ((0, cut), (cut, END))]
    assert all(abs(a + b - c) < 1e-9 for a, b, c in zip(*parts, whole, strict=True))
    edge = day // 1000
    days = by_day(runs_of(replicas, quorum), [(0, edge), (edge, END // 1000)], 0, END)
    assert all(
        abs(sum(column) - want) < 1e-9 for column, want in zip(list(zip(*days, strict=True))[1:], whole, strict=True)
    )


@settings(max_examples=100, deadline=None)
@given(REPLICAS, st.integers(1, 3), VALUES.map(series))
def test_one_more_replica_never_hides_an_up_service(replicas: list[Samples], quorum: int, more: Samples) -> None:
    before, after = (total(runs_of(each, quorum), 0, END) for each in (replicas, [*replicas, more]))
    assert after.up >= before.up - 1e-9
    assert after.unknown <= before.unknown + 1e-9


@settings(max_examples=100, deadline=None)
@given(REPLICAS.flatmap(lambda replicas: st.tuples(st.just(replicas), st.permutations(replicas))))
def test_order_of_replicas_does_not_matter(both: tuple[list[Samples], list[Samples]]) -> None:
    replicas, shuffled = both
    assert runs_of(shuffled) == runs_of(replicas)


def test_ratio_counts_in_part() -> None:
    samples = Samples({})
    samples.add([[0, "0.25"], [1, "0.25"], [2, "1"]], 0, END)
    runs = samples.runs(INTERVAL, 0, 4000, lambda value: value)
    assert runs == [Run(0, 2000, 0.25), Run(2000, 3000, 1.0)]
    assert total(runs, 0, 4000) == (1.5, 1.5, 1.0)


def test_late_sample_within_patience_leaves_no_gap_and_a_later_one_does() -> None:
    samples = Samples({})
    samples.add([[0, "1"], [1.5, "1"], [3.1, "1"]], 0, END)
    assert samples.runs(INTERVAL, 0, 5000, up_or_down) == [Run(0, 2500, 1.0), Run(3100, 4100, 1.0)]


def test_samples_out_of_order_or_told_twice_count_once() -> None:
    samples = Samples({})
    assert samples.add([[0, "1"], [1, "1"], [1, "0"], [0.5, "0"]], 0, 2000) == 2
    assert samples.add([[1, "0"], [2, "1"], [9, "1"]], 1000, 3000) == 1
    assert list(samples.times) == [0, 1000, 2000]
    assert samples.median_gap() == 1000
    assert samples.add([[5, "1"], [9, "1"], [13, "1"]], 3000, END) == 3  # apart by 1, 1, 3, 4 and 4 seconds
    assert samples.median_gap() == 3000
    assert samples.add([[17, "1"]], 14_000, END) == 1
    assert samples.median_gap() == 3000  # of an even number, the lower one in the middle
