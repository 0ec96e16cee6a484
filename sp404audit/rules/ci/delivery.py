"""What goes out has passed the gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sp404audit.documents.pipeline.activities import Activity
from sp404audit.documents.pipeline.model import Opaque, PipelineJob, Run
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Location
from sp404audit.rules import Verdicts, fail, not_applicable, passed, rule, unproven

__all__ = ["deploy_needs_gates"]

_CHECKS = ("lint", "format", "typecheck")
_SCANS = ("dependency-scan", "sast", "image-scan", "secret-scan", "iac-scan")
_TESTS = ("test", "e2e")
_PREVIEW = ("preview", "staging", "review", "test", "dev", "sandbox", "pages")
_SITES = frozenset({"docs", "doc", "documentation", "site", "website", "pages"})
_TEST_WORDS = frozenset({"test", "tests", "testing", "testcases", "e2e", "integration", "perf", "benchmark", "smoke"})
_DELIVERY_WORDS = frozenset({"deploy", "publish", "release", "push", "rollout"})
_WORD = regex(r"[a-z0-9]+")
_TRIAL = regex(r"--snapshot|--dry-run|--skip[= ]publish")
_CLUSTER_TOOLS = ("kubectl", "helm", "helmfile", "skaffold")
_CLUSTERS = ("kind", "minikube", "k3d", "k3s", "helm/kind-action", "medyagh/setup-minikube", "kind-action")
"""Programs and actions that start a cluster for the job alone: what is installed there is no deployment."""


_NO_GATES = ("slsa-framework/slsa-github-generator/",)
"""Reusable workflows that are known to hold no gate."""


class Gate(NamedTuple):
    """Something that must have passed: its name, and the roles that are it."""

    name: str
    roles: tuple[str, ...]


@rule("ci/deploy-needs-gates", severity="high", precision="medium")
def deploy_needs_gates(job: PipelineJob, *, tests: bool = True, lint: bool = True, scan: bool = True) -> Verdicts:
    """What deploys or publishes waits until tests, lint and a security scan have passed.

    A deployment that does not need its gates goes out while they are red. `needs` is followed through all jobs,
    reusable workflows and `workflow_run`; gates that are earlier steps of the job itself count. `if: always()` lets a
    job start although what it needs has failed, unless its condition asks for `needs.<job>.result == 'success'`. A gate
    whose failure is thrown away (`continue-on-error`, `|| true`) is none.

    `tests`, `lint` and `scan` say which gates are asked for.

    Fix: add the jobs that test, lint and scan to the `needs` of the job that deploys.

    Passes:
        on: {push: {branches: [main]}}
        jobs:
          checks:
            runs-on: ubuntu-24.04
            steps:
              - run: ruff check .
              - run: pytest
          scan:
            runs-on: ubuntu-24.04
            steps:
              - run: pip-audit -r requirements.txt
          deploy:
            needs: [checks, scan]
            runs-on: ubuntu-24.04
            steps:
              - run: helm upgrade --install shop charts/shop

    Fails (the scan is in nobody's needs):
        on: {push: {branches: [main]}}
        jobs:
          checks:
            runs-on: ubuntu-24.04
            steps:
              - run: ruff check .
              - run: pytest
          scan:
            runs-on: ubuntu-24.04
            steps:
              - run: pip-audit -r requirements.txt
          deploy:
            needs: [checks]
            runs-on: ubuntu-24.04
            steps:
              - run: helm upgrade --install shop charts/shop

    Fails (it starts whatever became of the checks):
        on: {push: {branches: [main]}}
        jobs:
          checks:
            runs-on: ubuntu-24.04
            steps:
              - run: ruff check . && pytest && pip-audit -r requirements.txt
          deploy:
            if: always()
            needs: [checks]
            runs-on: ubuntu-24.04
            steps:
              - run: helm upgrade --install shop charts/shop

    Unproven:
        on: {push: {branches: [main]}}
        jobs:
          checks:
            uses: acme/pipelines/.github/workflows/all-checks.yml@5a1e0d6f4c3b2a19087766554433221100ffeedd
          deploy:
            needs: [checks]
            runs-on: ubuntu-24.04
            steps:
              - run: helm upgrade --install shop charts/shop
    """
    delivery = _delivery(job)
    if delivery is None:
        return
    if job.events == {"workflow_call"}:
        yield not_applicable(delivery.location, f"{job.label}: only workflows of other repositories call it")
        return
    upstream = job.pipeline.upstream(job)
    asked = (
        [Gate("tests", _TESTS)] * tests + [Gate("a linter", _CHECKS)] * lint + [Gate("a security scan", _SCANS)] * scan
    )
    missing: list[Gate] = []
    for gate in asked:
        earlier = _earlier_steps(job, delivery, gate.roles)
        if not earlier and not all(any(other.does(*gate.roles) for other in way) for way in upstream.ways):
            missing.append(gate)
    if not missing:
        yield passed(delivery.location, f"{job.label} {delivery.verb} after tests, lint and scan have passed")
        return
    hidden = _hidden(job, upstream.ways)
    *most, last = [gate.name for gate in missing]
    names = f"{', '.join(most)} and {last}" if most else last
    if hidden is not None:
        yield unproven(
            hidden.location, f"whether {names} ran before {job.label} {delivery.verb} depends on {hidden.text[:80]}"
        )
        return
    elsewhere = [other for gate in missing for other in job.pipeline.doing(*gate.roles)]
    message = f"{job.label} {delivery.verb} ({delivery.text}) without waiting for {names}"
    if upstream.broken:
        message += f": with {upstream.broken} it starts although what it needs has failed"
    related = [(other.location, "a gate that it does not wait for") for other in dict.fromkeys(elsewhere)]
    yield fail(job.location, f"{message}; add what is missing to its needs", related=related[:5])


class Delivery(NamedTuple):
    """What makes a job a deployment: the run, the verb for messages, and what is run."""

    run: Run | None
    job: PipelineJob
    verb: str
    text: str

    @property
    def location(self) -> Location:
        """Where it stands."""
        return self.run.location if self.run is not None else self.job.location


def _delivery(job: PipelineJob) -> Delivery | None:
    """What the job deploys or publishes for good; None for any other job."""
    if job.never_runs or not job.events or job.events <= {"pull_request"}:
        return None
    for run, activity in job.activities("deploy", "publish", "image-push"):
        if _is_for_good(job, run, activity):
            return Delivery(run, job, "publishes" if activity.role != "deploy" else "deploys", run.text)
    if _is_preview(job.fact.environment) or not _is_named_deployment(job):
        return None
    if job.fact.uses and job.opaque and not job.runs:
        return Delivery(None, job, "deploys", job.fact.uses[:60])
    if job.fact.environment and job.fact.uses is None:
        return Delivery(None, job, "deploys", f"environment {job.fact.environment[:40]}")
    return None


def _is_for_good(job: PipelineJob, run: Run, activity: Activity) -> bool:
    """Whether users get what the run delivers, and it isn't only there to be looked at or tested."""
    if any(_TRIAL.search(run.input(name) or "") for name in ("args", "command")):
        return False
    if activity.role == "publish":
        return not _is_preview(job.fact.environment)
    if _is_test(job):
        return False
    if activity.role == "image-push":
        return not _is_local_push(run) and not _is_tested_later(job)
    if activity.tool in _CLUSTER_TOOLS and any(_starts_cluster(other) for other in job.runs):
        return False
    by_name_only = run.call is not None
    aside = by_name_only and not _SITES.isdisjoint(_words(job.fact.path.rpartition("/")[2], job.fact.id))
    return not aside and not _is_preview(activity.tool) and not _is_preview(job.fact.environment)


def _words(*texts: str) -> set[str]:
    return set(_WORD.findall(" ".join(texts).lower()))


def _is_test(job: PipelineJob) -> bool:
    """Whether the job's name, or its file's, says that what it sets up is for a test."""
    own = _words(job.fact.id, job.fact.name)
    if own & _TEST_WORDS:
        return not own & _DELIVERY_WORDS
    return bool(_words(job.fact.path.rpartition("/")[2]) & {"e2e", "integration", "perf"})


def _starts_cluster(run: Run) -> bool:
    return any(line and line[0] in _CLUSTERS for line in run.lines)


def _is_local_push(run: Run) -> bool:
    """Whether the image goes to a registry that the job itself runs."""
    return "localhost" in (run.input("tags") or "") or run.input("push") == "false"


def _is_tested_later(job: PipelineJob) -> bool:
    """Whether the image is only handed on: a job that needs this one tests or scans it."""
    return any(later.does(*_TESTS, *_SCANS) for later in job.pipeline.downstream(job))


def _is_preview(environment: str | None) -> bool:
    """Whether the environment's name says that no user sees it."""
    name = (environment or "").lower()
    return any(word in name for word in _PREVIEW) and "prod" not in name


def _is_named_deployment(job: PipelineJob) -> bool:
    name = f"{job.fact.id} {job.fact.name}".lower()
    is_named = any(word in name for word in ("deploy", "publish", "rollout"))
    return is_named and not _is_preview(name) and _SITES.isdisjoint(_words(name, job.fact.environment or ""))


def _earlier_steps(job: PipelineJob, delivery: Delivery, roles: Iterable[str]) -> bool:
    """Whether a step before the one that delivers is the gate; a step that runs `always()` waits for none."""
    run = delivery.run
    if run is None or "always()" in (run.step.condition or "") or "failure()" in (run.step.condition or ""):
        return False
    place = job.runs.index(run)
    before: Iterator[tuple[Run, Activity]] = job.activities(*roles)
    return any(not other.swallowed and job.runs.index(other) < place for other, _ in before)


def _hidden(job: PipelineJob, ways: Iterable[Iterable[PipelineJob]]) -> Opaque | None:
    """A workflow of another repository among what must have passed."""
    for way in ways:
        for other in way:
            found = [one for one in other.opaque if not one.text.startswith(_NO_GATES)]
            if found and not any(run.activities for run in other.runs):
                return found[0]
    return job.opaque[0] if job.opaque else None
