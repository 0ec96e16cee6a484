"""The grammar of shell, and a bound on the time that it may take."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Parser, Tree

__all__ = ["parse_tree"]

MAX_SECONDS = 2.0
"""CPU time for a parse: a pipeline of 20,000 members takes the grammar half a minute."""
_CHUNK = 1024
_SMALL = 8 * 1024


@functools.cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def parse_tree(text: str) -> tuple[Tree, bool]:
    """Parse ASCII text; the flag says that time ran out and the rest was not read."""
    data = text.encode("ascii")
    if len(data) <= _SMALL:
        return _parser().parse(data), False
    deadline = time.process_time() + MAX_SECONDS
    late = False

    def chunk(offset: int, _position: object) -> bytes:
        nonlocal late
        if late or time.process_time() > deadline:
            late = True
            return b""
        return data[offset : offset + _CHUNK]

    return _parser().parse(chunk), late
