"""A progress bar for long work: on a terminal, and only when the work turns out to be long."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["SECONDS_BEFORE", "Bar"]

SECONDS_BEFORE = 1.0
"""How long work takes before it is called long; until then, nothing is even imported."""


class Bar:
    """Shows on standard error how many files are done, from the second second on.

    A bar that is not wanted (no terminal, in CI, `--quiet`) does nothing. It cleans up after itself, so that the report
    stands alone on the screen.

    Args:
        quiet: whether the user wants none.
    """

    def __init__(self, *, quiet: bool) -> None:
        is_terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._wanted = is_terminal and not quiet and not os.environ.get("CI")
        self._start = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __call__(self, done: int, total: int) -> None:
        """Take note of how far the work is."""
        if not self._wanted:
            return
        if self._bar is None:
            if time.monotonic() - self._start < SECONDS_BEFORE:
                return
            self._bar, self._task = _shown(total)
        assert self._task is not None
        text = "judging across files" if done == total else "auditing files"
        self._bar.update(self._task, completed=done, total=total, description=text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _shown(total: int) -> tuple[Progress, TaskID]:
    """Show a bar; it is gone when it stops."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("auditing files", total=total)
    bar.start()
    return bar, task
