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

    def matches(self, path: str) -> bool:
        """Whether a file of the repository is one of those that are named."""
        if self.is_exact:
            return any(_matches(pattern, path) for pattern in self.patterns)
        return _matches(posixpath.basename(self.text), posixpath.basename(path))


def loading(repository: Repository) -> Loading:
    """Find out what is loaded; for `Repository.derived`."""
    configs = repository.facts(PrometheusFile)
    globs = [(config, glob) for config in configs for glob in _globs(repository, config)]
    loaded: list[RuleFile] = []
    unloaded: list[RuleFile] = []
    used: set[tuple[PrometheusFile, str]] = set()
    for rules in repository.facts(RuleFile):
        by = [(config, glob.text) for config, glob in globs if _names(config, glob, rules)]
        used.update(by)
        is_loaded = bool(by) or not configs or rules.holder.kind not in ("", "ConfigMap", "Secret")
        is_loaded = is_loaded or _is_evaluated(repository, rules.location.path)
        (loaded if is_loaded else unloaded).append(rules)
    written = repository.paths - frozenset(repository.files("template"))
    elsewhere = tuple(
        (config, glob.text)
        for config, glob in globs
        if (config, glob.text) not in used
        and not any(pattern in written for pattern in glob.patterns)
        and (not glob.is_mounted or _is_generated(repository, glob.text))
    )
    return Loading(tuple(loaded), tuple(unloaded), elsewhere)


def _is_evaluated(repository: Repository, path: str) -> bool:
    """Whether a service that evaluates rules by itself, such as vmalert or the ruler of Loki, mounts a file of them."""
    references = (reader.image_reference for reader in readers_of(repository, path).services)
    return any(reference is not None and _EVALUATORS.search(reference.repository) for reference in references)


def _is_generated(repository: Repository, glob: str) -> bool:
    """Whether the files that a glob names may be made from templates in the repository."""
    name = posixpath.basename(glob)
    return any(
        path.endswith(_JSONNET)
        or (path.endswith(_TEMPLATES) and _matches(name, posixpath.basename(path)[: path.rfind(".") - len(path)]))
        for path in repository.paths
    )


def _names(config: PrometheusFile, glob: _Glob, rules: RuleFile) -> bool:
    """Whether a configuration's glob names a file of rules."""
    if rules.holder.key:  # an entry of a ConfigMap: mounted as a file of that name
        return _matches(posixpath.basename(glob.text), rules.holder.key)
    if config.holder.kind:  # a file that becomes part of a ConfigMap when it is deployed
        return _matches(posixpath.basename(glob.text), posixpath.basename(rules.location.path))
    return glob.matches(rules.location.path)


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
