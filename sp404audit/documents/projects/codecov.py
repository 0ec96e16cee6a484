"""codecov.yml: which statuses Codecov sets, and from which share of coverage on they are green.

https://docs.codecov.com/docs/commit-status.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents import yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.projects.facts import CoverageSetting, number
from sp404audit.documents.source import Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar
from sp404audit.results import WHOLE_FILE, Location

__all__ = ["CodecovConfig", "parse"]

_OFF = ("off", "no", "false", "")


class CodecovConfig(Document):
    """The file; `root` is its mapping, None when it holds something else."""

    kinds: ClassVar[tuple[str, ...]] = ("codecov",)

    def __init__(self, source: Source, root: Mapping | None) -> None:
        super().__init__(source)
        self.root = root

    def facts(self) -> Iterator[Fact]:
        """Yield a setting for each status of the project and of the patch; `note` says which, and what it lacks."""
        coverage = yaml_tree.mapping(self.root.get("coverage")) if self.root else None
        statuses = yaml_tree.mapping(coverage.get("status")) if coverage else None
        found = False
        for scope in ("project", "patch"):
            node = statuses.get(scope) if statuses else None
            for setting in self._statuses(scope, node):
                found = True
                yield setting
        if not found:
            yield self._setting(None, None, "no status with a target is configured")

    def _statuses(self, scope: str, node: Node | None) -> Iterator[CoverageSetting]:
        if isinstance(node, Scalar):
            off = node.value.lower() in _OFF
            yield self._setting(node, None, f"{scope}: off" if off else f"{scope}: no target of its own")
            return
        named = yaml_tree.mapping(node)
        for name, _, value in named.pairs() if named else ():
            status = yaml_tree.mapping(value)
            if status is None:
                yield self._setting(value, None, f"{scope}.{name} is off")
                continue
            target = yaml_tree.text(status.get("target"))
            place = status.get("target") or status
            if (yaml_tree.text(status.get("informational")) or "").lower() in ("true", "yes"):
                yield self._setting(status.get("informational"), None, f"{scope}.{name} is informational")
            elif target is None or number(target) is None:
                note = f"{scope}.{name} has the target {target or 'auto'}, which only compares with the base"
                yield self._setting(place, None, note)
            else:
                yield self._setting(place, number(target), scope, enabled=True)

    def _setting(
        self, node: Node | None, minimum: float | None, note: str, *, enabled: bool | None = None
    ) -> CoverageSetting:
        location = Location(self.source.path, node.region if node is not None else WHOLE_FILE)
        return CoverageSetting(location, "codecov", "", minimum, True, enabled, 0, note)


def parse(source: Source) -> CodecovConfig:
    """Read codecov.yml.

    Raises:
        DocumentError: when the file is no YAML.
    """
    roots = yaml_tree.parse(source)
    return CodecovConfig(source, yaml_tree.mapping(roots[0]) if roots else None)
