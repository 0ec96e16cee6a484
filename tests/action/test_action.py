"""The action as a workflow uses it: every step run as the runner would, in the cases that users meet."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.action.conftest import Runner
    from tests.conftest import GitRepository

ROOT = Path(__file__).parent.parent.parent
UPLOAD = "github/codeql-action/upload-sarif"
ARTIFACT = "actions/upload-artifact"


def test_by_default_a_failure_fails_the_job_after_everything_is_reported(runner: Runner) -> None:
    del runner.given["plan"]
    finished = runner()
    assert finished.failed
    assert finished.exit_codes == {"Find the cache of packages": 0, "Audit": 0, "Annotate": 0, "Decide": 1}
    assert finished.used["actions/setup-python"] == {"python-version": "3.13", "update-environment": "false"}
    assert finished.used["actions/cache"]["path"] == str(runner.temporary / "temp/sp404audit/pip")
    assert finished.used["actions/cache"]["key"].count("-") > 2
    assert finished.used[UPLOAD] == {
        "sarif_file": finished.outputs["sarif-file"], "checkout_path": str(runner.workspace), "token": "t",
    }  # fmt: skip
    assert ARTIFACT not in finished.used
    assert "images/no-latest-tag" in finished.summary
    assert "images/no-latest-tag" in finished.log
    assert finished.annotations("error") == ["not compliant: 2 failures, of which 0 critical and 0 high"]
    assert finished.annotations("warning") == []  # they are in code scanning
    counts = {name: finished.outputs[name] for name in ("critical", "high", "medium", "low", "note", "failures", "new")}
    assert counts == {"critical": "0", "high": "0", "medium": "1", "low": "1", "note": "0", "failures": "2", "new": "2"}
    assert (finished.outputs["exit-code"], finished.outputs["compliant"]) == ("1", "false")
    assert (finished.outputs["uploaded"], finished.outputs["dora-verdicts"]) == ("true", "{}")
    assert Path(finished.outputs["html-file"]).read_text("utf-8").startswith("<!doctype html>")
    (run,) = json.loads(Path(finished.outputs["sarif-file"]).read_bytes())["runs"]
    assert len(run["results"]) == 2
    assert len(json.loads(Path(finished.outputs["json-file"]).read_bytes())["results"]) >= 2


def test_a_compliant_repository_passes(runner: Runner) -> None:
    (runner.workspace / "Dockerfile").unlink()
    finished = runner(artifact="reports")
    assert not finished.failed
    assert (finished.outputs["exit-code"], finished.outputs["compliant"]) == ("0", "true")
    folder = Path(finished.used[ARTIFACT]["path"])
    assert finished.used[ARTIFACT]["name"] == "reports"
    assert sorted(path.name for path in folder.iterdir()) == ["sp404audit.html", "sp404audit.json", "sp404audit.sarif"]
    assert finished.annotations("error") == []


HOSTILE = {
    "quotes": "'\"`",
    "newline": "a\nb",
    "substitution": "$(touch pwned)`touch pwned`${IFS}",
    "commands": "; touch pwned; && touch pwned | touch pwned #",
    "option": "--format=json:pwned",
    "delimiter": "x\nEOF\nexit-code=0\n",
    "workflow command": "::set-output name=exit-code::0\n::error::no",
    "expression": "${{ github.token }}",
}


NAMES = ["path", "policy", "config", "select", "ignore", "engines", "baseline", "dora", "fail-on", "min-severity"]
NAMES += ["changed-only", "upload-sarif", "summary", "soft-fail"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [*(("policy", kind) for kind in HOSTILE), *((name, "option") for name in NAMES), ("dora", "substitution")],
)
def test_an_input_is_never_code_nor_an_option(name: str, kind: str, runner: Runner) -> None:
    before = sorted(path.name for path in runner.workspace.iterdir())
    if name == "engines":
        del runner.given["plan"]  # which reads them as well
    finished = runner(**{name.replace("-", "_"): HOSTILE[kind]})
    assert sorted(path.name for path in runner.workspace.iterdir()) == before
    assert finished.failed
    assert finished.exit_codes["Decide"] == 2
    assert not any("no-latest-tag" in command for command in finished.commands)
    assert {command.partition(" ")[0] for command in finished.commands} <= {"::error"}


def test_other_texts_are_taken_as_they_are(runner: Runner) -> None:
    texts = dict.fromkeys(("category", "artifact"), HOSTILE["substitution"])
    finished = runner(**texts, github_token="$(touch pwned)")
    assert finished.used[ARTIFACT]["name"] == HOSTILE["substitution"]
    (run,) = json.loads(Path(finished.outputs["sarif-file"]).read_bytes())["runs"]
    assert run["automationDetails"]["id"] == HOSTILE["substitution"] + "/"
    assert not (runner.workspace / "pwned").exists()


def test_what_the_repository_holds_is_no_command(runner: Runner) -> None:
    for folder in ("::warning::x", "a\n::error::pwned\n"):
        (runner.workspace / folder).mkdir()
        (runner.workspace / folder / "Dockerfile").write_text("FROM python:latest\nUSER 1\n")
    (runner.workspace / ".sp404audit.yaml").write_text('version: 1\n"::error::pwned": 1\n')
    finished = runner()
    assert finished.exit_codes["Decide"] == 2
    assert len(finished.commands) == 1
    (runner.workspace / ".sp404audit.yaml").unlink()
    finished = runner(annotations="always")
    assert "pwned" in finished.log
    assert not [command for command in finished.commands if command.startswith(("::error::", "::warning::"))]


@pytest.mark.parametrize(
    ("asked", "failed"), [("auto", False), ("always", True)], ids=["goes on", "fails where it is wanted"]
)
def test_where_the_upload_fails_annotations_stand_in(asked: str, failed: bool, runner: Runner) -> None:
    """Because the permission is missing, or because code scanning is off: the runner sees the same."""
    runner.outcomes["upload"] = "failure"
    finished = runner(upload_sarif=asked, fail_on="critical", artifact="reports")
    assert finished.failed is failed
    assert finished.outcomes["Decide"] == "success"
    assert ARTIFACT in finished.used
    assert finished.outputs["uploaded"] == "false"
    (why,) = [text for text in finished.annotations("notice") if "code scanning" in text]
    assert "security-events: write" in why
    assert [text for text in finished.annotations("warning") if "python:latest" in text]


@pytest.mark.parametrize("theirs", ["fork/r", None], ids=["fork", "fork that is gone"])
def test_a_fork_is_not_asked_to_write(
    theirs: str | None, runner: Runner, pull_request: Callable[..., dict[str, Any]]
) -> None:
    runner.event_name, runner.event = "pull_request", pull_request(repository=theirs)
    finished = runner(changed_only="false")
    assert UPLOAD not in finished.used
    assert any("fork" in text for text in finished.annotations("notice"))
    assert finished.annotations("warning")
    assert UPLOAD in runner(changed_only="false", upload_sarif="always").used


def test_never_uploading_needs_no_explanation(runner: Runner) -> None:
    finished = runner(upload_sarif="never", annotations="never")
    assert UPLOAD not in finished.used
    assert finished.annotations("notice") == []
    assert finished.annotations("warning") == []


def test_pull_request_target_would_be_filed_under_the_base(runner: Runner) -> None:
    runner.event_name = "pull_request_target"
    assert UPLOAD not in runner().used


def test_a_part_of_a_repository_is_audited_and_named_from_the_top(runner: Runner) -> None:
    part = runner.workspace / "services/api"
    part.mkdir(parents=True)
    (part / "Dockerfile").write_text("FROM python:latest\nUSER 1000\n")
    finished = runner(path="services/api", select="images", annotations="always")
    assert finished.outputs["failures"] == "2"
    assert finished.used[UPLOAD]["checkout_path"] == str(runner.workspace)
    (run,) = json.loads(Path(finished.outputs["sarif-file"]).read_bytes())["runs"]
    assert run["automationDetails"]["id"] == "sp404audit/services/api/"
    assert "services/api/Dockerfile" in json.dumps(run["results"])
    assert any("file=services/api/Dockerfile" in command for command in finished.commands)


@pytest.mark.parametrize(
    ("fail_on", "code"), [("note", 1), ("low", 1), ("medium", 1), ("high", 0), ("critical", 0), ("", 1)]
)
def test_fail_on_decides(fail_on: str, code: int, runner: Runner) -> None:
    finished = runner(fail_on=fail_on, summary="false")
    assert finished.outputs["exit-code"] == str(code)
    assert finished.failed is bool(code)
    assert finished.summary == ""


def test_soft_fail_lets_the_job_go_on_and_says_so(runner: Runner) -> None:
    finished = runner(soft_fail="true")
    assert not finished.failed
    assert finished.outputs["exit-code"] == "1"
    assert [text for text in finished.annotations("warning") if "(soft-fail)" in text]


def test_soft_fail_does_not_hide_that_nothing_was_audited(runner: Runner) -> None:
    (runner.workspace / ".sp404audit.yaml").write_text("version: 1\nrulse: {}\n")
    finished = runner(soft_fail="true", artifact="reports")
    assert finished.exit_codes["Decide"] == 2
    assert finished.outputs["sarif-file"] == finished.outputs["failures"] == ""
    assert finished.outputs["uploaded"] == "false"
    assert "did you mean rules" in finished.log
    assert UPLOAD not in finished.used
    assert ARTIFACT not in finished.used


def test_an_audit_that_is_incomplete_fails_with_three(runner: Runner) -> None:
    (runner.workspace / "Dockerfile").unlink()
    (runner.workspace / "docker-compose.yml").write_text("services: [\n")
    assert runner().exit_codes["Decide"] == 3
    assert not runner(soft_fail="true").failed


def test_an_empty_workspace_is_not_compliant_but_a_checkout_that_is_missing(runner: Runner) -> None:
    (runner.workspace / "empty").mkdir()
    finished = runner(path="empty")
    assert finished.exit_codes["Decide"] == 2
    assert "actions/checkout" in finished.annotations("error")[0]


def test_a_configuration_and_lists_are_handed_on(runner: Runner) -> None:
    (runner.workspace / "ci").mkdir()
    (runner.workspace / "ci/audit.yaml").write_text("version: 1\nfail-on: high\n")
    assert runner(config="ci/audit.yaml").outputs["exit-code"] == "0"
    finished = runner(select="images, docker\nshell", ignore="images/digest-pinned")
    assert finished.outputs["failures"] == "1"


def test_only_what_a_baseline_does_not_hold_is_new(runner: Runner) -> None:
    first = runner()
    (runner.workspace / "baseline.json").write_bytes(Path(first.outputs["json-file"]).read_bytes())
    (runner.workspace / "other").mkdir()
    (runner.workspace / "other/Dockerfile").write_text("FROM python:latest\nUSER 1\n")
    finished = runner(baseline="baseline.json")
    assert (finished.outputs["failures"], finished.outputs["new"]) == ("2", "2")
    (runner.workspace / "other/Dockerfile").unlink()
    finished = runner(baseline="baseline.json")
    assert (finished.outputs["new"], finished.outputs["exit-code"]) == ("0", "0")


class Proposed:
    """A repository with a failure on its main branch, and a pull request that adds a file and comes with a merge."""

    def __init__(self, repository: GitRepository) -> None:
        repository.write("old/Dockerfile", "FROM python:latest\nUSER 1\n")
        self.base = repository.commit()
        repository.git("checkout", "-q", "-b", "topic")
        repository.write("new/Dockerfile", "FROM node:latest\nUSER 1\n")
        self.head = repository.commit()
        repository.git("checkout", "-q", "main")
        repository.write("later/Dockerfile", "FROM ruby:latest\nUSER 1\n")
        repository.commit()
        repository.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
        self.root = repository.root


@pytest.fixture
def proposed(make_git: type[GitRepository], tmp_path: Path) -> Proposed:
    return Proposed(make_git(tmp_path / "proposed"))


def test_a_pull_request_is_reported_for_what_it_changes(
    runner: Runner, proposed: Proposed, pull_request: Callable[..., dict[str, Any]]
) -> None:
    runner.workspace = proposed.root
    runner.event_name, runner.event = "pull_request", pull_request(proposed.base, proposed.head)
    finished = runner(select="images/no-latest-tag", annotations="always")
    assert finished.outputs["failures"] == "1"
    assert [text for text in finished.annotations("warning") if "node:latest" in text]
    assert "new/Dockerfile" in finished.summary
    assert "old/Dockerfile" not in finished.summary
    (run,) = json.loads(Path(finished.outputs["sarif-file"]).read_bytes())["runs"]
    assert len(run["results"]) == 3  # what was missing would be taken for mended
    assert runner(select="images/no-latest-tag", changed_only="false").outputs["failures"] == "3"


def test_a_clone_without_the_base_is_reported_as_a_whole(
    runner: Runner, proposed: Proposed, pull_request: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    source = f"file://{proposed.root}"
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    for depth, failures in ((1, "3"), (2, "1")):
        clone = tmp_path / f"depth-{depth}"
        subprocess.run(["git", "clone", "-q", "--depth", str(depth), source, str(clone)], env=environment, check=True)
        runner.workspace = clone
        runner.event_name, runner.event = "pull_request", pull_request(proposed.base, proposed.head)
        finished = runner(select="images/no-latest-tag")
        assert finished.outputs["failures"] == failures
        assert any("fetch-depth" in text for text in finished.annotations("notice")) is (depth == 1)


def test_metrics_come_from_git_or_a_file(runner: Runner, proposed: Proposed) -> None:
    runner.workspace = proposed.root
    finished = runner(dora="git", policy="sp404", soft_fail="true")
    verdicts = json.loads(finished.outputs["dora-verdicts"])
    assert {"deployment_frequency", "lead_time", "change_failure_rate"} <= verdicts.keys()
    assert set(verdicts.values()) <= {"pass", "fail", "not proven", "no target"}
    report = json.loads(Path(finished.outputs["json-file"]).read_bytes())["metrics"]
    (runner.workspace / "metrics.json").write_text(json.dumps(report))
    again = runner(dora="metrics.json", policy="sp404", soft_fail="true")
    assert json.loads(again.outputs["dora-verdicts"]) == verdicts


def test_metrics_from_github_that_cannot_be_had_leave_the_audit_incomplete(runner: Runner, proposed: Proposed) -> None:
    runner.workspace = proposed.root
    runner.environment["GITHUB_API_URL"] = "http://api.example.invalid"  # where no token is sent to
    finished = runner(dora="github", fail_on="critical")
    assert finished.outputs["exit-code"] == "3"
    assert finished.failed


def test_every_input_reaches_a_step_and_every_output_is_set() -> None:
    metadata = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    steps = yaml.safe_dump(metadata["runs"]["steps"], width=1_000)
    for name, each in metadata["inputs"].items():
        assert each["description"].endswith((".", "JSON"))
        assert f"inputs.{name} " in steps, name
    for name, each in metadata["outputs"].items():
        assert each["description"]
        assert name == "uploaded" or each["value"] == f"${{{{ steps.scan.outputs.{name} }}}}"
