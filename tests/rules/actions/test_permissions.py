from __future__ import annotations

from textwrap import dedent

import pytest

from sp404audit.documents.github import workflow
from sp404audit.documents.source import Source
from sp404audit.results import Severity
from sp404audit.rules.actions.permissions import least_privilege_token
from sp404audit.rules.registry import Verdict


def judge(text: str, **parameters: bool) -> Verdict | None:
    document = workflow.parse(Source("w.yml", dedent(text).encode()))
    found = list(least_privilege_token(document, **parameters))
    assert len(found) <= 1, "one control, one verdict"
    return found[0] if found else None


def kind(text: str, **parameters: bool) -> str | None:
    verdict = judge(text, **parameters)
    return verdict.kind if verdict else None


MAKE = "steps: [{run: make}]"


@pytest.mark.parametrize(
    "text",
    [
        f"on: push\npermissions: {{}}\njobs: {{a: {{{MAKE}}}, b: {{{MAKE}}}}}",
        f"on: push\npermissions:\njobs: {{a: {{{MAKE}}}, b: {{{MAKE}}}}}",
        f"on: push\npermissions: {{contents: read}}\njobs: {{a: {{{MAKE}}}, b: {{{MAKE}}}}}",
        f"on: push\npermissions: read-all\njobs: {{a: {{{MAKE}}}, b: {{{MAKE}}}}}",
        f"on: push\npermissions: {{contents: write}}\njobs: {{a: {{{MAKE}}}}}",
        f"on: push\njobs: {{a: {{permissions: {{contents: write}}, {MAKE}}}, b: {{permissions: {{}}, {MAKE}}}}}",
        f"on: push\npermissions: write-all\njobs: {{a: {{permissions: {{contents: read}}, {MAKE}}}}}",
    ],
)
def test_declared_and_narrow(text: str) -> None:
    assert kind(text) == "pass"


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        (f"on: push\njobs: {{a: {{{MAKE}}}}}", Severity.MEDIUM),
        (f"on: [push, issues]\njobs: {{a: {{{MAKE}}}}}", Severity.HIGH),
        (f"on: push\njobs: {{a: {{{MAKE}}}, b: {{permissions: {{}}, {MAKE}}}}}", Severity.MEDIUM),
        (f"on: push\npermissions: write-all\njobs: {{a: {{{MAKE}}}}}", Severity.HIGH),
        (f"on: push\npermissions: {{}}\njobs: {{a: {{permissions: write-all, {MAKE}}}}}", Severity.HIGH),
        (f"on: push\npermissions: {{issues: write}}\njobs: {{a: {{{MAKE}}}, b: {{{MAKE}}}}}", Severity.MEDIUM),
        ("on: push\njobs: {a: {uses: ./.github/workflows/x.yml}}", Severity.MEDIUM),
    ],
)
def test_too_wide(text: str, severity: Severity) -> None:
    verdict = judge(text)
    assert verdict is not None
    assert (verdict.kind, verdict.severity) == ("fail", severity)


def test_a_permission_at_the_top_that_every_job_uses() -> None:
    text = """\
        on: push
        permissions: {contents: read, packages: write, security-events: write}
        jobs:
          a: {steps: [{uses: docker/login-action@v3}, {uses: github/codeql-action/upload-sarif@v3}]}
          b: {steps: [{run: docker push x}, {uses: github/codeql-action/analyze@v3}]}
          c: {uses: octo/x/.github/workflows/y.yml@v1}
        """
    assert kind(text) == "pass"
    assert kind(dedent(text) + "  d: {steps: [{run: make}]}\n") == "fail"


def test_the_jobs_that_do_not_use_it_are_named() -> None:
    verdict = judge("""\
        on: push
        permissions: {id-token: write}
        jobs:
          login: {steps: [{uses: aws-actions/configure-aws-credentials@v4}]}
          test: {steps: [{uses: actions/checkout@v4}, {run: make}]}
        """)
    assert verdict is not None
    assert "'id-token: write'" in verdict.message
    assert "job 'test'" in verdict.message
    assert "login" not in verdict.message


def test_workflows_that_only_others_call() -> None:
    called = f"on: workflow_call\njobs: {{a: {{{MAKE}}}}}"
    assert kind(called) == "notApplicable"
    assert kind(called, reusable=True) == "fail"
    assert kind(f"on: workflow_call\npermissions: write-all\njobs: {{a: {{{MAKE}}}}}") == "fail"
    assert kind(f"on: [workflow_call, push]\njobs: {{a: {{{MAKE}}}}}") == "fail"


def test_read_all_on_request() -> None:
    text = f"on: push\npermissions: read-all\njobs: {{a: {{{MAKE}}}, b: {{{MAKE}}}}}"
    assert kind(text, allow_read_all=False) == "fail"
    assert kind(text.replace(f", b: {{{MAKE}}}", ""), allow_read_all=False) == "pass"


def test_what_cannot_be_read_is_not_proven() -> None:
    assert kind(f"on: push\npermissions: write\njobs: {{a: {{{MAKE}}}}}") == "open"


@pytest.mark.parametrize("text", ["- run: make\n", "on: push\njobs: {}\n"])
def test_without_jobs_there_is_no_token(text: str) -> None:
    assert judge(text) is None


def test_many_places_one_verdict() -> None:
    jobs = ", ".join(f"j{number}: {{{MAKE}}}" for number in range(9))
    verdict = judge(f"on: issues\njobs: {{{jobs}}}")
    assert verdict is not None
    assert "jobs 'j0', 'j1', 'j2' and 6 more" in verdict.message
    assert len(verdict.related) == 10


def test_the_fix_declares_what_known_steps_need() -> None:
    verdict = judge("""\
        on: push
        jobs:
          test:
            steps: [{uses: actions/checkout@v4}, {run: make}]
          release:
            steps: [{uses: actions/checkout@v4}, {uses: softprops/action-gh-release@v2}]
        """)
    assert verdict is not None
    assert verdict.fix is not None
    assert [edit.text for edit in verdict.fix.edits] == [
        "permissions:\n  contents: read\n\n",
        "permissions:\n      contents: write\n    ",
    ]


@pytest.mark.parametrize(
    "step",
    ["{uses: octo/unknown@v1}", "{run: 'gh pr list', env: {GH_TOKEN: '${{ github.token }}'}}", "{uses: ./local}"],
)
def test_no_fix_where_a_step_may_need_more(step: str) -> None:
    verdict = judge(f"on: push\njobs:\n  a:\n    steps: [{step}]\n")
    assert verdict is not None
    assert verdict.fix is None
