"""Mistakes of other tools that count the same metrics, each as a test that ours does not make it.

The tools: fourkeys, DevLake, Middleware, DevOpsMetrics, and the actions of DeveloperMetrics.
"""

from __future__ import annotations

from typing import Any

import pytest

from sp404audit.dora.events import Build
from sp404audit.dora.measure import report


def test_no_data_is_no_figure_and_no_band(bench: Any) -> None:
    """fourkeys takes no data for zero, and ranks it in the best band."""
    found = bench.report(scope=bench.scope(targets={"lead-time": "1d", "change-failure-rate": "5%", "mttr": "1h"}))
    for figure in found.figures:
        assert figure.value is None, figure.metric
        assert figure.band is None, figure.metric
        assert figure.n == 0
        assert figure.confidence == "none"
        assert figure.verdict in ("not proven", "no target")


def test_a_deployment_fails_once_however_many_incidents_it_had(bench: Any) -> None:
    """fourkeys joins incidents with changes, so that its rate can pass one."""
    incidents = [bench.incident(str(n), 2 + n / 10, 3, caused_by=("a",)) for n in range(5)]
    figure = bench.report(bench.deployment("a", 1), *incidents).figure("change_failure_rate")
    assert (figure.values["k"], figure.values["n"], figure.value) == (1, 1, 1.0)


def test_short_recoveries_are_not_cut_to_hours(bench: Any) -> None:
    """fourkeys cuts the time to restore to whole hours; a target of 15 minutes is then always met."""
    found = bench.report(bench.deployment("a", 1), bench.incident("i", 1.1, 1.4))
    assert found.figure("mttr").values["mean_seconds"] == pytest.approx(0.3 * 3600)
    assert found.figure("recovery_time").values["median_seconds"] == pytest.approx(0.4 * 3600)


def test_weeks_without_data_are_gaps_but_for_the_frequency(bench: Any) -> None:
    """DevLake draws months without data as zero."""
    graph = bench.line(bench.change("a", -2), bench.change("b", -1), bench.change("c", 400))
    found = bench.report(bench.deployment("a", -1), bench.deployment("b", 5), bench.deployment("c", 500), history=graph)
    assert [bucket.value for bucket in found.figure("deployment_frequency").buckets] == [1, 0, 0, 1, 0]
    assert [bucket.value is None for bucket in found.figure("lead_time").buckets] == [False, True, True, False, True]
    assert found.figure("change_failure_rate").buckets == ()


def test_the_median_of_two_is_between_them(bench: Any) -> None:
    """DevLake's percentile rank takes the lower of two for their median."""
    figure = bench.report(bench.incident("a", 1, 2), bench.incident("b", 5, 8)).figure("mttr")
    assert figure.values["median_seconds"] == 2 * 3600


def test_every_event_counts_not_the_last_hundred(bench: Any) -> None:
    """The actions of DeveloperMetrics look at the last hundred runs only."""
    deployments = [bench.deployment(f"c{n}", n / 2) for n in range(250)]
    assert bench.report(*deployments).figure("deployment_frequency").values["deployments"] == 250


def test_runs_of_a_pipeline_are_no_deployments(bench: Any) -> None:
    """The same actions take runs of CI for deployments."""
    build = Build("events:build:1", "events", bench.at(1), bench.at(1.1))
    found = bench.report(build)
    assert found.figure("deployment_frequency").value is None
    assert found.figure("build_time").values["median_seconds"] == 360


def test_build_times_are_no_part_of_lead_times(bench: Any) -> None:
    """The same actions add the mean run of the pipeline to the time of a pull request."""
    graph = bench.line(bench.change("a", -9), bench.change("b", 0))
    events = [bench.deployment("a", 0), bench.deployment("b", 2), Build("b", "events", bench.at(0), bench.at(9))]
    figure = bench.report(*events, history=graph).figure("lead_time")
    assert figure.values["median_seconds"] == 2 * 3600


def test_merge_to_deploy_is_measured_not_zero_by_definition(bench: Any) -> None:
    """Middleware takes the merge for the deployment where it knows none, and measures nothing."""
    graph = bench.line(bench.change("a", -9), bench.change("b", 0, merged_at=bench.at(1)))
    figure = bench.report(bench.deployment("a", 0), bench.deployment("b", 4), history=graph).figure("lead_time")
    stages = figure.values["stages"]
    assert stages["commit_to_merge"]["median_seconds"] == 3600
    assert stages["merge_to_deploy"]["median_seconds"] == 3 * 3600


@pytest.mark.parametrize("days", [3, 7, 30, 45, 90])
def test_the_frequency_is_the_count_by_the_exact_length(bench: Any, days: int) -> None:
    """Middleware lifts the weekly figure to at least seven times the daily one: two in a month become one a week."""
    figure = bench.report(bench.deployment("a", 1), bench.deployment("b", 30), scope=bench.scope(days)).figure(
        "deployment_frequency"
    )
    assert figure.value == pytest.approx(2 / days * 7)


def test_failures_come_from_evidence_only(bench: Any) -> None:
    """DevOpsMetrics spreads failures over builds by a percentage that its operator types in."""
    figure = bench.report(*[bench.deployment(f"c{n}", n) for n in range(20)]).figure("change_failure_rate")
    assert figure.value is None
    assert figure.band is None
    assert figure.values["lower"]["k"] == 0
    assert figure.verdict == "no target"


def test_weeks_that_the_window_cuts_are_left_out_of_the_median(bench: Any) -> None:
    """No tool that was read leaves partial weeks out of its average. T0 is a Wednesday."""
    deployments = [bench.deployment(f"c{n}", 24 * n + 1) for n in range(10)]
    figure = bench.report(*deployments, scope=bench.scope(14)).figure("deployment_frequency")
    assert (figure.values["weeks_counted"], figure.values["weeks_partial"]) == (1, 2)
    assert figure.values["median_days_per_week"] == 5
    assert [bucket.partial for bucket in figure.buckets] == [True, False, True]


def test_the_same_revision_again_is_no_further_deployment(bench: Any) -> None:
    """No tool that was read tells redeploys from deployments."""
    found = bench.report(bench.deployment("a", 1), bench.deployment("a", 9))
    assert found.figure("deployment_frequency").values["deployments"] == 1
    assert [row.role for row in found.deployments] == ["counted", "redeploy"]


def test_a_rollback_is_no_throughput(bench: Any) -> None:
    """No tool that was read tells rollbacks from deployments."""
    graph = bench.line(bench.change("a", 0), bench.change("b", 1))
    found = bench.report(
        bench.deployment("a", 1), bench.deployment("b", 9), bench.deployment("a", 10, version="1"), history=graph
    )
    assert found.figure("deployment_frequency").values["deployments"] == 2
    assert found.figure("deployment_frequency").values["rollbacks"] == 1
    assert [row.role for row in found.deployments] == ["counted", "counted", "rollback"]
    figure = found.figure("change_failure_rate")
    assert (figure.values["k"], figure.values["n"]) == (1, 2)
    assert found.figure("recovery_time").values["median_seconds"] == 3600


def test_an_incident_long_after_is_laid_to_no_deployment(bench: Any) -> None:
    """DevLake lays an incident to the deployment before it, months later too."""
    found = bench.report(bench.deployment("a", 1), bench.incident("i", 1 + 24.1, 30))
    figure = found.figure("change_failure_rate")
    assert figure.values["k"] == 0
    assert [row.rule for row in figure.evidence if not row.counted] == ["no deployment in the 24 hours before it"]


def test_an_incident_is_laid_to_one_deployment_whatever_the_window(bench: Any) -> None:
    """DevLake lays one incident to two deployments, and another when it collects for another time."""
    events = [bench.deployment("a", 1), bench.deployment("b", 3), bench.incident("i", 4, 5)]
    for since in (0, 2):
        figure = bench.report(*events, scope=bench.scope(since=since)).figure("change_failure_rate")
        assert [row.event for row in figure.evidence if row.value] == [events[1].id]


def test_the_rate_is_of_deployments_not_of_incidents(bench: Any) -> None:
    """DevLake's detail counted incidents, which made a rate of 17 % one of 26 %."""
    deployments = [bench.deployment(f"c{n}", 24 * n) for n in range(10)]
    incidents = [bench.incident(f"{n}", 1 + n / 10, 4) for n in range(3)]
    figure = bench.report(*deployments, *incidents).figure("change_failure_rate")
    assert (figure.values["k"], figure.values["n"]) == (1, 10)


def test_a_failed_attempt_is_no_failed_change(bench: Any) -> None:
    """Users ask for failed deployments to be told from failed changes."""
    found = bench.report(
        bench.deployment("a", 1), bench.deployment("b", 2, outcome="failure"), bench.incident("i", 1.5, 2)
    )
    figure = found.figure("change_failure_rate")
    assert (figure.values["k"], figure.values["n"]) == (1, 1)
    assert found.figure("deployment_frequency").values["failed_attempts"] == 1
    assert figure.excluded == {"failed attempt": 1}


def test_git_alone_gives_bounds_not_a_clean_rate(bench: Any) -> None:
    """A repository of which only git is known has no reverts, and gets a rate of zero and the best grade elsewhere."""
    graph = bench.line(*[bench.change(f"v1.{n}.0", n) for n in range(100)])
    tags = [bench.tag(f"v1.{n}.0", 24 * n + 1) for n in range(100)]
    scope = bench.scope(120, targets={"change-failure-rate": "5%"})
    figure: Any = report(scope, [bench.told(*tags, name="git")], graph).figure("change_failure_rate")
    assert (figure.value, figure.band, figure.confidence) == (None, None, "low")
    assert figure.values["lower"]["k"] == 0
    assert figure.values["upper"]["n"] == 100


def test_repairing_builds_is_no_recovery(bench: Any) -> None:
    """A report that was found calls the time from a red build to a green one the time to restore."""
    builds = [
        Build("events:1", "events", bench.at(1), bench.at(1.1), "failure"),
        Build("events:2", "events", bench.at(1.2), bench.at(1.3)),
    ]
    found = bench.report(*builds)
    assert found.figure("mttr").value is None
    assert found.figure("recovery_time").value is None


def test_every_figure_tells_its_events_and_rules(bench: Any) -> None:
    """Users of every tool ask how a number came about."""
    graph = bench.line(bench.change("a", 0), bench.change("b", 2))
    events = [bench.deployment("a", 1), bench.deployment("b", 9), bench.incident("i", 10, 11)]
    found = bench.report(*events, Build("events:1", "events", bench.at(1), bench.at(1.1)), history=graph)
    for figure in found.figures:
        assert figure.evidence, figure.metric
        assert all(row.rule for row in figure.evidence)
        assert "/v1:" in figure.method
