"""Known holes in dependencies are found."""

from __future__ import annotations

from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline.activities import Activity
from sp404audit.documents.pipeline.model import (
    PULL_REQUEST,
    Pipeline,
    PipelineJob,
    Run,
    is_by_clock_or_hand,
    pipeline_of,
)
from sp404audit.documents.projects.ecosystems import Ecosystem, ecosystems_of
from sp404audit.records import NamedTuple
from sp404audit.results import Location
from sp404audit.rules import Verdict, Verdicts, fail, not_applicable, passed, rule, unproven

__all__ = ["audit_required"]

_HINTS = ("scan", "security", "audit", "vuln", "dependenc", "sca", "ci", "check", "quality", "build", "test")


class Audit(NamedTuple):
    """A run of an auditor, with what is wrong with it; `problem` is empty for one that gates."""

    job: PipelineJob
    run: Run
    activity: Activity
    problem: str


@rule(
    "deps/audit-required",
    severity="high",
    equivalents=["scorecard:Vulnerabilities"],
    cwe=[1395],
    precision="medium",
)
def audit_required(repository: Repository, *, schedule: bool = True) -> Verdicts:
    """A dependency audit runs for every ecosystem, on pull requests and by the clock, and its findings fail the build.

    A pull request must not bring a package with a published hole in; and since most holes are published long after the
    package was added, the audit has to come back without a change. An audit that cannot fail (`continue-on-error`,
    `|| true`, `trivy` without `exit-code`) informs nobody.

    `schedule` says whether the run by the clock is asked for.

    Fix: run `pip-audit`, `npm audit`, `osv-scanner` or the like in a workflow with `pull_request` and `schedule`.

    Passes:
        --- .github/workflows/audit.yml
        on:
          pull_request:
          schedule: [{cron: "0 5 * * *"}]
        jobs:
          audit:
            runs-on: ubuntu-24.04
            steps:
              - run: pip-audit -r requirements.txt
        --- requirements.txt
        flask==3.0.3

    Fails (nothing audits the packages of the front end):
        --- .github/workflows/audit.yml
        on:
          pull_request:
          schedule: [{cron: "0 5 * * *"}]
        jobs:
          audit:
            runs-on: ubuntu-24.04
            steps:
              - run: pip-audit -r requirements.txt
        --- requirements.txt
        flask==3.0.3
        --- web/package.json
        {"name": "web", "dependencies": {"express": "5.1.0"}}

    Fails (a finding fails nothing):
        --- .github/workflows/audit.yml
        on:
          pull_request:
          schedule: [{cron: "0 5 * * *"}]
        jobs:
          audit:
            runs-on: ubuntu-24.04
            steps:
              - run: npm audit || true
        --- package.json
        {"name": "web", "dependencies": {"express": "5.1.0"}}

    Fails (nothing runs it again when the code rests):
        --- .github/workflows/audit.yml
        on: pull_request
        jobs:
          audit:
            runs-on: ubuntu-24.04
            steps:
              - uses: golang/govulncheck-action@b625fbe08f3bccbe446d94fbf87fcc875a4f50ee
        --- go.mod
        module example.org/shop

        require golang.org/x/net v0.30.0

    Unproven:
        --- .github/workflows/security.yml
        on:
          pull_request:
          schedule: [{cron: "0 5 * * *"}]
        jobs:
          security:
            uses: acme/pipelines/.github/workflows/security.yml@5a1e0d6f4c3b2a19087766554433221100ffeedd
        --- requirements.txt
        flask==3.0.3
    """
    ecosystems = repository.derived(ecosystems_of)
    if not ecosystems:
        yield not_applicable(Location(""), "the repository declares no dependencies of a package manager")
        return
    pipeline = pipeline_of(repository)
    if not pipeline.workflows:
        yield unproven(ecosystems[0].location, "no GitHub workflow is here that could audit the dependencies")
        return
    for ecosystem in ecosystems:
        yield _judged(ecosystem, pipeline, schedule)


def _judged(ecosystem: Ecosystem, pipeline: Pipeline, schedule: bool) -> Verdict:
    audits = [audit for job in pipeline for audit in _audits(job, ecosystem)]
    gating = [audit for audit in audits if not audit.problem]
    on_change = [audit for audit in gating if _is_on_change(audit)]
    by_clock = [audit for audit in gating if _is_by_clock(audit)]
    label = f"{ecosystem.label} dependencies"
    if on_change and (by_clock or not schedule):
        related = [(by_clock[0].run, "and here by the clock")] if by_clock and by_clock[0] != on_change[0] else []
        return passed(on_change[0].run, f"{on_change[0].activity.tool} audits the {label}", related=related)
    hidden = next((one for one in pipeline.opaque if any(word in one.text.lower() for word in _HINTS)), None)
    if hidden is not None:
        return unproven(hidden.location, f"whether the {label} are audited depends on {hidden.text[:100]}")
    evidence = [(ecosystem.location, "dependencies")]
    if on_change:
        message = f"the {label} are audited on changes only: add a schedule, for holes that are published later"
        return fail(on_change[0].run, message, related=evidence, severity="medium")
    if by_clock:
        message = f"the {label} are audited by the clock only: run the audit on pull requests too"
        return fail(by_clock[0].run, message, related=evidence)
    configured = next((audit for audit in audits if audit.activity.fails is None and not audit.run.swallowed), None)
    if configured is not None:
        why = f"whether {configured.activity.tool} fails the build on a hole is set in its configuration"
        return unproven(configured.run, why)
    if audits:
        audit = audits[0]
        problem = (
            f"fails nothing: {audit.problem}" if audit.problem else "runs neither on pull requests nor by the clock"
        )
        return fail(audit.run, f"the audit of the {label} ({audit.run.text}) {problem}", related=evidence)
    message = f"no job audits the {label}: run {_suggestion(ecosystem)} on pull requests and on a schedule"
    return fail(ecosystem.location, message)


def _audits(job: PipelineJob, ecosystem: Ecosystem) -> list[Audit]:
    found: list[Audit] = []
    if job.never_runs:
        return found
    for run, activity in job.activities("dependency-scan"):
        if "*" not in activity.covers and ecosystem.name not in activity.covers:
            continue
        problem = run.swallowed
        if not problem and job.is_tolerated:
            problem = "continue-on-error on the job"
        if not problem and activity.fails is None:
            problem = "its configuration decides whether it fails"
        elif not problem and not activity.fails:
            problem = f"with these options {activity.tool} ends well whatever it finds"
        found.append(Audit(job, run, activity, problem))
    return found


def _conditions(audit: Audit) -> tuple[str | None, str | None]:
    return audit.job.fact.condition, audit.run.step.condition


def _is_on_change(audit: Audit) -> bool:
    """Whether it runs on pull requests, or on pushes to every branch."""
    if any(is_by_clock_or_hand(condition) for condition in _conditions(audit)):
        return False
    for trigger in audit.job.triggers:
        if trigger.name in PULL_REQUEST:
            return True
        if trigger.name == "push" and trigger.filter("branches") is None and trigger.filter("tags") is None:
            return True
    return False


def _is_by_clock(audit: Audit) -> bool:
    """Whether it runs on a schedule. A condition that asks for another event keeps it from that."""
    if "schedule" not in audit.job.events:
        return False
    return not any(
        "github.event_name == 'pull_request'" in (condition or "") and "||" not in (condition or "")
        for condition in _conditions(audit)
    )


_SUGGESTIONS = {
    "pip": "pip-audit",
    "npm": "npm audit",
    "gomod": "govulncheck",
    "cargo": "cargo audit",
    "bundler": "bundle-audit",
    "composer": "composer audit",
    "maven": "dependency-check:check with failBuildOnCVSS",
}


def _suggestion(ecosystem: Ecosystem) -> str:
    return f"{_SUGGESTIONS[ecosystem.name]} or osv-scanner" if ecosystem.name in _SUGGESTIONS else "osv-scanner"
