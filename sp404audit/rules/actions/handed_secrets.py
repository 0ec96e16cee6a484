"""No more secrets are handed on than are used."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.github import expression
from sp404audit.documents.github.expression_tree import ANY
from sp404audit.documents.github.workflow import Job, Workflow
from sp404audit.documents.yaml_tree import Mapping, Scalar, mapping, scalars, text
from sp404audit.rules.registry import Verdicts, fail, passed, rule, unproven

__all__ = ["no_hardcoded_credentials", "no_secrets_inherit", "no_whole_secrets_context"]

_WHOLE = ("secrets",)


@rule(
    "actions/no-whole-secrets-context",
    severity="high",
    equivalents=["zizmor:overprovisioned-secrets", "poutine:job_all_secrets"],
    cwe=[272, 522],
    precision="very-high",
)
def no_whole_secrets_context(workflow: Workflow) -> Verdicts:
    """Steps get the secrets that they name, never all of them.

    `toJSON(secrets)`, and an index that only the run decides on (`secrets[inputs.name]`), make GitHub send every
    secret of the repository and the organisation to the runner. Whoever takes over one step has them all.

    Where the index is made of values of a matrix that stands in the file, the failure is of medium severity.

    Fix: name each secret, `secrets.DEPLOY_KEY`, in the `env:` of the step that uses it.

    Passes:
        on: push
        permissions: {}
        jobs:
          deploy:
            runs-on: ubuntu-24.04
            steps:
              - run: ./deploy
                env:
                  DEPLOY_KEY: ${{ secrets['DEPLOY_KEY'] }}

    Fails:
        on: push
        permissions: {}
        jobs:
          deploy:
            runs-on: ubuntu-24.04
            steps:
              - run: ./deploy
                env:
                  ALL: ${{ toJSON(secrets) }}

    Fails (the run decides which):
        on: workflow_dispatch
        permissions: {}
        jobs:
          deploy:
            runs-on: ubuntu-24.04
            steps:
              - run: ./deploy
                env:
                  KEY: ${{ secrets[format('KEY_{0}', github.ref_name)] }}
    """
    if workflow.root is None or "secrets" not in workflow.source.text.lower():
        return
    failed = False
    for scalar in scalars(workflow.root):
        if "${{" not in scalar.value or "secrets" not in scalar.value.lower():
            continue
        for embedded in expression.find(scalar.value):
            found = _broad(embedded.tree) if embedded.tree is not None else None
            if found is None:
                continue
            failed = True
            what, severity = found
            where = scalar.excerpt(workflow.source).region(embedded.start, embedded.end)
            yield fail(where, f"{what}, so that every secret is sent to the runner; name each one", severity=severity)
    if not failed:
        yield passed(workflow, "every secret that is used is named")


def _broad(tree: expression.Node) -> tuple[str, str] | None:
    """Return what an expression does with more than one secret, and how grave it is; None when it does not."""
    if any(flow.whole and flow.path == _WHOLE for flow in expression.flows(tree)):
        return "the whole 'secrets' context is handed over", "high"
    for context in expression.references(tree):
        if context.path[:2] != ("secrets", ANY):
            continue
        deciding = [part for index in context.indexes for part in expression.references(index)]
        bounded = bool(deciding) and all(part.path[0] == "matrix" for part in deciding)
        return "an index that the run decides on picks a secret", "medium" if bounded else "high"
    return None


@rule(
    "actions/no-secrets-inherit",
    severity="medium",
    equivalents=[
        "zizmor:secrets-inherit",
        "kics:Secrets Inherit In Reusable Workflow",
        "ghalint:deny_inherit_secrets",
    ],
    cwe=[272],
    precision="very-high",
)
def no_secrets_inherit(job: Job) -> Verdicts:
    """A reusable workflow gets the secrets that it needs by name.

    `secrets: inherit` hands every secret of the repository and the organisation to the called workflow, and to each
    action that it uses, now and after its next change. For a workflow of the same repository it is of low severity.

    Secrets of a deployment environment are the exception: the called workflow only gets them with `inherit`, when its
    own job names the environment.

    Fix: list the secrets: `secrets:` with one line for each.

    Passes:
        on: push
        permissions: {}
        jobs:
          deploy:
            uses: octo-org/ci/.github/workflows/deploy.yml@8f4b7f84864484a7bf31766abe9204da3cbe65b3
            secrets:
              token: ${{ secrets.DEPLOY_TOKEN }}

    Fails:
        on: push
        permissions: {}
        jobs:
          deploy:
            uses: octo-org/ci/.github/workflows/deploy.yml@8f4b7f84864484a7bf31766abe9204da3cbe65b3
            secrets: inherit
    """
    if job.uses is None or job.secrets is None:
        return
    if (text(job.secrets) or "").strip() == "inherit":
        local = job.uses.kind == "local"
        message = f"{job.label} hands every secret to '{job.uses.text[:120]}'; list those that it needs"
        yield fail(job.secrets, message, severity="low" if local else "medium")
    elif isinstance(job.secrets, Mapping):
        yield passed(job.secrets, f"{job.label} hands over secrets by name")


@rule(
    "actions/no-hardcoded-credentials",
    severity="high",
    equivalents=["zizmor:hardcoded-container-credentials", "actionlint:credentials", "octoscan:credentials"],
    cwe=[798],
    precision="very-high",
    points_at_secret=True,
)
def no_hardcoded_credentials(job: Job) -> Verdicts:
    """The password of an image registry is a secret, not a text in the workflow.

    Whoever can read the repository, or one of its forks and old clones, can use the password.

    Fix: revoke the password, store the new one as a secret, and write `${{ secrets.NAME }}`.

    Passes:
        on: push
        permissions: {}
        jobs:
          test:
            runs-on: ubuntu-24.04
            container:
              image: registry.example/app:1
              credentials:
                username: ci
                password: ${{ secrets.REGISTRY_PASSWORD }}
            steps:
              - run: make test

    Fails:
        on: push
        permissions: {}
        jobs:
          test:
            runs-on: ubuntu-24.04
            container:
              image: registry.example/app:1
              credentials:
                username: ci
                password: open-sesame
            steps:
              - run: make test

    Unproven:
        on: push
        permissions: {}
        jobs:
          test:
            runs-on: ubuntu-24.04
            container:
              image: registry.example/app:1
              credentials: ${{ fromJSON(vars.REGISTRY) }}
            steps:
              - run: make test
    """
    for what, container in _containers(job):
        credentials = container.get("credentials")
        if isinstance(credentials, Scalar) and "${{" in credentials.value:
            yield unproven(credentials, f"an expression makes the credentials of {what}")
        given = mapping(credentials)
        password = given.get("password") if given else None
        if not isinstance(password, Scalar) or not password.value.strip():
            continue
        if "${{" in password.value:
            yield passed(password, f"an expression gives the password of {what}")
        else:
            yield fail(password, f"the registry password of {what} stands in the workflow; use a secret")
    for step in job.steps:
        if step.uses is None or step.uses.name != "docker/login-action":
            continue
        password = step.input("password")
        if password is not None and password.value.strip() and "${{" not in password.value:
            yield fail(password, f"the registry password of {step.label} stands in the workflow; use a secret")


def _containers(job: Job) -> Iterator[tuple[str, Mapping]]:
    """Yield the containers of a job, each with what to call it."""
    if isinstance(job.container, Mapping):
        yield f"the container of {job.label}", job.container
    for name, _, service in job.services():
        if isinstance(service, Mapping):
            yield f"service '{name[:80]}'", service
