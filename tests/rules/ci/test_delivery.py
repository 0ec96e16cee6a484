"""What precedes a deployment: needs, conditions, reusable workflows, workflow_run, steps of the job itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]
RULE = "ci/deploy-needs-gates"
MAIN = ".github/workflows/main.yml"
GATES = "ruff check . && pytest && pip-audit -r requirements.txt"


def _workflow(*jobs: str, on: str = "push") -> str:
    return f"on: {on}\njobs:\n" + "".join(jobs)


def _job(name: str, *commands: str, **keys: str) -> str:
    head = "".join(f"    {key.rstrip('_').replace('_', '-')}: {value}\n" for key, value in keys.items())
    steps = ", ".join(f'{{run: "{command}"}}' for command in commands)
    return f"  {name}:\n    runs-on: ubuntu-24.04\n{head}    steps: [{steps}]\n"


DEPLOY = "helm upgrade --install shop charts/shop"
CHECKED = _job("checks", GATES)
CASES: dict[str, tuple[list[str], str]] = {
    "over-two-jobs": (
        ["pass"],
        _workflow(CHECKED, _job("build", "make", needs="checks"), _job("deploy", DEPLOY, needs="[build]")),
    ),
    "cycle-in-needs": (["fail"], _workflow(_job("a", "make", needs="deploy"), _job("deploy", DEPLOY, needs="a"))),
    "need-of-no-job": (["fail"], _workflow(CHECKED, _job("deploy", DEPLOY, needs="checkz"))),
    "not-cancelled-is-as-bad-as-always": (
        ["fail"],
        _workflow(CHECKED, _job("deploy", DEPLOY, needs="checks", if_='"${{ !cancelled() }}"')),
    ),
    "always-with-a-question": (
        ["pass"],
        _workflow(CHECKED, _job("deploy", DEPLOY, needs="checks", if_="always() && needs.checks.result == 'success'")),
    ),
    "always-with-a-question-about-another": (
        ["fail"],
        _workflow(
            CHECKED,
            _job("other", "make"),
            _job("deploy", DEPLOY, needs="[checks, other]", if_="always() && needs.other.result == 'success'"),
        ),
    ),
    "always-in-the-middle-of-the-chain": (
        ["pass"],
        _workflow(
            CHECKED, _job("report", "make", needs="checks", if_="always()"), _job("deploy", DEPLOY, needs="report")
        ),
    ),
    "a-tolerated-gate-is-none": (
        ["fail"],
        _workflow(_job("checks", GATES, continue_on_error="true"), _job("deploy", DEPLOY, needs="checks")),
    ),
    "a-swallowed-gate-is-none": (
        ["fail"],
        _workflow(
            _job("checks", "ruff check .", "pytest || true", "pip-audit -r r.txt"),
            _job("deploy", DEPLOY, needs="checks"),
        ),
    ),
    "steps-before": (["pass"], _workflow(_job("deploy", GATES, DEPLOY))),
    "steps-behind": (["fail"], _workflow(_job("deploy", DEPLOY, GATES))),
    "pull-requests-only-get-a-preview": ([], _workflow(_job("deploy", DEPLOY), on="pull_request")),
    "staging": ([], _workflow(_job("deploy", DEPLOY, environment="staging"))),
    "a-cluster-of-its-own": ([], _workflow(_job("it", "kind create cluster", DEPLOY, "pytest it"))),
    "dry-run": ([], _workflow(_job("plan", f"{DEPLOY} --dry-run"))),
    "a-registry-of-its-own": ([], _workflow(_job("image", "docker push localhost:5000/shop"))),
    "an-image-that-is-tested-later": (
        ["pass"],
        _workflow(
            _job("image", "docker push acme/shop:1"),
            _job("checks", GATES, needs="image"),
            _job("deploy", DEPLOY, needs="checks"),
        ),
    ),
    "never": ([], _workflow(_job("deploy", DEPLOY, if_="false"))),
    "named-and-in-an-environment": (["fail"], _workflow(_job("deploy", "./roll-out", environment="production"))),
    "by-a-workflow-of-others-after-gates": (
        ["pass"],
        _workflow(CHECKED, "  deploy: {needs: checks, uses: acme/x/.github/workflows/deploy.yml@v1}\n"),
    ),
    "by-a-workflow-of-others": (
        ["open"],
        _workflow(CHECKED, "  deploy: {uses: acme/x/.github/workflows/deploy.yml@v1}\n"),
    ),
    "by-ssh": (["fail"], _workflow(_job("go", "ssh shop 'cd /srv && docker compose up -d'"))),
    "started-here-only": ([], _workflow(_job("go", "docker compose up -d"))),
    "set-up-for-a-test": ([], _workflow(_job("integration-tests", DEPLOY, "pytest it"))),
    "tested-and-deployed": (["fail"], _workflow(_job("test-and-deploy", DEPLOY))),
    "a-rehearsal": ([], _workflow(_job("release", "goreleaser release --snapshot"))),
    "documentation": ([], _workflow(_job("publish-docs", "./publish", environment="Docs"))),
    "called-from-elsewhere": (["notApplicable"], _workflow(_job("deploy", DEPLOY), on="workflow_call")),
    "the-text-alone": ([], _workflow(_job("notes", f"echo '{DEPLOY}'"))),
}


@pytest.mark.parametrize(("kinds", "text"), CASES.values(), ids=CASES)
def test_before_a_deployment(judge: Judge, kinds: list[str], text: str) -> None:
    results = judge(RULE, {MAIN: text})
    assert [result.kind for result in results] == kinds, [result.message for result in results]


def _after(condition: str) -> dict[str, str]:
    deploy = _job("deploy", DEPLOY, if_=condition) if condition else _job("deploy", DEPLOY)
    return {
        ".github/workflows/ci.yml": "name: CI\n" + _workflow(CHECKED),
        ".github/workflows/cd.yml": _workflow(deploy, on="{workflow_run: {workflows: [CI], types: [completed]}}"),
    }


@pytest.mark.parametrize(
    ("kind", "condition"),
    [("pass", "github.event.workflow_run.conclusion == 'success'"), ("fail", ""), ("fail", "github.ref == 'x'")],
)
def test_workflow_run_must_ask_for_success(judge: Judge, kind: str, condition: str) -> None:
    assert [result.kind for result in judge(RULE, _after(condition))] == [kind]


def test_a_second_way_in_without_gates(judge: Judge) -> None:
    files = {
        ".github/workflows/_deploy.yml": _workflow(
            _job("roll", DEPLOY), on="{workflow_call: {}, workflow_dispatch: {}}"
        ),
        MAIN: _workflow(CHECKED, "  go:\n    needs: checks\n    uses: ./.github/workflows/_deploy.yml\n"),
    }
    (result,) = judge(RULE, files)
    assert result.kind == "fail"
    assert result.location.path == ".github/workflows/_deploy.yml"


def test_message_lists_what_is_missing(judge: Judge) -> None:
    (result,) = judge(RULE, {MAIN: _workflow(_job("checks", "pytest"), _job("deploy", DEPLOY, needs="checks"))})
    assert "a linter and a security scan" in result.message
    assert "tests" not in result.message
