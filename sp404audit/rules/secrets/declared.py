"""What is declared to be encrypted is."""

from __future__ import annotations

from sp404audit.documents.secrets.declared_encryption import DeclaredFile
from sp404audit.results import Severity
from sp404audit.rules import Verdicts, fail, passed, rule
from sp404audit.rules.secrets.context import lowered


@rule("secrets/encryption-declared-but-plain", severity="critical", cwe=[311, 312])
def encryption_declared_but_plain(file: DeclaredFile) -> Verdicts:
    """Files that are declared to be encrypted are.

    A name such as `secrets.enc.yaml` or a rule in .sops.yaml says that a file may be kept in the repository since
    nobody can read it. When it was added before it was encrypted, or decrypted in place, everybody can.

    A creation rule counts when its pattern speaks of secrets; examples and templates are left out.

    Fix: encrypt the file (`sops encrypt --in-place FILE`, `ansible-vault encrypt FILE`), and replace what it held.

    Passes:
        --- secrets/production.enc.yaml
        db_password: ENC[AES256_GCM,data:ZGF0YQ==,iv:aXY=,tag:dGFn,type:str]
        sops:
            mac: ENC[AES256_GCM,data:bWFj,iv:aXY=,tag:dGFn,type:str]
            version: 3.9.1

    Fails (its name says so):
        --- secrets/production.enc.yaml
        db_password: correct-horse

    Fails (a rule says so):
        --- .sops.yaml
        creation_rules:
          - path_regex: secrets/[a-z]+[.]json$
            age: age1example
        --- secrets/production.json
        {"db_password": "correct-horse"}
    """
    if file.tool:
        yield passed(file.location, f"encrypted by {file.tool}")
        return
    related = [(file.rule, "declared here")] if file.rule is not None else []
    message = (
        f"{file.declaration} declares {file.location.path} encrypted, and it is plain: encrypt it, replace what it held"
    )
    yield fail(file.location, message, severity=lowered(Severity.CRITICAL, file.location.path), related=related)
