"""What was seen, and where: results that say the same are one piece of evidence with several places."""

from __future__ import annotations

from collections.abc import Iterable

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import line
from sp404audit.reports.html.texts import Place, Places
from sp404audit.results import Result

__all__ = ["Evidence", "gathered"]

_PLACES = 8


class Evidence(NamedTuple):
    """A statement and where it holds; `more` counts places that are not listed."""

    message: str
    places: tuple[Place, ...]
    more: int


def gathered(results: Iterable[Result], places: Places) -> list[Evidence]:
    """Gather the places that say the same, in the order in which they come up.

    A related place counts as one more place, or as evidence of its own where it says something else. What a
    summarised result stands for beyond the places that it names is counted.
    """
    by_message: dict[str, dict[Place, None]] = {}
    unnamed: dict[str, int] = {}
    for result in results:
        text = line(result.message)
        by_message.setdefault(text, {})[places(result.location)] = None
        for location in result.related:
            by_message.setdefault(line(location.message) or text, {})[places(location)] = None
        unnamed[text] = unnamed.get(text, 0) + max(0, result.count - 1 - len(result.related))
    return [
        Evidence(text, tuple(seen)[:_PLACES], max(0, len(seen) - _PLACES) + unnamed.get(text, 0))
        for text, seen in by_message.items()
    ]
