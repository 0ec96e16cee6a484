"""The command as a user starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sp404audit import __version__
from sp404audit.cli import main
from sp404audit.rules import all_rules

FIXTURE = str(Path(__file__).parent.parent.parent / "fixtures" / "sp404mk2")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def scan(*arguments: str) -> Result:
    """A scan by our own rules alone: the other engines have tests of their own, and take seconds to start."""
    return run("scan", "--engine", "native", *arguments)


@pytest.fixture
def repository(tmp_path: Path) -> str:
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nUSER 1000\n")
    return str(tmp_path)


def test_version_and_help() -> None:
    assert run("--version").output == f"sp404audit {__version__}\n"
    assert "scan" in run("--help").output
    assert "Exit codes" in run("scan", "--help").output
    assert run("scna").exit_code == 2


def test_help_imports_nothing_but_click() -> None:
    code = "import sys, sp404audit.cli as c; c.main(['--help'], standalone_mode=False); print(sorted(m for m in sys.modules if m in ('yaml', 'json', 'rich', 'jsonschema', 'sarif_om', 'tree_sitter', 'sqlite3')))"  # noqa: E501
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout


def test_a_scan_imports_heavy_libraries_only_when_they_are_needed(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.13\nCOPY . .\nUSER 1000\n")
    code = "import sys, sp404audit.cli as c\ntry: c.main(['scan', sys.argv[1]])\nexcept SystemExit: pass\nprint(sorted(m for m in sys.modules if m in ('rich', 'jsonschema', 'sarif_om', 'sqlite3', 'checkov', 'multiprocessing')))"  # noqa: E501
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


def test_text_to_the_screen_and_files_beside_it(repository: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    done = scan(repository, "-f", "text", "-f", f"sarif:{out / 'a.sarif'}", "-f", f"json:{out / 'a.json'}")
    assert done.exit_code == 1
    assert "images/no-latest-tag" in done.output
    assert json.loads((out / "a.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((out / "a.json").read_text())["results"]


@pytest.mark.parametrize("form", ["text", "json", "sarif", "sarif-full"])
def test_the_exit_code_does_not_depend_on_the_format(form: str, repository: str) -> None:
    assert scan(repository, "-f", form).exit_code == 1
    assert scan(repository, "-f", form, "--ignore", "images,docker,deps").exit_code == 0
    assert scan(repository, "-f", form, "--fail-on", "critical").exit_code == 0


def test_select_and_min_severity(repository: str) -> None:
    assert "images/no-latest-tag" not in scan(repository, "--select", "docker").output
    shown = scan(repository, "--min-severity", "critical")
    assert shown.exit_code == 1, "what is shown does not decide"
    assert "images/no-latest-tag" not in shown.output.partition("Summary")[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("scan", "--format", "xml"), "'xml' is no format"),
        (("scan", "--policy", "stritc"), "no policy that ships"),
        (("scan", "--select", "docker/non-rot-user"), "did you mean docker/non-root-user?"),
        (("scan", "missing-folder"), "is no folder"),
        (("scan", "--baseline", "missing.json"), "baseline missing.json"),
        (("scan", "--engine", "semgrep"), "semgrep"),
        (("explain", "docker/non-rot-user"), "did you mean docker/non-root-user?"),
    ],
)
def test_wrong_usage_is_explained_and_ends_with_2(
    arguments: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code == 2
    assert says in done.output


def test_a_report_that_cannot_be_written_ends_with_2(repository: str) -> None:
    done = scan(repository, "-f", "sarif:/nowhere/at/all.sarif", "-f", "text")
    assert done.exit_code == 2
    assert "cannot write /nowhere/at/all.sarif" in done.output
    assert "images/no-latest-tag" in done.output


@pytest.mark.parametrize(
    ("formats", "says"),
    [
        (["json:"], "json: names no file; write json:FILE, or json for the screen"),
        (["json", "sarif"], "json and sarif cannot share the screen; send one to a file: sarif:FILE"),
        (["text", "junit"], "text and junit cannot share the screen; send one to a file: junit:FILE"),
        (["json:out", "sarif:./out"], "two reports would go to ./out; give each a file of its own"),
    ],
)
@pytest.mark.parametrize("command", ["scan", "report"])
def test_reports_do_not_get_into_each_others_way(command: str, formats: list[str], says: str) -> None:
    done = run(command, FIXTURE if command == "scan" else "no.json", *(f"--format={each}" for each in formats))
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())


def test_a_log_holds_the_text_and_the_annotations(repository: str) -> None:
    done = scan(repository, "-f", "text", "-f", "github", "-f", "json:/dev/null")
    assert done.exit_code == 1
    assert "Not compliant" in done.output
    assert "\n::notice file=Dockerfile" in done.output


def test_rules_lists_every_rule() -> None:
    listed = json.loads(run("rules", "--format", "json").output)
    assert [row["id"] for row in listed] == [rule.id for rule in all_rules()]
    assert all(rule.id in run("rules").output for rule in all_rules())


@pytest.mark.parametrize("name", ["docker/non-root-user", "hadolint:DL3002", "DL3002"])
def test_explain_takes_ids_and_other_tools_checks(name: str) -> None:
    page = run("explain", name).output
    assert "docker/non-root-user" in page
    assert "FROM" in page


@pytest.mark.parametrize("name", ["docker", "docker/", "docker/*"])
def test_explain_lists_the_rules_of_a_domain(name: str) -> None:
    done = run("explain", name)
    assert done.exit_code == 2
    assert f"{name} is no rule; it is a domain: docker/" in done.output
    assert "docker/non-root-user" in done.output


@pytest.mark.parametrize("command", [["rules"], ["doctor", FIXTURE]])
def test_f_is_the_format_everywhere(command: list[str]) -> None:
    assert json.loads(run(*command, "-f", "json").output)


@pytest.mark.parametrize(
    "command",
    [["scan"], ["dora", "report"], ["dora", "explain"], ["doctor"], ["config", "show"], ["config", "validate"]],
)
def test_what_reads_the_policy_takes_the_same_options(command: list[str]) -> None:
    told = " ".join(run(*command, "--help").output.split())
    for text in (
        "--policy NAME|FILE Policy to start from: recommended, strict, sp404, or a file.",
        "--isolated Leave the repository's own configuration out.",
        "--config FILE Configuration, a file of the repository. Default: found by its name.",
    ):
        assert text in told


def test_config_shows_what_is_in_force(tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yaml").write_text(
        "version: 1\nrules:\n  ci/coverage-gate: {severity: high, params: {minimum: 90}}\n"
        "waivers:\n  - {rule: ci/timeouts, paths: ['*'], reason: r, owner: '@o', until: 2027-01-01}\n"
    )
    shown = run("config", "show", str(tmp_path)).output
    assert "high      minimum=90" in shown
    assert "waiver: ci/timeouts in * until 2027-01-01 (@o: r)" in shown
    assert run("config", "validate", str(tmp_path)).output == "valid: sp404audit:recommended, .sp404audit.yaml\n"
    (tmp_path / ".sp404audit.yaml").write_text("version: 1\nrulez: {}\n")
    assert run("config", "validate", str(tmp_path)).exit_code == 2


def test_config_schema_is_a_json_schema() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(json.loads(run("config", "schema").output))


def test_source_date_epoch_sets_the_day(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM python:latest # sp404audit: ignore[images] until=2020-06-01 -- x\nUSER 1\n"
    )
    runner = CliRunner(env={"SOURCE_DATE_EPOCH": "1577836800"})
    assert runner.invoke(main, ["scan", str(tmp_path), "--engine", "native", "--ignore", "deps"]).exit_code == 0
    assert scan(str(tmp_path), "--ignore", "deps").exit_code == 1


def test_python_dash_m_is_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "sp404audit", "--version"], capture_output=True, text=True)
    assert done.stdout == f"sp404audit {__version__}\n"


def test_a_closed_pipe_is_no_traceback() -> None:
    command = [sys.executable, "-m", "sp404audit", "scan", FIXTURE, "--engine", "native"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "COLUMNS": "80"}
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate()
    assert b"Traceback" not in errors


def test_a_mistake_of_ours_does_not_read_as_not_compliant(repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("deliberate \x1b[31m")

    monkeypatch.setattr("sp404audit.cli.scan_command.audit", broken)
    done = scan(repository)
    assert done.exit_code == 3
    assert "please report it" in done.output
    assert r"deliberate \x1b[31m" in done.output


def test_help_keeps_its_examples_in_lines() -> None:
    assert "\n  sp404audit explain docker/non-root-user\n" in run("--help").output


def test_an_interrupted_scan_is_no_verdict(repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sp404audit.cli.scan_command.audit", interrupted)
    done = run("scan", repository)
    assert done.exit_code == 130
    assert done.output == "\nsp404audit: interrupted\n"
