"""YAML inside of a scalar of a YAML file (`prometheus.yml` in a ConfigMap), every node in its place in the file."""

from __future__ import annotations

from sp404audit.documents.source import Problem, Source
from sp404audit.documents.yaml_excerpt import ScalarExcerpt
from sp404audit.documents.yaml_tree import (
    Mapping,
    Mark,
    MergeBudget,
    Node,
    Scalar,
    Sequence,
    Written,
    parse_stream,
    walk,
)
from sp404audit.results import Region

__all__ = ["parse"]


def parse(scalar: Scalar, source: Source) -> tuple[list[Node | None], list[Problem]]:
    """Read the text of a scalar as YAML.

    Args:
        scalar: holds the text.
        source: the file of the scalar.

    Returns:
        The roots, as `yaml_tree.parse_stream` gives them, and what kept a part of the text from being read; both with
        places in `source`.
    """
    inner = Source(source.path, scalar.value.encode("utf-8", "surrogatepass"))
    stream = parse_stream(inner)
    excerpt = ScalarExcerpt(scalar, source)
    for problem in stream.problems:
        problem.region = None if problem.region is None else _outer(problem.region, inner, excerpt)
    return [None if root is None else _relocated(root, excerpt) for root in stream.roots], stream.problems


def _relocated(root: Node, excerpt: ScalarExcerpt) -> Node:
    """Build the tree again with its places in the outer file; what was one node before is one again."""
    budget = MergeBudget()
    nodes = list(walk(root))
    copies = {id(node): _copy(node, excerpt, budget) for node in nodes}
    for node in nodes:
        copies[id(node)].children.extend(copies[id(child)] for child in node.children)
    return copies[id(root)]


def _copy(node: Node, excerpt: ScalarExcerpt, budget: MergeBudget) -> Node:
    start, end = _marks(node, excerpt)
    if isinstance(node, Scalar):
        return Scalar(Written(node.value, node.style, start, end, node.tag))
    copy = Mapping(node.tag, start, budget) if isinstance(node, Mapping) else Sequence(node.tag, start)
    copy.end = end
    return copy


def _marks(node: Node, excerpt: ScalarExcerpt) -> tuple[Mark, Mark]:
    length = len(excerpt.text)
    start = min(node.start.index, length)
    end = max(start, min(node.end.index, length))
    region = excerpt.region(start, end)
    return (
        _mark(region.start_line, region.start_column, excerpt.source),
        _mark(region.end_line, region.end_column, excerpt.source),
    )


def _mark(line: int, column: int, source: Source) -> Mark:
    return Mark(line - 1, column - 1, source.offset(line, column))


def _outer(region: Region, inner: Source, excerpt: ScalarExcerpt) -> Region:
    start = min(inner.offset(min(region.start_line, len(inner.starts)), region.start_column), len(excerpt.text))
    return excerpt.region(start, start)
