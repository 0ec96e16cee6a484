"""What each deployment counts as, and the rule that the ledger gives."""

from __future__ import annotations

from typing import Any

import pytest

from sp404audit.dora.counting import classify, production
from sp404audit.dora.events import Deployment
from sp404audit.dora.fusion import in_order
from sp404audit.dora.settings import Settings


def roles(*deployments: Deployment, order: str = "", **settings: Any) -> list[str]:
    """Roles of deployments; a commit is an ancestor of those right of it in `order`."""

    def goes_back(one: Deployment, live: Deployment) -> bool:
        return one.sha in order and live.sha in order and order.index(one.sha) < order.index(live.sha)

    return [each.role for each in classify(in_order(deployments), Settings(**settings), {}, goes_back)]


@pytest.mark.parametrize(
    ("fields", "role"),
    [
        ({}, "counted"),
        ({"environment": "PROD"}, "counted"),
        ({"environment": "eu-west", "production": True}, "counted"),
        ({"environment": "live", "production": False}, "counted"),
        ({"environment": "staging"}, "other environment"),
        ({"environment": "preproduction"}, "other environment"),
        ({"environment": "", "production": False}, "other environment"),
        ({"environment": ""}, "counted"),
        ({"environment": "staging", "outcome": "failure"}, "other environment"),
        ({"outcome": "failure"}, "failed attempt"),
        ({"outcome": "cancelled"}, "failed attempt"),
        ({"outcome": "running"}, "unfinished"),
        ({"outcome": "unknown"}, "unfinished"),
        ({"prerelease": True}, "prerelease"),
        ({"rollback": True}, "rollback"),
    ],
)
def test_one_deployment(bench: Any, fields: dict[str, Any], role: str) -> None:
    assert roles(bench.deployment("a", 1, **fields)) == [role]


def test_what_the_policy_counts(bench: Any) -> None:
    again = [bench.deployment("a", 1), bench.deployment("a", 9)]
    assert roles(*again, count_redeploys=True) == ["counted", "counted"]
    assert roles(bench.deployment("a", 1, rollback=True), count_rollbacks=True) == ["counted"]
    assert roles(bench.deployment("a", 1, prerelease=True), count_prereleases=True) == ["counted"]
    assert roles(bench.deployment("a", 1, environment="eu-1"), production_environments=("eu-*",)) == ["counted"]


def test_regions_of_one_release_are_one_deployment(bench: Any) -> None:
    regions = [bench.deployment("a", n / 4, environment=f"eu-{n}", production=True) for n in range(4)]
    assert roles(*regions) == ["counted", "merged", "merged", "merged"]


def test_a_region_that_follows_days_later_is_its_own_deployment(bench: Any) -> None:
    regions = [bench.deployment("a", 30 * n, environment=f"eu-{n}", production=True) for n in range(2)]
    assert roles(*regions) == ["counted", "counted"]
    assert roles(*regions, merge_window=40 * 3600) == ["counted", "merged"]


def test_the_next_release_is_no_region(bench: Any) -> None:
    assert roles(bench.deployment("a", 1), bench.deployment("b", 1.1)) == ["counted", "counted"]


def test_two_names_of_one_commit_are_one_deployment(bench: Any) -> None:
    assert roles(bench.tag("v1", 1, "a"), bench.tag("v1.0.0", 1, "a")) == ["counted", "merged"]
    assert roles(bench.tag("v1", 1, "a"), bench.tag("v1.0.0", 50, "a")) == ["counted", "redeploy"]


def test_a_preview_of_the_same_commit_does_not_take_its_place(bench: Any) -> None:
    preview = bench.tag("v1.0.0-rc1", 1, "a")._replace(prerelease=True)
    assert roles(preview, bench.tag("v1.0.0", 2, "a")) == ["prerelease", "counted"]


@pytest.mark.parametrize("order", ["ab", ""])
def test_back_and_forth(bench: Any, order: str) -> None:
    """With a history or without: to go back is a rollback, to come again a redeploy."""
    steps = [bench.deployment(name, 3 * hours) for hours, name in enumerate("abab")]
    assert roles(*steps, order=order) == ["counted", "counted", "rollback", "redeploy"]


def test_an_ancestor_that_was_never_live_is_a_rollback(bench: Any) -> None:
    assert roles(bench.deployment("b", 1), bench.deployment("a", 9), order="ab") == ["counted", "rollback"]


def test_a_tag_made_late_for_an_old_release_is_no_rollback(bench: Any) -> None:
    """What is live stays so: the same release again is a redeploy, not a return from a rollback."""
    late = bench.tag("v1.0.1", 9, "a")
    assert roles(bench.tag("v1.1.0", 1, "b"), late, order="ab") == ["counted", "late tag"]
    assert roles(bench.tag("v1.0.0", 0, "a"), bench.tag("v1.1.0", 1, "b"), late, order="") == ["counted"] * 2 + [
        "late tag"
    ]
    again = bench.tag("v1.1.0-final", 10, "b")
    assert roles(bench.tag("v1.1.0", 1, "b"), late, again, order="ab") == ["counted", "late tag", "redeploy"]


def test_a_new_version_of_an_old_commit_is_a_rollback(bench: Any) -> None:
    steps = [bench.tag("v1.0.0", 0, "a"), bench.tag("v1.1.0", 1, "b"), bench.tag("v1.2.0", 9, "a")]
    assert roles(*steps, order="ab") == ["counted", "counted", "rollback"]


def test_a_rollback_in_every_region_is_one(bench: Any) -> None:
    steps = [
        bench.deployment(name, hours + place / 10, environment=f"eu-{place}", production=True)
        for hours, name in enumerate(["a", "b", "a"])
        for place in range(2)
    ]
    assert roles(*steps, order="ab", merge_window=600) == ["counted", "merged"] * 2 + ["rollback", "merged"]


def test_services_go_their_own_ways(bench: Any) -> None:
    web, api = (bench.deployment("a", hours, service=name) for hours, name in ((1, "web"), (1.1, "api")))
    assert roles(web, api) == ["counted", "counted"]


def test_every_rule_is_one_line(bench: Any) -> None:
    steps = [bench.deployment(name, hours) for hours, name in enumerate(["a", "b", "a", "b"])]
    for each in classify(steps, Settings(), {}, lambda one, live: False):
        assert each.rule
        assert "\n" not in each.rule


def test_a_superseded_deployment_says_by_what(bench: Any) -> None:
    tag = bench.tag("v1", 1)
    (standing,) = classify([tag], Settings(), {tag.id: "github knows better"}, lambda one, live: False)
    assert (standing.role, standing.rule) == ("other source", "github knows better")


def test_what_names_no_environment_is_production_unless_its_source_says_no(bench: Any) -> None:
    is_production = production(Settings())
    assert is_production(bench.tag("v1", 1))
    assert not is_production(bench.deployment("a", 1, environment="", production=False))
