"""Who wrote a commit: a person or a program."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sp404audit.dora.settings import matches_any

__all__ = ["address_of", "is_bot"]


@cache
def _table() -> dict[str, Any]:
    import json
    from importlib.resources import files

    table: dict[str, Any] = json.loads(files("sp404audit.dora.sources.git").joinpath("bots.json").read_text("utf-8"))
    return table


def address_of(identity: str) -> str:
    """The address in `Name <address>`."""
    return identity.rpartition("<")[2].removesuffix(">")


def is_bot(identity: str, patterns: Sequence[str] = ()) -> bool:
    """Whether `Name <address>` is a program by the table, or by patterns of the policy's for either part."""
    name, address = identity.rpartition("<")[0].strip(), address_of(identity)
    return (
        matches_any(address, _table()["addresses"])
        or matches_any(name, _table()["names"])
        or any(matches_any(each, patterns) for each in (address, name))
    )
