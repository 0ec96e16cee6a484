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

    return tree_sitter.Parser(tree_sitter.Language(_language()))


def _language() -> object:
    """The grammar itself, without the package around it.

    Importing the package brings importlib.resources and what that needs, for queries that are not used here: a
    twentieth of a small scan.
    """
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    package = PathFinder.find_spec("tree_sitter_bash")
    found = package and PathFinder.find_spec("tree_sitter_bash._binding", package.submodule_search_locations)
    if found is None or found.loader is None:
        import tree_sitter_bash

        return tree_sitter_bash.language()
    binding = module_from_spec(found)
    found.loader.exec_module(binding)
    return binding.language()


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
