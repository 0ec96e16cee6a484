"""What Kubernetes objects run, when, and what backup operators are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.documents import yaml_tree
from sp404audit.documents.pipeline.backup_settings import BackupSetting
from sp404audit.documents.pipeline.schedules import Schedule, cron_hours, hours_of
from sp404audit.documents.projects.facts import LineExcerpt
from sp404audit.documents.shell import commands as shell
from sp404audit.documents.yaml_tree import Mapping, Scalar
from sp404audit.results import Location

if TYPE_CHECKING:
    from sp404audit.documents.kubernetes.manifest import Manifest
    from sp404audit.documents.model import Fact
    from sp404audit.documents.source import Problem, Source

__all__ = ["image_program", "job_facts"]

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_IMAGE_PROGRAMS = {
    "restic/restic": "restic", "rclone/rclone": "rclone", "kopia/kopia": "kopia", "minio/mc": "mc",
    "amazon/aws-cli": "aws", "velero/velero": "velero", "pgbackrest/pgbackrest": "pgbackrest",
}  # fmt: skip
"""Images by what their ENTRYPOINT is, from their Dockerfiles, as of 2025-11."""
VELERO_DEFAULT_TTL = "720h"


def job_facts(manifest: Manifest, source: Source, problems: list[Problem]) -> Iterator[Fact]:
    """Yield the commands of an object's containers, its schedule, and what it says about backups."""
    owner = f"{manifest.kind}/{manifest.metadata('name')}"
    pod = manifest.pod
    if pod is not None:
        for key in ("initContainers", "containers"):
            for item in yaml_tree.sequence(pod.get(key)):
                if isinstance(item, Mapping):
                    yield from _commands(item, source, owner, problems)
    expression = manifest.at("spec", "schedule")
    if isinstance(expression, Scalar) and manifest.kind in ("CronJob", "ScheduledBackup", "Schedule", "ScheduledJob"):
        place = Location(manifest.path, expression.region)
        yield Schedule(place, expression.value, cron_hours(expression.value), "command", manifest.path, owner)
    if manifest.api.startswith("velero.io/") and manifest.kind in ("Schedule", "Backup"):
        yield _velero(manifest)
    if manifest.api.startswith("postgresql.cnpg.io/") and manifest.kind == "Cluster":
        yield from _cnpg(manifest)


def _commands(container: Mapping, source: Source, owner: str, problems: list[Problem]) -> Iterator[Fact]:
    """Read the command of a container: the text for its shell where it starts one, else the words themselves."""
    given = yaml_tree.strings(container.get("command"))
    words = [*given, *yaml_tree.strings(container.get("args"))]
    if not words:
        return
    image = image_program(yaml_tree.text(container.get("image")) or "")
    line = container.region.start_line
    unit = shell.Unit("command", source.path, line, owner, yaml_tree.text(container.get("name")) or "", None)
    program = words[0].value.rpartition("/")[2]
    flags = [word.value for word in words[1:-1] if word.value[:1] in "-+"]
    if program in _SHELLS and any("c" in flag for flag in flags if flag[:1] == "-"):
        letters = "".join(flag[1:] for flag in flags if flag[:1] == "-" and not flag.startswith("--"))
        options = [name for letter, name in (("e", "errexit"), ("u", "nounset")) if letter in letters]
        options += ["pipefail"] if any(word.value == "pipefail" for word in words) else []
        read = shell.parse(words[-1].excerpt(source), interpreter=program, options=options)
    else:
        first = [image] if image and not given else []
        text = " ".join([*first, *(_quoted(word.value) for word in words[:64])])
        read = shell.parse(LineExcerpt([(text.replace("\n", " "), words[0].region)]))
    problems += read.problems
    yield from shell.command_facts(read, source.path, unit)


def image_program(image: str) -> str:
    """Return the program that an image starts by itself, so that its arguments are those of the program."""
    name = image.partition("@")[0].rpartition("/")
    folder = name[0].rpartition("/")[2]
    return _IMAGE_PROGRAMS.get(f"{folder}/{name[2].partition(':')[0]}", "")


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _velero(manifest: Manifest) -> BackupSetting:
    path = ("spec", "template", "ttl") if manifest.kind == "Schedule" else ("spec", "ttl")
    node = manifest.at(*path)
    text = yaml_tree.text(node) or VELERO_DEFAULT_TTL
    place = Location(manifest.path, node.region) if node is not None else manifest.location
    hours = hours_of(text)
    return BackupSetting(place, "velero", None if hours is None else hours / 24, None, None, f"ttl: {text}")


def _cnpg(manifest: Manifest) -> Iterator[BackupSetting]:
    policy = manifest.at("spec", "backup", "retentionPolicy")
    if isinstance(policy, Scalar):
        hours = hours_of(policy.value)
        place = Location(manifest.path, policy.region)
        days = None if hours is None else hours / 24
        yield BackupSetting(place, "cnpg", days, None, None, f"retentionPolicy: {policy.value}")
    store = manifest.at("spec", "backup", "barmanObjectStore")
    if isinstance(store, Mapping):
        for place_of in (store, yaml_tree.mapping(store.get("data"))):
            encryption = place_of.get("encryption") if place_of is not None else None
            if isinstance(encryption, Scalar):
                where = Location(manifest.path, encryption.region)
                yield BackupSetting(where, "cnpg", None, None, True, f"encryption: {encryption.value}")
                return
