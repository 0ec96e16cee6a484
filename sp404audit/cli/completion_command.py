"""`sp404audit completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["command"]

_NAME, _VARIABLE = "sp404audit", "_SP404AUDIT_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options and rules.

    \b
    bash  eval "$(sp404audit completion bash)"       in ~/.bashrc
    zsh   eval "$(sp404audit completion zsh)"        in ~/.zshrc
    fish  sp404audit completion fish | source        in ~/.config/fish/config.fish
    """  # noqa: D301 (click reads the backspace: it keeps the lines of a paragraph as they are)
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(context.find_root().command, {}, _NAME, _VARIABLE).source())
