"""The command as people call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sp404audit.cli.dora_event import command
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.files import collect

SHA = "0123456789abcdef0123456789abcdef01234567"
T0 = 1_767_225_600  # 2026-01-01T00:00:00Z


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITLAB_CI", raising=False)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(command, list(arguments), env=environment)


def printed(*arguments: str, **environment: str) -> dict[str, Any]:
    result = run(*arguments, **environment)
    assert result.exit_code == 0, result.output
    event: dict[str, Any] = json.loads(result.stdout)
    return event


DEPLOYMENT = ("deployment", "--environment", "prod", "--sha", SHA, "--at", "2026-01-01T01:00:00+01:00")


def test_deployment_on_standard_output() -> None:
    event = printed(*DEPLOYMENT)
    assert event["context"]["type"] == "dev.cdevents.service.deployed.0.2.0"
    assert event["context"]["timestamp"] == "2026-01-01T00:00:00Z"
    assert run(*DEPLOYMENT).stdout == run(*DEPLOYMENT).stdout


def test_envelope() -> None:
    event = printed(*DEPLOYMENT, "--cloudevents")
    assert (event["specversion"], event["data"]["context"]["id"]) == ("1.0", event["id"])


def test_now_by_default() -> None:
    event = printed("deployment", "--environment", "prod", "--sha", SHA)
    assert event["context"]["timestamp"].endswith("Z")


def test_ci_service_is_asked() -> None:
    event = printed(
        "deployment", "--environment", "prod",
        GITHUB_ACTIONS="true", GITHUB_REPOSITORY="acme/shop", GITHUB_SERVER_URL="https://github.com", GITHUB_SHA=SHA,
    )  # fmt: skip
    assert event["context"]["source"] == "https://github.com/acme/shop"
    assert event["customData"]["sha"] == SHA


def test_events_are_added_to_a_file_and_read_from_it(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text(
        json.dumps({"kind": "deployment", "finished_at": T0 - 60, "version": "v0"})
    )  # without an end of line
    output = ("-o", str(file))
    incident = ("incident", "INC-1", "--environment", "prod", *output)
    for arguments in (
        (*DEPLOYMENT, *output),
        (*incident, "detected", "--at", str(T0 + 60), "--caused-by", SHA),
        (*incident, "resolved", "--at", str(T0 + 660)),
        ("build", "--started-at", str(T0), "--at", str(T0 + 90), "--outcome", "failure", *output),
    ):
        result = run(*arguments)
        assert (result.exit_code, result.output) == (0, "")
    got = collect([str(file)], Settings(), Window(T0, T0 + 1))
    assert not got.report.partial, got.report.notes
    assert [each.version or each.sha for each in got.deployments] == ["v0", SHA]
    assert [(each.opened_at, each.resolved_at, each.caused_by) for each in got.incidents] == [
        (T0 + 60, T0 + 660, (SHA,))
    ]
    assert [(each.started_at, each.outcome) for each in got.builds] == [(T0, "failure")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("deployment", "--sha", SHA), "--environment is needed"),
        ((*DEPLOYMENT[:-1], "2026-01-01T00:00:00"), "--at: 2026-01-01T00:00:00 has no offset"),
        ((*DEPLOYMENT, "-o", "/nowhere/at/all"), "/nowhere/at/all cannot be written"),
        (("build", "--started-at", "soon"), "--started-at: 'soon' is no time"),
        (("incident", "i", "guessed"), "'guessed' is not one of"),
        (("build",), "Missing option '--started-at'"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
