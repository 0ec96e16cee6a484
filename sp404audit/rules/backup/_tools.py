"""Which commands make, store, encrypt and delete backups, and where they put them.

From the manual pages of the tools as of 2025-11.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sp404audit.documents.shell import UNKNOWN, ShellCommand

__all__ = ["Store", "days_in", "encrypts", "is_dump", "is_repository_tool", "keeps", "store_of", "upload_of"]

_DUMPS = frozenset(
    {"pg_dump", "pg_dumpall", "pg_basebackup", "mysqldump", "mariadb-dump", "mariadb-backup", "mariabackup"}
    | {"xtrabackup", "mongodump", "slapcat", "clickhouse-backup", "gitlab-backup", "neo4j-admin", "mydumper"}
)
_DUMP_WORDS = {
    "redis-cli": ("--rdb",),
    "sqlite3": (".backup", ".dump", "VACUUM INTO"),
    "etcdctl": ("snapshot save",),
    "influx": ("backup",),
    "influxd": ("backup",),
    "consul": ("snapshot save",),
    "vault": ("raft snapshot save",),
    "cockroach": ("dump",),
    "neo4j-admin": ("dump", "backup"),
    "xtrabackup": ("--backup",),
    "mariabackup": ("--backup",),
    "mariadb-backup": ("--backup",),
    "gitlab-backup": ("create",),
    "clickhouse-backup": ("create",),
}
_SCHEMA_ONLY = ("--schema-only", "-s", "--globals-only", "-g")
_LOADERS = frozenset({"psql", "mysql", "mariadb", "pg_restore", "mongorestore"})
_REPOSITORY_TOOLS = {
    "restic": ("backup",),
    "borg": ("create",),
    "kopia": ("snapshot create", "snap create"),
    "duplicity": ("",),
    "pgbackrest": ("backup",),
    "wal-g": ("backup-push",),
    "barman": ("backup",),
    "velero": ("backup create",),
    "borgmatic": ("",),
    "tarsnap": ("-c",),
}
_BACKUP_NAME = re.compile(r"back[-_]?up|dump|snapshot", re.IGNORECASE)
_REMOTE = re.compile(r"([A-Za-z0-9_.-]+@)?([A-Za-z0-9_.-]{2,}):(.*)", re.DOTALL)
_SCHEMES = {"s3": "s3", "gs": "gcs", "az": "azure"}
_AGE = re.compile(r"(\d{1,5})\s*(?:days?|d)\b(?:\s*ago)?|-v\s*-?(\d{1,5})d", re.IGNORECASE)


class Store(NamedTuple):
    """Where copies are put: `kind` is s3, gcs, azure, rclone or host; `bucket` holds `*` for what is unknown."""

    kind: str
    bucket: str
    prefix: str
    command: ShellCommand

    @property
    def label(self) -> str:
        """What to call it in a message."""
        name = self.bucket.replace("*", "…").rstrip(":")
        return {"s3": f"s3://{name}", "gcs": f"gs://{name}"}.get(self.kind, name or self.kind)


def _text(command: ShellCommand) -> str:
    return " ".join(command.known[1:])


def is_dump(command: ShellCommand) -> bool:
    """Tell whether the command writes the data of a store, not only its structure, somewhere."""
    if command.name in _DUMP_WORDS:
        return any(words in _text(command) for words in _DUMP_WORDS[command.name])
    if command.name not in _DUMPS or any(word in ("--help", "--version", "-V") for word in command.known[1:]):
        return False
    structure = _SCHEMA_ONLY if command.name in ("pg_dump", "pg_dumpall") else ("--no-data",)
    return not any(word in structure for word in command.known[1:])


def loads(command: ShellCommand) -> bool:
    """Tell whether the command reads a dump into a server: a copy from one to the other is no backup."""
    return command.name in _LOADERS


def is_repository_tool(command: ShellCommand) -> bool:
    """Tell whether the command makes a copy by a tool that keeps a repository of them."""
    verbs = _REPOSITORY_TOOLS.get(command.name or "")
    if verbs is None:
        return False
    text = f" {_text(command)} "
    if command.name in ("duplicity", "borgmatic"):
        return not re.search(
            r" (restore|list|verify|collection-status|cleanup|remove-\S+|check|init|info|rlist) ", text
        )
    return any(f" {verb} " in text for verb in verbs)


def _bucket(url: str) -> tuple[str, str]:
    name, _, prefix = url.partition("/")
    known = prefix.partition(UNKNOWN)[0]
    return name.replace(UNKNOWN, "*") or "*", known


def store_of(word: str, command: ShellCommand) -> Store | None:
    """Read a destination: `s3://bucket/prefix`, `gs://…`, `remote:path`, `user@host:path`; None for a local path."""
    scheme, found, rest = word.partition("://")
    if found:
        kind = _SCHEMES.get(scheme)
        if kind is not None:
            return Store(kind, *_bucket(rest), command)
        return Store("azure", *_bucket(rest), command) if "blob.core.windows.net" in rest else None
    match = _REMOTE.fullmatch(word)
    if match is None or word.startswith(("/", ".", UNKNOWN)):
        return None
    kind = "rclone" if command.name == "rclone" else "host"
    return Store(kind, *_bucket(match.group(2) + ":" + match.group(3)), command)


def upload_of(command: ShellCommand) -> Store | None:
    """Return where a command that sends files elsewhere puts them; None when it sends none."""
    words = [word for word in command.known[1:] if not word.startswith("-")]
    name = command.name
    if name == "aws" and words[:1] == ["s3"] and words[1:2] and words[1] in ("cp", "sync", "mv") and len(words) > 3:
        return store_of(words[3], command) if not words[2].startswith("s3://") else None
    if name == "aws" and words[:2] == ["s3api", "put-object"]:
        bucket = _option(command, "--bucket")
        return Store("s3", *_bucket(f"{bucket}/{_option(command, '--key') or ''}"), command) if bucket else None
    if name in ("gsutil", "s3cmd", "s5cmd") or (name == "gcloud" and words[:1] == ["storage"]):
        verbs = [word for word in words[:3] if word in ("cp", "rsync", "mv", "put", "sync")]
        return store_of(words[-1], command) if verbs and not words[-2].startswith(("gs://", "s3://")) else None
    if name == "rclone":
        verbs = [word for word in words if word in ("copy", "copyto", "sync", "move", "moveto", "rcat")]
        return store_of(words[-1], command) if verbs and words else None
    if name == "az" and words[:3] in (["storage", "blob", "upload"], ["storage", "blob", "upload-batch"]):
        account = _option(command, "--account-name") or "*"
        container = _option(command, "--container-name", "-c", "--destination", "-d") or "*"
        return Store("azure", account.replace(UNKNOWN, "*"), container.replace(UNKNOWN, "*"), command)
    if name in ("rsync", "scp") and words:
        return store_of(words[-1], command)
    if name == "mc" and words[:1] and words[0] in ("cp", "mirror", "pipe", "mv") and len(words) > 1:
        return Store("rclone", *_bucket(words[-1]), command)
    return None


def names_a_backup(command: ShellCommand) -> bool:
    """Tell whether what the command says speaks of a backup."""
    return any(_BACKUP_NAME.search(word) for word in command.known[1:])


def _option(command: ShellCommand, *names: str) -> str | None:
    for at, word in enumerate(command.known):
        for name in names:
            if word == name and at + 1 < len(command.known):
                return command.known[at + 1]
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
    return None


def keeps(command: ShellCommand) -> dict[str, str] | None:
    """Return the `--keep-…` options of `restic forget`, `borg prune`, `kopia policy set`; None for other commands."""
    words = command.known[1:]
    verbs = {"restic": "forget", "borg": "prune", "borgmatic": "prune", "kopia": "policy"}
    if verbs.get(command.name or "") not in words:
        return None
    found: dict[str, str] = {}
    for at, word in enumerate(words):
        if word.startswith("--keep"):
            name, equals, value = word.partition("=")
            found[name.removeprefix("--keep-").removeprefix("--keep")] = (
                value if equals else words[at + 1] if at + 1 < len(words) else ""
            )
        elif word in _KEEP_SHORT and at + 1 < len(words):
            found[_KEEP_SHORT[word]] = words[at + 1]
    return found


_KEEP_SHORT = {"-l": "last", "-H": "hourly", "-d": "daily", "-w": "weekly", "-m": "monthly", "-y": "yearly"}


def encrypts(command: ShellCommand) -> bool | None:
    """Tell whether the command encrypts what it handles: True, False when it refuses to, None when it does neither."""
    words = command.known[1:]
    text = _text(command)
    if command.name in ("restic", "kopia"):
        return True
    if command.name == "borg":
        mode = _option(command, "--encryption", "-e")
        return None if mode is None else mode != "none"
    if command.name == "duplicity":
        return "--no-encryption" not in words
    if command.name in ("gpg", "gpg2"):
        return True if any(word in ("-e", "-c", "--encrypt", "--symmetric") or "-e" in word for word in words) else None
    if command.name in ("age", "rage"):
        return None if any(word in ("-d", "--decrypt") for word in words) else True
    if command.name == "openssl":
        return True if words[:1] in (("enc",), ("cms",), ("smime",)) and "-d" not in words else None
    if command.name in ("ccrypt", "sops", "zip", "7z") and re.search(r"(^| )(-e|-P|--encrypt|-p\S+|ccencrypt)", text):
        return True
    if "--sse" in words or any(word.startswith(("--sse", "--server-side-encryption", "--kms-key")) for word in words):
        return True
    return True if "--encryption-key" in text or "--encryption-scope" in text else None


def days_in(text: str) -> int | None:
    """Return the number of days that a text such as `40 days ago`, `30d` names."""
    found = _AGE.search(text)
    return int(found.group(1) or found.group(2)) if found else None
