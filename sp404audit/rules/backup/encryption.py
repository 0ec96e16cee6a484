"""Copies are encrypted."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.hcl.evaluation import Symbol, as_bool
from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline.automation import TemplateBucket
from sp404audit.documents.pipeline.backup_settings import BackupSetting
from sp404audit.documents.shell.commands import ShellCommand
from sp404audit.documents.shell.groups import groups
from sp404audit.documents.terraform.resources import Resource, resources
from sp404audit.documents.terraform.storage import BucketIndex, StorageBucket, storage_buckets
from sp404audit.rules.backup._jobs import Job, jobs, once
from sp404audit.rules.backup._tools import Store, encrypts
from sp404audit.rules.registry import Verdict, Verdicts, fail, passed, rule, unproven

__all__ = ["encrypted"]

_SELF_ENCRYPTING = frozenset({"restic", "kopia", "borg", "duplicity"})
_CONFIGURED = frozenset({"pgbackrest", "borgmatic", "velero", "barman", "wal-g", "tarsnap"})


@rule(
    "backup/encrypted",
    severity="high",
    equivalents=["kics:ebs_volume_snapshot_not_encrypted", "checkov:CKV_AWS_166"],
    cwe=[311],
)
def encrypted(repository: Repository) -> Verdicts:
    """Backups are encrypted before they leave, or where they are kept.

    A dump holds every row of the database without its access rules. Whoever can read the bucket, the disk or a copy of
    either has it all. Encryption on the client (age, gpg, restic, borg) protects against the store as well; a key of
    one's own at the store (`--sse aws:kms`, the bucket's encryption) protects against those who read the bucket only.
    Amazon S3 has encrypted new objects with a key of its own since January 2023: an upload that relies on that is the
    lesser failure, since whoever may read the object gets it in clear.

    Fix: encrypt in the pipeline (`| age -r …`), use a tool that does, or give the upload or the bucket a KMS key.

    Passes:
        --- backup.sh
        #!/usr/bin/env bash
        pg_dump --file=/tmp/orders.sql orders
        aws s3 cp /tmp/orders.sql s3://acme-orders-backups/orders.sql --sse aws:kms

    Passes (encrypted on the client):
        --- backup.sh
        #!/usr/bin/env bash
        set -o pipefail
        pg_dump orders | age -r age1qqqq | aws s3 cp - s3://acme-orders-backups/orders.sql.age

    Fails:
        --- backup.sh
        #!/usr/bin/env bash
        pg_dump --file=/tmp/orders.sql orders
        aws s3 cp /tmp/orders.sql s3://acme-orders-backups/orders.sql

    Fails:
        --- init.sh
        #!/usr/bin/env bash
        borg init --encryption none /mnt/backup

    Unproven (the remote is configured elsewhere):
        --- backup.sh
        #!/usr/bin/env bash
        pg_dump --file=/tmp/orders.sql orders
        rclone copy /tmp/orders.sql offsite:orders
    """
    for job in repository.derived(jobs):
        yield from _job(repository, job)
    yield from _repositories(repository)
    for setting in repository.facts(BackupSetting):
        if setting.encrypted:
            yield passed(setting.location, f"{setting.text}: copies are encrypted")
        elif setting.encrypted is False:
            message = f"{setting.text}: copies are stored in clear; set a cipher (repo1-cipher-type=aes-256-cbc)"
            yield fail(setting.location, message, severity="high" if "none" in setting.text else "medium")
    yield from _snapshots(repository)


def _job(repository: Repository, job: Job) -> Iterator[Verdict]:
    tools = {maker.name for maker in job.makers}
    if tools & _CONFIGURED:
        return
    if tools & (_SELF_ENCRYPTING - {"borg"}):
        maker = next(one for one in job.makers if one.name in _SELF_ENCRYPTING)
        off = encrypts(maker) is False
        yield (
            fail(maker.location, "--no-encryption: copies are stored in clear; leave it out")
            if off
            else passed(maker.location, f"{maker.name} encrypts what it keeps")
        )
        return
    if "borg" in tools:
        return
    client = next((one for one in job.group.commands if _client_side(one)), None)
    if client is not None:
        yield passed(client.location, f"{client.name} encrypts before the copy leaves")
        return
    stores = {(store.kind, store.bucket, store.prefix): store for store in job.stores}
    yield from once(_store(repository, store) for store in stores.values())
    if not stores:
        yield unproven(job.location, "copies stay where they are made; whether that disk is encrypted is not known")


def _client_side(command: ShellCommand) -> bool:
    return (
        command.name in ("gpg", "gpg2", "age", "rage", "openssl", "ccrypt", "7z", "zip") and encrypts(command) is True
    )


def _store(repository: Repository, store: Store) -> Verdict:
    """Judge an upload by its own options and by what the bucket does."""
    command = store.command
    if encrypts(command):
        return passed(command.location, f"the upload to {store.label} asks for encryption with a key")
    if store.kind not in ("s3", "gcs", "azure"):
        return unproven(
            command.location, f"how {store.label} keeps copies, and whether encrypted, is configured elsewhere"
        )
    certain, possible = repository.derived(_telling_buckets).named(store.bucket)
    if certain:
        return _bucket(certain[0], store)
    template = repository.derived(_encrypted_templates).get(store.bucket)
    if template is not None:
        return passed(template.location, f"{store.label} encrypts what it keeps")
    if possible:
        address = possible[-1].address
        return unproven(command.location, f"whether {store.label} is the bucket {address} cannot be told")
    if store.kind != "s3":
        return unproven(command.location, f"{store.label} encrypts by default; with whose key is not in the repository")
    message = (
        f"copies reach {store.label} with no encryption but the provider's default: encrypt them first, or give the "
        "upload `--sse aws:kms`"
    )
    return fail(command.location, message, severity="medium")


def _telling_buckets(repository: Repository) -> BucketIndex:
    """Index the buckets that say something of encryption."""
    return BucketIndex(bucket for bucket in repository.derived(storage_buckets) if bucket.encryption.is_explicit)


def _encrypted_templates(repository: Repository) -> dict[str, TemplateBucket]:
    """The first bucket of CloudFormation of each name that encrypts."""
    found: dict[str, TemplateBucket] = {}
    for template in repository.facts(TemplateBucket):
        if template.encrypted:
            found.setdefault(template.name, template)
    return found


def _bucket(bucket: StorageBucket, store: Store) -> Verdict:
    if bucket.encryption.state:
        return passed(bucket.encryption.location, f"{store.label} encrypts what it keeps")
    if bucket.encryption.state is None:
        return unproven(bucket.encryption.location, f"whether {store.label} encrypts what it keeps is not known")
    return fail(bucket.encryption.location, f"{store.label} switches encryption off")


def _repositories(repository: Repository) -> Iterator[Verdict]:
    """Judge where repositories are made: `borg init --encryption none`."""
    for group in repository.derived(groups):
        for command in group.commands:
            if command.name == "borg" and any(verb in command.known for verb in ("init", "rcreate", "repo-create")):
                state = encrypts(command)
                if state is False:
                    message = "the repository is made without encryption: use --encryption repokey-blake2 (or keyfile)"
                    yield fail(command.location, message)
                elif state:
                    yield passed(command.location, "the repository is made with encryption")


def _snapshots(repository: Repository) -> Iterator[Verdict]:
    """Judge snapshots of disks by the disk that they are made of."""
    found = repository.derived(resources)
    if any(each.type == "aws_ebs_encryption_by_default" for each in found):
        return
    volumes = {(each.context.id, each.address): each for each in found if each.type == "aws_ebs_volume"}
    for snapshot in found:
        if snapshot.type == "aws_ebs_snapshot":
            volume = snapshot.value("volume_id")
            source = volumes.get((volume.folder, volume.address)) if isinstance(volume, Symbol) else None
            if source is not None:
                yield _snapshot(snapshot, source)


def _snapshot(snapshot: Resource, volume: Resource) -> Verdict:
    state = as_bool(volume.value("encrypted", False))
    related = [(volume.location, "the disk")]
    if state is None:
        return unproven(snapshot.location, "whether the disk is encrypted is not known", related=related)
    if state:
        return passed(snapshot.location, "a snapshot of an encrypted disk is encrypted", related=related)
    return fail(
        snapshot.location,
        "the disk is not encrypted, and so its snapshot is not: set `encrypted = true`",
        related=related,
    )
