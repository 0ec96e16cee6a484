"""checkov as a source of results (https://www.checkov.io): Terraform, Kubernetes, Dockerfiles and workflows.

Measured facts that shape this adapter (checkov 3.3.30): it loads Python that a `.checkov.yaml` in its working folder
names; it follows links and blocks on a FIFO; it says nothing of a Kubernetes file that it cannot parse; its severity
is null without an account; its JSON is one object, or a list of them, or a summary when nothing was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sp404audit.discovery import Discovery, Reader
from sp404audit.engines.process import ToolRun
from sp404audit.results import EngineRun, Location, Notification, Region, Result, Severity

__all__ = ["FRAMEWORKS", "Run"]

FRAMEWORKS = {
    "terraform": "terraform",
    "tfvars": "terraform",
    "kubernetes": "kubernetes",
    "dockerfile": "dockerfile",
    "workflow": "github_actions",
}
"""checkov's name for what it makes of each kind of file."""

_SEVERITIES = {"critical": Severity.CRITICAL, "high": Severity.HIGH, "medium": Severity.MEDIUM, "low": Severity.LOW}
_LINES = 1_000_000


class Run:
    """checkov at work: started when this is made, done when `results` is called."""

    def __init__(self, reader: Reader, found: Discovery, version: str) -> None:
        files = [file for file in found.files if file.kind in FRAMEWORKS]
        frameworks = sorted({FRAMEWORKS[file.kind] for file in files})
        arguments = ["-d", "{input}", "--skip-download", "--compact", "--quiet", "-o", "json", "--framework"]
        self.engine = EngineRun("checkov", version)
        self.notifications: list[Notification] = []
        self._tool = ToolRun("checkov.main", [*arguments, *frameworks], reader, (file.path for file in files))

    def results(self) -> list[Result]:
        """Wait for checkov and return its failures."""
        done = self._tool.finish()
        reports = _reports(done.output)
        if done.code not in (0, 1) or reports is None:
            why = "took too long" if done.code is None else f"ended with {done.code}"
            last = done.errors.strip().rpartition("\n")[2][:200]
            message = f"checkov {why}; its checks were not evaluated{': ' + last if last else ''}"
            self.notifications.append(Notification("engine/failed", "error", message))
            return []
        return sorted(_failures(reports), key=lambda result: (result.location, result.rule_id))


def _reports(output: str) -> list[dict[str, Any]] | None:
    """The reports of all frameworks, in whichever of its three shapes checkov wrote them."""
    import json

    try:
        parsed = json.loads(output)
    except (ValueError, RecursionError):
        return None
    reports = parsed if isinstance(parsed, list) else [parsed]
    return [report for report in reports if isinstance(report, dict)]


def _failures(reports: Iterable[dict[str, Any]]) -> Iterator[Result]:
    for report in reports:
        results = report.get("results")
        for record in results.get("failed_checks", ()) if isinstance(results, dict) else ():
            yield _result(record)


def _result(record: dict[str, Any]) -> Result:
    check = str(record.get("check_id"))
    lines = record.get("file_line_range") or [1, 1]
    first, last = (min(max(int(line), 1), _LINES) for line in (lines[0], lines[-1]))
    resource = str(record.get("resource") or "")
    name = str(record.get("check_name") or check)
    message = f"{name} ({resource})" if resource and not resource.startswith("/") else name
    path = str(record.get("file_path") or "").lstrip("/")
    return Result(
        rule_id=f"checkov/{check}",
        kind="fail",
        severity=_SEVERITIES.get(str(record.get("severity")).lower(), Severity.MEDIUM),
        message=message,
        location=Location(path, Region(first, 1, last, 1)),
        engine="checkov",
    )
