"""checkov for real, on a repository that would like to run its own code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sp404audit import audit
from sp404audit.engines.checkov import _failures, _reports
from sp404audit.results import Severity

BUCKET = 'resource "aws_s3_bucket" "a" {\n  bucket = "a"\n}\n'


@pytest.mark.heavy("checkov")
def test_checkov_judges_copies_and_is_folded_in(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(BUCKET)
    (tmp_path / "Dockerfile").write_text("FROM python:3.13\nRUN true\n")
    marker = tmp_path / "RAN"
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "__init__.py").write_text(f"open({str(marker)!r}, 'w')\n")
    (tmp_path / "checks" / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    (tmp_path / ".checkov.yaml").write_text("external-checks-dir: [checks]\nskip-check: [CKV_DOCKER_3]\n")
    (tmp_path / "yaml.py").write_text(f"open({str(marker)!r}, 'w')\n")
    report = audit(tmp_path, engines=["native", "checkov"], policy="strict")
    assert not marker.exists()
    by_rule = {result.rule_id: result for result in report.results if result.kind == "fail"}
    assert "checkov:CKV_DOCKER_3" in by_rule["docker/non-root-user"].also
    assert "checkov/CKV_DOCKER_3" not in by_rule
    assert by_rule["checkov/CKV_AWS_18"].location.path == "main.tf"
    assert by_rule["checkov/CKV_AWS_18"].location.region.start_line == 1
    assert [run.name for run in report.engines if run.version] == ["native", "checkov"]


@pytest.mark.heavy("checkov")
def test_a_policy_may_switch_off_checks_of_checkov(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(BUCKET)
    (tmp_path / ".sp404audit.yaml").write_text(
        "version: 1\nrules: {checkov/CKV_AWS_18: off, checkov/CKV_AWS_21: low}\n"
    )
    report = audit(tmp_path, engines=["native", "checkov"])
    severities = {result.rule_id: result.severity for result in report.results if result.engine == "checkov"}
    assert "checkov/CKV_AWS_18" not in severities
    assert severities["checkov/CKV_AWS_21"] is Severity.LOW


RECORD = {
    "check_id": "CKV_AWS_18", "check_name": "Ensure logging", "file_path": "/a/main.tf", "file_line_range": [3, 9],
    "resource": "aws_s3_bucket.a", "severity": None,
}  # fmt: skip
REPORT = {"check_type": "terraform", "results": {"failed_checks": [RECORD]}}


@pytest.mark.parametrize("output", [json.dumps(REPORT), json.dumps([REPORT])])
def test_the_shapes_in_which_checkov_reports(output: str) -> None:
    reports = _reports(output)
    assert reports is not None
    (result,) = _failures(reports)
    assert (result.location.path, result.location.region.start_line) == ("a/main.tf", 3)
    assert result.message == "Ensure logging (aws_s3_bucket.a)"


def test_nothing_found_is_a_summary_alone() -> None:
    reports = _reports('{"passed": 0, "failed": 0, "checkov_version": "3"}')
    assert reports is not None
    assert list(_failures(reports)) == []
    assert _reports("Traceback …") is None
