"""The step that audits. It never fails: what came of it are outputs, and the last step decides by them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sp404audit.action import event, inputs, uploads
from sp404audit.action.runner import annotation, home, no_commands, set_outputs
from sp404audit.git import GitError, top_folder
from sp404audit.outcome import EXIT_COMPLIANT, EXIT_INCOMPLETE, EXIT_USAGE
from sp404audit.results import Severity

__all__ = ["main"]

_TOOL = (sys.executable, "-I", "-X", "utf8", "-m", "sp404audit")


class _Files:
    """The reports of this run; each use of the action in a job has its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reports-", dir=home()))
        self.sarif = self.folder / "sp404audit.sarif"
        self.json = self.folder / "sp404audit.json"
        self.html = self.folder / "sp404audit.html"
        # Beside the folder: what is in it goes into the artifact.
        self.annotations = self.folder.with_suffix(".annotations")
        self.metrics = self.folder.with_suffix(".metrics.json")

    @property
    def formats(self) -> list[str]:
        """The options by which `sp404audit scan` writes them, and the log."""
        files = {"json": self.json, "sarif": self.sarif, "html": self.html, "github": self.annotations}
        return [*(f"--format={name}:{file}" for name, file in files.items()), "--format=text"]


def main() -> int:
    """Audit as the inputs say, write the reports, set the outputs; returns 0."""
    started_by = event.read()
    try:
        asked = inputs.read()
    except inputs.InputsError as error:
        annotation("error", str(error))
        set_outputs({"exit-code": str(EXIT_USAGE), "upload": "false", "upload-reason": "nothing was audited"})
        return 0
    files = _Files()
    code = _scan(asked, files, started_by)
    reported = files.json.is_file()
    if not reported:
        annotation("error", "nothing was audited; the log of this step tells why")
        code = code if code in (EXIT_USAGE, EXIT_INCOMPLETE) else EXIT_INCOMPLETE  # killed, perhaps
    upload = uploads.decide(asked.upload_sarif, started_by, reported=reported)
    results = _results(files.json) if reported else {}
    set_outputs({**results, **_places(files), "top": _top(asked.path), "exit-code": str(code), **upload})
    return 0


def _scan(asked: inputs.Inputs, files: _Files, started_by: event.Event) -> int:
    """Run the tool, and return its exit code; 3 where metrics are asked for and cannot be had."""
    measured = EXIT_COMPLIANT
    metrics = asked.dora
    base = _base(asked, started_by)
    with no_commands():
        if metrics == "github":
            measured = _measure(asked, files)
            metrics = str(files.metrics) if files.metrics.is_file() else "off"
        code = _run([*arguments(asked, base, metrics, summary=asked.summary), *files.formats, "--", asked.path])
        if base and files.sarif.is_file():
            # Code scanning shows by itself what a pull request changes, and takes for mended what it is not sent.
            whole = arguments(asked, "", metrics, summary=False)
            _run([*whole, f"--format=sarif:{files.sarif}", "--", asked.path])
    if measured in (EXIT_USAGE, EXIT_INCOMPLETE) and code == EXIT_COMPLIANT:
        annotation("warning", "metrics are asked for and GitHub told a part or nothing; the log of this step tells why")
        return EXIT_INCOMPLETE
    return code


def arguments(asked: inputs.Inputs, base: str, metrics: str, *, summary: bool) -> list[str]:
    """The command line of `sp404audit scan`, without formats and path.

    Args:
        asked: the inputs.
        base: the commit since which changes are reported; empty for everything.
        metrics: `off`, `git`, or a file of metrics.
        summary: whether the summary of the step is written.

    Returns:
        The words. Values are part of their option, so that none can be taken for another one.
    """
    command = ["scan"]
    options = {
        "--policy": asked.policy,
        "--config": asked.config,
        "--fail-on": asked.fail_on,
        "--min-severity": asked.min_severity,
        "--baseline": asked.baseline,
        "--category": asked.category,
        "--changed-since": base,
    }
    command += [f"{name}={value}" for name, value in options.items() if value]
    command += [f"--select={name}" for name in asked.select]
    command += [f"--ignore={name}" for name in asked.ignore]
    command += [f"--engine={name}" for name in asked.engines]
    if metrics != "off":
        # The value of this option may be left out, so one that looks like an option would be taken for the next one.
        command += ["--dora=" if metrics == "git" else f"--dora={os.path.join('.', metrics)}"]
    if not summary:
        command.append("--no-github-summary")
    return command


def _measure(asked: inputs.Inputs, files: _Files) -> int:
    """Measure delivery with what GitHub tells; only this command gets the token."""
    command = ["dora", "report", f"--github={os.environ.get('GITHUB_REPOSITORY', 'auto')}", "--quiet"]
    command += [f"--{name}={value}" for name, value in (("policy", asked.policy), ("config", asked.config)) if value]
    return _run([*command, f"--format=json:{files.metrics}", "--", asked.path], {"GITHUB_TOKEN": asked.token})


def _run(command: list[str], variables: dict[str, str] | None = None) -> int:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INPUT_")}
    colors = {} if os.environ.get("NO_COLOR") else {"FORCE_COLOR": "1"}
    environment = {"COLUMNS": "120", **kept, **colors, **(variables or {})}
    return subprocess.run([*_TOOL, *command], env=environment, check=False).returncode  # noqa: S603 (a list, no shell)


def _base(asked: inputs.Inputs, started_by: event.Event) -> str:
    """The commit since which changes are reported; empty for the whole repository."""
    # On pull_request_target, the base itself is checked out: nothing would have changed.
    proposed = started_by.name in ("pull_request", "merge_group")
    if asked.changed_only == "false" or (asked.changed_only == "auto" and not proposed):
        return ""
    found = event.base_commit(started_by, asked.path)
    if not found:
        why = "the whole repository is reported: this clone does not hold the commit that changes are compared with"
        annotation("notice", f"{why}. Set `fetch-depth: 0` of actions/checkout, or `changed-only: false` here.")
    return found


def _results(report: Path) -> dict[str, str]:
    """The outputs that tell what was found."""
    import json

    found: dict[str, Any] = json.loads(report.read_bytes())
    failures = found["totals"]["failures"]
    metrics = found.get("metrics", {}).get("metrics", {})
    return {
        **{severity.label: str(failures.get(severity.label, 0)) for severity in Severity},
        "failures": str(sum(failures.values())),
        "new": str(sum(row.get("count", 1) for row in found["results"] if row["kind"] == "fail" and _is_new(row))),
        "compliant": "true" if found["verdict"]["compliant"] else "false",
        "dora-verdicts": json.dumps({name: figure["verdict"] for name, figure in metrics.items()}),
    }


def _is_new(row: dict[str, Any]) -> bool:
    """Whether no baseline knew it; without a baseline that is each failure that counts."""
    return "suppression" not in row and row.get("baseline", "new") == "new"


def _places(files: _Files) -> dict[str, str]:
    names = {"sarif-file": files.sarif, "json-file": files.json, "html-file": files.html}
    names["annotations-file"] = files.annotations
    made = {name: str(file) for name, file in names.items() if file.is_file()}
    return {**made, "folder": str(files.folder)} if made else {}


def _top(path: str) -> str:
    """The folder of the checkout, from which the paths in SARIF count."""
    try:
        return top_folder(path)
    except GitError:
        return os.environ.get("GITHUB_WORKSPACE") or os.path.realpath(path)
