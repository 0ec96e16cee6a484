"""The metrics report on the command line, over a real repository: what it prints, writes, and ends with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from sp404audit.cli import main

AS_OF = "2025-01-02"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three releases in a day: eight, six hours, one hour after the change; the third takes one of the second back."""
    root = tmp_path_factory.mktemp("history")
    stream = []
    start, hour = 1_735_689_600, 3600

    def commit(mark: int, hours: int, message: str, parent: int = 0) -> None:
        when = f"Dev <dev@example.org> {start + hours * hour} +0000"
        parts = [f"commit refs/heads/main\nmark :{mark}\nauthor {when}\ncommitter {when}\n"]
        parts.append(f"data {len(message)}\n{message}\n" + (f"from :{parent}\n" if parent else ""))
        parts.append(f"M 100644 inline f\ndata 2\n{mark}\n\n")
        stream.append("".join(parts))

    def tag(name: str, of: int, hours: int) -> None:
        when = f"Dev <dev@example.org> {start + hours * hour} +0000"
        stream.append(f"tag {name}\nfrom :{of}\ntagger {when}\ndata 0\n\n")

    commit(1, 0, "first")
    tag("v1.0.0", 1, 1)
    commit(2, 2, "feat: x (#1)", 1)
    commit(3, 4, "feat: y", 2)
    tag("v1.1.0", 3, 10)
    commit(4, 12, "fix: z", 3)
    tag("v1.1.1", 4, 13)
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    subprocess.run(["git", "fast-import", "--quiet"], cwd=root, input="".join(stream).encode(), check=True)
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=root, check=True)
    return root


class Finished(NamedTuple):
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Finished]


@pytest.fixture
def run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str, cwd: Path = repository) -> Finished:
        monkeypatch.chdir(cwd)
        done = CliRunner().invoke(main, arguments, prog_name="sp404audit")
        return Finished(done.exit_code, done.stdout, done.stderr)

    return run


def test_a_repository_is_measured_from_git_alone(run: Run) -> None:
    finished = run("dora", "--as-of", AS_OF, "--since", "2025-01-01", "-f", "json")
    assert finished.returncode == 0, finished.stderr
    metrics = json.loads(finished.stdout)["metrics"]
    assert metrics["deployment_frequency"]["deployments"] == 3
    assert metrics["lead_time"]["median_seconds"] == 6 * 3600
    assert metrics["lead_time"]["p90_seconds"] == 7.6 * 3600


def test_the_same_input_gives_the_same_bytes(repository: Path, tmp_path: Path) -> None:
    """In processes of their own, whose sets are in different orders."""
    outputs = []
    for seed in ("1", "2"):
        reports = {name: tmp_path / f"{seed}.{name}" for name in ("json", "markdown", "html", "sarif", "openmetrics")}
        command = [sys.executable, "-m", "sp404audit", "dora", "--as-of", AS_OF, "-f", "text"]
        command += [f"--format={name}:{file}" for name, file in reports.items()]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, check=True)
        outputs.append({"text": done.stdout, **{name: file.read_bytes() for name, file in reports.items()}})
    assert all(outputs[0].values())
    assert outputs[0] == outputs[1]


def test_a_missed_target_ends_with_one(run: Run, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmetrics: {verdicts: point, targets: {lead-time: 1m}}\n")
    finished = run("dora", "--as-of", AS_OF, "--policy", str(policy))
    assert finished.returncode == 1
    assert "1 missed" in finished.stdout


def test_evidence_can_be_required(run: Run) -> None:
    asked = ("dora", "--as-of", AS_OF, "--policy", "sp404")
    assert run(*asked).returncode == 0
    assert run(*asked, "--require-evidence").returncode == 3


def test_a_figure_is_explained_by_its_events(run: Run) -> None:
    finished = run("dora", "explain", "lead_time", "--as-of", AS_OF)
    for name in ("lead-time", "dora/lead-time"):
        assert run("dora", "explain", name, "--as-of", AS_OF).stdout == finished.stdout
    assert finished.returncode == 0, finished.stderr
    assert "Counted (3)" in finished.stdout
    assert "8.0 h" in finished.stdout


def test_counting_rules_from_an_event_file_to_the_report(run: Run, tmp_path: Path) -> None:
    """Two regions, a rollback, a redeploy, a preview, an attempt that failed and one elsewhere: two deployments."""
    (tmp_path / ".sp404audit.yaml").write_text("version: 1\nmetrics: {production-environments: ['prod-*']}\n")
    lines = ["kind,id,finished_at,sha,version,environment,outcome,prerelease,opened_at,resolved_at,caused_by,service"]
    steps = [
        ("03T10:00", "a", "v1.0.0", "prod-eu", "success", ""),
        ("03T10:20", "a", "v1.0.0", "prod-us", "success", ""),
        ("05T10:00", "b", "v1.1.0", "prod-eu", "success", ""),
        ("05T11:00", "a", "v1.0.0", "prod-eu", "success", ""),
        ("05T15:00", "b", "v1.1.0", "prod-eu", "success", ""),
        ("06T15:00", "c", "v1.2.0-rc1", "prod-eu", "success", "true"),
        ("07T15:00", "d", "v1.2.0", "prod-eu", "failure", ""),
        ("08T23:30", "e", "v1.3.0", "staging", "success", ""),
    ]
    for number, (at, sha, version, environment, outcome, preview) in enumerate(steps):
        when = f"2025-03-{at}:00Z"
        lines.append(f"deployment,{number},{when},{sha * 40},{version},{environment},{outcome},{preview},,,,api")
    lines.append("incident,i,,,,,,,2025-03-05T10:30:00Z,2025-03-05T11:05:00Z,2,api")
    events = tmp_path / "events.csv"
    events.write_text("\n".join(lines) + "\n")
    asked = ("--events", str(events), "--since", "2025-03-03", "--as-of", "2025-03-31", "--service", "api")
    found = json.loads(run("dora", *asked, "-f", "json", cwd=tmp_path).stdout)
    metrics = found["metrics"]
    frequency = metrics["deployment_frequency"]
    assert frequency["deployments"] == 2
    roles = ("merged", "rollbacks", "redeploys", "prereleases", "failed_attempts", "other_environments")
    assert [frequency[role] for role in roles] == [1] * 6
    assert (metrics["change_failure_rate"]["k"], metrics["change_failure_rate"]["n"]) == (1, 2)
    assert metrics["recovery_time"]["median_seconds"] == 65 * 60
    unknown = run("dora", *asked[:-1], "web", cwd=tmp_path)
    assert (unknown.returncode, unknown.stderr.strip()) == (
        2,
        "sp404audit: web is no service of this repository; there are api",
    )


def test_a_time_zone_moves_weeks_and_nothing_else(run: Run, tmp_path: Path) -> None:
    """Sunday 23:30 UTC is Monday in Berlin; its week from 2025-03-24 on has an hour less."""
    events = tmp_path / "events.csv"
    events.write_text("kind,id,finished_at\ndeployment,0,2025-03-01\ndeployment,1,2025-03-30T23:30:00Z\n")
    weeks = {}
    for zone in ("UTC", "Europe/Berlin"):
        asked = ("dora", "--events", str(events), "--since", "2025-03-24", "--as-of", "2025-04-07", "--timezone", zone)
        figure = json.loads(run(*asked, "-f", "json", cwd=tmp_path).stdout)["metrics"]["deployment_frequency"]
        assert figure["deployments"] == 1
        weeks[zone] = [(week["value"], (week["end"] - week["start"]) // 3600) for week in figure["series"]]
    assert weeks == {"UTC": [(1, 168), (0, 168)], "Europe/Berlin": [(0, 167), (1, 168)]}


def test_files_and_folders_are_written(run: Run, tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    for _ in range(2):
        finished = run(
            *("dora", "--as-of", AS_OF, "-f", f"history:{history}", "-f", f"ledgers:{tmp_path / 'ledgers'}"),
            *("-f", f"plots:{tmp_path / 'plots'}", "-f", f"badges:{tmp_path / 'badges'}"),
        )
        assert (finished.returncode, finished.stdout) == (0, "")
    assert len(history.read_text().splitlines()) == 2, "history grows"
    assert (tmp_path / "ledgers" / "changes.csv").read_text().startswith("sha,")
    assert (tmp_path / "plots" / "lead_time.svg").exists()
    assert json.loads((tmp_path / "badges" / "lead_time.json").read_text())["message"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--since", "soon"), "'soon' is no time; write 2026-01-31"),
        (("--timezone", "Mars/Base"), "is no time zone here"),
        (("--service", "api"), "name them under"),
        (("--policy", "nonsense"), "is no policy that ships"),
        (("--as-of", AS_OF, "--until", "2026-01-01"), "choose an earlier end"),
        (("-f", "plots"), "write plots:FOLDER"),
        (("-f", "pie"), "'pie' is no format; there are text, json"),
        (("--github", "."), "write the path before --github"),
        (("--events", "none.csv"), "'none.csv' does not exist"),
    ],
)
def test_wrong_usage_is_told_with_the_way_out(run: Run, arguments: tuple[str, ...], message: str) -> None:
    finished = run("dora", *arguments)
    assert finished.returncode == 2
    assert message in " ".join(finished.stderr.split())
    assert "Traceback" not in finished.stderr


def test_what_is_no_history_is_told(run: Run, repository: Path, tmp_path: Path) -> None:
    assert "is no folder" in run("dora", str(tmp_path / "none")).stderr
    assert run("dora", str(tmp_path)).returncode == 2
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", repository.as_uri(), shallow], check=True)
    finished = run("dora", str(shallow))
    assert finished.returncode == 2
    assert "git fetch --unshallow" in finished.stderr


def test_a_scan_holds_the_metrics_too(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "metrics.json"
    assert run("dora", "--as-of", AS_OF, "--policy", "sp404", "-f", f"json:{file}").returncode == 0
    finished = run("scan", "--dora", str(file), "--policy", "sp404", "-f", "json", "--engine", "native")
    report = json.loads(finished.stdout)
    assert report["metrics"]["metrics"]["lead_time"]["changes"] == 3
    assert "dora/lead-time" in {control["id"] for control in report["controls"]}
    assert "Delivery metrics" in run("scan", "--dora", str(file), "--engine", "native").stdout


def test_a_scan_names_its_findings_beside_the_metrics(run: Run, repository: Path, tmp_path: Path) -> None:
    """Whether they are measured with it, or read from a file that was written before it."""
    root, file = tmp_path / "clone", tmp_path / "metrics.json"
    subprocess.run(["git", "clone", "-q", repository, root], check=True)
    root.joinpath("deploy.sh").write_text("#!/bin/bash\ndocker pull app\ndocker run app\n")
    assert run("dora", str(root), "--as-of", AS_OF, "-f", f"json:{file}").returncode == 0
    scan = ("scan", str(root), "--engine", "native", "-f", "json", "--select", "shell/strict-mode")
    for chosen in (("--dora",), ("--dora", str(file))):
        finished = run(*scan, *chosen)
        assert finished.stdout, finished.stderr
        influences = json.loads(finished.stdout)["metrics"]["metrics"]["change_failure_rate"]["influences"]
        assert [(each["rule_id"], each["path"]) for each in influences] == [("shell/strict-mode", "deploy.sh")]


def test_a_scan_without_a_history_to_measure_is_incomplete(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing\n")
    finished = run("scan", "--dora", "--engine", "native", "-f", "json", cwd=tmp_path)
    assert finished.returncode == 3
    assert [note["id"] for note in json.loads(finished.stdout)["notifications"]] == ["metrics/not-measured"]
    assert run("scan", "--dora", "notes.txt", cwd=tmp_path).returncode == 2


def test_a_report_with_metrics_is_made_again(run: Run, tmp_path: Path) -> None:
    file, again = tmp_path / "report.json", tmp_path / "again.html"
    first = tmp_path / "first.html"
    asked = ("scan", "--dora", "--policy", "sp404", "--engine", "native")
    run(*asked, "-f", f"json:{file}", "-f", f"html:{first}")
    assert run("report", str(file), "-f", f"html:{again}").returncode in (0, 1)
    assert again.read_text() == first.read_text()
