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
WHEELS = ROOT / ".ci/wheels"
TOOLS = ROOT / ".ci/tools/bin"
AXE = ROOT / ".ci/node_modules/axe-core/axe.min.js"
GITHUB_OPENAPI = ROOT / ".ci/node_modules/@octokit/openapi/generated/api.github.com.json"
PRISM = ROOT / ".ci/node_modules/@stoplight/prism-cli/dist/index.js"
PROMETHEUS = ROOT / ".ci/prometheus/usr/bin"

for name in (
    "GITHUB_STEP_SUMMARY",
    "GITHUB_WORKSPACE",
    "GITHUB_SHA",
    "GITHUB_ACTIONS",
    "CI_PROJECT_DIR",
    "CI_COMMIT_SHA",
):
    os.environ.pop(name, None)  # on a runner, no scan of a test may write into the run's own summary
# Where this is set, each process that a test starts would compile every module of ours again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


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


def _no_prometheus() -> str:
    return "" if os.access(PROMETHEUS / "promtool", os.X_OK) else f"no promtool at {PROMETHEUS}; .ci/run unpacks it"


def _no_github_openapi() -> str:
    return (
        "" if GITHUB_OPENAPI.is_file() else f"no description of GitHub's API at {GITHUB_OPENAPI}; .ci/run installs it"
    )


def _no_prism() -> str:
    if not shutil.which("node"):
        return "no node on the PATH"
    return "" if PRISM.is_file() else f"no Prism at {PRISM}; .ci/run installs it"


def _no_pre_commit() -> str:
    if not importlib.util.find_spec("pre_commit"):
        return "pre-commit is not installed; pip install --group test"
    return "" if any(WHEELS.glob("hatchling-*.whl")) else f"no wheels in {WHEELS}; .ci/run downloads them"


def _no_pdftotext() -> str:
    return "" if shutil.which("pdftotext") else "no pdftotext on the PATH (poppler-utils); .ci/run installs it"


def _no_wheels() -> str:
    return "" if any(WHEELS.glob("sarif_om-*.whl")) else f"no wheels in {WHEELS}; .ci/run downloads them"


def _no_tools() -> str:
    return "" if (TOOLS / "zizmor").is_file() else f"no zizmor and check-jsonschema in {TOOLS}; .ci/run installs them"


PARTS: dict[str, Callable[[], str]] = {
    "checkov": _no_module("checkov"),
    "pip-audit": _no_module("pip_audit"),
    "multitool": _no_multitool,
    "chromium": _no_chromium,
    "axe": _no_axe,
    "pdftotext": _no_pdftotext,
    "pre-commit": _no_pre_commit,
    "tools": _no_tools,
    "wheels": _no_wheels,
    "github-openapi": _no_github_openapi,
    "prism": _no_prism,
    "prometheus": _no_prometheus,
}
"""What a test may need beyond the test group; each tells why it is missing, or an empty string."""


class GitRepository:
    """A real git repository to test with, made below `root`; nobody's own settings count in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", ".")

    def git(self, *arguments: str, input: bytes | None = None) -> bytes:  # noqa: A002
        """Run any git command, as a committer at a fixed time, and return what it prints."""
        names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _COMMITTER.items()}
        settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment = {**kept, **names, **settings}
        command = ["git", *arguments]
        finished = subprocess.run(command, cwd=self.root, env=environment, input=input, capture_output=True)
        assert finished.returncode == 0, finished.stderr.decode()
        return finished.stdout

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file of the work tree."""
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text.encode() if isinstance(text, str) else text)
        return full

    def commit(self, message: str = "change") -> str:
        """Commit all there is, even if that is nothing, and return the commit's name."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "--no-verify", "-m", message)
        return self.git("rev-parse", "HEAD").decode().strip()


_COMMITTER = {"NAME": "Ada", "EMAIL": "ada@example.com", "DATE": "2026-01-05T12:00:00Z"}


@pytest.fixture
def make_git() -> type[GitRepository]:
    """Makes real git repositories."""
    return GitRepository


_LONGEST_NAME = 60


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a case after the beginning of a long text: names are handed to every worker, and to every process."""
    if not isinstance(val, str | bytes) or len(val) <= _LONGEST_NAME:
        return None
    head = val[:_LONGEST_NAME]
    return f"{head.encode('unicode_escape').decode() if isinstance(head, str) else repr(head)}... of {len(val)}"


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
def chromium() -> str:
    """Where the browser is. For tests marked `heavy("chromium")`."""
    return CHROMIUM


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which finds what keeps people from using a page. For tests marked `heavy("axe")`."""
    return AXE.read_text("utf-8")


@pytest.fixture(scope="session")
def sarif_schema() -> Any:
    """The OASIS schema of SARIF 2.1.0, as the multitool's package carries it. For tests marked `heavy("multitool")`."""
    return json.loads((MULTITOOL.parent / "sarif-2.1.0.json").read_text("utf-8"))


@pytest.fixture
def sarif_problems(sarif_schema: Any, tmp_path: Path) -> Callable[..., list[str]]:
    """Validates logs by the schema and by the multitool. For tests marked `heavy("multitool")`.

    Returns a function from the text of any number of logs to their errors and warnings, as text. The multitool
    overlooks what the schema finds (an unknown level) and the other way round, and it ends with 0 whatever it finds.
    It takes two seconds to start: hand it all logs at once. A log that the schema refuses is kept from it, because it
    would say nothing of the others either.
    """
    import jsonschema

    def problems(*logs: str) -> list[str]:
        validator = jsonschema.validators.validator_for(sarif_schema)(sarif_schema)
        found: list[str] = []
        readable: dict[int, str] = {}
        for number, log in enumerate(logs):
            errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(log))]
            found.extend(f"log {number} by the schema: {error}" for error in errors)
            if not errors:
                readable[number] = log
        return found + _multitool(readable, tmp_path)

    return problems


def _multitool(logs: dict[int, str], folder: Path) -> list[str]:
    """What the multitool finds in logs, by number."""
    subjects = [folder / f"subject{number}.sarif" for number in logs]
    for subject, log in zip(subjects, logs.values(), strict=True):
        subject.write_text(log, "utf-8")
    report = folder / "validation.sarif"
    options = ["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning", "--kind", "Fail", "--log", "ForceOverwrite"]
    options += ["--max-file-size-in-kb", "100000", "-o", str(report)]
    done = subprocess.run([MULTITOOL, "validate", *subjects, *options], check=True, capture_output=True, timeout=300)
    assert f"{len(logs)} files scanned" in done.stdout.decode(), done.stdout.decode()
    (run,) = json.loads(report.read_text("utf-8-sig"))["runs"]
    found = []
    for result in run.get("results", []):
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        number = uri.rpartition("subject")[2].partition(".")[0]
        found.append(f"log {number} by the multitool: {result['ruleId']}: {result['message']}")
    for invocation in run.get("invocations", []):
        for kind in ("toolExecutionNotifications", "toolConfigurationNotifications"):
            notes = [note for note in invocation.get(kind, []) if note.get("level", "warning") == "error"]
            found.extend(f"multitool: {note['message']}" for note in notes)
    return found
