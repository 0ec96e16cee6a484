"""The token of a workflow may do no more than its jobs need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sp404audit.documents.github.parts import Permissions
from sp404audit.documents.github.workflow import Job, Workflow
from sp404audit.records import NamedTuple
from sp404audit.results import Edit, Fix, Region
from sp404audit.rules.actions.reach import privileged_trigger
from sp404audit.rules.actions.token_scopes import may_use, needed_scopes
from sp404audit.rules.registry import Verdict, Verdicts, Where, fail, not_applicable, passed, rule, unproven

__all__ = ["least_privilege_token"]


@rule(
    "actions/least-privilege-token",
    severity="medium",
    equivalents=[
        "zizmor:excessive-permissions",
        "checkov:CKV2_GHA_1",
        "scorecard:Token-Permissions",
        "poutine:default_permissions_on_risky_events",
        "ghalint:deny_read_all_permission",
        "ghalint:deny_write_all_permission",
        "ghalint:job_permissions",
    ],
    cwe=[250, 272],
    precision="high",
)
def least_privilege_token(workflow: Workflow, *, allow_read_all: bool = True, reusable: bool = False) -> Verdicts:
    """The permissions of the GITHUB_TOKEN are declared, and no wider than the jobs need.

    A step that is taken over, be it an action, a dependency's install script or an injected command, holds the job's
    token. Without `permissions:` its reach is whatever the settings of the repository or organisation say, which for
    those made before February 2023 is to write everything. A permission at the top of a workflow of several jobs goes
    to all of them.

    `allow_read_all` accepts `read-all` for several jobs at once; with a single job it always passes. `reusable` asks
    workflows that are only called by others, whose token is their callers', to declare permissions of their own too.

    Fix: put `permissions: {}` or `contents: read` at the top of the workflow, and what a job must write into that job.

    Passes:
        on: push
        permissions:
          contents: read
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: make test
          publish:
            runs-on: ubuntu-24.04
            permissions:
              contents: read
              packages: write
            steps:
              - run: make publish

    Fails:
        on: push
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: make test

    Fails (a permission that only one of two jobs uses):
        on: push
        permissions:
          contents: write
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: make test
          release:
            runs-on: ubuntu-24.04
            steps:
              - uses: softprops/action-gh-release@v2

    Fails (everything may be written):
        on: pull_request_target
        permissions: write-all
        jobs:
          label:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/labeler@v5

    Fails (allow_read_all=false):
        on: push
        permissions: read-all
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: make test
          lint:
            runs-on: ubuntu-24.04
            steps:
              - run: make lint
    """
    if not workflow.jobs:
        return
    heirs = [job for job in workflow.jobs.values() if job.permissions is None]
    grievances = [*_write_all(workflow, heirs), *_top_level(workflow, heirs, allow_read_all=allow_read_all)]
    if workflow.permissions is None and heirs:
        if set(workflow.triggers) == {"workflow_call"} and not reusable and not grievances:
            yield not_applicable(workflow, "only called by other workflows, whose permissions hold for it")
            return
        grievances.append(_missing(workflow, heirs))
    if grievances:
        yield _verdict(grievances)
    elif workflow.permissions is not None and heirs and _is_unreadable(workflow.permissions):
        yield unproven(workflow.permissions, "'permissions' is neither a mapping, nor 'read-all', nor 'write-all'")
    else:
        where = workflow.permissions or next(
            (job.permissions for job in workflow.jobs.values() if job.permissions), None
        )
        yield passed(where or workflow, "permissions are declared")


class _Grievance(NamedTuple):
    """One thing that is wrong with a workflow's permissions."""

    where: Where
    message: str
    severity: str
    related: tuple[tuple[Where, str], ...] = ()
    fix: Fix | None = None


def _verdict(grievances: list[_Grievance]) -> Verdict:
    """Make one verdict of everything that is wrong: one control, one failure."""
    first, *others = sorted(grievances, key=lambda each: each.severity != "high")
    related = [*first.related, *((each.where, each.message) for each in others)]
    return fail(first.where, first.message, severity=first.severity, related=related, fix=first.fix)


def _write_all(workflow: Workflow, heirs: list[Job]) -> Iterator[_Grievance]:
    top = workflow.permissions
    if top is not None and top.whole == "write-all" and heirs:
        message = f"'write-all' lets {_names(heirs)} write everything in the repository; list what is needed"
        yield _Grievance(top, message, "high", _places(heirs), _declaration(workflow, heirs))
    for job in workflow.jobs.values():
        if job.permissions is not None and job.permissions.whole == "write-all":
            message = f"'write-all' lets {job.label} write everything in the repository; list what is needed"
            yield _Grievance(job.permissions, message, "high")


def _top_level(workflow: Workflow, heirs: list[Job], *, allow_read_all: bool) -> Iterator[_Grievance]:
    """Look for grants at the top that go to jobs without need. With a single job there is no difference."""
    top = workflow.permissions
    if top is None or not heirs or len(workflow.jobs) < 2:
        return
    if top.whole == "read-all" and not allow_read_all:
        yield _Grievance(top, f"'read-all' lets {_names(heirs)} read everything; list what is needed", "low")
    idle: dict[str, list[Job]] = {}
    for scope, _ in top.written():
        jobs = [job for job in heirs if not may_use(job, scope)]
        if jobs:
            idle[scope] = jobs
    if idle:
        scopes = ", ".join(f"'{scope}: write'" for scope in idle)
        jobs = [job for job in heirs if any(job in unneeding for unneeding in idle.values())]
        message = f"{scopes} at the top of the workflow also goes to {_names(jobs)}; grant it to the job that needs it"
        yield _Grievance(top, message, "medium", _places(jobs))


def _missing(workflow: Workflow, heirs: list[Job]) -> _Grievance:
    message = f"no permissions are declared for {_names(heirs)}: the token gets the repository's default"
    trigger = privileged_trigger(workflow)
    related: list[tuple[Where, str]] = []
    if trigger is not None:
        related.append((trigger, f"'{trigger.name}' lets people from outside start it, with this token"))
    severity = "high" if trigger is not None else "medium"
    return _Grievance(workflow, message, severity, (*related, *_places(heirs)), _declaration(workflow, heirs))


def _is_unreadable(permissions: Permissions) -> bool:
    node = permissions.node
    return not permissions.whole and not permissions.scopes and bool(getattr(node, "value", ""))


def _places(jobs: Iterable[Job]) -> tuple[tuple[Where, str], ...]:
    return tuple((job, f"{job.label} gets this token") for job in jobs)


def _names(jobs: list[Job]) -> str:
    """Name the jobs, the first three of them when they are many."""
    if len(jobs) == 1:
        return jobs[0].label
    shown = ", ".join(f"'{job.id[:60]}'" for job in jobs[:3])
    return f"jobs {shown}" + (f" and {len(jobs) - 3} more" if len(jobs) > 3 else "")


def _declaration(workflow: Workflow, heirs: list[Job]) -> Fix | None:
    """Declare what the steps need, where each is known: reading at the top, writing in the job that does it."""
    needs = {job.id: needed_scopes(job) for job in heirs}
    if workflow.root is None or any(scopes is None for scopes in needs.values()):
        return None
    known = {name: scopes for name, scopes in needs.items() if scopes is not None}
    writing = {name for name, scopes in known.items() if "write" in scopes.values()}
    reading = {scope for name, scopes in known.items() if name not in writing for scope in scopes}
    block = _block(dict.fromkeys(sorted(reading), "read"), 0)
    writers = [job for job in heirs if job.id in writing]
    edits = [_top_edit(workflow, block), *(_job_edit(job, known[job.id]) for job in writers)]
    complete = tuple(edit for edit in edits if edit is not None)
    if len(complete) != len(edits):
        return None
    return Fix("declare the permissions that the known steps need", complete, safe=False)


def _block(scopes: dict[str, str], indent: int) -> str:
    if not scopes:
        return "permissions: {}"
    lines = [f"{' ' * (indent + 2)}{scope}: {level}" for scope, level in sorted(scopes.items())]
    return "\n".join(["permissions:", *lines])


def _top_edit(workflow: Workflow, block: str) -> Edit | None:
    root = workflow.root
    assert root is not None
    if workflow.permissions is not None:
        return Edit(workflow.path, workflow.permissions.region, block)
    key = root.key("jobs")
    if key is None or key.start.column != 0:
        return None
    line = key.start.line + 1
    return Edit(workflow.path, Region(line, 1, line, 1), f"{block}\n\n")


def _job_edit(job: Job, scopes: dict[str, str]) -> Edit | None:
    first = job.node.children[0] if job.node.children else None
    if first is None or first.start.line == job.key.start.line:
        return None  # a flow mapping: nothing can be put on a line of its own
    line, indent = first.start.line + 1, first.start.column
    text = f"{_block(scopes, indent)}\n{' ' * indent}"
    return Edit(job.workflow.path, Region(line, indent + 1, line, indent + 1), text)
