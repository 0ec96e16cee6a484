"""The hooks as a user has them: with the real pre-commit, from a git repository that holds this checkout.

The environment of the hooks is built without network, from the wheels that `.ci/run` puts into `.ci/wheels`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.conftest import GitRepository

ROOT = Path(__file__).parent.parent
MANIFEST = ROOT / ".pre-commit-hooks.yaml"
INSTALLED = ("pyproject.toml", "README.md", "LICENSE", "sp404audit", "policies", MANIFEST.name)
"""What pip needs of this checkout, and pre-commit."""

BAD, GOOD = "FROM python:latest\nUSER 1000\n", "FROM python@sha256:" + "0" * 64 + "\nUSER 1000\n"
heavy = pytest.mark.heavy("pre-commit")
pytestmark = pytest.mark.xdist_group("pre-commit")  # one worker, because it takes seconds to build their environment


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings under which pre-commit keeps to a folder of its own and pip to our wheels."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PIP_", "PRE_"))}
    names = {f"GIT_{role}_{key}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    return {
        **inherited,
        **names,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_FIND_LINKS": str(ROOT / ".ci/wheels"),
        "PIP_NO_INDEX": "1",
        "PRE_COMMIT_COLOR": "never",
        "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("pre-commit")),
    }


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A git repository that holds this checkout, as users name one in their configuration."""
    root = tmp_path_factory.mktemp("hooks")
    for name in INSTALLED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    for arguments in ("init -q -b main .", "add -A", "commit -q -m hooks", "tag v1"):
        subprocess.run(["git", *arguments.split()], cwd=root, env=environment, check=True)
    return root


class User:
    """Somebody with a repository who uses the hooks."""

    def __init__(self, repository: GitRepository, environment: dict[str, str]) -> None:
        self.repository = repository
        self.environment = environment

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.repository.root, env=self.environment, capture_output=True, text=True, timeout=300
        )

    def commit(self, path: str, text: str) -> subprocess.CompletedProcess[str]:
        """Commit one file, as far as the hooks let it."""
        self.repository.write(path, text)
        self.repository.git("add", "--", path)
        return self.run("git", "commit", "-m", f"change {path}")


@pytest.fixture
def user(make_git: type[GitRepository], tmp_path: Path, hooks: Path, environment: dict[str, str]) -> User:
    """A user whose repository has a file that fails since long ago, and both hooks installed."""
    made = make_git(tmp_path / "repository")
    made.write("old/Dockerfile", BAD)
    ids = [{"id": "sp404audit"}, {"id": "sp404audit-repo"}]
    configuration = {"repos": [{"repo": hooks.as_posix(), "rev": "v1", "hooks": ids}]}
    made.write(".pre-commit-config.yaml", yaml.safe_dump(configuration))
    made.commit()
    user = User(made, environment)
    installed = user.run("pre-commit", "install", "--install-hooks", "-t", "pre-commit", "-t", "pre-push")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return user


@heavy
def test_a_commit_is_blocked_for_its_own_files(user: User) -> None:
    before = user.repository.git("rev-parse", "HEAD")
    blocked = user.commit("new/Dockerfile", BAD)
    assert blocked.returncode == 1
    assert "images/no-latest-tag" in blocked.stderr
    assert "new/Dockerfile" in blocked.stderr
    assert "old/Dockerfile" not in blocked.stderr
    assert user.repository.git("rev-parse", "HEAD") == before


@heavy
def test_a_commit_passes_whatever_other_files_are_like(user: User) -> None:
    passed = user.commit("new/Dockerfile", GOOD)
    assert passed.returncode == 0, passed.stderr
    assert re.search(r"sp404audit \(files of the commit\)\.+Passed", passed.stderr)
    assert user.commit("notes.txt", "nothing to audit\n").returncode == 0


@heavy
def test_what_is_staged_counts_not_what_lies_beside_it(user: User) -> None:
    user.repository.write("new/Dockerfile", BAD)
    user.repository.git("add", "-A")
    user.repository.write("new/Dockerfile", GOOD)
    assert user.run("git", "commit", "-m", "x").returncode == 1


@heavy
def test_a_file_that_is_named_like_an_option_is_none(user: User) -> None:
    passed = user.commit("-fjson:mark", "x\n")
    assert passed.returncode == 0, passed.stderr
    assert not (user.repository.root / "mark").exists()


@heavy
def test_a_push_is_blocked_for_the_whole_repository(user: User, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "remote")], check=True)
    user.repository.git("remote", "add", "origin", (tmp_path / "remote").as_posix())
    blocked = user.run("git", "push", "origin", "main")
    assert blocked.returncode == 1
    assert "old/Dockerfile" in blocked.stdout + blocked.stderr
    manual = user.run("pre-commit", "run", "sp404audit-repo", "--hook-stage", "manual", "--all-files")
    assert manual.returncode == 1
    assert "old/Dockerfile" in manual.stdout


@heavy
def test_all_files_are_checked_where_that_is_asked_for(user: User) -> None:
    done = user.run("pre-commit", "run", "sp404audit", "--all-files")
    assert done.returncode == 1
    assert "old/Dockerfile" in done.stdout


@heavy
def test_the_manifest_is_valid() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST)]
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_the_commands_of_the_hooks_exist() -> None:
    from click.testing import CliRunner

    from sp404audit.cli import main

    for hook in yaml.safe_load(MANIFEST.read_text("utf-8")):
        program, *arguments = hook["entry"].split()
        assert program == "sp404audit"
        assert CliRunner().invoke(main, [*arguments, "--help"]).exit_code == 0
        assert not re.search(hook.get("files", "^[^-]"), "-f")
