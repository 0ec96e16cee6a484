"""One compose file, as it stands: services, networks, volumes, and which other files it draws in.

The format is the Compose Specification (https://github.com/compose-spec/compose-spec) and the older forms that are
still about: version 2 and 3 files, and version 1, whose services stand at the top level. What several files make
together is put together in `compose_project`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents import yaml_tree
from sp404audit.documents.compose.interpolation import parse as parse_template
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.values import Entry, Freezer, Value
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["KIND", "Compose", "ComposeFile", "Include", "env_file_paths", "pairs_of", "parse", "path_in_repository"]

KIND = "compose"
_SERVICE_KEYS = frozenset({"image", "build", "extends", "command", "ports", "volumes", "environment", "provider"})
_VERSION_1_REST = frozenset({"version", "name", "networks", "volumes", "secrets", "configs", "include"})


class Include(NamedTuple):
    """One item of `include`: the files it names (merged into one model), and where their variables come from.

    Paths are relative to the root; None in `paths` is one that leads out of it, or is not known.
    """

    location: Location
    paths: tuple[str | None, ...]
    project_directory: str | None
    env_files: tuple[str | None, ...]


class ComposeFile(NamedTuple):
    """A document of a compose file as plain data, nothing resolved yet.

    Attributes:
        location: the file.
        services: each with the place of its name.
        networks, volumes, secrets, configs: the top-level elements of these names.
        includes: the other models that this one takes in.
        is_version_1: whether the services stand at the top level.
    """

    location: Location
    services: tuple[Entry, ...]
    networks: tuple[Entry, ...] = ()
    volumes: tuple[Entry, ...] = ()
    secrets: tuple[Entry, ...] = ()
    configs: tuple[Entry, ...] = ()
    includes: tuple[Include, ...] = ()
    is_version_1: bool = False

    @property
    def path(self) -> str:
        """The file's path."""
        return self.location.path


def path_in_repository(folder: str, path: str) -> str | None:
    """Return `path`, relative to `folder`, as a path from the root; None when it leads out of the repository."""
    if not path or path.startswith(("/", "~")) or "\\" in path or ":" in path.split("/", 1)[0]:
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    if joined == ".." or joined.startswith("../"):
        return None
    return "" if joined == "." else joined


class Compose(Document):
    """A compose file. Its services are judged as they are after merging: see `compose_project.Service`."""

    kinds: ClassVar[tuple[str, ...]] = (KIND,)

    def __init__(self, source: Source, roots: list[Mapping], problems: list[Problem]) -> None:
        super().__init__(source)
        self.problems = problems
        self.folder = posixpath.dirname(source.path)
        self._freezer = Freezer(source.path)
        self.files = [self._file(root) for root in roots]
        if self._freezer.is_exhausted:
            message = "aliases expand to more than can be read; a part of the file was left out"
            self.problems.append(Problem("yaml/too-many-nodes", message))

    def facts(self) -> Iterator[Fact]:
        """Yield what the file holds. Images and builds are known of merged services only: see `compose_builds`."""
        yield from self.files

    # --- reading -----------------------------------------------------------------------------------------------

    def _file(self, root: Mapping) -> ComposeFile:
        is_version_1 = "services" not in root and _looks_like_version_1(root)
        services = root if is_version_1 else yaml_tree.mapping(root.get("services"))
        if services is None and "services" in root and not _is_empty(root.get("services")):
            region = root.index()["services"][1].region
            self.problems.append(Problem("yaml/schema", "services must be a mapping of names to services", region))
        return ComposeFile(
            Location(self.source.path),
            tuple(self._services(services, is_version_1)),
            networks=self._top_level(root, "networks"),
            volumes=self._top_level(root, "volumes"),
            secrets=self._top_level(root, "secrets"),
            configs=self._top_level(root, "configs"),
            includes=tuple(self._includes(root.get("include"))),
            is_version_1=is_version_1,
        )

    def _services(self, services: Mapping | None, is_version_1: bool) -> Iterator[Entry]:
        for name, key, node in services.pairs() if services is not None else ():
            if name.startswith("x-") or (is_version_1 and name in _VERSION_1_REST):
                continue
            if not isinstance(node, Mapping) and not _is_empty(node):
                message = f"service {name[:80]} must be a mapping"
                self.problems.append(Problem("yaml/schema", message, node.region))
                continue
            service = self._freezer.freeze(node)
            self._check_paths(service)
            yield Entry(name, Location(self.source.path, key.region), service)

    def _top_level(self, root: Mapping, name: str) -> tuple[Entry, ...]:
        node = root.get(name)
        return self._freezer.freeze(node).entries if isinstance(node, Mapping) else ()

    def _includes(self, node: Node | None) -> Iterator[Include]:
        for item in yaml_tree.sequence(node):
            value = self._freezer.freeze(item)
            paths = texts_of(value.get("path") if value.form == "mapping" else value)
            directory = value.get("project_directory")
            yield Include(
                value.location,
                tuple(self._inside(path, "include") for path in paths),
                self._inside(directory, "include") if directory else None,
                tuple(self._inside(path, "include") for path in texts_of(value.get("env_file"))),
            )

    def _check_paths(self, service: Value) -> None:
        """Tell of files outside of the repository; they are never opened, whatever they hold is not known."""
        extends = service.get("extends")
        file = extends.get("file") if extends else None
        if file is not None:
            self._inside(file, "extends")
        for path in env_file_paths(service.get("env_file")):
            self._inside(path, "env_file")

    def _inside(self, value: Value, what: str) -> str | None:
        text = parse_template(value.text or "").evaluate(lambda _: None)
        path = path_in_repository(self.folder, text) if text else None
        if text and path is None and text.startswith((".", "/")):
            message = f"{what}: {text[:120]} is outside of the repository and was not read"
            self.problems.append(Problem("compose/path-escape", message, value.location.region, "warning"))
        return path


def _looks_like_version_1(root: Mapping) -> bool:
    return any(
        isinstance(node, Mapping) and not name.startswith("x-") and any(key in node for key in _SERVICE_KEYS)
        for name, _, node in root.pairs()
        if name not in _VERSION_1_REST
    )


def _is_empty(node: Node | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.resolved is None)


def texts_of(value: Value | None) -> list[Value]:
    """The scalars of an element that takes one or a list."""
    if value is None or value.is_null:
        return []
    if value.form == "scalar":
        return [value]
    return [item for item in value.items if item.form == "scalar" and item.text]


def env_file_paths(value: Value | None) -> list[Value]:
    """The paths of `env_file` in any of its forms: a text, a list of texts, a list of mappings with `path`."""
    if value is None or value.form != "sequence":
        return texts_of(value)
    paths = (item.get("path") if item.form == "mapping" else item for item in value.items)
    return [path for path in paths if path is not None and path.form == "scalar" and path.text]


def pairs_of(value: Value | None) -> list[tuple[str, Value | None]]:
    """The names and values of an element that is a mapping or a list of `NAME=value` (value None for a mere name)."""
    if value is None:
        return []
    if value.form == "mapping":
        return [(entry.key, None if entry.value.is_null else entry.value) for entry in value.entries]
    found: list[tuple[str, Value | None]] = []
    for item in value.items:
        name, equals, rest = (item.text or "").partition("=")
        if name:
            found.append((name.strip(), item._replace(text=rest, style='"') if equals else None))
    return found


def parse(source: Source) -> Compose:
    """Read a compose file.

    Raises:
        DocumentError: when nothing of it can be read, or when it holds no mapping.
    """
    stream = yaml_tree.parse_stream(source)
    roots = [root for root in stream.roots if isinstance(root, Mapping)]
    if not roots:
        for problem in stream.problems:
            raise DocumentError(problem.id, problem.message, problem.region)
        if any(root is not None for root in stream.roots):
            raise DocumentError("yaml/schema", "a compose file must be a mapping")
    return Compose(source, roots, stream.problems)
