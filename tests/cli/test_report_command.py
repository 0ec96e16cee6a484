"""`sp404audit report`: what `scan` would have written, without a scan."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sp404audit.cli import main
from sp404audit.reports import FORMATS

FIXTURE = str(Path(__file__).parent.parent.parent / "fixtures" / "sp404mk2")


def run(*arguments: str, data: bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=data)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scan")
    asked = [argument for name in FORMATS for argument in ("-f", f"{name}:{folder / name}")]
    assert run("scan", FIXTURE, "--engine", "native", *asked).exit_code == 1
    return folder / "json"


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_the_file_that_the_scan_wrote(report: Path, form: str, tmp_path: Path) -> None:
    done = run("report", str(report), "-f", f"{form}:{tmp_path / 'again'}")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "again").read_bytes() == report.with_name(form).read_bytes()


def test_text_is_the_default_and_a_report_may_come_through_a_pipe(report: Path) -> None:
    done = run("report", "-", data=report.read_bytes())
    assert done.exit_code == 0, "the verdict is the scan's to give"
    assert "Not compliant" in done.output
    command = [sys.executable, "-m", "sp404audit", "report", "-", "-q"]
    piped = subprocess.run(command, input=report.read_bytes(), capture_output=True)
    assert piped.stdout.decode().splitlines()[-1] == done.output.splitlines()[-1]


def test_paths_can_be_counted_from_the_top(report: Path) -> None:
    issues = json.loads(run("report", str(report), "-f", "gitlab", "--path-prefix", "system/").output)
    assert all(issue["location"]["path"].startswith("system/") for issue in issues)


def test_a_pipe_that_holds_no_report_is_named_in_words() -> None:
    done = run("report", "-", data=b"no JSON")
    assert done.exit_code == 2
    assert done.output.startswith("sp404audit: standard input: is not JSON")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "is no report of sp404audit; write one with `sp404audit scan -f json:FILE`"),
        ('{"schemaVersion": 9}', "use the version of sp404audit that wrote it, or scan again"),
        ('{"schemaVersion": 1, "\\u001b[31m": 1}', "lacks $schema"),
        ('{"schemaVersion": "\\u001b[31m"}', r"\u001b[31m"),
    ],
)
def test_another_file_is_refused_with_the_way_out(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(text)
    done = run("report", str(tmp_path / "in.json"))
    assert done.exit_code == 2
    assert says in done.output
    assert "\x1b" not in done.output


def test_a_missing_file_and_an_unknown_format(tmp_path: Path) -> None:
    missing = run("report", str(tmp_path / "none.json"))
    assert (missing.exit_code, "No such file" in missing.output) == (2, True)
    unknown = run("report", str(tmp_path / "none.json"), "-f", "pdf")
    assert (unknown.exit_code, "'pdf' is no format; there are text" in unknown.output) == (2, True)
