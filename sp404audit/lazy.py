"""Regular expressions that are compiled when they are first used.

A module that reads one kind of file names a dozen patterns, and most scans need none of them: compiling all of them on
import took a quarter of a small scan's time.
"""

from __future__ import annotations

import re
from typing import cast

__all__ = ["regex"]

_METHODS = ("match", "fullmatch", "search", "finditer", "findall", "split", "sub", "subn")


class _Regex:
    """Stands for a compiled pattern until one of its attributes is asked for, and then has its methods."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        # Called only for what is not yet an attribute: from the first use on, `match` is the compiled pattern's own.
        compiled = re.compile(self._text, self._flags)
        vars(self).update({method: getattr(compiled, method) for method in _METHODS})
        return getattr(compiled, name)

    def __repr__(self) -> str:
        return f"regex({self._text!r})"


def regex(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return what works like `re.compile(text, flags)`, and costs nothing before its first use.

    Only its own methods may be used: the functions of `re` and `isinstance` do not take it for a pattern.
    """
    return cast("re.Pattern[str]", _Regex(text, flags))
