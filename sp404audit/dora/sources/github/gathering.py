"""What all parts of the collecting share: the question's frame, and the account of what was had and what was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sp404audit.dora.events import Note
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.github.client import Client, Page
from sp404audit.dora.sources.github.problems import RefusedError, StopError
from sp404audit.dora.sources.github.values import records

__all__ = ["MARGIN", "Gathering"]

MARGIN = 30 * 86_400
"""How much earlier than the window is read, in seconds: what is deployed in it was begun, and deployed to, before. A
deployment may wait for its approval for thirty days
(https://docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments)."""

_SKEW = 60
_Thing = TypeVar("_Thing")


@dataclass
class Gathering:
    """One run over one repository.

    Attributes:
        repository: `owner/name`, checked.
        counts: records by kind.
        odd: records that could not be read, by kind.
        missing: what could not be had, by kind, where it can be counted.
        notes: what people should know.
        partial: whether anything is missing.
        covers_since: from when on deployments are known; None for always.
    """

    repository: str
    settings: Settings
    window: Window
    client: Client
    counts: dict[str, int] = field(default_factory=dict)
    odd: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    notes: list[Note] = field(default_factory=list)
    partial: bool = False
    covers_since: int | None = None

    @property
    def path(self) -> str:
        """The repository's place in the API."""
        return f"/repos/{self.repository}"

    @property
    def earliest(self) -> int:
        """From when on records are of interest."""
        return max(0, self.window.since - MARGIN)

    def note(self, id: str, message: str) -> None:  # noqa: A002
        """Tell people something, once."""
        note = Note(f"github/{id}", message)
        if note not in self.notes:
            self.notes.append(note)

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Collect one kind of records; what keeps it from being complete becomes a note, and the run goes on."""
        try:
            yield
        except (RefusedError, StopError) as error:
            self.missing[what] += 0
            self._told(error)

    def items(
        self, what: str, path: str, parameters: Mapping[str, str], key: str = "", *, settled: str = ""
    ) -> Iterator[list[Mapping[str, Any]]]:
        """The records of a list, page by page; what is no record is counted.

        Raises:
            RefusedError, StopError: at the page that cannot be had.
        """
        for page in self.client.pages(self.path + path, parameters, settled=settled):
            yield self.of_page(what, page, key)

    def of_page(self, what: str, page: Page, key: str = "") -> list[Mapping[str, Any]]:
        """The records of one page."""
        found, others = records(page.data, key)
        self.odd[what] += others
        if page.is_cut:
            self.partial = True
            self.note("cut", f"the list of {what} goes on where it is not followed to: what lies behind is missing")
        return found

    def each(self, what: str, things: Iterable[_Thing], ask: Callable[[_Thing], None]) -> list[_Thing]:
        """Ask about things one by one, and return those without an answer, which are counted.

        After a stop it goes on: what was kept from an earlier run needs no question.
        """
        unanswered: list[_Thing] = []
        for thing in things:
            try:
                ask(thing)
            except (RefusedError, StopError) as error:
                # One note for the first of them is enough; how many there are is told at the end.
                if not unanswered:
                    self._told(error)
                unanswered.append(thing)
        if unanswered:
            self.missing[what] += len(unanswered)
        return unanswered

    def _told(self, error: RefusedError | StopError) -> None:
        self.partial = True
        if error.note not in self.notes:
            self.notes.append(error.note)

    def conclude(self) -> tuple[Note, ...]:
        """All notes, with what was counted along the way."""
        lost = [what.replace(" of ", f" of {n} ", 1) if n else what for what, n in sorted(self.missing.items())]
        if lost:
            self.note("incomplete", f"not read, or not all: {', '.join(lost)}; figures from these are incomplete")
        odd = [f"{what} ({n})" for what, n in sorted(self.odd.items()) if n]
        if odd:
            self.note("odd", f"records that cannot be read were left out: {', '.join(odd)}")
        skew = self.client.usage.skew
        if skew is not None and abs(skew) > _SKEW:
            side = "ahead of" if skew > 0 else "behind"
            self.note(
                "clock",
                f"GitHub's clock is {abs(skew)} s {side} this machine's: set it right, or times from both do not fit",
            )
        return tuple(self.notes)
