"""Private keys belong in a store of secrets, not in a repository."""

from __future__ import annotations

from sp404audit.documents.secrets import key_material
from sp404audit.documents.source import Source
from sp404audit.results import WHOLE_FILE, Severity
from sp404audit.rules import Verdicts, fail, passed, rule, unproven
from sp404audit.rules.secrets.context import lowered

_STORES = (".p12", ".pfx", ".jks", ".jceks", ".keystore", ".bks")


@rule(
    "secrets/private-key",
    severity="critical",
    equivalents=(
        "gitleaks:private-key",
        "gitleaks:pkcs12-file",
        "gitleaks:age-secret-key",
        "checkov:CKV_SECRET_13",
        "detect-secrets:PrivateKeyDetector",
        "secretlint:privatekey",
    ),
    cwe=[321, 798],
)
def private_key(source: Source) -> Verdicts:
    """No private key is kept in the repository.

    Whoever can read a repository, its forks, its clones or its backups can use the key: to log in, to sign, to decrypt
    what was recorded years ago. Deleting the file does not help, since the history keeps it.

    A header without a body is no key; neither are placeholders, public keys and certificates. A key that a passphrase
    protects is reported one step lower, and so is one among tests and examples.

    Fix: replace the key by a new one, keep that in a secret store (or encrypted with SOPS or age), and take the old one
    out of the history.

    Passes (a certificate is public):
        --- tls/ca.pem
        -----BEGIN CERTIFICATE-----
        AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v
        -----END CERTIFICATE-----

    Passes (a placeholder is no key):
        --- docs/setup.md
        -----BEGIN PRIVATE KEY-----
        paste your key here
        -----END PRIVATE KEY-----

    Fails:
        --- deploy/server.key
        -----BEGIN EC PRIVATE KEY-----
        <64 random characters>
        <64 random characters>
        -----END EC PRIVATE KEY-----
    """
    path = source.path
    if path.lower().endswith(_STORES):
        yield from _store(source)
        return
    if not key_material.may_hold(source.data):
        if b"-----BEGIN " in source.data:
            yield from _public(source)
        return
    for block in key_material.find(source.text):
        region = source.region(block.start, block.end)
        if not block.is_key:
            yield passed(region, f"the place of a {block.kind}, without a key in it")
            continue
        severity = lowered(Severity.HIGH if block.is_encrypted else Severity.CRITICAL, path)
        protected = " (protected by a passphrase)" if block.is_encrypted else ""
        message = f"{block.kind}{protected} in the repository: replace it, and keep the new one in a secret store"
        yield fail(region, message, severity=severity)


def _public(source: Source) -> Verdicts:
    start = source.text.find("-----BEGIN ")
    if source.text.startswith(("CERTIFICATE-", "PUBLIC KEY-", "RSA PUBLIC KEY-", "CERTIFICATE REQUEST-"), start + 11):
        yield passed(source.region(start, start + 10), "certificates or public keys only")


def _store(source: Source) -> Verdicts:
    holds_key = key_material.store_holds_key(source.data)
    trusted = "trust" in source.path.lower() or "cacerts" in source.path.lower()
    if holds_key is False:
        yield passed(WHOLE_FILE, "holds certificates only")
    elif holds_key is None and trusted:
        yield unproven(WHOLE_FILE, "only its password tells whether this store holds certificates only")
    else:
        message = (
            "key store in the repository: its password is all that protects the private key; keep it in a secret store"
        )
        yield fail(WHOLE_FILE, message, severity=lowered(Severity.HIGH, source.path))
