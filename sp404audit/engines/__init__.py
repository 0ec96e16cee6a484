"""The engines: which exist, which apply to a repository, and what they find in it.

Each adapter is a module here with the functions of `Adapter`; it starts the tool from an empty folder, with our
configuration and under bounds, and turns the tool's own output into our results.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sp404audit.discovery import Discovery
from sp404audit.policy.model import Policy
from sp404audit.results import EngineRun, Notification, Result

__all__ = ["ENGINES", "EngineOutput", "run"]

ENGINES: Mapping[str, frozenset[str]] = {
    "native": frozenset(),
}
"""Each engine, and the kinds of file that it judges; ours judges all."""


class EngineOutput(NamedTuple):
    """What an engine found."""

    run: EngineRun
    results: tuple[Result, ...] = ()
    notifications: tuple[Notification, ...] = ()


def run(
    root: Path, found: Discovery, policy: Policy, wanted: Sequence[str] | None
) -> tuple[tuple[EngineRun, ...], list[Result], list[Notification]]:
    """Run every engine that applies, and return what took part, what was found and what went wrong.

    Args:
        root: the repository.
        found: its files.
        policy: the policy in force.
        wanted: engine names; None for all that apply.
    """
    from sp404audit import __version__

    runs = [EngineRun("native", __version__)]
    results: list[Result] = []
    notifications: list[Notification] = []
    kinds = {str(file.kind) for file in found.files}
    for name, judges in ENGINES.items():
        if name == "native" or (wanted is not None and name not in wanted) or kinds.isdisjoint(judges):
            continue
        adapter = importlib.import_module(f"sp404audit.engines.{name.replace('-', '_')}")
        output: EngineOutput = adapter.run(root, found, policy)
        runs.append(output.run)
        results.extend(output.results)
        notifications.extend(output.notifications)
    return tuple(runs), results, notifications
