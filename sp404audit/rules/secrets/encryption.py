"""Secrets that are kept in the repository are ciphertext there."""

from __future__ import annotations

from sp404audit.documents.secrets import encrypted
from sp404audit.documents.source import Source
from sp404audit.rules import Verdicts, fail, passed, rule, unproven


@rule("secrets/encrypted", severity="high", cwe=[311, 312], points_at_secret=True)
def secrets_encrypted(source: Source) -> Verdicts:
    """Every secret in an encrypted file is ciphertext.

    A file that SOPS, dotenvx, Ansible Vault or sealed-secrets has encrypted is taken to be safe to keep. A value added
    by hand later stays plain, and so does one that the tool's own settings leave out.

    What SOPS' settings (`encrypted_regex`, `unencrypted_suffix` and the others) say is honoured: a value that they
    cover must be ciphertext; one that `encrypted_regex` or `encrypted_suffix` misses must not be named like a secret.

    Fix: encrypt the file again with its tool (`sops encrypt --in-place FILE`), widen `encrypted_regex` where it misses
    the value, and replace the secret, since it has been readable.

    Passes:
        --- secrets/production.yaml
        db_password: ENC[AES256_GCM,data:ZGF0YQ==,iv:aXY=,tag:dGFn,type:str]
        sops:
            mac: ENC[AES256_GCM,data:bWFj,iv:aXY=,tag:dGFn,type:str]
            version: 3.9.1

    Passes (the suffix says that it is meant to be read):
        --- secrets/production.yaml
        region_unencrypted: eu-west-1
        db_password: ENC[AES256_GCM,data:ZGF0YQ==,iv:aXY=,tag:dGFn,type:str]
        sops:
            mac: ENC[AES256_GCM,data:bWFj,iv:aXY=,tag:dGFn,type:str]
            version: 3.9.1

    Fails (added by hand):
        --- secrets/production.yaml
        db_password: ENC[AES256_GCM,data:ZGF0YQ==,iv:aXY=,tag:dGFn,type:str]
        smtp_password: correct-horse
        sops:
            mac: ENC[AES256_GCM,data:bWFj,iv:aXY=,tag:dGFn,type:str]
            version: 3.9.1

    Fails (the settings miss it):
        --- clusters/mail.sops.yaml
        kind: Secret
        stringData:
            password: correct-horse
        data:
            user: ENC[AES256_GCM,data:ZGF0YQ==,iv:aXY=,tag:dGFn,type:str]
        sops:
            encrypted_regex: ^data$
            mac: ENC[AES256_GCM,data:bWFj,iv:aXY=,tag:dGFn,type:str]
            version: 3.9.1
    """
    if not encrypted.may_be(source.data):
        return
    for sealed in encrypted.read(source):
        for plain in sealed.plain:
            if not plain.certain:
                yield unproven(
                    plain.region, f"{plain.name} is plain; whether {sealed.tool} should encrypt it is not known"
                )
            elif plain.expected:
                yield fail(
                    plain.region, f"{plain.name} is no ciphertext in a file that {sealed.tool} encrypts: encrypt it"
                )
            else:
                message = f"{plain.name} is plain in a file that {sealed.tool} encrypts: its settings leave it out"
                yield fail(plain.region, message)
        if not sealed.plain:
            what = f"{sealed.values} values are ciphertext" if sealed.values else "the whole file is ciphertext"
            yield passed(sealed.region, f"{what} ({sealed.tool})")
