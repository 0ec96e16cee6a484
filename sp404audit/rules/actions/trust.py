"""Who starts a workflow is told from what cannot be forged, and strangers do not reach machines of one's own."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.github import expression
from sp404audit.documents.github.expression_tree import Call, Comparison, Context, Literal, Logic, Node, Not
from sp404audit.documents.github.steps import condition_tree
from sp404audit.documents.github.workflow import Job
from sp404audit.documents.yaml_tree import Mapping, Scalar
from sp404audit.lazy import regex
from sp404audit.rules.actions.guards import keeps_forks_out, trees_before
from sp404audit.rules.actions.reach import PRIVILEGED
from sp404audit.rules.registry import Verdicts, fail, passed, rule, unproven

__all__ = ["no_exposed_self_hosted", "no_spoofable_actor_check"]

_ACTORS = frozenset({"actor", "triggering_actor", "actor_id"})
_AUTHOR_PATHS = frozenset(
    {("github", "event", "pull_request", "user", "login"), ("github", "event", "pull_request", "user", "id")}
)
_BOT_IDS = frozenset({"49699333", "27856297", "29139614"})
"""Accounts of Dependabot, its preview, and Renovate: the numbers in the addresses of their commits."""
_PULL_REQUESTS = frozenset({"pull_request", "pull_request_target"})
_SELF_HOSTED = frozenset({"self-hosted", "linux", "windows", "macos", "x64", "x86", "arm", "arm64"})
"""Labels that a self-hosted runner gets by default ("Using labels with self-hosted runners"), and none of GitHub's."""
_HOSTED = regex(r"(?:ubuntu|windows|macos)-[a-z0-9][a-z0-9._-]{0,60}")


@rule(
    "actions/no-spoofable-actor-check",
    severity="high",
    equivalents=["zizmor:bot-conditions", "octoscan:bot-check", "poutine:confused_deputy_auto_merge"],
    cwe=[290],
    precision="high",
)
def no_spoofable_actor_check(job: Job) -> Verdicts:
    """Whether a bot opened a pull request is told by its author, not by who caused the latest event.

    `github.actor` is whoever caused the event that started this run. Anyone can make a bot cause one: a comment that
    asks Dependabot to rebase, on a pull request from a fork that holds their own commits, is enough. The author of the
    pull request stays who it was. Conditions that leave bots out (`!=`) do no harm.

    On `pull_request`, where forks have neither secrets nor a token that writes, it is of low severity.

    Fix: compare `github.event.pull_request.user.login`.

    Passes:
        on: pull_request_target
        permissions: {}
        jobs:
          merge:
            if: github.event.pull_request.user.login == 'dependabot[bot]'
            runs-on: ubuntu-24.04
            steps:
              - run: gh pr merge --auto

    Fails:
        on: pull_request_target
        permissions: {}
        jobs:
          merge:
            if: github.actor == 'dependabot[bot]'
            runs-on: ubuntu-24.04
            steps:
              - run: gh pr merge --auto

    Passes (bots are left out):
        on: pull_request_target
        permissions: {}
        jobs:
          welcome:
            if: github.actor != 'dependabot[bot]'
            runs-on: ubuntu-24.04
            steps:
              - run: echo welcome
    """
    triggers = job.workflow.triggers.keys() & (PRIVILEGED | _PULL_REQUESTS)
    if not triggers & (_PULL_REQUESTS | {"workflow_run"}):
        return
    severity = "high" if triggers & PRIVILEGED else "low"
    failed = judged = False
    conditions = [(job.label, job.condition), *((step.label, step.condition) for step in job.steps)]
    for label, condition in conditions:
        tree = condition_tree(condition)
        if condition is None or tree is None:
            continue
        judged = judged or any(_is_actor(context) for context in expression.references(tree))
        found = next(_spoofable(tree), None)
        if found is not None:
            failed = True
            grade = "low" if keeps_forks_out([tree], frozenset(triggers)) else severity
            message = (
                f"the condition of {label} trusts '{'.'.join(found.path)}', which is a bot's whenever a stranger makes "
                "the bot act; compare 'github.event.pull_request.user.login'"
            )
            yield fail(condition, message, severity=grade)
        elif any(context.path in _AUTHOR_PATHS for context in expression.references(tree)):
            judged = True
    if judged and not failed:
        yield passed(job, f"no condition of {job.label} trusts the actor of the event for a bot")


def _is_actor(node: Node) -> bool:
    return isinstance(node, Context) and len(node.path) == 2 and node.path[0] == "github" and node.path[1] in _ACTORS


def _is_bot(node: Node) -> bool:
    if not isinstance(node, Literal):
        return False
    value = node.value
    name = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).lower()
    return name.endswith("[bot]") or name in _BOT_IDS


def _spoofable(tree: Node) -> Iterator[Context]:
    """Yield the actors that a condition lets in for a bot's name; not those that it also asks the author of."""
    stack = [(tree, True)]
    while stack:
        node, wanted = stack.pop()
        if isinstance(node, Not):
            stack.append((node.operand, not wanted))
        elif isinstance(node, Logic):
            if not (node.operator == "&&" and wanted and any(_asks_author(part) for part in node.operands)):
                stack.extend((part, wanted) for part in reversed(node.operands))
        elif isinstance(node, Comparison) and node.operator in ("==", "!="):
            if (node.operator == "==") is wanted:
                yield from _bot_names((node.left, node.right))
        elif isinstance(node, Call) and wanted and node.name in ("contains", "startswith", "endswith"):
            yield from _bot_names(node.arguments)


def _bot_names(sides: tuple[Node, ...]) -> Iterator[Context]:
    if any(_is_bot(side) for side in sides):
        yield from (side for side in sides if isinstance(side, Context) and _is_actor(side))


def _asks_author(node: Node) -> bool:
    if not isinstance(node, Comparison) or node.operator != "==":
        return False
    return any(isinstance(side, Context) and side.path in _AUTHOR_PATHS for side in (node.left, node.right))


@rule(
    "actions/no-exposed-self-hosted",
    severity="high",
    equivalents=[
        "zizmor:self-hosted-runner",
        "poutine:pr_runs_on_self_hosted",
        "kics:Self Hosted Runner In Pull Request Workflow",
    ],
    cwe=[653],
    precision="high",
)
def no_exposed_self_hosted(job: Job, *, hosted: list[str] = []) -> Verdicts:  # noqa: B006
    """What pull requests start does not run on machines of one's own.

    A runner of GitHub's is thrown away after each job. A self-hosted one is often kept: code of a pull request can
    leave something behind for the next job, read what others left, and reach the network that the machine stands in.

    `hosted` names labels of runners that are thrown away after each job, such as larger ones or a vendor's; other
    labels that GitHub does not provide are unproven.

    Fix: run jobs for pull requests on GitHub's runners, or on ones that are made anew for each job.

    Passes:
        on: pull_request
        permissions: {}
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: make test

    Fails:
        on: pull_request
        permissions: {}
        jobs:
          test:
            runs-on: [self-hosted, linux]
            steps:
              - run: make test

    Unproven:
        on: pull_request
        permissions: {}
        jobs:
          test:
            runs-on: big-machine
            steps:
              - run: make test

    Passes (hosted=["big-machine"]):
        on: pull_request
        permissions: {}
        jobs:
          test:
            runs-on: big-machine
            steps:
              - run: make test
    """
    trigger = next(
        (job.workflow.triggers[name] for name in sorted(_PULL_REQUESTS) if name in job.workflow.triggers), None
    )
    node = job.node.get("runs-on")
    if trigger is None or node is None or job.is_never_run:
        return
    labels = [(scalar, value) for scalar in job.runs_on for value in _values(job, scalar)]
    related = [(trigger, f"'{trigger.name}' lets people from outside start it")]
    known = {name.lower() for name in hosted}
    own = next((scalar for scalar, value in labels if value in _SELF_HOSTED - known), None)
    if own is not None and keeps_forks_out(trees_before(job), frozenset(_PULL_REQUESTS & job.workflow.triggers.keys())):
        yield passed(own, "a condition keeps out what comes from a fork")
    elif own is not None:
        message = (
            f"{job.label} runs on a self-hosted machine, and pull requests start it; use a runner that is thrown away"
        )
        yield fail(own, message, related=related)
    elif isinstance(node, Mapping) and "group" in node and not labels:
        yield unproven(
            node, f"whether the runners of the group are kept after {job.label} is not known", related=related
        )
    elif any("${{" in value for _, value in labels):
        yield unproven(node, f"the run decides where {job.label} runs")
    elif strange := next((value for _, value in labels if not (value in known or _HOSTED.fullmatch(value))), ""):
        yield unproven(node, f"'{strange[:80]}' is no label of GitHub's runners: whose machine it is, is not known")
    elif labels:
        yield passed(node, f"{job.label} runs on a runner that is thrown away")


def _values(job: Job, scalar: Scalar) -> list[str]:
    """The labels that a text can be, in lower case, the values of the matrix in place of a reference to it."""
    embedded = expression.find(scalar.value) if "${{" in scalar.value else []
    tree = embedded[0].tree if len(embedded) == 1 else None
    if isinstance(tree, Context) and tree.path[0] == "matrix" and job.matrix is not None:
        before, after = scalar.value[: embedded[0].start], scalar.value[embedded[0].end :]
        found = job.matrix.values(tree.path[1:])
        if found is not None:
            return [f"{before}{value.value}{after}".strip().lower() for value in found]
    return [scalar.value.strip().lower()]
