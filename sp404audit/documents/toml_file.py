"""TOML: the values by the standard library's parser, which tells no places, and the places by a scanner of our own.

The scanner goes over lines: table headers, `key = value` and the lines that a value goes on over (multi-line strings
and arrays). Keys inside inline tables have the place of the table. It never fails: a file that is not TOML yields the
places that could be made out.
"""

from __future__ import annotations

import re
from typing import Any

from sp404audit.documents.source import DocumentError, Source
from sp404audit.lazy import regex
from sp404audit.results import Region

__all__ = ["key_regions", "read_toml"]

_LARGEST = 1 << 20
"""No project file that is written by hand comes near; the standard library's parser is slow."""

_HEADER = regex(r"\s*\[\[?\s*([^\]\n]+?)\s*\]\]?\s*(?:#.*)?$")
_NAME = r"(?:[A-Za-z0-9_-]+|\"[^\"\n]*\"|'[^'\n]*')"
_KEY = regex(rf"\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")
_PART = regex(r"\"([^\"\n]*)\"|'([^'\n]*)'|([^.\s\"']+)")
_TOKEN = regex(r"\"\"\"|'''|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[\[\]{}#]")


def read_toml(source: Source) -> dict[str, Any]:
    """Read a TOML file with the standard library's parser, within bounds.

    Raises:
        DocumentError: when the file is too large, too deep or no TOML.
    """
    import tomllib

    if len(source.text) > _LARGEST:
        raise DocumentError("input/too-large", f"a TOML file of more than {_LARGEST >> 20} MiB is not read")
    try:
        return tomllib.loads(source.text.replace("\r\n", "\n"))
    except RecursionError:
        raise DocumentError("toml/too-deep", "values are nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError is one; so is a number with thousands of digits
        place = re.search(r"at line (\d{1,9}), column (\d{1,9})", str(error))
        region = None
        if place:
            line, column = int(place[1]), int(place[2])
            region = Region(line, column, line, column)
        raise DocumentError("toml/syntax", f"not valid TOML: {str(error)[:200]}", region) from None


def key_regions(source: Source) -> dict[tuple[str, ...], Region]:
    """Find the place of every table header and every key.

    Args:
        source: the TOML file.

    Returns:
        By the key's path, `("tool", "coverage", "report", "fail_under")`, the line or lines of `key = value`; of a
        table, its header's line. The first place wins.
    """
    regions: dict[tuple[str, ...], Region] = {}
    table: tuple[str, ...] = ()
    number = 1
    last = source.line_count
    while number <= last:
        line = source.line(number)
        header = _HEADER.match(line)
        key = None if header else _KEY.match(line)
        end = number
        if header:
            table = _path(header.group(1))
            regions.setdefault(table, source.line_region(number))
        elif key:
            end = _value_end(source, number, key.end(), last)
            first, final = source.line_region(number), source.line_region(end)
            region = Region(first.start_line, first.start_column, final.end_line, final.end_column)
            regions.setdefault(table + _path(key.group(1)), region)
        number = end + 1
    return regions


def _path(text: str) -> tuple[str, ...]:
    return tuple(a or b or c for a, b, c in _PART.findall(text))


def _value_end(source: Source, number: int, column: int, last: int) -> int:
    """The number of the line on which the value that begins at `column` of line `number` ends."""
    depth = 0
    quote = ""
    while True:
        line = source.line(number)
        at = column
        while at < len(line):
            if quote:
                closing = line.find(quote, at)
                if closing < 0:
                    break
                at, quote = closing + 3, ""
                continue
            token = _TOKEN.search(line, at)
            if token is None or token.group() == "#":
                break
            at = token.end()
            if token.group() in ('"""', "'''"):
                quote = token.group()
            elif token.group() in "[{":
                depth += 1
            elif token.group() in "]}":
                depth -= 1
        if (depth <= 0 and not quote) or number >= last:
            return number
        number, column = number + 1, 0
