"""Which files of rules the Prometheus configurations of a repository load."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator

from sp404audit.documents.compose.project import Service
from sp404audit.documents.model import Repository
from sp404audit.documents.monitoring.facts import PrometheusFile, RuleFile
from sp404audit.documents.monitoring.targets import readers_of
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["Loading", "loading"]

_JSONNET = (".jsonnet", ".libsonnet")
_TEMPLATES = (".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb")
_EVALUATORS = regex(r"(?:^|/)(?:vmalert|loki|mimir|cortex|thanos)(?:$|-)")
_WILD = regex(r"[*?\[]")
_MAX_GLOB = 500
_MAX_GLOBS = 200


class Loading(NamedTuple):
    """What is loaded and what is not.

    Attributes:
        loaded: files of rules that a configuration or an operator loads.
        unloaded: files of rules that nothing in the repository loads.
        elsewhere: globs of `rule_files`, by configuration, that match nothing and whose files something else puts in
            place: they do not point into a folder that the repository mounts, or are made from templates in it.
    """

    loaded: tuple[RuleFile, ...]
    unloaded: tuple[RuleFile, ...]
    elsewhere: tuple[tuple[PrometheusFile, str], ...]


class _Glob(NamedTuple):
    """A glob of `rule_files`, and the globs over the repository that it comes to.

    `is_exact` says that these are all; `is_mounted` that a mount of the repository puts something in their place.
    """

    text: str
    patterns: tuple[str, ...]
    is_exact: bool
    is_mounted: bool

    @property
    def name(self) -> str:
        """What it says of the name of a file alone."""
        return posixpath.basename(self.text)


class _Patterns:
    """Patterns, found by what they are about: a file meets those that may name it, not all of them."""

    def __init__(self) -> None:
        self.matched: set[str] = set()
        self._plain: set[str] = set()
        self._by_folder: dict[str, list[str]] = {}
        self._others: list[str] = []
        self._asked: dict[str, bool] = {}

    def add(self, pattern: str) -> None:
        """Take in a pattern."""
        folder = posixpath.dirname(pattern)
        if not _WILD.search(pattern):
            self._plain.add(pattern)
        elif _WILD.search(folder):
            self._others.append(pattern)
        else:
            self._by_folder.setdefault(folder, []).append(pattern)

    def prepare(self) -> None:
        """Keep each pattern once."""
        self._by_folder = {folder: list(dict.fromkeys(found)) for folder, found in self._by_folder.items()}
        self._others = list(dict.fromkeys(self._others))

    def match(self, path: str) -> bool:
        """Tell whether any pattern matches a path; those that do are in `matched` from then on."""
        if path not in self._asked:
            candidates = (*self._by_folder.get(posixpath.dirname(path), ()), *self._others)
            found = [pattern for pattern in candidates if _matches(pattern, path)]
            if path in self._plain:
                found.append(path)
            self.matched.update(found)
            self._asked[path] = bool(found)
        return self._asked[path]


class _Naming:
    """What the globs of all configurations name: entries of ConfigMaps, files by their names, files by their paths."""

    def __init__(self, globs: list[tuple[PrometheusFile, _Glob]]) -> None:
        self._keys, self._names, self._paths = _Patterns(), _Patterns(), _Patterns()
        for config, glob in globs:
            self._keys.add(glob.name)
            # A file that becomes part of a ConfigMap when it is deployed, or lies where only its name is known.
            if config.holder.kind or not glob.is_exact:
                self._names.add(glob.name)
            else:
                for pattern in glob.patterns:
                    self._paths.add(pattern)
        for each in (self._keys, self._names, self._paths):
            each.prepare()

    def names(self, rules: RuleFile) -> bool:
        """Whether any glob names a file of rules; an entry of a ConfigMap is mounted as a file of that name."""
        if rules.holder.key:
            return self._keys.match(rules.holder.key)
        path = rules.location.path
        by_name = self._names.match(posixpath.basename(path))
        return self._paths.match(path) or by_name

    def is_used(self, config: PrometheusFile, glob: _Glob) -> bool:
        """Whether a glob named any of the files that were asked for."""
        if glob.name in self._keys.matched:
            return True
        if config.holder.kind or not glob.is_exact:
            return glob.name in self._names.matched
        return any(pattern in self._paths.matched for pattern in glob.patterns)


def loading(repository: Repository) -> Loading:
    """Find out what is loaded; for `Repository.derived`."""
    configs = repository.facts(PrometheusFile)
    globs = [(config, glob) for config in configs for glob in _globs(repository, config)]
    loaded: list[RuleFile] = []
    unloaded: list[RuleFile] = []
    naming = _Naming(globs)
    for rules in repository.facts(RuleFile):
        is_named = naming.names(rules)
        is_loaded = is_named or not configs or rules.holder.kind not in ("", "ConfigMap", "Secret")
        is_loaded = is_loaded or _is_evaluated(repository, rules.location.path)
        (loaded if is_loaded else unloaded).append(rules)
    used = {(config, glob.text) for config, glob in globs if naming.is_used(config, glob)}
    written = repository.paths - frozenset(repository.files("template"))
    elsewhere = tuple(
        (config, glob.text)
        for config, glob in globs
        if (config, glob.text) not in used
        and not any(pattern in written for pattern in glob.patterns)
        and (not glob.is_mounted or _is_generated(repository, glob.name))
    )
    return Loading(tuple(loaded), tuple(unloaded), elsewhere)


def _is_evaluated(repository: Repository, path: str) -> bool:
    """Whether a service that evaluates rules by itself, such as vmalert or the ruler of Loki, mounts a file of them."""
    references = (reader.image_reference for reader in readers_of(repository, path).services)
    return any(reference is not None and _EVALUATORS.search(reference.repository) for reference in references)


def _is_generated(repository: Repository, name: str) -> bool:
    """Whether files of such a name may be made from templates in the repository."""
    made, answers = repository.derived(_made_from_templates)
    if made is None:
        return True
    if name not in answers:
        answers[name] = name in made or (bool(_WILD.search(name)) and any(_matches(name, each) for each in made))
    return answers[name]


def _made_from_templates(repository: Repository) -> tuple[frozenset[str] | None, dict[str, bool]]:
    """The names of the files that templates make, None where that may be any; and room for what was asked."""
    if any(path.endswith(_JSONNET) for path in repository.paths):
        return None, {}
    templates = (posixpath.basename(path) for path in repository.paths if path.endswith(_TEMPLATES))
    return frozenset(name[: name.rfind(".")] for name in templates), {}


def _globs(repository: Repository, config: PrometheusFile) -> Iterator[_Glob]:
    """Yield the globs of a configuration, mapped from the container that reads it to the repository."""
    path = config.location.path
    readers = readers_of(repository, path)
    for text, _ in config.rule_files[:_MAX_GLOBS]:
        if len(text) > _MAX_GLOB:
            continue
        mapped = tuple(dict.fromkeys(pattern for reader in readers.services for pattern in _mapped(reader, path, text)))
        if text.startswith("/"):
            yield _Glob(text, mapped, is_exact=bool(mapped), is_mounted=bool(mapped))
        else:
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
            yield _Glob(text, (*mapped, beside), is_exact=True, is_mounted=bool(mapped))


def _mapped(reader: Service, config: str, glob: str) -> Iterator[str]:
    """Yield what a glob in the container of `reader` is in the repository."""
    if not glob.startswith("/"):
        at = next(((source, place) for source, place in reader.mounted if _is_at(config, source)), None)
        if at is None:
            return
        source, place = at
        folder = posixpath.dirname(posixpath.join(place, config.removeprefix(source).lstrip("/")).rstrip("/"))
        glob = posixpath.join(folder, glob)
    glob = posixpath.normpath(glob)
    for source, place in reader.mounted:
        if glob == place or _matches(glob, place):
            yield source
        elif glob.startswith(f"{place}/"):
            yield posixpath.join(source, glob.removeprefix(place).lstrip("/"))


def _is_at(path: str, source: str) -> bool:
    return path == source or not source or path.startswith(f"{source}/")


def _matches(pattern: str, path: str) -> bool:
    """Match as Go's filepath.Match does: `*` and `?` stay within a part of the path."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))
