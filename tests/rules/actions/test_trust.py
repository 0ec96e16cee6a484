from __future__ import annotations

import pytest

from sp404audit.documents.github import workflow
from sp404audit.documents.github.workflow import Job
from sp404audit.documents.source import Source
from sp404audit.results import Severity
from sp404audit.rules.actions.trust import no_exposed_self_hosted, no_spoofable_actor_check


def job(body: str, on: str) -> Job:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    text = f"on: {on}\njobs:\n  a:\n{lines}    steps:\n      - run: x\n"
    return workflow.parse(Source("w.yml", text.encode())).jobs["a"]


@pytest.mark.parametrize(
    ("condition", "kinds"),
    [
        ("github.actor == 'dependabot[bot]'", ["fail"]),
        ("'dependabot[bot]' == GITHUB['Actor'] || github.event.number == 1", ["fail"]),
        ("github.triggering_actor == 'renovate[bot]'", ["fail"]),
        ("github.actor_id == 49699333", ["fail"]),
        ("github.actor_id == '49699333'", ["fail"]),
        ("contains(github.actor, '[bot]')", ["fail"]),
        ("${{ !(github.actor != 'x[bot]') }}", ["fail"]),
        ("github.actor != 'dependabot[bot]'", ["pass"]),
        ("${{ !contains(github.actor, '[bot]') }}", ["pass"]),
        ("github.actor == 'octocat'", ["pass"]),
        ("github.event.pull_request.user.login == 'x[bot]'", ["pass"]),
        ("github.actor == 'x[bot]' && github.event.pull_request.user.login == 'x[bot]'", ["pass"]),
        ("github.ref == 'refs/heads/main'", []),
        ("github.actor_id == 1e999", ["pass"]),
    ],
)
def test_conditions(condition: str, kinds: list[str]) -> None:
    subject = job(f'if: "{condition}"', "pull_request_target")
    assert [verdict.kind for verdict in no_spoofable_actor_check(subject)] == kinds


def test_severity_follows_the_power_of_the_event() -> None:
    body = "if: github.actor == 'x[bot]'"
    (strong,) = no_spoofable_actor_check(job(body, "[push, pull_request_target]"))
    (weak,) = no_spoofable_actor_check(job(body, "pull_request"))
    (ours,) = no_spoofable_actor_check(
        job(body + " && github.event.pull_request.head.repo.full_name == 'o/r'", "pull_request_target")
    )
    assert (strong.severity, weak.severity, ours.severity) == (Severity.HIGH, Severity.LOW, Severity.LOW)
    assert list(no_spoofable_actor_check(job(body, "push"))) == []


@pytest.mark.parametrize(
    ("runner", "kinds"),
    [
        ("self-hosted", ["fail"]),
        ("[linux, x64]", ["fail"]),
        ("{labels: [Self-Hosted, gpu]}", ["fail"]),
        ("{group: big}", ["open"]),
        ("{group: big, labels: self-hosted}", ["fail"]),
        ("ubuntu-latest", ["pass"]),
        ("ubuntu-24.04-arm", ["pass"]),
        ("macos-15-xlarge", ["pass"]),
        ("gpu", ["open"]),
        ("${{ inputs.runner }}", ["open"]),
        ("${{ matrix.os }}", ["fail"]),
        ("${{ matrix.os }}-latest", ["open"]),
        ("${{ matrix.kind }}-latest", ["pass"]),
        ("[]", []),
    ],
)
def test_runners(runner: str, kinds: list[str]) -> None:
    body = f"runs-on: {runner}\nstrategy:\n  matrix:\n    os: [ubuntu-latest, self-hosted]\n    kind: [ubuntu, macos]"
    assert [verdict.kind for verdict in no_exposed_self_hosted(job(body, "pull_request"))] == kinds


def test_runners_that_forks_do_not_reach() -> None:
    assert list(no_exposed_self_hosted(job("runs-on: self-hosted", "push"))) == []
    guard = "if: github.event.pull_request.head.repo.full_name == github.repository\nruns-on: self-hosted"
    assert [verdict.kind for verdict in no_exposed_self_hosted(job(guard, "pull_request"))] == ["pass"]
    named = no_exposed_self_hosted(job("runs-on: Linux", "pull_request"), hosted=["linux"])
    assert [verdict.kind for verdict in named] == ["pass"]
