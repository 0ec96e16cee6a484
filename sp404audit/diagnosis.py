"""What an audit of a repository would work with: versions, engines, the configuration and where it comes from, files.

Nothing is audited. What is missing or wrong is told beside the rest, so that one broken part does not hide another.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from sp404audit import __version__, cache
from sp404audit.discovery import Reader, discover
from sp404audit.engines import ENGINES, INSTALL, installed
from sp404audit.git import GitError, version
from sp404audit.policy.loading import PolicyError, origins, resolve
from sp404audit.policy.model import Policy, RuleChoice
from sp404audit.records import NamedTuple
from sp404audit.results import Location
from sp404audit.rules import all_rules

__all__ = ["CacheState", "Diagnosis", "EngineState", "Value", "diagnose"]


class EngineState(NamedTuple):
    """A source of results: its version, empty when it is not installed, and when it takes part."""

    name: str
    version: str
    note: str = ""


class Value(NamedTuple):
    """A value of the configuration in force, as text, and where it stands; empty for what no file sets."""

    key: str
    value: str
    source: str = ""


class CacheState(NamedTuple):
    """The cache's folder (empty where the system has none) and its size in bytes."""

    folder: str
    size: int


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        version: of sp404audit.
        python: its version.
        platform: the system and the processor.
        git: its version, or why there is none.
        engines: our own first.
        sources: the files that make up the policy, the configuration last.
        values: what they set.
        problem: why there is no policy; empty when there is one.
        rules_in_force: how many rules are asked.
        rules: how many there are.
        cache: where unchanged files are remembered.
        files: how many files of each kind there are.
    """

    version: str
    python: str
    platform: str
    git: str
    engines: tuple[EngineState, ...]
    sources: tuple[str, ...]
    values: tuple[Value, ...]
    problem: str
    rules_in_force: int
    rules: int
    cache: CacheState
    files: dict[str, int]


def diagnose(
    root: str | os.PathLike[str], policy: str | None = None, *, isolated: bool = False, config: str | None = None
) -> Diagnosis:
    """Look at a repository as `scan` would.

    Args:
        root: of the repository.
        policy: the policy to start from, in place of what the configuration extends.
        isolated: leave the configuration out.
        config: the configuration, in place of the one that the repository would be looked through for: a file of it.
    """
    reader = Reader(root)
    problem, in_force, places = "", None, {}
    try:
        in_force = resolve(reader, policy, isolated=isolated, config=config)
        places = origins(reader, policy, isolated=isolated, config=config)
    except PolicyError as error:
        problem = str(error)
    found = discover(reader, exclude=in_force.exclude if in_force else ())
    kinds: dict[str, int] = {}
    for file in found.files:
        kinds[str(file.kind)] = kinds.get(str(file.kind), 0) + 1
    rules = all_rules()
    return Diagnosis(
        version=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}".strip(),
        git=_git(root),
        engines=tuple(_engines(set(kinds))),
        sources=in_force.sources if in_force else (),
        values=tuple(_values(in_force, places)) if in_force else (),
        problem=problem,
        rules_in_force=sum(in_force.might_ask(rule) for rule in rules) if in_force else 0,
        rules=len(rules),
        cache=_cache(),
        files=dict(sorted(kinds.items())),
    )


def _git(root: str | os.PathLike[str]) -> str:
    try:
        return version(root)
    except GitError as error:
        return f"not found: {error}"


def _engines(kinds: set[str]) -> list[EngineState]:
    states = [EngineState("native", __version__, "takes part")]
    for name, engine in ENGINES.items():
        if engine is None:
            continue
        found = installed(engine.package) or ""
        if not found:
            note = f"not installed: {INSTALL}"
        elif kinds.isdisjoint(engine.kinds):
            note = "nothing here for it to judge"
        else:
            note = f"takes part with --engine {name} only (it needs the network)" if engine.asked_only else "takes part"
        states.append(EngineState(name, found, note))
    return states


def _values(policy: Policy, places: dict[str, Location]) -> list[Value]:
    """Every value that a file sets, and those that always count."""
    values = [
        Value("fail-on", policy.fail_on.label, _place(places, "fail-on")),
        Value("default", "on" if policy.default else "off", _place(places, "default")),
    ]
    values += [
        Value(f"rules.{name}", _choice(choice), _place(places, f"rules.{name}"))
        for name, choice in policy.rules.items()
    ]
    values += [
        Value(f"metrics.targets.{name}", target, _place(places, f"metrics.targets.{name}"))
        for name, target in policy.targets.items()
    ]
    values += [Value("exclude", pattern, _place(places, f"exclude.{pattern}")) for pattern in policy.exclude]
    for number, override in enumerate(policy.overrides):
        place = _place(places, f"overrides.{number}")
        paths = ", ".join(override.paths)
        values += [Value(f"rules.{name} in {paths}", _choice(choice), place) for name, choice in override.rules.items()]
    values += [
        Value(f"waiver {waiver.rule_id}", f"{', '.join(waiver.paths)} until {waiver.until}", _told(waiver.location))
        for waiver in policy.waivers
    ]
    return values


def _choice(choice: RuleChoice) -> str:
    if choice.enabled is False:
        return "off"
    parts = [choice.severity.label] if choice.severity else []
    parts += [f"{name}={json.dumps(value)}" for name, value in choice.parameters.items()]
    return " ".join(parts) or "on"


def _place(places: dict[str, Location], key: str) -> str:
    return _told(places[key]) if key in places else ""


def _told(location: Location) -> str:
    """`file:line`; of what ships, the file alone: nobody opens it."""
    line = location.region.start_line
    return location.path if location.path.startswith("sp404audit:") else f"{location.path}:{line}"


def _cache() -> CacheState:
    folder = cache.default_folder()
    if folder is None:
        return CacheState("", 0)
    try:
        size = Path(folder, cache.FILE_NAME).stat().st_size
    except OSError:
        size = 0
    return CacheState(folder, size)
