"""The commit graph in arrays: which commits are contained in which.

Commits are numbers, from the newest (0) on. A question about a thousand deployments is answered by one walk over the
graph, never by a walk for each of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

__all__ = ["NONE", "Graph"]

NONE = -1


class Graph:
    """A commit graph.

    Args:
        numbers: the commits by their ids, numbered from 0 in any order.
        parents: the ids of each one's parents, parted by spaces. Those that are no commits of the graph are left out.

    Attributes:
        first: number of the first parent, or `NONE`.
        merges: numbers of the further parents of those that have several.
        missing: how many parents are left out.
    """

    def __init__(self, numbers: dict[str, int], parents: Sequence[str]) -> None:
        find = numbers.get
        first = array("l", [find(each, NONE) for each in parents])
        merges: dict[int, tuple[int, ...]] = {}
        missing = 0
        for number, text in enumerate(parents):
            if first[number] < 0 and text:
                ids = text.split(" ")
                known = [find(each, NONE) for each in ids]
                first[number] = known[0]
                if len(ids) > 1:
                    merges[number] = tuple(each for each in known[1:] if each >= 0)
                missing += known.count(NONE)
        self.first = first
        self.merges = merges
        self.missing = missing
        self._order: Sequence[int] | None = None
        self._generations: array[int] | None = None
        self._watched: dict[int, int] = {}
        self._containing: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.first)

    def owners(self, tips: Iterable[int], names: Iterable[int] | None = None) -> array[int]:
        """Say of each commit which tip is the first to contain it, and `NONE` where none does.

        Every commit is visited once, whatever the number of tips. A tip of `NONE` contains nothing.

        Args:
            tips: commits, in the order in which they claim what they contain.
            names: what stands for each tip in the answer: its place in the list unless something else is given.
        """
        owner = array("l", [NONE]) * len(self.first)
        first, merges = self.first, self.merges
        for place, tip in enumerate(tips) if names is None else zip(names, tips, strict=True):
            waiting = [tip]
            while waiting:
                at = waiting.pop()
                while at >= 0 and owner[at] < 0:
                    owner[at] = place
                    if at in merges:
                        waiting += merges[at]
                    at = first[at]
        return owner

    def heads(self) -> list[int]:
        """The commits that no other has for a parent."""
        has_child = bytearray(len(self.first))
        for parent in self.first:
            if parent >= 0:
                has_child[parent] = 1
        for parents in self.merges.values():
            for parent in parents:
                has_child[parent] = 1
        return [number for number, known in enumerate(has_child) if not known]

    def line(self, tip: int) -> list[int]:
        """A commit and its first parents, the newest first: the commits that a branch itself went through."""
        passed = []
        while tip >= 0:
            passed.append(tip)
            tip = self.first[tip]
        return passed

    def watch(self, commits: Iterable[int]) -> None:
        """Have questions about containment among these answered at once."""
        self._watched = {number: bit for bit, number in enumerate(dict.fromkeys(commits)) if number >= 0}
        self._containing = {}

    def is_ancestor(self, ancestor: int, descendant: int) -> bool:
        """Whether one commit is contained in the other; a commit contains itself."""
        if ancestor == descendant:
            return True
        if ancestor < descendant and isinstance(self.order(), range):
            return False
        if ancestor in self._watched and descendant in self._watched:
            self._containing = self._containing or self._find_containing()
            return bool(self._containing[ancestor] >> self._watched[descendant] & 1)
        generations = self._generations = self._generations or self._count_generations()
        return generations[ancestor] < generations[descendant] and self._reaches(descendant, ancestor, generations)

    def order(self) -> Sequence[int]:
        """The commits, each before its parents. The log's order is such a one unless a clock went wrong."""
        if self._order is None:
            in_order = all(parent < 0 or parent > number for number, parent in enumerate(self.first))
            in_order = in_order and all(
                min(known, default=number + 1) > number for number, known in self.merges.items()
            )
            self._order = range(len(self.first)) if in_order else self._sort()
        return self._order

    def _parents(self, number: int) -> tuple[int, ...]:
        parent = self.first[number]
        return ((parent,) if parent >= 0 else ()) + self.merges.get(number, ())

    def _sort(self) -> list[int]:
        """Kahn's algorithm (doi:10.1145/368996.369025)."""
        children = array("l", [0]) * len(self.first)
        for number in range(len(self.first)):
            for parent in self._parents(number):
                children[parent] += 1
        ready = [number for number, count in enumerate(children) if count == 0]
        sorted_: list[int] = []
        while ready:
            number = ready.pop()
            sorted_.append(number)
            for parent in self._parents(number):
                children[parent] -= 1
                if children[parent] == 0:
                    ready.append(parent)
        return sorted_

    def _count_generations(self) -> array[int]:
        """One more than the greatest of the parents': what is contained in a commit has a smaller one."""
        generations = array("l", [1]) * len(self.first)
        first, merges = self.first, self.merges
        for number in reversed(self.order()):
            if first[number] >= 0:
                generations[number] = generations[first[number]] + 1
            for parent in merges.get(number, ()):
                generations[number] = max(generations[number], generations[parent] + 1)
        return generations

    def _find_containing(self) -> dict[int, int]:
        """For each watched commit, the set of watched commits that contain it, as bits; by one walk from the tips."""
        containing: dict[int, int] = {}
        waiting: dict[int, int] = {}
        for number in self.order():
            bits = waiting.pop(number, 0)
            if number in self._watched:
                bits |= 1 << self._watched[number]
                containing[number] = bits
            if bits:
                for parent in self._parents(number):
                    waiting[parent] = waiting.get(parent, 0) | bits
        return containing

    def _reaches(self, start: int, wanted: int, generations: array[int]) -> bool:
        least = generations[wanted]
        seen = {start}
        waiting = [start]
        while waiting:
            for parent in self._parents(waiting.pop()):
                if parent == wanted:
                    return True
                if generations[parent] > least and parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False
