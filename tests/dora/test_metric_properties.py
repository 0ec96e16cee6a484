"""What holds for any events: order does not matter, successes never hurt, intervals hold, windows add up."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.events import Build
from sp404audit.dora.figures import METRICS, MetricsReport
from sp404audit.dora.measure import report
from sp404audit.reports.dora import json_report

HOURS = st.integers(0, 28 * 24 - 1)
OUTCOMES = st.sampled_from(["success"] * 6 + ["failure", "cancelled", "running"])
ENVIRONMENTS = st.sampled_from(["production", "production", "prod", "staging", ""])
NAMES = st.sampled_from("abcdefghij")


@pytest.fixture(scope="session")
def events(bench: Any) -> st.SearchStrategy[list[Any]]:
    """Lists of deployments, incidents and builds on a history of ten commits, each event once."""

    def deployment(hours: int, name: str, outcome: str, environment: str, unplanned: bool) -> Any:
        return bench.deployment(name, hours, outcome=outcome, environment=environment, unplanned=unplanned)

    def incident(hours: int, lasts: int | None, cause: str | None) -> Any:
        end = None if lasts is None else hours + lasts / 4
        return bench.incident(f"{hours}", hours, end, caused_by=(cause,) if cause else ())

    def build(hours: int, quarters: int, outcome: str) -> Build:
        return Build(f"events:build:{hours}", "events", bench.at(hours), bench.at(hours + quarters / 4), outcome)  # type: ignore[arg-type]

    one = st.one_of(
        st.builds(deployment, HOURS, NAMES, OUTCOMES, ENVIRONMENTS, st.booleans()),
        st.builds(incident, HOURS, st.none() | st.integers(0, 40), st.none() | NAMES),
        st.builds(build, HOURS, st.integers(-1, 9), OUTCOMES),
    )
    return st.lists(one, max_size=24, unique_by=lambda event: event.id)


def history(bench: Any) -> Any:
    return bench.line(*[bench.change(name, 20 * place) for place, name in enumerate("abcdefghij")])


def measured(bench: Any, told: list[Any], **scope: Any) -> Any:
    return bench.report(*told, scope=bench.scope(**scope), history=history(bench))


def numbers(report: MetricsReport, metric: str, *names: str) -> list[Any]:
    return [report.figure(metric).values.get(name) for name in names]


@settings(max_examples=100, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_order_does_not_matter(bench: Any, events: Any, data: Any, seed: int) -> None:
    told = data.draw(events)
    shuffled = list(told)
    random.Random(seed).shuffle(shuffled)
    assert measured(bench, told) == measured(bench, shuffled)


FEW_HOURS = st.integers(0, 12)


@pytest.fixture(scope="session")
def told_by_several(bench: Any) -> st.SearchStrategy[list[tuple[str, Any]]]:
    """Events of three sources, many of one hour, of one commit or of one address: which source, and the event."""

    def deployment(source: str, name: str, hours: int, again: int, version: str) -> tuple[str, Any]:
        made = bench.deployment(name, hours, source=source, version=version, basis="deployment")
        return source, made._replace(id=f"{made.id}:{again}")

    def tag(version: str, hours: int, name: str) -> tuple[str, Any]:
        return "git", bench.tag(version, hours, name)

    def incident(source: str, number: int, hours: int, lasts: int | None, page: int, cause: str) -> tuple[str, Any]:
        end = None if lasts is None else hours + lasts
        url = f"https://example.org/{page}" if page else ""
        made = bench.incident(str(number), hours, end, url=url, caused_by=(cause,) if cause < "c" else ())
        return source, made._replace(source=source)

    def build(source: str, number: int, hours: int, attempt: int) -> tuple[str, Any]:
        start = bench.at(hours)
        return source, Build(f"build:{number}", source, start, start + 60 * attempt, attempt=attempt)

    sources, again = st.sampled_from(["events", "github"]), st.integers(1, 3)
    one = st.one_of(
        st.builds(deployment, sources, st.sampled_from("abc"), FEW_HOURS, again, st.sampled_from(["", "v1", "v2"])),
        st.builds(tag, st.sampled_from(["v1", "v2", "v10"]), FEW_HOURS, st.sampled_from("abc")),
        st.builds(incident, sources, again, FEW_HOURS, st.none() | again, st.integers(0, 2), st.sampled_from("abcd")),
        st.builds(build, sources, again, FEW_HOURS, again),
    )
    # A source tells of each thing once; of one with several attempts, of each of them.
    return st.lists(one, max_size=16, unique_by=lambda told: (told[0], told[1].id, getattr(told[1], "attempt", 0)))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_neither_the_order_of_sources_nor_of_records_matters(
    bench: Any, told_by_several: Any, data: Any, seed: int
) -> None:
    """Two records of one second, or of one thing, are as likely to come in either order."""
    told = data.draw(told_by_several)
    shuffled = list(told)
    random.Random(seed).shuffle(shuffled)

    def found(events: list[tuple[str, Any]], names: list[str]) -> MetricsReport:
        collected = [bench.told(*[event for source, event in events if source == name], name=name) for name in names]
        # How many records a source gave is its own count, in its own order.
        reports = [each._replace(report=each.report._replace(counts={})) for each in collected]
        return report(bench.scope(days=2), reports, history(bench))

    assert found(told, ["events", "git", "github"]) == found(shuffled, ["github", "events", "git"])


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_further_success_never_worsens_a_rate(bench: Any, events: Any, data: Any) -> None:
    """After everything else, so that no incident is laid to it."""
    told = data.draw(events)
    before, after = (
        measured(bench, each, days=60) for each in (told, [*told, bench.deployment("fresh", 29 * 24 + 50 * 7)])
    )
    for metric in ("change_failure_rate", "rework_rate"):
        for name in ("rate", "lower", "upper"):
            rates = [report.figure(metric).values.get(name) for report in (before, after)]
            first, second = (each.get("rate") if isinstance(each, dict) else each for each in rates)
            if first is not None and second is not None:
                assert second <= first
    assert numbers(after, "deployment_frequency", "deployments") == [
        numbers(before, "deployment_frequency", "deployments")[0] + 1
    ]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_figures_lie_in_their_intervals_and_rates_in_their_range(bench: Any, events: Any, data: Any) -> None:
    report = measured(bench, data.draw(events))
    assert tuple(figure.metric for figure in report.figures) == METRICS
    for figure in report.figures:
        if figure.interval is not None and figure.value is not None:
            assert figure.interval.lower is None or figure.interval.lower <= figure.value + 1e-9
            assert figure.interval.upper is None or figure.value <= figure.interval.upper + 1e-9
        if figure.unit == "ratio" and figure.value is not None:
            assert 0 <= figure.value <= 1
        if figure.value is None:
            assert figure.band is None
            assert figure.verdict in ("not proven", "no target")
        for bucket in figure.buckets:
            assert report.window.since <= bucket.start < bucket.end <= report.window.until
    for metric in ("change_failure_rate", "rework_rate"):
        shares = [
            report.figure(metric).values,
            report.figure(metric).values.get("lower"),
            report.figure(metric).values.get("upper"),
        ]
        for share in shares:
            if isinstance(share, dict) and "k" in share:
                assert 0 <= share["k"] <= share["n"]
                assert share["n"] == numbers(report, "deployment_frequency", "deployments")[0]


@settings(max_examples=100, deadline=None)
@given(data=st.data(), cut=st.integers(1, 27))
def test_two_windows_add_up_to_the_whole(bench: Any, events: Any, data: Any, cut: int) -> None:
    told = data.draw(events)
    whole = measured(bench, told)
    parts = [
        measured(bench, told, days=cut, as_of=28 * 24),
        measured(bench, told, since=24 * cut, days=28 - cut),
    ]
    counts = {
        "deployment_frequency": ["deployments", "redeploys", "rollbacks", "failed_attempts", "other_environments"],
        "lead_time": ["changes", "negative"],
        "mttr": ["n", "open", "negative"],
        "recovery_time": ["n", "open"],
        "build_time": ["n", "failed"],
        "uptime": ["down_seconds"],
    }
    for metric, names in counts.items():
        for name in names:
            values = [report.figure(metric).values.get(name) for report in (whole, *parts)]
            assert values[0] == (None if values[1] is None else values[1] + values[2]), (metric, name)
    rate = [report.figure("change_failure_rate").values for report in (whole, *parts)]
    if "k" in rate[0]:
        assert rate[0]["k"] == rate[1]["k"] + rate[2]["k"]


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_every_report_keeps_the_schema_and_every_value_is_in_it(bench: Any, told_by_several: Any, data: Any) -> None:
    told = [event for _, event in data.draw(told_by_several)]
    schema = json_report.schema()
    found = json.loads(json_report.render(measured(bench, told, days=2)))
    assert [error.json_path for error in jsonschema.Draft202012Validator(schema).iter_errors(found)] == []
    common = schema["$defs"]["figure"]["properties"].keys()
    for metric, figure in found["metrics"].items():
        assert figure.keys() <= common | schema["properties"]["metrics"]["properties"][metric]["properties"].keys()


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_the_evidence_adds_up_to_the_figure(bench: Any, events: Any, data: Any) -> None:
    report = measured(bench, data.draw(events))
    for figure in report.figures:
        counted = [row for row in figure.evidence if row.counted]
        if figure.metric != "uptime":
            assert len(counted) == figure.n, figure.metric
        if figure.metric in ("change_failure_rate", "rework_rate") and "k" in figure.values:
            assert sum(row.value or 0 for row in counted) == figure.values["k"]
    counted_rows = [row for row in report.deployments if row.role == "counted"]
    assert len(counted_rows) == numbers(report, "deployment_frequency", "deployments")[0]
