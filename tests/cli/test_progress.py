"""The bar shows on a terminal, on long work, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys, time
from sp404audit import conductor
from sp404audit.cli import main, progress
progress.SECONDS_BEFORE, pause = map(float, sys.argv[1:3])
merge = conductor.Engines.merge
def slow_merge(*arguments):
    time.sleep(pause)
    return merge(*arguments)
conductor.Engines.merge = slow_merge
try:
    main(["scan", "--engine", "native", *sys.argv[3:]])
except SystemExit:
    print("rich" in sys.modules)
"""
"""Scans; engines take as long as is said."""


def errors_of(
    root: Path, *arguments: str, before: str = "0.1", pause: str = "0.2", **environment: str
) -> tuple[str, bool]:
    """Scan with a terminal as standard error; return what it shows, and whether rich was imported."""
    import pty

    (root / "Dockerfile").write_text("FROM python:latest\n")
    terminal, theirs = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    process = subprocess.run(
        [sys.executable, "-c", CODE, before, pause, str(root), *arguments],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**inherited, "TERM": "xterm", **environment},
        text=True,
        timeout=60,
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(terminal, 65536):
            shown += chunk
    except OSError:
        pass  # the end, on Linux
    os.close(terminal)
    return shown.decode(), process.stdout.splitlines()[-1] == "True"


posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")


@posix
def test_long_work_shows_how_far_it_is_and_leaves_nothing_behind(tmp_path: Path) -> None:
    shown, imported = errors_of(tmp_path, pause="1.5")
    assert "judging across files" in shown
    assert "1/1" in shown
    assert imported
    assert shown.endswith("\x1b[2K"), "the line is erased"


@posix
def test_quick_work_imports_nothing(tmp_path: Path) -> None:
    assert errors_of(tmp_path, before="60", pause="0") == ("", False)


@posix
@pytest.mark.parametrize(
    ("arguments", "environment"), [(("--quiet",), {}), ((), {"CI": "true"}), ((), {"TERM": "dumb"})]
)
def test_who_wants_none_gets_none(tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    assert errors_of(tmp_path, *arguments, **environment) == ("", False)


def test_without_a_terminal_there_is_none(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CODE, "0", "0.2", str(tmp_path)], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "False"
