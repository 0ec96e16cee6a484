"""The command line: one module a subcommand, each imported when it is called.

A command parses options, calls the library and prints; what it decides is in the library.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import sys
from typing import Any

import click

from sp404audit import __version__
from sp404audit.cli import streams

__all__ = ["main"]

_COMMANDS = {
    "init": "Set sp404audit up in a repository.",
    "scan": "Audit a repository.",
    "report": "Make other reports from a JSON report.",
    "dora": "Measure delivery: DORA's metrics, MTTR, uptime, build time.",
    "rules": "List the rules.",
    "explain": "Explain a rule: why, how to mend it, examples.",
    "config": "Show, check or describe the configuration.",
    "doctor": "Tell what an audit would work with, and why.",
    "completion": "Print the completion script of a shell.",
}

# `outcome.EXIT_USAGE`, which would bring the whole audit along.
_EXIT_USAGE = 2
# As shells tell of SIGINT: 128 and the number of the signal.
_EXIT_INTERRUPTED = 130


def _collect_less_often() -> None:
    """Let Python look for cycles less often while this process lasts.

    An audit keeps very many small facts and next to no cycles: documents part with theirs (`Document.release`). At
    Python's own threshold (700) the collector would look at those facts again and again, for a fifth of the time.
    """
    gc.set_threshold(100_000, 50, 100)
    # On its way out, Python would look through all that is left once more: a tenth of a small scan.
    atexit.register(gc.freeze)


class _LazyGroup(click.Group):
    """Knows its commands by name and by what they are for; imports one when it is called."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line. Output that cannot be written is no verdict: it ends with 2, as a full file does."""
        streams.open_missing()
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            streams.give_up(sys.stdout)
            with contextlib.suppress(OSError):  # where standard error is what is full
                click.echo(f"sp404audit: cannot write the output: {error.strerror or error}", err=True)
            streams.give_up(sys.stderr)
            sys.exit(_EXIT_USAGE)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command. A mistake of ours must not end with the code that means "not compliant"."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):  # click would end with 1
            click.echo("\nsp404audit: interrupted", err=True)
            ctx.exit(_EXIT_INTERRUPTED)
        except BrokenPipeError:  # `| head` has seen enough; click would end with 1
            streams.give_up(sys.stdout)
            ctx.exit(0)
        except Exception as error:  # the last resort, with the traceback that a report needs
            if isinstance(error, OSError) and error.filename is None:  # a stream: what is opened has a name
                raise
            import traceback

            from sp404audit.reports.escape import visible

            for told in traceback.format_exc().splitlines():
                click.echo(visible(told), err=True)
            click.echo("sp404audit: a mistake in sp404audit, not in your repository; please report it", err=True)
            ctx.exit(3)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        _collect_less_often()
        module = importlib.import_module(f"sp404audit.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sp404audit", message="%(prog)s %(version)s")
def main() -> None:
    """Audit a repository's delivery pipeline against a policy, control by control, with evidence.

    \b
    sp404audit scan                       audit the repository you stand in
    sp404audit scan -f sarif:out.sarif    write SARIF too
    sp404audit explain docker/non-root-user

    Exit codes: 0 compliant, 1 not compliant, 2 wrong usage or policy, 3 the audit is incomplete.
    """  # noqa: D301 (click reads the backspace: it keeps the lines of a paragraph as they are)
