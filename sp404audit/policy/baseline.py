"""An earlier report as the baseline: what it knew does not count again, what is gone is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sp404audit.policy.loading import PolicyError
from sp404audit.results import Location, Region, Result, Severity

__all__ = ["FINGERPRINT_KEY", "PREFIX_KEY", "compare"]

FINGERPRINT_KEY = "sp404audit/v1"
PREFIX_KEY = "sp404audit/pathPrefix"
"""Property of a SARIF run: the folder from which its paths were made to count from the top of the repository."""

_LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW}


def compare(results: Sequence[Result], path: Path) -> Iterator[Result]:
    """Mark each failure as `new`, `unchanged` or `updated`, and add the `absent` ones.

    Args:
        results: of this audit, fingerprinted.
        path: an earlier report, SARIF or JSON.

    Raises:
        PolicyError: when the file is no such report.
    """
    known = _read(path)
    seen: set[str] = set()
    for result in results:
        earlier = known.get(result.fingerprint) if result.kind == "fail" else None
        if result.kind != "fail":
            yield result
        elif earlier is None:
            yield replace(result, baseline="new")
        else:
            seen.add(result.fingerprint)
            worse = result.severity > earlier.severity
            yield replace(result, baseline="updated" if worse else "unchanged")
    for fingerprint, earlier in sorted(known.items()):
        if fingerprint not in seen:
            yield replace(earlier, baseline="absent", fingerprint=fingerprint)


def _read(path: Path) -> dict[str, Result]:
    """The failures of an earlier report, by fingerprint."""
    import json

    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(f"baseline {path}: {error.strerror or error}; write one with --format json:FILE") from None
    except (ValueError, RecursionError):
        raise PolicyError(f"baseline {path}: is not JSON; give a report in the format sarif or json") from None
    if not isinstance(report, dict) or not ("runs" in report or "results" in report):
        raise PolicyError(f"baseline {path}: is no report of sp404audit; give one in the format sarif or json")
    try:
        if "runs" in report:
            rows = [(row, _prefix(run)) for run in report["runs"] for row in run.get("results") or ()]
            return dict(_of_sarif(*each) for each in rows if _is_failure(each[0]) and _sarif_fingerprint(each[0]))
        return dict(_of_json(row) for row in report["results"] if _is_failure(row) and row.get("fingerprint"))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PolicyError(f"baseline {path}: a result in it cannot be read ({error!r})") from None


def _is_failure(row: dict[str, Any]) -> bool:
    return row.get("kind", "fail") == "fail" and row.get("baselineState", row.get("baseline")) != "absent"


def _sarif_fingerprint(row: dict[str, Any]) -> str:
    return str((row.get("partialFingerprints") or {}).get(FINGERPRINT_KEY, ""))


def _prefix(run: dict[str, Any]) -> str:
    folder = (run.get("properties") or {}).get(PREFIX_KEY, "")
    return f"{folder}/" if folder else ""


def _of_sarif(row: dict[str, Any], prefix: str = "") -> tuple[str, Result]:
    from urllib.parse import unquote

    place = row["locations"][0]["physicalLocation"]
    region = place.get("region") or {}
    first = int(region.get("startLine", 1))
    where = Region(
        first, int(region.get("startColumn", 1)), int(region.get("endLine", first)), int(region.get("endColumn", 1))
    )
    severity = row.get("properties", {}).get("severity")
    path = unquote(place["artifactLocation"]["uri"], errors="surrogateescape")
    result = Result(
        rule_id=row["ruleId"],
        kind="fail",
        severity=Severity.parse(severity) if severity else _LEVELS[row.get("level", "warning")],
        message=row["message"]["text"],
        location=Location(path.removeprefix(prefix), where),
    )
    return _sarif_fingerprint(row), result


def _of_json(row: dict[str, Any]) -> tuple[str, Result]:
    place = row["location"]
    region = place.get("region") or {}
    first = int(region.get("startLine", 1))
    where = Region(
        first, int(region.get("startColumn", 1)), int(region.get("endLine", first)), int(region.get("endColumn", 1))
    )
    severity = Severity.parse(row["severity"])
    return row["fingerprint"], Result(row["ruleId"], "fail", severity, row["message"], Location(place["path"], where))
