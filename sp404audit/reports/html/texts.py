"""Words and links that all parts of the page use in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.reports.escape import shortened, visible
from sp404audit.results import WHOLE_FILE, Location

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["Anchors", "message", "number", "place", "prose"]

_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_ID_LENGTH = 80


class Anchors:
    """Hands out the ids of elements: the same for the same name from one report to the next, and none of them twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._repeated: dict[str, int] = {}

    def new(self, prefix: str, name: str) -> str:
        """An id that nothing else on the page has, made from a name; a repeated name gets a number."""
        letters = "".join(each if each in _ID_CHARACTERS else "-" for each in name[:_ID_LENGTH])
        wanted = f"{prefix}-{letters or 'unnamed'}"
        anchor = wanted
        while anchor in self._taken:
            self._repeated[wanted] = self._repeated.get(wanted, 1) + 1
            anchor = f"{wanted}-{self._repeated[wanted]}"
        self._taken.add(anchor)
        return anchor


def number(count: int, thing: str) -> str:
    """`1 place`, `1,200 places`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def place(location: Location) -> str:
    """`path:line:column`; the path alone where a whole file is meant."""
    path = visible(location.path) or "(repository)"
    if location.region == WHOLE_FILE:
        return path
    return f"{path}:{location.region.start_line}:{location.region.start_column}"


def message(text: str) -> str:
    """A message on one line, of the length that any message may have."""
    return shortened(visible(" ".join(text.split())))


def prose(text: str) -> Markup:
    """The Markdown that rules are documented in, as elements: paragraphs, and code between backticks.

    A backtick without a partner stays one. Everything else is text.
    """
    from markupsafe import Markup, escape

    paragraphs = []
    for paragraph in text.split("\n\n"):
        pieces = visible(" ".join(paragraph.split())).split("`")
        if len(pieces) % 2 == 0:
            pieces[-2:] = ["`".join(pieces[-2:])]
        elements = [f"<code>{escape(piece)}</code>" if at % 2 else str(escape(piece)) for at, piece in enumerate(pieces)]
        if pieces != [""]:
            paragraphs.append(f"<p>{''.join(elements)}</p>")
    return Markup("".join(paragraphs))  # noqa: S704 (every piece is escaped above)
