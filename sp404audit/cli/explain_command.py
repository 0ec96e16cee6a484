"""`sp404audit explain`."""

from __future__ import annotations

import sys

import click

from sp404audit.outcome import EXIT_USAGE
from sp404audit.rules import all_rules, find

__all__ = ["command"]


@click.command("explain")
@click.argument("name", metavar="RULE")
def command(name: str) -> None:
    """Explain RULE: what it asks and why, how to mend a failure, examples, and the same check in other tools.

    RULE is an id (docker/non-root-user), or a check of another tool that we have an equivalent of (hadolint:DL3002).
    """
    found = find(name)
    if not found:
        from difflib import get_close_matches

        near = get_close_matches(name, [rule.id for rule in all_rules()], 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else "`sp404audit rules` lists them"
        click.echo(f"sp404audit: {name} is no rule; {hint}", err=True)
        sys.exit(EXIT_USAGE)
    from sp404audit.reports.markdown import rule_page

    click.echo("\n\n".join(rule_page(rule) for rule in found))
