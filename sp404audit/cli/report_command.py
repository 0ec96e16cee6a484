"""`sp404audit report`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sp404audit.cli import ci_host, options, output
from sp404audit.outcome import EXIT_COMPLIANT, EXIT_USAGE, Audit
from sp404audit.reports import FORMATS, Options, render
from sp404audit.results import Severity

__all__ = ["command"]


@click.command("report")
@click.argument("report", metavar="IN.json", type=click.Path(dir_okay=False, allow_dash=True))
@options.report_format
@options.min_severity
@click.option("--path-prefix", metavar="FOLDER", default="", help="Folder of the repository that was audited.")
@options.quiet
@options.verbose
def command(
    report: str, formats: tuple[str, ...], min_severity: str | None, path_prefix: str, quiet: bool, verbose: bool
) -> None:
    """Make reports from IN.json, which `scan -f json:IN.json` wrote, without scanning again; - reads standard input.

    Every format comes out as the scan itself would have written it.

    Exit codes: 0 all were written, 2 wrong usage, or IN.json is no such report. The verdict does not decide here.
    """
    targets = output.targets(formats, FORMATS)
    chosen = Options(
        min_severity=Severity.parse(min_severity) if min_severity else Severity.NOTE,
        quiet=quiet,
        verbose=verbose,
        color=output.wants_color(),
        width=output.width(),
        repository_url=ci_host.repository_url(),
        path_prefix=path_prefix,
    )
    audit = _read(report)
    written = output.write_reports(targets, chosen, lambda name, how: render(name, audit, how))
    sys.exit(EXIT_COMPLIANT if written else EXIT_USAGE)


def _read(name: str) -> Audit:
    from sp404audit.reports.rebuild import MAX_BYTES, ReportError, rebuild

    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        return rebuild(data)
    except OSError as error:
        reason = error.strerror or str(error)
    except ReportError as error:
        reason = str(error)
    place = "standard input" if name == "-" else name
    output.complain(f"{place}: {reason}")
    sys.exit(EXIT_USAGE)
