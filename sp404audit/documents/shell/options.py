"""The commands that switch options of the shell on and off: `set`, `shopt`, and zsh's `setopt`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sp404audit.documents.shell.model import Command

__all__ = ["SETTERS", "options_set_by"]

SETTERS = frozenset({"set", "shopt", "setopt", "unsetopt"})
"""The names of these commands."""
_OPTION_LETTERS = {"e": "errexit", "u": "nounset", "x": "xtrace", "E": "errtrace", "f": "noglob", "v": "verbose"}


def options_set_by(command: Command) -> list[tuple[bool, str]]:
    """Tell what one of the `SETTERS` switches on (True) or off (False), in order."""
    values = [word.value for word in command.arguments]
    read = _zsh_options if command.name in ("setopt", "unsetopt") else _options
    return read(values, on=command.name != "unsetopt")


def _zsh_options(values: Sequence[str | None], *, on: bool) -> list[tuple[bool, str]]:
    """Read the arguments of zsh's `setopt`, which knows neither case nor underscores: `err_exit`, `NO_UNSET`."""
    names = [value.lower().replace("_", "") for value in values if value]
    return [(on, name) for name in names] + [(not on, "nounset") for name in names if name == "unset"]


def _options(values: Sequence[str | None], *, on: bool = True) -> list[tuple[bool, str]]:
    """Read the arguments of `set`: `-euo pipefail`, `-o errexit`, `+e`; `shopt -s inherit_errexit` likewise."""
    found: list[tuple[bool, str]] = []
    index = 0
    while index < len(values):
        value = values[index]
        index += 1
        if value is None or value in ("--", "-") or value[:1] not in ("-", "+"):
            break
        on = value[0] != "+"
        for letter in value[1:]:
            if letter in ("o", "O", "s") and index < len(values):
                found.append((on, values[index] or ""))
                index += 1
            elif letter in _OPTION_LETTERS:
                found.append((on, _OPTION_LETTERS[letter]))
    return found
