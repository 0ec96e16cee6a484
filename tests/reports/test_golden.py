"""What users see of a small repository, to the letter.

A change of these files is a change of what people and their tools get: look at the difference before committing it.
`UPDATE_GOLDEN=1 make test ARGS=tests/reports/test_golden.py` writes them anew.
"""

from __future__ import annotations

import datetime
import os
import re
from pathlib import Path

import pytest

from sp404audit import __version__, audit
from sp404audit.outcome import Audit
from sp404audit.reports import Options, render

GOLDEN = Path(__file__).parent.parent / "golden"

DOCUMENTED = re.compile(r'^( *\{"id":"[a-z-]+/[a-z-]+",).*', re.MULTILINE)
"""A line that describes a rule: what its documentation says is not the reports' concern."""

REPOSITORY = {
    ".github/workflows/ci.yml": """\
on: push
permissions:
  contents: read
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: acme/lint@main  # sp404audit: ignore[actions/pinned-uses] until=2027-06-30 -- replaced in June
      - run: make test
""",
    "Dockerfile": """\
FROM python:latest
COPY . /app
\tENV DB_PASSWORD=%s
CMD ["python", "-m", "app"]
""" % ("hunter" + "2"),
    "api/Dockerfile": "FROM python:3.12-slim\nRUN useradd --uid 10001 app\nUSER app\n",
    "compose.yml": 'services:\n  db:\n    image: "postgres:16\n',
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    root = tmp_path_factory.mktemp("small")
    for name, content in REPOSITORY.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode())
    return audit(
        root,
        policy="strict",
        engines=["native"],
        select=["actions/pinned-uses", "docker/non-root-user", "images/no-latest-tag"],
        today=datetime.date(2027, 1, 1),
    )


@pytest.mark.parametrize(
    ("file", "name", "options"),
    [
        ("report.txt", "text", Options()),
        ("report-verbose.txt", "text", Options(verbose=True)),
        ("report.ansi", "text", Options(color=True)),
        ("report.json", "json", Options()),
        ("report.sarif.json", "sarif", Options()),
        ("report-full.sarif.json", "sarif-full", Options()),
    ],
)
def test_golden(small: Audit, file: str, name: str, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM", raising=False)
    text = render(name, small, options).replace(f'"{__version__}"', '"VERSION"')
    text = DOCUMENTED.sub(r"\1 ...", text)
    golden = GOLDEN / file
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(text.encode())
    assert text == golden.read_bytes().decode(), f"{file} differs; UPDATE_GOLDEN=1 writes it anew"


@pytest.fixture(scope="module")
def handbook() -> Audit:
    """The handbook's own system, asked a few things: other rules may come and go without these files."""
    return audit(
        GOLDEN.parent.parent / "fixtures" / "sp404mk2",
        policy="recommended",
        engines=["native"],
        select=["actions/pinned-uses", "docker", "compose/required-variables", "secrets/openssl-enc", "terraform"],
        today=datetime.date(2027, 1, 1),
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("sp404mk2.md", "markdown"),
        ("sp404mk2.github.txt", "github"),
        ("sp404mk2.gitlab.json", "gitlab"),
        ("sp404mk2.junit.xml", "junit"),
        ("sp404mk2.csv", "csv"),
    ],
)
def test_golden_of_the_handbook(handbook: Audit, file: str, name: str) -> None:
    options = Options(repository_url="https://github.com/acme/sp404mk2/blob/" + "4" * 40, path_prefix="system")
    text = render(name, handbook, options).replace(f"sp404audit {__version__}", "sp404audit VERSION")
    golden = GOLDEN / file
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(text.encode())
    assert text == golden.read_bytes().decode(), f"{file} differs; UPDATE_GOLDEN=1 writes it anew"


def test_no_secret_is_in_any_of_them() -> None:
    for file in GOLDEN.iterdir():
        if file.is_file():
            assert "hunter" + "2" not in file.read_text("utf-8")
