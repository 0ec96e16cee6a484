"""`sp404audit config`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from sp404audit.cli import options, output
from sp404audit.discovery import Reader
from sp404audit.outcome import EXIT_USAGE
from sp404audit.policy.loading import PolicyError, resolve
from sp404audit.policy.model import Policy
from sp404audit.policy.schema import config_schema
from sp404audit.rules import all_rules

__all__ = ["command"]


@click.group("config")
def command() -> None:
    """Show, check or describe the configuration."""


def _resolved(path: Path, asked: dict[str, Any]) -> Policy:
    try:
        return resolve(Reader(path), **asked)
    except PolicyError as error:
        output.complain(error)
        sys.exit(EXIT_USAGE)


@command.command("show")
@options.repository
@options.configuration
def show(path: Path, **asked: Any) -> None:
    """Print what is in force for the repository at PATH: policies, and each rule's severity and parameters."""
    in_force = _resolved(path, asked)
    output.print_line(f"policy {in_force.name}, from {', '.join(in_force.sources)}")
    output.print_line(f"not compliant at {in_force.fail_on.label} and above")
    rules = all_rules()
    width = max(len(rule.id) for rule in rules)
    for rule in rules:
        setting = in_force.setting(rule)
        if setting is None:
            output.print_line(f"{rule.id:<{width}}  off")
            continue
        defaults = {parameter.name: parameter.default for parameter in rule.parameters}
        values = {**defaults, **setting.parameters}
        shown = "  ".join(f"{name}={json.dumps(value)}" for name, value in values.items())
        output.print_line(f"{rule.id:<{width}}  {(setting.severity or rule.severity).label:<8}  {shown}".rstrip())
    for waiver in in_force.waivers:
        paths = ", ".join(waiver.paths)
        output.print_line(f"waiver: {waiver.rule_id} in {paths} until {waiver.until} ({waiver.owner}: {waiver.reason})")


@command.command("validate")
@options.repository
@options.configuration
def validate(path: Path, **asked: Any) -> None:
    """Check the configuration of the repository at PATH, and the policies that it extends."""
    in_force = _resolved(path, asked)
    output.print_line(f"valid: {', '.join(in_force.sources)}")


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of policy files and configurations."""
    click.echo(json.dumps(config_schema(all_rules()), indent=2))
