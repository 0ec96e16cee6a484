from __future__ import annotations

import pytest

from sp404audit.documents.github import workflow
from sp404audit.documents.source import Source
from sp404audit.results import Severity
from sp404audit.rules.actions.checkout import no_untrusted_checkout
from sp404audit.rules.registry import Verdict

HEAD = "github.event.pull_request.head"


def judge(steps: str, *, on: str = "pull_request_target", job: str = "") -> list[Verdict]:
    text = f"on: {on}\njobs:\n  a:\n    runs-on: x\n{job}    steps:\n{steps}"
    document = workflow.parse(Source("w.yml", text.encode()))
    return list(no_untrusted_checkout(document.jobs["a"]))


def checkout(ref: str, after: str = "make") -> str:
    return f"      - uses: actions/checkout@v4\n        with:\n          ref: {ref}\n      - run: {after}\n"


@pytest.mark.parametrize(
    "ref",
    [
        "${{ github.head_ref }}",
        "${{ github.event.pull_request.head.ref }}",
        "${{ github.event['pull_request'].HEAD.sha || github.sha }}",
        "refs/pull/${{ github.event.number }}/merge",
        "${{ format('refs/pull/{0}/head', github.event.number) }}",
    ],
)
def test_heads_that_are_run(ref: str) -> None:
    (verdict,) = judge(checkout(ref))
    assert (verdict.kind, verdict.severity) == ("fail", Severity.CRITICAL)


def test_a_head_through_a_variable_and_another_repository() -> None:
    steps = "      - uses: actions/checkout@v4\n        with:\n          repository: ${{ env.R }}\n      - uses: ./x\n"
    (verdict,) = judge(steps, job=f"    env:\n      R: ${{{{ {HEAD}.repo.full_name }}}}\n")
    assert verdict.severity == Severity.CRITICAL


def test_reading_only_is_a_lesser_thing() -> None:
    (verdict,) = judge(checkout("${{ github.head_ref }}", after="git diff --stat"))
    assert (verdict.kind, verdict.severity) == ("fail", Severity.MEDIUM)


@pytest.mark.parametrize("ref", ["main", "${{ github.base_ref }}", "${{ github.event.pull_request.base.sha }}"])
def test_the_base_is_ours(ref: str) -> None:
    assert [verdict.kind for verdict in judge(checkout(ref))] == ["pass"]


def test_what_was_run_before_was_ours() -> None:
    steps = "      - run: make\n" + checkout("${{ github.head_ref }}", after="echo done")
    assert [verdict.severity for verdict in judge(steps)] == [Severity.MEDIUM]


@pytest.mark.parametrize("on", ["pull_request", "push", "workflow_dispatch"])
def test_events_without_power(on: str) -> None:
    assert judge(checkout("${{ github.head_ref }}"), on=on) == []


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        (f"{HEAD}.repo.full_name == github.repository", "pass"),
        (f"github.repository == {HEAD}.repo.full_name && always()", "pass"),
        (f"{HEAD}.repo.fork == false", "pass"),
        (f"'!{HEAD}.repo.fork'", "pass"),
        ("github.event.pull_request.user.login == 'dependabot[bot]'", "pass"),
        ("github.event.pull_request.user.login != 'dependabot[bot]'", "fail"),
        ("github.event_name == 'push'", "pass"),
        ("github.event_name != 'pull_request_target'", "pass"),
        (f"{HEAD}.repo.full_name == github.repository || github.actor == 'x'", "fail"),
        (f"{HEAD}.repo.full_name != github.repository", "fail"),
        (f"{HEAD}.repo.fork == true", "fail"),
        ("github.event_name == 'pull_request_target'", "fail"),
        ("contains(github.event.pull_request.labels.*.name, 'safe')", "open"),
        ("github.event.comment.author_association == 'OWNER'", "open"),
    ],
)
def test_conditions(condition: str, kind: str) -> None:
    found = judge(checkout("${{ github.head_ref }}"), job=f"    if: {condition}\n")
    assert [verdict.kind for verdict in found] == [kind]


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        ("gh pr checkout 1\nmake", ["fail"]),
        ("git fetch origin pull/$N/head:pr\ngit checkout pr\nmake", ["fail"]),
        ("git fetch origin pull/$N/head:pr\ngit diff pr", []),
        ('git fetch origin\ngit checkout "$SHA"\nmake', ["fail"]),
        ("git checkout ${{ github.head_ref }}", ["fail"]),
        ("echo gh pr checkout 1\nmake", []),
    ],
)
def test_commands(lines: str, kinds: list[str]) -> None:
    text = lines.replace("\n", "\n          ")
    steps = f"      - env:\n          SHA: ${{{{ {HEAD}.sha }}}}\n        run: |\n          {text}\n"
    assert [verdict.kind for verdict in judge(steps)] == kinds


def test_one_result_for_several_checkouts() -> None:
    (verdict,) = judge(checkout("${{ github.head_ref }}") * 2)
    assert any("too" in note for _, note in verdict.related)


def test_a_job_that_waits_for_a_guarded_one() -> None:
    text = (
        f"on: pull_request_target\njobs:\n  g:\n    if: {HEAD}.repo.fork == false\n    runs-on: x\n"
        "    steps: [{run: echo}]\n  a:\n    needs: g\n    runs-on: x\n    steps:\n"
    ) + checkout("${{ github.head_ref }}")
    guarded = workflow.parse(Source("w.yml", text.encode())).jobs["a"]
    assert [verdict.kind for verdict in no_untrusted_checkout(guarded)] == ["pass"]
    text = text.replace("needs: g\n", "needs: g\n    if: always()\n")
    free = workflow.parse(Source("w.yml", text.encode())).jobs["a"]
    assert [verdict.kind for verdict in no_untrusted_checkout(free)] == ["fail"]


def test_a_step_that_asks_for_rights() -> None:
    asks = "      - run: gh api repos/x/y/collaborators/$WHO/permission\n"
    assert [verdict.kind for verdict in judge(asks + checkout("${{ github.head_ref }}"))] == ["open"]
    assert [verdict.kind for verdict in judge(checkout("${{ github.head_ref }}") + asks)] == ["fail"]


def test_a_function_of_the_step_itself_is_ours() -> None:
    after = "|\n          say() {\n            echo x\n          }\n          say"
    (verdict,) = judge(checkout("${{ github.head_ref }}", after=after))
    assert verdict.severity == Severity.MEDIUM
