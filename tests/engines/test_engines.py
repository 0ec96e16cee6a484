from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from sp404audit import audit
from sp404audit.discovery import Reader
from sp404audit.engines.process import ToolRun


def test_an_engine_that_is_missing_is_told_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(package: str) -> str:
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    (tmp_path / "main.tf").write_text("")
    report = audit(tmp_path)
    (run,) = [run for run in report.engines if run.name == "checkov"]
    assert "sp404audit[engines]" in run.missing
    assert run.controls == ("checkov/*",)
    assert report.exit_code in (0, 1), "not asked for by name, so nothing is incomplete"
    assert audit(tmp_path, engines=["checkov"]).exit_code == 3


def test_a_tool_sees_copies_from_an_empty_folder_without_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    root = tmp_path / "repository"
    (root / "a").mkdir(parents=True)
    (root / "a" / "x.tf").write_text("x")
    (root / "link.tf").symlink_to("/etc/passwd")
    code = "import os; print(os.listdir('.'), os.environ.get('GITHUB_TOKEN'))"
    run = ToolRun("timeit", ["-n", "1", "-r", "1", code], Reader(root), ["a/x.tf", "link.tf"])
    assert [path.name for path in run.input.rglob("*") if path.is_file()] == ["x.tf"]
    assert run.finish().output.splitlines()[0] == "[] None"
    assert not run.input.exists(), "the copies are removed"


def test_a_tool_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    run = ToolRun("http.server", ["--bind", "127.0.0.1", "0"], Reader(tmp_path), [])
    assert run.finish(0.5).code is None
