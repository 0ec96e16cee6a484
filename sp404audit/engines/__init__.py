"""Other tools as sources of results: which exist, which apply to a repository, and what they add to our own.

Each adapter is a module here with a class `Run`: making one starts the tool, `results()` waits for it. A tool works
beside the native rules, on copies, under bounds (`process`).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import Protocol

from sp404audit.discovery import Discovery, Reader
from sp404audit.engines.folding import fold
from sp404audit.policy.model import Policy
from sp404audit.records import NamedTuple
from sp404audit.results import EngineRun, Notification, Result
from sp404audit.rules.registry import Rule

__all__ = ["ENGINES", "INSTALL", "Engines", "fold", "installed"]


class Engine(NamedTuple):
    """One engine: the module that adapts it, the package that it comes in, and the kinds of file that it judges.

    `asked_only`: runs only when named, since it needs the network.
    """

    adapter: str
    package: str
    kinds: frozenset[str]
    asked_only: bool = False


ENGINES: dict[str, Engine | None] = {
    "native": None,
    "checkov": Engine("checkov", "checkov", frozenset(("terraform", "kubernetes", "dockerfile", "workflow"))),
    "pip-audit": Engine("pip_audit", "pip-audit", frozenset(("python-project",)), asked_only=True),
}
"""Every engine by its name on the command line; our own needs no adapter."""

INSTALL = "pip install 'sp404audit[engines]'"
"""How to get all of them."""


class _Run(Protocol):
    engine: EngineRun
    notifications: list[Notification]

    def results(self) -> list[Result]: ...


class Engines:
    """The engines that take part in one audit.

    Args:
        reader: of the repository.
        found: its files.
        policy: in force.
        wanted: engine names; None for all that apply. `native` among them, or None, runs our own rules.
    """

    def __init__(self, reader: Reader, found: Discovery, policy: Policy, wanted: Sequence[str] | None) -> None:
        from sp404audit import __version__

        self.native = wanted is None or "native" in wanted
        self.policy = policy
        self.runs = [EngineRun("native", __version__)] if self.native else []
        self.notifications: list[Notification] = []
        self._at_work: list[_Run] = []
        kinds = {str(file.kind) for file in found.files}
        for name, engine in ENGINES.items():
            asked = wanted is not None and name in wanted
            if engine is None or kinds.isdisjoint(engine.kinds) or not policy.might_ask_domain(name):
                continue
            if wanted is None or asked:
                self._start(name, engine, reader, found, asked=asked)

    def _start(self, name: str, engine: Engine, reader: Reader, found: Discovery, *, asked: bool) -> None:
        controls = (f"{name}/*",)
        if engine.asked_only and not asked:
            how = f"--engine {name} (it asks a service on the network)"
            self.runs.append(EngineRun(name, "", how, controls))
            return
        version = installed(engine.package)
        if version is None:
            self.runs.append(EngineRun(name, "", INSTALL, controls))
            if asked:
                message = f"{name} is not installed, its checks were not evaluated: {INSTALL}"
                self.notifications.append(Notification("engine/missing", "error", message))
            return
        adapter = importlib.import_module(f"sp404audit.engines.{engine.adapter}")
        run: _Run = adapter.Run(reader, found, version)
        self.runs.append(run.engine)
        self._at_work.append(run)

    def merge(self, native: Sequence[Result], rules: Iterable[Rule]) -> list[Result]:
        """Wait for every engine, and fold what it found into our own results."""
        foreign: list[Result] = []
        for run in self._at_work:
            foreign.extend(run.results())
            self.notifications.extend(run.notifications)
        asked = [result for result in map(self._as_policy_says, foreign) if result is not None]
        return fold(native, asked, rules)

    def _as_policy_says(self, result: Result) -> Result | None:
        from dataclasses import replace

        setting = self.policy.setting_of(result.rule_id, result.location.path)
        if setting is None:
            return None
        return replace(result, severity=setting.severity) if setting.severity else result


def installed(package: str) -> str | None:
    """The version of an installed package, found without importing it."""
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
