"""Rules as a command line names them: completed by the shell, and with what is in force where one stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from sp404audit.cli import output

if TYPE_CHECKING:
    from sp404audit.policy.model import Policy

__all__ = ["complete_rules", "policy_here"]


def complete_rules(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete an id or a domain; of a list, the last."""
    from sp404audit.rules import DOMAINS, all_rules

    before, comma, begun = incomplete.rpartition(",")
    rules = {domain: f"every rule of {domain}" for domain in DOMAINS} | {rule.id: rule.summary for rule in all_rules()}
    found = [name for name in rules if name.startswith(begun)]
    return [CompletionItem(before + comma + name, help=rules[name]) for name in sorted(found)]


def policy_here() -> Policy | None:
    """The policy in force where the command was started; None, and a word on standard error, when it cannot be used."""
    from sp404audit.discovery import Reader
    from sp404audit.policy.loading import PolicyError, resolve

    try:
        return resolve(Reader("."))
    except PolicyError as error:
        output.complain(error)
        return None
