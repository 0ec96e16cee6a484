"""What is installed elsewhere is whole: the wheel brings the policies, schemas and data that the code reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sp404audit.reports import FORMATS

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel, built from a copy so that the checkout stays as it is."""
    copy = tmp_path_factory.mktemp("source") / "sp404audit"
    left_out = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "fixtures", "tests")
    shutil.copytree(ROOT, copy, ignore=left_out)
    target = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, str(target)], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(target / done.stdout.strip().splitlines()[-1]) as wheel:
        wheel.extractall(target / "site")
    return target / "site"


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "sp404audit", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_wheel_holds_every_file_of_the_package(installed: Path) -> None:
    here = {path.relative_to(ROOT) for path in (ROOT / "sp404audit").rglob("*") if path.is_file()}
    expected = {path for path in here if "__pycache__" not in path.parts}
    assert expected <= {path.relative_to(installed) for path in installed.rglob("*")}
    assert (installed / "sp404audit" / "py.typed").exists()
    assert {path.name for path in (installed / "sp404audit" / "_policies").iterdir()} >= {
        "recommended.yaml", "strict.yaml", "sp404.yaml",
    }  # fmt: skip


@pytest.mark.parametrize("policy", ["recommended", "strict", "sp404"])
def test_a_wheel_installed_elsewhere_finds_its_policies(policy: str, installed: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:latest\n")
    done = run(installed, tmp_path, "scan", "--policy", policy, "--engine", "native", "-f", "text")
    assert done.returncode == 1, done.stderr
    assert "images/no-latest-tag" in done.stdout
    where = run(installed, tmp_path, "config", "validate", "--policy", policy)
    assert where.stdout.startswith("valid: sp404audit:")


def test_a_wheel_installed_elsewhere_writes_every_format(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:latest\n")
    reports = [f"--format={name}:report.{name}" for name in FORMATS]
    done = run(installed, tmp_path, "scan", "--engine", "native", *reports)
    assert (done.returncode, done.stderr) == (1, "")
    assert [name for name in FORMATS if "no-latest-tag" not in (tmp_path / f"report.{name}").read_text("utf-8")] == []
