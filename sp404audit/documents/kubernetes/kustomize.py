"""Kustomizations: which manifests an overlay takes in, and what it changes of them.

The fields: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from sp404audit.documents import yaml_tree
from sp404audit.documents.model import Document, Fact, Repository
from sp404audit.documents.source import Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Kustomization", "KustomizationFact", "Patch", "image_overrides", "including", "parse"]

_INCLUDED = ("resources", "bases", "components", "helmCharts", "generators")
_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902")


class Patch(NamedTuple):
    """A change that a kustomization makes.

    Attributes:
        location: where it is named or written.
        path: the file that holds it, from the root of the repository; empty when it is written inline.
        text: the change itself when it is written inline.
        kind: the kind of object that it is for; empty for any.
        name: the name of the object, which may be a regular expression; empty for any.
    """

    location: Location
    path: str
    text: str
    kind: str
    name: str


class KustomizationFact(NamedTuple):
    """One `kustomization.yaml`.

    Attributes:
        location: the file.
        folder: its folder.
        included: the files and folders that it takes in, from the root of the repository.
        patches: the changes that it makes.
        images: the names of images whose name, tag or digest it sets.
        namespace: the namespace that it sets; empty when it sets none.
        components: those of `included` that change all that is taken in beside them.
    """

    location: Location
    folder: str
    included: tuple[str, ...]
    patches: tuple[Patch, ...]
    images: tuple[str, ...]
    namespace: str
    components: tuple[str, ...] = ()


class Kustomization(Document):
    """A `kustomization.yaml`."""

    kinds = ("kustomization",)

    def __init__(self, source: Source, root: Mapping | None) -> None:
        super().__init__(source)
        self.root = root

    def facts(self) -> Iterator[Fact]:
        """Yield the file as a fact."""
        if self.root is None:
            return
        folder = self.source.path.rpartition("/")[0]
        included = {key: _paths(folder, self.root.get(key)) for key in _INCLUDED}
        patches = (
            patch
            for key in _PATCHES
            for item in yaml_tree.sequence(self.root.get(key))
            if (patch := self._patch(folder, item)) is not None
        )
        images = (
            yaml_tree.text(item.get("name")) or ""
            for item in yaml_tree.sequence(self.root.get("images"))
            if isinstance(item, Mapping)
        )
        namespace = yaml_tree.text(self.root.get("namespace")) or ""
        location = Location(self.source.path)
        every = tuple(path for paths in included.values() for path in paths)
        components = included["components"]
        yield KustomizationFact(location, folder, every, tuple(patches), tuple(images), namespace, components)

    def _patch(self, folder: str, item: Node) -> Patch | None:
        location = Location(self.source.path, item.region)
        if isinstance(item, Scalar):
            inline = "\n" in item.value
            path = None if inline else _inside(folder, item.value)
            return Patch(location, path or "", item.value if inline else "", "", "")
        if not isinstance(item, Mapping):
            return None
        path = yaml_tree.text(item.get("path"))
        target = item.get("target")
        kind, name = (
            yaml_tree.text(target.get(key)) or "" if isinstance(target, Mapping) else "" for key in ("kind", "name")
        )
        inside = _inside(folder, path) if path else None
        return Patch(location, inside or "", yaml_tree.text(item.get("patch")) or "", kind, name)


def _paths(folder: str, node: Node | None) -> tuple[str, ...]:
    paths = (_inside(folder, item.value) for item in yaml_tree.strings(node))
    return tuple(path for path in paths if path is not None)


def _inside(folder: str, path: str) -> str | None:
    """A path from the root of the repository; None for a URL, and for what leaves the repository."""
    if "://" in path or path.startswith("/") or "?ref=" in path:
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    if joined == ".." or joined.startswith("../"):
        return None
    return "" if joined == "." else joined


def parse(source: Source) -> Kustomization:
    """Read a `kustomization.yaml`; what cannot be read of it is told."""
    stream = yaml_tree.parse_stream(source)
    root = next((root for root in stream.roots if isinstance(root, Mapping)), None)
    document = Kustomization(source, root)
    document.problems += stream.problems
    return document


def including(repository: Repository) -> dict[str, tuple[KustomizationFact, ...]]:
    """The kustomizations that take a file in or change it, by its path, those that do so by way of others too.

    Ask by `repository.derived(including)`.
    """
    facts = repository.facts(KustomizationFact)
    by_folder = {fact.folder: fact for fact in facts}
    found: dict[str, dict[str, KustomizationFact]] = {}
    for fact in facts:
        pending, seen = [fact], {fact.folder}
        files: list[str] = []
        components: list[KustomizationFact] = []
        while pending:
            inner = pending.pop()
            components += [by_folder[path] for path in inner.components if path in by_folder]
            for path in inner.included:
                if path in by_folder and path not in seen:
                    seen.add(path)
                    pending.append(by_folder[path])
                else:
                    files.append(path)
        for path in files:
            found.setdefault(path, {}).update({each.location.path: each for each in (fact, *components)})
    return {path: tuple(by_path.values()) for path, by_path in found.items()}


def image_overrides(repository: Repository) -> frozenset[str]:
    """The names of images, as manifests write them without a tag, whose tag or digest a kustomization sets.

    Ask by `repository.derived(image_overrides)`.
    """
    return frozenset(name for fact in repository.facts(KustomizationFact) for name in fact.images if name)
