"""Git is started to read: nothing that a repository's configuration names is run, and every refusal names a way out."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sp404audit import git as module
from sp404audit.git import GitError, git, open_git, records, spooled, top_folder

if TYPE_CHECKING:
    from tests.conftest import GitRepository

posix = pytest.mark.skipif(os.name != "posix", reason="marks are left by shell scripts")


@pytest.fixture
def repository(make_git: type[GitRepository], tmp_path: Path) -> GitRepository:
    made = make_git(tmp_path / "repository")
    made.write("a.txt", "one\n")
    made.commit("first")
    made.write("folder/b.txt", "two\n")
    made.commit("second")
    return made


class TestReading:
    def test_output_comes_back_as_it_is(self, repository: GitRepository) -> None:
        assert git(repository.root, "ls-files", "-z") == b"a.txt\0folder/b.txt\0"

    def test_a_subfolder_is_a_place_to_start_from(self, repository: GitRepository) -> None:
        assert git(repository.root / "folder", "ls-files", "-z") == b"b.txt\0"

    def test_what_a_command_reads_can_be_given(self, repository: GitRepository) -> None:
        name = git(repository.root, "rev-parse", "HEAD:a.txt").strip()
        assert git(repository.root, "cat-file", "--batch", input=name + b"\n") == name + b" blob 4\none\n\n"

    def test_records_are_told_one_by_one(self, repository: GitRepository) -> None:
        assert list(records(repository.root, "log", "-z", "--format=%s%n%P")) == [
            b"second\n" + git(repository.root, "rev-parse", "HEAD^").strip(),
            b"first\n",
        ]

    def test_records_may_span_reads_and_be_empty(
        self, repository: GitRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.commit("long " + "x" * 100_000)
        assert [len(each) for each in records(repository.root, "log", "-z", "--format=%s")] == [100_005, 6, 5]
        monkeypatch.setattr(module, "MAX_RECORD_BYTES", 90_000)
        with pytest.raises(GitError, match="a record of more than"):
            list(records(repository.root, "log", "-z", "--format=%s"))

    def test_output_can_be_read_from_a_file_when_git_is_done(self, repository: GitRepository) -> None:
        with spooled(repository.root, "log", "-z", "--format=%s") as written:
            assert written.read() == b"second\0first\0"

    def test_a_file_holds_no_more_than_it_may(self, repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_SPOOLED_BYTES", 3)
        with pytest.raises(GitError, match="printed more than"), spooled(repository.root, "log", "-z", "--format=%s"):
            pytest.fail("there is nothing to read")

    def test_a_failure_is_told_before_anything_is_read(self, repository: GitRepository) -> None:
        with pytest.raises(GitError), spooled(repository.root, "log", "--end-of-options", "no-such-branch"):
            pytest.fail("there is nothing to read")

    def test_whoever_has_seen_enough_may_leave(self, repository: GitRepository) -> None:
        for number in range(30):
            repository.write(f"{number}.bin", "x" * 100_000)
        repository.commit("many")
        stream = records(repository.root, "log", "-z", "-p", "--format=%s")
        assert next(stream).startswith(b"many")
        stream.close()
        with open_git(repository.root, "log", "-p") as running:
            assert running.stdout.read(6) == b"commit"

    def test_a_conversation(self, repository: GitRepository) -> None:
        with open_git(repository.root, "cat-file", "--batch", talk=True) as running:
            assert running.stdin is not None
            for content in (b"one\n", b"two\n"):
                name = b"HEAD:a.txt\n" if content == b"one\n" else b"HEAD:folder/b.txt\n"
                running.stdin.write(name)
                running.stdin.flush()
                assert running.stdout.readline().endswith(b" blob 4\n")
                assert running.stdout.read(5) == content + b"\n"

    def test_names_are_literal(self, repository: GitRepository) -> None:
        assert git(repository.root, "ls-files", "-z", "--", "*.txt", ":(glob)**") == b""

    def test_the_callers_environment_does_not_leak_in(
        self, repository: GitRepository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nothing"))
        monkeypatch.setenv("GIT_TRACE", "2")
        assert git(repository.root, "ls-files", "-z") == b"a.txt\0folder/b.txt\0"


class TestHostileRepository:
    """Each setting below makes a plain git run `mark`, in one command or another."""

    @pytest.fixture
    def mark(self, repository: GitRepository, tmp_path: Path) -> Path:
        """What a program of the repository leaves behind; `tmp_path / "program"` is that program."""
        mark = tmp_path / "mark"
        program = tmp_path / "program"
        program.write_text(f'#!/bin/sh\necho "$0" "$@" >>"{mark}"\nexit 1\n')
        program.chmod(0o755)
        signed = repository.git("cat-file", "commit", "HEAD").replace(
            b"\n\n", b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n\n", 1
        )
        name = repository.git("hash-object", "-t", "commit", "-w", "--stdin", input=signed).decode().strip()
        repository.git("update-ref", "HEAD", name)
        for name in ("pre-commit", "post-index-change", "reference-transaction", "post-checkout"):
            hook = repository.root / ".git/hooks" / name
            hook.parent.mkdir(exist_ok=True)
            shutil.copy(program, hook)
        (repository.root / ".gitattributes").write_text("* filter=evil diff=evil\n")
        self._configure(repository, program)
        return mark

    @staticmethod
    def _configure(repository: GitRepository, program: Path) -> None:
        settings = f"""
            core.fsmonitor core.pager core.sshCommand core.askPass core.editor core.alternateRefsCommand core.gitProxy
            diff.external diff.evil.command diff.evil.textconv filter.evil.clean filter.evil.smudge
            filter.evil.process gpg.program gpg.ssh.program sequence.editor pager.log pager.ls-files pager.diff-index
            credential.helper uploadpack.packObjectsHook remote.origin.uploadpack {" "}
        """.split()
        for setting in settings:
            repository.git("config", setting, str(program))
        included = repository.root / ".git/more"
        included.write_text(f"[log]\n\tshowSignature = true\n[core]\n\tfsmonitor = {program}\n")
        repository.git("config", "include.path", str(included))
        for name in ("log", "ls-files", "rev-parse", "diff-index"):
            repository.git("config", f"alias.{name}", f"!{program}")

    @posix
    @pytest.mark.parametrize(
        "arguments",
        [
            ("log", "-p", "-z"),
            ("log", "--raw", "--numstat", "-z", "--format=%H %G? %GS"),
            ("ls-files", "-s", "-z"),
            ("ls-files", "--others", "--exclude-standard", "-z"),
            ("diff-index", "-p", "HEAD"),
            ("diff-tree", "-r", "-p", "HEAD^", "HEAD"),
            ("for-each-ref",),
            ("ls-tree", "-r", "HEAD"),
            ("cat-file", "-p", "HEAD:a.txt"),
            ("config", "core.bare"),
            ("merge-base", "HEAD", "HEAD^"),
            ("rev-list", "--all"),
            ("rev-parse", "--verify", "--end-of-options", "HEAD"),
        ],
        ids=" ".join,
    )
    def test_nothing_of_it_is_run(self, repository: GitRepository, mark: Path, arguments: tuple[str, ...]) -> None:
        repository.write("a.txt", "changed\n")
        os.utime(repository.root / ".git/index", (1, 1))  # every entry may have changed since
        git(repository.root, *arguments)
        assert not mark.exists(), mark.read_text()

    @posix
    def test_the_trap_works(self, repository: GitRepository, mark: Path) -> None:
        repository.write("a.txt", "changed\n")
        subprocess.run(["git", "status"], cwd=repository.root, capture_output=True, timeout=20)
        subprocess.run(["git", "-c", "core.fsmonitor=", "diff"], cwd=repository.root, capture_output=True, timeout=20)
        assert mark.read_text().count("\n") >= 2

    @posix
    def test_a_partial_clone_fetches_nothing(self, repository: GitRepository, mark: Path) -> None:
        name = git(repository.root, "rev-parse", "HEAD:a.txt").decode().strip()
        (repository.root / ".git/objects" / name[:2] / name[2:]).unlink()
        for key, value in {
            "core.repositoryFormatVersion": "1",
            "extensions.partialClone": "origin",
            "remote.origin.promisor": "true",
            "remote.origin.url": f"ext::{mark.parent / 'program'} %S",
            "protocol.ext.allow": "always",
        }.items():
            repository.git("config", key, value)
        for url in (f"ext::{mark.parent / 'program'} %S", "ssh://host/x", str(repository.root), "https://localhost:1/"):
            repository.git("config", "remote.origin.url", url)
            with pytest.raises(GitError, match="git cat-file failed"):
                git(repository.root, "cat-file", "-p", name)
        assert not mark.exists(), mark.read_text()

    def test_a_repository_that_is_a_plain_folder_of_another_is_not_taken_for_one(
        self, repository: GitRepository
    ) -> None:
        inner = repository.root / "folder/inner.git"
        subprocess.run(["git", "init", "-q", "--bare", inner], check=True)
        # The folder has no `.git`, so it belongs to the repository around it, whose settings are known.
        with pytest.raises(GitError):
            git(inner, "ls-files")

    def test_another_work_tree_is_not_gone_to(self, repository: GitRepository, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere/secret.txt").write_text("x")
        repository.git("config", "core.worktree", str(tmp_path / "elsewhere"))
        assert b"secret" not in git(repository.root, "ls-files", "--others", "-z")

    def test_replaced_objects_and_grafts_do_not_count(self, repository: GitRepository) -> None:
        repository.git("replace", "HEAD:a.txt", "HEAD:folder/b.txt")
        (repository.root / ".git/info").mkdir(exist_ok=True)
        head = git(repository.root, "rev-parse", "HEAD")
        (repository.root / ".git/info/grafts").write_bytes(head)
        assert git(repository.root, "cat-file", "-p", "HEAD:a.txt") == b"one\n"
        assert len(git(repository.root, "rev-list", "HEAD").split()) == 2

    @posix
    @pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs")
    def test_a_configuration_that_never_ends_is_given_up(
        self, repository: GitRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (repository.root / ".git/config").unlink()
        os.mkfifo(repository.root / ".git/config")
        monkeypatch.setattr(module, "SECONDS", 0.3)
        with pytest.raises(GitError, match="took more than 0 s and was stopped"):
            git(repository.root, "rev-parse", "HEAD")


class TestWhereTheRepositoryIs:
    def test_linked_worktrees_and_submodules_are_repositories(
        self, make_git: type[GitRepository], repository: GitRepository, tmp_path: Path
    ) -> None:
        repository.git("worktree", "add", "-q", str(tmp_path / "tree"), "HEAD^")
        assert git(tmp_path / "tree", "ls-files", "-z") == b"a.txt\0"
        outer = make_git(tmp_path / "outer")
        outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository.root), "sub/module")
        assert git(outer.root / "sub/module/folder", "ls-files", "-z") == b"b.txt\0"
        assert top_folder(outer.root / "sub/module/folder") == str((outer.root / "sub/module").resolve())

    def test_a_file_that_leads_to_a_repository_that_knows_nothing_of_it(
        self, repository: GitRepository, tmp_path: Path
    ) -> None:
        hostile = tmp_path / "hostile"
        hostile.mkdir()
        for text in (f"gitdir: {repository.root}/.git\n", "gitdir: ../repository/.git", "gitdir:\n", "", "\0", "x"):
            (hostile / ".git").write_text(text)
            with pytest.raises(GitError, match=r"leads to a repository elsewhere .* git worktree repair"):
                git(hostile, "log")

    def test_a_history_that_is_another_repositorys(
        self, make_git: type[GitRepository], repository: GitRepository, tmp_path: Path
    ) -> None:
        hostile = make_git(tmp_path / "hostile")
        (hostile.root / ".git/commondir").write_text(f"{repository.root}/.git\n")
        with pytest.raises(GitError, match=r"shares the history of another repository \(commondir\)"):
            git(hostile.root, "log")
        (hostile.root / ".git").rename(hostile.root / "meta")
        (hostile.root / ".git").write_text("gitdir: meta\n")
        (hostile.root / "meta/gitdir").write_text(f"{hostile.root}/.git\n")
        with pytest.raises(GitError, match="leads to a repository elsewhere"):
            git(hostile.root, "log")

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
    @pytest.mark.parametrize("part", ["objects", "refs", "refs/heads", "packed-refs", "HEAD", "config", "index"])
    def test_a_part_that_is_another_repositorys(
        self, make_git: type[GitRepository], repository: GitRepository, tmp_path: Path, part: str
    ) -> None:
        hostile = make_git(tmp_path / "hostile")
        full = hostile.root / ".git" / part
        if full.is_dir():
            shutil.rmtree(full)
        full.unlink(missing_ok=True)
        full.symlink_to(repository.root / ".git" / part)
        with pytest.raises(GitError, match="is a link to another repository and is not followed"):
            git(hostile.root, "log")

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
    def test_a_link_is_not_followed(self, repository: GitRepository, tmp_path: Path) -> None:
        hostile = tmp_path / "hostile"
        hostile.mkdir()
        (hostile / ".git").symlink_to(repository.root / ".git")
        with pytest.raises(GitError, match="is a link and is not followed"):
            git(hostile, "log")

    def test_no_repository(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(GitError, match="is no git repository, and lies in none"):
            git(tmp_path, "log")
        (tmp_path / ".git").mkdir()
        with pytest.raises(GitError, match="is not complete"):
            git(tmp_path, "log")

    def test_the_folder_of_somebody_else(self, repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_KEPT_VARIABLES", ("PATH", "GIT_TEST_ASSUME_DIFFERENT_OWNER"))
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        with pytest.raises(GitError, match=r"belongs to another user; if you do: git config --global --add safe\.dir"):
            git(repository.root, "log")


class TestRefusals:
    def test_only_commands_that_read(self, repository: GitRepository) -> None:
        for arguments in (("status",), ("diff",), ("checkout", "."), ("-c", "x=y"), ("ls-files", "-m")):
            with pytest.raises(ValueError, match=r"see sp404audit\.git"):
                git(repository.root, *arguments)
        for option in ("--filters", "--textconv", "--output=x", "-m", "a\0b"):
            with pytest.raises(ValueError, match="is not started with"):
                git(repository.root, "cat-file", option)

    def test_what_git_complains_about(self, repository: GitRepository) -> None:
        with pytest.raises(GitError, match="git rev-parse failed: Needed a single revision"):
            git(repository.root, "rev-parse", "--verify", "--end-of-options", "--help")

    def test_too_much_to_hold(self, repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_OUTPUT_BYTES", 3)
        with pytest.raises(GitError, match="printed more than"):
            git(repository.root, "log")

    @posix
    def test_git_is_neither_taken_from_the_repository_nor_from_where_you_stand(
        self, repository: GitRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trap = repository.root / "git"
        trap.write_text("#!/bin/sh\necho trapped\n")
        trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
        monkeypatch.chdir(repository.root)
        real = os.environ["PATH"]
        monkeypatch.setenv("PATH", os.pathsep.join(("", ".", str(repository.root), real)))
        assert git(repository.root, "rev-list", "--count", "HEAD") == b"2\n"
        monkeypatch.setenv("PATH", os.pathsep.join(("", ".", str(repository.root))))
        with pytest.raises(GitError, match="git is needed for this and is not on PATH"):
            git(repository.root, "log")
