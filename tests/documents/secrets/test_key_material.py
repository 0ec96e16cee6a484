import base64
import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.secrets.key_material import Block, find, may_hold, store_holds_key

DASHES = "-" * 5
BODY = base64.b64encode(random.Random(404).randbytes(600)).decode()
LINES = textwrap.wrap(BODY, 64)


def pem(label: str = "RSA PRIVATE KEY", lines: list[str] = LINES, end: str = "\n") -> str:
    return end.join([f"{DASHES}BEGIN {label}{DASHES}", *lines, f"{DASHES}END {label}{DASHES}", ""])


def openssh(cipher: bytes) -> str:
    data = b"openssh-key-v1\0" + len(cipher).to_bytes(4, "big") + cipher + random.Random(1).randbytes(200)
    return pem("OPENSSH PRIVATE KEY", textwrap.wrap(base64.b64encode(data).decode(), 70))


def only(text: str) -> Block:
    assert may_hold(text.encode())
    (block,) = find(text)
    return block


@pytest.mark.parametrize(
    "text",
    [
        pem(),
        pem(end="\r\n"),
        pem("EC PRIVATE KEY"),
        pem("PRIVATE KEY"),
        pem("PGP PRIVATE KEY BLOCK", ["Version: 2", "Comment: x", "", *LINES, "=aB1c"]),
        pem(lines=LINES[:1]),
        pem(lines=LINES[:8]).partition(f"{DASHES}END")[0],
        textwrap.indent(pem(), "        "),
        textwrap.indent(pem(), "# "),
        '{"private_key": "' + pem().replace("\n", "\\n") + '"}',
        '"{\\"private_key\\": \\"' + pem().replace("\n", "\\\\n") + '\\"}"',
        " +\n".join(f'"{line}\\n"' for line in pem().splitlines()),
        ",\n".join(f"  '{line}'" for line in pem().splitlines()),
        base64.b64encode(pem().encode()).decode(),
        openssh(b"none"),
        pem("PRIVATE KEY", ["V75NeIrlsI80Gf0aTS2RZQvEcUQ3n6XwFnOvB/O5rRv3"]),
    ],
)
def test_keys(text: str) -> None:
    block = only(text)
    assert block.is_key
    assert not block.is_encrypted


@pytest.mark.parametrize(
    "text",
    [
        pem("ENCRYPTED PRIVATE KEY"),
        pem(lines=["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-256-CBC,0123456789ABCDEF", "", *LINES]),
        openssh(b"aes256-ctr"),
        base64.b64encode(pem("ENCRYPTED PRIVATE KEY").encode()).decode(),
    ],
)
def test_keys_with_a_passphrase(text: str) -> None:
    block = only(text)
    assert block.is_key
    assert block.is_encrypted


@pytest.mark.parametrize(
    "text",
    [
        pem(lines=[]),
        pem(lines=["..."]),
        pem(lines=["***"]),
        pem(lines=["x" * 64] * 3),
        pem(lines=["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj", "..."]),
        pem(lines=["<your key here>"]),
        pem(lines=[base64.b64encode(b"this is not really a private key, it is only an example of one").decode()]),
        f"{DASHES}BEGIN OPENSSH PRIVATE KEY{DASHES}{DASHES}END OPENSSH PRIVATE KEY{DASHES}",
        f'if text.startswith("{DASHES}BEGIN PRIVATE KEY{DASHES}"):\n    return load(text)\n' + LINES[0],
    ],
)
def test_placeholders(text: str) -> None:
    assert not only(text).is_key


def test_what_is_public_is_none() -> None:
    for label in ("CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "PGP PUBLIC KEY BLOCK", "AGE ENCRYPTED FILE"):
        assert not list(find(pem(label)))
    assert not may_hold(pem("CERTIFICATE").encode())
    assert not list(find(base64.b64encode(pem("CERTIFICATE").encode()).decode()))


def putty(encryption: str, lines: list[str]) -> str:
    head = f"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: {encryption}\nComment: x\nPublic-Lines: 1\n{LINES[0]}\n"
    return head + "\n".join([f"Private-Lines: {len(lines)}", *lines, "Private-MAC: 00"])


def test_putty() -> None:
    block = only(putty("none", LINES))
    assert (block.kind, block.is_key, block.is_encrypted) == ("PuTTY private key", True, False)
    assert only(putty("aes256-cbc", LINES)).is_encrypted
    assert not only(putty("none", ["xxx"])).is_key


def test_age() -> None:
    letters = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
    body = "".join(random.Random(7).choices(letters, k=58))
    block = only(f"# created\nAGE-SECRET-KEY-1{body}\n")
    assert (block.kind, block.is_key) == ("age identity", True)
    assert not only("AGE-SECRET-KEY-1" + "Q" * 58).is_key
    assert not list(find("AGE-SECRET-KEY-1..."))


def test_places() -> None:
    text = "first\n  " + pem()
    block = only(text)
    assert text[block.start : block.end] == f"{DASHES}BEGIN RSA PRIVATE KEY{DASHES}"


def jks(*tags: int) -> bytes:
    entry = b"\0\1a" + bytes(8) + b"\0\5X.509" + (3).to_bytes(4, "big") + b"abc"
    head = b"\xfe\xed\xfe\xed" + (2).to_bytes(4, "big") + len(tags).to_bytes(4, "big")
    return head + b"".join(tag.to_bytes(4, "big") + entry for tag in tags) + bytes(20)


def test_java_stores() -> None:
    assert store_holds_key(jks(1)) is True
    assert store_holds_key(jks(2, 2, 1)) is True
    assert store_holds_key(jks(2, 2)) is False
    assert store_holds_key(jks(7)) is None
    assert store_holds_key(jks(2, 2)[:20]) in (False, None)


def test_other_stores() -> None:
    assert store_holds_key(b"\x30\x82\x0a\x00\x02\x01\x03\x30\x82\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01") is None
    assert store_holds_key(b"PK\3\4") is False
    assert store_holds_key(b"") is False


@pytest.mark.skipif(sys.platform == "win32", reason="needs the openssl command")
@pytest.mark.parametrize(
    ("arguments", "encrypted"),
    [
        (["genpkey", "-algorithm", "ed25519"], False),
        (["ecparam", "-genkey", "-noout", "-name", "prime256v1"], False),
        (["genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:x"], True),
    ],
)
def test_what_openssl_makes(tmp_path: Path, arguments: list[str], encrypted: bool) -> None:
    made = subprocess.run(["openssl", *arguments, "-out", "key"], cwd=tmp_path, check=False, capture_output=True)
    if made.returncode:
        pytest.skip("this openssl cannot make such a key")
    block = only((tmp_path / "key").read_text())
    assert (block.is_key, block.is_encrypted) == (True, encrypted)


def test_hostile_texts_take_little_time() -> None:
    begin = f"{DASHES}BEGIN PRIVATE KEY{DASHES}"
    started = time.process_time()
    for text in (begin * 20_000, begin + "A" * 10**6, "-" * 10**6, begin + "\\n" * 10**6, "LS0tLS1CRUdJTi" * 50_000,
                 begin + ("'" * 2000 + "\n") * 500, "BEGIN " * 10**5, begin + "A" * 10**6 + "!"):  # fmt: skip
        list(find(text))
    assert time.process_time() - started < 3


@given(st.text(alphabet="-BEGIN PRVATKY\n\\A=:'\"", max_size=300))
@settings(max_examples=100, deadline=None)
def test_anything_is_read(text: str) -> None:
    list(find(f"{DASHES}BEGIN PRIVATE KEY{DASHES}" + text))
