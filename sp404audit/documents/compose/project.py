"""Compose projects: what `docker compose up` makes of a folder's files, and the services in them.

A project is a base file (`compose.yaml`, `docker-compose.yml`, …) with its override file, everything it includes and
extends, and the variables of the `.env` beside it. Another compose file in the folder is a project of its own, unless
it only makes sense on top of the base (a service in it has neither image nor build): then it is a variant of the base.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import ClassVar

from sp404audit.documents.compose.file import KIND, ComposeFile, Include, path_in_repository
from sp404audit.documents.compose.interpolation import Variable
from sp404audit.documents.compose.interpolation import parse as parse_template
from sp404audit.documents.compose.merge import merge, merge_entries
from sp404audit.documents.compose.service import ServiceElement
from sp404audit.documents.model import Repository
from sp404audit.documents.secrets.dotenv import DotenvFile
from sp404audit.documents.values import Entry, Value
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Project", "Service", "projects"]

BASE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""What compose looks for, first match first (https://docs.docker.com/compose/intro/compose-application-model/)."""
OVERRIDE_NAMES = (
    "compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml",
)  # fmt: skip
MAX_CHAIN = 16
"""How long a chain of `extends` or `include` is followed."""


class Project:
    """The merged model of the files that are started together.

    Attributes:
        folder: the project directory; relative paths of its own files start there.
        files: the paths of its base and override files, in order of merging.
        services: by name; those of included files too.
        networks, volumes, configs: the top-level elements by name.
        members: the files whose services are its own; base, overrides and what they include.
        sources: every file that something in it comes from.
        is_complete: False when a file that it includes is not in the repository.
        variant_of: the base project when this is one of its variants, else None.
        documented: the variables that an env file or an example of one gives a value, in its folder or one above.
    """

    def __init__(self, folder: str, files: tuple[str, ...], variant_of: Project | None = None) -> None:
        self.folder = folder
        self.files = files
        self.variant_of = variant_of
        self.documented: frozenset[str] = frozenset()
        self.services: dict[str, Service] = {}
        self.networks: dict[str, Entry] = {}
        self.volumes: dict[str, Entry] = {}
        self.configs: dict[str, Entry] = {}
        self.is_complete = True
        self.members: frozenset[str] = frozenset(files)
        self.sources: frozenset[str] = frozenset(files)

    @cached_property
    def required(self) -> frozenset[str]:
        """The variables that some service asks for with `?`: compose fills in the whole file before it starts one."""
        found: set[str] = set()
        pending = [service.value for service in self.services.values()]
        while pending:
            value = pending.pop()
            pending.extend(entry.value for entry in value.entries)
            pending.extend(value.items)
            if value.text and "?" in value.text:
                parts = parse_template(value.text).parts
                found.update(part.name for part in parts if isinstance(part, Variable) and part.is_required)
        return frozenset(found)


class Service(ServiceElement):
    """A service of a project, everything merged that compose merges: what rules about compose judge."""

    kinds: ClassVar[tuple[str, ...]] = (KIND,)

    def __init__(self, project: Project, name: str, loaded: _Loaded, model: _Model) -> None:
        super().__init__(name, loaded.location, loaded.value, model.folders, model.variables, model.env_files)
        self.project = project
        self.is_partial = loaded.is_partial

    @property
    def mounted(self) -> list[tuple[str, str]]:
        """The files and folders of the repository that it sees, each with its path in the container."""
        found = []
        for mount in self.mounts:
            source = self.path(self.part(mount.source or "", mount.value), mount.value)
            is_path = mount.type == "bind" or (mount.source or "").startswith(".")
            if source is not None and mount.target and is_path:
                found.append((source, self.part(mount.target, mount.value).rstrip("/")))
        configs = self.get("configs")
        for item in configs.items if configs is not None else ():
            name = item.text_of("source") or item.text or ""
            config = self.project.configs.get(name)
            file = config.value.get("file") if config is not None else None
            source = self.path(self.sketch(file), file) if file is not None else None
            if source is not None:
                found.append((source, item.text_of("target") or f"/{name}"))
        return found

    @staticmethod
    def in_repository(repository: Repository) -> Iterable[Service]:
        """Yield the services of every project; of a variant only those that it changes."""
        for project in repository.derived(projects):
            base = project.variant_of
            for name, service in project.services.items():
                if base is None or name not in base.services or base.services[name].value != service.value:
                    yield service


class _Loaded(NamedTuple):
    """A service put together; partial when a file that it extends is not there."""

    location: Location
    value: Value
    is_partial: bool = False


class _Model:
    """What a list of files makes together."""

    def __init__(self, env_files: Mapping[str, Mapping[str, str]]) -> None:
        self.services: dict[str, _Loaded] = {}
        self.networks: tuple[Entry, ...] = ()
        self.volumes: tuple[Entry, ...] = ()
        self.configs: tuple[Entry, ...] = ()
        self.is_complete = True
        self.members: set[str] = set()
        self.folders: dict[str, str] = {}
        self.variables: dict[str, Mapping[str, str]] = {}
        self.env_files = env_files

    def adopt(self, other: _Model) -> None:
        """Take over what an included model brings."""
        self.services |= other.services
        self.networks = merge_entries(self.networks, other.networks)
        self.volumes = merge_entries(self.volumes, other.volumes)
        self.configs = merge_entries(self.configs, other.configs)
        self.is_complete &= other.is_complete
        self.members |= other.members
        self.folders |= other.folders
        self.variables |= other.variables

    def add(self, name: str, loaded: _Loaded) -> None:
        """Merge a service over one of the same name."""
        old = self.services.get(name)
        if old is not None:
            is_partial = old.is_partial or loaded.is_partial
            loaded = _Loaded(old.location, merge(old.value, loaded.value), is_partial)
        self.services[name] = loaded


class _Loader:
    """Reads models from the facts of a repository."""

    def __init__(self, repository: Repository) -> None:
        self.files: dict[str, list[ComposeFile]] = {}
        for file in repository.facts(ComposeFile):
            self.files.setdefault(file.path, []).append(file)
        self.env_files = _env_files(repository)
        self._services = {
            path: {service.key: service for document in documents for service in document.services}
            for path, documents in self.files.items()
        }

    def model(
        self, paths: Iterable[str], folder: str, variables: Mapping[str, str], seen: set[str], depth: int = 0
    ) -> _Model:
        """Put files together: what they include first, then each over the ones before it.

        Args:
            paths: the files, in order of merging.
            folder: where their relative paths start.
            variables: what the repository gives them values for.
            seen: the files that are part of the project already; those are not read again.
            depth: how many includes led here.
        """
        model = _Model(self.env_files)
        paths = [path for path in paths if path in self.files and path not in seen]
        seen.update(paths)
        for path in paths:
            for file in self.files[path]:
                for include in file.includes if depth < MAX_CHAIN else ():
                    model.adopt(self._included(include, variables, seen, depth + 1))
        for path in paths:
            model.members.add(path)
            model.folders[path] = folder
            model.variables[path] = variables
            for file in self.files[path]:
                model.networks = merge_entries(model.networks, file.networks)
                model.volumes = merge_entries(model.volumes, file.volumes)
                model.configs = merge_entries(model.configs, file.configs)
                for entry in file.services:
                    loaded = self._service(path, entry, model)
                    if loaded.value.tag == "!reset":
                        model.services.pop(entry.key, None)
                    else:
                        model.add(entry.key, loaded)
        return model

    def _included(self, include: Include, variables: Mapping[str, str], seen: set[str], depth: int) -> _Model:
        paths = [path for path in include.paths if path is not None]
        folder = include.project_directory
        if folder is None:
            folder = posixpath.dirname(paths[0]) if paths else ""
        own = [path for path in include.env_files if path] or [posixpath.join(folder, ".env")]
        defaults = {name: value for path in own for name, value in self.env_files.get(path, {}).items()}
        model = self.model(paths, folder, defaults | dict(variables), seen, depth)
        model.is_complete &= bool(include.paths) and all(path in self.files for path in include.paths)
        return model

    def _service(self, path: str, entry: Entry, model: _Model) -> _Loaded:
        """Resolve the `extends` of one service, and note where the paths in what it brings start."""
        chain: list[tuple[str, Entry]] = [(path, entry)]
        is_partial = False
        while len(chain) <= MAX_CHAIN:
            following = self._extended_by(*chain[-1])
            if following is None:
                is_partial = chain[-1][1].value.get("extends") is not None
                break
            if any(at == following[0] and link.key == following[1].key for at, link in chain):
                break
            chain.append(following)
        value = chain[-1][1].value
        for _, link in reversed(chain[:-1]):
            value = merge(value, link.value)
        for file, _ in chain:
            model.folders.setdefault(file, posixpath.dirname(file))
            model.variables.setdefault(file, model.variables[path])
        return _Loaded(entry.location, value, is_partial)

    def _extended_by(self, path: str, entry: Entry) -> tuple[str, Entry] | None:
        extends = entry.value.get("extends")
        if extends is None:
            return None
        name = extends.text if extends.form == "scalar" else extends.text_of("service")
        file = extends.text_of("file")
        if file is not None:
            path = path_in_repository(posixpath.dirname(path), file) or ""
        service = self._services.get(path, {}).get(name or "")
        return None if service is None else (path, service)

    def referenced(self) -> tuple[set[str], set[str]]:
        """The files that others include, and those that others extend services of."""
        included: set[str] = set()
        extended: set[str] = set()
        for path, documents in self.files.items():
            for document in documents:
                included.update(each for include in document.includes for each in include.paths if each)
                for service in document.services:
                    extends = service.value.get("extends")
                    file = extends.text_of("file") if extends is not None else None
                    if file is not None:
                        extended.add(path_in_repository(posixpath.dirname(path), file) or "")
        return included, extended


def projects(repository: Repository) -> tuple[Project, ...]:
    """Find the projects of a repository; for `Repository.derived`. Every compose file belongs to one at least."""
    loader = _Loader(repository)
    included, extended = loader.referenced()
    folders: dict[str, list[str]] = {}
    for path in loader.files:
        name = posixpath.basename(path)
        if path in included or (path in extended and name not in BASE_NAMES):
            continue
        folders.setdefault(posixpath.dirname(path), []).append(name)
    found = [project for folder, names in folders.items() for project in _of_folder(loader, folder, names)]
    judged = {path for project in found for path in project.members}
    used = {path for project in found for path in project.sources}
    for path in loader.files:  # those that only include or extend one another
        if path not in judged and (path in included or path not in used):
            project = _project(loader, posixpath.dirname(path), [path])
            judged |= project.members
            used |= project.sources
            found.append(project)
    return tuple(found)


def _of_folder(loader: _Loader, folder: str, names: list[str]) -> Iterator[Project]:
    base_name = next((name for name in BASE_NAMES if name in names), None)
    override = next((name for name in OVERRIDE_NAMES if name in names), None) if base_name else None
    base = None
    if base_name is not None:
        own = [posixpath.join(folder, name) for name in (base_name, override) if name]
        base = _project(loader, folder, own)
        yield base
    for name in names:
        if name not in (base_name, override):
            path = posixpath.join(folder, name)
            if base is not None and _needs_base(loader.files[path], base):
                yield _project(loader, folder, [posixpath.join(folder, base_name or ""), path], base)
            else:
                yield _project(loader, folder, [path])


def _needs_base(documents: list[ComposeFile], base: Project) -> bool:
    """Whether a file only makes sense on top of the base: it changes a service that it does not define."""
    return any(
        service.key in base.services and not any(service.value.get(key) for key in ("image", "build", "extends"))
        for document in documents
        for service in document.services
    )


def _project(loader: _Loader, folder: str, paths: list[str], variant_of: Project | None = None) -> Project:
    model = loader.model(paths, folder, loader.env_files.get(posixpath.join(folder, ".env"), {}), set())
    project = Project(folder, tuple(paths), variant_of)
    project.networks = {entry.key: entry for entry in model.networks}
    project.volumes = {entry.key: entry for entry in model.volumes}
    project.configs = {entry.key: entry for entry in model.configs}
    project.is_complete = model.is_complete
    project.members = frozenset(model.members)
    project.sources = frozenset(model.folders)
    project.documented = _documented(loader.env_files, folder)
    for name, loaded in model.services.items():
        if loaded.value.form == "mapping":
            project.services[name] = Service(project, name, loaded, model)
    return project


def _env_files(repository: Repository) -> dict[str, dict[str, str]]:
    """The variables of each env file, by its path."""
    return {file.location.path: dict(file.values) for file in repository.facts(DotenvFile)}


def _documented(env_files: Mapping[str, Mapping[str, str]], folder: str) -> frozenset[str]:
    """The names that a file of variables in `folder`, or in a folder above it, gives a value."""
    return frozenset(
        name
        for path, values in env_files.items()
        if not (own := posixpath.dirname(path)) or f"{folder}/".startswith(f"{own}/")
        for name, value in values.items()
        if value.strip()
    )
