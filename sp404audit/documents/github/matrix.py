"""A job's `strategy.matrix`: which values its expressions can take, where the file alone decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.documents.yaml_tree import Mapping, Scalar, Sequence, mapping

if TYPE_CHECKING:
    from sp404audit.documents.yaml_tree import Node
    from sp404audit.results import Region

__all__ = ["Combination", "Matrix"]

MAX_COMBINATIONS = 256
"""GitHub starts no more jobs than this for a matrix ("Running variations of jobs in a workflow")."""

Combination = dict[str, "Node"]
"""The value of each axis, by its name in lower case."""


class Matrix:
    """The matrix of a job.

    Attributes:
        node: the mapping; None when an expression makes the whole matrix.
        source_node: what stands under `matrix`, of whatever type.
    """

    def __init__(self, node: Node) -> None:
        self.node = mapping(node)
        self.source_node = node

    @property
    def region(self) -> Region:
        """Where the matrix stands."""
        return self.source_node.region

    def axes(self) -> Iterator[tuple[str, Node]]:
        """Yield the axes by their names in lower case, `include` and `exclude` left out."""
        if self.node is not None:
            for name, _, value in self.node.pairs():
                if name.lower() not in ("include", "exclude"):
                    yield name.lower(), value

    def _entries(self, name: str) -> list[Mapping] | None:
        """The mappings under `include` or `exclude`; None when an expression makes them."""
        node = self.node.get(name) if self.node is not None else None
        if isinstance(node, Sequence):
            return [entry for entry in node if isinstance(entry, Mapping)]
        return [] if node is None else None

    def values(self, path: tuple[str, ...]) -> list[Scalar] | None:
        """The scalars that `matrix.<path>` can be, from the axis and from `include`.

        Args:
            path: what follows `matrix` in an expression: `("os",)`, `("target", "image")`; in lower case.

        Returns:
            The scalars, expressions in them and all; None when an expression decides on the axis or on `include`, or
            when nothing gives the value. Values that `exclude` names alone are left out.
        """
        include = self._entries("include")
        if self.node is None or include is None or not path:
            return None
        excluded = self._excluded(path)
        found: list[Scalar] = []
        for name, axis in self.axes():
            if path[0] in (name, "*"):
                if not isinstance(axis, Sequence):
                    return None
                scalars = (scalar for item in axis for scalar in descend(item, path[1:]))
                found += [scalar for scalar in scalars if scalar.value not in excluded]
        for entry in include:
            found += descend(entry, path)
        return found or None

    def _excluded(self, path: tuple[str, ...]) -> frozenset[str]:
        """The values of an axis that `exclude` takes out whatever the other axes are."""
        alone = [entry for entry in self._entries("exclude") or () if len(entry) == 1]
        return frozenset(scalar.value for entry in alone for scalar in descend(entry, path))

    def combinations(self) -> list[Combination] | None:
        """Every job of the matrix, as GitHub builds it; None when an expression decides on a part of it.

        `include` adds to the combinations that it does not contradict in an original value, and makes a new one where
        it fits none.
        """
        include, exclude = self._entries("include"), self._entries("exclude")
        if self.node is None or include is None or exclude is None:
            return None
        found: list[Combination] = [{}]
        for name, axis in self.axes():
            if not isinstance(axis, Sequence):
                return None
            found = [{**each, name: value} for each in found for value in axis]
            if len(found) > MAX_COMBINATIONS:
                return None
        excluded = [_lowered(entry) for entry in exclude[:MAX_COMBINATIONS]]
        found = [each for each in found if each and not any(_agrees(each, entry) for entry in excluded)]
        for entry in include[: MAX_COMBINATIONS - len(found)]:
            _include(found, _lowered(entry), {name for name, _ in self.axes()})
        return found


def _lowered(entry: Mapping) -> Combination:
    return {name.lower(): value for name, _, value in entry.pairs()}


def _agrees(combination: Combination, entry: Combination) -> bool:
    """Whether a combination has every value that the entry names."""
    return all(name in combination and _same(combination[name], value) for name, value in entry.items())


def _include(found: list[Combination], entry: Combination, axes: set[str]) -> None:
    fits = False
    for combination in found:
        original = {name: value for name, value in entry.items() if name in axes}
        if axes and _agrees(combination, original) and combination.keys() & axes:
            combination.update({name: value for name, value in entry.items() if name not in axes})
            fits = True
    if not fits:
        found.append(dict(entry))


def _same(left: Node, right: Node) -> bool:
    if isinstance(left, Scalar) and isinstance(right, Scalar):
        return left.value == right.value
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        # `exclude` may name a part of a mapping; one level is what real files use.
        pairs = ((left.get(name), value) for name, _, value in right.pairs())
        return all(isinstance(a, Scalar) and isinstance(b, Scalar) and a.value == b.value for a, b in pairs)
    return left is right


def descend(node: Node | None, path: tuple[str, ...]) -> list[Scalar]:
    """The scalars at a path below a node; `*` stands for any step. Bounded by the length of the path."""
    level: list[Node] = [node] if node is not None else []
    for step in path:
        below: list[Node] = []
        for each in level:
            if isinstance(each, Mapping):
                below += [value for name, _, value in each.pairs() if step in ("*", name.lower())]
            elif isinstance(each, Sequence) and step == "*":
                below += each.items
            elif isinstance(each, Sequence) and step.isdigit():
                below += each.items[int(step[:6]) : int(step[:6]) + 1]
        level = list({id(each): each for each in below}.values())  # aliases may make a tree that grows with each step
    return [each for each in level if isinstance(each, Scalar)]
