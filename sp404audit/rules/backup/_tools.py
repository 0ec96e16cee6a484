"""Which commands make, store, encrypt and delete backups, and where they put them.

From the manual pages of the tools as of 2025-11.
"""

from __future__ import annotations

import re

from sp404audit.documents.shell.commands import UNKNOWN, ShellCommand
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

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
_BACKUP_NAME = regex(r"back[-_]?up|dump|snapshot", re.IGNORECASE)
_REMOTE = regex(r"([A-Za-z0-9_.-]+@)?([A-Za-z0-9_.-]{2,}):(.*)", re.DOTALL)
_SCHEMES = {"s3": "s3", "gs": "gcs", "az": "azure"}
_AGE = regex(r"(\d{1,5})\s*(?:days?|d)\b(?:\s*ago)?|-v\s*-?(\d{1,5})d", re.IGNORECASE)


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


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_VALUED: dict[str, frozenset[str]] = {
    "aws": _set(
        "--profile --region --sse-kms-key-id --sse-c --storage-class --acl --endpoint-url --exclude --include --key"
        " --expected-size --content-type --content-encoding --cache-control --output --query --tagging --bucket"
        " --metadata"
    ),
    "rclone": _set(
        "--config --transfers --checkers --bwlimit --log-file --log-level --min-age --max-age --exclude --include"
        " --filter --backup-dir --suffix --retries --s3-storage-class --timeout --contimeout --stats --tpslimit"
    ),
    "rsync": _set("-e --rsh --exclude --include --filter --password-file --bwlimit --log-file -f --timeout"),
    "scp": _set("-i -P -o -F -c -l"),
    "gsutil": _set("-h -o"),
    "s3cmd": _set("-c --config --access_key --secret_key --region --host --host-bucket --storage-class"),
}
"""Options that take the next word, of each tool that sends files."""
_SSE_VALUES = ("AES256", "aws:kms", "aws:kms:dsse")


def _positionals(command: ShellCommand) -> list[str]:
    """The words that are neither options nor their values; `-` is standard input."""
    valued = _VALUED.get(command.name or "", frozenset())
    found, skip = [], False
    for word in command.known[1:]:
        if skip or (word in _SSE_VALUES and command.name == "aws"):
            skip = False
        elif word.startswith("-") and word != "-":
            skip = word in valued
        else:
            found.append(word)
    return found


def upload_of(command: ShellCommand) -> Store | None:
    """Return where a command that sends files elsewhere puts them; None when it sends none."""
    words, name = _positionals(command), command.name
    if name == "aws" and words[:2] == ["s3api", "put-object"]:
        bucket = _option(command, "--bucket")
        return Store("s3", *_bucket(f"{bucket}/{_option(command, '--key') or ''}"), command) if bucket else None
    if name == "az" and words[:3] in (["storage", "blob", "upload"], ["storage", "blob", "upload-batch"]):
        account = _option(command, "--account-name") or "*"
        container = _option(command, "--container-name", "-c", "--destination", "-d") or "*"
        return Store("azure", account.replace(UNKNOWN, "*"), container.replace(UNKNOWN, "*"), command)
    verbs = _UPLOAD_VERBS.get(name or "")
    if verbs is None or (name == "aws" and words[:1] != ["s3"]):
        return None
    at = next((place for place, word in enumerate(words) if word in verbs), None) if verbs else -1
    paths = words[at + 1 :] if at is not None else []
    if name == "mc":
        return Store("rclone", *_bucket(paths[-1]), command) if paths else None
    sources, target = paths[:-1], paths[-1] if paths else ""
    if not target or any(source.startswith(("s3://", "gs://")) for source in sources):
        return None
    return store_of(target, command)


_UPLOAD_VERBS: dict[str, tuple[str, ...]] = {
    "aws": ("cp", "sync", "mv"),
    "gsutil": ("cp", "rsync", "mv"),
    "gcloud": ("cp", "rsync", "mv"),
    "s3cmd": ("put", "sync"),
    "s5cmd": ("cp", "sync", "mv"),
    "rclone": ("copy", "copyto", "sync", "move", "moveto", "rcat"),
    "mc": ("cp", "mirror", "pipe", "mv"),
    "azcopy": ("copy", "sync"),
    "rsync": (),
    "scp": (),
}


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
