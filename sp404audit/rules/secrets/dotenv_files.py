"""Environment files with values stay on the machine that they belong to."""

from __future__ import annotations

from sp404audit.documents.secrets.dotenv import Dotenv, Entry
from sp404audit.documents.secrets.words import holds_url_password, is_placeholder, looks_random
from sp404audit.results import WHOLE_FILE, Severity
from sp404audit.rules import Verdicts, fail, passed, rule
from sp404audit.rules.secrets.context import is_test_data

_TEMPLATE_WORDS = frozenset(("example", "sample", "template", "dist", "tmpl", "tpl", "schema", "defaults"))
_TEST_WORDS = frozenset(("test", "tests", "testing", "ci", "e2e"))
_PUBLIC_PREFIXES = (
    "NEXT_PUBLIC_", "VITE_", "NUXT_PUBLIC_", "REACT_APP_", "VUE_APP_", "GATSBY_", "EXPO_PUBLIC_", "PUBLIC_",
    "STORYBOOK_",
)  # fmt: skip
"""Frameworks put variables with these beginnings into what every browser loads."""
_NAMED = 3


@rule("secrets/dotenv-tracked", severity="high", equivalents=("secretlint:no-dotenv",), cwe=[538, 798])
def dotenv_tracked(file: Dotenv) -> Verdicts:
    """Environment files in the repository hold no credentials.

    A `.env` with values is read by everyone who can read the repository, and its values stay in the history when it is
    deleted. What belongs into the repository is an example (`.env.example`) that names the variables.

    Empty values, placeholders, references to variables or secret stores, and ciphertext (SOPS, dotenvx) are fine. An
    example may also hold the weak passwords of a development database, but nothing that looks like a real key.
    Variables that a framework publishes anyway (`NEXT_PUBLIC_…`, `VITE_…`) are worth a note.

    Fix: `git rm --cached` the file, list it in .gitignore, put an example without values in its place, and replace the
    credentials.

    Passes (an example):
        --- .env.example
        DB_HOST=localhost
        DB_PASSWORD=
        API_KEY=your-api-key

    Passes (only settings):
        COMPOSE_PROJECT_NAME=shop
        TAG=1.4.2

    Fails:
        DB_HOST=db.internal
        DB_PASSWORD=correct-horse-battery

    Fails (an example with something that looks real):
        --- .env.example
        API_KEY=k3Yq9LmW2xZt7RbNv5Hs8PdF
    """
    words = set(file.source.path.rpartition("/")[2].lower().replace("-", ".").replace("_", ".").split("."))
    is_template = not words.isdisjoint(_TEMPLATE_WORDS)
    found = [entry for entry in file.entries if _is_credential(entry, is_template=is_template)]
    published = [entry for entry in found if entry.name.startswith(_PUBLIC_PREFIXES)]
    secret = [entry for entry in found if entry not in published] or published
    if not secret:
        yield passed(WHOLE_FILE, "placeholders only" if is_template else "no credential in it")
        return
    severity = Severity.HIGH
    if secret is published:
        severity = Severity.NOTE
    elif is_test_data(file.source.path) or not words.isdisjoint(_TEST_WORDS):
        severity = Severity.MEDIUM
    names = ", ".join(entry.name for entry in secret[:_NAMED])
    more = f" and {len(secret) - _NAMED} more" if len(secret) > _NAMED else ""
    remedy = "leave the value out" if is_template else "take the file out of git, and replace what it held"
    related = tuple((entry.region, f"{entry.name} has a value") for entry in secret[1:])
    yield fail(
        secret[0].region, f"{names}{more} in the repository with a value: {remedy}", severity=severity, related=related
    )


def _is_credential(entry: Entry, *, is_template: bool) -> bool:
    value = entry.value or ""
    if not entry.holds_secret or entry.is_reference or is_placeholder(value):
        return False
    if not is_template:
        return True
    return looks_random(value) and not holds_url_password(value)
