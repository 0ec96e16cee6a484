"""A deployment that fails goes back by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sp404audit.documents.github.facts import JobFact, StepFact, steps_by_job
from sp404audit.documents.hcl.evaluation import as_bool
from sp404audit.documents.kubernetes.manifest import WorkloadFact
from sp404audit.documents.model import Repository
from sp404audit.documents.shell.commands import ShellCommand
from sp404audit.documents.shell.groups import Group, groups, started_scripts
from sp404audit.documents.terraform.resources import Resource, resources
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.rules.registry import Verdict, Verdicts, fail, passed, rule, unproven

__all__ = ["rollback_on_failure"]

_WORKLOADS = ("deployment", "deploy", "deployments", "statefulset", "sts", "daemonset", "ds")
_HELM_UNDOES = ("--atomic", "--rollback-on-failure")
_TEST_CLUSTERS = regex(r"(?:^|[/_-])(?:kind|k3d|k3s|minikube|microk8s)(?:[/_.-]|$)", re.IGNORECASE)
_TEST_CLUSTER_ACTIONS = ("helm/kind-action", "medyagh/setup-minikube", "nolar/setup-k3d", "engineerd/setup-kind")
_GITOPS = frozenset({"argocd", "flux"})
_PROGRESSIVE = ("Rollout", "Canary")
"""Kinds of Argo Rollouts and Flagger: their controllers go back when the analysis fails."""


class _Rollout(NamedTuple):
    """A command that puts a new version into service."""

    command: ShellCommand
    tool: str
    what: str


@rule("deploy/rollback-on-failure", severity="high", security=False)
def rollback_on_failure(repository: Repository) -> Verdicts:
    """A rollout or smoke test that fails brings the previous version back.

    When the rollout stops half-way and nobody is watching, users meet the broken version until somebody is; and when
    the second of two services fails, the first stays new. `kubectl set image` and `kubectl rollout status` report a
    failure and leave it. Helm goes back with `--atomic`, ECS with a deployment circuit breaker, Argo Rollouts and
    Flagger by themselves.

    Fix: undo in a trap (`trap 'kubectl rollout undo deployment/app' ERR`), in a step with `if: failure()`, or give the
    tool the option that does it.

    Passes:
        --- scripts/deploy.sh
        #!/usr/bin/env bash
        set -Eeuo pipefail
        trap 'kubectl rollout undo deployment/app' ERR
        kubectl set image deployment/app "app=registry.example.com/app:$1"
        kubectl rollout status deployment/app --timeout=300s

    Passes:
        --- scripts/deploy.sh
        #!/usr/bin/env bash
        set -euo pipefail
        helm upgrade --install app charts/app --atomic --set image.tag="$1"
        --- charts/app/Chart.yaml
        apiVersion: v2
        name: app
        version: 1.0.0

    Fails:
        --- scripts/deploy.sh
        #!/usr/bin/env bash
        set -euo pipefail
        kubectl set image deployment/app "app=registry.example.com/app:$1"
        kubectl rollout status deployment/app --timeout=300s

    Unproven (the service is defined elsewhere):
        --- scripts/deploy.sh
        #!/usr/bin/env bash
        set -euo pipefail
        aws ecs update-service --cluster production --service api --force-new-deployment
    """
    for group in repository.derived(groups):
        if group.kind in ("script", "step", "recipe") and not _for_tests(repository, group):
            rollouts = [found for command in group.commands if (found := _rollout(command)) is not None]
            if rollouts and any(_changes(command) for command in group.commands):
                yield _judge(repository, group, rollouts)
    yield from _ecs_actions(repository)


def _ecs_actions(repository: Repository) -> Iterator[Verdict]:
    """Judge the steps that deploy to ECS by AWS's own action."""
    for step in repository.facts(StepFact):
        if step.action == "aws-actions/amazon-ecs-deploy-task-definition" and step.input("service"):
            name = step.input("service") or ""
            named = [each for each in repository.derived(resources) if each.type == "aws_ecs_service"]
            matching = [each for each in named if each.value("name") == name]
            if len(matching) != 1:
                yield unproven(
                    step.location, "whether the service has a circuit breaker is set outside this repository"
                )
            elif _breaks(matching[0]):
                yield passed(matching[0].location, "the service's circuit breaker goes back")
            else:
                yield fail(matching[0].location, _NO_BREAKER, related=[(step.location, "deployed here")])


_NO_BREAKER = "the ECS service has no deployment circuit breaker with rollback: failed tasks are started over and over"


def _rollout(command: ShellCommand) -> _Rollout | None:
    words = command.known[1:]
    if any(word.startswith(("--dry-run", "--local")) for word in words):
        return None
    # An alias, a function or an array may stand for kubectl; `kustomize edit set image` only writes a file.
    other = command.name in ("docker", "podman", "kustomize", "git") or "edit" in words
    waits = _follows(words, ("rollout", "status")) and any(word.startswith(_WORKLOADS) for word in words)
    if not other and (waits or _follows(words, ("set", "image"))):
        return _Rollout(command, "kubectl", "kubectl")
    if command.name == "helm" and _upgrades(words) and _own_chart(words):
        return _Rollout(command, "helm", "helm upgrade")
    if command.name == "aws" and words[:2] == ("ecs", "update-service"):
        return _Rollout(command, "ecs", "aws ecs update-service")
    if command.name == "docker" and words[:2] == ("service", "update") and any(w.startswith("--image") for w in words):
        return _Rollout(command, "swarm", "docker service update")
    return None


def _upgrades(words: tuple[str, ...]) -> bool:
    """Whether helm's words upgrade a release; the plugin `helm diff upgrade` only shows what would change."""
    return "upgrade" in words[:4] and "diff" not in words[: words.index("upgrade")]


def _changes(command: ShellCommand) -> bool:
    """Whether the command puts something new into service, and does not only wait for it."""
    verbs = ("set", "apply", "patch", "restart", "upgrade", "update-service", "update", "replace", "edit", "sync")
    return any(word in verbs for word in command.known[1:8])


def _follows(words: tuple[str, ...], pair: tuple[str, str]) -> bool:
    return any(words[at : at + 2] == pair for at in range(min(len(words) - 1, 8)))


def _own_chart(words: tuple[str, ...]) -> bool:
    """Whether the chart is one's own: a folder, or one that is given an image of its own."""
    if any(word.startswith(("./", "charts/", "helm/", "deploy/", "chart/", "k8s/")) or word == "." for word in words):
        return True
    return any("image" in word and "=" in word and not word.startswith("--") for word in words) or any(
        word.startswith("--set") and "image" in word for word in words
    )


def _for_tests(repository: Repository, group: Group) -> bool:
    """Whether the job makes the cluster that it deploys to."""
    if any(_TEST_CLUSTERS.search(command.known[0]) for command in group.commands if command.known):
        return True
    return any(step.action.startswith(_TEST_CLUSTER_ACTIONS) for step in _steps(repository, group))


def _steps(repository: Repository, group: Group) -> tuple[StepFact, ...]:
    return repository.derived(steps_by_job).get((group.path, group.owner), ()) if group.kind == "step" else ()


def _judge(repository: Repository, group: Group, rollouts: list[_Rollout]) -> Verdict:
    undo = _undo(repository, group)
    last = rollouts[-1].command
    if undo is not None:
        return passed(undo.location, "the previous version comes back when the rollout fails")
    for rollout in rollouts:
        verdict = _JUDGES[rollout.tool](repository, group, rollout)
        if verdict is not None:
            return verdict
    return passed(last.location, "the tool itself goes back when the rollout fails")


def _undo(repository: Repository, group: Group) -> ShellCommand | None:
    """Find what goes back: in the group, in a script that it starts, or in the job that starts it."""
    undone = next((command for command in group.commands if _undoes(command)), None)
    if undone is not None:
        return undone
    everything = repository.derived(groups)
    started = {path for command in group.commands for path in started_scripts(repository, command)}
    for other in everything:
        if other.kind == "script" and other.path in started:
            undone = next((command for command in other.commands if _undoes(command)), undone)
        if group.kind == "script" and other.kind == "step" and _starts(repository, other, group.path):
            undone = next((command for command in _failing_steps(repository, other) if _undoes(command)), undone)
    return undone or _undo_in_later_job(repository, group)


def _undoes(command: ShellCommand) -> bool:
    words = command.known[1:]
    if _follows(words, ("rollout", "undo")) or _follows(words, ("rollouts", "undo")):
        return True
    if command.name == "helm" and "rollback" in words[:3]:
        return True
    return command.name in ("docker", "argocd") and "rollback" in words[:3]


def _starts(repository: Repository, group: Group, path: str) -> bool:
    return any(path in started_scripts(repository, command) for command in group.commands)


def _failing_steps(repository: Repository, group: Group) -> Iterator[ShellCommand]:
    """Yield the commands of the job's steps that run after a failure."""
    lines = {step.location.region.start_line for step in _steps(repository, group) if _on_failure(step.condition)}
    return (command for command in group.commands if command.unit.line in lines)


def _on_failure(condition: str | None) -> bool:
    return condition is not None and ("failure()" in condition or "always()" in condition)


def _undo_in_later_job(repository: Repository, group: Group) -> ShellCommand | None:
    """Find a job that needs this one, runs when it fails, and goes back."""
    if group.kind != "step":
        return None
    for job in repository.facts(JobFact):
        if job.path == group.path and group.owner in job.needs and _on_failure(job.condition):
            for other in repository.derived(groups):
                if (other.kind, other.path, other.owner) == ("step", job.path, job.id):
                    return next((command for command in other.commands if _undoes(command)), None)
    return None


def _kubectl(repository: Repository, group: Group, rollout: _Rollout) -> Verdict | None:
    if any(command.name in _GITOPS for command in group.commands):
        return unproven(
            rollout.command.location, "what a GitOps controller deploys goes back by its policy or a revert"
        )
    if any(workload.kind in _PROGRESSIVE for workload in repository.facts(WorkloadFact)):
        return None
    message = (
        "a failed rollout or check leaves the new version in place: nothing here runs `kubectl rollout undo`; do so in "
        "a trap on ERR, or in a step with `if: failure()`"
    )
    return fail(rollout.command.location, message)


def _helm(repository: Repository, group: Group, rollout: _Rollout) -> Verdict | None:
    del repository, group
    if any(word.partition("=")[0] in _HELM_UNDOES and not word.endswith("=false") for word in rollout.command.known):
        return None
    if any(word.startswith(("$", "\x00")) for word in rollout.command.known[1:] if not word.strip("\x00")):
        return unproven(rollout.command.location, "options that only the run can tell may hold --atomic")
    message = "helm upgrade without --atomic: a failed release stays half deployed; add --atomic --timeout 5m"
    return fail(rollout.command.location, message)


def _ecs(repository: Repository, group: Group, rollout: _Rollout) -> Verdict | None:
    del group
    words = " ".join(rollout.command.known).replace(" ", "")
    if "deploymentCircuitBreaker" in words and "rollback=true" in words:
        return None
    service = _value(rollout.command, "--service")
    named = [each for each in repository.derived(resources) if each.type == "aws_ecs_service"]
    named = [each for each in named if service is None or each.value("name") == service]
    if len(named) != 1:
        return unproven(
            rollout.command.location, "whether the service has a circuit breaker is set outside this repository"
        )
    if _breaks(named[0]):
        return None
    return fail(named[0].location, _NO_BREAKER, related=[(rollout.command, "deployed here")])


def _breaks(service: Resource) -> bool:
    for part in service.parts("deployment_circuit_breaker"):
        if as_bool(part.value("enable")) is not False and as_bool(part.value("rollback")) is not False:
            return True
    return any(part.value("type") in ("CODE_DEPLOY", "EXTERNAL") for part in service.parts("deployment_controller"))


def _swarm(repository: Repository, group: Group, rollout: _Rollout) -> Verdict | None:
    del repository, group
    if "rollback" in (_value(rollout.command, "--update-failure-action") or ""):
        return None
    return unproven(rollout.command.location, "the service's own update settings decide, and are not in the repository")


def _value(command: ShellCommand, option: str) -> str | None:
    """Return an option's value, when it is known."""
    for at, word in enumerate(command.known):
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        if word == option and at + 1 < len(command.argv):
            return command.argv[at + 1]
    return None


_JUDGES = {"kubectl": _kubectl, "helm": _helm, "ecs": _ecs, "swarm": _swarm}
