"""Words and links that all parts of the page use in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import uri, visible, web_address
from sp404audit.results import WHOLE_FILE, Location

if TYPE_CHECKING:
    from markupsafe import Markup

    from sp404audit.reports import Options

__all__ = ["Anchors", "Place", "Places", "inline", "prose"]

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


class Place(NamedTuple):
    """A place as the page shows it, `path:line:column`; `href` is where it can be seen, empty where nobody says."""

    text: str
    href: str = ""


class Places:
    """Writes places, with links to where the files of this commit can be seen."""

    def __init__(self, options: Options) -> None:
        self._base = web_address(options.repository_url).rstrip("/")
        self._from_top = options.from_top

    def __call__(self, location: Location) -> Place:
        """Write a place; one without a path is the repository as a whole."""
        path, region = location.path, location.region
        if not path:
            return Place("(repository)")
        whole = region == WHOLE_FILE
        text = visible(path) if whole else f"{visible(path)}:{region.start_line}:{region.start_column}"
        if not self._base:
            return Place(text)
        lines = f"#L{region.start_line}" + (f"-L{region.end_line}" if region.end_line > region.start_line else "")
        return Place(text, f"{self._base}/{uri(self._from_top(path))}{'' if whole else lines}")


def prose(text: str) -> Markup:
    """The Markdown that rules are documented in, as elements: paragraphs, and code between backticks."""
    from markupsafe import Markup

    return Markup("").join(
        Markup("<p>{}</p>").format(inline(paragraph)) for paragraph in text.split("\n\n") if paragraph.strip()
    )


def inline(text: str) -> Markup:
    """One line of such text, with a capital first; a backtick without a partner stays one, the rest is text."""
    from markupsafe import Markup, escape

    pieces = visible(" ".join(text.split())).split("`")
    if len(pieces) % 2 == 0:
        pieces[-2:] = ["`".join(pieces[-2:])]
    pieces[0] = pieces[0][:1].upper() + pieces[0][1:]
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces))
