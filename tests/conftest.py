"""What tests of several layers need: the `heavy` marker and the validators that `.ci/run` installs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
MULTITOOL = Path(
    os.environ.get("SARIF_MULTITOOL", ROOT / ".ci/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool")
)

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), "")
AXE = ROOT / ".ci/node_modules/axe-core/axe.min.js"


def _no_module(name: str) -> Callable[[], str]:
    def reason() -> str:
        return "" if importlib.util.find_spec(name) else f"{name} is not installed; pip install -e '.[engines]'"

    return reason


def _no_multitool() -> str:
    if MULTITOOL.is_file() and os.access(MULTITOOL, os.X_OK):
        return ""
    return f"no SARIF multitool at {MULTITOOL}; .ci/run installs it"


def _no_chromium() -> str:
    if not importlib.util.find_spec("playwright"):
        return "playwright is not installed; pip install --group test"
    return "" if CHROMIUM else "no chromium on the PATH; .ci/run installs it"


def _no_axe() -> str:
    return "" if AXE.is_file() else f"no axe-core at {AXE}; .ci/run installs it"


def _no_pdftotext() -> str:
    return "" if shutil.which("pdftotext") else "no pdftotext on the PATH (poppler-utils); .ci/run installs it"


PARTS: dict[str, Callable[[], str]] = {
    "checkov": _no_module("checkov"),
    "pip-audit": _no_module("pip_audit"),
    "multitool": _no_multitool,
    "chromium": _no_chromium,
    "axe": _no_axe,
    "pdftotext": _no_pdftotext,
}
"""What a test may need beyond the test group; each tells why it is missing, or an empty string."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a heavy test whose part is missing; in CI, where `.ci/run` installs every part, that is a failure."""
    for marker in item.iter_markers("heavy"):
        for part in marker.args:
            reason = PARTS[part]()
            if reason and os.environ.get("CI") == "true":
                pytest.fail(reason, pytrace=False)
            if reason:
                pytest.skip(reason)


@pytest.fixture(scope="session")
def sarif_schema() -> Any:
    """The OASIS schema of SARIF 2.1.0, as the multitool's package carries it. For tests marked `heavy("multitool")`."""
    return json.loads((MULTITOOL.parent / "sarif-2.1.0.json").read_text("utf-8"))


@pytest.fixture
def sarif_problems(sarif_schema: Any, tmp_path: Path) -> Callable[[str], list[str]]:
    """Validates a log by the schema and by the multitool. For tests marked `heavy("multitool")`.

    Returns a function from the log's text to its errors and warnings, as text. The multitool overlooks what the
    schema finds (an unknown level) and the other way round, and it ends with 0 whatever it finds.
    """
    import jsonschema

    def problems(log: str) -> list[str]:
        validator = jsonschema.validators.validator_for(sarif_schema)(sarif_schema)
        by_schema = [f"schema: {error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(log))]
        subject, report = tmp_path / "subject.sarif", tmp_path / "validation.sarif"
        subject.write_text(log, "utf-8")
        options = ["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning", "--kind", "Fail", "--log", "ForceOverwrite"]
        options += ["--max-file-size-in-kb", "100000", "-o", str(report)]
        subprocess.run([MULTITOOL, "validate", subject, *options], check=True, capture_output=True, timeout=300)
        (run,) = json.loads(report.read_text("utf-8-sig"))["runs"]
        found = [f"{each['ruleId']}: {each['message']}" for each in run.get("results", [])]
        for invocation in run.get("invocations", []):
            for kind in ("toolExecutionNotifications", "toolConfigurationNotifications"):
                notes = [note for note in invocation.get(kind, []) if note.get("level", "warning") == "error"]
                found.extend(f"multitool: {note['message']}" for note in notes)
        return by_schema + found

    return problems
