"""`sp404audit doctor`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from sp404audit.cli import options, output
from sp404audit.diagnosis import Diagnosis, diagnose
from sp404audit.outcome import EXIT_USAGE
from sp404audit.reports.escape import visible

__all__ = ["command"]


@click.command("doctor")
@options.repository
@options.configuration
@options.listing_format
def command(path: Path, policy: str | None, isolated: bool, config: str | None, form: str) -> None:
    """Tell what an audit of the repository at PATH would work with.

    Versions, engines, the configuration in force and where each value of it comes from, the cache, and the files found.
    Of use when something is not as expected, and in a report of a mistake.

    Exit codes: 0, or 2 when the configuration cannot be used.
    """
    found = diagnose(path, policy, isolated=isolated, config=config)
    if form == "json":
        output.print_report(json.dumps(_record(found), indent=2))
    else:
        output.print_report("\n".join(_lines(found)))
    if found.problem:
        sys.exit(EXIT_USAGE)


def _record(found: Diagnosis) -> dict[str, object]:
    return {
        "version": found.version,
        "python": found.python,
        "platform": found.platform,
        "git": found.git,
        "engines": [engine._asdict() for engine in found.engines],
        "configuration": {
            "problem": found.problem,
            "sources": list(found.sources),
            "values": [value._asdict() for value in found.values],
            "rulesInForce": found.rules_in_force,
            "rules": found.rules,
        },
        "cache": found.cache._asdict(),
        "files": found.files,
    }


def _lines(found: Diagnosis) -> Iterable[str]:
    yield f"sp404audit {found.version}"
    yield from _table([("Python", found.python), ("platform", found.platform), ("git", found.git)])
    yield "\nEngines"
    yield from _table((engine.name, engine.version or "-", engine.note) for engine in found.engines)
    yield "\nConfiguration"
    if found.problem:
        yield f"  cannot be used: {visible(found.problem)}"
    else:
        yield f"  from {visible(', '.join(found.sources))}"
        yield f"  {found.rules_in_force} of {found.rules} rules are in force; `sp404audit config show` lists them"
        yield from _table(
            (value.key, value.value, f"from {value.source}" if value.source else "") for value in found.values
        )
    yield "\nCache"
    yield f"  {visible(found.cache.folder) or 'this system has no folder for it'} ({_size(found.cache.size)})"
    yield "\nFiles"
    yield from _table((kind, str(count)) for kind, count in found.files.items())
    if not found.files:
        yield "  none of a kind that is audited"


def _table(rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    """Rows in columns that fit; text of the repository is made harmless."""
    cells = [[visible(cell) for cell in row] for row in rows]
    widths = [min(max(map(len, column)), 50) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _size(size: int) -> str:
    if not size:
        return "empty"
    return f"{size / 1024 / 1024:.1f} MiB" if size >= 1024 * 1024 else f"{size / 1024:.0f} KiB"
