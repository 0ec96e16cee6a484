"""An audit of a few files: the whole repository is judged, and nothing is said of the rest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sp404audit import audit
from sp404audit.git import GitError
from sp404audit.outcome import Audit
from sp404audit.reports import FORMATS, Options, render
from sp404audit.scope import ScopeError

if TYPE_CHECKING:
    from tests.conftest import GitRepository

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="made of things that Windows has not")
BAD, GOOD = "FROM python:latest\nUSER 1000\n", "FROM python:3.13\nUSER 1000\n"
RULES = ["images/no-latest-tag"]


def scan(root: Path, **options: Any) -> Audit:
    return audit(root, engines=["native"], **{"select": RULES, **options})


def failing(report: Audit) -> list[str]:
    return [result.location.path for result in report.failures]


@pytest.fixture
def repository(make_git: type[GitRepository], tmp_path: Path) -> GitRepository:
    made = make_git(tmp_path / "repository")
    made.write("a/Dockerfile", BAD)
    made.write("b/Dockerfile", BAD)
    made.write("good/Dockerfile", GOOD)
    made.commit()
    return made


class TestNamedFiles:
    def test_only_they_are_reported_and_counted(self, repository: GitRepository) -> None:
        assert failing(scan(repository.root)) == ["a/Dockerfile", "b/Dockerfile"]
        report = scan(repository.root, files=["a/Dockerfile"])
        assert failing(report) == ["a/Dockerfile"]
        assert report.exit_code == 1
        assert render("text", report, Options()).endswith("1 failure at low or above in a/Dockerfile (exit code 1)\n")
        assert scan(repository.root, files=["good/Dockerfile"]).exit_code == 0

    def test_names_may_be_absolute_or_go_around(self, repository: GitRepository) -> None:
        for name in (repository.root / "a/Dockerfile", "b/../a/Dockerfile", "./a//Dockerfile"):
            assert failing(scan(repository.root, files=[name])) == ["a/Dockerfile"]

    def test_a_result_with_a_related_place_in_them_is_reported(self, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_text("FROM python:3.13\nWORKDIR /app\nCOPY . .\nUSER 1000\n")
        (tmp_path / "compose.yaml").write_text("services:\n  app:\n    build: .\n")
        report = scan(tmp_path, select=["docker/dockerignore-present"], files=["compose.yaml"])
        assert failing(report) == ["Dockerfile"]

    def test_of_other_controls_no_verdict_is_given(self, repository: GitRepository) -> None:
        report = scan(repository.root, select=(), files=["good/Dockerfile"])
        assert {verdict.rule.id for verdict in report.verdicts} == {result.rule_id for result in report.results}
        assert "images/no-latest-tag" in {verdict.rule.id for verdict in report.verdicts}
        assert not scan(repository.root, files=["README.md"]).verdicts

    @pytest.mark.parametrize("name", FORMATS)
    def test_no_format_tells_of_the_rest(self, repository: GitRepository, name: str) -> None:
        report = scan(repository.root, select=(), files=["good/Dockerfile"])
        text = render(name, report, Options(verbose=True))
        assert "good/Dockerfile" in text or name in ("gitlab", "github")
        assert "a/Dockerfile" not in text
        assert "b/Dockerfile" not in text

    def test_notes_on_other_files_do_not_count(self, repository: GitRepository) -> None:
        repository.write("compose.yaml", "services:\n\ta: [\n")
        assert scan(repository.root).incomplete
        report = scan(repository.root, files=["good/Dockerfile"])
        assert not report.incomplete
        assert [note.id for note in report.notifications] == ["scope/limited"]
        assert report.notifications[0].message.endswith("only what concerns good/Dockerfile is reported")
        assert scan(repository.root, files=["compose.yaml"]).exit_code == 3

    def test_comments_are_weighed_by_all_results(self, repository: GitRepository) -> None:
        comment = "# sp404audit: ignore[images/no-latest-tag] -- of use\n"
        repository.write("a/Dockerfile", comment + BAD)
        repository.write("b/Dockerfile", comment + GOOD)
        options = {"select": ["images/no-latest-tag", "policy"], "policy": "strict"}
        assert failing(scan(repository.root, files=["a/Dockerfile"], **options)) == []
        unused = scan(repository.root, files=["b/Dockerfile"], **options)
        assert failing(scan(repository.root, **options)).count("b/Dockerfile") == len(unused.failures)

    def test_gitignore_does_not_hide_them_and_the_policy_does(self, repository: GitRepository) -> None:
        repository.write(".gitignore", "new/\n")
        repository.write("new/Dockerfile", BAD)
        assert "new/Dockerfile" not in failing(scan(repository.root))
        assert failing(scan(repository.root, files=["new/Dockerfile"])) == ["new/Dockerfile"]
        repository.write(".sp404audit.yaml", "version: 1\nexclude: [new/]\n")
        assert failing(scan(repository.root, files=["new/Dockerfile"])) == []

    def test_what_is_not_in_the_repository(self, repository: GitRepository, tmp_path: Path) -> None:
        for name in (tmp_path / "elsewhere", "../x", repository.root, ".", "..", ""):
            with pytest.raises(ScopeError, match=r"is no file in .*; name files of the repository"):
                scan(repository.root, files=[name])

    def test_one_way_at_a_time(self, repository: GitRepository) -> None:
        for options in (
            {"files": ["a"], "staged": True},
            {"files": ["a"], "changed_since": "main"},
            {"staged": True, "changed_since": "main"},
            {"contents": {"a": b""}, "staged": True},
            {"contents": {"a": b""}, "changed_since": "main"},
        ):
            with pytest.raises(ScopeError, match="choose one of"):
                scan(repository.root, **options)


class TestContents:
    def test_they_stand_in_for_the_file(self, repository: GitRepository) -> None:
        assert failing(scan(repository.root, contents={"good/Dockerfile": BAD.encode()})) == ["good/Dockerfile"]
        assert failing(scan(repository.root, contents={"a/Dockerfile": GOOD.encode()})) == []
        assert failing(scan(repository.root, contents={"new/Dockerfile": BAD.encode()})) == ["new/Dockerfile"]

    def test_the_snippet_shows_them(self, repository: GitRepository) -> None:
        (result,) = scan(repository.root, contents={"good/Dockerfile": b"\n\n" + BAD.encode()}).failures
        assert result.snippet is not None
        assert "FROM python:latest" in result.snippet.lines

    def test_files_may_be_reported_besides(self, repository: GitRepository) -> None:
        report = scan(repository.root, contents={"a/Dockerfile": GOOD.encode()}, files=["a/Dockerfile", "b/Dockerfile"])
        assert failing(report) == ["b/Dockerfile"]

    def test_the_cache_is_not_confused(self, repository: GitRepository, tmp_path: Path) -> None:
        options = {"cache": tmp_path / "cache", "files": ["a/Dockerfile"]}
        assert failing(scan(repository.root, **options)) == ["a/Dockerfile"]
        for content, wanted in ((GOOD, []), (BAD, ["a/Dockerfile"]), (GOOD, [])):
            report = scan(repository.root, contents={"a/Dockerfile": content.encode()}, **options)
            assert failing(report) == wanted
        assert failing(scan(repository.root, **options)) == ["a/Dockerfile"]

    def test_a_policy_is_a_file_like_any_other(self, repository: GitRepository) -> None:
        policy = b"version: 1\nexclude: [a/]\n"
        assert failing(scan(repository.root, contents={".sp404audit.yaml": policy}, files=["a/Dockerfile"])) == []


class TestChangedSince:
    @pytest.fixture
    def branched(self, repository: GitRepository) -> GitRepository:
        """A branch that left `main`, which went on."""
        repository.git("checkout", "-q", "-b", "topic")
        repository.git("checkout", "-q", "main")
        repository.write("b/Dockerfile", BAD + "# main went on\n")
        repository.commit()
        repository.git("checkout", "-q", "topic")
        return repository

    def test_committed_staged_unstaged_and_untracked(self, branched: GitRepository) -> None:
        assert failing(scan(branched.root, changed_since="main")) == []
        branched.write("committed/Dockerfile", BAD)
        branched.commit()
        branched.write("staged/Dockerfile", BAD)
        branched.git("add", "-A")
        branched.write("a/Dockerfile", BAD + "# touched\n")
        branched.write("untracked/Dockerfile", BAD)
        branched.write(".gitignore", "ignored/\n")
        branched.write("ignored/Dockerfile", BAD)
        names = ["a", "committed", "staged", "untracked"]
        assert failing(scan(branched.root, changed_since="main")) == [f"{name}/Dockerfile" for name in names]
        report = scan(branched.root, changed_since="main~1")
        assert report.notifications[-1].message.endswith("the files that differ from main~1 is reported")

    def test_what_was_changed_back_has_not_changed(self, branched: GitRepository) -> None:
        branched.write("a/Dockerfile", GOOD)
        branched.commit()
        branched.write("a/Dockerfile", BAD)
        assert failing(scan(branched.root, changed_since="main")) == []

    def test_line_ends_that_git_converts(self, branched: GitRepository) -> None:
        branched.write("a/Dockerfile", BAD.replace("\n", "\r\n"))
        assert failing(scan(branched.root, changed_since="main")) == []

    def test_a_file_that_was_moved_is_new_where_it_is(self, branched: GitRepository) -> None:
        branched.git("mv", "a", "moved")
        assert failing(scan(branched.root, changed_since="main")) == ["moved/Dockerfile"]

    def test_from_a_subfolder(self, branched: GitRepository) -> None:
        branched.write("a/Dockerfile", BAD + "# touched\n")
        branched.write("b/Dockerfile", BAD + "# touched\n")
        assert failing(scan(branched.root / "a", changed_since="main")) == ["Dockerfile"]
        assert failing(scan(branched.root / "good", changed_since="main")) == []

    def test_a_commit_by_its_name_and_in_other_hashes(self, make_git: type[GitRepository], tmp_path: Path) -> None:
        other = make_git(tmp_path / "other")
        (other.root / ".git").rename(tmp_path / "old")
        other.git("init", "-q", "--object-format=sha256", "-b", "main", ".")
        other.write("a/Dockerfile", BAD)
        first = other.commit()
        assert len(first) == 64
        assert failing(scan(other.root, changed_since=first)) == []
        other.write("a/Dockerfile", BAD + "#\n")
        assert failing(scan(other.root, changed_since=first[:10])) == ["a/Dockerfile"]

    def test_a_link_that_became_a_file(self, branched: GitRepository) -> None:
        name = branched.git("hash-object", "-w", "--stdin", input=BAD.encode()).decode().strip()
        branched.git("update-index", "--add", "--cacheinfo", f"120000,{name},a/Dockerfile")
        branched.git("commit", "-q", "-m", "a link")
        assert failing(scan(branched.root, changed_since="HEAD")) == ["a/Dockerfile"]

    @pytest.mark.parametrize("ref", ["-x", "--help", "", "a\0b"])
    def test_what_is_no_name(self, repository: GitRepository, ref: str) -> None:
        with pytest.raises(ScopeError, match="is no commit; name a branch, a tag or a commit"):
            scan(repository.root, changed_since=ref)

    @pytest.mark.parametrize("ref", ["nothing", "HEAD:a", "main..HEAD", "HEAD~99", "@{upstream}", "a b"])
    def test_what_is_not_there(self, repository: GitRepository, ref: str) -> None:
        with pytest.raises(ScopeError, match=r"there is no commit .* or fetch it: git fetch origin$"):
            scan(repository.root, changed_since=ref)

    def test_no_common_history(self, repository: GitRepository) -> None:
        repository.git("checkout", "-q", "--orphan", "island")
        repository.commit("another beginning")
        with pytest.raises(ScopeError, match="main and HEAD have no history in common"):
            scan(repository.root, changed_since="main")

    def test_a_shallow_clone(self, branched: GitRepository, make_git: type[GitRepository], tmp_path: Path) -> None:
        branched.write("x", "x")
        branched.commit()
        clone = make_git(tmp_path / "clone")
        source = f"file://{branched.root.as_posix()}"
        clone.git("fetch", "-q", "--depth=1", source, "main:main2", "topic:topic")
        clone.git("checkout", "-q", "topic")
        with pytest.raises(ScopeError, match=r"too shallow to tell .* git fetch --unshallow .*fetch-depth: 0"):
            scan(clone.root, changed_since="main2")
        with pytest.raises(ScopeError, match=r"no commit 'main' .* is shallow: git fetch --unshallow"):
            scan(clone.root, changed_since="main")

    def test_no_repository(self, tmp_path: Path) -> None:
        with pytest.raises(GitError, match="is no git repository"):
            scan(tmp_path, changed_since="main")


class TestStaged:
    def test_contents_and_files_are_those_of_the_index(self, repository: GitRepository) -> None:
        repository.write("good/Dockerfile", BAD)
        repository.git("add", "-A")
        repository.write("good/Dockerfile", GOOD)
        repository.write("untracked/Dockerfile", BAD)
        repository.write("a/Dockerfile", BAD + "# not staged\n")
        report = scan(repository.root, staged=True)
        assert failing(report) == ["good/Dockerfile"]
        assert report.notifications[-1].message.endswith("only what concerns the files that are staged is reported")

    def test_nothing_is_staged(self, repository: GitRepository) -> None:
        repository.write("a/Dockerfile", BAD + "#\n")
        assert scan(repository.root, staged=True).results == ()

    def test_before_the_first_commit(self, make_git: type[GitRepository], tmp_path: Path) -> None:
        fresh = make_git(tmp_path / "fresh")
        assert scan(fresh.root, staged=True).results == ()
        fresh.write("Dockerfile", BAD)
        fresh.git("add", "-A")
        assert failing(scan(fresh.root, staged=True)) == ["Dockerfile"]

    def test_moved_and_deleted(self, repository: GitRepository) -> None:
        repository.git("mv", "a", "moved")
        repository.git("rm", "-q", "b/Dockerfile")
        assert failing(scan(repository.root, staged=True)) == ["moved/Dockerfile"]

    def test_from_a_subfolder(self, repository: GitRepository) -> None:
        repository.write("a/Dockerfile", BAD + "#\n")
        repository.write("b/Dockerfile", BAD + "#\n")
        repository.git("add", "-A")
        assert failing(scan(repository.root / "a", staged=True)) == ["Dockerfile"]

    def test_a_conflict_is_incomplete(self, repository: GitRepository) -> None:
        name = repository.git("rev-parse", ":a/Dockerfile").decode().strip()
        lines = "".join(f"100644 {name} {stage}\ta/Dockerfile\n" for stage in (1, 2, 3))
        repository.git("rm", "-q", "--cached", "a/Dockerfile")
        repository.git("update-index", "--index-info", input=lines.encode())
        report = scan(repository.root, staged=True)
        assert [note.id for note in report.notifications if note.level == "error"] == ["input/conflict"]
        assert report.exit_code == 3

    def test_the_policy_that_counts_is_the_staged_one(self, repository: GitRepository) -> None:
        repository.write(".sp404audit.yaml", "version: 1\nexclude: [a/]\n")
        repository.write("a/Dockerfile", BAD + "#\n")
        repository.git("add", "a")
        assert failing(scan(repository.root, staged=True)) == ["a/Dockerfile"]
        repository.git("add", "-A")
        assert failing(scan(repository.root, staged=True)) == []

    def test_cross_file_rules_see_the_index(self, make_git: type[GitRepository], tmp_path: Path) -> None:
        made = make_git(tmp_path / "cross")
        made.write("Dockerfile", "FROM python:3.13\nWORKDIR /app\nCOPY . .\nUSER 1000\n")
        made.git("add", "-A")
        made.write(".dockerignore", ".git\n.env*\nnode_modules\n.venv\n")
        rules = {"select": ["docker/dockerignore-present"]}
        assert failing(scan(made.root, staged=True, **rules)) == ["Dockerfile"]
        made.git("add", "-A")
        assert failing(scan(made.root, staged=True, **rules)) == []

    @POSIX
    def test_nothing_of_the_repository_is_run(self, repository: GitRepository, tmp_path: Path) -> None:
        mark = tmp_path / "mark"
        repository.write("a/Dockerfile", BAD + "#\n")
        repository.write(".gitattributes", "* filter=evil diff=evil\n")
        repository.git("add", "-A")
        for kind in (
            "filter.evil.smudge",
            "filter.evil.clean",
            "diff.evil.textconv",
            "core.fsmonitor",
            "diff.external",
        ):
            repository.git("config", kind, f"touch {mark}")
        assert failing(scan(repository.root, staged=True)) == ["a/Dockerfile"]
        assert failing(scan(repository.root, changed_since="HEAD")) == ["a/Dockerfile"]
        assert not mark.exists()


@POSIX
class TestAsAHookOfGit:
    """`scan --staged` started by git itself, which then has an index of its own for the commit to be."""

    @pytest.fixture
    def hooked(self, repository: GitRepository) -> GitRepository:
        command = f"{sys.executable} -m sp404audit scan --engine native --select images --fail-on medium --staged"
        hook = repository.write(".git/hooks/pre-commit", f"#!/bin/sh\n{command} >.git/said 2>&1\n")
        hook.chmod(0o755)
        return repository

    def commit(self, hooked: GitRepository, *arguments: str) -> bool:
        """Commit, and tell whether the hook let it pass."""
        try:
            hooked.git("commit", "-q", "-m", "x", *arguments)
        except AssertionError:
            return False
        return True

    def said(self, hooked: GitRepository) -> str:
        return (hooked.root / ".git/said").read_text()

    def test_what_is_staged(self, hooked: GitRepository) -> None:
        hooked.write("good/Dockerfile", BAD)
        hooked.git("add", "-A")
        hooked.write("good/Dockerfile", GOOD)
        assert not self.commit(hooked)
        assert "good/Dockerfile" in self.said(hooked)
        assert "a/Dockerfile" not in self.said(hooked)
        hooked.git("add", "-A")
        hooked.write("good/Dockerfile", BAD)
        hooked.write("notes.txt", "x")
        hooked.git("add", "notes.txt")
        assert self.commit(hooked)

    def test_all_that_is_changed(self, hooked: GitRepository) -> None:
        hooked.write("good/Dockerfile", BAD)
        assert not self.commit(hooked, "-a")
        assert "good/Dockerfile" in self.said(hooked)

    def test_one_file_of_two(self, hooked: GitRepository) -> None:
        hooked.write("good/Dockerfile", BAD)
        hooked.git("add", "-A")
        hooked.write("a/Dockerfile", GOOD)
        assert self.commit(hooked, "a/Dockerfile"), self.said(hooked)
        assert not self.commit(hooked)

    def test_in_a_linked_worktree(self, hooked: GitRepository, tmp_path: Path) -> None:
        hooked.git("worktree", "add", "-q", str(tmp_path / "tree"))
        (tmp_path / "tree/good/Dockerfile").write_text(BAD)
        hook = hooked.root / ".git/hooks/pre-commit"
        hook.write_text(hook.read_text().replace(".git/said", str(tmp_path / "said")))
        with pytest.raises(AssertionError):
            hooked.git("-C", str(tmp_path / "tree"), "commit", "-q", "-a", "-m", "x")
        assert "good/Dockerfile" in (tmp_path / "said").read_text()
