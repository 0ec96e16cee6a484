import doctest
import time

import pytest

from sp404audit.documents.secrets import words as secret_words
from sp404audit.documents.secrets.words import (
    holds_url_password,
    is_placeholder,
    is_reference,
    looks_random,
    names_secret,
)


def test_examples() -> None:
    assert doctest.testmod(secret_words).failed == 0


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD",
        "POSTGRES_PASSWORD",
        "api_key",
        "apiKey",
        "JWT_SECRET",
        "GITHUB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "APP_KEY",
        "smtp.password",
        "STRIPE_SECRET_KEY",
        "ENCRYPTION_KEY",
        "DB_PASS",
        "client-secret",
        "SESSION_SECRET2",
        "AUTH_SALT",
        "SUPABASE_SERVICE_ROLE_KEY",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ACCESS_KEY_ID",
        "PASSWORD_FILE",
        "secretName",
        "TOKEN_TTL",
        "PASSWORD_MIN_LENGTH",
        "PUBLIC_KEY",
        "SORT_KEY",
        "KEYBOARD",
        "PWD",
        "AUTHOR",
        "STRIPE_PUBLIC_KEY",
        "TOKEN_URL",
        "REQUIRE_PASSWORD",
        "SECRET_ARN",
        "PASSENGERS",
        "COMPASS",
        "OLDPWD",
        "CACHE_KEY_PREFIX",
    ],
)
def test_names_of_something_else(name: str) -> None:
    assert not names_secret(name)


@pytest.mark.parametrize(
    "value",
    ["$X", "${X}", "{{ x }}", "%X%", "ENC[AES256_GCM,data:x]", "encrypted:BFa", "op://vault/item", "/run/secrets/db",
     "arn:aws:secretsmanager:eu-west-1:1:secret:db", "./key.json", "../tls/key", "~/.ssh/id", "service-account.json",
     "certs/server.PEM"],
)  # fmt: skip
def test_references(value: str) -> None:
    assert is_reference(value)


@pytest.mark.parametrize("value", ["a$b", "100%", "hunter2", "arn:aws:s3:::bucket", "/run/media", "user:pw@x.key"])
def test_no_references(value: str) -> None:
    assert not is_reference(value)


@pytest.mark.parametrize(
    "value",
    ["", " ", "''", "changeme", "CHANGE_ME", "your-token-here", "<token>", "[secret]", "xxxxxxxx", "********", "aaaa",
     "example", "password", "secret", "TODO", "replace-with-real", "12345678", "sk_test_xxxxxxxxxxxx", "test123",
     "..."],
)  # fmt: skip
def test_placeholders(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value", ["hunter2", "admin123", "correct-horse-battery", "Mail!9", "q8f7Yx2Lk0Zr5TnB+bar/Ab12"]
)
def test_no_placeholders(value: str) -> None:
    assert not is_placeholder(value)


def test_addresses_with_a_password() -> None:
    assert holds_url_password("postgres://app:hunter2@db:5432/app")
    assert holds_url_password("amqp://:hunter2@queue")
    for value in (
        "postgres://app@db",
        "postgres://app:$PW@db",
        "https://x:<pw>@y",
        "a:b@c",
        "postgres://u:password@db",
    ):
        assert not holds_url_password(value), value


def test_what_looks_drawn_by_a_machine() -> None:
    assert looks_random("4StV8PVvCLC6gkJXgGdkYdlWW0suqjb2")
    assert looks_random("9f86d081884c7d659a2feaa0c55ad015")
    assert not looks_random("correct-horse-battery-staple")
    assert not looks_random("aaaaaaaaaaaaaaaa1")
    assert not looks_random("short1")


def test_hostile_values_take_no_time() -> None:
    started = time.process_time()
    for value in ("a" * 10**6, "change_" * 10**5, "a:" * 10**5 + "@", "http://" + "a" * 10**6, "<" * 10**6):
        is_placeholder(value), is_reference(value), holds_url_password(value), looks_random(value), names_secret(value)
    assert time.process_time() - started < 1
