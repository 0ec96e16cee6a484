"""The parts of the steps: events, inputs, uploads, and what is told to the runner."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.action import event, gate, inputs, runner, scan, uploads
from sp404audit.action.event import Event

if TYPE_CHECKING:
    from tests.conftest import GitRepository

COMMIT, OTHER = "a" * 40, "b" * 40
DEFAULTS = {
    "INPUT_CHANGED_ONLY": "auto",
    "INPUT_UPLOAD_SARIF": "auto",
    "INPUT_SUMMARY": "true",
}


def read_event(folder: Path, name: str, payload: Any) -> Event:
    file = folder / "event.json"
    file.write_text(payload if isinstance(payload, str) else json.dumps(payload), "utf-8")
    return event.read({"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file)})


def test_a_pull_request_tells_its_commits_and_its_origin(
    tmp_path: Path, pull_request: Callable[..., dict[str, Any]]
) -> None:
    assert read_event(tmp_path, "pull_request", pull_request(COMMIT, OTHER)) == Event("pull_request", COMMIT, OTHER)
    assert read_event(tmp_path, "pull_request", pull_request(COMMIT, OTHER, "f/r")).from_fork
    assert read_event(tmp_path, "pull_request", pull_request(COMMIT, OTHER, None)).from_fork


def test_other_events_tell_what_came_before(tmp_path: Path) -> None:
    assert read_event(tmp_path, "push", {"before": COMMIT}) == Event("push", COMMIT)
    assert read_event(tmp_path, "push", {"before": "0" * 40}) == Event("push")
    assert read_event(tmp_path, "merge_group", {"merge_group": {"base_sha": COMMIT}}) == Event("merge_group", COMMIT)
    assert read_event(tmp_path, "schedule", {"schedule": "0 0 * * *"}) == Event("schedule")


@pytest.mark.parametrize("payload", ["", "[", "[1]", '{"before": 1}', '{"before": "--all"}', '{"pull_request": []}'])
def test_an_event_that_says_nothing_is_empty(payload: str, tmp_path: Path) -> None:
    assert read_event(tmp_path, "push", payload) == Event("push")
    assert event.read({}) == Event("")


def test_the_base_of_a_merge_is_its_first_parent(make_git: type[GitRepository], tmp_path: Path) -> None:
    repository = make_git(tmp_path / "r")
    base = repository.commit("base")
    repository.git("checkout", "-q", "-b", "topic")
    head = repository.commit("topic")
    repository.git("checkout", "-q", "main")
    later = repository.commit("later")
    path = str(repository.root)
    assert event.base_commit(Event("push", base), path) == base
    assert event.base_commit(Event("push", COMMIT), path) == ""
    repository.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    assert event.base_commit(Event("pull_request", base, head), path) == later
    assert event.base_commit(Event("pull_request", base, OTHER), path) == base
    assert event.base_commit(Event("pull_request", base, head), str(tmp_path)) == ""


@pytest.mark.parametrize(
    ("asked", "started_by", "upload"),
    [
        ("auto", Event("push"), "true"),
        ("auto", Event("schedule"), "true"),
        ("auto", Event("pull_request"), "true"),
        ("auto", Event("pull_request", from_fork=True), "false"),
        ("auto", Event("pull_request_target", from_fork=True), "false"),
        ("always", Event("pull_request", from_fork=True), "true"),
        ("never", Event("push"), "false"),
    ],
)
def test_where_results_go(asked: str, started_by: Event, upload: str) -> None:
    decided = uploads.decide(asked, started_by, reported=True)
    assert decided["upload"] == upload
    assert bool(decided["upload-reason"]) is (upload == "false" and asked == "auto")
    assert uploads.decide(asked, started_by, reported=False) == {"upload": "false", "upload-reason": ""}


def asked(folder: Path, **values: str) -> inputs.Inputs:
    given = {f"INPUT_{name.upper()}": value for name, value in values.items()}
    return inputs.read({"INPUT_PATH": str(folder), **DEFAULTS, **given})


def test_inputs_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = asked(tmp_path, select="a, b\nc,\n", engines="", dora="", fail_on=" high ")
    assert (found.select, found.engines, found.dora, found.fail_on) == (("a", "b", "c"), ("native",), "off", "high")
    for name, value in (("fail_on", "hihg"), ("engines", "snyk"), ("summary", "yes"), ("changed_only", "")):
        with pytest.raises(inputs.InputsError, match=f"input {name.replace('_', '-')}: '{value}' is none of "):
            asked(tmp_path, **{name: value})


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=100, deadline=None)
@given(
    values=st.fixed_dictionaries(dict.fromkeys(("policy", "config", "baseline", "category", "select", "dora"), TEXT))
)
def test_no_value_becomes_an_option_of_its_own(
    values: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    found = asked(folder, **values)
    command = scan.arguments(found, "", found.dora, summary=True)
    names = [each.partition("=")[0] for each in command]
    assert names[0] == "scan"
    assert set(names[1:]) <= {"--policy", "--config", "--baseline", "--category", "--select", "--dora", "--engine"}
    assert not any(each.startswith("--dora=-") for each in command)


@settings(max_examples=100, deadline=None)
@given(value=st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])))
def test_an_output_comes_back_as_it_was_set(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("outputs") / "file"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_OUTPUT", str(file))
        runner.set_outputs({"first": value, "second": "x"})
    lines = file.read_bytes().decode().split("\n")
    delimiter = lines[0].removeprefix("first<<")
    assert "\n".join(lines[1 : lines.index(delimiter)]) == value
    assert lines[-2] != delimiter


def test_an_annotation_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    runner.annotation("error", "a\nb%\r::warning::c")
    assert capsys.readouterr().out == "::error title=sp404audit::a%0Ab%25%0D::warning::c\n"


def test_nothing_is_a_command_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), runner.no_commands():
        raise ZeroDivisionError
    before, after = capsys.readouterr().out.splitlines()
    token = before.removeprefix("::stop-commands::")
    assert len(token) == 32
    assert after == f"::{token}::"


def test_only_the_command_that_asks_github_gets_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool's place is taken by a program that tells what it was given."""
    seen = tmp_path / "seen"
    teller = tmp_path / "teller.py"
    teller.write_text(
        f"import os, sys\nopen({str(seen)!r}, 'a').write(repr((sys.argv[1:], dict(os.environ))) + '\\n')\n"
    )
    monkeypatch.setattr(scan, "_TOOL", (sys.executable, str(teller)))
    for name, value in {
        **DEFAULTS,
        "INPUT_PATH": str(tmp_path),
        "INPUT_DORA": "github",
        "INPUT_GITHUB_TOKEN": "t",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    assert scan.main() == 0
    (asks, with_token), (scans, without) = map(ast.literal_eval, seen.read_text("utf-8").splitlines())
    assert (asks[:3], scans[0]) == (["dora", "report", "--github=o/r"], "scan")
    assert with_token["GITHUB_TOKEN"] == "t"
    assert "t" not in without.values()
    assert not [name for name in {*with_token, *without} if name.startswith("INPUT_")]


@pytest.mark.parametrize(
    ("code", "failures", "soft", "ends", "says"),
    [
        ("0", "0", "false", 0, "compliant"),
        ("0", "3", "true", 0, "compliant"),
        ("1", "1", "false", 1, "::error title=sp404audit::not compliant: 1 failure, of which 0 critical and 1 high"),
        (
            "1",
            "2",
            "true",
            0,
            "::warning title=sp404audit::not compliant: 2 failures, of which 0 critical and 1 high (so",
        ),
        ("3", "0", "false", 3, "::error title=sp404audit::the audit is incomplete"),
        ("3", "0", "true", 0, "::warning title=sp404audit::the audit is incomplete"),
        ("3", "", "true", 3, ""),
        ("2", "", "true", 2, ""),
        ("0", "0", "maybe", 2, "::error title=sp404audit::input soft-fail: 'maybe' is none of true, false"),
    ],
)
def test_the_gate(
    code: str, failures: str, soft: str, ends: int, says: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    given = {"EXIT_CODE": code, "FAILURES": failures, "INPUT_SOFT_FAIL": soft, "CRITICAL": "0", "HIGH": "1"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert gate.main() == ends
    out = capsys.readouterr().out
    assert out.startswith(says) if says else not out


def test_a_tool_that_dies_has_audited_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_TOOL", (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"))
    (tmp_path / "file").touch()
    for name, value in {**DEFAULTS, "INPUT_PATH": str(tmp_path), "RUNNER_TEMP": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    assert scan.main() == 0
    told = (tmp_path / "output").read_text("utf-8").splitlines()
    values = dict(zip((line.partition("<<")[0] for line in told[::3]), told[1::3], strict=True))
    assert (values["exit-code"], values["upload"]) == ("3", "false")
    assert "failures" not in values
