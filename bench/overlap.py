"""Which failed controls of a fixture other tools report as well: `python -m bench.overlap --peers VENV`.

A control counts as reported when the tool makes, anywhere in the fixture, one of the findings that its rule names as
equivalents. What the tool reports beyond that is counted, too: the lists are not the same in either direction.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.__main__ import FIXTURE, peers_folder
from sp404audit import audit


def main() -> None:
    """Print a table of the failed controls, and what else the peers report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, help="virtual environment with zizmor, hadolint and checkov")
    folder = peers_folder(parser.parse_args().peers)
    if folder is None:
        raise SystemExit("no peers to compare with")
    found = {"zizmor": _zizmor(folder), "hadolint": _hadolint(folder), "checkov": _checkov(folder)}
    report = audit(FIXTURE, engines=["native"], isolated=True, cache=False)
    failed = [verdict.rule for verdict in report.verdicts if verdict.kind == "fail"]
    print(f"{len(failed)} controls fail in {FIXTURE.name}\n")
    for rule in failed:
        print(f"{rule.id:34} {' '.join(sorted(set(rule.equivalents) & set().union(*found.values())))}")
    print()
    for name, checks in found.items():
        shared = sum(1 for rule in failed if checks & set(rule.equivalents))
        others = checks - {equivalent for rule in failed for equivalent in rule.equivalents}
        print(f"{name:9} reports {shared} of them, and {len(others)} checks beyond: {', '.join(sorted(others))}")


def _zizmor(folder: Path) -> set[str]:
    findings = _run([folder / "zizmor", "--offline", "--no-progress", "--format", "json", FIXTURE])
    return {f"zizmor:{finding['ident']}" for finding in findings}


def _hadolint(folder: Path) -> set[str]:
    findings = _run([folder / "hadolint", "-f", "json", *sorted(FIXTURE.rglob("Dockerfile"))])
    return {f"hadolint:{finding['code']}" for finding in findings}


def _checkov(folder: Path) -> set[str]:
    reports = _run([folder / "checkov", "--skip-download", "--quiet", "-o", "json", "-d", FIXTURE])
    reports = reports if isinstance(reports, list) else [reports]
    return {f"checkov:{check['check_id']}" for each in reports for check in each["results"]["failed_checks"]}


def _run(command: Sequence[str | Path]) -> Any:
    """Run a tool from an empty folder, and read the JSON that it prints; they end with 1 when they find something."""
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True)
    if not done.stdout.strip():
        raise SystemExit(f"{Path(command[0]).name} printed nothing: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
