"""Options and arguments that several commands have: each is declared once, and reads the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sp404audit.reports import FORMATS
from sp404audit.results import Severity

__all__ = [
    "SEVERITIES",
    "configuration",
    "listing_format",
    "min_severity",
    "quiet",
    "report_format",
    "repository",
    "verbose",
]

SEVERITIES = [severity.label for severity in reversed(Severity)]

_Command = Callable[..., Any]

repository = click.argument("path", default=".", type=click.Path(file_okay=False, exists=True, path_type=Path))

report_format = click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[:FILE]",
    help=f"Report format, to the screen or to a file; repeatable. One of {', '.join(FORMATS)}.",
)
listing_format = click.option(
    "-f", "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)
min_severity = click.option(
    "--min-severity", type=click.Choice(SEVERITIES), help="Least severity that the text report shows."
)
quiet = click.option("-q", "--quiet", is_flag=True, help="Print failures only, no summary.")
verbose = click.option(
    "-v", "--verbose", is_flag=True, help="Print passed and unproven controls with their evidence, too."
)


def configuration(command: _Command) -> _Command:
    """What says which policy is in force: `--policy`, `--isolated` and `--config`."""
    for option in (
        click.option(
            "--config", metavar="FILE", help="Configuration, a file of the repository. Default: found by its name."
        ),
        click.option("--isolated", is_flag=True, help="Leave the repository's own configuration out."),
        click.option(
            "--policy", metavar="NAME|FILE", help="Policy to start from: recommended, strict, sp404, or a file."
        ),
    ):
        command = option(command)
    return command
