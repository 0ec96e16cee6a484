"""Backups run by themselves, and a dump that fails is seen to fail."""

from __future__ import annotations

from itertools import pairwise

from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline.schedules import Schedule
from sp404audit.documents.shell.commands import ShellCommand
from sp404audit.documents.shell.groups import Group
from sp404audit.results import Location
from sp404audit.rules.backup._jobs import Job, Run, jobs, pipeline_peers
from sp404audit.rules.backup._tools import is_dump
from sp404audit.rules.registry import Verdict, Verdicts, fail, not_applicable, passed, rule, unproven

__all__ = ["pipeline_status", "scheduled"]

_CHANGES = {"alembic": "upgrade", "helm": "upgrade", "kubectl": "set", "liquibase": "update"}
"""The first two words of commands that change a database or a system that is running."""


@rule("backup/pipeline-status", severity="high", equivalents=["shellcheck:SC2312"], cwe=[252], security=False)
def pipeline_status(repository: Repository) -> Verdicts:
    """A dump in a pipeline cannot hide its failure.

    The status of `pg_dump … | gzip > file` is that of gzip: when the dump breaks off, the script goes on, uploads a
    truncated file under today's name, and in time deletes the last good copy. GitHub's default shell for `run:` has no
    `pipefail` either; it has with `shell: bash`.

    Fix: `set -o pipefail` before the pipeline, look at PIPESTATUS after it, or write the dump to a file first. In `sh`,
    only the last is sure to work.

    Passes:
        --- scripts/backup.sh
        #!/usr/bin/env bash
        set -euo pipefail
        pg_dump orders | gzip > /backups/orders.sql.gz

    Passes (in two steps):
        --- scripts/backup.sh
        #!/bin/sh
        set -eu
        pg_dump --file=/backups/orders.sql orders
        gzip /backups/orders.sql

    Fails:
        --- scripts/backup.sh
        #!/usr/bin/env bash
        set -eu
        pg_dump orders | gzip > /backups/orders.sql.gz

    Fails (GitHub's default shell):
        --- .github/workflows/backup.yml
        on: {schedule: [{cron: "0 3 * * *"}]}
        jobs:
          dump:
            runs-on: ubuntu-24.04
            steps:
              - run: pg_dump orders | gzip > orders.sql.gz
    """
    for job in repository.derived(jobs):
        for command in job.makers:
            if is_dump(command):
                yield _status(job.group, command)


def _status(group: Group, command: ShellCommand) -> Verdict:
    peers = pipeline_peers(group, command)
    pipeline = command.pipeline
    if pipeline is None or pipeline.position == pipeline.size - 1:
        return passed(command.location, f"{command.name} is not followed by a pipe: its status counts")
    # `docker exec db pg_dump | gzip` is a pipeline of the shell that starts docker, not of the container.
    outer = min(peers, key=lambda one: len(one.frames))
    if "pipefail" in outer.options:
        return passed(command.location, "pipefail is on: the pipeline fails with the dump")
    if _looks_at_status(group, command):
        return passed(command.location, "the status of each member is looked at after the pipeline")
    message = (
        f"the pipeline hides a failure of {command.name}: its status is that of its last command; `set -o pipefail` "
        "first, or dump to a file before compressing it"
    )
    return fail(command.location, message)


def _looks_at_status(group: Group, command: ShellCommand) -> bool:
    later = [other for other in group.commands if other.unit == command.unit and other.start > command.start]
    texts = [word for other in later for word in other.raw]
    texts += [value for other in later for _, value in other.assignments]
    return any("PIPESTATUS" in text or "pipestatus" in text for text in texts)


@rule("backup/scheduled", severity="high", security=False)
def scheduled(repository: Repository, *, max_hours: int = 168) -> Verdicts:
    """Backups are started by a schedule, at most `max_hours` apart.

    A backup that somebody must remember is missing on the day that it is needed. A schedule in the repository (cron, a
    systemd timer, a workflow, a CronJob, a Velero Schedule) can be reviewed; one on a host is lost with the host. How
    far apart the runs are is how much work a loss costs: set `max_hours` to your recovery point objective. A copy that
    is taken before a migration or a new version is no such backup, and is left out.

    Fix: add a schedule to the repository, for instance a workflow with `on: schedule`, or a crontab that is installed
    with the script.

    Passes:
        --- .github/workflows/backup.yml
        on: {schedule: [{cron: "0 3 * * *"}]}
        jobs:
          dump:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@v4
              - run: bash scripts/backup.sh
        --- scripts/backup.sh
        #!/usr/bin/env bash
        pg_dump --file=/backups/orders.sql orders

    Fails:
        --- scripts/backup.sh
        #!/usr/bin/env bash
        pg_dump --file=/backups/orders.sql orders

    Fails (max_hours=24):
        --- deploy/crontab
        0 3 * * 0 pg_dump --file=/backups/orders.sql orders

    Unproven (its own comment speaks of a schedule on the host):
        --- scripts/backup.sh
        #!/usr/bin/env bash
        # Started every night by cron.
        pg_dump --file=/backups/orders.sql orders
    """
    for job in repository.derived(jobs):
        if job.runs or job.manual or job.may_run or job.makers:
            yield _schedule(job, max_hours)
    for schedule in repository.facts(Schedule):
        if schedule.owner.startswith(("Schedule/", "ScheduledBackup/")):
            run = Run(schedule.location, schedule.hours)
            yield _interval(run, schedule.location, max_hours)


def _schedule(job: Job, max_hours: int) -> Verdict:
    if job.runs:
        most_often = min(job.runs, key=lambda run: (run.hours is None, run.hours or 0))
        return _interval(most_often, job.location, max_hours)
    change = _change_after(job)
    if change is not None:
        return not_applicable(job.location, f"a copy from before a change (`{change.name}`), not a backup by the clock")
    if job.manual:
        return fail(job.location, "the backup starts by hand only: give the workflow an `on: schedule`")
    if job.may_run:
        return unproven(job.location, f"no schedule in the repository starts this backup; {job.may_run}")
    message = "nothing in the repository starts this backup: add a schedule (workflow, crontab, timer or CronJob)"
    return fail(job.location, message)


def _change_after(job: Job) -> ShellCommand | None:
    """Find what the group changes once the copy is made."""
    commands = list(job.group.commands)
    after = commands.index(job.makers[0]) + 1 if job.makers and job.makers[0] in commands else len(commands)
    return next((command for command in commands[after:] if _changes_the_system(command)), None)


def _changes_the_system(command: ShellCommand) -> bool:
    """Whether a command migrates a database or rolls out a new version: what people take a copy before.

    Restarting a service does not count, since backups stop and start what they copy.
    """
    words = command.known[:5]
    if any("migrate" in word.split(":") for word in words):
        return True
    return any(_CHANGES.get(first) == second for first, second in pairwise(words))


def _interval(run: Run, backup: Location, max_hours: int) -> Verdict:
    if run.hours is not None and run.hours > max_hours * 1.01:
        message = f"runs every {_span(run.hours)}, less often than every {_span(max_hours)}"
        return fail(run.location, message, related=[(backup, "makes the backup")])
    return passed(backup, "started by a schedule", related=[(run.location, "the schedule")])


def _span(hours: float) -> str:
    return f"{hours / 24:g} days" if hours >= 48 else f"{hours:g} h"
