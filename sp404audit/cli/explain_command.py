"""`sp404audit explain`."""

from __future__ import annotations

import sys

import click

from sp404audit.cli import names, output
from sp404audit.outcome import EXIT_USAGE
from sp404audit.rules import all_rules, find

__all__ = ["command"]


@click.command("explain")
@click.argument("name", metavar="RULE", shell_complete=names.complete_rules)
def command(name: str) -> None:
    """Explain RULE: what it asks and why, how to mend a failure, examples, and the same check in other tools.

    RULE is an id (docker/non-root-user), or a check of another tool that we have an equivalent of (hadolint:DL3002).
    On a terminal it also tells what is in force where you stand; elsewhere it prints Markdown.
    """
    found = find(name)
    if not found:
        output.complain(f"{name} is no rule; {_hint(name)}")
        sys.exit(EXIT_USAGE)
    if not output.wants_color():
        from sp404audit.reports.markdown import rule_page

        output.print_report("\n\n".join(rule_page(rule) for rule in found))
        return
    from sp404audit.reports.rule_listing import page

    policy, width = names.policy_here(), min(output.width(), 100)
    output.print_report("\n".join(page(rule, policy, width) for rule in found), color=True)


def _hint(name: str) -> str:
    """What may have been meant: a rule of that domain, or one with a similar name."""
    from difflib import get_close_matches

    ids = [rule.id for rule in all_rules()]
    of_domain = [each for each in ids if each.startswith(f"{name.rstrip('/*')}/")]
    if of_domain:
        return f"it is a domain: {', '.join(of_domain)}"
    near = get_close_matches(name, ids, 1, 0.5)
    return f"did you mean {near[0]}?" if near else "`sp404audit rules` lists them"
