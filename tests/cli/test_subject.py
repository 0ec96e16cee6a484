"""What a scan is about, as somebody types it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from sp404audit.cli import main

if TYPE_CHECKING:
    from tests.conftest import GitRepository

BAD, GOOD = "FROM python:latest\nUSER 1000\n", "FROM python:3.13\nUSER 1000\n"


def scan(*arguments: str, stdin: str | bytes = "") -> Result:
    options = ("--engine", "native", "--select", "images/no-latest-tag", "--quiet")
    return CliRunner().invoke(main, ["scan", *options, *arguments], input=stdin)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {"a/Dockerfile": BAD, "b/Dockerfile": BAD, "good/Dockerfile": GOOD}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_of_where_you_stand(repository: Path) -> None:
    done = scan("a/Dockerfile", "good/Dockerfile")
    assert done.exit_code == 1
    assert "a/Dockerfile" in done.output
    assert "b/Dockerfile" not in done.output
    assert scan("good/Dockerfile").exit_code == 0
    assert scan("good/Dockerfile", str(repository / "a/Dockerfile")).exit_code == 1


def test_files_of_a_repository_that_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "a")
    assert scan("..", "Dockerfile").exit_code == 1
    assert scan("../good/Dockerfile", "..").exit_code == 0
    assert scan("..", "..").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("a", "b"), "a and b are two folders; name one repository, and files in it"),
        (("a/Dockerfile", "nothing"), "nothing is no folder and no file"),
        (("a", "b/Dockerfile"), "is no file in"),
        (("a/Dockerfile", "--staged"), "choose one of"),
        (("a/Dockerfile", "--stdin-filename", "b/Dockerfile"), "name no other"),
        (("-",), "- is no folder and no file"),
        (("--staged",), "is no git repository"),
        (("--changed-since", "main"), "is no git repository"),
        (("--changed-since=-x",), "'-x' is no commit"),
        (("--stdin-filename", "../x"), "is no file in"),
    ],
)
def test_wrong_usage(repository: Path, arguments: tuple[str, ...], says: str) -> None:
    done = scan(*arguments)
    assert done.exit_code == 2
    assert says in done.output


def test_a_file_from_standard_input(repository: Path) -> None:
    assert scan("--stdin-filename", "good/Dockerfile", stdin=BAD).exit_code == 1
    assert scan("--stdin-filename", "a/Dockerfile", "-", stdin=GOOD).exit_code == 0
    new = scan(".", "--stdin-filename", str(repository / "new/Dockerfile"), stdin=BAD)
    assert "new/Dockerfile" in new.output
    assert "a/Dockerfile" not in new.output
    assert scan("--stdin-filename", "a/Dockerfile", stdin=b"FROM \xff\xfe").exit_code == 0
    assert scan("--stdin-filename", "a/Dockerfile", stdin=b"#" * (11 * 1024 * 1024)).exit_code == 3


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_folder_that_is_reached_through_a_link(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "link").symlink_to("a")
    assert "a/Dockerfile" in scan("link/Dockerfile").output
    (repository / "a/other").symlink_to("/etc/passwd")
    assert scan("a/other").exit_code == 0


def test_git_tells_the_files(make_git: type[GitRepository], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_git(tmp_path / "repository")
    made.write("a/Dockerfile", BAD)
    made.commit()
    monkeypatch.chdir(made.root)
    assert scan("--staged").exit_code == 0
    assert scan("--changed-since", "main").exit_code == 0
    made.write("good/Dockerfile", BAD)
    assert scan("--staged").exit_code == 0
    assert scan("--changed-since", "main").exit_code == 1
    made.git("add", "-A")
    made.write("good/Dockerfile", GOOD)
    assert scan("--staged").exit_code == 1
    assert scan("--changed-since", "main").exit_code == 0
    assert scan("--changed-since", "nothing").exit_code == 2
