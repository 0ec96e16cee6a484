"""What reaches the screen: colours when they are wanted, letters that the stream can hold."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sp404audit.cli import main
from sp404audit.cli.output import encodable


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


def test_a_sparkline_of_a_plain_stream_is_one_of_digits() -> None:
    assert encodable("trend ··▁█ ↑ A → B…", "ascii") == "trend ..18 ^ A -> B..."
    assert encodable("trend ·▁█", "utf-8") == "trend ·▁█"


COMMANDS = [
    ["scan", "{}", "--engine", "native", "--select", "images/digest-pinned", "--fail-on", "critical"],
    ["rules"],
    ["config", "show", "{}"],
    ["explain", "docker/non-root-user"],
    ["--help"],
    ["scan", "--help"],
]


def start(arguments: list[str], redirection: str) -> subprocess.CompletedProcess[bytes]:
    line = shlex.join([sys.executable, "-m", "sp404audit", *arguments])
    return subprocess.run(["sh", "-c", f"{line} {redirection}"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_full_disk_is_told_and_is_no_verdict(repository: Path, arguments: list[str]) -> None:
    done = start([argument.replace("{}", str(repository)) for argument in arguments], ">/dev/full")
    assert done.returncode == 2
    assert done.stderr.decode().startswith("sp404audit: cannot write the output: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="redirections of a POSIX shell")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_closed_streams_keep_no_command_from_its_end(repository: Path, arguments: list[str]) -> None:
    done = start([argument.replace("{}", str(repository)) for argument in arguments], ">&-")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="Windows tells of a closed pipe in its own way")
@pytest.mark.parametrize("arguments", COMMANDS[:4], ids=" ".join)
def test_a_reader_that_leaves_early_does_not_change_the_verdict(repository: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "sp404audit", *(each.replace("{}", str(repository)) for each in arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.parametrize("command", ["scan", "doctor", "config show", "config validate", "dora"])
def test_words_of_a_configuration_stay_text_in_complaints(tmp_path: Path, command: str) -> None:
    (tmp_path / ".sp404audit.yaml").write_text('version: 1\n"\\e[31mbad\\n::error::x\\a": 1\n')
    done = CliRunner().invoke(main, [*command.split(), str(tmp_path)])
    assert done.exit_code == 2
    assert r"\x1b[31mbad" in done.output
    assert not any(line.startswith("::") for line in done.output.splitlines())
    assert all(character.isprintable() for character in done.output.replace("\n", ""))


def test_words_of_a_configuration_stay_text_when_it_is_shown(tmp_path: Path) -> None:
    waiver = '{rule: docker/non-root-user, paths: ["a"], reason: "\\e[31m\\n::error::x", owner: me, until: 2026-12-31}'
    (tmp_path / ".sp404audit.yaml").write_text(f'version: 1\nname: "\\e[32mname"\nwaivers: [{waiver}]\n')
    done = CliRunner().invoke(main, ["config", "show", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert r"(me: \x1b[31m" in done.output
    assert "\x1b" not in done.output
