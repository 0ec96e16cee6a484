"""`sp404audit init`: what it writes, says, and asks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sp404audit.cli import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", *arguments])


def names(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_the_configuration_alone_without_options(tmp_path: Path) -> None:
    done = run(str(tmp_path))
    assert done.exit_code == 0
    assert names(tmp_path) == {".sp404audit.yaml"}
    assert done.output.startswith("wrote .sp404audit.yaml, the configuration\n\nNext:\n  sp404audit scan ")


def test_all_of_it_and_then_nothing_again(tmp_path: Path) -> None:
    arguments = (str(tmp_path), "--workflow", "--pre-commit")
    done = run(*arguments)
    assert names(tmp_path) == {".sp404audit.yaml", ".github/workflows/sp404audit.yml", ".pre-commit-config.yaml"}
    assert "  pre-commit install\n" in done.output
    again = run(*arguments)
    assert again.exit_code == 0
    assert again.output.count("sets sp404audit up already; it is as it was") == 3
    assert "git add" not in again.output


def test_where_a_file_exists_what_to_add_is_printed(tmp_path: Path) -> None:
    (tmp_path / ".pre-commit-config.yaml").write_text("repos: []\n")
    done = run(str(tmp_path), "--pre-commit")
    assert done.exit_code == 0
    assert ".pre-commit-config.yaml exists and is as it was" in done.output
    assert "      - id: sp404audit\n" in done.output
    assert (tmp_path / ".pre-commit-config.yaml").read_text() == "repos: []\n"


def test_what_cannot_be_written_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / ".github").write_text("")
    done = run(str(tmp_path), "--workflow")
    assert done.exit_code == 2
    assert "cannot write .github/workflows/sp404audit.yml: .github is no folder" in done.stderr
    assert names(tmp_path) == {".github", ".sp404audit.yaml"}, "the rest is written"


def test_a_missing_folder_is_wrong_usage(tmp_path: Path) -> None:
    assert run(str(tmp_path / "missing")).exit_code == 2


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("answers", "written"),
    [
        ("\n\n\n", {".sp404audit.yaml"}),
        ("y\ny\nn\n", {".sp404audit.yaml", ".github/workflows/sp404audit.yml"}),
        ("n\nn\ny\n", {".pre-commit-config.yaml"}),
    ],
)
def test_on_a_terminal_it_asks(answers: str, written: set[str], tmp_path: Path) -> None:
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "sp404audit", "init", str(tmp_path)])
    os.write(terminal, answers.encode())
    shown = b""
    try:
        while data := os.read(terminal, 4096):
            shown += data
    except OSError:  # on Linux, a terminal whose other end is closed cannot be read
        pass
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"Write .github/workflows/sp404audit.yml, a workflow that audits" in shown
    assert names(tmp_path) == written
