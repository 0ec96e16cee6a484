"""Change fail rate, rework, recovery time and MTTR."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest


def clean(bench: Any, number: int, failures: int = 0, target: str = "5%") -> Any:
    """A year with a deployment every two days; the first of them failed, by an incident that names them."""
    deployments = [bench.deployment(f"c{n}", 48 * n) for n in range(number)]
    incidents = [bench.incident(f"{n}", 48 * n + 1, 48 * n + 2, caused_by=(f"c{n}",)) for n in range(failures)]
    elsewhere = bench.incident("else", 48 * number + 40, 48 * number + 41)
    scope = bench.scope(400, targets={"change-failure-rate": target})
    return bench.report(*deployments, *incidents, elsewhere, scope=scope)


@pytest.mark.parametrize(("number", "verdict"), [(72, "not proven"), (74, "pass")])
def test_how_many_clean_deployments_prove_five_percent(bench: Any, number: int, verdict: str) -> None:
    figure = clean(bench, number, target="< 5%").figure("change_failure_rate")
    assert (figure.values["k"], figure.values["n"], figure.verdict) == (0, number, verdict)


def test_how_much_more_evidence_is_needed_is_told(bench: Any) -> None:
    figure = clean(bench, 41, 2, target="< 5%").figure("change_failure_rate")
    assert figure.values["interval"] == pytest.approx([0.013488, 0.161274], abs=1e-3)
    assert (figure.verdict, figure.confidence) == ("not proven", "high")
    assert "101 more deployments without a failure would prove it (so far 2 of 41" in figure.verdict_because
    assert figure.values["failures_by_grade"] == {"A": 2}
    assert figure.values["unattributed_incidents"] == 1


def test_a_rate_beyond_the_target_fails(bench: Any) -> None:
    figure = clean(bench, 20, 12).figure("change_failure_rate")
    assert figure.verdict == "fail"
    assert figure.band.table == "dora-2024"


def test_incidents_without_links_are_of_medium_confidence(bench: Any) -> None:
    figure = bench.report(bench.deployment("a", 1), bench.incident("i", 2, 3)).figure("change_failure_rate")
    assert (figure.confidence, figure.values["failures_by_grade"]) == ("medium", {"C": 1})


def test_bounds_of_git_never_prove_a_target(bench: Any) -> None:
    deployments = [bench.deployment(f"c{n}", 24 * n, source="github", basis="deployment") for n in range(200)]
    scope = bench.scope(400, targets={"change-failure-rate": "5%"})
    figure = bench.report(*deployments, scope=scope).figure("change_failure_rate")
    assert (figure.verdict, figure.value) == ("not proven", None)
    assert "incident records would decide" in figure.verdict_because


def test_rework_is_what_its_source_calls_so_or_what_ended_a_failure(bench: Any) -> None:
    found = bench.report(
        bench.deployment("a", 1),
        bench.deployment("b", 50, failed_at=bench.at(51)),
        bench.deployment("c", 52),
        bench.deployment("d", 90, unplanned=True),
    )
    figure = found.figure("rework_rate")
    assert (figure.values["k"], figure.values["n"], figure.value) == (2, 4, 0.5)
    assert [row.event.split(":")[1] for row in figure.evidence if row.value] == ["c", "d"]


def test_a_rollback_is_no_rework(bench: Any) -> None:
    found = bench.report(bench.deployment("a", 1), bench.deployment("b", 2), bench.deployment("a", 3))
    assert found.figure("rework_rate").values["k"] == 0


def times(bench: Any, *lengths: float | None, targets: dict[str, str] | None = None) -> Any:
    """Incidents of so many minutes, one a day; None for one that is not over."""
    incidents = [
        bench.incident(f"{n}", 24 * n, None if length is None else 24 * n + length / 60)
        for n, length in enumerate(lengths)
    ]
    return bench.report(*incidents, scope=bench.scope(targets=targets or {}))


def test_the_mean_is_what_mttr_is_called_and_the_median_is_beside_it(bench: Any) -> None:
    figure = times(bench, 10, 20, 60).figure("mttr")
    assert (figure.value, figure.values["mean_seconds"], figure.values["median_seconds"]) == (1800, 1800, 1200)
    assert (figure.in_dora, figure.values["values_seconds"], figure.interval) == (False, [600, 1200, 3600], None)
    assert "too few for an interval" in figure.remarks[-1]


def test_intervals_from_six_on(bench: Any) -> None:
    values = times(bench, 10, 11, 12, 13, 14, 15).figure("mttr").values
    assert values["interval_seconds"] == [600, 900]
    assert 600 < values["mean_interval_seconds"][0] < 750 < values["mean_interval_seconds"][1] < 900
    assert values["values_seconds"] is None


@pytest.mark.parametrize(
    ("target", "verdict"), [("15m", "pass"), ("12m", "not proven"), ("11m", "fail"), ("15m p90", "not proven")]
)
def test_the_target_speaks_of_the_mean(bench: Any, target: str, verdict: str) -> None:
    figure = times(bench, 10, 11, 12, 13, 14, 15, targets={"mttr": target}).figure("mttr")
    assert figure.verdict == verdict


@pytest.mark.parametrize(
    ("target", "verdict"),
    [("30m p90", "pass"), ("28m p90", "not proven"), ("26m p90", "fail"), ("28m p75", "pass"), ("22m p75", "fail")],
)
def test_quantiles_have_intervals_of_their_own(bench: Any, target: str, verdict: str) -> None:
    incidents = [bench.incident(f"{n}", n, n + (10 + n % 20) / 60) for n in range(60)]
    figure = bench.report(*incidents, scope=bench.scope(targets={"mttr": target})).figure("mttr")
    assert figure.verdict == verdict


def test_a_quantile_that_open_incidents_leave_unknown_says_so(bench: Any) -> None:
    figure = times(bench, *[10] * 8, None, targets={"mttr": "1h p90"}).figure("mttr")
    assert figure.verdict == "not proven"
    assert figure.verdict_because == "incidents that are not over yet leave no p90 to judge by"


def test_what_is_not_over_counts_as_lasting(bench: Any) -> None:
    figure = times(bench, 10, 20, None, targets={"mttr": "1d"}).figure("mttr")
    assert figure.values["median_seconds"] == 1200
    assert figure.values["median_method"] == "kaplan-meier"
    assert (figure.values["open"], figure.values["open_at_least_seconds"]) == (1, [26 * 86_400])
    assert (figure.values["p90_seconds"], figure.verdict) == (None, "not proven")
    assert figure.evidence[-1].rule.endswith("not over: at least 26.0 d")


def test_too_many_open_ones_leave_no_median(bench: Any) -> None:
    values = times(bench, 10, None, None).figure("mttr").values
    assert (values["median_seconds"], values["mean_seconds"]) == (None, 600)


def test_open_ones_leave_the_upper_end_open(bench: Any) -> None:
    figure = times(bench, *[10] * 9, None, targets={"mttr": "1h"}).figure("mttr")
    assert (figure.interval.upper, figure.verdict) == (None, "not proven")


def test_an_incident_that_ends_before_it_begins_is_told_and_not_counted(bench: Any) -> None:
    figure = times(bench, 10, -5).figure("mttr")
    assert (figure.n, figure.values["negative"], figure.excluded) == (1, 1, {"ends before it begins": 1})


def test_incidents_count_by_when_they_began(bench: Any) -> None:
    incidents = [bench.incident("before", -1, 5), bench.incident("within", 1, 9000), bench.incident("x", 9, 10)]
    found = bench.report(*incidents, scope=bench.scope(as_of=10_000))
    assert [row.event for row in found.figure("mttr").evidence] == [incidents[1].id, incidents[2].id]


def test_overlapping_incidents_are_each_their_own(bench: Any) -> None:
    figure = bench.report(bench.incident("a", 1, 3), bench.incident("b", 2, 4)).figure("mttr")
    assert (figure.n, figure.value) == (2, 7200)


def test_recovery_counts_from_the_deployment_and_mttr_from_the_incident(bench: Any) -> None:
    found = bench.report(bench.deployment("a", 1), bench.incident("i", 3, 4))
    assert found.figure("recovery_time").value == 3 * 3600
    assert found.figure("mttr").value == 3600


def test_a_recovery_before_the_deployment_is_told_and_not_counted(bench: Any) -> None:
    figure = bench.report(bench.deployment("a", 5), bench.incident("i", 1, 2, caused_by=("a",))).figure("recovery_time")
    assert (figure.n, figure.values["negative"]) == (0, 1)


def test_point_verdicts_of_bounds_need_both(bench: Any) -> None:
    scope = bench.scope(targets={"change-failure-rate": "5%"})
    scope = scope._replace(settings=replace(scope.settings, verdicts="point"))
    figure = bench.report(bench.deployment("a", 1), scope=scope).figure("change_failure_rate")
    assert figure.verdict == "not proven"
