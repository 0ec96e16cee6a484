"""`sp404audit dora event`: one event from any pipeline, for `dora --events` and for any tool that reads CDEvents."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from sp404audit.cli import output
from sp404audit.outcome import EXIT_USAGE

__all__ = ["command"]


@click.group("event")
def command() -> None:
    """Write one CDEvent: a deployment, an incident or a build, as JSON to standard output or to the end of a file.

    \b
    sp404audit dora event deployment --environment production -o events.ndjson
    sp404audit dora event incident INC-7 detected --environment production --caused-by v1.4.0
    sp404audit dora event build --started-at 2026-01-31T09:00:00Z --outcome failure

    In GitHub Actions and GitLab CI/CD, commit, tag, branch, run and repository are known without being said.
    """  # noqa: D301 (click reads the backspace: it keeps the lines of a paragraph as they are)


_COMMON: list[Callable[[Any], Any]] = [
    click.option("--at", metavar="TIME", help="When: 2026-01-31T09:00:00Z, or seconds since 1970. Default: now."),
    click.option("--id", metavar="ID", help="Its own id. Default: one made of all that it says."),
    click.option("--source", metavar="URI", help="Who tells of it. Default: the repository."),
    click.option("--url", metavar="URL", help="Where people look at it. Default: the run."),
    click.option("--chain", metavar="ID", help="What links the events of one pipeline (chainId)."),
    click.option("--cloudevents", is_flag=True, help="In the envelope of CloudEvents."),
    click.option("-o", "--output", metavar="FILE", help="Add it to the end of FILE, one event a line."),
]


def _common(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_COMMON):
        function = option(function)
    return function


@command.command("deployment")
@click.option("--environment", metavar="NAME", default="", help="Where to. Needed, unless the CI service names it.")
@click.option("--service", metavar="NAME", default="", help="Which service. Default: the repository's name.")
@click.option("--sha", metavar="COMMIT", default="", help="What. Default: the commit that runs.")
@click.option("--version", metavar="NAME", default="", help="Tag or release. Default: the tag that runs.")
@click.option("--artifact", metavar="PURL", default="", help="Package URL of what was deployed.")
@click.option(
    "--kind", type=click.Choice(["deployed", "upgraded", "rolledback"]), default="deployed", show_default=True
)
@click.option("--outcome", type=click.Choice(["success", "failure"]), default="success", show_default=True)
@click.option("--production/--no-production", default=None, help="Whether it is production. Default: by its name.")
@click.option("--unplanned", is_flag=True, help="A remedy for a fault that users saw: rework.")
@click.option("--prerelease", is_flag=True, help="A release candidate or the like.")
@click.option("--remedies", metavar="NAME", default="", help="Id, version or commit of the deployment it repairs.")
@_common
def deployment(**options: Any) -> None:
    """A service was deployed, upgraded or rolled back, or the attempt failed."""
    from sp404audit.dora.emit import deployment_event

    _emit(deployment_event, options)


@command.command("incident")
@click.argument("name", metavar="ID")
@click.argument("state", type=click.Choice(["detected", "reported", "resolved"]))
@click.option("--environment", metavar="NAME", default="", help="Where. Needed, unless the CI service names it.")
@click.option("--service", metavar="NAME", default="", help="Which service.")
@click.option("--artifact", metavar="PURL", default="", help="Package URL of what is at fault.")
@click.option("--title", metavar="TEXT", default="", help="One line for people.")
@click.option("--severity", metavar="NAME", default="", help="In your own words: sev1, P2, critical.")
@click.option("--caused-by", metavar="NAME", multiple=True, help="Id, version or commit of a deployment; repeatable.")
@click.option("--ticket", metavar="URL", default="", help="Its ticket; one that is reported needs it.")
@_common
def incident(**options: Any) -> None:
    """An incident was detected, reported or resolved; ID is what its events have in common."""
    from sp404audit.dora.emit import incident_event

    _emit(incident_event, options)


@command.command("build")
@click.option("--started-at", metavar="TIME", required=True, help="When its first job began.")
@click.option("--queued-at", metavar="TIME", help="When it was asked for.")
@click.option("--outcome", type=click.Choice(["success", "failure", "cancelled"]), default="success", show_default=True)
@click.option("--workflow", metavar="NAME", default="", help="Name of the pipeline.")
@click.option("--branch", metavar="NAME", default="", help="On which branch.")
@click.option("--sha", metavar="COMMIT", default="", help="Of which commit.")
@click.option("--attempt", type=click.IntRange(1), metavar="N", default=None, help="Which attempt of the run.")
@_common
def build(**options: Any) -> None:
    """A run of a pipeline finished."""
    from sp404audit.dora.emit import build_event

    options["attempt"] = options["attempt"] or 0
    for key in ("started_at", "queued_at"):
        options[key] = _moment(f"--{key.replace('_', '-')}", options[key]) if options[key] else None
    _emit(build_event, options)


def _emit(make: Callable[..., dict[str, Any]], options: dict[str, Any]) -> None:
    from sp404audit.dora.emit import EmitError, Surroundings, as_cloudevent, as_line

    wrap, target, written = options.pop("cloudevents"), options.pop("output"), options.pop("at")
    at = _moment("--at", written) if written else int(time.time())
    for key in ("id", "source", "url", "chain"):
        options[key] = options[key] or ""
    try:
        event = make(Surroundings.of(os.environ), at, **options)
    except EmitError as error:
        output.complain(error)
        sys.exit(EXIT_USAGE)
    line = as_line(as_cloudevent(event) if wrap else event)
    if target in (None, "-"):
        click.echo(line, nl=False)
    else:
        _append(target, line)


def _moment(option: str, written: str) -> int:
    """A time by the same rules as in event files, so that what is accepted here is read there."""
    from sp404audit.dora.sources.files.problems import RecordError
    from sp404audit.dora.sources.files.values import moment

    try:
        return moment(written, option)
    except RecordError as error:
        output.complain(error)
        sys.exit(EXIT_USAGE)


def _append(path: str, line: str) -> None:
    """Add a line in one write, so that steps that run at once do not mix theirs; end a line that has no end first."""
    try:
        with open(path, "a+b") as file:  # noqa: PTH123
            data = line.encode()
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                data = data if file.read(1) == b"\n" else b"\n" + data
            file.write(data)
    except OSError as error:
        output.complain(f"{path} cannot be written: {error.strerror}")
        sys.exit(EXIT_USAGE)
