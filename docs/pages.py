"""The pages of the documentation, taken apart: what the tests hold against the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
_TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")

_FENCE = re.compile(r"( *)(`{3,})([A-Za-z]*)[^`]*$")
_HEADING = re.compile(r"#{1,6} +(.*?) *$")
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`]+)`")
_ROW = re.compile(r"^\| (.*) \|$")


class Block(NamedTuple):
    """A fenced block: where it begins, its language, and its text without the indentation of the fence."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


class Link(NamedTuple):
    """A link or an image, and the text that stands for it."""

    page: Path
    line: int
    is_image: bool
    text: str
    target: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page, those at the top of the repository included."""
    top = [ROOT / name for name in _TOP if (ROOT / name).is_file()]
    return [*top, *sorted(DOCS.rglob("*.md"))]


def written() -> list[Path]:
    """The pages that people write: all but the rule reference."""
    return [page for page in pages() if page.parent != DOCS / "rules"]


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """The fenced blocks of a page in these languages; all blocks without one."""
    yield from (block for block in _parts(page)[0] if not languages or block.language in languages)


def prose(page: Path) -> list[tuple[int, str]]:
    """The lines of a page that stand in no block, with their numbers."""
    return _parts(page)[1]


def spans(page: Path) -> Iterator[tuple[int, str]]:
    """The pieces of code within the prose of a page; one may run on over a line's end."""
    text = "\n".join(text for _, text in prose(page))
    numbers = [number for number, _ in prose(page)]
    for match in _SPAN.finditer(text):
        yield numbers[text.count("\n", 0, match.start())], " ".join(match[1].split())


def links(page: Path) -> Iterator[Link]:
    """The links and images of a page."""
    for number, text in prose(page):
        for match in _LINK.finditer(_SPAN.sub(lambda span: "x" * len(span[0]), text)):
            yield Link(page, number, bool(match[1]), match[2], match[3])


def anchors(page: Path) -> set[str]:
    """The anchors of a page, as GitHub and the site both make them from headings."""
    found: dict[str, int] = {}
    names = set()
    for _, text in prose(page):
        if match := _HEADING.match(text):
            plain = _LINK.sub(r"\2", match[1]).replace("`", "").lower()
            name = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
            names.add(f"{name}-{found[name]}" if name in found else name)
            found[name] = found.get(name, 0) + 1
    return names


def rows(page: Path, first: str) -> list[list[str]]:
    """The rows of the tables of a page whose head begins with this cell; cells as they are written."""
    found: list[list[str]] = []
    inside = False
    for _, text in prose(page):
        match = _ROW.match(text)
        cells = [cell.strip() for cell in match[1].split(" | ")] if match else []
        if cells and cells[0] == first:
            inside = True
        elif not text.startswith("|"):
            inside = False
        elif inside and cells:
            found.append(cells)
    return found


def _parts(page: Path) -> tuple[list[Block], list[tuple[int, str]]]:
    """Blocks and prose of a page."""
    found: list[Block] = []
    outside: list[tuple[int, str]] = []
    fence, begin, language, indent = "", 0, "", 0
    inside: list[str] = []
    for number, text in enumerate(page.read_text("utf-8").splitlines(), 1):
        match = _FENCE.match(text)
        if not fence and match:
            fence, begin, language, indent, inside = match[2], number, match[3], len(match[1]), []
        elif fence and text.strip() == fence:
            found.append(Block(page, begin, language, "\n".join(inside) + "\n"))
            fence = ""
        elif fence:
            inside.append(text[indent:] if not text[:indent].strip() else text)
        else:
            outside.append((number, text))
    if fence:
        raise ValueError(f"{page}:{begin}: a block that does not end")
    return found, outside
