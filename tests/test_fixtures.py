"""The two shapes of the first customer's system: as the handbook gives it, and put right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sp404audit import audit
from sp404audit.outcome import Audit

FIXTURES = Path(__file__).parent.parent / "fixtures"


@pytest.fixture(scope="module")
def handbook() -> Audit:
    return audit(FIXTURES / "sp404mk2", policy="sp404", engines=["native"])


def test_the_compliant_system_passes_every_rule() -> None:
    report = audit(FIXTURES / "sp404mk2-compliant", policy="strict", engines=["native"])
    others = [result for result in report.results if result.kind in ("fail", "open")]
    assert others == []
    assert report.exit_code == 0
    verdicts = {verdict.rule.id: verdict.kind for verdict in report.verdicts}
    domains = {rule_id.partition("/")[0] for rule_id, kind in verdicts.items() if kind == "pass"}
    assert domains >= {
        "actions", "alerts", "aws", "backup", "ci", "compose", "deploy", "deps", "docker", "images", "monitoring",
        "shell", "terraform",
    }  # fmt: skip


def test_the_handbooks_system_fails_where_a_reader_would_say_so(handbook: Audit) -> None:
    found = {(result.rule_id, result.location.path) for result in handbook.failures}
    assert found >= {
        ("actions/pinned-uses", ".github/workflows/main.yml"),
        ("actions/least-privilege-token", ".github/workflows/main.yml"),
        ("ci/coverage-gate", ".github/workflows/main.yml"),
        ("ci/deploy-needs-gates", ".github/workflows/main.yml"),
        ("docker/healthcheck", "frontend/Dockerfile"),
        ("compose/datastore-authentication", "docker-compose.yml"),
        ("compose/required-variables", "docker-compose.yml"),
        ("secrets/openssl-enc", ".github/workflows/secrets.yml"),
        ("backup/pipeline-status", "scripts/backup.sh"),
        ("shell/exec-targets-exist", "scripts/deploy.sh"),
        ("deploy/rollback-on-failure", "scripts/deploy.sh"),
        ("terraform/reference-declared", "terraform/main.tf"),
        ("aws/s3-public-access-block", "terraform/main.tf"),
        ("monitoring/target-exists", "prometheus.yml"),
    }
    assert "backup/retention" in {rule_id for rule_id, _ in found}


def test_the_handbooks_system_passes_where_it_is_right(handbook: Audit) -> None:
    passed = {result.rule_id for result in handbook.results if result.kind == "pass"}
    assert passed >= {"docker/non-root-user", "ci/coverage-gate", "compose/no-privileged", "compose/no-docker-socket"}


def test_snippets_of_workflows_are_audited_and_told(handbook: Audit) -> None:
    told = {note.path for note in handbook.notifications if note.id == "yaml/schema"}
    assert told == {".github/workflows/secrets.yml", ".github/workflows/security-scan.yml"}
    assert handbook.incomplete
    assert handbook.exit_code == 1, "what failed outweighs what could not be audited"


def test_the_same_bytes_from_every_working_folder(tmp_path: Path) -> None:
    forms = ("json", "sarif", "sarif-full", "html", "markdown", "junit", "gitlab")
    outputs: list[dict[str, bytes]] = []
    for folder, path in ((FIXTURES, "sp404mk2"), (tmp_path, str(FIXTURES / "sp404mk2")), (FIXTURES / "sp404mk2", ".")):
        reports = {form: tmp_path / f"{len(outputs)}.{form}" for form in forms}
        command = [sys.executable, "-m", "sp404audit", "scan", path, "--engine", "native", "-f", "text"]
        command += [f"--format={form}:{file}" for form, file in reports.items()]
        done = subprocess.run(command, cwd=folder, capture_output=True)
        assert done.returncode == 1, done.stderr
        outputs.append({"text": done.stdout, **{form: file.read_bytes() for form, file in reports.items()}})
    assert outputs[0] == outputs[1] == outputs[2]
