"""Commands whose words mean what they say, read from the text alone, without asking the grammar for its nodes.

Half of all commands are a row of plain or quoted words. The grammar has then only to tell where the command begins
and ends: to look at a node a word takes several times as long. Whatever else a word may hold (a variable, a glob, a
backslash, a brace …) is left to the nodes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    from sp404audit.documents.shell.model import Part

__all__ = ["PlacedRow", "Row", "parts_of", "read_lines", "read_row"]

_LONGEST = 2048
"""Longer texts are left to the nodes: what is remembered must stay small."""

# No word begins with an equals sign: the grammar takes `==` for an operator.
_PLAIN = r"(?!=)[A-Za-z0-9_./:=@%+,^-]++"
_BLANK = r"[ \t]++(?:\\\n[ \t]*+)*+"
_PLAIN_ROW = regex(rf"{_PLAIN}(?:{_BLANK}{_PLAIN})*+")
_QUOTED = r"'[^'\r\x00-\x03]*+'|\"[^\"$`\\\r\x00-\x03]*+\""
_PIECE = regex(
    rf"(?P<blank>{_BLANK})|(?P<plain>[A-Za-z0-9_./:=@%+,^-]++)|'(?P<single>[^'\r\x00-\x03]*+)'"
    r"|\"(?P<double>[^\"$`\\\r\x00-\x03]*+)\""
)


class Row(NamedTuple):
    """The words of a command: `texts` as written, `values` with their quotes removed."""

    texts: tuple[str, ...]
    values: tuple[str, ...]


class PlacedRow(NamedTuple):
    """A command that takes a line of its own, with the offsets of its beginning and its end in the text."""

    row: Row
    start: int
    end: int


_LEADS = frozenset(
    {"if", "then", "elif", "else", "fi", "for", "select", "while", "until", "do", "done", "case", "esac", "in"}
    | {"function", "declare", "typeset", "export", "readonly", "local", "unset", "unsetenv"}
)
"""What the grammar takes for more than a command's name where a command begins."""
_COMMAND_NAME = regex(r"[A-Za-z_./][A-Za-z0-9_./-]*+")


def read_lines(text: str) -> list[PlacedRow] | None:
    """Read a text in which every line is one command, a comment, or empty: there the grammar has nothing to tell.

    Returns:
        The commands in order; None when a line is, or may be, anything else.
    """
    found: list[PlacedRow] = []
    start = 0
    for line in text.split("\n"):
        command = line.strip(" \t")
        if command and command[0] != "#":
            row = read_row(command)
            if row is None or row.texts[0] in _LEADS or not _COMMAND_NAME.fullmatch(row.texts[0]):
                return None
            begin = start + line.index(command)
            found.append(PlacedRow(row, begin, begin + len(command)))
        start += len(line) + 1
    return found


def read_row(text: str) -> Row | None:
    """Read the text of what the grammar takes for a simple command.

    Returns:
        Its words; None when one of them is neither plain nor quoted, or when the first may be an assignment.
    """
    if len(text) > _LONGEST:
        return None
    if _PLAIN_ROW.fullmatch(text):
        words = tuple(text.replace("\\\n", " ").split())
        row = Row(words, words)
    else:
        found = _quoted_row(text)
        if found is None:
            return None
        row = found
    return None if "=" in row.texts[0] else row


@lru_cache(maxsize=1024)
def _quoted_row(text: str) -> Row | None:
    texts: list[str] = []
    values: list[str] = []
    value = ""
    begin = at = 0
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None or (at == begin and text[at] in "= \t"):
            return None
        if match.lastgroup == "blank":
            texts.append(text[begin:at])
            values.append(value)
            value, begin = "", match.end()
        else:
            value += match[match.lastgroup or 0]
        at = match.end()
    if begin == at:
        return None
    return Row((*texts, text[begin:]), (*values, value))


@lru_cache(maxsize=1024)
def parts_of(word: str) -> tuple[Part, ...]:
    """The pieces of a word of a row: stretches in quotes, and stretches between them."""
    from sp404audit.documents.shell.model import Part

    parts: list[Part] = []
    for match in _PIECE.finditer(word):
        quoted = match.lastgroup != "plain"
        piece = match[match.lastgroup or 0]
        if parts and parts[-1].quoted == quoted:
            parts[-1] = Part("literal", parts[-1].text + piece, quoted)
        elif piece:
            parts.append(Part("literal", piece, quoted))
    return tuple(parts)
