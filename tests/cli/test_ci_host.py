"""On a runner of GitHub: the summary of the step, links to the lines, paths from the top of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sp404audit.cli import ci_host, main

COMMIT = "0123456789" * 4


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a service in a folder of its own, and the variables of a runner."""
    root = tmp_path / "work" / "shop"
    (root / ".git").mkdir(parents=True)
    (root / "services" / "api").mkdir(parents=True)
    (root / "services" / "api" / "Dockerfile").write_text("FROM python:latest\n")
    for name, value in {
        "GITHUB_WORKSPACE": str(root),
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SHA": COMMIT,
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }.items():
        monkeypatch.setenv(name, value)
    return root


def scan(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["scan", str(path), "--engine", "native", *arguments])


def test_the_summary_is_appended_once_a_scan(checkout: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# What others wrote\n")
    done = scan(checkout / "services" / "api", "-f", "text", "-f", f"json:{tmp_path / 'a.json'}")
    assert done.exit_code == 1
    text = summary.read_text("utf-8")
    assert text.startswith("# What others wrote\n### ❌ Not compliant")
    assert text.count("###") - text.count("####") == 1
    assert f"https://github.example/acme/shop/blob/{COMMIT}/services/api/Dockerfile#L1" in text
    assert "### ❌" not in done.output


def test_it_can_be_switched_off(checkout: Path, tmp_path: Path) -> None:
    assert scan(checkout, "--no-github-summary").exit_code == 1
    assert not (tmp_path / "summary.md").exists()


def test_one_that_cannot_be_written_costs_nothing_else(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "missing" / "summary.md"))
    done = scan(checkout)
    assert done.exit_code == 1
    assert "cannot write the summary of this step (GITHUB_STEP_SUMMARY): No such file" in done.stderr
    assert "images/no-latest-tag" in done.stdout


def test_a_full_summary_is_left_alone(checkout: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * (1024 * 1024))
    done = scan(checkout)
    assert done.exit_code == 1
    assert "no room left in the summary" in done.stderr
    assert summary.stat().st_size == 1024 * 1024


def test_paths_are_counted_from_the_top_of_the_checkout(checkout: Path) -> None:
    api = checkout / "services" / "api"
    assert "file=services/api/Dockerfile" in scan(api, "-f", "github").stdout
    assert "file=other/Dockerfile" in scan(api, "-f", "github", "--path-prefix", "other").stdout
    assert "file=Dockerfile" in scan(api, "-f", "github", "--path-prefix", "").stdout
    assert ci_host.path_prefix(checkout) == ""


def test_an_archive_in_the_workspace_is_counted_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work/services/api").mkdir(parents=True)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "work"))
    assert ci_host.path_prefix(tmp_path / "work/services/api") == "services/api"
    assert ci_host.path_prefix(tmp_path / "work") == ""
    assert ci_host.path_prefix(tmp_path) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("GITHUB_SHA", "main"), ("GITHUB_SHA", ""), ("GITHUB_REPOSITORY", "a/b/../c"), ("GITHUB_SERVER_URL", "")],
)
def test_no_link_without_all_that_it_needs(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert ci_host.repository_url() == ""


def test_elsewhere_nothing_of_this_happens(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "GITHUB_SHA"):
        monkeypatch.delenv(name)
    api = checkout / "services" / "api"
    assert (ci_host.path_prefix(api), ci_host.repository_url()) == ("", "")
    assert "file=Dockerfile" in scan(api, "-f", "github").stdout


@pytest.mark.skipif(os.name == "nt", reason="names with a colon")
def test_the_text_report_holds_no_command_for_the_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "::stop-commands::x"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM python:latest\n")
    arguments = ["scan", str(tmp_path), "--engine", "native", "-q"]
    assert CliRunner().invoke(main, arguments).output.startswith("::stop-commands::x/Dockerfile")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert CliRunner().invoke(main, arguments).output.startswith(":\u200b:stop-commands::x/Dockerfile")


def test_gitlab_has_variables_of_its_own(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "GITHUB_SHA"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("CI_PROJECT_DIR", str(checkout))
    monkeypatch.setenv("CI_PROJECT_URL", "https://gitlab.example/acme/shop")
    monkeypatch.setenv("CI_COMMIT_SHA", COMMIT)
    assert ci_host.repository_url() == f"https://gitlab.example/acme/shop/-/blob/{COMMIT}"
    assert '"path":"services/api/Dockerfile"' in scan(checkout / "services" / "api", "-f", "gitlab").stdout
