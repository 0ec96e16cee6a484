"""`sp404audit scan`."""

from __future__ import annotations

import datetime
import os
import sys

import click

from sp404audit.cli import ci_host, names, options, output
from sp404audit.cli.metrics import MetricsFileError, with_metrics
from sp404audit.cli.progress import Bar
from sp404audit.cli.subject import subject
from sp404audit.conductor import audit
from sp404audit.engines import ENGINES
from sp404audit.git import GitError
from sp404audit.outcome import EXIT_USAGE
from sp404audit.policy.loading import PolicyError
from sp404audit.reports import FORMATS, Options, render
from sp404audit.results import Severity
from sp404audit.scope import ScopeError

__all__ = ["command"]


def _names(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Accept `--select a,b --select c`."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _today() -> datetime.date | None:
    """The day that decides whether waivers have run out; SOURCE_DATE_EPOCH makes it reproducible."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch.isdecimal() or len(epoch) > 12:
        return None
    return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date()


@click.command("scan")
@click.argument("paths", nargs=-1, metavar="[PATH] [FILE]...")
@click.option("--changed-since", metavar="REF", help="Report only files that differ from where HEAD left this commit.")
@click.option("--staged", is_flag=True, help="Audit what is staged, not the work tree, and report only files of it.")
@click.option("--stdin-filename", metavar="FILE", help="Read this file of the repository from standard input.")
@options.configuration
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(list(ENGINES)),
    help="Only this source of results; repeatable. Default: all that apply.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="RULE",
    callback=_names,
    shell_complete=names.complete_rules,
    help="Ask only these rules or domains; repeatable, or comma-separated.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="RULE",
    callback=_names,
    shell_complete=names.complete_rules,
    help="Ask none of these rules or domains; likewise.",
)
@click.option(
    "--fail-on",
    type=click.Choice(options.SEVERITIES),
    help="Least severity that makes the repository not compliant. Default: the policy's.",
)
@options.min_severity
@options.report_format
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Earlier report (sarif or json): only what is new counts.",
)
@click.option(
    "--dora",
    metavar="[FILE]",
    is_flag=False,
    flag_value="",
    help="Add delivery metrics, from git alone or as `sp404audit dora -f json:FILE` wrote them. Their targets count.",
)
@click.option(
    "--no-cache", is_flag=True, help="Audit unchanged files again, too. A cache is kept for large trees only."
)
@click.option(
    "--path-prefix",
    metavar="FOLDER",
    help="Folder of the repository that PATH is, for formats that count paths from the top. Found by itself on CI.",
)
@click.option("--category", metavar="NAME", help="What code scanning tells SARIF apart by. Default: the folder's.")
@click.option(
    "--no-github-summary",
    is_flag=True,
    help="Do not append to the summary of the step where GITHUB_STEP_SUMMARY is set.",
)
@options.quiet
@options.verbose
def command(
    paths: tuple[str, ...],
    changed_since: str | None,
    staged: bool,
    stdin_filename: str | None,
    policy: str | None,
    engines: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: str | None,
    min_severity: str | None,
    formats: tuple[str, ...],
    baseline: str | None,
    dora: str | None,
    isolated: bool,
    config: str | None,
    no_cache: bool,
    path_prefix: str | None,
    category: str | None,
    no_github_summary: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Audit the repository at PATH (default: where you stand).

    With FILEs, the whole repository is judged and only what concerns these files is reported.

    Exit codes: 0 compliant, 1 not compliant, 2 wrong usage or policy, 3 the audit is incomplete.
    """
    targets = output.targets(formats, FORMATS)
    asked = subject(paths, stdin_filename)
    try:
        with Bar(quiet=quiet) as bar:
            finished = audit(
                asked.root,
                policy=policy,
                isolated=isolated,
                config=config,
                engines=engines or None,
                select=select,
                ignore=ignore,
                fail_on=fail_on,
                baseline=baseline,
                today=_today(),
                fingerprints=any(target.format != "text" for target in targets),
                cache=False if no_cache else None,
                files=asked.files,
                changed_since=changed_since,
                staged=staged,
                contents=asked.contents,
                progress=bar,
            )
        if dora is not None:
            in_force = {"policy": policy, "isolated": isolated, "config": config}
            finished = with_metrics(finished, asked.root, dora, **in_force)
    except (PolicyError, NotADirectoryError, ScopeError, GitError, MetricsFileError) as error:
        output.complain(error)
        sys.exit(EXIT_USAGE)
    chosen = Options(
        min_severity=Severity.parse(min_severity) if min_severity else Severity.NOTE,
        quiet=quiet,
        verbose=verbose,
        color=output.wants_color(),
        width=output.width(),
        repository_url=ci_host.repository_url(),
        path_prefix=ci_host.path_prefix(asked.root) if path_prefix is None else path_prefix,
        category=category or "",
    )
    if os.environ.get(ci_host.SUMMARY_VARIABLE) and not no_github_summary:
        ci_host.append_summary(finished, chosen)
    written = output.write_reports(targets, chosen, lambda name, how: render(name, finished, how))
    sys.exit(finished.exit_code if written else EXIT_USAGE)
