import time

import pytest

from sp404audit.documents.secrets.encrypted import Sealed, may_be, read
from sp404audit.documents.source import Source

ENC = "ENC[AES256_GCM,data:ZGF0YQ==,iv:aXY=,tag:dGFn,type:str]"
SOPS = f"sops:\n    mac: {ENC}\n    version: 3.9.1\n"


def sealed(path: str, text: str | bytes) -> list[Sealed]:
    source = Source(path, text if isinstance(text, bytes) else text.encode())
    return list(read(source)) if may_be(source.data) else []


def plain(path: str, text: str) -> list[tuple[str, bool]]:
    return [(each.name, each.expected) for one in sealed(path, text) for each in one.plain]


def test_sops_yaml() -> None:
    (found,) = sealed("a.yaml", f"a:\n  b: {ENC}\n  c: ['{ENC}', '']\n  d: null\n{SOPS}")
    assert (found.tool, found.values, found.plain) == ("SOPS", 2, ())
    assert plain("a.yaml", f"a: {ENC}\nb: {{c: plain, n: 3}}\n{SOPS}") == [("b.c", True), ("b.n", True)]


def test_sops_places() -> None:
    (found,) = sealed("a.yaml", f"a: {ENC}\nb: plain\n{SOPS}")
    assert tuple(found.plain[0].region) == (2, 4, 2, 9)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("unencrypted_suffix: _plain", [("b_unencrypted", True), ("password", True)]),
        ("encrypted_suffix: _enc", [("password", False)]),
        ("encrypted_regex: ^(data|password)$", [("password", True)]),
        ("encrypted_regex: ^data$", [("password", False)]),
        ("unencrypted_regex: ^(password|b_)", [("c_plain", True)]),
        ("", [("c_plain", True), ("password", True)]),
    ],
)
def test_sops_settings(option: str, expected: list[tuple[str, bool]]) -> None:
    text = f"data: {ENC}\nb_unencrypted: x\nc_plain: y\npassword: horse\n{SOPS}    {option}\n"
    assert plain("a.yaml", text) == expected


def test_a_pattern_that_could_take_long_leaves_it_open() -> None:
    text = f"password: horse\ndata: {ENC}\n{SOPS}    encrypted_regex: ^(a+)+$\n"
    (found,) = sealed("a.yaml", text)
    assert [(each.name, each.certain) for each in found.plain] == [("password", False)]


def test_sops_json_dotenv_and_ini() -> None:
    text = f'{{"a": "{ENC}", "b": "plain", "sops": {{"mac": "{ENC}", "version": "3"}}}}'
    assert plain("a.json", text) == [("b", True)]
    assert plain("app.enc.env", f"A={ENC}\nB=plain\nsops_mac={ENC}\nsops_version=3\n") == [("B", True)]
    assert plain("a.ini", f"[x]\na = {ENC}\nb = plain\n[sops]\nmac = {ENC}\nversion = 3\n") == [("x.b", True)]


def test_sops_without_its_mac() -> None:
    assert plain("a.yaml", f"a: {ENC}\nsops:\n  lastmodified: x\n") == [("sops.mac", True)]


def test_a_document_that_only_speaks_of_it() -> None:
    assert sealed("a.yaml", f"example: {ENC}\n") == []
    assert sealed("README.md", f"a: {ENC}\n{SOPS}") == []
    assert sealed("a.yaml", f"a: [{ENC}\n{SOPS}") == []


def test_dotenvx() -> None:
    text = 'DOTENV_PUBLIC_KEY="03"\nA_PASSWORD="encrypted:BFa0="\nB_PASSWORD=horse\nPORT=80\nC_TOKEN=changeme\n'
    assert plain(".env.production", text) == [("B_PASSWORD", False)]


def test_ansible_values() -> None:
    vault = "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n"
    text = f"a_password: {vault}b_password: horse\nuser: x\nc_password: '{{{{ x }}}}'\nd: !vault plain\n"
    assert plain("vars.yml", text) == [("b_password", False), ("d", True)]


def test_sealed_secret() -> None:
    head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n  encryptedData:\n"
    (found,) = sealed("s.yaml", head + f"    a: {'AgBy3i4O' * 20}\n")
    assert (found.tool, found.values, found.plain) == ("sealed-secrets", 1, ())
    assert plain("s.yaml", head + "    a: horse\n") == [("spec.encryptedData.a", True)]
    template = f"    a: {'AgBy3i4O' * 20}\n  template:\n    stringData:\n      password: horse\n"
    assert plain("s.yaml", head + template) == [("spec.template.stringData.password", False)]


@pytest.mark.parametrize(
    ("data", "tool"),
    [
        (b"age-encryption.org/v1\n-> X25519", "age"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVu\n", "age"),
        (b"\0GITCRYPT\0\1\2", "git-crypt"),
        (b"Salted__12345678", "openssl enc"),
        (b"-----BEGIN PGP MESSAGE-----\nVersion: 2\n\nhQEMA4\n", "OpenPGP"),
        (b"$ANSIBLE_VAULT;1.2;AES256;dev\n61\n", "Ansible Vault"),
        (b"q1Z" + b"mYWtl" * 12 + b"--ZmFrZWl2ZmFr--ZmFrZXRhZ2Zha2V0YWdmYQ==", "Rails credentials"),
    ],
)
def test_whole_files(data: bytes, tool: str) -> None:
    (found,) = sealed("x.enc", data)
    assert (found.tool, found.plain) == (tool, ())


@pytest.mark.parametrize(
    "data",
    [b"$ANSIBLE_VAULT;1.1;AES256\ndb_password: horse\n", b"-----BEGIN AGE ENCRYPTED FILE-----\nto be done\n"],
)
def test_whole_files_that_only_say_so(data: bytes) -> None:
    (found,) = sealed("x.yml", data)
    assert found.plain


def test_what_only_looks_like_a_ciphertext() -> None:
    assert plain("a.yaml", f"a: ENC[AES256_GCM,data:horse]\n{SOPS}") == [("a", True)]


def test_every_value_of_a_secret_is_one() -> None:
    text = f"kind: Secret\ndata:\n  user: {ENC}\nstringData:\n  login: horse\n  ca.crt: x\n{SOPS}"
    assert plain("a.yaml", text + "    encrypted_regex: ^data$\n") == [("stringData.login", False)]


def test_hostile_files_take_little_time() -> None:
    started = time.process_time()
    loop = f"a: &a\n  b: *a\n  c: {ENC}\n{SOPS}"
    assert plain("a.yaml", loop) == []
    sealed("a.yaml", "".join(f"k{n}: x\n" for n in range(20_000)) + f"e: {ENC}\n{SOPS}    encrypted_regex: .*a.*\n")
    sealed("a.enc", b"a" * 10**6 + b"--a--a")
    assert time.process_time() - started < 4
