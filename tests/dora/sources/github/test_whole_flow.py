"""The command itself, over a clone and the known repository on loopback: real processes, real sockets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.dora.sources.github.conftest import GitHub

WINDOW = ("--since", "2026-03-01", "--until", "2026-04-01", "--as-of", "2026-04-01")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def clone(known: GitHub, tmp_path: Path) -> Path:
    """A clone with one commit, whose origin is the known repository."""
    root = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    subprocess.run(["git", "-C", root, "remote", "add", "origin", f"{known.url}/octo/shop.git"], check=True)
    when = "Ada <ada@example.org> 1772323200 +0000"
    stream = f"commit refs/heads/main\nauthor {when}\ncommitter {when}\ndata 5\nfirst\n"
    subprocess.run(["git", "-C", root, "fast-import", "--quiet"], input=stream.encode(), check=True)
    return root


@pytest.fixture
def run(known_environment: dict[str, str], clone: Path) -> Run:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sp404audit", "dora", str(clone), *WINDOW, *arguments]
        around = {**known_environment, **environment}
        return subprocess.run(command, env=around, capture_output=True, text=True, timeout=120)

    return run


def test_metrics_from_github(run: Run, known: GitHub, secret: str) -> None:
    finished = run("--github", "-f", "json")
    assert (finished.returncode, finished.stderr) == (0, "")
    metrics = json.loads(finished.stdout)["metrics"]
    frequency, failures, build = (
        metrics[name] for name in ("deployment_frequency", "change_failure_rate", "build_time")
    )
    assert (frequency["deployments"], frequency["rollbacks"], frequency["failed_attempts"]) == (2, 1, 1)
    assert (failures["k"], failures["n"], failures["failures_by_grade"]) == (1, 2, {"A": 1})
    assert (build["n"], build["median_seconds"], build["queue_median_seconds"]) == (2, 280, 20)
    assert metrics["mttr"]["n"] == 2
    assert metrics["rework_rate"]["n"] == 2
    known.seen.clear()
    again = run("--github", "octo/shop", "-f", "json")
    assert again.stdout == finished.stdout
    assert {seen.status for seen in known.seen} == {304}
    assert secret not in finished.stdout + again.stdout + again.stderr


def test_a_budget_that_ends_is_told(run: Run) -> None:
    finished = run("--github", "--api-budget", "9")
    assert finished.returncode == 3
    assert "--api-budget" in finished.stdout + finished.stderr
    assert run("--github", "--api-budget", "9", "-f", "json").returncode == 3
    assert run("--github").returncode == 0, "the third run has the rest"


@pytest.mark.parametrize("form", ["html", "markdown", "csv", "sarif", "openmetrics"])
def test_every_form_takes_it(run: Run, form: str, secret: str) -> None:
    finished = run("--github", "-f", form)
    assert finished.returncode == 0, finished.stderr
    assert secret not in finished.stdout


def test_what_cannot_be_asked(run: Run, clone: Path, secret: str) -> None:
    finished = run("--github", GITHUB_TOKEN=f"{secret} x")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "GITHUB_TOKEN holds no token" in finished.stderr
    assert secret not in finished.stderr
    finished = run("--github", GITHUB_API_URL="http://code.example.com/api/v3")
    assert finished.returncode == 2
    assert "write https://" in finished.stderr
    config = clone / ".git/config"
    config.write_text(config.read_text("utf-8").replace("127.0.0.1", "evil.example"), "utf-8")
    finished = run("--github")
    assert finished.returncode == 2
    assert "the remote origin is on evil.example" in finished.stderr
