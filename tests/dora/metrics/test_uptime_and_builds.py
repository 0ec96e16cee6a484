"""Uptime and build time, and the findings of a scan beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sp404audit import rules
from sp404audit.dora.events import Availability, Build
from sp404audit.dora.figures import METRICS
from sp404audit.dora.influences import INFLUENCES
from sp404audit.dora.measure import report
from sp404audit.dora.settings import UptimeSettings
from sp404audit.results import Location, Result, Severity, Suppression

DAY = 86_400


def seen(bench: Any, up: float, down: float, unknown: float = 0, service: str = "api", **fields: Any) -> Availability:
    whole = round(up + down + unknown)
    given = {"signal": "probe_success", **fields}
    return Availability(
        "prometheus", service, given.pop("signal"), bench.at(0), bench.at(0) + whole, up, down, unknown, **given
    )


def watched(bench: Any, *availability: Availability, target: str = "99.9%", **settings: Any) -> Any:
    told = bench.told(name="prometheus")._replace(availability=availability)
    return report(bench.scope(30, targets={"uptime": target}, **settings), [told]).figure("uptime")


@pytest.mark.parametrize(
    ("down", "unknown", "verdict"),
    [(0, 0, "pass"), (2592, 0, "pass"), (2593, 0, "fail"), (936, 7200, "not proven"), (5000, 7200, "fail")],
)
def test_what_nobody_saw_is_neither_up_nor_down(bench: Any, down: float, unknown: float, verdict: str) -> None:
    figure = watched(bench, seen(bench, 30 * DAY - down - unknown, down, unknown))
    assert figure.verdict == verdict
    assert figure.values["coverage"] == pytest.approx(1 - unknown / (30 * DAY))
    assert figure.values["lower"] == pytest.approx(1 - (down + unknown) / (30 * DAY))
    assert figure.values["upper"] == pytest.approx(1 - down / (30 * DAY))
    assert figure.value == pytest.approx(1 - down / (30 * DAY - unknown))


def test_the_budget(bench: Any) -> None:
    values = watched(bench, seen(bench, 30 * DAY - 600, 600)).values
    budget = [values[f"budget_{name}seconds"] for name in ("", "used_", "left_")]
    assert budget == pytest.approx([2592, 600, 1992])


def test_a_source_that_looked_at_half_of_the_window(bench: Any) -> None:
    """Short retention: the rest of the window is not seen, whatever the source's own coverage."""
    figure = watched(bench, seen(bench, 15 * DAY, 0))
    assert (figure.values["coverage"], figure.verdict, figure.confidence) == (0.5, "not proven", "low")


def test_no_sample_is_no_coverage(bench: Any) -> None:
    figure = watched(bench, seen(bench, 0, 0, 30 * DAY))
    assert (figure.value, figure.values["coverage"], figure.verdict, figure.n) == (None, 0, "not proven", 0)


def test_too_little_coverage_proves_nothing(bench: Any) -> None:
    figure = watched(bench, seen(bench, 29.5 * DAY, 0, 0.5 * DAY), target="98%")
    assert (figure.verdict, "have been seen" in figure.verdict_because) == ("not proven", True)
    generous = UptimeSettings(min_coverage=0.9)
    assert watched(bench, seen(bench, 29.5 * DAY, 0, 0.5 * DAY), target="98%", uptime=generous).verdict == "pass"


def test_the_worst_service_counts(bench: Any) -> None:
    figure = watched(bench, seen(bench, 30 * DAY, 0), seen(bench, 29 * DAY, DAY, service="web"))
    assert (figure.values["service"], figure.verdict) == ("web", "fail")
    assert figure.values["services"] == {"api": 1.0, "web": pytest.approx(29 / 30)}
    assert [row.counted for row in figure.evidence] == [False, True]


@pytest.mark.parametrize(
    ("signal", "confidence"),
    [("up", "medium"), ('up{job="api"}', "medium"), ("probe_success", "high"), ("uptime:ratio", "high")],
)
def test_a_scrape_says_less_than_a_probe(bench: Any, signal: str, confidence: str) -> None:
    figure = watched(bench, seen(bench, 30 * DAY, 0, signal=signal))
    assert figure.confidence == confidence
    assert any("scraped" in remark for remark in figure.remarks) == (confidence == "medium")


def test_a_day_without_samples_is_a_gap(bench: Any) -> None:
    days = tuple((bench.at(24 * n), 0.0 if n == 1 else DAY * 1.0, 0.0, DAY * 1.0 if n == 1 else 0.0) for n in range(3))
    figure = watched(bench, seen(bench, 2 * DAY, 0, DAY, days=days))
    assert [bucket.value for bucket in figure.buckets] == [1, None, 1]


def broken(bench: Any, *incidents: Any, **settings: Any) -> Any:
    return bench.report(*incidents, scope=bench.scope(10, targets={"uptime": "99%"}, **settings)).figure("uptime")


def test_incidents_leave_the_rest_up(bench: Any) -> None:
    """Overlapping ones are one downtime; what began before the window, or is not over, counts for its part."""
    figure = broken(bench, bench.incident("a", 10, 12), bench.incident("b", 11, 13), bench.incident("c", -5, 1))
    assert figure.value == pytest.approx(1 - 4 / 240)
    assert (figure.values["down_seconds"], figure.verdict, figure.confidence) == (4 * 3600, "fail", "low")
    assert broken(bench, bench.incident("open", 236)).values["down_seconds"] == 4 * 3600


def test_severity_decides_what_is_downtime(bench: Any) -> None:
    incidents = [
        bench.incident("a", 10, 12, severity="Critical"),
        bench.incident("b", 20, 24, severity="low"),
        bench.incident("c", 30, 31),
    ]
    figure = broken(bench, *incidents, uptime=UptimeSettings(incident_severities=("critical",)))
    assert figure.value == pytest.approx(1 - 2 / 240)
    assert figure.values["lower"] == pytest.approx(1 - 3 / 240)
    assert [row.counted for row in figure.evidence] == [True, False, True]


def build(bench: Any, minutes: float, number: int = 0, **fields: Any) -> Build:
    start = bench.at(number)
    return Build(f"github:run:{number}", "github", start, round(start + minutes * 60), **fields)


def built(bench: Any, *builds: Build, **settings: Any) -> Any:
    return bench.report(*builds, scope=bench.scope(targets={"build-time": "5m"}, **settings)).figure("build_time")


def test_builds_that_succeeded_count(bench: Any) -> None:
    builds = [build(bench, minutes, minutes) for minutes in range(1, 8)]
    figure = built(bench, *builds, build(bench, 60, 20, outcome="failure"), build(bench, 0, 21, outcome="cancelled"))
    values = figure.values
    assert (values["median_seconds"], values["p95_seconds"], values["n"], values["failed"]) == (
        240,
        pytest.approx(402),
        7,
        1,
    )
    assert (figure.interval.lower, figure.interval.upper, figure.verdict) == (60, 420, "not proven")
    assert figure.excluded == {"its outcome is cancelled": 1, "its outcome is failure": 1}


def test_each_day_is_evidence(bench: Any) -> None:
    """The day with downtime can be found; a day of which nothing is known does not count."""
    day = 86_400
    days = (
        (bench.at(0), day - 600.0, 600.0, 0.0),
        (bench.at(24), 0.0, 0.0, float(day)),
        (bench.at(48), 1.0 * day, 0.0, 0.0),
    )
    api = Availability("prometheus", "api", "up", bench.at(0), bench.at(72), 2.0 * day - 600, 600.0, float(day), days)
    web = api._replace(service="web", down=0.0, up=2.0 * day)
    told = bench.told(name="prometheus")._replace(availability=(api, web))
    figure = report(bench.scope(days=3), [told]).figure("uptime")
    assert [(row.event, row.counted) for row in figure.evidence] == [
        ("api 2025-01-01", True),
        ("api 2025-01-02", False),
        ("api 2025-01-03", True),
        ("web", False),
    ]
    assert figure.evidence[0].rule == "up: up 23.8 h, down 10.0 min, not seen 0 s"
    assert figure.evidence[0].value == pytest.approx(1 - 600 / day)
    assert figure.n == 2


@pytest.mark.parametrize(
    ("target", "verdict"),
    [("9m p95", "pass"), ("5m p95", "fail"), ("9m mean", "pass"), ("1m mean", "fail")],
)
def test_a_target_may_speak_of_the_slowest_builds(bench: Any, target: str, verdict: str) -> None:
    builds = [build(bench, 1 + place % 7, place) for place in range(100)]
    figure = bench.report(*builds, scope=bench.scope(targets={"build-time": target})).figure("build_time")
    assert figure.verdict == verdict


def test_a_build_counts_when_it_ends(bench: Any) -> None:
    before, after = build(bench, 90, -1), build(bench, 90, 28 * 24 - 1)
    figure = bench.report(before, after, scope=bench.scope(as_of=30 * 24)).figure("build_time")
    assert [row.event for row in figure.evidence] == [before.id]


def test_waiting_is_told_apart(bench: Any) -> None:
    first = build(bench, 5, 1, queued_at=bench.at(1) - 30)
    again = build(bench, 5, 2, queued_at=bench.at(1), attempt=2)
    values = built(bench, first, again).values
    assert (values["queue_median_seconds"], values["queued"], values["reruns"]) == (30, 1, 1)


def test_the_policy_says_which_builds(bench: Any) -> None:
    builds = [
        build(bench, 1, 1, workflow="lint", branch="main"),
        build(bench, 9, 2, workflow="CI", branch="main"),
        build(bench, 4, 3, workflow="CI", branch="topic"),
    ]
    assert built(bench, *builds, build_workflows=("ci",), branch="main").value == 540
    assert set(built(bench, *builds).values["workflows"]) == {"CI", "lint"}
    assert "build-workflows" in built(bench, *builds).remarks[-1]


def test_a_build_that_ends_before_it_begins_does_not_count(bench: Any) -> None:
    assert built(bench, build(bench, -1, 1)).excluded == {"ends before it begins": 1}


def finding(rule_id: str, **fields: Any) -> Result:
    result = Result(rule_id, "fail", Severity.HIGH, f"{rule_id} fails", Location("ci.yml"))
    return replace(result, **fields)


def test_findings_are_named_beside_what_they_bear_upon(bench: Any) -> None:
    findings = [
        finding("ci/timeouts"),
        finding("ci/timeouts", location=Location("b.yml")),
        finding("alerts/exist", kind="open"),
        finding("docker/healthcheck", suppression=Suppression("inSource", "known")),
        finding("deploy/rollback-on-failure"),
    ]
    found = report(bench.scope(), [], findings=findings)
    named = {
        figure.metric: [each.rule_id for each in figure.influences] for figure in found.figures if figure.influences
    }
    assert named == {
        "build_time": ["ci/timeouts"],
        "recovery_time": ["deploy/rollback-on-failure"],
        "change_failure_rate": ["deploy/rollback-on-failure"],
    }
    assert found.figure("build_time").influences[0].message == "ci/timeouts fails (and 1 more)"


def test_influences_name_rules_and_metrics_that_exist() -> None:
    known = {rule.id for rule in rules.all_rules()}
    assert set(INFLUENCES) <= known
    assert {metric for metrics in INFLUENCES.values() for metric in metrics} <= set(METRICS)
