"""Copies are kept long enough, and what says so acts where the copies live."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.compose.project import Service
from sp404audit.documents.github.facts import StepFact
from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline.automation import TemplateBucket
from sp404audit.documents.pipeline.backup_settings import BackupSetting, kept_days
from sp404audit.documents.shell.commands import ShellCommand
from sp404audit.documents.shell.groups import groups
from sp404audit.documents.terraform.storage import BucketIndex, LifecycleRule, StorageBucket, storage_buckets
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.rules.backup._jobs import Job, jobs, once, schedules_of
from sp404audit.rules.backup._pruning import local_pruning, remote_pruning
from sp404audit.rules.backup._sidecars import sidecar
from sp404audit.rules.backup._tools import Store, keeps
from sp404audit.rules.registry import Verdict, Verdicts, fail, passed, rule, unproven

__all__ = ["retention"]

_KEEPERS = frozenset({"restic", "borg", "kopia"})
_WITHIN = regex(r"(\d{1,5})([yYmwdhH])")
_WITHIN_DAYS = {"y": 365.0, "m": 30.0, "w": 7.0, "d": 1.0, "h": 1 / 24}
_LIFECYCLE_COMMANDS = ("put-bucket-lifecycle", "lifecycle set", "lifecycle-file", "ilm rule add", "setlifecycle")


class _Kept(NamedTuple):
    """For how many days copies are kept; None when that is not known. `where` says so, as in `text`."""

    days: float | None
    where: ShellCommand
    text: str


@rule("backup/retention", severity="high", security=False)
def retention(repository: Repository, *, days: int = 30) -> Verdicts:
    """Backups are kept for at least `days`, by a rule that acts where they live.

    Damage is often noticed weeks later: then the last good copy must still be there. And what is never deleted grows
    until somebody deletes by hand. A script that prunes its own folder says nothing about the copies that it has sent
    to a bucket: there, the bucket's lifecycle decides. Counted retention (`--keep-last 30`, two full backups) is worth
    what the schedule makes of it.

    Fix: declare the retention at the store: an expiration in the bucket's lifecycle, `restic forget --keep-daily`,
    `borg prune`, `repo1-retention-full`, a Velero `ttl`.

    Passes:
        --- backup.sh
        #!/usr/bin/env bash
        restic backup /srv
        restic forget --keep-daily 30 --keep-monthly 12 --prune

    Passes (the lifecycle of the bucket):
        --- backup.sh
        #!/usr/bin/env bash
        pg_dump --file=/tmp/orders.sql orders
        aws s3 cp /tmp/orders.sql s3://acme-orders-backups/daily/orders.sql
        --- infra/main.tf
        resource "aws_s3_bucket" "backups" {
          bucket = "acme-orders-backups"
        }
        resource "aws_s3_bucket_lifecycle_configuration" "backups" {
          bucket = aws_s3_bucket.backups.id
          rule {
            id     = "expire"
            status = "Enabled"
            filter {}
            expiration {
              days = 60
            }
          }
        }

    Fails (only the local folder is pruned, the copies live in the bucket):
        --- backup.sh
        #!/usr/bin/env bash
        pg_dump --file="/backups/orders-$(date +%F).sql" orders
        aws s3 cp "/backups/orders-$(date +%F).sql" s3://acme-orders-backups/
        find /backups -name 'orders-*.sql' -mtime +30 -delete

    Fails:
        --- backup.sh
        #!/usr/bin/env bash
        restic backup /srv
        restic forget --keep-daily 7 --prune

    Fails (days=90):
        --- velero/schedule.yaml
        apiVersion: velero.io/v1
        kind: Schedule
        metadata: {name: shop}
        spec:
          schedule: 0 */6 * * *
          template: {ttl: 720h}

    Unproven (nothing in the repository says anything about the bucket):
        --- backup.sh
        #!/usr/bin/env bash
        pg_dump --file=/tmp/orders.sql orders
        aws s3 cp /tmp/orders.sql s3://acme-orders-backups/daily/orders.sql
    """
    for job in repository.derived(jobs):
        yield from _job(repository, job, days)
    yield from _settings(repository, days)
    for service in Service.in_repository(repository):
        found = sidecar(service)
        if found is not None:
            yield _enough(found.days, days, found.location, found.text)


def _enough(kept: float | None, days: int, where: object, text: str) -> Verdict:
    place = where if not isinstance(where, ShellCommand) else where.location
    if kept is None:
        return unproven(place, f"{text}: how many days that is cannot be told")  # type: ignore[arg-type]
    if kept + 1e-6 >= days:
        return passed(place, f"{text}: kept for {kept:g} days")  # type: ignore[arg-type]
    return fail(place, f"{text} keeps copies for {kept:g} days; keep them for at least {days}")  # type: ignore[arg-type]


def _job(repository: Repository, job: Job, days: int) -> Iterator[Verdict]:
    tools = {maker.name for maker in job.makers}
    kept_by_tool = tools & (_KEEPERS | {"borgmatic", "pgbackrest", "velero", "duplicity", "wal-g", "barman", "tarsnap"})
    for tool in sorted(tools & _KEEPERS, key=str):
        yield _keeper(repository, job, str(tool), days)
    if kept_by_tool:
        return
    stores = {(store.kind, store.bucket, store.prefix): store for store in job.stores}
    yield from once(_store(repository, job, store, days) for store in stores.values())
    if not stores:
        artifact = _artifact(repository, job)
        yield _local(job, days) if artifact is None else _artifact_kept(artifact, days)


def _keeper(repository: Repository, job: Job, tool: str, days: int) -> Verdict:
    """Judge a tool that keeps a repository of copies, by its own command to forget."""
    own = [command for command in job.group.commands if command.name == tool and keeps(command)]
    if own:
        kept = _shortest(own, job.hours, days)
    else:
        forgetting = repository.derived(_forgetting)
        others = forgetting.commands.get(tool)
        if not others:
            text = f"nothing in the repository prunes what {tool} keeps; is it pruned at the store?"
            return unproven(job.location, text)
        key = (tool, job.hours, days)
        if key not in forgetting.shortest:
            forgetting.shortest[key] = _shortest(others, job.hours, days)
        kept = forgetting.shortest[key]
    return _enough(kept.days, days, kept.where, kept.text)


class _Forgetting(NamedTuple):
    """The commands that prune what a tool keeps, by the tool; and what they leave, for each interval once."""

    commands: dict[str, list[ShellCommand]]
    shortest: dict[tuple[str, float | None, int], _Kept]


def _forgetting(repository: Repository) -> _Forgetting:
    found: dict[str, list[ShellCommand]] = {}
    for group in repository.derived(groups):
        for command in group.commands:
            if command.name in _KEEPERS and keeps(command):
                found.setdefault(command.name, []).append(command)
    return _Forgetting(found, {})


def _shortest(pruning: list[ShellCommand], hours: float | None, days: int) -> _Kept:
    """Return what decides how long copies are kept: the shortest known when it is too short, else any unknown."""
    judged = [_kept_by(command, hours) for command in pruning]
    shortest = min(judged, key=lambda one: (one.days is not None, one.days or 0))
    known = [one for one in judged if one.days is not None]
    if known and min(one.days or 0 for one in known) < days:
        shortest = min(known, key=lambda one: one.days or 0)
    return shortest


def _kept_by(command: ShellCommand, hours: float | None) -> _Kept:
    """Return how far back `--keep-…` options reach, taken together."""
    known: list[float] = []
    unsure = False
    options = keeps(command) or {}
    for period, value in options.items():
        found = _reach(period, value, hours)
        if found is None:
            unsure = unsure or period != "tag"
        else:
            known.append(found)
    text = f"{command.name} " + " ".join(f"--keep-{period} {value}" for period, value in options.items() if period)
    text = text.replace("\x00", "…")
    best = max(known, default=0.0)
    return _Kept(None if unsure and best < 3650 else best, command, text[:120])


def _reach(period: str, value: str, hours: float | None) -> float | None:
    if period.startswith("within"):
        parts = _WITHIN.findall(value)
        return sum(int(number) * _WITHIN_DAYS[unit.lower()] for number, unit in parts) if parts else None
    if value in ("unlimited", "-1"):
        return 36_500.0
    if not value.isdecimal() or len(value) > 6:
        return None
    if period in ("last", "", "latest"):
        return None if hours is None else int(value) * hours / 24
    return kept_days("yearly" if period == "annual" else period, int(value))


# -- stores -----------------------------------------------------------------------------------------------------------


def _store(repository: Repository, job: Job, store: Store, days: int) -> Verdict:
    """Judge a place that copies are sent to."""
    pruned = remote_pruning(repository, job, store)
    buckets = repository.derived(_buckets_by_kind).get(store.kind) or BucketIndex(())
    matching, maybe = buckets.named(store.bucket)
    if matching:
        verdict = _lifecycle(matching[0], store, days)
        if verdict.kind != "fail" or pruned is None or matching[0].lifecycle:
            return verdict
    if pruned is not None:
        return _enough(pruned.days, days, pruned.command, pruned.text)
    templates = repository.derived(_templates) if store.kind == "s3" else {}
    if store.bucket in templates:
        return _template(templates[store.bucket], store, days)
    if "" in templates:
        return unproven(store.command.location, f"a CloudFormation bucket with a computed name may be {store.label}")
    if store.bucket == "*" or (maybe and not matching):
        return unproven(
            store.command.location, f"which bucket {store.label} is, and what its lifecycle says, is not known"
        )
    if repository.derived(_set_by_command):
        return unproven(store.command.location, f"a command sets a lifecycle, perhaps that of {store.label}")
    local = local_pruning(job)
    if local is not None:
        message = (
            f"copies live in {store.label}, where nothing in the repository expires or keeps them; the pruning here "
            "acts on local files only. Declare the retention at the store"
        )
        return fail(store.command.location, message, related=[(local.command.location, "prunes local files")])
    if buckets or (matching and not matching[0].lifecycle):
        message = f"{store.label} has no lifecycle in this repository's Terraform: declare for how long copies are kept"
        return fail(store.command.location, message)
    return unproven(
        store.command.location, f"nothing in the repository says for how long copies are kept in {store.label}"
    )


def _buckets_by_kind(repository: Repository) -> dict[str, BucketIndex]:
    """Index the buckets of Terraform by the kind of store that they are."""
    found: dict[str, list[StorageBucket]] = {}
    for bucket in repository.derived(storage_buckets):
        found.setdefault({"aws": "s3", "google": "gcs"}.get(bucket.provider, bucket.provider), []).append(bucket)
    return {kind: BucketIndex(buckets) for kind, buckets in found.items()}


def _templates(repository: Repository) -> dict[str, TemplateBucket]:
    """Index the buckets of CloudFormation by name, which is empty where it is computed: the first of each."""
    found: dict[str, TemplateBucket] = {}
    for template in repository.facts(TemplateBucket):
        found.setdefault(template.name, template)
    return found


def _set_by_command(repository: Repository) -> bool:
    return any(
        phrase in " ".join(command.known)
        for group in repository.derived(groups)
        for command in group.commands
        if command.name in ("aws", "gsutil", "gcloud", "mc", "s3cmd", "b2", "az")
        for phrase in _LIFECYCLE_COMMANDS
    )


def _lifecycle(bucket: StorageBucket, store: Store, days: int) -> Verdict:
    """Judge a bucket by the rules of its lifecycle that reach what is stored."""
    if isinstance(bucket.lock_days, int) and bucket.lock_days >= days and bucket.object_lock.state:
        return passed(bucket.object_lock.location, f"object lock keeps copies for {bucket.lock_days} days")
    reaching = [(each, _reaches(each, store)) for each in bucket.lifecycle if each.is_enabled is not False]
    certain = [each for each, reaches in reaching if reaches and each.is_enabled]
    expiring = [each for each in certain if isinstance(each.expires_after, int)]
    if expiring:
        shortest = min(expiring, key=lambda each: each.expires_after)  # type: ignore[arg-type, return-value]
        assert isinstance(shortest.expires_after, int)
        place = shortest.expiry or shortest.location
        return _enough(shortest.expires_after, days, place, f"the lifecycle of {bucket.pattern}")
    unsure = any(reaches is None or each.is_enabled is None for each, reaches in reaching)
    if unsure or any(each.expires_after is not None for each in certain) or not bucket.lifecycle_known:
        return unproven(bucket.location, f"when the lifecycle of {bucket.pattern} expires these copies is not known")
    message = f"the bucket {bucket.pattern} has no rule that expires backups: declare for how long they are kept"
    return fail(bucket.location, message, related=[(store.command.location, "copies are sent there")])


def _template(bucket: TemplateBucket, store: Store, days: int) -> Verdict:
    """Judge a bucket of CloudFormation."""
    reaching = [(age, where) for age, prefix, where in bucket.expires if store.prefix.startswith(prefix)]
    if not reaching:
        message = f"the bucket {bucket.name} has no rule that expires these copies: declare for how long they are kept"
        return fail(bucket.location, message, related=[(store.command.location, "copies are sent there")])
    age, where = min(reaching)
    return _enough(age or None, days, where, f"the lifecycle of {bucket.name}")


def _reaches(each: LifecycleRule, store: Store) -> bool | None:
    """Whether a rule is about what is stored: None when its filter or the object's name leave it open."""
    if each.prefix is None:
        return None
    if store.prefix.startswith(each.prefix):
        return True
    return None if each.prefix.startswith(store.prefix) else False


def _artifact(repository: Repository, job: Job) -> StepFact | None:
    """Find the step that keeps what a job of a workflow dumps as an artifact."""
    if job.group.kind != "step":
        return None
    return repository.derived(_artifacts).get((job.group.path, job.group.owner))


def _artifacts(repository: Repository) -> dict[tuple[str, str], StepFact]:
    """The first step of each job that keeps an artifact."""
    found: dict[tuple[str, str], StepFact] = {}
    for step in repository.facts(StepFact):
        if step.action == "actions/upload-artifact":
            found.setdefault((step.path, step.job), step)
    return found


def _artifact_kept(step: StepFact, days: int) -> Verdict:
    written = step.input("retention-days")
    if written is None or written == "0":
        return unproven(
            step.location, "the artifact is kept as long as the repository's settings say, 90 days by default"
        )
    number = int(written) if written.isdecimal() and len(written) < 6 else None
    return _enough(number, days, step.location, f"the artifact with retention-days: {written}")


def _local(job: Job, days: int) -> Verdict:
    pruned = local_pruning(job)
    if pruned is None:
        return unproven(job.location, "copies stay where they are made, and nothing in the repository prunes them")
    return _enough(pruned.days, days, pruned.command, pruned.text)


# -- configurations ---------------------------------------------------------------------------------------------------


def _settings(repository: Repository, days: int) -> Iterator[Verdict]:
    for setting in repository.facts(BackupSetting):
        if setting.encrypted is not None:
            continue
        kept = setting.days
        if kept is None and setting.copies is not None:
            hours = repository.derived(_full_interval)
            kept = None if hours is None else setting.copies * hours / 24
        yield _enough(kept, days, setting.location, setting.text)


def _full_interval(repository: Repository) -> float | None:
    """Return the hours between two full backups of pgBackRest, by the schedules that start one."""
    found = []
    for group in repository.derived(groups):
        full = any(command.name == "pgbackrest" and "--type=full" in command.known for command in group.commands)
        if full:
            found += [one.hours for one in schedules_of(repository, group) if one.hours is not None]
    return min(found, default=None)
