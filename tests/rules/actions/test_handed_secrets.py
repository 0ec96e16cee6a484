from __future__ import annotations

import pytest

from sp404audit.documents.github import workflow
from sp404audit.documents.github.workflow import Workflow
from sp404audit.documents.source import Source
from sp404audit.results import Severity
from sp404audit.rules.actions.handed_secrets import (
    no_hardcoded_credentials,
    no_secrets_inherit,
    no_whole_secrets_context,
)


def parse(body: str) -> Workflow:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return workflow.parse(Source("w.yml", f"on: push\njobs:\n  a:\n{lines}".encode()))


@pytest.mark.parametrize(
    ("value", "kind", "severity"),
    [
        ("${{ toJSON(secrets) }}", "fail", Severity.HIGH),
        ("x ${{ TOJson( SECRETS ) }}", "fail", Severity.HIGH),
        ("${{ secrets[inputs.name] }}", "fail", Severity.HIGH),
        ("${{ secrets[format('K_{0}', matrix.x)] }}", "fail", Severity.MEDIUM),
        ("${{ join(secrets.*, ',') }}", "fail", Severity.HIGH),
        ("${{ secrets['NAME'] }}", "pass", None),
        ("${{ secrets.NAME }}", "pass", None),
        ("${{ toJSON(secrets.NAME) }}", "pass", None),
        ("${{ contains(toJSON(secrets), 'x') }}", "pass", None),
        ("secrets[x] and toJSON(secrets)", "pass", None),
    ],
)
def test_whole_contexts(value: str, kind: str, severity: Severity | None) -> None:
    found = list(no_whole_secrets_context(parse(f'env:\n  X: "{value}"')))
    assert [(verdict.kind, verdict.severity) for verdict in found] == [(kind, severity)]


def test_nothing_is_said_without_secrets() -> None:
    assert list(no_whole_secrets_context(parse("env: {X: y}"))) == []


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("uses: o/r/.github/workflows/x.yml@v1\nsecrets: inherit", [("fail", Severity.MEDIUM)]),
        ("uses: ./.github/workflows/x.yml\nsecrets: inherit", [("fail", Severity.LOW)]),
        ("uses: ./.github/workflows/x.yml\nsecrets:\n  inherit: ${{ secrets.X }}", [("pass", None)]),
        ("uses: ./.github/workflows/x.yml", []),
        ("secrets: inherit", []),
    ],
)
def test_inherit(body: str, outcome: list[tuple[str, Severity | None]]) -> None:
    found = no_secrets_inherit(parse(body).jobs["a"])
    assert [(verdict.kind, verdict.severity) for verdict in found] == outcome


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("container: {image: x, credentials: {password: abc}}", ["fail"]),
        ("services: {db: {image: x, credentials: {password: abc}}, c: {image: y}}", ["fail"]),
        ("container: {image: x, credentials: {password: '${{ secrets.P }}'}}", ["pass"]),
        ("container: {image: x, credentials: {password: ''}}", []),
        ("container: {image: x, credentials: '${{ fromJSON(vars.C) }}'}", ["open"]),
        ("container: {image: x, credentials: [a]}", []),
        ("services: {db: {image: postgres, env: {POSTGRES_PASSWORD: postgres}}}", []),
        ("steps: [{uses: docker/login-action@v3, with: {password: abc}}]", ["fail"]),
        ("steps: [{uses: docker/login-action@v3, with: {password: '${{ secrets.P }}'}}, {run: x}]", []),
    ],
)
def test_credentials(body: str, kinds: list[str]) -> None:
    found = list(no_hardcoded_credentials(parse(body).jobs["a"]))
    assert [verdict.kind for verdict in found] == kinds
    assert all("abc" not in verdict.message for verdict in found)
