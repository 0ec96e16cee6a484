"""Standard output and error that are closed, full, or that nobody reads any more."""

from __future__ import annotations

import os
import sys
from typing import TextIO

__all__ = ["give_up", "open_missing"]


def open_missing() -> None:
    """Give a process that was started without standard output or error (`>&-`) something to write to."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 (for as long as the process lasts)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


def give_up(stream: TextIO) -> None:
    """Send what is still written to a stream nowhere.

    What waits in its buffer would otherwise fail once more when Python ends, with a second message and exit code 120:
    https://docs.python.org/3/library/signal.html#note-on-sigpipe.
    """
    try:
        target = stream.fileno()
    except (OSError, ValueError):  # a stream of a test has no descriptor
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, target)
    os.close(nowhere)
