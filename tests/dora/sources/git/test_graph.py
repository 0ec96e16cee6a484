"""The commit graph against sets, and against git itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.git import collect
from sp404audit.dora.sources.git.graph import NONE, Graph

T0 = 1_735_689_600


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    """The parents of up to thirty commits, each with up to three, and numbered in any order."""
    count = draw(st.integers(1, 30))
    parents: list[list[int]] = []
    for number in range(count):
        older = st.integers(0, max(0, number - 1))
        parents.append(draw(st.lists(older, max_size=min(3, number), unique=True)) if number else [])
    newest_first = list(range(count))[::-1]  # as git shows them where the clocks are right
    place = newest_first if draw(st.booleans()) else draw(st.permutations(range(count)))
    shuffled: list[list[int]] = [[] for _ in range(count)]
    for number, known in enumerate(parents):
        shuffled[place[number]] = [place[parent] for parent in known]
    return shuffled


def graph_of(parents: list[list[int]]) -> Graph:
    names = {f"{number:040x}": number for number in range(len(parents))}
    return Graph(names, [" ".join(f"{parent:040x}" for parent in known) for known in parents])


def ancestors(parents: list[list[int]]) -> list[set[int]]:
    """For each commit, all that it contains: without any cleverness."""
    contained = [{number} for number in range(len(parents))]
    for _ in parents:
        for number, known in enumerate(parents):
            for parent in known:
                contained[number] |= contained[parent]
    return contained


@settings(max_examples=100, deadline=None)
@given(graphs(), st.data())
def test_each_commit_belongs_to_the_first_tip_that_contains_it(parents: list[list[int]], data: st.DataObject) -> None:
    tips = data.draw(st.lists(st.integers(NONE, len(parents) - 1), max_size=8))
    contained = ancestors(parents)
    owner = graph_of(parents).owners(tips)
    for number in range(len(parents)):
        first = next((place for place, tip in enumerate(tips) if tip >= 0 and number in contained[tip]), NONE)
        assert owner[number] == first


@settings(max_examples=100, deadline=None)
@given(graphs(), st.data())
def test_containment_is_the_same_however_it_is_found(parents: list[list[int]], data: st.DataObject) -> None:
    graph, contained = graph_of(parents), ancestors(parents)
    graph.watch(data.draw(st.lists(st.integers(NONE, len(parents) - 1), max_size=10)))
    for descendant in range(len(parents)):
        for ancestor in range(len(parents)):
            assert graph.is_ancestor(ancestor, descendant) == (ancestor in contained[descendant])


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_order_heads_and_line(parents: list[list[int]]) -> None:
    graph = graph_of(parents)
    place = {number: at for at, number in enumerate(graph.order())}
    assert len(place) == len(parents)
    assert all(place[number] < place[parent] for number, known in enumerate(parents) for parent in known)
    assert set(graph.heads()) == set(range(len(parents))) - {parent for known in parents for parent in known}
    line = graph.line(0)
    assert line[0] == 0
    assert all(parents[child][0] == parent for child, parent in pairwise(line))
    assert parents[line[-1]] == []


def test_parents_that_are_not_there_are_counted() -> None:
    a, b, lost = "a" * 40, "b" * 40, "c" * 40
    graph = Graph({a: 0, b: 1}, [f"{lost} {b} {lost}", lost])
    assert graph.missing == 3
    assert list(graph.first) == [NONE, NONE]
    assert graph.merges == {0: (1,)}


def test_a_long_line_needs_no_recursion() -> None:
    count = 50_000
    names = {f"{number:x}": number for number in range(count)}
    graph = Graph(names, [f"{number + 1:x}" if number + 1 < count else "" for number in range(count)])
    assert set(graph.owners([count - 1, 0])) == {0, 1}
    assert graph.is_ancestor(count - 1, 0)
    graph.watch([0, count - 1])
    assert graph.is_ancestor(count - 1, 0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_changes_are_what_git_says(new_repository: Callable[..., Any], seed: int) -> None:
    """For every deployment, `git rev-list --no-merges TIP --not EARLIER…`, on a random history.

    Its clocks are right, for git's own answer is a guess where they are not.
    """
    rng = random.Random(seed)
    repository = new_repository()
    for number in range(60):
        count = min(number, rng.choice([1, 1, 1, 2, 3]))
        parents = [str(each) for each in rng.sample(range(max(0, number - 8), number), min(count, number, 8))]
        repository.commit(str(number), T0 + number, parents=parents, branch=f"b{number}")
    repository.branch("main", "59")
    tips = rng.sample(range(60), 12)
    for place, number in enumerate(tips):
        repository.tag(f"v1.{place}.0", str(number), T0 + 10_000 + place)
    collected, history = collect(repository.save(), Settings(), Window(T0, T0 + 1))
    shas = [each.sha for each in collected.deployments]
    assert shas == [repository.commits[str(number)] for number in tips]
    for place, brought in enumerate(history.attribute(shas)):
        said = repository.git("rev-list", "--no-merges", shas[place], "--not", *shas[:place]).split()
        assert sorted(change.sha for change in brought) == sorted(said)
    for ancestor in shas:
        for descendant in shas:
            said = repository.git("rev-list", "--count", ancestor, "--not", descendant)
            assert history.is_ancestor(ancestor, descendant) == (said == "0")
