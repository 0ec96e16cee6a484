"""Node project files: package.json and the configuration of jest, vitest, nyc and c8.

JSON and YAML are parsed, JavaScript and TypeScript are read for literal values only (`script_literals`): what is
computed is unknown, never guessed. Sources for keys and defaults: https://jestjs.io/docs/configuration,
https://vitest.dev/config/coverage, https://github.com/istanbuljs/nyc, https://github.com/bcoe/c8.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import ClassVar

from sp404audit.documents import json_tree, script_literals, yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.projects.facts import (
    CoverageSetting,
    Manifest,
    Package,
    folder_of,
    lowest_threshold,
    number,
    task_facts,
)
from sp404audit.documents.script_literals import Value
from sp404audit.documents.source import DocumentError, Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar, Sequence
from sp404audit.lazy import regex
from sp404audit.results import WHOLE_FILE, Location

__all__ = ["NodeProject", "parse", "value_of"]

_LARGEST_SCRIPT = 1 << 18
_MOST_SCRIPTS = 500
_SCRIPT = (".js", ".ts", ".mjs", ".cjs", ".mts", ".cts")
_METRICS = ("lines", "statements", "branches", "functions")
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_STUB = regex(r"echo\s.*no test specified", re.IGNORECASE)


class NodeProject(Document):
    """One of the files; `root` is what it holds or exports, as far as it is literal."""

    kinds: ClassVar[tuple[str, ...]] = ("node-project",)

    def __init__(self, source: Source, root: Value, tree: Node | None) -> None:
        super().__init__(source)
        self.name = source.path.rpartition("/")[2]
        self.folder = folder_of(source.path)
        self.root = root
        self.tree = tree

    def location(self, value: Value | None) -> Location:
        """A place in this file."""
        if value is None or value.end <= value.start:
            return Location(self.source.path, WHOLE_FILE)
        return Location(self.source.path, self.source.region(value.start, min(value.end, value.start + 200)))

    def facts(self) -> Iterator[Fact]:
        """Yield the package, its scripts, coverage settings, and a Renovate configuration inside package.json."""
        stem = self.name.partition(".")[0]
        if self.name == "package.json":
            yield from _package_facts(self)
            renovate = self.root.entries.get("renovate")
            if renovate is not None:
                from sp404audit.documents.projects.update_bots import renovate_fact

                yield renovate_fact(self.source, renovate, self.location(renovate))
            for tool, reader in (("jest", _jest), ("nyc", _nyc), ("c8", _nyc)):
                inner = self.root.entries.get(tool)
                if inner is not None and inner.kind == "object":
                    yield from reader(self, tool, inner)
        elif stem == "jest":
            yield from _jest(self, "jest", self.root)
        elif stem in ("vitest", "vite"):
            yield from _vitest(self, "vitest", self.root)
        elif self.name.startswith(".c8"):
            yield from _nyc(self, "c8", self.root)
        elif self.name.startswith((".nyc", "nyc")):
            yield from _nyc(self, "nyc", self.root)


def parse(source: Source) -> NodeProject:
    """Read one Node project file.

    Args:
        source: the file; its name decides how it is read.

    Raises:
        DocumentError: when package.json or another data file cannot be read.
    """
    name = source.path.rpartition("/")[2]
    if name.endswith(_SCRIPT):
        if len(source.text) > _LARGEST_SCRIPT:
            message = f"a configuration of more than {_LARGEST_SCRIPT >> 10} kB is not read"
            raise DocumentError("input/too-large", message)
        return NodeProject(source, script_literals.exported(source.text), None)
    if name.endswith((".yml", ".yaml")):
        roots = yaml_tree.parse(source)
        tree = roots[0] if roots else None
    elif name == "package.json" or name.endswith(".json"):
        tree = json_tree.parse(source)
    else:  # .nycrc and .c8rc: JSON, perhaps with comments
        return NodeProject(source, script_literals.read_json5(source.text), None)
    return NodeProject(source, value_of(tree), tree)


def value_of(tree: Node | None, depth: int = 12) -> Value:
    """A YAML or JSON tree as the value that a script's configuration would be; what lies too deep is unknown."""
    if tree is None or depth <= 0:
        return script_literals.UNKNOWN
    start, end = tree.start.index, tree.end.index
    if isinstance(tree, Scalar):
        return Value("scalar", start, end, tree.resolved)
    if isinstance(tree, Mapping):
        entries = {name: value_of(value, depth - 1) for name, _, value in tree.pairs()}
        return Value("object", start, end, entries=entries)
    if isinstance(tree, Sequence):
        return Value("array", start, end, items=tuple(value_of(item, depth - 1) for item in tree.items[:1000]))
    return script_literals.UNKNOWN


def _package_facts(document: NodeProject) -> Iterator[Fact]:
    root = document.root
    if root.kind != "object":
        return
    names: list[str] = []
    for group in _DEPENDENCIES:
        table = root.entries.get(group)
        names += table.entries if table is not None else ()
    scripts = root.entries.get("scripts")
    declared = scripts.entries if scripts else {}
    texts = {name: value for name, value in list(declared.items())[:_MOST_SCRIPTS] if isinstance(value.literal, str)}
    label = root.entries.get("name")
    yield Manifest(document.location(root.entries.get("dependencies")), "npm", document.folder, bool(names))
    yield Package(
        document.location(label),
        document.folder,
        label.literal if label and isinstance(label.literal, str) else "",
        tuple(name for name, value in texts.items() if not _STUB.search(str(value.literal))),
        tuple(names),
        "workspaces" in root.entries,
    )
    for name, value in texts.items():
        text = str(value.literal)
        if not _STUB.search(text):
            region = document.location(value).region
            yield from task_facts(document, "npm", name, region, [(text, region)], one_shell=True)


def _percentages(table: Value) -> tuple[dict[str, float | None], bool]:
    """The metrics of a table of thresholds, and whether all that matters in it is known."""
    metrics: dict[str, float | None] = {}
    known = table.kind == "object" and table.complete
    for name in _METRICS:
        value = table.get(name)
        if value is None:
            continue
        amount = number(value.literal) if value.kind == "scalar" else None
        if amount is None or amount < 0:  # a negative number bounds a count, which is no share
            known = False
        else:
            metrics[name] = amount
    return metrics, known


Reader = Callable[[NodeProject, str, Value], Iterator[Fact]]


def _jest(document: NodeProject, tool: str, root: Value) -> Iterator[Fact]:
    """`coverageThreshold.global`, and `collectCoverage`, without which jest checks nothing."""
    table = root.get("coverageThreshold")
    collect = root.get("collectCoverage")
    enabled = collect.literal is True if collect is not None and collect.kind == "scalar" else None
    minimum, known, note = None, True, ""
    if table is not None:
        whole = table.get("global")
        if whole is None and table.kind == "object" and table.entries:
            known, note = False, "thresholds are set for some paths only"
        elif whole is not None:
            metrics, known = _percentages(whole)
            minimum = lowest_threshold(metrics)
            known = known or minimum is not None
    elif root.kind != "object":
        known = False
    yield CoverageSetting(
        document.location(table), tool, document.folder, minimum, known, enabled, _rank(document.name), note
    )


def _vitest(document: NodeProject, tool: str, root: Value) -> Iterator[Fact]:
    """`test.coverage.thresholds` (or, before 1.0, the metrics in `coverage` itself)."""
    coverage = root.get("test", "coverage")
    if coverage is None:
        if root.get("test") is not None or document.name.startswith("vitest"):
            place, rank = document.location(root), _rank(document.name)
            yield CoverageSetting(place, tool, document.folder, None, rank=rank)
        return
    flag = coverage.get("enabled")
    enabled = flag.literal is True if flag is not None and flag.kind == "scalar" else None
    thresholds = coverage.get("thresholds")
    table = thresholds if thresholds is not None else coverage
    minimum, known = None, table.kind == "object"
    if known:
        hundred = table.get("100")
        metrics, known = _percentages(table)
        minimum = 100.0 if hundred is not None and hundred.literal is True else lowest_threshold(metrics)
        known = known or minimum is not None
    yield CoverageSetting(
        document.location(table), tool, document.folder, minimum, known, enabled, _rank(document.name)
    )


def _nyc(document: NodeProject, tool: str, root: Value) -> Iterator[Fact]:
    """`check-coverage` with `lines` (90 unless set otherwise) of nyc and c8."""
    check = root.get("check-coverage")
    if check is None:
        check = root.get("checkCoverage")
    enabled = check.literal is True if check is not None and check.kind == "scalar" else None
    metrics, known = _percentages(root)
    default: dict[str, float | None] = {"lines": 90.0}
    hundred = root.get("100")
    minimum = 100.0 if hundred is not None and hundred.literal is True else lowest_threshold(default | metrics)
    if "extends" in root.entries and not metrics:
        known = False
    yield CoverageSetting(
        document.location(check), tool, document.folder, minimum, known or bool(metrics), enabled, _rank(document.name)
    )


def _rank(name: str) -> int:
    """Configuration files of a tool win over its key in package.json, and vitest's over vite's."""
    return 2 if name == "package.json" else 1 if name.startswith("vite.") else 0
