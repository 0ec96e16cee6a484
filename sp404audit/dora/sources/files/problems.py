"""What is wrong with records of event files: told one by one with their place, then counted."""

from __future__ import annotations

from sp404audit.dora.events import Note
from sp404audit.records import NamedTuple

__all__ = ["Place", "Problems", "RecordError"]

MAX_TOLD = 20
"""How many problems of one file are told in full; the others are counted."""

MAX_REMARKS = 50
"""How many different remarks are told; a file can hold any number of different unknown keys."""


class Place(NamedTuple):
    """Where a record stands: a file, and a line (`:12`) or the way to it inside JSON (`[3]`, `.builds[0]`)."""

    path: str
    within: str = ""

    def __str__(self) -> str:
        return f"{self.path}{self.within}"


class RecordError(ValueError):
    """A record that cannot be used; the text names the key and the way out. `id` is that of the note about it."""

    def __init__(self, message: str, id: str = "events/record") -> None:  # noqa: A002
        super().__init__(message)
        self.id = id


class Problems:
    """Collects notes about files; `lossy` once anything that was meant as an event is not among the events."""

    def __init__(self) -> None:
        self.lossy = False
        self._told: dict[str, list[Note]] = {}
        self._more: dict[str, int] = {}
        self._remarks: dict[tuple[str, str], int] = {}

    def lost(self, place: Place, id: str, message: str) -> None:  # noqa: A002
        """Tell of a record or a file that could not be used."""
        self.lossy = True
        told = self._told.setdefault(place.path, [])
        if len(told) < MAX_TOLD:
            told.append(Note(id, f"{place}: {message}"))
        else:
            self._more[place.path] = self._more.get(place.path, 0) + 1

    def remark(self, id: str, message: str) -> None:  # noqa: A002
        """Count something that people should know and that costs no event; `{n}` in the text becomes how often."""
        key = (id, message)
        if key not in self._remarks and len(self._remarks) >= MAX_REMARKS:
            key = ("events/remarks", "{n} more remarks of other kinds")
        self._remarks[key] = self._remarks.get(key, 0) + 1

    def notes(self) -> tuple[Note, ...]:
        """Everything told, file by file, then the remarks."""
        notes = []
        for path, told in sorted(self._told.items()):
            notes += told
            if path in self._more:
                notes.append(Note("events/record", f"{path}: {self._more[path]:,} more records could not be used"))
        notes += [Note(name, text.replace("{n}", f"{n:,}")) for (name, text), n in sorted(self._remarks.items())]
        return tuple(notes)
