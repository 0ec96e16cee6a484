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
    stands alone on the screen. It is shown from a thread of its own, since the longest wait is that for another tool.

    Args:
        quiet: whether the user wants none.
    """

    def __init__(self, *, quiet: bool) -> None:
        is_terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._wanted = is_terminal and not quiet and not os.environ.get("CI")
        self._start = time.monotonic()
        self._clock: _Clock | None = None

    def __call__(self, done: int, total: int) -> None:
        """Take note of how far the work is; the first time, other tools have been started already."""
        if not self._wanted:
            return
        if self._clock is None:
            self._clock = _Clock(SECONDS_BEFORE - (time.monotonic() - self._start))
        self._clock.note(done, total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._clock is not None:
            self._clock.stop()


class _Clock:
    """Waits for the work to be long, and shows a bar then."""

    def __init__(self, seconds: float) -> None:
        from threading import Lock, Timer

        self._lock = Lock()
        self._done, self._total = 0, 0
        self._is_over = False
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._timer = Timer(max(0.0, seconds), self._show)
        self._timer.daemon = True
        self._timer.start()

    def note(self, done: int, total: int) -> None:
        with self._lock:
            self._done, self._total = done, total
            self._update()

    def stop(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._is_over = True
        self._timer.join()
        if self._bar is not None:
            self._bar.stop()

    def _show(self) -> None:
        bar, task = _bar()
        with self._lock:
            if self._is_over:
                return
            self._bar, self._task = bar, task
            self._update()
            bar.start()

    def _update(self) -> None:
        if self._bar is None or self._task is None:
            return
        text = "judging across files, waiting for engines" if self._done == self._total else "auditing files"
        self._bar.update(self._task, completed=self._done, total=self._total, description=text)


def _bar() -> tuple[Progress, TaskID]:
    """Make a bar that is gone when it stops."""
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
    return bar, bar.add_task("auditing files", total=None)
