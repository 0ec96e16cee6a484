"""GitLab's code quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.reports.escape import decodable, line, visible
from sp404audit.results import WHOLE_FILE, Notification, Region, Result, Severity

if TYPE_CHECKING:
    from sp404audit.outcome import Audit
    from sp404audit.reports import Options

__all__ = ["render"]

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.NOTE: "info",
}
_NOT_AUDITED = {"error": "major", "warning": "minor"}


def render(audit: Audit, options: Options) -> str:
    """Write the failures that count, and what could not be audited, a line each; no two have the same fingerprint."""
    seen: dict[str, int] = {}
    lines = []
    for issue in _issues(audit, options):
        name = str(issue["fingerprint"])
        seen[name] = seen.get(name, 0) + 1
        issue["fingerprint"] = _digest(name, str(seen[name]))
        lines.append(json.dumps(issue, separators=(",", ":")))
    return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"


def _issues(audit: Audit, options: Options) -> Iterator[dict[str, object]]:
    for notification in audit.notifications:
        if notification.level in _NOT_AUDITED:
            yield _not_audited(notification, options)
    for result in audit.failures:
        yield _issue(result, options)


def _issue(result: Result, options: Options) -> dict[str, object]:
    place = result.location
    # A report made for a terminal alone has no fingerprints.
    fingerprint = result.fingerprint or _digest(result.rule_id, place.path, " ".join(result.message.split()))
    return {
        "description": line(result.message),
        "check_name": visible(result.rule_id),
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[result.severity],
        "location": _location(options.from_top(place.path), place.region),
    }


def _not_audited(notification: Notification, options: Options) -> dict[str, object]:
    return {
        "description": f"Not audited: {line(notification.message)}",
        "check_name": visible(notification.id),
        "fingerprint": _digest(notification.id, notification.path, notification.message),
        "severity": _NOT_AUDITED[notification.level],
        "location": _location(options.from_top(notification.path or "."), notification.region or WHOLE_FILE),
    }


def _location(path: str, region: Region) -> dict[str, object]:
    return {"path": decodable(path), "lines": {"begin": region.start_line, "end": region.end_line}}


def _digest(*parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:32]
