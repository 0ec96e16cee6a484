"""Configurations of the bots that propose newer dependencies: Dependabot and Renovate.

https://docs.github.com/en/code-security/dependabot/working-with-dependabot/dependabot-options-reference and
https://docs.renovatebot.com/configuration-options/. Renovate's JSON5 is read tolerantly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents import script_literals, yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.script_literals import Value
from sp404audit.documents.source import Source
from sp404audit.documents.yaml_tree import Mapping, Node
from sp404audit.records import NamedTuple
from sp404audit.results import WHOLE_FILE, Location, Region

__all__ = ["DependabotConfig", "RenovateConfig", "UpdateBot", "UpdateEntry", "parse_dependabot", "parse_renovate"]

_MOST = 500
# As of 2026-11, from Dependabot's options reference.
_INTERVALS = ("daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "cron")
# Names that people write for an ecosystem, and Dependabot refuses; not all that it knows, which are more every year.
_MISTAKEN = {
    "python": "pip",
    "poetry": "pip",
    "pipenv": "pip",
    "yarn": "npm",
    "pnpm": "npm",
    "node": "npm",
    "javascript": "npm",
    "github_actions": "github-actions",
    "actions": "github-actions",
    "go": "gomod",
    "go_modules": "gomod",
    "rust": "cargo",
    "ruby": "bundler",
    "php": "composer",
    "java": "maven",
    "dockerfile": "docker",
}


class UpdateEntry(NamedTuple):
    """One entry of `updates:`: an ecosystem in its directories; `complete` when GitHub would accept it."""

    location: Location
    ecosystem: str
    directories: tuple[str, ...]
    complete: bool
    missing: tuple[str, ...]


class UpdateBot(NamedTuple):
    """A bot's configuration.

    `valid` tells whether the bot would act on it; `reason` says why not. `known` is False where a part of it is
    computed or lies outside the repository.
    """

    location: Location
    bot: str
    valid: bool
    reason: str
    entries: tuple[UpdateEntry, ...] = ()
    enabled: bool = True
    managers: tuple[str, ...] | None = None


class DependabotConfig(Document):
    """`.github/dependabot.yml`."""

    kinds: ClassVar[tuple[str, ...]] = ("dependabot",)

    def __init__(self, source: Source, root: Node | None) -> None:
        super().__init__(source)
        self.root = yaml_tree.mapping(root)
        self.is_empty = root is None

    def facts(self) -> Iterator[Fact]:
        """Yield the one fact that the file stands for."""
        path = self.source.path
        if self.problems:
            broken = Location(path, self.problems[0].region or WHOLE_FILE)
            yield UpdateBot(broken, "dependabot", False, "the file is not valid YAML")
            return
        if self.root is None:
            reason = "the file is empty" if self.is_empty else "the file holds no mapping"
            yield UpdateBot(Location(path, WHOLE_FILE), "dependabot", False, reason)
            return
        place, reason = self._reason(self.root)
        entries = tuple(self._entry(item) for item in yaml_tree.sequence(self.root.get("updates"))[:_MOST])
        if not reason:
            reason = self._entries_reason(entries)
        yield UpdateBot(Location(path, place), "dependabot", not reason, reason, entries)

    def _reason(self, root: Mapping) -> tuple[Region, str]:
        version, updates = root.get("version"), root.get("updates")
        if version is None:
            return root.region, "`version: 2` is missing"
        if yaml_tree.text(version) != "2":
            written = (yaml_tree.text(version) or "")[:20]
            return version.region, f"version is {written!r}, and only 2 is supported"
        if updates is None or not yaml_tree.sequence(updates):
            return (updates or root).region, "`updates` lists no ecosystem"
        return root.region, ""

    def _entries_reason(self, entries: tuple[UpdateEntry, ...]) -> str:
        """Dependabot refuses a file of which one entry is incomplete."""
        for entry in entries:
            if not entry.complete:
                label = entry.ecosystem or "an entry without `package-ecosystem`"
                return f"{label} lacks {', '.join(entry.missing)}"
        return ""

    def _entry(self, item: Node) -> UpdateEntry:
        entry = yaml_tree.mapping(item)
        location = Location(self.source.path, item.region)
        if entry is None:
            return UpdateEntry(location, "", (), False, ("a mapping",))
        schedule = yaml_tree.mapping(entry.get("schedule"))
        interval = yaml_tree.text(schedule.get("interval")) if schedule else None
        directories = [yaml_tree.text(entry.get("directory"))]
        directories += [scalar.value for scalar in yaml_tree.strings(entry.get("directories"))]
        ecosystem = yaml_tree.text(entry.get("package-ecosystem")) or ""
        grouped = "multi-ecosystem-group" in entry
        missing = [
            name
            for name, there in (
                ("package-ecosystem", bool(ecosystem)),
                ("directory", any(directories)),
                ("schedule.interval", grouped or interval is not None),
            )
            if not there
        ]
        if ecosystem in _MISTAKEN:
            missing.append(f"a known ecosystem (it is called {_MISTAKEN[ecosystem]})")
        if interval is not None and interval not in _INTERVALS:
            missing.append(f"a known interval (one of {', '.join(_INTERVALS)})")
        found = tuple(directory for directory in directories if directory)
        return UpdateEntry(location, ecosystem, found, not missing, tuple(missing))


class RenovateConfig(Document):
    """A Renovate configuration file, JSON or JSON5; `is_whole` is False where it is neither."""

    kinds: ClassVar[tuple[str, ...]] = ("renovate",)

    def __init__(self, source: Source, root: Value, is_whole: bool) -> None:
        super().__init__(source)
        self.root = root
        self.is_whole = is_whole

    def facts(self) -> Iterator[Fact]:
        """Yield the one fact that the file stands for."""
        place = Location(self.source.path, WHOLE_FILE)
        if self.is_whole:
            yield renovate_fact(self.source, self.root, place)
        else:
            yield UpdateBot(place, "renovate", False, "the file is not valid JSON5")


def renovate_fact(source: Source, root: Value, location: Location) -> UpdateBot:
    """What a Renovate configuration says, wherever it stands (its own file, or a key of package.json)."""
    if root.kind != "object":
        return UpdateBot(location, "renovate", False, "the file holds no JSON object")
    enabled = root.entries.get("enabled")
    if enabled is not None and enabled.literal is False:
        place = Location(source.path, source.region(enabled.start, enabled.end))
        return UpdateBot(place, "renovate", False, "`enabled` is false", enabled=False)
    managers = root.entries.get("enabledManagers")
    names = None
    if managers is not None and managers.kind == "array":
        names = tuple(item.literal for item in managers.items if isinstance(item.literal, str))
    return UpdateBot(location, "renovate", True, "", managers=names)


def parse_dependabot(source: Source) -> DependabotConfig:
    """Read `dependabot.yml`; what keeps it from being read is told, and keeps Dependabot from it too."""
    stream = yaml_tree.parse_stream(source)
    document = DependabotConfig(source, stream.roots[0] if stream.roots else None)
    document.problems += stream.problems
    return document


def parse_renovate(source: Source) -> RenovateConfig:
    """Read a Renovate configuration; never fails: what is not literal is unknown."""
    text = source.text
    return RenovateConfig(source, script_literals.read_json5(text), script_literals.is_one_value(text))
