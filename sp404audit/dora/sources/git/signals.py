"""What git hints at: deployments whose commits were taken back, followed by a patch release, or rolled back.

These are proxies. Not every failure is reverted, so reverts give a lower bound; not every patch release repairs a
failure, so those give an upper bound, and where most releases are patches they say nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from sp404audit.dora.events import Deployment, FailureSignal
from sp404audit.dora.sources.git.commits import Commits
from sp404audit.dora.sources.git.messages import Revert
from sp404audit.dora.sources.git.versions import is_lower, read_version
from sp404audit.records import NamedTuple

__all__ = ["MAX_PATCH_SHARE", "Chain", "Reverts", "find_reverts", "patch_signals", "revert_signals", "rollback_signals"]

MAX_PATCH_SHARE = 0.6
"""Above this share of patch steps, patch releases are how a project releases, and no hint (measured on public
projects: by such a rule, four of five releases of one that only bumps patches would have failed)."""

_MAX_ROOTS = 20


class Chain(NamedTuple):
    """A commit that was reverted, and what was done to it since.

    Attributes:
        root: the commit.
        steps: reverts, and reverts of those, as (number, depth): an odd depth takes the commit back, an even one
            brings it in again.
    """

    root: int
    steps: list[tuple[int, int]]


class Reverts(NamedTuple):
    """The chains of a history, and how many reverts name commits that it has not."""

    chains: tuple[Chain, ...]
    lost: int


def find_reverts(commits: Commits, resolve: Callable[[str], int | None]) -> Reverts:
    """Find what every revert takes back: by id, else by the number of the pull request, else by the subject.

    Args:
        commits: all of them, the newest first.
        resolve: the number of the commit with this id, full or short.
    """
    named = _Named(commits)
    roots: dict[int, dict[int, int]] = {}
    lost = 0
    for number, revert in sorted(commits.reverts.items(), reverse=True):  # the oldest first
        found = _targets(number, revert, resolve, named)
        if found:
            _add_roots(number, found, roots)
        elif revert.shas or revert.numbers:
            lost += 1
    chains: dict[int, Chain] = {}
    for number, taken_back in roots.items():
        for root, depth in taken_back.items():
            chains.setdefault(root, Chain(root, [])).steps.append((number, depth))
    return Reverts(tuple(chains[root] for root in sorted(chains, reverse=True)), lost)


class _Named:
    """Commits by pull request and by subject, as far as reverts ask for them; the oldest first."""

    def __init__(self, commits: Commits) -> None:
        pulls = {number for revert in commits.reverts.values() for number in revert.numbers}
        subjects = {hash(revert.subject) for revert in commits.reverts.values() if revert.subject}
        self.by_pull: dict[int, list[int]] = {}
        self.by_subject: dict[int, list[int]] = {}
        for number in range(len(commits) - 1, -1, -1) if pulls or subjects else ():
            if commits.pulls[number] in pulls:
                self.by_pull.setdefault(commits.pulls[number], []).append(number)
            if commits.subjects[number] in subjects:
                self.by_subject.setdefault(commits.subjects[number], []).append(number)


def _targets(number: int, revert: Revert, resolve: Callable[[str], int | None], named: _Named) -> list[int]:
    by_id = [found for found in map(resolve, revert.shas) if found is not None and found != number]
    if by_id:
        return by_id
    by_pull = [_latest_before(number, named.by_pull.get(pull, ())) for pull in revert.numbers]
    if any(found is not None for found in by_pull):
        return [found for found in by_pull if found is not None]
    by_subject = _latest_before(number, named.by_subject.get(hash(revert.subject), ())) if revert.subject else None
    return [] if by_subject is None else [by_subject]


def _latest_before(number: int, candidates: Sequence[int]) -> int | None:
    """The newest of the candidates (the oldest comes first, and has the greatest number) that is older than this."""
    place = bisect_left(candidates, -number, key=lambda each: -each)
    return candidates[place - 1] if place else None


def _add_roots(number: int, targets: Iterable[int], roots: dict[int, dict[int, int]]) -> None:
    """Note which commits a revert takes back in the end, and by how many steps: one more than what it reverts does."""
    found: dict[int, int] = {}
    for target in targets:
        for root, depth in roots.get(target, {target: 0}).items():
            if len(found) < _MAX_ROOTS:
                found.setdefault(root, depth + 1)
    roots[number] = found


def revert_signals(
    deployments: Sequence[Deployment], owner: array[int], chains: Iterable[Chain], commits: Commits
) -> list[FailureSignal]:
    """Find the deployments that brought in a commit which a later deployment took back.

    A commit that was taken back before it was deployed, or within the same deployment, hints at nothing. A deployment
    with several such commits is recovered by the first that takes one back.

    Args:
        deployments: of one service, in order of time.
        owner: for each commit, the place of the deployment that first contained it.
        chains: from `find_reverts`.
        commits: all of them.
    """
    found: dict[int, tuple[int, str]] = {}
    for chain in chains:
        for failed, repaired, revert in _stretches(chain, owner):
            if failed not in found or repaired < found[failed][0]:
                shas = commits.shas
                because = (
                    f"{_name(deployments[repaired])} reverts {shas[chain.root][:12]}, which came with "
                    f"{_name(deployments[failed])} (by commit {shas[revert][:12]})"
                )
                found[failed] = (repaired, because)
    return [
        FailureSignal(deployments[failed].id, "revert", deployments[repaired].id, because)
        for failed, (repaired, because) in sorted(found.items())
    ]


def _stretches(chain: Chain, owner: array[int]) -> Iterable[tuple[int, int, int]]:
    """Yield each stretch in which a commit was live and that a revert ended: its deployments, and that revert."""
    born = owner[chain.root]
    if born < 0:
        return
    last: dict[int, tuple[int, int]] = {}
    for number, depth in chain.steps:
        place = owner[number]
        if place >= born and (place not in last or number < last[place][0]):
            last[place] = (number, depth)
    live_since: int | None = born
    for place, (number, depth) in sorted(last.items()):
        is_live = depth % 2 == 0
        if live_since is not None and not is_live:
            if place != live_since:
                yield live_since, place, number
            live_since = None
        elif live_since is None and is_live:
            live_since = place


def patch_signals(deployments: Sequence[Deployment], patch_window: int) -> list[FailureSignal]:
    """Find the deployments that were followed by the next patch release within so many seconds.

    Args:
        deployments: of one service, in order of time.
        patch_window: in seconds.
    """
    seen: dict[tuple[int, ...], Deployment] = {}
    found: dict[str, FailureSignal] = {}
    for each in deployments:
        version = None if each.prerelease else read_version(each.version)
        if version is None or version.single:
            continue
        *before, patch = version.numbers
        earlier = seen.get((*before, patch - 1))
        if earlier is not None and 0 <= each.finished_at - earlier.finished_at <= patch_window:
            hours = (each.finished_at - earlier.finished_at) / 3600
            because = f"{_name(each)} is the next patch release, {hours:.1f} h after {_name(earlier)}"
            found.setdefault(earlier.id, FailureSignal(earlier.id, "patch-release", each.id, because))
        seen.setdefault(version.numbers, each)
    return list(found.values())


def rollback_signals(deployments: Sequence[Deployment], is_ancestor: Callable[[str, str], bool]) -> list[FailureSignal]:
    """Find the deployments that were replaced by one of an older commit.

    A tag with a lower version than what is live was made late, for an old release: nothing was rolled back.

    Args:
        deployments: of one service and environment, in order of time.
        is_ancestor: whether the first commit is contained in the second.
    """
    found = []
    for live, each in pairwise(deployments):
        if each.sha == live.sha or not is_ancestor(each.sha, live.sha) or _is_late_tag(each, live):
            continue
        because = f"{_name(each)} is older than {_name(live)}, which was live"
        found.append(FailureSignal(live.id, "rollback", each.id, because))
    return found


def _is_late_tag(deployment: Deployment, live: Deployment) -> bool:
    return deployment.basis == "tag" and is_lower(deployment.version, live.version)


def _name(deployment: Deployment) -> str:
    return deployment.version or deployment.sha[:12] or deployment.id
