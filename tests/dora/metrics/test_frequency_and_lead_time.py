"""Deployment frequency and change lead time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sp404audit.dora.figures import Window
from sp404audit.dora.measure import report

DAY = 24


def test_a_window_without_a_deployment_has_a_frequency_of_zero(bench: Any) -> None:
    """Where deployments are known from before, that there were none is a finding."""
    figure = bench.report(
        bench.deployment("a", -50), scope=bench.scope(targets={"deployment-frequency": "1/week"})
    ).figure("deployment_frequency")
    assert (figure.value, figure.n, figure.band) == (0, 0, None)
    assert figure.interval.lower == 0
    assert figure.interval.upper == pytest.approx(3.688879 / 4, abs=1e-6)
    assert figure.verdict == "fail"
    assert figure.values["seconds_since_last"] == (28 * DAY + 50) * 3600


def test_the_interval_is_garwoods(bench: Any) -> None:
    deployments = [bench.deployment(f"c{n}", 3 * DAY * n) for n in range(4)]
    figure = bench.report(*deployments, scope=bench.scope(14)).figure("deployment_frequency")
    assert figure.value == 2
    assert figure.values["interval"] == pytest.approx([1.089865 / 2, 10.241589 / 2], abs=1e-6)
    assert figure.values["median_gap_seconds"] == 3 * DAY * 3600


@pytest.mark.parametrize(("per_week", "verdict"), [(5, "pass"), (4, "fail")])
def test_daily_means_five_days_of_a_usual_week(bench: Any, per_week: int, verdict: str) -> None:
    """Twelve weeks, and two deployments on each of the days."""
    scope = bench.scope(7 * 12, since=5 * DAY, targets={"deployment-frequency": "daily"})
    deployments = [
        bench.deployment(f"{week}-{day}-{hour}", (7 * week + day + 5) * DAY + hour)
        for week in range(12)
        for day in range(per_week)
        for hour in (9, 15)
    ]
    figure = bench.report(*deployments, scope=scope).figure("deployment_frequency")
    assert figure.values["median_days_per_week"] == per_week
    assert (figure.verdict, figure.values["weeks_counted"], figure.values["weeks_partial"]) == (verdict, 12, 0)
    assert "days a week" in figure.verdict_because
    assert figure.confidence == "high"


def test_a_trend_needs_full_weeks(bench: Any) -> None:
    scope = bench.scope(7 * 12, since=5 * DAY)
    rising = [bench.deployment(f"{week}-{n}", (7 * week + 5) * DAY + n + 1) for week in range(12) for n in range(week)]
    figure = bench.report(*rising, scope=scope).figure("deployment_frequency")
    assert (figure.trend.direction, figure.trend.better) == ("up", True)
    assert [bucket.value for bucket in figure.buckets] == list(range(12))
    short = bench.report(*rising[:3], scope=bench.scope(28)).figure("deployment_frequency")
    assert (short.trend.direction, short.trend.better) == ("unknown", None)


def test_a_young_repository_is_measured_from_its_first_commit(bench: Any) -> None:
    graph = bench.line(*[bench.change(f"c{n}", (70 + n) * DAY) for n in range(14)])
    deployments = [bench.deployment(f"c{n}", (70 + n) * DAY + 1) for n in range(14)]
    figure = bench.report(*deployments, scope=bench.scope(84), history=graph).figure("deployment_frequency")
    assert figure.value == pytest.approx(7)
    assert [bucket.value for bucket in figure.buckets][:9] == [None] * 9
    assert "younger than the window" in " ".join(figure.remarks)


def test_a_repository_of_hours_is_measured_by_the_week(bench: Any) -> None:
    graph = bench.line(*[bench.change(f"c{n}", 83 * DAY + n) for n in range(4)])
    deployments = [bench.deployment(f"c{n}", 83 * DAY + n + 0.5) for n in range(4)]
    figure = bench.report(*deployments, scope=bench.scope(84), history=graph).figure("deployment_frequency")
    assert figure.value == pytest.approx(4)


def test_a_source_that_reaches_back_a_part_of_the_window(bench: Any) -> None:
    deployments = [bench.deployment(f"c{n}", (14 + n) * DAY, source="github", basis="deployment") for n in range(14)]
    told = bench.told(*deployments, name="github", covers_since=bench.at(14 * DAY))
    figure = report(bench.scope(28), [told]).figure("deployment_frequency")
    assert (figure.value, figure.values["window_days"]) == (7, 14)
    assert [bucket.value is None for bucket in figure.buckets] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("fields", "confidence"),
    [
        ({}, "high"),
        ({"source": "github", "basis": "deployment"}, "high"),
        ({"source": "github", "basis": "release"}, "medium"),
        ({"source": "github", "basis": "workflow run"}, "medium"),
        ({"source": "git", "basis": "tag"}, "low"),
        ({"source": "git", "basis": "merge"}, "low"),
    ],
)
def test_confidence_is_that_of_the_weakest_record(bench: Any, fields: dict[str, str], confidence: str) -> None:
    """Where it is low, the report says what would be better evidence."""
    weak, strong = bench.deployment("a", 1, **fields), bench.deployment("b", 50)
    figure = report(bench.scope(), [bench.told(weak, name=weak.source), bench.told(strong, name="events")]).figure(
        "deployment_frequency"
    )
    assert figure.confidence == confidence
    assert (figure.band is None) == (confidence == "low")
    assert any("would put deployments on record" in remark for remark in figure.remarks) == (confidence == "low")


def test_a_source_that_stopped_early_lowers_confidence(bench: Any) -> None:
    told = bench.told(bench.deployment("a", 1), partial=True)
    figure = report(bench.scope(), [told]).figure("deployment_frequency")
    assert (figure.confidence, "told only a part" in figure.confidence_because) == ("medium", True)


@pytest.mark.parametrize(
    ("days", "expected"),
    [([0, 1, 2], "daily"), ([0], "weekly"), ([], "yearly")],
)
def test_the_class_of_four_keys(bench: Any, days: list[int], expected: str) -> None:
    deployments = [
        bench.deployment(f"{week}-{day}", (7 * week + day + 5) * DAY + 1) for week in range(12) for day in days
    ]
    known = bench.deployment("before", -50)
    figure = bench.report(known, *deployments, scope=bench.scope(7 * 12, since=5 * DAY)).figure("deployment_frequency")
    assert figure.values["four_keys"] == expected


def test_a_deployment_a_month_is_monthly_to_four_keys(bench: Any) -> None:
    deployments = [bench.deployment(f"{month}", (28 * month + 8) * DAY) for month in range(3)]
    figure = bench.report(*deployments, scope=bench.scope(7 * 12, since=5 * DAY)).figure("deployment_frequency")
    assert figure.values["four_keys"] == "monthly"


def line_of(bench: Any, *lengths: float, **fields: Any) -> tuple[list[Any], Any]:
    """A deployment for each change, which lies in it for so many hours; and the first one, of an earlier change."""
    changes = [bench.change("first", -1), *(bench.change(f"c{n}", 100 * n, **fields) for n in range(len(lengths)))]
    deployments = [
        bench.deployment("first", -0.5),
        *(bench.deployment(f"c{n}", 100 * n + hours) for n, hours in enumerate(lengths)),
    ]
    return deployments, bench.line(*changes)


def test_quantiles_and_the_interval_of_whole_deployments(bench: Any) -> None:
    deployments, graph = line_of(bench, 1, 2, 3, 4, 5, 6)
    figure = bench.report(*deployments, history=graph).figure("lead_time")
    hours = {
        name: figure.values[name] / 3600 for name in ("median_seconds", "p75_seconds", "p90_seconds", "mean_seconds")
    }
    assert hours == pytest.approx({"median_seconds": 3.5, "p75_seconds": 4.75, "p90_seconds": 5.5, "mean_seconds": 3.5})
    assert figure.interval.method == "cluster bootstrap by deployment, 2000 draws"
    assert 1 <= figure.interval.lower / 3600 < 3.5 < figure.interval.upper / 3600 <= 6
    assert figure.values["interval_seconds"] == [figure.interval.lower, figure.interval.upper]
    assert figure.band.classes[0] == figure.band.classes[-1]


@pytest.mark.parametrize(("target", "verdict"), [("9h mean", "pass"), ("3h mean", "not proven"), ("1h mean", "fail")])
def test_a_target_may_speak_of_the_mean(bench: Any, target: str, verdict: str) -> None:
    deployments, graph = line_of(bench, 1, 2, 3, 4, 5, 6)
    scope = bench.scope(targets={"lead-time": target})
    figure = bench.report(*deployments, history=graph, scope=scope).figure("lead_time")
    assert figure.verdict == verdict


def test_changes_of_one_deployment_make_no_interval(bench: Any) -> None:
    graph = bench.line(*[bench.change(f"c{n}", n) for n in range(100)])
    figure = bench.report(
        bench.deployment("c0", 0),
        bench.deployment("c99", 200),
        history=graph,
        scope=bench.scope(targets={"lead-time": "30m"}),
    ).figure("lead_time")
    assert (figure.n, figure.interval, figure.verdict) == (99, None, "not proven")
    assert "of 1 deployment: an interval needs 5 more" in figure.verdict_because


def test_big_releases_do_not_rule_the_median_by_deployment(bench: Any) -> None:
    graph = bench.line(bench.change("a", -1), *[bench.change(f"b{n}", 0) for n in range(9)], bench.change("c", 20))
    deployments = [bench.deployment("a", 0), bench.deployment("b8", 10), bench.deployment("c", 22)]
    values = bench.report(*deployments, history=graph).figure("lead_time").values
    assert (values["median_seconds"] / 3600, values["per_deployment_median_seconds"] / 3600) == (10, 6)


def test_bots_are_told_apart_and_authors_can_be_left_out(bench: Any) -> None:
    graph = bench.line(
        bench.change("a", -1),
        bench.change("b", 0, author="ann@example.com"),
        bench.change("c", 4, author="bot@example.com", is_bot=True),
    )
    deployments = [bench.deployment("a", -0.5), bench.deployment("c", 6)]
    figure = bench.report(*deployments, history=graph).figure("lead_time")
    assert figure.values["humans"]["median_seconds"] == 6 * 3600
    assert figure.values["bots"]["median_seconds"] == 2 * 3600
    scope = bench.scope(exclude_authors=("bot@*",))
    left = bench.report(*deployments, history=graph, scope=scope).figure("lead_time")
    assert (left.n, left.excluded["its author is excluded by the policy"]) == (1, 1)


def test_a_pull_request_knows_when_squashed_work_began(bench: Any) -> None:
    plain = [bench.change("a", -1), bench.change("b", 8)]
    deployments = [bench.deployment("a", -0.5), bench.deployment("b", 10)]
    known = bench.change("b", 8, first_commit_at=bench.at(1), merged_at=bench.at(7), pull_request=5)
    for squashed, hours in ((True, 9), (False, 2)):
        graph = bench.line(*plain, squashed=squashed)
        found = bench.report(*deployments, known, history=graph)
        figure = found.figure("lead_time")
        assert figure.values["median_seconds"] == hours * 3600
        assert figure.values["stages"]["merge_to_deploy"]["median_seconds"] == 3 * 3600
        assert found.changes[0].pull_request == 5
    alone = bench.report(*deployments, history=bench.line(*plain, squashed=True)).figure("lead_time")
    assert "squashed" in alone.remarks[-1]


@pytest.mark.parametrize(
    ("settings", "hours"),
    [
        ({"lead_start": "committer"}, 8),
        ({"lead_start": "author"}, 9),
        ({"lead_start": "pr-first-commit"}, 9.5),
        ({"lead_start": "pr-merged"}, 4),
        ({"lead_measure": "merge_to_deploy"}, 4),
    ],
)
def test_the_policys_start_and_stretch(bench: Any, settings: dict[str, str], hours: float) -> None:
    change = bench.change(
        "b", 2, authored_at=bench.at(1), first_commit_at=bench.at(0.5), merged_at=bench.at(6), pull_request=1
    )
    graph = bench.line(bench.change("a", -1), change)
    events = [bench.deployment("a", -0.5), bench.deployment("b", 10), change]
    figure = bench.report(*events, history=graph, scope=bench.scope(**settings)).figure("lead_time")
    assert figure.value / 3600 == hours


def test_a_merge_that_is_not_known_does_not_count(bench: Any) -> None:
    deployments, graph = line_of(bench, 1)
    scope = bench.scope(lead_measure="merge_to_deploy")
    figure = bench.report(*deployments, history=graph, scope=scope).figure("lead_time")
    assert (figure.value, figure.excluded) == (None, {"when it was merged is not known": 1})


def test_a_change_that_went_live_with_a_rollback_is_told(bench: Any) -> None:
    deployments, graph = line_of(bench, 1, 2)
    last = deployments[-1]._replace(rollback=True)
    found = bench.report(*deployments[:-1], last, history=graph)
    assert [row.counted for row in found.changes] == [True, False]


def test_services_are_measured_apart(bench: Any) -> None:
    graph = bench.line(*[bench.change(name, hours) for hours, name in enumerate("abcd")])
    events = [
        bench.deployment(name, 10 + n, service=service)
        for n, (name, service) in enumerate([("a", "x"), ("b", "y"), ("c", "x"), ("d", "y")])
    ]
    whole = bench.report(*events, history=graph)
    assert whole.services == ("x", "y")
    part = bench.report(*events, history=graph, scope=bench.scope()._replace(service="x"))
    assert [row.deployment.sha for row in part.deployments] == ["a", "c"]
    assert [row.sha for row in part.changes] == ["b", "c"]


def test_the_window_is_half_open(bench: Any) -> None:
    scope = replace_window(bench, 0, 10)
    roles = [
        row.role
        for row in bench.report(*[bench.deployment(f"c{n}", n) for n in (-1, 0, 9, 10)], scope=scope).deployments
    ]
    assert roles == ["before the window", "counted", "counted", "after the window"]


def replace_window(bench: Any, since: float, until: float) -> Any:
    return bench.scope()._replace(window=Window(bench.at(since), bench.at(until)))


def test_point_verdicts_need_no_interval(bench: Any) -> None:
    deployments, graph = line_of(bench, 1)
    scope = bench.scope(targets={"lead-time": "2h"})
    scope = scope._replace(settings=replace(scope.settings, verdicts="point"))
    assert bench.report(*deployments, history=graph, scope=scope).figure("lead_time").verdict == "pass"
