import time

import pytest

from sp404audit.documents.model import Repository
from sp404audit.documents.secrets import declared_encryption
from sp404audit.documents.secrets.declared_encryption import DeclaredFile, declares
from sp404audit.documents.source import DocumentError, Source

ENC = "ENC[AES256_GCM,data:ZGF0YQ==,iv:aXY=,tag:dGFn,type:str]"
SEALED = f"a: {ENC}\nsops:\n    mac: {ENC}\n    version: 3\n"


def declared(files: dict[str, str], kinds: dict[str, str] | None = None) -> dict[str, str]:
    facts = []
    for path, text in sorted(files.items()):
        source = Source(path, text.encode())
        facts += list(declared_encryption.facts(source))
        if path.endswith(".sops.yaml") and path.rpartition("/")[2] == ".sops.yaml":
            facts += list(declared_encryption.parse(source).facts())
    repository = Repository(kinds or {}, files, facts)
    return {file.location.path: file.tool for file in DeclaredFile.in_repository(repository)}


def rules(*patterns: str, more: str = "") -> str:
    return "creation_rules:\n" + "".join(f"  - path_regex: {pattern}\n    age: age1\n{more}" for pattern in patterns)


@pytest.mark.parametrize(
    "path",
    [
        "a.enc",
        "x/secrets.enc.yaml",
        "prod.sops.yaml",
        "app.enc.env",
        "credentials.yml.enc",
        "k.age",
        "group_vars/all/vault.yml",
    ],
)
def test_names_that_declare(path: str) -> None:
    assert declares(path)


@pytest.mark.parametrize(
    "path",
    [".sops.yaml", "secrets.yaml", "vault.yml", "k8s/vault.yaml", "a.enc.example.yaml", "encoding.yaml", "a.age.txt"],
)
def test_names_that_do_not(path: str) -> None:
    assert not declares(path)


def test_by_name() -> None:
    files = {"a.enc.yaml": SEALED, "b.enc.yaml": "x: y\n", "c.enc": "q1Zmy\x01\x02", "d.yaml": SEALED}
    assert declared(files) == {"a.enc.yaml": "SOPS", "b.enc.yaml": ""}


def test_by_rule() -> None:
    files = {
        ".sops.yaml": rules(r"secrets/.*\.ya?ml$", r"deploy/(eu|us)/secrets\.json$"),
        "secrets/a.yaml": SEALED,
        "secrets/b.yml": "x: y\n",
        "secrets/README.md": "x: y\n",
        "secrets/example.yaml": "x: y\n",
        "deploy/eu/secrets.json": "{}",
        "other.yaml": "x: y\n",
    }
    assert declared(files) == {"secrets/a.yaml": "SOPS", "secrets/b.yml": "", "deploy/eu/secrets.json": ""}


def test_a_rule_holds_below_its_own_folder() -> None:
    files = {"app/.sops.yaml": rules("^secrets/"), "app/secrets/a.yaml": "x: y\n", "secrets/b.yaml": "x: y\n"}
    assert declared(files) == {"app/secrets/a.yaml": ""}


def test_rules_that_take_in_everything_declare_nothing() -> None:
    assert declared({".sops.yaml": rules(r".*\.yaml"), "a.yaml": "x: y\n"}) == {}


def test_rules_for_some_keys_leave_manifests_alone() -> None:
    partial = rules("secrets/.*", more="    encrypted_regex: ^data$\n")
    files = {".sops.yaml": partial, "secrets/a.yaml": "kind: ExternalSecret\n", "secrets/b.yaml": "x: y\n"}
    assert declared(files, {"secrets/a.yaml": "kubernetes"}) == {"secrets/b.yaml": ""}


def test_odd_configurations() -> None:
    for text in (
        "",
        "[]",
        "creation_rules: 3",
        "creation_rules: [a, {path_regex: [b]}]",
        "creation_rules:\n  - age: x\n",
    ):
        assert declared({".sops.yaml": text, "a.yaml": "x: y\n"}) == {}
    assert declared({".sops.yaml": rules("(secret|a+)+$"), "secret.yaml": "x: y\n"}) == {}
    assert declared({".sops.yaml": rules("secret("), "secret.yaml": "x: y\n"}) == {}


def test_what_is_no_yaml() -> None:
    with pytest.raises(DocumentError):
        declared_encryption.parse(Source(".sops.yaml", b"a: \x00"))


def test_hostile_patterns_take_little_time() -> None:
    files = {".sops.yaml": rules("a*secreta*b"), **{f"{'a' * 150}{number}.yaml": "x: y\n" for number in range(300)}}
    started = time.process_time()
    declared(files)
    assert time.process_time() - started < 3
