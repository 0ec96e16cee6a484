"""What people from outside propose is not run with the repository's rights."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.github import expression
from sp404audit.documents.github.step_shell import read_shell
from sp404audit.documents.github.steps import Step
from sp404audit.documents.github.workflow import Job
from sp404audit.documents.shell.model import Command, Shell
from sp404audit.documents.yaml_tree import text
from sp404audit.records import NamedTuple
from sp404audit.rules.actions.guards import keeps_forks_out, mentions_approval, trees_before
from sp404audit.rules.registry import Verdict, Verdicts, Where, fail, passed, rule, unproven

__all__ = ["no_untrusted_checkout"]

_TRIGGERS = frozenset({"pull_request_target", "workflow_run", "issue_comment"})
_HEADS = (
    ("github", "head_ref"),
    ("github", "event", "pull_request", "head"),
    ("github", "event", "pull_request", "merge_commit_sha"),
    ("github", "event", "workflow_run", "head_branch"),
    ("github", "event", "workflow_run", "head_sha"),
    ("github", "event", "workflow_run", "head_commit"),
    ("github", "event", "workflow_run", "head_repository"),
    ("github", "event", "workflow_run", "pull_requests"),
)
_MOVES = frozenset({"checkout", "switch", "merge", "reset", "rebase"})
_RIGHTS = ("/collaborators/", "getCollaboratorPermissionLevel", "getMembershipForUserInOrg")
_MAX_DEPTH = 4
_HARMLESS = (
    frozenset({"echo", "printf", "cd", "ls", "cat", "git", "gh", "true", "false", "set", "export", "test", "[", "[["})
    | {":", "mkdir", "cp", "mv", "rm", "grep", "sed", "awk", "jq", "head", "tail", "cut", "tr", "sort", "uniq", "wc"}
    | {"diff", "date", "sleep", "exit", "read", "curl", "wget", "tee", "find", "du", "df", "pwd", "touch", "unset", ""}
    | {"local", "return"}
)
"""Commands that run nothing of the workspace; the empty name is that of an assignment."""


@rule(
    "actions/no-untrusted-checkout",
    severity="critical",
    equivalents=[
        "poutine:untrusted_checkout_exec",
        "octoscan:dangerous-checkout",
        "semgrep:yaml.github-actions.security.pull-request-target-code-checkout.pull-request-target-code-checkout",
        "semgrep:yaml.github-actions.security.workflow-run-target-code-checkout.workflow-run-target-code-checkout",
        "kics:Checkout Of Untrusted Code In Privileged Context",
        "scorecard:Dangerous-Workflow",
    ],
    cwe=[829],
    precision="high",
)
def no_untrusted_checkout(job: Job) -> Verdicts:
    """A workflow that runs with the repository's rights does not check out what a pull request proposes.

    `pull_request_target`, `workflow_run` and `issue_comment` run with the secrets and the token of the repository, and
    anyone can cause them. Whoever opens the pull request writes the build files, the tests and the scripts that a later
    step runs. Without a later step that runs something the risk is a lesser one.

    Fix: build and test in a workflow on `pull_request`, and hand results over as an artifact; or demand in the job's
    `if:` that `github.event.pull_request.head.repo.full_name == github.repository`.

    Passes:
        on: pull_request_target
        permissions: {}
        jobs:
          label:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@v4
              - run: ./tools/label

    Fails:
        on: pull_request_target
        permissions: {}
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@v4
                with:
                  ref: ${{ github.event.pull_request.head.sha }}
              - run: make test

    Fails (in a command):
        on: issue_comment
        permissions: {}
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@v4
              - run: |
                  gh pr checkout "$NUMBER"
                  npm ci
                env:
                  NUMBER: ${{ github.event.issue.number }}

    Passes (nothing from a fork gets in):
        on: pull_request_target
        permissions: {}
        jobs:
          test:
            if: github.event.pull_request.head.repo.full_name == github.repository
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@v4
                with:
                  ref: ${{ github.head_ref }}
              - run: make test

    Unproven:
        on: issue_comment
        permissions: {}
        jobs:
          test:
            if: github.event.comment.author_association == 'MEMBER'
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@v4
                with:
                  ref: refs/pull/${{ github.event.issue.number }}/head
              - run: make test
    """
    triggers = _TRIGGERS & job.workflow.triggers.keys()
    if not triggers or job.is_never_run or not job.steps:
        return
    found = [(step, taken) for step in job.steps if not step.is_never_run for taken in _taken(step)]
    risky = [
        (step, taken) for step, taken in found if not keeps_forks_out(trees_before(job, step), frozenset(triggers))
    ]
    for step, taken in risky[:1]:
        others = [(other.where, f"takes {other.what}, too") for _, other in risky[1:]]
        yield _verdict(job, step, taken, others)
    if found and not risky:
        yield passed(found[0][1].where, "a condition keeps out what comes from a fork")
    elif not found and any(step.uses is not None and step.uses.name == "actions/checkout" for step in job.steps):
        yield passed(job, f"{job.label} checks out the repository's own code")


class _Taken(NamedTuple):
    """Code of a pull request that a step brings into the workspace: where, and how people would call it."""

    where: Where
    what: str
    end: int = -1


def _verdict(job: Job, step: Step, taken: _Taken, others: list[tuple[Where, str]]) -> Verdict:
    names = sorted(_TRIGGERS & job.workflow.triggers.keys())
    trigger = job.workflow.triggers[names[0]]
    related: list[tuple[Where, str]] = [(trigger, f"'{trigger.name}' runs with the repository's own rights"), *others]
    runs = list(_runs_after(job, step, taken))
    trees = list(trees_before(job, step))
    types = trigger.filter("types") or ()
    if mentions_approval(trees) or types == ("labeled",) or job.environment or _asks_for_rights(job, step):
        why = f"{step.label} takes {taken.what}, once somebody approved: that it did not change since is not known"
        return unproven(taken.where, why, related=related)
    message = f"{step.label} checks out {taken.what} on '{trigger.name}', with the repository's own rights"
    if runs:
        message += f", and {runs[0].label} can run it; use 'pull_request' for what runs strangers' code"
    else:
        message += "; use 'pull_request', or take the base"
    related += [(run, f"{run.label} can run what was checked out") for run in runs[:20]]
    return fail(taken.where, message, severity="critical" if runs else "medium", related=related)


def _asks_for_rights(job: Job, until: Step) -> bool:
    """Whether an earlier step, or a job that this one waits for, asks GitHub what rights somebody has."""
    waited = (step for name in sorted(job.all_needs()) for step in job.workflow.jobs[name].steps)
    for step in (*waited, *job.steps[: until.index]):
        script = step.input("script")
        for scalar in (step.run, script):
            if scalar is not None and any(name in scalar.value for name in _RIGHTS):
                return True
    return False


def _taken(step: Step) -> Iterator[_Taken]:
    """Yield what of a pull request a step brings in."""
    if step.uses is not None and step.uses.name == "actions/checkout":
        for name in ("ref", "repository"):
            scalar = step.input(name)
            head = _head_in(scalar.value, step) if scalar is not None else ""
            if scalar is not None and head:
                yield _Taken(scalar, f"'{head[:100]}'")
                return
    command = step.run.value if step.run is not None else ""
    if "git" in command or "gh " in command:
        yield from _taken_by_commands(step)


def _taken_by_commands(step: Step) -> Iterator[_Taken]:
    shell = read_shell(step)
    fetched = False
    for command in shell.commands if shell is not None else ():
        words = [word.text for word in command.arguments]
        if command.name == "gh" and words[:2] == ["pr", "checkout"]:
            yield _Taken(command, "the pull request's code", command.end)
            return
        if command.name != "git" or not words:
            continue
        heads = [head for word in command.arguments[1:] if (head := _head_of_word(word.text, word.variables, step))]
        if words[0] == "fetch":
            fetched = fetched or bool(heads)
        elif words[0] == "pull" and heads:
            yield _Taken(command, f"'{heads[0][:100]}'", command.end)
            return
        elif words[0] in _MOVES and (heads or (fetched and "--" not in words)):
            yield _Taken(command, f"'{heads[0][:100]}'" if heads else "the pull request's code", command.end)
            return


def _head_of_word(word: str, variables: tuple[str, ...], step: Step) -> str:
    values = [scalar.value for name in variables if (scalar := step.variable(name)) is not None]
    return next((head for value in (word, *values) if (head := _head_in(value, step))), "")


def _head_in(value: str, step: Step, depth: int = 0) -> str:
    """Return the pull request's ref, commit or repository that a text names; empty when it names none."""
    if "refs/pull/" in value or value.startswith("pull/"):
        return value.strip()
    if "${{" not in value or depth > _MAX_DEPTH:
        return ""
    for embedded in expression.find(value):
        if embedded.tree is None:
            continue
        for flow in expression.flows(embedded.tree):
            if any(flow.path[: len(head)] == head for head in _HEADS):
                return ".".join(flow.path)
            if flow.path[0] == "env" and len(flow.path) == 2:
                value = _variable(step, flow.path[1])
                if head := _head_in(value, step, depth + 1):
                    return head
    return ""


def _variable(step: Step, name: str) -> str:
    """The text of a variable by its name in lower case, as an expression asks for it; empty when none is set."""
    for scope in step.variable_scopes():
        for key, _, value in scope.pairs():
            if key.lower() == name:
                return text(value) or ""
    return ""


def _may_run(command: Command, shell: Shell) -> bool:
    return command.name not in _HARMLESS and command.name not in shell.functions


def _runs_after(job: Job, first: Step, taken: _Taken) -> Iterator[Step]:
    """Yield the steps, from the one that brought the code in, that can run something of it."""
    for step in job.steps:
        if step.index < first.index or step.is_never_run:
            continue
        if step.uses is not None and step.uses.kind == "local" and step is not first:
            yield step
        elif step.run is not None:
            shell = read_shell(step)
            if shell is None:
                continue  # another language's own program, which the workflow itself holds
            start = taken.end if step is first else -1
            if any(command.start > start and _may_run(command, shell) for command in shell.commands):
                yield step
