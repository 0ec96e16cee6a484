"""Shell text as the parser can take it, character for character, with the way back to the file."""

from __future__ import annotations

import re
from bisect import bisect_left

from sp404audit.lazy import regex

__all__ = ["MASK", "View", "mask_github", "mask_templates"]

MASK = "\x01"
"""Stands for a character that something else fills in before a shell sees the text."""

_UNSAFE = regex(r"[^\x09\x0a\x0d\x20-\x7e]")
_GITHUB = regex(r"\$\{\{.*?\}\}", re.DOTALL)
_TEMPLATE = regex(r"\{\{.*?\}\}", re.DOTALL)
_SUBSTITUTION = regex(r"\\[\s\S]|\$\(|`|\(|\)")


def mask_github(text: str) -> str:
    """Replace each `${{ … }}`, which GitHub fills in before the shell starts, by masks of the same length."""
    if "${{" not in text:
        return text
    last = text.rfind("}}") + 2
    return _GITHUB.sub(lambda match: MASK * len(match.group()), text[:last]) + text[last:]


def mask_templates(text: str) -> str:
    """Replace each `{{ … }}`, which Jinja or Go's templates fill in, by masks of the same length."""
    if "{{" not in text:
        return text
    last = text.rfind("}}") + 2
    return _TEMPLATE.sub(lambda match: MASK * len(match.group()), text[:last]) + text[last:]


def _ascii(text: str) -> str:
    """Return text of the same length that the grammar reads the same way: ASCII, and LF for each line end."""
    text = _UNSAFE.sub("_", text)
    if "\r" in text:
        text = text.replace("\\\r\n", " \\\n").replace("\r\n", "\n\n").replace("\r", "\n")
    return text


class View:
    """A stretch of shell text and where each of its characters stands in the excerpt.

    Args:
        original: the text, in which `MASK` characters are filled in by something else.
        places: the offset in the excerpt of its first character, or of every character (and of the end).
    """

    __slots__ = ("original", "places", "text")

    def __init__(self, original: str, places: int | list[int] = 0) -> None:
        self.original = original
        self.text = _ascii(original)
        self.places = places

    def at(self, offset: int) -> int:
        """The offset in the excerpt of a character of this text."""
        if isinstance(self.places, int):
            return self.places + offset
        return self.places[min(offset, len(self.places) - 1)]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the excerpt of a stretch of this text: up to its last character, not to the one behind it."""
        if isinstance(self.places, int):
            return self.places + start, self.places + end
        begin = self.at(start)
        return begin, self.at(end - 1) + 1 if end > start else begin

    def back(self, place: int) -> int:
        """The offset in this text of a place in the excerpt."""
        if isinstance(self.places, int):
            return place - self.places
        return bisect_left(self.places, place)

    def part(self, start: int, end: int) -> View:
        """The view of a stretch of this text."""
        places = self.places
        inner = places + start if isinstance(places, int) else [*places[start:end], self.at(end)]
        return View(self.original[start:end], inner)

    def commands_only(self, start: int, end: int) -> View:
        """The view of a here-document's text in which only what the shell runs, `$(…)` and backticks, is left."""
        view = self.part(start, end)
        kept = list(_SPACES.sub(" ", view.original))
        depth, begin, quoted = 0, 0, False
        for match in _SUBSTITUTION.finditer(view.original):
            mark = match.group()
            if mark == "`" and depth == 0:
                if quoted:
                    kept[begin : match.end()] = view.original[begin : match.end()]
                begin, quoted = match.start(), not quoted
            elif mark == "$(" and not quoted:
                begin = match.start() if depth == 0 else begin
                depth += 1
            elif mark == "(" and depth:
                depth += 1
            elif mark == ")" and depth:
                depth -= 1
                if depth == 0:
                    kept[begin : match.end()] = view.original[begin : match.end()]
        return View("".join(kept), view.places)

    def unquoted(self, start: int, end: int) -> View:
        """The view of a word as the command that gets it sees it: without its quotes.

        What this shell fills in itself (`$(…)` in double quotes) is masked: it is read where it stands.
        """
        kept: list[str] = []
        places: list[int] = []
        quote, position = "", start
        text = self.original
        while position < end:
            character = text[position]
            if quote == "'":
                if character == "'":
                    quote = ""
                    position += 1
                    continue
            elif character == "\\" and position + 1 < end and (not quote or text[position + 1] in '$`"\\\n'):
                position += 1
                character = text[position]
            elif character == '"':
                quote = "" if quote else '"'
                position += 1
                continue
            elif character == "'" and not quote:
                quote = "'"
                position += 1
                continue
            elif text.startswith("$(", position):
                stop = self._closing(position, end)
                kept += MASK * (stop - position)
                places += [self.at(one) for one in range(position, stop)]
                position = stop
                continue
            kept.append(character)
            places.append(self.at(position))
            position += 1
        return View("".join(kept), [*places, self.at(end)])

    def _closing(self, start: int, end: int) -> int:
        depth = 0
        for match in _SUBSTITUTION.finditer(self.original, start, end):
            mark = match.group()
            if mark in ("$(", "("):
                depth += 1
            elif mark == ")":
                depth -= 1
                if depth == 0:
                    return match.end()
        return end


_SPACES = regex(r"[^\n]")
