"""`sp404audit rules`."""

from __future__ import annotations

import json

import click

from sp404audit.cli import names, options, output
from sp404audit.rules import Rule, all_rules

__all__ = ["command"]


@click.command("rules")
@options.listing_format
def command(form: str) -> None:
    """List every rule: its id, its severity and what it asks.

    On a terminal by domain, with what is in force where you stand; elsewhere a line each.
    """
    rules = all_rules()
    if form == "json":
        click.echo(json.dumps([_record(rule) for rule in rules], indent=2))
        return
    if output.wants_color():
        from sp404audit.reports.rule_listing import listed

        width = min(output.width(), 140)
        output.print_report(listed(rules, names.policy_here(), width), color=True)
        return
    width = max(len(rule.id) for rule in rules)
    for rule in rules:
        click.echo(f"{rule.id:<{width}}  {rule.severity.label:<8}  {rule.summary}")


def _record(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "severity": rule.severity.label,
        "summary": rule.summary,
        "security": rule.security,
        "precision": rule.precision,
        "equivalents": list(rule.equivalents),
        "cwe": list(rule.cwe),
        "controls": list(rule.controls),
        "parameters": [
            {"name": parameter.name, "type": parameter.type, "default": parameter.default}
            for parameter in rule.parameters
        ],
    }
