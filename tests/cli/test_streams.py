"""What reaches the screen: colours when they are wanted, letters that the stream can hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("streams")
    (root / "Dockerfile").write_text("FROM python:3.12-slim\n# größer\nCMD true\n", "utf-8")
    return root


def scan(repository: Path, **environment: str) -> bytes:
    command = [sys.executable, "-m", "sp404audit", "scan", str(repository), "--engine", "native", "--select", "docker"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, **environment})
    assert done.returncode == 1, done.stderr
    return done.stdout


def test_no_colours_in_a_pipe_unless_forced(repository: Path) -> None:
    assert b"\x1b[" not in scan(repository, FORCE_COLOR="", NO_COLOR="")
    assert b"\x1b[" in scan(repository, FORCE_COLOR="1", NO_COLOR="")
    assert b"\x1b[" not in scan(repository, FORCE_COLOR="1", NO_COLOR="1")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_stream_that_is_not_utf8_gets_what_it_can_hold(repository: Path, encoding: str) -> None:
    text = scan(repository, PYTHONIOENCODING=encoding, PYTHONUTF8="0").decode(encoding)
    assert "Dockerfile\n----------\n" in text.replace("\r\n", "\n")
