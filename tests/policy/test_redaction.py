"""Redaction: secrets do not leave with a report, and what a reader needs to see does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sp404audit.policy.redaction import redacted
from sp404audit.results import Region, Snippet

WORD = "hunter" + "2"
BODY = "MIIEpAIBAAKCAQEA" + "x8" * 24


def line(text: str, whole: Region | None = None) -> str:
    return redacted(Snippet(1, (text,)), whole).lines[0]


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASSWORD={}",
        "export DB_PASSWORD={}",
        "      - POSTGRES_PASSWORD={}",
        "  password: {}",
        "  password: '{}'",
        '  "apiKey": "{}",',
        '  password = "{}"',
        "ENV SECRET_KEY={} DEBUG=1",
        "ENV SECRET_KEY {}",
        "ENV DEBUG=1 SECRET_KEY={} X=1",
        "DATABASE_URL=postgres://app:{}@db/app",
        "      DB_PASSWORD: ${{DB_PASSWORD:-{}}}",
        "openssl enc -aes-256-cbc -pass pass:{} -in x",
        "openssl enc -aes-256-cbc -k {} -in x",
        "mysqldump --password={} app",
        "mysqldump --password {} app",
        "  env: {{TOKEN: {}, OTHER: x}}",
    ],
)
def test_secrets_are_blotted_out_in_place(text: str) -> None:
    assert line(text.format(WORD)) == text.format("*" * len(WORD))


@pytest.mark.parametrize(
    "text",
    [
        "      id-token: write",
        "    secrets: inherit",
        "      DB_PASSWORD: ${{ secrets.DB_PASSWORD }}",
        "      DB_PASSWORD: ${DB_PASSWORD:?set it}",
        "DB_PASSWORD=changeme",
        "  password = var.db_password",
        "  password = random_password.db.result",
        "  password = file(var.path)",
        "      DB_PASSWORD_FILE: /run/secrets/db",
        "  secrets: [db]",
        "      - uses: actions/create-github-app-token@v1",
        "image: postgres:16",
        "  run: echo hello",
        "FROM python:3.12@sha256:" + "ab" * 32,
        "      - uses: actions/checkout@" + "1f" * 20,
        "https://example.org:8080/path",
        "    rev: " + "0123456789abcdef" * 2,
        "    runs-on: ubuntu-22.04-arm64-large",
    ],
)
def test_what_a_reader_needs_stays(text: str) -> None:
    assert line(text) == text


def test_a_value_that_reads_like_an_issued_token() -> None:
    token = "sk_" + "live_51Hq8zTbKdWXv7Rm2n0"
    assert line(f"STRIPE={token}") == "STRIPE=" + "*" * len(token)


def test_the_body_of_a_private_key() -> None:
    begin = "-----BEGIN " + "RSA PRIVATE KEY-----"
    assert redacted(Snippet(1, (begin, "  " + BODY))).lines == (begin, "  " + "*" * len(BODY))


def test_a_place_that_is_a_secret_as_such() -> None:
    assert line(f"smtp: {WORD}", Region(1, 1, 1, 14)) == "smtp: *******"
    assert line(f"x {WORD} y", Region(1, 3, 1, 10)) == "x ******* y"
    snippet = redacted(Snippet(4, ("a", "key: |", "  abc", "b")), Region(5, 1, 6, 6))
    assert snippet.lines == ("a", "key: *", "*****", "b")


@given(st.text(max_size=200))
def test_columns_stay(text: str) -> None:
    assert len(line(text)) == len(text)


def test_long_lines_take_no_time() -> None:
    for text in ("a" * 500 + ":", "password=" * 60, "x://" * 120, "'\"" * 250, "-k " * 160, "TOKEN " * 80):
        line(text)
