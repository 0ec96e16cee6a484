"""What a step and the runner tell each other: outputs, annotations, and text that is no command.

Formats: https://docs.github.com/actions/reference/workflow-commands-for-github-actions. Needs nothing but Python: the
step that installs everything else uses it, too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

__all__ = ["annotation", "home", "no_commands", "say", "set_outputs"]

_TITLE = "sp404audit"


def home() -> Path:
    """The folder below `RUNNER_TEMP` that is ours; the runner empties it after the job."""
    folder = Path(os.environ["RUNNER_TEMP"], "sp404audit")
    folder.mkdir(exist_ok=True)
    return folder


def set_outputs(values: Mapping[str, str]) -> None:
    """Set outputs of the step. A value may hold anything: none can guess the delimiter that ends it."""
    import secrets

    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8", newline="\n") as file:
        for name, value in values.items():
            delimiter = f"sp404audit_{secrets.token_hex(16)}"
            file.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def say(text: str) -> None:
    """Write a line into the log, before what any program that is started next writes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def annotation(kind: Literal["error", "warning", "notice"], text: str) -> None:
    """Write a line that GitHub shows on the page of the run."""
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    say(f"::{kind} title={_TITLE}::{escaped}")


@contextmanager
def no_commands() -> Iterator[None]:
    """Keep the runner from obeying what is printed meanwhile, whatever it looks like."""
    import secrets

    token = secrets.token_hex(16)
    say(f"::stop-commands::{token}")
    try:
        yield
    finally:
        say(f"::{token}::")
