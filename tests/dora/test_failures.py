"""Which deployments failed: the four grades, one failure a deployment, and when it was over."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.events import FailureSignal
from sp404audit.dora.figures import MetricsReport
from sp404audit.dora.measure import report


def failed(found: MetricsReport) -> dict[str, tuple[str, float | None]]:
    """Commits of failed deployments: how surely, and the hours until recovery."""
    rows = {row.event: row for row in found.figure("recovery_time").evidence}
    return {
        each.deployment.sha: (
            rows[each.deployment.id].rule.partition("(")[2][:1],
            None if each.recovered_at is None else (each.recovered_at - each.deployment.finished_at) / 3600,
        )
        for each in found.deployments
        if each.deployment.id in rows
    }


@pytest.mark.parametrize("cause", ["events:a:1", "1.0.0", "v1.0.0", "V1.0.0", "a" * 40, "a" * 9, "change", "A" * 40])
def test_a_link_may_name_the_deployment_in_any_way(bench: Any, cause: str) -> None:
    sha = "a" * 40
    graph = bench.line(bench.change("first", 0), bench.change("change", 0), bench.change(sha, 1))
    deployments = [
        bench.deployment("first", 0.5),
        bench.deployment(sha, 1, version="v1.0.0")._replace(id="events:a:1"),
        bench.deployment("later", 2),
    ]
    found = bench.report(*deployments, bench.incident("i", 300, 302, caused_by=(cause,)), history=graph)
    assert failed(found) == {sha: ("A", 301)}


def test_a_link_to_something_else_is_no_guess(bench: Any) -> None:
    found = bench.report(bench.deployment("a", 1), bench.incident("i", 1.5, 2, caused_by=("the database",)))
    assert failed(found) == {}
    (row,) = [row for row in found.figure("change_failure_rate").evidence if not row.counted]
    assert row.rule == "names a cause that is no counted deployment"


def test_several_causes_each_failed(bench: Any) -> None:
    found = bench.report(
        bench.deployment("a", 1), bench.deployment("b", 2), bench.incident("i", 3, 4, caused_by=("a", "b"))
    )
    assert failed(found) == {"a": ("A", 3), "b": ("A", 2)}


def test_a_link_to_a_redeploy_means_the_deployment(bench: Any) -> None:
    again = bench.deployment("a", 9)
    found = bench.report(bench.deployment("a", 1), again, bench.incident("i", 10, 11, caused_by=(again.id,)))
    assert failed(found) == {"a": ("A", 10)}


def test_a_remedy_that_names_what_it_mends(bench: Any) -> None:
    found = bench.report(bench.deployment("a", 1), bench.deployment("b", 5, remedies="a", unplanned=True))
    assert failed(found) == {"a": ("A", 4)}
    figure = found.figure("rework_rate")
    assert (figure.values["k"], figure.values["n"]) == (1, 2)


def test_a_rollback_fails_what_was_live(bench: Any) -> None:
    found = bench.report(bench.deployment("a", 1), bench.deployment("b", 5), bench.deployment("x", 6, rollback=True))
    assert failed(found) == {"b": ("B", 1)}


def test_a_status_that_turned_bad_lasts_until_the_next_deployment(bench: Any) -> None:
    bad = bench.deployment("a", 1, failed_at=bench.at(2))
    assert failed(bench.report(bad, bench.deployment("b", 5))) == {"a": ("B", 4)}
    assert failed(bench.report(bad)) == {"a": ("B", None)}


def test_time_lays_an_incident_to_the_last_deployment(bench: Any) -> None:
    events = [bench.deployment("a", 1), bench.deployment("b", 2), bench.incident("i", 2.5, 3)]
    assert failed(bench.report(*events)) == {"b": ("C", 1)}


@pytest.mark.parametrize(("opened", "is_laid"), [(1, True), (25, True), (25.01, False), (0.9, False)])
def test_the_attribution_window(bench: Any, opened: float, is_laid: bool) -> None:
    found = bench.report(bench.deployment("a", 1), bench.incident("i", opened, 30))
    assert bool(failed(found)) == is_laid


def test_the_attribution_window_is_the_policys(bench: Any) -> None:
    events = [bench.deployment("a", 1), bench.incident("i", 40, 41)]
    assert failed(bench.report(*events, scope=bench.scope(attribution_window=40 * 3600))) == {"a": ("C", 40)}


def test_after_a_rollback_the_earlier_release_is_not_blamed(bench: Any) -> None:
    steps = [bench.deployment("a", 1), bench.deployment("b", 5), bench.deployment("a", 6), bench.incident("i", 7, 8)]
    assert failed(bench.report(*steps)) == {"b": ("B", 1)}


def test_incidents_elsewhere_are_laid_to_nothing_here(bench: Any) -> None:
    deployment = bench.deployment("a", 1, service="api")
    for fields in ({"environment": "staging"}, {"service": "web"}):
        assert failed(bench.report(deployment, bench.incident("i", 2, 3, **fields))) == {}
    assert failed(bench.report(deployment, bench.incident("i", 2, 3, service="api", environment="PROD-"))) == {}
    assert failed(bench.report(deployment, bench.incident("i", 2, 3, service="api", environment="Production")))


def test_the_strongest_evidence_is_told_and_the_last_end_counts(bench: Any) -> None:
    incidents = [bench.incident("1", 2, 3), bench.incident("2", 2, 6, caused_by=("a",))]
    assert failed(bench.report(bench.deployment("a", 1), *incidents)) == {"a": ("A", 5)}


def test_a_rollback_ends_what_an_open_incident_leaves_open(bench: Any) -> None:
    steps = [bench.deployment("a", 1), bench.deployment("b", 5), bench.incident("i", 5.5)]
    assert failed(bench.report(*steps)) == {"b": ("C", None)}
    assert failed(bench.report(*steps, bench.deployment("a", 7))) == {"b": ("B", 2)}


def test_hints_of_git_count_only_where_nothing_is_on_record(bench: Any) -> None:
    graph = bench.line(*[bench.change(name, hours) for hours, name in enumerate(["v1.0.0", "v1.1.0", "v1.1.1"])])
    tags = [bench.tag(name, 5 + hours) for hours, name in enumerate(graph.parents)]
    graph.signals = (FailureSignal(tags[1].id, "revert", tags[2].id, "taken back"),)
    alone = report(bench.scope(), [bench.told(*tags, name="git")], graph)
    assert failed(alone) == {"v1.1.0": ("D", 1)}
    assert [row.failed_because for row in alone.deployments] == ["", "taken back", ""]
    recorded = [bench.told(*tags, name="git"), bench.told(bench.incident("i", 600, 601))]
    both = report(bench.scope(), recorded, graph)
    assert failed(both) == {}
    assert "git hints at 1 further deployment" in both.figure("change_failure_rate").remarks[-1]


def test_patches_are_an_upper_bound_only(bench: Any) -> None:
    names = ["v1.0.0", "v1.1.0", "v1.1.1"]
    graph = bench.line(*[bench.change(name, hours) for hours, name in enumerate(names)])
    tags = [bench.tag(name, 5 + hours) for hours, name in enumerate(names)]
    graph.signals = (FailureSignal(tags[1].id, "patch-release", tags[2].id, "v1.1.1 came an hour later"),)
    found: Any = report(bench.scope(), [bench.told(*tags, name="git")], graph)
    figure: Any = found.figure("change_failure_rate")
    assert (figure.values["lower"]["k"], figure.values["upper"]["k"]) == (0, 1)
    assert [row.value for row in figure.evidence] == [0, None, 0]
    assert found.figure("recovery_time").value is None
    assert (found.figure("rework_rate").values["lower"]["k"], found.figure("rework_rate").values["upper"]["k"]) == (
        0,
        1,
    )
    noted = bench.told(*tags, name="git", notes=(_patches(),))
    silent = report(bench.scope(), [noted], graph).figure("change_failure_rate")
    assert silent.values["upper"] is None


def _patches() -> Any:
    from sp404audit.dora.events import Note

    return Note("git/patch-releases", "most releases are patches")


@settings(max_examples=100, deadline=None)
@given(
    deployed=st.lists(
        st.tuples(st.sampled_from(["", "api", "web"]), st.sampled_from(["", "prod", "LIVE"])), max_size=8
    ),
    after=st.integers(0, 9),
    service=st.sampled_from(["", "api", "web", "other"]),
    environment=st.sampled_from(["", "Prod", "live"]),
)
def test_time_lays_an_incident_to_the_last_deployment_of_its_place(
    bench: Any, deployed: list[tuple[str, str]], after: int, service: str, environment: str
) -> None:
    """What names no service or environment is about all of them."""
    told = [
        bench.deployment(f"c{place}", place, service=of, environment=where)
        for place, (of, where) in enumerate(deployed)
    ]
    incident = bench.incident("i", after + 0.5, service=service, environment=environment)
    report = bench.report(*told, incident, scope=bench.scope(merge_window=0))
    fitting = [
        each.id
        for each, (of, where) in zip(told, deployed, strict=True)
        if each.finished_at <= incident.opened_at
        and (not service or of in ("", service))
        and (not environment or where.lower() in ("", environment.lower()))
    ]
    failed = [row.deployment.id for row in report.deployments if row.failed_because]
    assert failed == fitting[-1:]


@pytest.mark.parametrize("fields", [{"caused_by": ("a" * 40,)}, {"service": "web"}])
def test_thousands_of_incidents_are_laid_in_bounded_time(bench: Any, fields: dict[str, Any]) -> None:
    """Whether they name a commit that was deployed as often, or a service of which nothing is known."""
    number = 4000
    told = [bench.deployment("a" * 40, place / 100, service="api") for place in range(number)]
    told += [bench.incident(str(place), place / 100, **fields) for place in range(number)]
    started = time.process_time()
    bench.report(*told, scope=bench.scope())
    assert time.process_time() - started < 3
