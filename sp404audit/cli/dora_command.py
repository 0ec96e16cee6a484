"""`sp404audit dora`: the metrics report, what lies behind a figure, and events for other tools to send."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sp404audit.cli import options, output
from sp404audit.cli.dora_event import command as _event
from sp404audit.dora.figures import METRICS, MetricsReport
from sp404audit.outcome import EXIT_COMPLIANT, EXIT_INCOMPLETE, EXIT_NOT_COMPLIANT, EXIT_USAGE
from sp404audit.reports import Options
from sp404audit.reports.dora import APPENDED, FOLDER_FORMATS, FORMATS, render, render_folder

__all__ = ["command"]


class _ReportByDefault(click.Group):
    """`dora PATH` reports; `dora explain` and `dora event` are commands. A folder of that name is `./explain`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the default command before arguments that name none."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["report", *args]
        return super().parse_args(ctx, args)


@click.group("dora", cls=_ReportByDefault, subcommand_metavar="[PATH] | explain METRIC [PATH] | event KIND")
def command() -> None:
    """Measure delivery: DORA's five metrics, and MTTR, uptime and build time, against the policy's targets.

    \b
    sp404audit dora                                   from this repository's git history alone
    sp404audit dora . --github --prometheus http://localhost:9090
    sp404audit dora --events incidents.csv -f html:metrics.html
    sp404audit dora explain lead_time                 the events behind a figure

    `sp404audit dora report --help` lists the options.

    Exit codes: 0 no target is missed, 1 a target is missed, 2 wrong usage or policy, 3 a source told only a part, or,
    with --require-evidence, a target is not proven.
    """  # noqa: D301 (click reads the backspace: it keeps the lines of a paragraph as they are)


def _repository(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no repository: after `--github`, a path would be taken for one."""
    if (
        value is None
        or value == "auto"
        or (value.count("/") == 1 and not value.startswith(("/", ".")) and value[-1] != "/")
    ):
        return value
    raise click.BadParameter(f"{value!r} is no OWNER/REPO; write the path before --github")


command.add_command(_event)

_OPTIONS: list[Callable[[Any], Any]] = [
    click.argument("path", default=".", type=click.Path(file_okay=False, path_type=Path)),
    options.configuration,
    click.option("--since", metavar="WHEN", help="Beginning of the window: a date, or a span such as 90d (default)."),
    click.option("--until", metavar="WHEN", help="End of the window, itself not in it. Default: --as-of."),
    click.option(
        "--as-of",
        metavar="WHEN",
        envvar="SOURCE_DATE_EPOCH",
        help="The moment that counts as now, so that a report can be made again. Default: now.",
    ),
    click.option("--timezone", metavar="ZONE", default="UTC", show_default=True, help="Where days and weeks begin."),
    click.option("--service", metavar="NAME", default="", help="Only this service of the policy's metrics.services."),
    click.option(
        "--events",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True),
        metavar="FILE",
        multiple=True,
        help="Event file (JSON, NDJSON, CSV, CDEvents, PagerDuty); - for stdin.",
    ),
    click.option(
        "--github",
        metavar="[OWNER/REPO]",
        is_flag=False,
        flag_value="auto",
        callback=_repository,
        help="Ask GitHub too, with the token in GITHUB_TOKEN or GH_TOKEN. Without a value: the remote `origin`.",
    ),
    click.option(
        "--api-budget",
        type=click.IntRange(1),
        metavar="N",
        default=500,
        show_default=True,
        help="Most requests to GitHub; what is left over then is told.",
    ),
    click.option("--prometheus", metavar="URL", help="Ask this Prometheus for uptime."),
]


def _asked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what is measured."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@command.command("report")
@_asked
@click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[:FILE]",
    help=f"{', '.join([*FORMATS, *FOLDER_FORMATS])}; to the screen, a file or a folder; repeatable.",
)
@click.option("--require-evidence", is_flag=True, help="End with 3 when a target is not proven.")
@click.option("-q", "--quiet", is_flag=True, help="Print the table only.")
@click.option("-v", "--verbose", is_flag=True, help="Print definitions, exclusions and bands, too.")
def _report(
    formats: tuple[str, ...], *, require_evidence: bool, quiet: bool, verbose: bool, path: Path, **asked: Any
) -> None:
    """Report on the repository at PATH (default: where you stand)."""
    targets = output.targets(formats, FORMATS, FOLDER_FORMATS)
    finished = _measured(path, asked)
    written = _write(finished, targets, _options(quiet=quiet, verbose=verbose))
    sys.exit(_exit_code(finished, require_evidence=require_evidence) if written else EXIT_USAGE)


class _Metric(click.Choice[str]):
    """A metric by its name; `lead-time`, as controls and anchors write it, is `lead_time`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(str(value).removeprefix("dora/").replace("-", "_"), param, ctx)


@command.command("explain")
@click.argument("metric", type=_Metric(METRICS), metavar="METRIC")
@_asked
def _explain(metric: str, path: Path, **asked: Any) -> None:
    """Show the events behind METRIC, each with the rule by which it counted or did not."""
    from sp404audit.reports.dora.explain import explain

    chosen = _options()
    output.print_report(explain(_measured(path, asked), metric, chosen), color=chosen.color)


def _measured(path: Path, asked: dict[str, Any]) -> MetricsReport:
    """Measure; whatever makes that impossible is told with the way out."""
    from sp404audit.dora.measure import MeasureError, measure
    from sp404audit.policy.loading import PolicyError

    try:
        return measure(path, **asked)
    except (MeasureError, PolicyError, NotADirectoryError) as error:
        output.complain(error)
        sys.exit(EXIT_USAGE)


def _options(*, quiet: bool = False, verbose: bool = False) -> Options:
    width = output.width(120)
    return Options(quiet=quiet, verbose=verbose, color=output.wants_color(), width=width)


def _write(finished: MetricsReport, targets: list[output.Target], chosen: Options) -> bool:
    """Write every report; folders and files that grow in their own way."""
    written = True
    for target in targets:
        if target.format in FOLDER_FORMATS:
            assert target.file is not None
            written = output.write_folder(target.file, render_folder(target.format, finished)) and written
            continue
        text = render(target.format, finished, chosen._replace(color=chosen.color and target.file is None))
        if target.file is None:
            output.print_report(text, color=chosen.color)
        else:
            written = output.write_file(target.file, text, append=target.format in APPENDED) and written
    return written


def _exit_code(finished: MetricsReport, *, require_evidence: bool) -> int:
    if finished.missed:
        return EXIT_NOT_COMPLIANT
    unproven = any(figure.verdict == "not proven" for figure in finished.figures)
    partial = any(source.partial for source in finished.sources)
    return EXIT_INCOMPLETE if partial or (require_evidence and unproven) else EXIT_COMPLIANT
