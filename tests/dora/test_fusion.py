"""Fusion: one event kept once, completed by the others; precedence; disagreements told in plain lines."""

from __future__ import annotations

from typing import Any

import pytest

from sp404audit.dora.counting import production
from sp404audit.dora.events import Availability, Build, Incident
from sp404audit.dora.figures import Window
from sp404audit.dora.fusion import Fused, fuse, in_order, known_at, plain_version
from sp404audit.dora.settings import Settings

WEEK = 7 * 24


def fused(bench: Any, *collected: Any, resolve: Any = None, hours: float = 28 * 24) -> Fused:
    window = Window(bench.at(0), bench.at(hours))
    return fuse(collected, window, production(Settings()), resolve)


def on_github(bench: Any, name: str, hours: float, **fields: Any) -> Any:
    given = {"source": "github", "basis": "deployment", "version": "", **fields}
    return bench.deployment(name, hours, **given)


def test_a_tag_and_its_deployment_are_one_and_complete_each_other(bench: Any) -> None:
    tag = bench.tag("v1.0.0", 1, "abc")
    live = on_github(bench, "abc", 3, url="https://example.com/1", failed_at=bench.at(4))
    (kept,) = fused(bench, bench.told(tag, name="git"), bench.told(live, name="github")).deployments
    assert kept == live._replace(version="v1.0.0")


def test_what_a_lesser_source_adds_is_kept(bench: Any) -> None:
    event = bench.deployment("abc", 3)
    live = on_github(bench, "abc", 2, url="https://example.com/1", failed_at=bench.at(5), unplanned=True, service="api")
    (kept,) = fused(bench, bench.told(event), bench.told(live, name="github")).deployments
    assert (kept.id, kept.finished_at) == (event.id, event.finished_at)
    assert (kept.url, kept.failed_at, kept.unplanned, kept.service) == (live.url, live.failed_at, True, "api")


@pytest.mark.parametrize(
    ("tag_hours", "sha", "environment"),
    [(3 + 24.1, "abc", "production"), (1, "other", "production"), (1, "abc", "staging")],
)
def test_what_is_not_the_same_is_not_folded(bench: Any, tag_hours: float, sha: str, environment: str) -> None:
    tag = bench.tag("v1.0.0", tag_hours, sha)
    live = on_github(bench, "abc", 3, environment=environment)
    assert len(fused(bench, bench.told(tag, name="git"), bench.told(live, name="github")).deployments) == 2


def test_a_deployment_without_a_commit_is_known_by_its_version(bench: Any) -> None:
    tag = bench.tag("v1.0.0", 1, "abc")
    event = bench.deployment("", 2, version="1.0.0")
    (kept,) = fused(bench, bench.told(event), bench.told(tag, name="git")).deployments
    assert (kept.id, kept.sha) == (event.id, "abc")


def test_the_history_completes_short_ids_and_versions(bench: Any) -> None:
    known = {"abcdef1": "a" * 40, "v2.0.0": "b" * 40}
    events = [bench.deployment("abcdef1", 1), bench.deployment("", 2, version="2.0.0")]
    found = fused(bench, bench.told(*events), resolve=known.get).deployments
    assert [each.sha for each in found] == ["a" * 40, "b" * 40]


def test_each_of_two_deployments_takes_the_nearest_tag(bench: Any) -> None:
    first, again = on_github(bench, "abc", 1), on_github(bench, "abc", 20)
    tag = bench.tag("v1.0.0", 19, "abc")
    found = fused(bench, bench.told(tag, name="git"), bench.told(first, again, name="github")).deployments
    assert [each.version for each in found] == ["", "v1.0.0"]


def test_three_sources_fold_into_the_best(bench: Any) -> None:
    tag = bench.tag("v1.0.0", 1, "abc")
    release = on_github(bench, "abc", 1.5, version="v1.0.0", basis="release", environment="", url="https://e.com/r")
    event = bench.deployment("abc", 2)
    told = [bench.told(tag, name="git"), bench.told(release, name="github"), bench.told(event)]
    found = fused(bench, *told)
    assert found == fused(bench, *reversed(told))
    assert [(each.id, each.version, each.url) for each in found.deployments] == [(event.id, "v1.0.0", release.url)]
    assert found.disagreements == ()


def test_disagreement_is_told_in_numbers(bench: Any) -> None:
    tags = [bench.tag(f"v1.{n}.0", 24 * n + 1, f"c{n}") for n in range(12)]
    live = [on_github(bench, f"c{n}", 24 * n + 1.5) for n in range(8)]
    other = on_github(bench, "x", 300)
    found = fused(bench, bench.told(*tags, name="git"), bench.told(*live, other, name="github"))
    assert found.disagreements == (
        "git tells of 12 tags in the window, GitHub of 9 deployments: 8 are the same, 4 only git knows, "
        "1 only GitHub knows; what GitHub tells counts",
    )
    assert set(found.superseded) == {tag.id for tag in tags[8:]}


def test_sources_that_agree_say_nothing(bench: Any) -> None:
    tags = [bench.tag(f"v1.{n}.0", 24 * n + 1, f"c{n}") for n in range(4)]
    live = [on_github(bench, f"c{n}", 24 * n + 1.5) for n in range(4)]
    assert fused(bench, bench.told(*tags, name="git"), bench.told(*live, name="github")).disagreements == ()


def test_that_a_deployment_failed_outweighs_its_tag(bench: Any) -> None:
    tag, failed = bench.tag("v1.0.0", 1, "abc"), on_github(bench, "abc", 2, outcome="failure")
    live = on_github(bench, "def", 30)
    found = fused(bench, bench.told(tag, name="git"), bench.told(failed, live, name="github"))
    assert [each.outcome for each in found.deployments] == ["failure", "success"]
    assert "v1.0.0 (git tells of it, GitHub says it failed)" in found.disagreements[-1]


def test_times_far_apart_are_told(bench: Any) -> None:
    tag, live = bench.tag("v1.0.0", 1, "abc"), on_github(bench, "abc", 6.5)
    found = fused(bench, bench.told(tag, name="git"), bench.told(live, name="github"))
    assert found.disagreements == (
        "sources disagree by more than an hour when these went live: v1.0.0 by 5.5 h (GitHub and git)",
    )


def test_before_the_first_event_other_sources_count(bench: Any) -> None:
    tags = [bench.tag(f"v1.{n}.0", 24 * n + 1, f"c{n}") for n in range(6)]
    event = bench.deployment("c3", 24 * 3 + 1)
    found = fused(bench, bench.told(*tags, name="git"), bench.told(event))
    assert set(found.superseded) == {tags[4].id, tags[5].id}


def test_before_a_source_reaches_others_count(bench: Any) -> None:
    tags = [bench.tag(f"v1.{n}.0", 24 * n + 1, f"c{n}") for n in range(6)]
    live = on_github(bench, "c5", 24 * 5 + 1)
    found = fused(bench, bench.told(*tags, name="git"), bench.told(live, name="github", covers_since=bench.at(72)))
    assert set(found.superseded) == {tags[3].id, tags[4].id}


def test_staging_supersedes_nothing(bench: Any) -> None:
    tag, staged = bench.tag("v1.0.0", 50, "abc"), on_github(bench, "def", 3, environment="staging")
    assert not fused(bench, bench.told(tag, name="git"), bench.told(staged, name="github")).superseded


def test_services_do_not_supersede_each_other(bench: Any) -> None:
    tag = bench.tag("web-1.0.0", 50, "abc")._replace(service="web")
    live = on_github(bench, "def", 3, service="api")
    assert not fused(bench, bench.told(tag, name="git"), bench.told(live, name="github")).superseded


def test_incidents_are_one_by_id_or_address(bench: Any) -> None:
    alert = bench.incident("1", 5, None, url="https://example.com/i/1")
    issue = Incident("github:issue:9", "github", bench.at(5.5), bench.at(7), ("abc",), "high", url=alert.url)
    other = Incident("github:issue:10", "github", bench.at(5.5), bench.at(7))
    found = fused(bench, bench.told(alert), bench.told(issue, other, name="github")).incidents
    assert [each.id for each in found] == [alert.id, other.id]
    assert (found[0].resolved_at, found[0].caused_by, found[0].severity) == (issue.resolved_at, ("abc",), "high")


def test_builds_and_samples_come_in_order(bench: Any) -> None:
    late, early = [Build(f"events:{n}", "events", bench.at(n), bench.at(n + 1)) for n in (5, 2)]
    seen = Availability("prometheus", "api", "up", 0, 10, 9, 1, 0)
    told = bench.told(late, early, early)._replace(availability=(seen,))
    found = fused(bench, told)
    assert found.builds == (early, late)
    assert found.availability == (seen,)


def test_events_of_several_sources_come_in_order_of_time(bench: Any) -> None:
    """Whichever source weighs more."""
    builds = [Build(f"{n}", source, bench.at(n), bench.at(n + 1)) for n, source in ((5, "events"), (2, "github"))]
    incidents = [bench.incident("late", 9), Incident("github:issue:1", "github", bench.at(3))]
    told = [bench.told(*pair, name=pair[0].source) for pair in zip(builds, incidents, strict=True)]
    found = fused(bench, *told)
    assert found.builds == tuple(builds[::-1])
    assert found.incidents == tuple(incidents[::-1])


def test_changes_of_several_sources_are_completed(bench: Any) -> None:
    merged = bench.change("a", 1, merged_at=bench.at(2))
    opened = bench.change("a", 1, first_commit_at=bench.at(0), pull_request=7, labels=("x",))
    found = fused(bench, bench.told(merged), bench.told(opened, name="github")).changes["a"]
    assert (found.merged_at, found.first_commit_at, found.pull_request, found.labels) == (
        bench.at(2),
        bench.at(0),
        7,
        ("x",),
    )


def test_what_came_later_is_not_known(bench: Any) -> None:
    told = bench.told(
        bench.deployment("a", 1, failed_at=bench.at(9)),
        bench.deployment("b", 9),
        bench.incident("open", 2, 9),
        bench.incident("later", 9),
        Build("1", "events", bench.at(1), bench.at(9)),
    )
    known = known_at(told, bench.at(5))
    assert [(each.sha, each.failed_at) for each in known.deployments] == [("a", None)]
    assert [(each.id, each.resolved_at) for each in known.incidents] == [("events:incident:open", None)]
    assert known.builds == ()


def test_versions_of_one_second_come_as_people_count(bench: Any) -> None:
    tags = [bench.tag(version, 1) for version in ("v1.10.0", "v1.9.0", "v1.2.0")]
    assert [each.version for each in in_order(tags)] == ["v1.2.0", "v1.9.0", "v1.10.0"]


def test_versions_are_compared_without_their_v() -> None:
    assert plain_version("V1.2.0 ") == plain_version("1.2.0") == "1.2.0"
    assert plain_version("velvet") == "velvet"
