"""`sp404audit doctor` and `sp404audit completion`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sp404audit import __version__
from sp404audit.cli import main, names


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_doctor_tells_what_is_in_force_and_from_where(tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yaml").write_text("version: 1\nfail-on: high\n")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    done = run("doctor", str(tmp_path))
    assert done.exit_code == 0
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert lines[0] == f"sp404audit {__version__}"
    assert "fail-on high from .sp404audit.yaml:2" in lines
    assert "from sp404audit:recommended, .sp404audit.yaml" in lines
    assert "dockerfile 1" in lines
    assert f"native {__version__} takes part" in lines


def test_the_same_as_json(tmp_path: Path) -> None:
    found = json.loads(run("doctor", str(tmp_path), "--format", "json", "--policy", "strict").output)
    assert found["configuration"]["sources"] == ["sp404audit:strict"]
    assert {value["key"] for value in found["configuration"]["values"]} > {"fail-on", "default"}
    assert found["engines"][0]["name"] == "native"
    assert set(found) == {"version", "python", "platform", "git", "engines", "configuration", "cache", "files"}


def test_a_configuration_that_cannot_be_used_ends_with_2_and_shows_the_rest(tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yaml").write_text('version: 1\n"\\e[31m": 1\n')
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    done = run("doctor", str(tmp_path))
    assert done.exit_code == 2
    assert "cannot be used: .sp404audit.yaml:2:1" in done.output
    assert "dockerfile" in done.output
    assert "\x1b" not in done.output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: str) -> None:
    done = run("completion", shell)
    assert done.exit_code == 0
    assert f"_SP404AUDIT_COMPLETE={shell}_complete" in done.output
    assert "sp404audit completion" in run("completion", "--help").output


def completed(*words: str) -> list[str]:
    environment = {
        **os.environ,
        "_SP404AUDIT_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("sp404audit", *words)),
        "COMP_CWORD": str(len(words)),
    }
    code = "import sys; sys.argv[0] = 'sp404audit'; from sp404audit.cli import main; main(prog_name='sp404audit')"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_commands_options_and_rules_are_completed() -> None:
    assert completed("sc") == ["scan"]
    assert "--no-github-summary" in completed("scan", "--no-")
    assert completed("explain", "docker/non-r") == ["docker/non-root-user"]


def test_the_last_rule_of_a_list_is_completed() -> None:
    import click

    context = click.Context(main)
    found = names.complete_rules(context, click.Option(["--select"]), "shell,docker/non-r")
    assert [(item.value, item.help) for item in found] == [
        ("shell,docker/non-root-user", "Containers run as a user other than root.")
    ]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_takes_the_script() -> None:
    script = run("completion", "bash").output
    assert subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True).returncode == 0


def test_it_looks_at_the_configuration_that_a_scan_would_take(tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yaml").write_text("version: 1\nfail-on: high\n")
    (tmp_path / "other.yaml").write_text("version: 1\nfail-on: critical\n")
    for command in (("doctor", str(tmp_path)), ("config", "show", str(tmp_path))):
        assert "high" in run(*command).output
        assert "critical" in run(*command, "--config", str(tmp_path / "other.yaml")).output
        isolated = run(*command, "--isolated")
        assert isolated.exit_code == 0
        assert ".sp404audit.yaml" not in isolated.output
        both = run(*command, "--isolated", "--config", str(tmp_path / "other.yaml"))
        assert both.exit_code == 2
        assert "choose one" in both.output
