"""A job that hangs is stopped."""

from __future__ import annotations

from sp404audit.documents.github.numbers import possible_numbers
from sp404audit.documents.github.workflow import Job
from sp404audit.documents.yaml_tree import Scalar
from sp404audit.results import Edit, Fix, Region
from sp404audit.rules import Verdict, Verdicts, fail, not_applicable, passed, rule, unproven

__all__ = ["timeouts"]

_GITHUBS_OWN = 360
"""Minutes after which GitHub stops a job by itself ("Workflow syntax for GitHub Actions", `timeout-minutes`)."""


@rule("ci/timeouts", severity="low", equivalents=["ghalint:job_timeout_minutes_is_required"], cwe=[400], security=False)
def timeouts(job: Job, *, maximum: int = 60) -> Verdicts:
    """Every job has a time limit of at most an hour.

    Without `timeout-minutes` a job that hangs holds its runner for six hours: it burns the budget, keeps others
    waiting, and delays the deployment that waits for it. A limit on every step does as well. A job that calls a
    reusable workflow cannot have one: the limit stands in the called workflow.

    `maximum` is the highest number of minutes that passes.

    Fix: give the job `timeout-minutes`, a few times what it usually takes.

    Passes:
        on: push
        jobs:
          test:
            runs-on: ubuntu-24.04
            timeout-minutes: 15
            steps:
              - run: make test

    Passes (every step has its own):
        on: push
        jobs:
          bench:
            runs-on: ubuntu-24.04
            steps:
              - run: make bench
                timeout-minutes: 20

    Passes (whatever the expression chooses):
        on: push
        jobs:
          test:
            strategy:
              matrix:
                include:
                  - {os: ubuntu-24.04}
                  - {os: windows-2025, minutes: 45}
            runs-on: ${{ matrix.os }}
            timeout-minutes: ${{ matrix.minutes || 20 }}
            steps:
              - run: make test

    Fails:
        on: push
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: make test

    Fails (the limit is no limit):
        on: push
        jobs:
          test:
            runs-on: ubuntu-24.04
            timeout-minutes: 600
            steps:
              - run: make test

    Unproven:
        on:
          workflow_call:
            inputs:
              minutes: {type: number, required: true}
        jobs:
          test:
            runs-on: ubuntu-24.04
            timeout-minutes: ${{ inputs.minutes }}
            steps:
              - run: make test
    """
    if not job.id:
        return
    if job.uses is not None:
        yield not_applicable(job, "calls a reusable workflow, in which the limit has to stand")
    elif job.timeout is not None:
        yield _judged(job, job.timeout, maximum)
    elif job.steps and all(step.timeout is not None for step in job.steps):
        yield from _steps_judged(job, maximum)
    else:
        message = (
            f"{job.label} has no timeout-minutes: if it hangs, it runs for {_GITHUBS_OWN // 60} hours; set a limit"
        )
        yield fail(job, message, fix=_fix(job))


def _minutes(value: Scalar, job: Job) -> float | None:
    """The most minutes that a limit allows; None where the file alone does not decide."""
    return max(possible_numbers(value, job.matrix) or (), default=None)


def _judged(job: Job, value: Scalar, maximum: int) -> Verdict:
    minutes = _minutes(value, job)
    if minutes is None:
        return _unknown(job.label, value)
    if minutes > maximum:
        return fail(value, _too_long(job.label, minutes, maximum))
    return passed(value, f"{job.label} is stopped after {minutes:g} minutes")


def _steps_judged(job: Job, maximum: int) -> Verdicts:
    """Judge a job by the limits of its steps: one that is too high is a failure, one that is computed unproven."""
    limits = [(step, step.timeout) for step in job.steps if step.timeout is not None]
    for step, value in limits:
        minutes = _minutes(value, job)
        if minutes is None or minutes > maximum:
            yield (
                _unknown(step.label, value) if minutes is None else fail(value, _too_long(step.label, minutes, maximum))
            )
            return
    yield passed(job, f"{job.label}: every step has a limit of its own")


def _too_long(label: str, minutes: float, maximum: int) -> str:
    return f"{label} may run for {minutes:g} minutes; the policy allows {maximum}"


def _unknown(label: str, value: Scalar) -> Verdict:
    shown = value.value[:60]
    if "${{" not in shown:
        return unproven(value, f"{label}: the limit '{shown}' is a text; write a number, without quotes")
    return unproven(value, f"{label}: the limit is computed ({shown})")


def _fix(job: Job) -> Fix | None:
    """A limit of half an hour in front of the job's first key; none where the job is written on one line."""
    first = next(iter(job.node.entries), None)
    if first is None or job.node.tag or job.key.region.start_line == first[0].region.start_line:
        return None
    place = first[0].region
    at = Region(place.start_line, place.start_column, place.start_line, place.start_column)
    text = "timeout-minutes: 30\n" + " " * (place.start_column - 1)
    return Fix("stop the job after 30 minutes", (Edit(job.workflow.source.path, at, text),), safe=False)
