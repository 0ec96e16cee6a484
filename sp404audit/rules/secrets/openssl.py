"""`openssl enc` protects only as well as it derives its key, and hides it."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.secrets.openssl import EncCommand
from sp404audit.documents.shell.commands import UNKNOWN
from sp404audit.rules import Verdicts, fail, passed, rule, unproven

_WEAK_DIGESTS = frozenset(("md2", "md4", "md5", "mdc2", "sha1", "sha", "ripemd", "ripemd160", "rmd160"))
_HIDDEN = ("env:", "file:", "fd:", "stdin")


@rule("secrets/openssl-enc", severity="high", cwe=[214, 916])
def openssl_enc(command: EncCommand, *, iterations: int = 600_000) -> Verdicts:
    """`openssl enc` derives its key with PBKDF2, and takes the password from where no other process sees it.

    Without `-pbkdf2` the key is a single round of a hash over the password, which is guessed at billions of tries a
    second; the default of 10,000 iterations is little better. A password behind `-k` or `-pass pass:` is in the list of
    processes, which every user of the machine can read. When only decrypting, the derivation is that of the file.

    `openssl enc` cannot authenticate what it encrypts either: age, SOPS or GnuPG can.

    Fix: use age or SOPS, or write `-pbkdf2 -iter 600000 -md sha256` and `-pass env:NAME` (or `file:`, `fd:`).

    Passes:
        #!/bin/sh
        openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -in backup.tar -out backup.tar.enc -pass env:BACKUP_KEY

    Fails:
        #!/bin/sh
        openssl enc -aes-256-cbc -salt -in .env -out .env.enc -k "$KEY"

    Fails (iterations=1000000):
        #!/bin/sh
        openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -in a -out a.enc -pass file:/run/secrets/key

    Unproven (the count comes from outside):
        #!/bin/sh
        openssl enc -aes-256-cbc -pbkdf2 -iter "$ROUNDS" -in a -out a.enc -pass file:/run/secrets/key
    """
    problems = [*_key_problems(command)]
    doubts: list[str] = []
    if not command.decrypts and not command.has_raw_key:
        problems += _derivation_problems(command, iterations, doubts)
    if problems:
        yield fail(command.location, f"openssl enc: {'; '.join(problems)}")
    elif doubts:
        yield unproven(command.location, f"openssl enc: {'; '.join(doubts)}")
    else:
        yield passed(command.location, "the key is hidden" + ("" if command.decrypts else " and derived slowly"))


def _key_problems(command: EncCommand) -> Iterator[str]:
    source = command.values.get("-pass", "")
    if "-K" in command.values:
        yield "-K puts the key itself on the command line; encrypt with age, or with -pass env:NAME"
    elif "-k" in command.values or source.startswith("pass:"):
        option = "-k" if "-k" in command.values else "-pass pass:"
        yield f"{option} shows the password in the list of processes; use -pass env:NAME"


def _derivation_problems(command: EncCommand, iterations: int, doubts: list[str]) -> Iterator[str]:
    source = command.values.get("-pass", "")
    if source.startswith(UNKNOWN):
        doubts.append("where the password comes from is not known (-pass)")
    if not command.derives_slowly and command.is_open:
        doubts.append("a variable may bring the options that derive the key")
    elif not command.derives_slowly:
        yield f"the key is derived by one round of a hash; add -pbkdf2 -iter {iterations}"
    else:
        count = command.values.get("-iter", "10000")
        if UNKNOWN in count:
            doubts.append("the number of iterations is not known (-iter)")
        elif not count.isdecimal() or len(count) > 12 or int(count) < iterations:
            yield f"{count[:12]} iterations are fewer than {iterations}; add -iter {iterations}"
    digest = command.values.get("-md", "sha256").lower()
    if digest in _WEAK_DIGESTS:
        yield f"-md {digest} is broken; use sha256"
    if "-nosalt" in command.flags:
        yield "-nosalt makes equal passwords equal keys; leave it out"
