"""JSON for machines that people compare: broken into lines where that helps, compact elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sp404audit.records import NamedTuple

__all__ = ["Layout", "dump"]


class Layout(NamedTuple):
    """How JSON is broken into lines, by the names of properties.

    Attributes:
        broken_up: properties whose value has a line for each of its own properties (lists of such values included).
        into_items: lists with a line for each item.
        properties_of: turns what is neither list, dict nor a plain value into the properties to write.
    """

    broken_up: frozenset[str]
    into_items: frozenset[str]
    properties_of: Callable[[Any], dict[str, Any]] | None = None


def dump(element: object, layout: Layout) -> str:
    """Write an element as JSON in ASCII, so that two reports can be compared line by line."""
    return _lines(element, None, "", layout) + "\n"


def _lines(element: object, name: str | None, indent: str, layout: Layout) -> str:
    """Write one value; `name` is the property that holds it, None for the whole."""
    broken_up = name is None or name in layout.broken_up
    is_plain = not element or isinstance(element, int | float | str)
    if is_plain or not (broken_up or name in layout.into_items):
        return json.dumps(element, default=layout.properties_of, separators=(",", ":"))
    inner = indent + " "
    if isinstance(element, list):
        item_name = name if broken_up else ""
        parts = [inner + _lines(item, item_name, inner, layout) for item in element]
        return "[\n" + ",\n".join(parts) + "\n" + indent + "]"
    properties = element if isinstance(element, dict) or not layout.properties_of else layout.properties_of(element)
    assert isinstance(properties, dict)
    parts = [f"{inner}{json.dumps(key)}: {_lines(value, key, inner, layout)}" for key, value in properties.items()]
    return "{\n" + ",\n".join(parts) + "\n" + indent + "}"
