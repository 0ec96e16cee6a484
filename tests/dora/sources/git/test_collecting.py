"""The git source on real repositories: the synthetic one with its exact values, its extensions, and refusals."""

from __future__ import annotations

import datetime
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

import pytest

from sp404audit.dora.events import Collected, Deployment
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import ServicePattern, Settings
from sp404audit.dora.sources.git import GitHistory, HistoryError, collect

T0 = 1_735_689_600
HOUR = 3600
DAY = 86_400
WINDOW = Window(T0 - 30 * DAY, T0 + 60 * DAY)
New = Callable[..., Any]


def read(folder: Path, settings: Settings | None = None) -> tuple[Collected, GitHistory]:
    return collect(folder, settings or Settings(), WINDOW)


def versions(collected: Collected) -> list[str]:
    return [each.version for each in collected.deployments]


def notes(collected: Collected) -> dict[str, str]:
    return {note.id: note.message for note in collected.report.notes}


def changes(history: GitHistory, deployments: Sequence[Deployment], paths: Sequence[str] = ()) -> list[list[str]]:
    found = history.attribute([each.sha for each in deployments], paths)
    return [[change.sha for change in each] for each in found]


def lead_times(collected: Collected, history: GitHistory, start: str = "committed_at") -> list[float]:
    found = history.attribute([each.sha for each in collected.deployments])
    return [
        (deployment.finished_at - getattr(change, start)) / HOUR
        for deployment, brought in list(zip(collected.deployments, found, strict=True))[1:]
        for change in brought
    ]


def signals(collected: Collected, history: GitHistory, kind: str, window: int = DAY) -> list[tuple[str, str]]:
    found = history.failure_signals(collected.deployments, window)
    name = {each.id: each.version or each.sha for each in collected.deployments}
    return [(name[each.deployment], name[each.recovered_by]) for each in found if each.kind == kind]


class TestSynthetic:
    def test_deployments(self, synthetic: Any) -> None:
        collected, _ = read(synthetic.folder)
        assert [(each.id, each.finished_at - T0, each.sha) for each in collected.deployments] == [
            ("git:tag:v1.0.0", HOUR, synthetic.commits["A"]),
            ("git:tag:v1.1.0", 10 * HOUR, synthetic.commits["C"]),
            ("git:tag:v1.1.1", 13 * HOUR, synthetic.commits["D"]),
        ]
        assert {(each.source, each.basis, each.service, each.prerelease) for each in collected.deployments} == {
            ("git", "tag", "", False)
        }
        assert collected.report.counts == {"commits": 4, "tags": 3, "deployments": 3}
        assert collected.report.notes == ()

    def test_lead_times_from_the_committers_time(self, synthetic: Any) -> None:
        times = lead_times(*read(synthetic.folder))
        assert times == [8, 6, 1]
        assert mean(times) == 5
        assert quantiles(times, n=20, method="inclusive")[14] == 7.0
        assert quantiles(times, n=10, method="inclusive")[8] == pytest.approx(7.6)

    def test_lead_times_from_the_authors_time(self, synthetic: Any) -> None:
        assert lead_times(*read(synthetic.folder), "authored_at") == [8, 7, 1]

    def test_the_first_deployment_holds_what_was_there_before(self, synthetic: Any) -> None:
        collected, history = read(synthetic.folder)
        names = {sha: name for name, sha in synthetic.commits.items()}
        found = changes(history, collected.deployments)
        assert [[names[sha] for sha in each] for each in found] == [["A"], ["B", "C"], ["D"]]

    def test_what_is_known_of_a_change(self, synthetic: Any) -> None:
        collected, history = read(synthetic.folder)
        _, (change, _), _ = history.attribute([each.sha for each in collected.deployments])
        assert change._asdict() == {
            "sha": synthetic.commits["B"],
            "authored_at": T0 + 2 * HOUR,
            "committed_at": T0 + 2 * HOUR,
            "author": "ann@example.com",
            "is_bot": False,
            "merged_at": T0 + 2 * HOUR,
            "first_commit_at": None,
            "pull_request": 1,
            "labels": (),
        }

    def test_the_revert_and_the_patch_release_hint_at_the_same_failure(self, synthetic: Any) -> None:
        collected, history = read(synthetic.folder)
        assert signals(collected, history, "revert") == [("v1.1.0", "v1.1.1")]
        assert signals(collected, history, "patch-release") == [("v1.1.0", "v1.1.1")]
        assert signals(collected, history, "patch-release", 3 * HOUR - 1) == []
        by_id = {each.id: each for each in collected.deployments}
        (revert, *_) = history.failure_signals(collected.deployments, DAY)
        recovery = by_id[revert.recovered_by].finished_at - by_id[revert.deployment].finished_at
        assert recovery == 3 * HOUR
        assert synthetic.commits["B"][:12] in revert.because

    def test_reading_twice_says_the_same(self, synthetic: Any) -> None:
        assert read(synthetic.folder)[0] == read(synthetic.folder)[0]

    def test_names_are_resolved(self, synthetic: Any) -> None:
        _, history = read(synthetic.folder)
        full = synthetic.commits["C"]
        for name in (full, full[:7], "v1.1.0", "refs/tags/v1.1.0"):
            assert history.resolve(name) == full
        for name in ("", "v9", full[:3], "f" * 40, full + "0", "main"):
            assert history.resolve(name) is None

    def test_containment(self, synthetic: Any) -> None:
        _, history = read(synthetic.folder)
        a, b, d = (synthetic.commits[name] for name in "ABD")
        assert history.is_ancestor(a, d)
        assert history.is_ancestor(b, d)
        assert history.is_ancestor(a, a)
        assert not history.is_ancestor(d, a)
        assert not history.is_ancestor("f" * 40, a)

    def test_a_folder_of_it_is_measured_as_the_whole(self, synthetic: Any) -> None:
        folder = synthetic.folder / "part"
        folder.mkdir()
        collected, _ = read(folder)
        assert len(collected.deployments) == 3
        assert "git/folder" in notes(collected)


class TestTags:
    def test_two_tags_on_a_commit_and_a_tag_that_moves_along(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        repository.tag("v1.0.0", "A", T0 + HOUR)
        repository.tag("v1.0.0-final", "A", T0 + 2 * HOUR)
        repository.tag("v1", "A", T0 + HOUR)
        repository.tag("nightly", "A")
        collected, history = read(repository.save())
        assert versions(collected) == ["v1.0.0", "v1.0.0-final"]
        assert changes(history, collected.deployments) == [[repository.commits["A"]], []]

    def test_a_lone_number_is_a_version_where_nothing_else_is(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        repository.tag("v255", "A")
        collected, _ = read(repository.save())
        assert versions(collected) == ["v255"]

    def test_previews_are_told_apart(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        for hour, name in enumerate(("v1.0.0-rc.1", "v1.0.0", "1.1rc1", "1.1.post1", "2.0.0+build.5")):
            repository.tag(name, "A", T0 + hour)
        collected, _ = read(repository.save())
        assert [each.version for each in collected.deployments if each.prerelease] == ["v1.0.0-rc.1", "1.1rc1"]

    def test_tags_on_a_tree_a_file_and_a_tag(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0, files={"file": "x"})
        repository.tag("v1.0.0", "A", T0 + HOUR)
        folder = repository.save()
        for name, what in (("v2.0.0", "v1.0.0^{tree}"), ("v3.0.0", "v1.0.0:file"), ("v4.0.0", "v1.0.0")):
            repository.git("-c", "user.name=A", "-c", "user.email=a@example.com", "tag", "-am", "x", name, what)
        repository.git("tag", "v5.0.0", "v1.0.0^{tree}")
        collected, _ = read(folder)
        assert {each.version: each.sha for each in collected.deployments} == {
            "v1.0.0": repository.commits["A"],
            "v4.0.0": repository.commits["A"],
        }
        assert "v2.0.0, v3.0.0, v5.0.0" in notes(collected)["git/tags-elsewhere"]

    def test_a_tag_made_long_after_its_commit_is_pointed_out(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        repository.tag("v1.0.0", "A", T0 + 7 * DAY)
        repository.tag("v1.0.1", "A", T0 + 7 * DAY + 1)
        repository.tag("v1.0.2", "A")
        collected, _ = read(repository.save())
        assert "7 days after their commits" in notes(collected)["git/moved-tags"]
        assert "v1.0.1;" in notes(collected)["git/moved-tags"]
        assert "v1.0.0" not in notes(collected)["git/moved-tags"]

    def test_zones_shift_nothing(self, new_repository: New) -> None:
        """23:30 on a Sunday in Honolulu is a Monday's morning in UTC, wherever the tag was made."""
        monday = int(datetime.datetime(2025, 1, 6, 9, 30, tzinfo=datetime.UTC).timestamp())
        repository = new_repository()
        repository.commit("A", T0, zone="+1400")
        for name, zone in (("v1.0.0", "-1000"), ("v1.0.1", "+0545"), ("v1.0.2", "+1400")):
            repository.tag(name, "A", monday, zone=zone)
        collected, _ = read(repository.save())
        assert {each.finished_at for each in collected.deployments} == {monday}

    def test_services_by_prefix(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        for name in ("api-1.0.0", "web/v1.0.0", "@acme/ui@2.0.0", "release-3.0.0", "v4.0.0"):
            repository.tag(name, "A")
        collected, _ = read(repository.save())
        assert {each.version: each.service for each in collected.deployments} == {
            "api-1.0.0": "api",
            "web/v1.0.0": "web",
            "@acme/ui@2.0.0": "@acme/ui",
            "release-3.0.0": "",
            "v4.0.0": "",
        }

    def test_a_lone_prefix_is_the_projects_own_name(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        for name in ("jq-1.6", "jq-1.7", "v2.0.0"):
            repository.tag(name, "A")
        collected, _ = read(repository.save())
        assert {each.service for each in collected.deployments} == {""}

    def test_patterns_of_the_policy(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        for name in ("live/2025-01-01", "v1.0.0", "api-7"):
            repository.tag(name, "A")
        folder = repository.save()
        assert versions(read(folder, Settings(tags="live/*"))[0]) == ["live/2025-01-01"]
        services = {"a": ServicePattern("api-*"), "b": ServicePattern("v*")}
        collected, _ = read(folder, Settings(services=services))
        assert {(each.version, each.service) for each in collected.deployments} == {("api-7", "a"), ("v1.0.0", "b")}


class TestServices:
    @pytest.fixture
    def monorepo(self, new_repository: New) -> Any:
        repository = new_repository()
        repository.commit("A", T0, files={"README": "x"})
        repository.tag("api-1.0.0", "A", T0 + 1)
        repository.tag("web-1.0.0", "A", T0 + 1)
        repository.commit("B", T0 + HOUR, files={"services/api/a.py": "1"})
        repository.commit("C", T0 + 2 * HOUR, files={"services/web/a.js": "1", '"with\\nline/\\303\\274"': "1"})
        repository.commit("D", T0 + 3 * HOUR, files={"services/api/a.py": "2", "services/web/a.js": "2"})
        body = f"Revert\n\nThis reverts commit {repository.commits['B']}."
        repository.tag("api-1.1.0", "D", T0 + 4 * HOUR)
        repository.tag("web-1.1.0", "D", T0 + 5 * HOUR)
        repository.commit("E", T0 + 6 * HOUR, body, files={"services/api/a.py": "3"})
        repository.tag("api-1.2.0", "E", T0 + 7 * HOUR)
        repository.tag("web-1.2.0", "E", T0 + 7 * HOUR)
        repository.save()
        return repository

    @pytest.mark.parametrize("paths", [("services/api",), ("services/api/",), ("services/*/*.py",), ("*.py",)])
    def test_changes_by_path(self, monorepo: Any, paths: tuple[str, ...]) -> None:
        collected, history = read(monorepo.folder)
        api = [each for each in collected.deployments if each.service == "api"]
        commits = monorepo.commits
        assert changes(history, api, paths) == [[], [commits["B"], commits["D"]], [commits["E"]]]

    def test_a_revert_concerns_the_service_whose_files_it_touches(self, monorepo: Any) -> None:
        settings = Settings(
            services={
                "api": ServicePattern("api-*", ("services/api/**",)),
                "web": ServicePattern("web-*", ("services/web/**",)),
            }
        )
        collected, history = read(monorepo.folder, settings)
        assert signals(collected, history, "revert") == [("api-1.1.0", "api-1.2.0")]


class TestMerges:
    def test_without_tags_merges_are_deployments(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        repository.commit("S", T0 + HOUR, branch="side", parents=["A"])
        repository.commit("B", T0 + 2 * HOUR)
        repository.commit("M", T0 + 3 * HOUR, "Merge pull request #7 from ann/side", parents=["B", "S"])
        collected, history = read(repository.save())
        commits = repository.commits
        assert [each.sha for each in collected.deployments] == [commits[name] for name in "ABM"]
        assert {each.basis for each in collected.deployments} == {"merge"}
        assert changes(history, collected.deployments) == [[commits["A"]], [commits["B"]], [commits["S"]]]
        (change,) = history.attribute([commits["B"], commits["M"]])[1]
        assert (change.merged_at, change.pull_request) == (T0 + 3 * HOUR, 7)
        assert "there are no tags" in notes(collected)["git/no-tags"]

    def test_no_merge_goes_live_before_its_parent_and_those_of_a_second_together(self, new_repository: New) -> None:
        repository = new_repository()
        for number, at in enumerate((0, 10, 5, 20, 20, 30)):
            repository.commit(str(number), T0 + at)
        collected, history = read(repository.save())
        names = {sha: name for name, sha in repository.commits.items()}
        found = [(names[each.sha], each.finished_at - T0) for each in collected.deployments]
        assert found == [("0", 0), ("2", 10), ("4", 20), ("5", 30)]
        assert [len(each) for each in changes(history, collected.deployments)] == [1, 2, 2, 1]
        assert signals(collected, history, "rollback") == []

    def test_only_as_far_back_as_the_window_needs(self, new_repository: New) -> None:
        repository = new_repository()
        for number in range(30):
            repository.commit(str(number), T0 + number * DAY)
        window = Window(T0 + 25 * DAY, T0 + 28 * DAY)
        collected, _ = collect(repository.save(), Settings(deployments_from="merges"), window)
        assert [(each.finished_at - T0) // DAY for each in collected.deployments] == list(range(21, 30))

    def test_the_branch_of_the_policy(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        repository.commit("B", T0 + 1, branch="live", parents=["A"])
        folder = repository.save()
        collected, _ = read(folder, Settings(branch="live"))
        assert [each.sha for each in collected.deployments] == [repository.commits["A"], repository.commits["B"]]
        with pytest.raises(HistoryError, match=r"no branch prod.*metrics\.branch.*git fetch origin prod"):
            read(folder, Settings(branch="prod"))

    def test_tags_only(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        collected, _ = read(repository.save(), Settings(deployments_from="tags"))
        assert collected.deployments == ()
        assert "no tag is a deployment" in notes(collected)["git/no-tags"]


class TestHostileCommits:
    def test_times_names_and_bytes(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        repository.tag("v1.0.0", "A", T0)
        repository.commit("negative", T0 + 1, authored="-7200")
        repository.commit("huge", T0 + 2, authored="99999999999999999")
        repository.commit("latin", T0 + 3, b"caf\xe9 \xff\xfe", author=b"Andr\xe9 <andr\xe9@example.com>")
        repository.commit("controls", T0 + 4, b"a\x01b\x1b[31m\r\n\r\nc\x02")
        repository.commit("nobody", T0 + 5, author="<>")
        repository.commit("blank", T0 + 6, b"\n\n  \n subject (#12)\n")
        repository.commit("many", T0 + 7, "x (#99999999999999999999999999)")
        repository.commit("long", T0 + 8, "x" * 3_000_000 + " (#4)")
        repository.commit("last", T0 + 9, "after it (#5)")
        repository.tag("v1.1.0", "last", T0 + 10)
        collected, history = read(repository.save())
        _, brought = history.attribute([each.sha for each in collected.deployments])
        names = {sha: name for name, sha in repository.commits.items()}
        known = {names[change.sha]: change for change in brought}
        assert list(known) == list(repository.commits)[1:]
        assert known["negative"].authored_at == T0 + 1
        assert known["huge"].authored_at == T0 + 2
        assert known["latin"].author == "andr\N{REPLACEMENT CHARACTER}@example.com"
        assert known["nobody"].author == ""
        assert known["blank"].pull_request == 12
        assert known["many"].pull_request is None
        assert known["last"].pull_request == 5

    def test_commits_without_any_time_are_no_changes(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        repository.tag("v1.0.0", "A", T0)
        repository.save()
        raw = f"tree {EMPTY_TREE}\nparent {repository.commits['A']}\n"
        raw += "author A <a@example.com> -1 +0000\ncommitter A <a@example.com> -1 +0000\n\nx\n"
        made = subprocess.run(
            ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
            cwd=repository.folder,
            input=raw.encode(),
            capture_output=True,
            check=True,
        )
        repository.git("update-ref", "refs/tags/v1.1.0", made.stdout.decode().strip())
        collected, history = read(repository.folder)
        assert versions(collected) == ["v1.0.0"]
        assert "no time between 1970 and 2100: 1 " in notes(collected)["git/times"]
        assert list(history.attribute([repository.commits["A"], made.stdout.decode().strip()])[1]) == []

    def test_bots_are_told_apart(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        for name, author in (
            ("app", "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>"),
            ("renovate", "Renovate <bot@renovateapp.com>"),
            ("ours", "Release Robot <release@example.com>"),
            ("abbot", "Ann Abbot <abbot@example.com>"),
        ):
            repository.commit(name, T0 + 1, author=author)
        folder = repository.save()
        names = {sha: name for name, sha in repository.commits.items()}
        for bots, expected in (((), {"app", "renovate"}), (("release@*",), {"app", "renovate", "ours"})):
            _, history = read(folder, Settings(bots=bots))
            (brought,) = history.attribute([repository.commits["abbot"]])
            assert {names[change.sha] for change in brought if change.is_bot} == expected


EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class TestGraphs:
    def test_octopus_and_criss_cross_merges(self, new_repository: New) -> None:
        repository = new_repository()
        repository.commit("A", T0)
        repository.tag("v1.0.0", "A", T0)
        for number, name in enumerate(("x", "y", "z")):
            repository.commit(name, T0 + 10 + number, branch=name, parents=["A"])
        repository.commit("octopus", T0 + 20, parents=["A", "x", "y", "z"])
        repository.tag("v1.1.0", "octopus", T0 + 21)
        repository.commit("l", T0 + 30, branch="left", parents=["octopus"])
        repository.commit("r", T0 + 31, branch="right", parents=["octopus"])
        repository.commit("lr", T0 + 32, branch="left", parents=["l", "r"])
        repository.commit("rl", T0 + 33, branch="right", parents=["r", "l"])
        repository.commit("both", T0 + 34, branch="main", parents=["lr", "rl"])
        repository.tag("v1.2.0", "both", T0 + 35)
        collected, history = read(repository.save())
        names = {sha: name for name, sha in repository.commits.items()}
        found = [[names[sha] for sha in each] for each in changes(history, collected.deployments)]
        assert found == [["A"], ["x", "y", "z"], ["l", "r"]]
        assert history.is_ancestor(repository.commits["l"], repository.commits["rl"])
        assert not history.is_ancestor(repository.commits["lr"], repository.commits["rl"])
        assert not history.is_ancestor(repository.commits["rl"], repository.commits["lr"])

    def test_a_clock_that_goes_back_hides_nothing(self, new_repository: New) -> None:
        """git shows parents before their children where the clocks say so; what contains what does not change."""
        repository = new_repository()
        repository.commit("A", T0 + 1000)
        repository.commit("B", T0 + 5, branch="side", parents=["A"])
        repository.commit("C", T0 + 2000, parents=["B"], branch="other")
        repository.commit("D", T0 + 1, parents=["A"])
        repository.commit("M", T0 + 3000, parents=["D", "C"])
        repository.tag("v1.0.0", "B", T0 + 4000)
        repository.tag("v1.1.0", "M", T0 + 5000)
        collected, history = read(repository.save())
        commits = repository.commits
        assert [set(each) for each in changes(history, collected.deployments)] == [
            {commits["A"], commits["B"]},
            {commits["C"], commits["D"]},
        ]
        for ancestor in "ABCD":
            assert history.is_ancestor(commits[ancestor], commits["M"])
        assert not history.is_ancestor(commits["D"], commits["C"])

    @pytest.mark.parametrize(
        ("numbered", "same", "squashed"), [(4, 9, True), (3, 10, False), (10, 8, False), (0, 10, False)]
    )
    def test_squashed_histories(self, new_repository: New, numbered: int, same: int, squashed: bool) -> None:
        repository = new_repository()
        for number in range(10):
            at = T0 + number * HOUR
            message = f"change (#{number + 1})" if number < numbered else "change"
            repository.commit(str(number), at, message, authored=at if number < same else at - 60)
        _, history = read(repository.save())
        assert history.squashed is squashed

    def test_a_rebased_history_keeps_the_authors_times(self, new_repository: New) -> None:
        repository = new_repository()
        for number in range(10):
            repository.commit(str(number), T0 + DAY + number, f"change (#{number})", authored=T0 + number)
        collected, history = read(repository.save())
        assert not history.squashed
        found = [change for each in history.attribute([each.sha for each in collected.deployments]) for change in each]
        assert {change.committed_at - change.authored_at for change in found} == {DAY}
        assert all(change.merged_at == change.committed_at for change in found)


class TestRefusals:
    def test_a_shallow_clone(self, synthetic: Any, tmp_path: Path) -> None:
        for depth in ("1", "3"):
            clone = tmp_path / f"clone{depth}"
            url = synthetic.folder.as_uri()
            subprocess.run(["git", "clone", "--quiet", "--depth", depth, url, clone], check=True, env=os.environ)
            with pytest.raises(HistoryError, match=r"git fetch --unshallow --tags.*fetch-depth: 0.*filter: tree:0"):
                read(clone)

    def test_a_clone_without_trees_is_enough(self, synthetic: Any, tmp_path: Path) -> None:
        synthetic.git("config", "uploadpack.allowFilter", "true")
        clone = tmp_path / "clone"
        options = ["--quiet", "--filter=tree:0", "--no-checkout", synthetic.folder.as_uri(), clone]
        subprocess.run(["git", "clone", *options], check=True, env=os.environ)
        before = sorted(path.name for path in clone.rglob("*"))
        collected, history = read(clone)
        assert lead_times(collected, history) == [8, 6, 1]
        assert sorted(path.name for path in clone.rglob("*")) == before

    def test_a_clone_without_trees_cannot_tell_paths(self, new_repository: New, tmp_path: Path) -> None:
        repository = new_repository()
        repository.commit("A", T0, files={"api/file": "x"})
        repository.commit("B", T0 + 1, files={"api/file": "y"})
        url = repository.save().as_uri()
        repository.git("config", "uploadpack.allowFilter", "true")
        clone = tmp_path / "clone"
        options = ["--quiet", "--filter=tree:0", "--no-checkout", url, clone]
        subprocess.run(["git", "clone", *options], check=True, env=os.environ)
        before = sorted(path.name for path in clone.rglob("*"))
        with pytest.raises(HistoryError, match=r"metrics\.services.*filter: tree:0"):
            read(clone, Settings(services={"api": ServicePattern("v*", ("api",))}))
        assert sorted(path.name for path in clone.rglob("*")) == before

    def test_no_repository(self, tmp_path: Path) -> None:
        with pytest.raises(HistoryError, match="no git repository"):
            read(tmp_path)

    def test_no_commits(self, new_repository: New) -> None:
        with pytest.raises(HistoryError, match="no commits yet"):
            read(new_repository().save())

    def test_no_git(self, synthetic: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(HistoryError, match="not on PATH; install it"):
            read(synthetic.folder)

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
    def test_somebody_elses_repository(self, synthetic: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        os.chown(synthetic.folder, 12345, 12345)
        os.chown(synthetic.folder / ".git", 12345, 12345)
        with pytest.raises(HistoryError, match=r"another user.*safe\.directory"):
            read(synthetic.folder)

    def test_a_damaged_repository(self, synthetic: Any) -> None:
        for path in (synthetic.folder / ".git/objects").rglob("*"):
            if path.is_file():
                path.unlink()
        with pytest.raises(HistoryError):
            read(synthetic.folder)

    def test_a_detached_head_is_measured(self, synthetic: Any) -> None:
        synthetic.git("update-ref", "--no-deref", "HEAD", synthetic.commits["D"])
        synthetic.git("update-ref", "-d", "refs/heads/main")
        collected, history = read(synthetic.folder)
        assert lead_times(collected, history) == [8, 6, 1]
        assert "git/main-line" in notes(collected)

    def test_nothing_that_its_configuration_names_is_run(self, synthetic: Any, tmp_path: Path) -> None:
        marker = tmp_path / "ran"
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\ntouch {marker}\n")
        program.chmod(0o755)
        expected = read(synthetic.folder)[0]
        for key in (
            "core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "gpg.program", "gpg.ssh.program",
            "diff.external", "pager.log", "pager.for-each-ref", "core.editor", "credential.helper", "alias.log",
        ):  # fmt: skip
            synthetic.git("config", key, str(program))
        for key, value in (
            ("log.showSignature", "true"),
            ("log.mailmap", "true"),
            ("log.date", "format:%s"),
            ("log.follow", "true"),
            ("log.showRoot", "true"),
            ("log.diffMerges", "on"),
            ("log.decorate", "full"),
            ("format.pretty", "raw"),
            ("format.notes", "*"),
            ("color.ui", "always"),
            ("i18n.logOutputEncoding", "UTF-16"),
            ("core.quotePath", "false"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.url", f"ext::{program}"),
        ):
            synthetic.git("config", key, value)
        (synthetic.folder / ".mailmap").write_text("Bob <bob@example.com> <ann@example.com>\n")
        hooks = synthetic.folder / ".git/hooks"
        hooks.mkdir(exist_ok=True)
        (hooks / "post-checkout").symlink_to(program)
        assert read(synthetic.folder)[0] == expected
        assert not marker.exists()
