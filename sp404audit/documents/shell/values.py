"""Values of shell words: the mark for what is not known, and how expansions make one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sp404audit.documents.shell.model import Word

__all__ = ["UNKNOWN", "cut", "expand"]

UNKNOWN = "\x00"
"""Stands in `Shell.resolve` for a stretch that only the run can tell. No argument of a process can hold it."""

Lookup = Callable[[str], "str | None"]


def cut(value: str, operator: str, literal: str) -> str | None:
    """Apply `${NAME%literal}` or `${NAME#literal}` to a value."""
    if UNKNOWN in value:
        return value if operator == "%/" else None
    return value.removesuffix(literal) if operator.startswith("%") else value.removeprefix(literal)


def expand(word: Word, lookup: Lookup) -> str | None:
    """Return the word's value where `lookup` tells each variable; None when a piece stays unknown."""
    pieces = []
    for part in word.parts:
        if part.kind == "literal":
            pieces.append(part.text)
        elif part.kind == "variable":
            value = lookup(part.text)
            if value is None and part.default is not None and all(one.kind == "literal" for one in part.default):
                value = "".join([one.text for one in part.default])
            if value is None:
                return None
            rest = value if part.cut is None else cut(value, *part.cut)
            if rest is None:
                return None
            pieces.append(rest)
        else:
            return None
    return "".join(pieces)
