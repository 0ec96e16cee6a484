"""What the known repository comes to, record by record, and what is told when something cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sp404audit.dora.events import Build, Change, Deployment, Incident
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.github import AccessError, collect

if TYPE_CHECKING:
    from tests.dora.sources.github.conftest import GitHub, MakeClient

T0, HOUR, DAY = 1_772_323_200, 3600, 86_400
SLUG = "octo/shop"
SETTINGS = Settings()


def test_deployments(known: GitHub, make_client: MakeClient, window: Window) -> None:
    collected = collect(SLUG, SETTINGS, window, make_client())
    found = {each.id.removeprefix("github:"): each for each in collected.deployments}
    assert list(found) == ["deployment:100", "release:1", "deployment:101", "release:3", "deployment:102",
                           "deployment:103", "deployment:104", "deployment:105", "deployment:106"]  # fmt: skip
    assert found["deployment:101"] == Deployment(
        id="github:deployment:101",
        source="github",
        finished_at=T0 + HOUR + 300,
        outcome="success",
        sha=f"{101:040x}",
        version="v1.0.0",
        environment="production",
        production=True,
        url="https://example.com/octo/shop/actions/runs/101",
        basis="deployment",
    )
    assert found["deployment:102"].failed_at == T0 + 26 * HOUR
    assert found["deployment:103"].rollback
    assert (found["deployment:104"].outcome, found["deployment:104"].finished_at) == ("failure", T0 + 30 * HOUR + 60)
    assert found["deployment:106"].outcome == "running"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["success"], ("success", 0, None)),
        (["pending", "failure", "success"], ("success", 2, None)),
        (["success", "error", "success", "failure"], ("success", 0, 1)),
        (["in_progress", "success", "inactive"], ("success", 1, None)),
        (["failure", "error", "inactive"], ("failure", 1, None)),
        (["queued", "inactive"], ("cancelled", 1, None)),
        ([], ("unknown", 0, None)),
    ],
)
def test_the_course_of_a_deployment(
    states: list[str],
    expected: tuple[str, int, int | None],
    github: GitHub,
    make_client: MakeClient,
    window: Window,
) -> None:
    github.deploy(1, T0, *((T0 + hour * HOUR, state) for hour, state in enumerate(states)))
    (found,) = collect(SLUG, SETTINGS, window, make_client()).deployments
    failed = None if found.failed_at is None else (found.failed_at - T0) // HOUR
    assert (found.outcome, (found.finished_at - T0) // HOUR, failed) == expected


def test_no_address_but_one_for_browsers_is_taken(github: GitHub, make_client: MakeClient, window: Window) -> None:
    github.deploy(1, T0, (T0, "success"))
    github.statuses[1][0] |= {"log_url": "javascript:alert(1)", "target_url": "https://example.com/a"}
    (deployment,) = collect(SLUG, SETTINGS, window, make_client()).deployments
    assert deployment.url == "https://example.com/a"


def test_statuses_are_asked_for_production_alone(known: GitHub, make_client: MakeClient, window: Window) -> None:
    collected = collect(SLUG, SETTINGS, window, make_client())
    staging = next(each for each in collected.deployments if each.environment == "staging")
    assert (staging.outcome, staging.production) == ("unknown", None)
    assert not any(seen.path.endswith("/deployments/105/statuses") for seen in known.seen)


def test_releases(known: GitHub, make_client: MakeClient, window: Window) -> None:
    collected = collect(SLUG, SETTINGS, window, make_client())
    release, candidate = (each for each in collected.deployments if each.basis == "release")
    assert release == Deployment(
        id="github:release:1",
        source="github",
        finished_at=T0 + HOUR,
        version="v1.0.0",
        url="https://example.com/releases/v1.0.0",
        basis="release",
    )
    assert candidate.prerelease


def test_incidents(known: GitHub, make_client: MakeClient, window: Window) -> None:
    collected = collect(SLUG, SETTINGS, window, make_client())
    linked, standing = collected.incidents
    assert linked == Incident(
        id="github:issue:20",
        source="github",
        opened_at=T0 + 26 * HOUR,
        resolved_at=T0 + 27 * HOUR,
        caused_by=(f"{102:040x}",),
        severity="critical",
        service="web",
        title="Checkout fails",
        url="https://example.com/octo/shop/issues/20",
    )
    assert (standing.resolved_at, standing.caused_by, standing.severity) == (None, (), "sev2")
    assert collected.report.counts["duplicate incidents"] == 1


def test_builds_end_with_their_last_job_and_every_attempt_is_one(
    known: GitHub, make_client: MakeClient, window: Window
) -> None:
    collected = collect(SLUG, SETTINGS, window, make_client())
    start, again = T0 + 2 * DAY, T0 + 2 * DAY + HOUR
    first, failed, second = collected.builds
    assert first == Build(
        id="github:run:1/1",
        source="github",
        queued_at=start,
        started_at=start,
        running_at=start + 20,
        finished_at=start + 260,
        workflow="build",
        branch="main",
        sha=f"{1:040x}",
        url=first.url,
    )
    assert (failed.attempt, failed.outcome, failed.started_at, failed.finished_at) == (
        1, "failure", start + 60, start + 400)  # fmt: skip
    assert (second.attempt, second.outcome, second.started_at, second.finished_at, second.running_at) == (
        2, "success", again, again + 300, again + 15)  # fmt: skip
    assert collected.report.counts["workflow runs"] == 3


def test_jobs_that_a_partial_rerun_takes_over_keep_their_times(
    github: GitHub, make_client: MakeClient, window: Window
) -> None:
    kept = github.job(T0, T0 + 10, T0 + 50, attempt=2)
    again = github.job(T0 + HOUR, T0 + HOUR + 5, T0 + HOUR + 90, attempt=2)
    skipped = github.job(T0 + HOUR, T0 + HOUR, T0 + 9 * HOUR, attempt=2, conclusion="skipped")
    github.run(1, T0, kept, again, skipped, attempt=2, started=T0 + HOUR)
    (build,) = collect(SLUG, SETTINGS, window, make_client()).builds
    assert (build.started_at, build.running_at, build.finished_at) == (T0 + HOUR, T0 + HOUR + 5, T0 + HOUR + 90)


def test_a_run_without_jobs_that_can_be_read_is_counted(
    github: GitHub, make_client: MakeClient, window: Window
) -> None:
    github.run(1, T0)
    collected = collect(SLUG, SETTINGS, window, make_client())
    assert collected.builds == ()
    assert "workflow runs (1)" in collected.report.notes[0].message


def test_builds_can_be_limited_to_workflows(known: GitHub, make_client: MakeClient, window: Window) -> None:
    for patterns, expected in ((("BUI*",), 3), (("release*",), 0)):
        collected = collect(SLUG, Settings(build_workflows=patterns), window, make_client())
        assert len(collected.builds) == expected, patterns


def test_changes(known: GitHub, make_client: MakeClient, window: Window) -> None:
    collected = collect(SLUG, SETTINGS, window, make_client())
    found = {each.sha: each for each in collected.changes}
    assert found[f"{7:040x}"] == Change(
        sha=f"{7:040x}",
        authored_at=T0 + 19 * HOUR,
        committed_at=T0 + 20 * HOUR,
        author="ada",
        merged_at=T0 + 20 * HOUR,
        first_commit_at=T0 + 2 * HOUR,
        pull_request=7,
        labels=("feature",),
    )
    assert found["b" * 40] == Change(
        sha="b" * 40,
        authored_at=T0 + 4 * HOUR,
        committed_at=T0 + 4 * HOUR,
        author="ada@example.com",
        merged_at=T0 + 20 * HOUR,
        first_commit_at=T0 + 2 * HOUR,
        pull_request=7,
        labels=("feature",),
    )
    assert [sha for sha, change in found.items() if change.is_bot] == ["d" * 40, f"{10:040x}"]
    assert not any(change.pull_request == 9 for change in collected.changes)


def test_an_old_pull_request_that_is_talked_about_again(
    github: GitHub, make_client: MakeClient, window: Window
) -> None:
    github.pull(1, T0 - 400 * DAY, ("a" * 40, T0 - 401 * DAY, T0 - 401 * DAY), updated=T0 + DAY)
    github.pull(2, T0 - 29 * DAY, ("b" * 40, T0 - 29 * DAY, T0 - 29 * DAY))
    changes = collect(SLUG, SETTINGS, window, make_client()).changes
    assert {each.pull_request for each in changes} == {2}


def test_a_hotfix_branch_makes_its_deployment_unplanned(known: GitHub, make_client: MakeClient, window: Window) -> None:
    known.deploy(107, T0 + 28 * HOUR, (T0 + 28 * HOUR, "success"), sha=f"{103:040x}")
    known.deploy(108, T0 + 29 * HOUR, (T0 + 29 * HOUR, "success"), ref="refs/heads/hotfix/checkout")
    collected = collect(SLUG, SETTINGS, window, make_client())
    assert [each.id for each in collected.deployments if each.unplanned] == [
        "github:deployment:107", "github:deployment:108"]  # fmt: skip
    assert {each.labels for each in collected.changes if each.pull_request == 8} == {("hotfix",)}


def test_the_report_of_the_source(known: GitHub, make_client: MakeClient, window: Window) -> None:
    report = collect(SLUG, SETTINGS, window, make_client()).report
    assert report.name == "github"
    assert report.counts == {
        "deployments": 7,
        "releases": 2,
        "duplicate incidents": 1,
        "incidents": 2,
        "workflow runs": 3,
        "builds": 3,
        "pull requests": 3,
    }
    assert (report.partial, report.notes) == (False, ())
    assert report.covers_since == T0 - 10 * DAY + 60, "nobody recorded deployments before the first"


def test_deployments_are_read_until_they_are_too_old(github: GitHub, make_client: MakeClient, window: Window) -> None:
    github.most_per_page = 2
    for number in range(10):
        github.deploy(number + 1, T0 - number * 20 * DAY, (T0 - number * 20 * DAY, "success"))
    collected = collect(SLUG, SETTINGS, window, make_client())
    pages = [seen for seen in github.seen if seen.path.endswith("/deployments")]
    assert len(pages) == 2, "the second page is wholly older than the margin"
    assert collected.report.covers_since == T0 - 30 * DAY
    assert not collected.report.partial


def test_the_last_deployment_before_the_window_is_looked_for(
    github: GitHub, make_client: MakeClient, window: Window
) -> None:
    github.most_per_page = 1
    for number, created in enumerate((T0 + DAY, T0 - 100 * DAY, T0 - 200 * DAY)):
        github.deploy(number + 1, created, (created, "success"))
        github.deploy(number + 11, created - 50 * DAY, environment="preview")
    collected = collect(SLUG, SETTINGS, window, make_client())
    live = [each.finished_at for each in collected.deployments if each.outcome == "success"]
    assert live == [T0 - 100 * DAY, T0 + DAY]


def test_services_are_told_by_their_tags(github: GitHub, make_client: MakeClient, window: Window) -> None:
    from sp404audit.dora.settings import ServicePattern

    github.release(1, "api-1.2.0", T0)
    github.deploy(1, T0, (T0, "success"), ref="refs/tags/web-2.0.0")
    services = {"api": ServicePattern("api-*"), "web": ServicePattern("web-*")}
    collected = collect(SLUG, Settings(services=services), window, make_client())
    assert {(each.service, each.version) for each in collected.deployments} == {
        ("api", "api-1.2.0"), ("web", "web-2.0.0")}  # fmt: skip


def test_without_a_production_environment_the_others_are_named(
    github: GitHub, make_client: MakeClient, window: Window
) -> None:
    github.environments = [github.record("environment", name=name) for name in ("staging", "customers")]
    github.deploy(1, T0, (T0, "success"), environment="customers")
    report = collect(SLUG, SETTINGS, window, make_client()).report
    (note,) = report.notes
    assert note.id == "github/no-production"
    assert "customers, staging" in note.message
    assert not collect(SLUG, Settings(production_environments=("cust*",)), window, make_client()).report.notes


def test_a_repository_that_is_not_there(github: GitHub, make_client: MakeClient, window: Window) -> None:
    collected = collect("octo/other", SETTINGS, window, make_client())
    assert collected.report.partial
    assert not collected.deployments
    messages = [note.message for note in collected.report.notes]
    assert any("/repos/octo/other: there is no such thing, or the token may not see it" in each for each in messages)


@pytest.mark.parametrize("name", ["", "octo", "octo/shop/x", "../..", "octo/..", "octo/shop?x", "o\n/p"])
def test_a_repository_that_is_none(name: str, make_client: MakeClient, window: Window) -> None:
    with pytest.raises(AccessError, match="owner/name"):
        collect(name, SETTINGS, window, make_client())


def test_the_same_twice_gives_the_same(known: GitHub, make_client: MakeClient, window: Window) -> None:
    assert collect(SLUG, SETTINGS, window, make_client()) == collect(SLUG, SETTINGS, window, make_client())
    known.deployments.reverse()
    known.runs.reverse()
    assert collect(SLUG, SETTINGS, window, make_client()) == collect(SLUG, SETTINGS, window, make_client())


def test_more_runs_than_one_question_gives(github: GitHub, make_client: MakeClient, window: Window) -> None:
    for number in range(1100):
        github.run(number + 1, T0 + 7 * DAY + number * 600)
    report = collect(SLUG, Settings(build_workflows=("other",)), window, make_client()).report
    assert report.counts["workflow runs"] == 1100
    assert not report.partial
    asked = [seen.query for seen in github.seen if seen.path.endswith("/actions/runs")]
    assert max(int(query.get("page", "1")) for query in asked) <= 10
    assert len({query["created"] for query in asked}) > 2, "halved"
    assert len(asked) < 20


def test_more_runs_than_that_in_one_hour(github: GitHub, make_client: MakeClient, window: Window) -> None:
    for number in range(1100):
        github.run(number + 1, T0 + number)
    report = collect(SLUG, Settings(build_workflows=("other",)), window, make_client()).report
    assert report.counts["workflow runs"] in range(1000, 1101)
    assert report.partial is (report.counts["workflow runs"] < 1100)
    assert [note.id for note in report.notes] == ["github/many-runs"] * report.partial


def test_an_enterprise_server(known: GitHub, window: Window, secret: str) -> None:
    from sp404audit.dora.sources.github import open_client

    known.prefix = "/api/v3"
    known.most_per_page = 2
    environment = {"GITHUB_API_URL": f"{known.url}/api/v3", "GITHUB_TOKEN": secret}
    with open_client(environment, cache=False) as client:
        report = collect(SLUG, SETTINGS, window, client).report
    assert not report.partial
    assert report.counts["deployments"] == 7
