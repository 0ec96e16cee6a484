"""What the examples in the rules do not show: severities, several findings, and that no secret is ever printed."""

import base64
import json
import random
import textwrap
from pathlib import Path

import pytest

from sp404audit import audit
from sp404audit.results import Result

DASHES = "-" * 5
BODY = base64.b64encode(random.Random(5).randbytes(300)).decode()
KEY = (
    f"{DASHES}BEGIN PRIVATE KEY{DASHES}\n" + "\n".join(textwrap.wrap(BODY, 64)) + f"\n{DASHES}END PRIVATE KEY{DASHES}\n"
)


def results(root: Path, rule: str, files: dict[str, str | bytes]) -> list[Result]:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(audit(root, policy="strict", engines=["native"], select=[rule]).results)


def said(root: Path, rule: str, files: dict[str, str | bytes]) -> list[tuple[str, str, str]]:
    return [(each.location.path, each.kind, each.severity.label) for each in results(root, rule, files)]


def test_private_keys_by_place_and_passphrase(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a.pem": KEY,
        "b.pem": KEY.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        "tests/c.py": f'KEY = """{KEY}"""\n',
        "k8s/d.yaml": "apiVersion: v1\nkind: Secret\ndata:\n  k: " + base64.b64encode(KEY.encode()).decode() + "\n",
        "e.p12": b"\x30\x82\x0a\x00\x02\x01\x03\x30\x82\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01",
        "truststore.p12": b"\x30\x82\x0a\x00\x02\x01\x03\x30\x82\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01",
        "ca.pem": f"{DASHES}BEGIN CERTIFICATE{DASHES}\n{BODY}\n{DASHES}END CERTIFICATE{DASHES}\n",
        "notes.txt": "nothing\n",
    }
    assert said(tmp_path, "secrets/private-key", files) == [
        ("a.pem", "fail", "critical"),
        ("b.pem", "fail", "high"),
        ("ca.pem", "pass", "critical"),
        ("e.p12", "fail", "high"),
        ("k8s/d.yaml", "fail", "critical"),
        ("tests/c.py", "fail", "high"),
        ("truststore.p12", "open", "critical"),
    ]


def test_environment_files_by_what_they_hold(tmp_path: Path) -> None:
    random_value = base64.b64encode(random.Random(6).randbytes(30)).decode()
    files: dict[str, str | bytes] = {
        ".env": "DB_PASSWORD=horse-battery\n",
        ".env.test": "DB_PASSWORD=horse-battery\n",
        "a/.env.example": "DB_PASSWORD=postgres\nURL=postgres://app:app@localhost/app\n",
        "b/.env.example": f"API_KEY={random_value}\n",
        "c/.env": "NEXT_PUBLIC_API_KEY=abcd1234\n",
        "d/.env": "DB_PASSWORD=\nTOKEN=${TOKEN}\nKEY_ID=5\nB_TOKEN=changeme\n",
        "e/.env": 'DB_PASSWORD="encrypted:BFakeFake"\n',
    }
    assert said(tmp_path, "secrets/dotenv-tracked", files) == [
        (".env", "fail", "high"),
        (".env.test", "fail", "medium"),
        ("a/.env.example", "pass", "high"),
        ("b/.env.example", "fail", "high"),
        ("c/.env", "fail", "note"),
        ("d/.env", "pass", "high"),
        ("e/.env", "pass", "high"),
    ]


def test_an_environment_file_that_git_ignores_is_not_in_the_repository(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {".env": "DB_PASSWORD=horse-battery\n", ".gitignore": ".env\n"}
    assert said(tmp_path, "secrets/dotenv-tracked", files) == []


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -pass env:K", "pass"),
        ("openssl enc -aes-256-cbc -iter 700000 -kfile f", "pass"),
        ("openssl enc -d -aes-256-cbc -pass env:K", "pass"),
        ("openssl enc -d -aes-256-cbc -k x", "fail"),
        ("openssl enc -aes-256-cbc -pbkdf2 -pass env:K", "fail"),
        ("openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -md sha1 -pass env:K", "fail"),
        ("openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -nosalt -pass env:K", "fail"),
        ("openssl enc -aes-256-cbc -K $KEY -iv $IV", "fail"),
        ("openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -pass pass:$K", "fail"),
        ('openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -pass "$K"', "open"),
        ("openssl enc $OPTIONS -pass env:K", "open"),
        ("openssl aes-256-cbc -salt -pass env:K", "fail"),
    ],
)
def test_openssl(tmp_path: Path, command: str, kind: str) -> None:
    found = results(tmp_path, "secrets/openssl-enc", {"a.sh": f"#!/bin/sh\n{command}\n"})
    assert [each.kind for each in found] == [kind]


def test_files_that_a_job_writes(tmp_path: Path) -> None:
    def workflow(steps: str, runner: str = "ubuntu-24.04") -> str:
        return f"on: push\njobs:\n  a:\n    runs-on: {runner}\n    steps:\n" + textwrap.indent(steps, "      ")

    write = "- run: echo ${{ secrets.S }} > .env\n"
    build, remove = "- run: docker build .\n", "- run: rm .env\n"
    files: dict[str, str | bytes] = {
        ".github/workflows/a.yml": workflow(write),
        ".github/workflows/b.yml": workflow(write, "[self-hosted]"),
        ".github/workflows/c.yml": workflow(write + build),
        ".github/workflows/d.yml": workflow(write + build + remove),
        ".github/workflows/e.yml": workflow(write + remove),
        ".github/workflows/f.yml": workflow('- run: echo ${{ secrets.S }} > "$RUNNER_TEMP/k"\n'),
    }
    assert [(kind, severity) for _, kind, severity in said(tmp_path, "secrets/ci-plaintext-written", files)] == [
        ("fail", "medium"),
        ("fail", "high"),
        ("fail", "high"),
        ("open", "high"),
        ("pass", "high"),
        ("pass", "high"),
    ]


def test_no_secret_is_printed(tmp_path: Path) -> None:
    canary = "Canary7f3kQ9xZ"
    files: dict[str, str | bytes] = {
        ".env": f"DB_PASSWORD={canary}\n",
        "a.yaml": f"x_password: {canary}\nsops:\n  mac: ENC[AES256_GCM,data:x]\n",
        "b.sh": f"#!/bin/sh\nopenssl enc -aes-256-cbc -k {canary} -iter {canary} -md {canary}\n",
        "c.pem": KEY,
    }
    found = results(tmp_path, "secrets", files)
    texts = json.dumps([(each.message, [place.message for place in each.related]) for each in found])
    assert {each.rule_id for each in found if each.kind == "fail"} >= {
        "secrets/dotenv-tracked",
        "secrets/encrypted",
        "secrets/openssl-enc",
        "secrets/private-key",
    }
    assert canary not in texts
    assert BODY[:20] not in texts
