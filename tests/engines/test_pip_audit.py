from __future__ import annotations

from pathlib import Path

import pytest

from sp404audit import audit
from sp404audit.engines.pip_audit import _dependencies, _vulnerabilities

OUTPUT = """{"dependencies": [
  {"name": "flask", "version": "0.5", "vulns": [
    {"id": "PYSEC-2019-179", "fix_versions": ["1.0"], "aliases": ["CVE-2019-1010083"]}]},
  {"name": "private", "skip_reason": "not found"}], "fixes": []}"""


def test_vulnerabilities_stand_at_their_requirement() -> None:
    dependencies = _dependencies(OUTPUT)
    assert dependencies is not None
    (result,) = _vulnerabilities(dependencies[0], "requirements.txt", ["# pins", "Flask==0.5 ; python_version > '3'"])
    assert result.rule_id == "pip-audit/PYSEC-2019-179"
    assert result.location.region.start_line == 2
    assert "fixed in 1.0" in result.message
    assert _dependencies("no answer") is None


@pytest.mark.heavy("pip-audit")
def test_without_an_answer_nothing_is_called_safe(tmp_path: Path) -> None:
    """Whether there is a network or not: an unpinned requirement is refused, never resolved, built or passed."""
    (tmp_path / "requirements.txt").write_text("flask>=0.5\n")
    report = audit(tmp_path, engines=["pip-audit"])
    (note,) = report.notifications
    assert note.id == "engine/failed"
    assert report.exit_code == 3


def test_it_runs_only_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask==0.5\n")
    (run,) = [run for run in audit(tmp_path).engines if run.name == "pip-audit"]
    assert "--engine pip-audit" in run.missing
