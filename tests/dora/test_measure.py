"""The front door, on real repositories: exact figures of the known history, and of what may befall one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sp404audit import measure
from sp404audit.dora.figures import METRICS
from sp404audit.dora.measure import MeasureError
from sp404audit.policy.loading import PolicyError

T0 = 1_735_689_600
HOUR = 3600
AS_OF = "2025-01-29"


def measured(folder: Path, settings: str = "", **asked: Any) -> Any:
    """Measure four weeks from the beginning of the known history on; `settings` are lines below `metrics:`."""
    if settings:
        folder.joinpath(".sp404audit.yaml").write_text(f"version: 1\nmetrics:\n  {settings}\n", "utf-8")
    return measure(folder, **{"since": "2025-01-01", "as_of": AS_OF, **asked})


def hours(values: Any, *names: str) -> list[float | None]:
    return [None if values[name] is None else values[name] / HOUR for name in names]


def test_the_known_history(synthetic: Any) -> None:
    report = measured(synthetic.folder)
    assert tuple(figure.metric for figure in report.figures) == METRICS
    frequency = report.figure("deployment_frequency")
    assert frequency.values["deployments"] == 3
    assert frequency.values["per_week"] == pytest.approx(0.75)
    lead = report.figure("lead_time")
    names = ("median_seconds", "p75_seconds", "p90_seconds", "mean_seconds", "per_deployment_median_seconds")
    assert hours(lead.values, *names) == pytest.approx([6.0, 7.0, 7.6, 5.0, 4.0])
    assert (lead.values["changes"], lead.values["deployments"]) == (3, 2)
    assert lead.values["interval_seconds"] is None
    assert lead.excluded == {"there before the first deployment that is known": 1}
    assert [row.value / HOUR for row in lead.evidence if row.value is not None] == [8, 6, 1]
    assert [(row.sha, row.seconds / HOUR) for row in report.changes] == [
        (synthetic.commits["B"], 8),
        (synthetic.commits["C"], 6),
        (synthetic.commits["D"], 1),
    ]


def test_the_known_failure(synthetic: Any) -> None:
    """Of the three releases two thirds of the steps are patches, or half: a revert and a patch tell of the same one."""
    report = measured(synthetic.folder)
    figure = report.figure("change_failure_rate")
    lower = figure.values["lower"]
    assert (lower["k"], lower["n"]) == (1, 3)
    assert lower["interval"] == pytest.approx([0.061492, 0.792340], abs=1e-6)
    assert figure.values["upper"] == lower
    assert (figure.value, figure.band, figure.confidence) == (None, None, "low")
    recovery = report.figure("recovery_time")
    assert hours(recovery.values, "median_seconds", "mean_seconds") == [3, 3]
    assert (recovery.method, recovery.confidence) == ("recovery_time/v1:release_to_fixing_release", "low")
    rework = report.figure("rework_rate")
    assert (rework.values["lower"]["k"], rework.values["lower"]["n"]) == (1, 3)
    for metric in ("mttr", "uptime", "build_time"):
        assert report.figure(metric).value is None


@pytest.mark.parametrize(
    ("settings", "median"),
    [("lead-start: author", 7), ("lead-start: committer", 6), ("lead-measure: merge_to_deploy", 6)],
)
def test_the_policy_says_where_a_change_begins(synthetic: Any, settings: str, median: float) -> None:
    assert hours(measured(synthetic.folder, settings).figure("lead_time").values, "median_seconds") == [median]


def test_isolated_leaves_the_configuration_out(synthetic: Any) -> None:
    report = measured(synthetic.folder, "lead-start: author", isolated=True)
    assert hours(report.figure("lead_time").values, "median_seconds") == [6]


def test_the_same_input_gives_the_same_report(synthetic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = measured(synthetic.folder)
    assert measured(synthetic.folder) == first
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(T0 + 28 * 24 * HOUR))
    assert measure(synthetic.folder, since="2025-01-01") == first


def test_the_default_window_is_ninety_days(synthetic: Any) -> None:
    window = measure(synthetic.folder, as_of=AS_OF).window
    assert (window.until, window.days) == (T0 + 28 * 24 * HOUR, 90)


def test_events_join_with_tags(synthetic: Any, tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_text(
        '{"kind": "incident", "id": "7", "opened_at": "2025-01-01T11:00:00Z", "resolved_at": "2025-01-01T12:30:00Z",'
        ' "caused_by": ["v1.1.0"]}\n',
        "utf-8",
    )
    report = measured(synthetic.folder, events=[events])
    figure = report.figure("change_failure_rate")
    assert (figure.values["k"], figure.values["n"]) == (1, 3)
    assert figure.confidence == "low"
    assert hours(report.figure("recovery_time").values, "median_seconds") == [2.5]
    assert hours(report.figure("mttr").values, "mean_seconds") == [1.5]


def test_the_past_knows_nothing_of_the_future(synthetic: Any) -> None:
    """At the time of v1.1.0 nobody knew that it would be reverted."""
    report = measured(synthetic.folder, as_of="2025-01-01T11:00:00Z")
    assert report.figure("deployment_frequency").values["deployments"] == 2
    assert report.figure("change_failure_rate").values["lower"]["k"] == 0


def test_a_later_verdict_on_an_earlier_window(synthetic: Any) -> None:
    """What came after the window tells what failed in it."""
    report = measured(synthetic.folder, until="2025-01-01T11:00:00Z")
    assert report.figure("deployment_frequency").values["deployments"] == 2
    assert report.figure("change_failure_rate").values["lower"]["k"] == 1
    assert [row.role for row in report.deployments] == ["counted", "counted", "after the window"]


def test_tags_of_one_commit_previews_and_trees(new_repository: Callable[..., Any]) -> None:
    repository = new_repository()
    repository.commit("A", T0, files={"a": "1"})
    repository.tag("v1.0.0", "A", T0 + HOUR)
    repository.tag("v1.0.0-final", "A", T0 + HOUR + 60)
    repository.commit("B", T0 + 2 * HOUR)
    repository.tag("v1.1.0-rc1", "B", T0 + 3 * HOUR)
    repository.tag("v1.1.0", "B", T0 + 4 * HOUR)
    folder = repository.save()
    repository.git("tag", "v1.2.0", "HEAD^{tree}")
    report = measured(folder, "tags: 'v*'")
    roles = {row.deployment.version: row.role for row in report.deployments}
    assert roles == {
        "v1.0.0": "counted",
        "v1.0.0-final": "merged",
        "v1.1.0-rc1": "prerelease",
        "v1.1.0": "counted",
    }
    assert hours(report.figure("lead_time").values, "median_seconds") == [2]


def test_an_octopus_merge_brings_every_branch(new_repository: Callable[..., Any]) -> None:
    repository = new_repository()
    repository.commit("A", T0)
    repository.tag("v1.0.0", "A", T0)
    for number, name in enumerate("BCD"):
        repository.commit(name, T0 + number * HOUR, parents=["A"], branch=name)
    repository.commit("M", T0 + 4 * HOUR, parents=["A", "B", "C", "D"])
    repository.tag("v1.1.0", "M", T0 + 5 * HOUR)
    lead = measured(repository.save()).figure("lead_time")
    assert sorted(row.value / HOUR for row in lead.evidence if row.value is not None) == [3, 4, 5]
    assert hours(lead.values["stages"]["commit_to_merge"], "median_seconds") == [3]
    assert hours(lead.values["stages"]["merge_to_deploy"], "median_seconds") == [1]


def test_a_change_dated_after_its_deployment_is_told_and_not_counted(new_repository: Callable[..., Any]) -> None:
    repository = new_repository()
    repository.commit("A", T0)
    repository.tag("v1.0.0", "A", T0)
    repository.commit("B", T0 + 9 * HOUR, author=b"J\xf8rgen <j@example.com>")
    repository.tag("v1.1.0", "B", T0 + 2 * HOUR)
    lead = measured(repository.save()).figure("lead_time")
    assert (lead.value, lead.values["negative"], lead.n) == (None, 1, 0)
    assert lead.excluded["dated after its deployment"] == 1


def test_a_rollback_to_an_ancestor_and_a_redeploy(new_repository: Callable[..., Any]) -> None:
    repository = new_repository()
    repository.commit("A", T0)
    repository.tag("deploy-1.0.1", "A", T0 + HOUR)
    repository.commit("B", T0 + 2 * HOUR)
    repository.tag("deploy-1.0.2", "B", T0 + 3 * HOUR)
    repository.tag("deploy-1.0.3", "A", T0 + 5 * HOUR)
    repository.tag("deploy-1.0.4", "B", T0 + 9 * HOUR)
    report = measured(repository.save(), "tags: 'deploy-*'")
    assert [row.role for row in report.deployments] == ["counted", "counted", "rollback", "redeploy"]
    values = report.figure("deployment_frequency").values
    assert (values["deployments"], values["rollbacks"], values["redeploys"]) == (2, 1, 1)
    assert report.figure("change_failure_rate").values["lower"]["k"] == 1
    assert hours(report.figure("recovery_time").values, "median_seconds") == [2]


def test_a_tag_made_late_changes_nothing(new_repository: Callable[..., Any]) -> None:
    """A tag for an old commit, with a version below what is live: neither a rollback nor a failure."""
    repository = new_repository()
    for name, version, hours_ in (("A", "v1.0.0", 1), ("B", "", 2), ("C", "v1.2.0", 5)):
        repository.commit(name, T0 + hours_ * HOUR)
        if version:
            repository.tag(version, name, T0 + hours_ * HOUR + 60)
    repository.tag("v1.1.0", "B", T0 + 9 * HOUR)
    report = measured(repository.save())
    assert [row.role for row in report.deployments] == ["counted", "counted", "late tag"]
    assert report.figure("deployment_frequency").excluded == {"late tag": 1}
    assert report.figure("change_failure_rate").values["upper"]["k"] == 0


def test_weeks_begin_where_the_user_lives(new_repository: Callable[..., Any]) -> None:
    """Sunday 23:30 UTC is Monday in Berlin, whose clocks skip an hour on 2025-03-30."""
    repository = new_repository()
    sunday = 1_743_377_400  # 2025-03-30T23:30Z
    repository.commit("A", sunday - 40 * 24 * HOUR)
    repository.tag("v1.0.0", "A", sunday - 40 * 24 * HOUR)
    repository.commit("B", sunday - HOUR)
    repository.tag("v1.1.0", "B", sunday, zone="+0200")
    folder = repository.save()
    for zone, week in (("UTC", 0), ("Europe/Berlin", 1)):
        report = measure(folder, since="2025-03-24", as_of="2025-04-07", timezone=zone)
        buckets = report.figure("deployment_frequency").buckets
        assert [bucket.value for bucket in buckets] == [float(place == week) for place in range(2)]
        hours_of_week = (buckets[0].end - buckets[0].start) // HOUR
        assert hours_of_week == (168 if zone == "UTC" else 167)


def test_merges_taken_for_deployments_have_no_lead_time(new_repository: Callable[..., Any]) -> None:
    repository = new_repository()
    for number in range(9):
        repository.commit(f"c{number}", T0 + number * HOUR)
    report = measured(repository.save())
    assert report.figure("deployment_frequency").values["deployments"] == 9
    lead = report.figure("lead_time")
    assert lead.value is None
    assert lead.confidence_because.endswith("its merge is taken for its deployment: nothing lies between")
    assert report.figure("change_failure_rate").values["upper"] is None


def test_targets_are_judged(synthetic: Any) -> None:
    report = measured(synthetic.folder, policy="sp404")
    verdicts = {figure.metric: figure.verdict for figure in report.figures}
    assert verdicts == {
        "deployment_frequency": "not proven",
        "lead_time": "not proven",
        "change_failure_rate": "fail",
        "recovery_time": "no target",
        "rework_rate": "no target",
        "mttr": "not proven",
        "uptime": "not proven",
        "build_time": "not proven",
    }
    assert all(figure.verdict_because for figure in report.figures if figure.target)
    assert [figure.metric for figure in report.missed] == ["change_failure_rate"]


def test_a_shallow_clone_is_refused_with_the_way_out(synthetic: Any, tmp_path: Path) -> None:
    clone = tmp_path / "shallow"
    command = ["git", "clone", "-q", "--depth", "1", synthetic.folder.as_uri(), str(clone)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(MeasureError, match="--unshallow"):
        measured(clone)


def test_other_sources_do_without_a_history(synthetic: Any, tmp_path: Path) -> None:
    clone = tmp_path / "shallow"
    command = ["git", "clone", "-q", "--depth", "1", synthetic.folder.as_uri(), str(clone)]
    subprocess.run(command, check=True, capture_output=True)
    events = tmp_path / "events.json"
    events.write_text('[{"kind": "deployment", "id": "1", "finished_at": "2025-01-02T00:00:00Z"}]', "utf-8")
    report = measured(clone, events=[events])
    git = next(source for source in report.sources if source.name == "git")
    assert git.partial
    assert "--unshallow" in git.notes[0].message
    assert report.figure("deployment_frequency").values["deployments"] == 1
    assert report.figure("lead_time").confidence_because == "there is no git history"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"since": "yesterday"}, "is no time"),
        ({"since": "2025-02-01"}, "empty"),
        ({"until": "2026-01-01"}, "nothing is known after"),
        ({"timezone": "Mars"}, "time zone"),
        ({"as_of": "1969-12-31", "since": "1d"}, "1970 to 2100"),
        ({"as_of": "9999-12-31", "since": "1d"}, "1970 to 2100"),
        ({"since": "99999y"}, "1970 to 2100"),
        ({"service": "api"}, "no service"),
    ],
)
def test_what_means_nothing_is_refused(synthetic: Any, asked: dict[str, str], message: str) -> None:
    with pytest.raises(MeasureError, match=message):
        measured(synthetic.folder, **asked)


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MeasureError):
        measured(tmp_path)
    with pytest.raises(NotADirectoryError):
        measure(tmp_path / "missing")


def test_an_unknown_policy_is_refused(synthetic: Any) -> None:
    with pytest.raises(PolicyError):
        measured(synthetic.folder, policy="no-such-policy")


def test_services_of_a_monorepo(new_repository: Callable[..., Any]) -> None:
    """Each service has its tags and its files: a change counts for the service whose files it touches."""
    repository = new_repository()
    repository.commit("A", T0, files={"api/a": "1", "web/a": "1"})
    repository.tag("api-1.0.0", "A", T0)
    repository.tag("web-1.0.0", "A", T0)
    repository.commit("B", T0 + HOUR, files={"api/a": "2"})
    repository.commit("C", T0 + 2 * HOUR, files={"web/a": "2"})
    repository.tag("api-1.1.0", "C", T0 + 4 * HOUR)
    repository.tag("web-1.1.0", "C", T0 + 12 * HOUR)
    services = "services: {api: {tags: 'api-*', paths: ['api/']}, web: {tags: 'web-*', paths: ['web/']}}"
    whole = measured(repository.save(), services)
    assert whole.services == ("api", "web")
    assert whole.figure("deployment_frequency").values["deployments"] == 4
    assert "2 services are counted together" in " ".join(whole.figure("deployment_frequency").remarks)
    assert sorted(row.seconds // HOUR for row in whole.changes) == [3, 10]
    for service, lead, sha in (("api", 3, "B"), ("web", 10, "C")):
        part = measured(repository.folder, service=service)
        assert part.figure("deployment_frequency").values["deployments"] == 2
        assert hours(part.figure("lead_time").values, "median_seconds") == [lead]
        assert [row.sha for row in part.changes] == [repository.commits[sha]]


def test_merged_branches_have_a_lead_time_of_their_own(new_repository: Callable[..., Any]) -> None:
    """Where merges are taken for deployments, the work on a branch before its merge is what can be measured."""
    repository = new_repository()
    repository.commit("A", T0)
    for number in range(1, 4):
        start = T0 + number * 24 * HOUR
        repository.commit(f"b{number}", start, parents=["A" if number == 1 else f"m{number - 1}"], branch=f"t{number}")
        parents = ["A" if number == 1 else f"m{number - 1}", f"b{number}"]
        repository.commit(
            f"m{number}", start + number * HOUR, f"Merge pull request #{number} from a/b", parents=parents
        )
    report = measured(repository.save())
    lead = report.figure("lead_time")
    assert [row.value / HOUR for row in lead.evidence if row.counted] == [1, 2, 3]
    assert hours(lead.values["stages"]["commit_to_merge"], "median_seconds") == [2]
    assert lead.values["stages"]["merge_to_deploy"] == {
        "median_seconds": None,
        "p75_seconds": None,
        "p90_seconds": None,
        "changes": 0,
    }
    merged = measured(repository.folder, "lead-measure: merge_to_deploy").figure("lead_time")
    assert merged.value is None


def test_an_incident_of_an_event_file_names_a_deployment_by_its_id(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_text(
        f'{{"kind": "deployment", "id": "Release-7", "finished_at": {T0 + HOUR}, "sha": "{"a" * 40}"}}\n'
        f'{{"kind": "deployment", "id": "r-8", "finished_at": {T0 + 9 * HOUR}, "remedies": "release-7"}}\n'
        f'{{"kind": "incident", "id": "i", "opened_at": {T0 + 3 * HOUR}, "caused_by": ["Release-7"]}}\n',
        "utf-8",
    )
    report = measured(tmp_path, events=[events])
    assert report.figure("change_failure_rate").values["k"] == 1
    assert report.figure("change_failure_rate").values["failures_by_grade"] == {"A": 1}
    assert report.figure("rework_rate").values["k"] == 1
