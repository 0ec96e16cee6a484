from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result
from sp404audit.rules.compose.variables import is_address, is_secret

Judge = Callable[[str, dict[str, str]], list[Result]]
RULE = "compose/required-variables"


def failures(results: list[Result]) -> list[tuple[str, int]]:
    return [(r.location.path, r.location.region.start_line) for r in results if r.kind == "fail"]


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "API_KEY", "GITHUB_TOKEN", "SECRET_KEY_BASE", "JWT_SECRET", "dbPassword", "AWS_SECRET_ACCESS_KEY"],
)
def test_knows_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["TAG", "PWD", "TOKEN_TTL", "PASSWORD_FILE", "AWS_ACCESS_KEY_ID", "PUBLIC_KEY", "SECRET_NAME", "KEYBOARD"]
)
def test_knows_names_that_are_no_secrets(name: str) -> None:
    assert not is_secret(name)


def test_knows_names_of_addresses() -> None:
    assert is_address("DATABASE_URL")
    assert is_address("SMTP_HOST")
    assert not is_address("HOSTNAME")
    assert not is_address("MAIL_FROM_ADDRESS")
    assert not is_address("HOST_PORT")


@pytest.mark.parametrize(
    ("line", "fails"),
    [
        ("A: ${API_KEY}", True),
        ("A: $API_KEY", True),
        ("A: ${API_KEY:-}", True),
        ("A: ${API_KEY:-${OTHER}}", True),
        ("A: ${API_KEY:?}", False),
        ("A: ${API_KEY:-${OTHER:?}}", False),
        ("A: ${API_KEY:-x}", False),
        ("A: ${API_KEY:+x}", False),
        ("A: $${API_KEY}", False),
        ("A: ${TAG}", False),
        ("DB_PASSWORD: ${PG}", True),
        ("DATABASE_URL: postgres://${DB_USER}@db/${DB_NAME}", False),
        ("DATABASE_URL: postgres://app:${DB_PASSWORD}@db/app", True),
    ],
)
def test_asks_for_what_must_be_set(judge: Judge, line: str, fails: bool) -> None:
    text = f"services:\n  a:\n    image: x:${{IMAGE_TOKEN}}\n    environment:\n      {line}\n"
    assert failures(judge(RULE, {"compose.yaml": text})) == ([("compose.yaml", 5)] if fails else [])


def test_looks_into_commands_and_labels(judge: Judge) -> None:
    text = "services:\n  a:\n    image: x\n    command: run --key ${API_KEY}\n    labels: ['h=${SITE_DOMAIN}']\n"
    assert failures(judge(RULE, {"compose.yaml": text})) == [("compose.yaml", 4), ("compose.yaml", 5)]


@pytest.mark.parametrize("name", [".env", ".env.example", "app.env"])
def test_is_content_with_a_value_in_the_repository(judge: Judge, name: str) -> None:
    text = "services:\n  a:\n    image: x\n    environment: ['A=${SMTP_HOST}', 'B=${API_KEY}']\n"
    files = {"deploy/compose.yaml": text, f"deploy/{name}": "SMTP_HOST=mail.example.com\nAPI_KEY=\n"}
    (failure,) = (result for result in judge(RULE, files) if result.kind == "fail")
    assert "API_KEY" in failure.message


def test_takes_values_from_the_env_file_of_the_service(judge: Judge) -> None:
    text = "services:\n  a:\n    image: x\n    env_file: config/app.env\n    environment: ['A=${SMTP_HOST}']\n"
    assert failures(judge(RULE, {"compose.yaml": text, "config/app.env": "SMTP_HOST=mail\n"})) == []


def test_tells_a_shared_anchor_once(judge: Judge) -> None:
    text = (
        "x-env: &env\n  API_KEY: ${API_KEY}\nservices:\n  a: {image: x, environment: *env}\n"
        "  b: {image: x, environment: *env}\n"
    )
    assert failures(judge(RULE, {"compose.yaml": text})) == [("compose.yaml", 2)]


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("A: ${API_KEY}", "A: ${API_KEY:?}"),
        ("A: $API_KEY # x", "A: ${API_KEY:?} # x"),
        ("A: 'x${API_KEY:-}'", "A: 'x${API_KEY:?}'"),
        ('A: "\\t${API_KEY}"', None),
    ],
)
def test_mends(judge: Judge, line: str, mended: str | None) -> None:
    text = f"services:\n  a:\n    image: x\n    environment:\n      {line}\n"
    (result,) = judge(RULE, {"compose.yaml": text})
    assert (result.fix is None) is (mended is None)
    if result.fix is not None:
        (edit,) = result.fix.edits
        old = text.splitlines()[edit.region.start_line - 1]
        new = old[: edit.region.start_column - 1] + edit.text + old[edit.region.end_column - 1 :]
        assert new.strip() == mended


def test_a_variable_is_told_once_a_service(judge: Judge) -> None:
    text = "services:\n  a:\n    image: x\n    environment:\n      A: ${DB_PASSWORD:-}\n      B: ${DB_PASSWORD}\n"
    (result,) = judge(RULE, {"compose.yaml": text})
    assert (result.kind, result.severity.label, result.location.region.start_line) == ("fail", "medium", 6)
    assert [place.region.start_line for place in result.related] == [5]
