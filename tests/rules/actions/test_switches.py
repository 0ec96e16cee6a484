from __future__ import annotations

import pytest

from sp404audit.documents.github import action, workflow
from sp404audit.documents.github.steps import Step
from sp404audit.documents.source import Source
from sp404audit.results import Severity
from sp404audit.rules.actions.switches import app_token_scoped, no_debug_logging, no_insecure_commands

NAME = "ACTIONS_ALLOW_UNSECURE_COMMANDS"


def steps(text: str) -> list[Step]:
    return [item for item in workflow.parse(Source("w.yml", text.encode())).subjects() if isinstance(item, Step)]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("true", "fail"),
        ("'TRUE'", "fail"),
        ("1", "fail"),
        ("$true", "fail"),
        ("false", "pass"),
        ("''", "pass"),
        ("[true]", "pass"),
        ("${{ inputs.x }}", "open"),
    ],
)
def test_values(value: str, kind: str) -> None:
    (step,) = steps(f"on: push\njobs:\n  a:\n    steps:\n      - run: x\n        env:\n          {NAME}: {value}\n")
    assert [verdict.kind for verdict in no_insecure_commands(step)] == [kind]


def test_each_scope_is_told_once() -> None:
    job = f"    env: {{{NAME}: true}}\n    steps: [{{run: x}}, {{run: y}}]\n"
    text = f"on: push\nenv: {{{NAME}: true}}\njobs:\n  z:\n    uses: ./x.yml\n  a:\n{job}  b:\n{job}"
    found = [verdict for step in steps(text) for verdict in no_insecure_commands(step)]
    assert [verdict.kind for verdict in found] == ["fail"] * 3


def test_a_whole_env_is_not_known() -> None:
    (step,) = steps("on: push\njobs:\n  a:\n    steps: [{run: x, env: '${{ matrix.env }}'}]\n")
    assert [verdict.kind for verdict in no_insecure_commands(step)] == ["open"]


def test_composite_actions() -> None:
    text = f"runs:\n  using: composite\n  steps:\n    - run: x\n      shell: bash\n      env: {{{NAME}: true}}\n"
    document = action.parse(Source("action.yml", text.encode()))
    (step,) = [item for item in document.subjects() if isinstance(item, Step)]
    assert [verdict.kind for verdict in no_insecure_commands(step)] == ["fail"]


@pytest.mark.parametrize(
    ("setting", "kinds"),
    [
        ("RUNNER_DEBUG: 1", ["fail"]),
        ("ACTIONS_RUNNER_DEBUG: 'true'", ["fail"]),
        ("ACTIONS_STEP_DEBUG: 'false'", ["pass"]),
        ("ACTIONS_STEP_DEBUG: '${{ inputs.debug }}'", ["pass"]),
        ("DEBUG: true", []),
    ],
)
def test_debug(setting: str, kinds: list[str]) -> None:
    (step,) = steps(f"on: push\njobs:\n  a:\n    env: {{{setting}}}\n    steps: [{{run: x}}]\n")
    assert [verdict.kind for verdict in no_debug_logging(step)] == kinds


@pytest.mark.parametrize(
    ("inputs", "severities"),
    [
        ("permission-issues: write", [None]),
        ("permission-issues: write, skip-token-revoke: 'false'", [None]),
        ("owner: o, repositories: r, permission-issues: write", [None]),
        ("owner: o, permission-members: read, permission-organization-plan: read", [None]),
        ("owner: o, permission-members: read, Permission-Issues: write", ["default"]),
        ("permission-issues: write, skip-token-revoke: true", ["default"]),
        ("owner: o", ["default", Severity.LOW]),
        ("app-id: 1", [Severity.LOW]),
    ],
)
def test_app_tokens(inputs: str, severities: list[Severity | str | None]) -> None:
    text = "on: push\njobs:\n  a:\n    steps: [{uses: actions/create-github-app-token@v2, with: {%s}}]\n"
    (step,) = steps(text % inputs)
    found = [None if verdict.kind == "pass" else verdict.severity or "default" for verdict in app_token_scoped(step)]
    assert found == severities
