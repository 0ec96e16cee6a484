"""`sp404audit init`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sp404audit import scaffold
from sp404audit.cli import options, output
from sp404audit.outcome import EXIT_USAGE
from sp404audit.scaffold import CONFIGURATION, PRE_COMMIT, WORKFLOW, Outcome, Piece

__all__ = ["command"]


@click.command("init")
@options.repository
@click.option("--workflow", is_flag=True, help=f"Write {WORKFLOW.path}, too.")
@click.option("--pre-commit", is_flag=True, help=f"Write {PRE_COMMIT.path}, or print what to add to it, too.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command(path: Path, workflow: bool, pre_commit: bool, yes: bool) -> None:
    """Set sp404audit up in the repository at PATH (default: where you stand).

    Writes a commented .sp404audit.yaml, and what else the options name. Nothing that exists is changed. On a terminal
    it asks first, and offers the workflow and the hook.
    """
    asks = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    named = {CONFIGURATION: True, WORKFLOW: workflow, PRE_COMMIT: pre_commit}
    wanted = [piece for piece, by_option in named.items() if (_asked(piece, by_option) if asks else by_option)]
    outcomes = {piece: scaffold.lay(path, piece) for piece in wanted}
    for piece, outcome in outcomes.items():
        _tell(piece, outcome)
    _tell_next(path, outcomes)
    if any(outcome.kind == "refused" for outcome in outcomes.values()):
        sys.exit(EXIT_USAGE)


def _asked(piece: Piece, by_option: bool) -> bool:
    return click.confirm(f"Write {piece.path}, {piece.purpose}?", default=by_option)


def _tell(piece: Piece, outcome: Outcome) -> None:
    if outcome.kind == "written":
        click.echo(f"wrote {outcome.path}, {piece.purpose}")
    elif outcome.kind == "there":
        click.echo(f"{outcome.path} sets sp404audit up already; it is as it was")
    elif outcome.kind == "refused":
        output.complain(f"cannot write {outcome.path}: {outcome.reason}")
    else:
        click.echo(f"{outcome.path} exists and is as it was; this is what would make it {piece.purpose}:\n")
        click.echo(scaffold.entry(piece))


def _tell_next(path: Path, outcomes: dict[Piece, Outcome]) -> None:
    """What to do now."""
    place = "" if path == Path() else f" {path}"
    steps = [f"sp404audit scan{place}", f"sp404audit doctor{place}  # what is in force, and from where"]
    written = [outcome.path for outcome in outcomes.values() if outcome.kind == "written"]
    if PRE_COMMIT in outcomes:
        steps.append("pre-commit install")
    if written:
        steps.append(f"git add {' '.join(written)}")
    click.echo("\nNext:")
    for step in steps:
        click.echo(f"  {step}")
