"""Settings by which a job gives up a protection of the runner, or a token of its limits."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.github.steps import Step
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar, text
from sp404audit.rules.registry import Verdicts, fail, passed, rule, unproven

__all__ = ["app_token_scoped", "no_debug_logging", "no_insecure_commands"]

_TRUE = frozenset({"1", "true", "$true"})
"""What the runner takes for yes, whatever the case (its StringUtil.ConvertToBoolean)."""
_INSECURE = "ACTIONS_ALLOW_UNSECURE_COMMANDS"
_DEBUG = frozenset({"ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG", "RUNNER_DEBUG"})


@rule(
    "actions/no-insecure-commands",
    severity="high",
    equivalents=[
        "zizmor:insecure-commands",
        "checkov:CKV_GHA_1",
        "octoscan:unsecure-commands",
        "kics:Unsecured Commands",
        "semgrep:yaml.github-actions.security.allowed-unsecure-commands.allowed-unsecure-commands",
    ],
    cwe=[77],
    precision="very-high",
)
def no_insecure_commands(step: Step) -> Verdicts:
    """Commands that set variables from the log stay switched off.

    With ACTIONS_ALLOW_UNSECURE_COMMANDS the runner obeys `::set-env` and `::add-path` again, wherever they appear in
    what a step prints: a file name, a commit message or the answer of a server can then set `PATH` or `LD_PRELOAD` for
    all later steps. GitHub switched them off in November 2020 for that reason.

    Fix: remove the variable, and write to the files in `$GITHUB_ENV` and `$GITHUB_PATH` instead.

    Passes:
        on: push
        permissions: {}
        jobs:
          build:
            runs-on: ubuntu-24.04
            steps:
              - run: echo "LEVEL=3" >> "$GITHUB_ENV"

    Fails:
        on: push
        permissions: {}
        jobs:
          build:
            runs-on: ubuntu-24.04
            env:
              ACTIONS_ALLOW_UNSECURE_COMMANDS: true
            steps:
              - run: echo "::set-env name=LEVEL::3"

    Unproven:
        on: workflow_dispatch
        permissions: {}
        jobs:
          build:
            runs-on: ubuntu-24.04
            steps:
              - run: make
                env:
                  ACTIONS_ALLOW_UNSECURE_COMMANDS: ${{ inputs.old }}
    """
    settled = False
    for _, key, value in _settings(step, frozenset({_INSECURE})):
        settled = True
        if "${{" in (text(value) or ""):
            yield unproven(key, f"an expression decides on '{_INSECURE}'")
        elif _is_on(value):
            yield fail(key, f"'{_INSECURE}' lets whatever is printed set variables and the path; remove it")
        else:
            yield passed(key, f"'{_INSECURE}' is off")
    whole = step.fields.get("env")
    if isinstance(whole, Scalar) and "${{" in whole.value:
        yield unproven(whole, f"an expression makes all variables of {step.label}, maybe '{_INSECURE}' too")
    elif not settled and _is_first(step):
        yield passed(step, f"'{_INSECURE}' is not set")


@rule("actions/no-debug-logging", severity="low", equivalents=["poutine:debug_enabled"], cwe=[532], precision="high")
def no_debug_logging(step: Step) -> Verdicts:
    """Debug logging is switched on for one run, not in the workflow.

    Debug logs show inputs, variables and what commands answer, also what no mask covers. They are as public as the
    repository.

    Fix: remove the variable, and start the run again with "Enable debug logging" when it is needed.

    Passes:
        on: push
        permissions: {}
        jobs:
          build:
            runs-on: ubuntu-24.04
            env:
              ACTIONS_STEP_DEBUG: false
            steps:
              - run: make

    Fails:
        on: push
        permissions: {}
        jobs:
          build:
            runs-on: ubuntu-24.04
            env:
              ACTIONS_STEP_DEBUG: true
            steps:
              - run: make
    """
    for name, key, value in _settings(step, _DEBUG):
        if "${{" in (text(value) or ""):
            yield passed(key, f"'{name}' is for a run to switch on")
        elif _is_on(value):
            yield fail(key, f"'{name}' writes debug logs in every run; remove it")
        else:
            yield passed(key, f"'{name}' is off")


def _settings(step: Step, names: frozenset[str]) -> Iterator[tuple[str, Node, Node]]:
    """Yield those of the variables that a step sets; a job's and a workflow's come with the first step below them."""
    for scope in _scopes(step):
        for name, key, value in scope.pairs():
            if name in names:
                yield name, key, value


def _scopes(step: Step) -> Iterator[Mapping]:
    if step.env is not None:
        yield step.env
    job = step.job
    if job is None or not _is_first(step):
        return
    if job.env is not None:
        yield job.env
    top = job.workflow.env
    if top is not None and next((each for each in job.workflow.all_jobs if each.steps), None) is job:
        yield top


def _is_first(step: Step) -> bool:
    owner = step.job or step.action
    return owner is not None and bool(owner.steps) and owner.steps[0] is step


def _is_on(value: Node) -> bool:
    return (text(value) or "").strip().lower() in _TRUE


@rule("actions/app-token-scoped", severity="medium", equivalents=["zizmor:github-app"], cwe=[272], precision="high")
def app_token_scoped(step: Step) -> Verdicts:
    """The token of a GitHub App is limited to repositories and permissions, and revoked after the job.

    Without `permission-…` inputs the token may do all that the app may. With an `owner` and no `repositories` it
    reaches every repository that the app is installed in. `skip-token-revoke` leaves it valid for an hour after the
    job ended.

    Missing permissions are of low severity, since an app may be made for one purpose.

    Fix: list the `repositories`, and each permission that is needed as `permission-<name>: <level>`.

    Passes:
        on: push
        permissions: {}
        jobs:
          bump:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/create-github-app-token@v2
                with:
                  app-id: ${{ vars.APP_ID }}
                  private-key: ${{ secrets.APP_KEY }}
                  owner: octo-org
                  repositories: website
                  permission-contents: write

    Fails:
        on: push
        permissions: {}
        jobs:
          bump:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/create-github-app-token@v2
                with:
                  app-id: ${{ vars.APP_ID }}
                  private-key: ${{ secrets.APP_KEY }}
                  owner: octo-org
                  permission-contents: write
    """
    if step.uses is None or step.uses.action != "actions/create-github-app-token":
        return
    given = {name.lower(): value for name, _, value in step.with_.pairs()} if step.with_ is not None else {}
    scopes = [name.removeprefix("permission-") for name in given if name.startswith("permission-")]
    failed = False
    revoke, owner = step.input("skip-token-revoke"), step.input("owner")
    if revoke is not None and revoke.value.strip().lower() not in ("", "false"):
        failed = True
        yield fail(revoke, f"the token of {step.label} stays valid after the job; remove 'skip-token-revoke'")
    of_organisation = bool(scopes) and all(_is_of_organisation(scope) for scope in scopes)
    if owner is not None and "repositories" not in given and not of_organisation:
        failed = True
        yield fail(owner, f"the token of {step.label} reaches every repository of the owner; list 'repositories'")
    if not scopes:
        failed = True
        message = f"the token of {step.label} may do all that the app may; list what is needed as 'permission-…'"
        yield fail(step.uses, message, severity="low")
    if not failed:
        yield passed(step.uses, f"the token of {step.label} is limited")


def _is_of_organisation(scope: str) -> bool:
    """Whether a permission concerns an organisation, and no repository of it."""
    return scope == "members" or scope.startswith(("organization-", "team-"))
