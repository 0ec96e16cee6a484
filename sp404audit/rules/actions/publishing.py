"""Packages are published with a credential that lives as long as the job."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.github import expression
from sp404audit.documents.github.step_shell import read_shell
from sp404audit.documents.github.steps import Step
from sp404audit.documents.github.workflow import Job
from sp404audit.documents.shell.model import Command
from sp404audit.documents.yaml_tree import Scalar, text
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.rules.registry import Verdicts, Where, fail, passed, rule

__all__ = ["trusted_publishing"]

_PUBLIC = frozenset({"npmjs", "pypi", "rubygems"})
"""The public registries with trusted publishing: the name of their domain below `org`."""
_ACTIONS = {
    "pypa/gh-action-pypi-publish": ("password", ("repository-url", "repository_url")),
    "rubygems/configure-rubygems-credentials": ("api-token", ("gem-server",)),
}
"""Actions that publish: the input with the credential, and those that name another registry."""
_PUBLISHING = frozenset(
    {("twine", "upload"), ("uv", "publish"), ("poetry", "publish"), ("hatch", "publish"), ("flit", "publish")}
    | {("npm", "publish"), ("pnpm", "publish"), ("yarn", "publish"), ("bun", "publish")}
    | {("cargo", "publish"), ("gem", "push")}
)
_RUNNERS = frozenset({"npx", "bunx", "uvx", "pipx", "run", "-m", "exec", "--", "bundle"})
_RUNNER_PAIRS = frozenset({("uv", "run"), ("poetry", "run"), ("hatch", "run")})
_PYTHON = regex(r"python[0-9.]{0,8}|py")
_ELSEWHERE = (
    "--registry",
    "--repository",
    "--repository-url",
    "-r",
    "--index",
    "--index-url",
    "--publish-url",
    "--host",
)
_REGISTRY_VARIABLES = frozenset(
    {"TWINE_REPOSITORY_URL", "TWINE_REPOSITORY", "NPM_CONFIG_REGISTRY", "UV_PUBLISH_URL", "RUBYGEMS_HOST"}
)
"""Variables that name another registry."""
_TOKENS = frozenset(
    {"TWINE_PASSWORD", "UV_PUBLISH_TOKEN", "UV_PUBLISH_PASSWORD", "NODE_AUTH_TOKEN", "NPM_TOKEN", "NPM_CONFIG_TOKEN"}
    | {"CARGO_REGISTRY_TOKEN", "GEM_HOST_API_KEY", "POETRY_PYPI_TOKEN_PYPI", "FLIT_PASSWORD", "HATCH_INDEX_AUTH"}
)


@rule(
    "actions/trusted-publishing",
    severity="medium",
    equivalents=["zizmor:use-trusted-publishing"],
    cwe=[522, 798],
    precision="medium",
)
def trusted_publishing(job: Job) -> Verdicts:
    """Packages are published by the workflow's own identity, not by a token that is stored.

    PyPI, npm, crates.io and RubyGems take the identity that GitHub gives a job (OIDC) for a credential that ends with
    it. A stored token stays valid until somebody revokes it, and publishes from wherever it is taken to.

    Other registries and trial runs are left alone.

    Fix: name the repository and the workflow as trusted publisher in the package's settings at the registry, grant the
    job `id-token: write`, and delete the token.

    Passes:
        on: push
        jobs:
          publish:
            runs-on: ubuntu-24.04
            permissions:
              id-token: write
            steps:
              - uses: pypa/gh-action-pypi-publish@release/v1

    Fails:
        on: push
        jobs:
          publish:
            runs-on: ubuntu-24.04
            steps:
              - uses: pypa/gh-action-pypi-publish@release/v1
                with:
                  password: ${{ secrets.PYPI_TOKEN }}

    Fails (a command):
        on: push
        jobs:
          publish:
            runs-on: ubuntu-24.04
            permissions:
              contents: read
            steps:
              - run: twine upload dist/*
                env:
                  TWINE_PASSWORD: ${{ secrets.PYPI_TOKEN }}

    Passes (a command):
        on: push
        jobs:
          publish:
            runs-on: ubuntu-24.04
            permissions:
              id-token: write
            steps:
              - run: npm publish
    """
    for step in job.steps:
        if step.is_never_run:
            continue
        for publication in (*_by_action(step), *_by_command(job, step)):
            if publication.credential:
                message = f"{step.label} publishes with {publication.credential}; use the registry's trusted publishing"
                yield fail(publication.where, message)
            else:
                yield passed(publication.where, f"{step.label} publishes with the identity of the job")


class _Publication(NamedTuple):
    """Something that publishes: where, and with which credential; empty for the identity of the job."""

    where: Where
    credential: str


def _by_action(step: Step) -> Iterator[_Publication]:
    if step.uses is None:
        return
    if step.uses.name == "rubygems/release-gem":
        chosen = step.input("setup-trusted-publisher")
        refused = chosen is not None and chosen.value.strip().lower() == "false"
        yield _Publication(step.uses, "a stored credential ('setup-trusted-publisher' is off)" if refused else "")
    known = _ACTIONS.get(step.uses.name)
    if known is None:
        return
    secret, places = known
    targets = [scalar.value.strip() for name in places if (scalar := step.input(name)) is not None]
    if any(target and not _is_public(target) for target in targets):
        return
    given = step.input(secret)
    stored = given is not None and bool(given.value.strip()) and "steps." not in given.value
    yield _Publication(step.uses, f"the stored credential in '{secret}'" if stored else "")


def _by_command(job: Job, step: Step) -> Iterator[_Publication]:
    if step.run is None or not ("publish" in step.run.value or "upload" in step.run.value or "push" in step.run.value):
        return
    shell = read_shell(step)
    publishing = [command for command in shell.commands if _publishes(command)] if shell is not None else []
    if not publishing or _goes_elsewhere(job, step):
        return
    stored = _stored_token(step)
    permissions = job.permissions or job.workflow.permissions
    if stored:
        credential = f"the token that '{stored}' holds"
    elif permissions is not None and permissions.level("id-token") == "write":
        credential = ""
    else:
        credential = "a stored credential (the job has no 'id-token: write')"
    for command in publishing:
        yield _Publication(command, credential)


def _publishes(command: Command) -> bool:
    """Whether a command publishes a package to the registry that its tool takes by itself."""
    words = [command.name or "", *(word.value or "" for word in command.arguments)]
    if "--dry-run" in words or any(word.partition("=")[0] in _ELSEWHERE for word in words):
        return False
    start = 0
    while start < len(words) and (words[start] in _RUNNERS or _PYTHON.fullmatch(words[start])):
        start += 1
    if tuple(words[start : start + 2]) in _RUNNER_PAIRS:
        start += 2
    tool = words[start].partition("==")[0] if start < len(words) else ""
    return (tool, *words[start + 1 : start + 2]) in _PUBLISHING


def _goes_elsewhere(job: Job, step: Step) -> bool:
    """Whether a variable, or the set-up of the tool, names another registry; GitHub's own takes the job's token."""
    for scope in step.variable_scopes():
        for name, _, value in scope.pairs():
            if name in _REGISTRY_VARIABLES and not _is_public(text(value) or ""):
                return True
            if name in _TOKENS and _is_own_token(value):
                return True
    registries = (each.input("registry-url") for each in job.steps if each.uses is not None)
    return any(given is not None and not _is_public(given.value.strip()) for given in registries)


def _is_public(address: str) -> bool:
    """Whether an address is one of the public registries', whichever of their hosts it names."""
    scheme, _, rest = address.lower().partition("://")
    domain = rest.partition("/")[0].split(".")[-2:]
    return scheme == "https" and len(domain) == 2 and domain[0] in _PUBLIC and domain[1] == "org"


def _is_own_token(value: object) -> bool:
    return isinstance(value, Scalar) and any(
        path in (("secrets", "github_token"), ("github", "token")) for path in _paths(value)
    )


def _stored_token(step: Step) -> str:
    """The name of the variable that hands a stored secret to the publishing command; empty when none does."""
    for scope in step.variable_scopes():
        for name, _, value in scope.pairs():
            if name in _TOKENS and isinstance(value, Scalar) and any(path[0] == "secrets" for path in _paths(value)):
                return name
    return ""


def _paths(value: Scalar) -> Iterator[tuple[str, ...]]:
    for embedded in expression.find(value.value) if "${{" in value.value else ():
        if embedded.tree is not None:
            yield from (context.path for context in expression.references(embedded.tree))
