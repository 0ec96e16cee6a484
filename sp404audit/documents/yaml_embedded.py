"""YAML inside of a scalar of a YAML file (`prometheus.yml` in a ConfigMap), every node in its place in the file."""

from __future__ import annotations

from sp404audit.documents.source import Problem, Source
from sp404audit.documents.yaml_excerpt import ScalarExcerpt
from sp404audit.documents.yaml_tree import Mark, Node, Scalar, parse_stream, walk
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
    seen: set[int] = set()
    for root in stream.roots:
        for node in walk(root):
            if id(node) not in seen:
                seen.add(id(node))
                _relocate(node, excerpt)
    for problem in stream.problems:
        problem.region = None if problem.region is None else _outer(problem.region, inner, excerpt)
    return stream.roots, stream.problems


def _relocate(node: Node, excerpt: ScalarExcerpt) -> None:
    length = len(excerpt.text)
    start, end = min(node.start.index, length), min(node.end.index, length)
    region = excerpt.region(start, max(start, end))
    node.start = Mark(region.start_line - 1, region.start_column - 1, start)
    node.end = Mark(region.end_line - 1, region.end_column - 1, max(start, end))


def _outer(region: Region, inner: Source, excerpt: ScalarExcerpt) -> Region:
    start = min(inner.offset(min(region.start_line, len(inner.starts)), region.start_column), len(excerpt.text))
    return excerpt.region(start, start)
