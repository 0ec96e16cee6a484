"""The package ecosystems of a repository: which are used, where, and what can lock or audit them.

File names: each package manager's documentation, as of 2026-11.
"""

from __future__ import annotations

from sp404audit.documents.model import Repository
from sp404audit.documents.projects.facts import Manifest, folder_of
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Ecosystem", "ecosystems_of"]

_LOCKS = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "yarn.lock": "npm",
    "pnpm-lock.yaml": "npm",
    "bun.lock": "npm",
    "bun.lockb": "npm",
    "poetry.lock": "pip",
    "uv.lock": "pip",
    "pdm.lock": "pip",
    "pipfile.lock": "pip",
    "pylock.toml": "pip",
    "cargo.lock": "cargo",
    "go.sum": "gomod",
    "gemfile.lock": "bundler",
    "composer.lock": "composer",
    "mix.lock": "mix",
    "packages.lock.json": "nuget",
    "gradle.lockfile": "gradle",
    "pubspec.lock": "pub",
    "package.resolved": "swift",
}
_LABELS = {
    "pip": "Python",
    "npm": "npm",
    "gomod": "Go",
    "cargo": "Rust",
    "bundler": "Ruby",
    "maven": "Maven",
    "gradle": "Gradle",
    "composer": "PHP",
    "nuget": ".NET",
    "mix": "Elixir",
    "pub": "Dart",
    "swift": "Swift",
    "sbt": "Scala",
}
_ASIDE = frozenset(
    {"docs", "doc", "fixtures", "fixture", "testdata", "test-data", "examples", "example", "samples", "node_modules"}
)
"""Folders whose packages the repository neither ships nor builds with."""


class Ecosystem(NamedTuple):
    """Packages of one kind that the repository depends on.

    `files` are the manifests and lock files that say so, manifests first; `label` is the name for messages.
    """

    name: str
    label: str
    location: Location
    files: tuple[str, ...]

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of its manifests."""
        return tuple(dict.fromkeys(folder_of(path) for path in self.files))


def ecosystems_of(repository: Repository) -> tuple[Ecosystem, ...]:
    """The ecosystems that a repository depends on; use `repository.derived(ecosystems_of)`.

    A manifest that names no package is left out unless a lock file stands beside it, and so are those of
    documentation, fixtures and examples.
    """
    found: dict[str, dict[str, Location]] = {}
    for manifest in repository.facts(Manifest):
        path = manifest.location.path
        if manifest.dependencies is not False and not _is_aside(path):
            found.setdefault(manifest.ecosystem, {}).setdefault(path, manifest.location)
    for path in sorted(repository.paths):
        ecosystem = _LOCKS.get(path.rpartition("/")[2].lower())
        if ecosystem is not None and not _is_aside(path):
            found.setdefault(ecosystem, {}).setdefault(path, Location(path))
    return tuple(
        _ecosystem(name, dict(sorted(places.items(), key=lambda place: _rank(place[0]))))
        for name, places in sorted(found.items())
    )


def _ecosystem(name: str, places: dict[str, Location]) -> Ecosystem:
    return Ecosystem(name, _LABELS.get(name, name), next(iter(places.values())), tuple(places))


def _rank(path: str) -> tuple[bool, int, str]:
    """Manifests of what is shipped come before lists for development, and those near the root before others."""
    name = path.rpartition("/")[2].lower()
    is_aside = name in _LOCKS or (name.startswith("requirements") and name != "requirements.txt")
    return is_aside, path.count("/"), path


def _is_aside(path: str) -> bool:
    return not _ASIDE.isdisjoint(path.split("/")[:-1])
