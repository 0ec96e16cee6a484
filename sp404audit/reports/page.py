"""A page for people at a terminal: lines of styled pieces.

It is made once. Plain text joins the pieces; colours are put on by rich, which is imported only then. So both say the
same, character for character.
"""

from __future__ import annotations

from sp404audit.records import NamedTuple
from sp404audit.results import Severity

__all__ = ["LEAST_WIDTH", "SEVERITY_STYLES", "Page"]

LEAST_WIDTH = 40

SEVERITY_STYLES = {
    Severity.CRITICAL: "bold magenta",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.NOTE: "blue",
}
"""How severities look, in rich's words."""


class _Piece(NamedTuple):
    text: str
    style: str = ""


class Page:
    """Lines of styled pieces. Whoever adds text from the repository escapes it first."""

    def __init__(self, width: int) -> None:
        self.width = max(width, LEAST_WIDTH)
        self._lines: list[tuple[_Piece, ...]] = []

    def line(self, *pieces: str | tuple[str, str]) -> None:
        """Add a line; a piece is a text, or a text with its style."""
        self._lines.append(tuple(_Piece(piece) if isinstance(piece, str) else _Piece(*piece) for piece in pieces))

    def gap(self) -> None:
        """Add an empty line, unless there is one or the page begins here."""
        if self._lines and self._lines[-1]:
            self._lines.append(())

    def wrapped(self, text: str, indent: str = "", style: str = "") -> None:
        """Add a paragraph, broken at blanks to the page's width; later lines are indented by two more."""
        import textwrap

        for line in textwrap.wrap(
            text, self.width, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
        ):
            self.line((line, style))

    def plain(self) -> str:
        """The page as text."""
        return "".join("".join(piece.text for piece in line).rstrip() + "\n" for line in self._lines)

    def coloured(self) -> str:
        """The page with ANSI colours, as many as the terminal says it has."""
        import io

        from rich.console import Console
        from rich.text import Text

        target = io.StringIO()
        console = Console(file=target, force_terminal=True, legacy_windows=False, highlight=False, no_color=False)
        for line in self._lines:
            text = Text()
            for piece in line:
                text.append(piece.text, piece.style)
            text.rstrip()
            console.print(text, soft_wrap=True)
        return target.getvalue()
