"""`.pre-commit-config.yaml`: the hooks that `pre-commit run` runs (https://pre-commit.com/#pre-commit-configyaml---top-level)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents import yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import Source
from sp404audit.documents.yaml_tree import Mapping
from sp404audit.records import NamedTuple
from sp404audit.results import WHOLE_FILE, Location

__all__ = ["Hook", "PreCommitConfig", "PreCommitService", "parse"]

_MOST = 1_000


class Hook(NamedTuple):
    """One hook. `repository` is where it comes from (an address, `local` or `meta`), `revision` its `rev`.

    `entry` is the command of a local hook; `stages` are empty where the hook names none.
    """

    location: Location
    repository: str
    revision: str
    id: str
    entry: str
    arguments: tuple[str, ...]
    stages: tuple[str, ...]
    revision_location: Location


class PreCommitService(NamedTuple):
    """What the file says to the pre-commit.ci service: the hooks that it leaves out."""

    location: Location
    skip: tuple[str, ...]


class PreCommitConfig(Document):
    """The file; `root` is its mapping, None when it holds something else."""

    kinds: ClassVar[tuple[str, ...]] = ("pre-commit",)

    def __init__(self, source: Source, root: Mapping | None) -> None:
        super().__init__(source)
        self.root = root

    def facts(self) -> Iterator[Fact]:
        """Yield every hook, and what concerns the service."""
        if self.root is None:
            return
        for item in yaml_tree.sequence(self.root.get("repos"))[:_MOST]:
            repository = yaml_tree.mapping(item)
            if repository is not None:
                yield from self._hooks(repository)
        service = self.root.get("ci")
        if service is not None:
            settings = yaml_tree.mapping(service)
            skip = yaml_tree.strings(settings.get("skip")) if settings else []
            location = Location(self.source.path, service.region)
            yield PreCommitService(location, tuple(scalar.value for scalar in skip))

    def _hooks(self, repository: Mapping) -> Iterator[Hook]:
        path = self.source.path
        url = yaml_tree.text(repository.get("repo")) or ""
        revision = repository.get("rev")
        place = Location(path, revision.region if revision is not None else WHOLE_FILE)
        for item in yaml_tree.sequence(repository.get("hooks"))[:_MOST]:
            hook = yaml_tree.mapping(item)
            if hook is None:
                continue
            arguments = [scalar.value for scalar in yaml_tree.strings(hook.get("args"))]
            stages = [scalar.value for scalar in yaml_tree.strings(hook.get("stages"))]
            yield Hook(
                Location(path, hook.region),
                url,
                yaml_tree.text(revision) or "",
                yaml_tree.text(hook.get("id")) or "",
                yaml_tree.text(hook.get("entry")) or "",
                tuple(arguments),
                tuple(stages),
                place,
            )


def parse(source: Source) -> PreCommitConfig:
    """Read the configuration.

    Raises:
        DocumentError: when the file is no YAML.
    """
    roots = yaml_tree.parse(source)
    return PreCommitConfig(source, yaml_tree.mapping(roots[0]) if roots else None)
