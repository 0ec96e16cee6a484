"""The history of a repository, ready for questions: which changes a deployment brought, and what hints at failures."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import eq
from typing import overload

from sp404audit.dora.events import Change, Deployment, FailureSignal
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.git.authors import address_of, is_bot
from sp404audit.dora.sources.git.commits import UNKNOWN, Commits
from sp404audit.dora.sources.git.deployments import Release
from sp404audit.dora.sources.git.graph import NONE, Graph
from sp404audit.dora.sources.git.paths import commits_that_touch
from sp404audit.dora.sources.git.references import References
from sp404audit.dora.sources.git.signals import (
    MAX_PATCH_SHARE,
    Reverts,
    find_reverts,
    patch_signals,
    revert_signals,
    rollback_signals,
)
from sp404audit.dora.sources.git.versions import patch_share, read_version

__all__ = ["GitHistory"]

_LEAST_SHORT_ID = 4
_SAME_TIMES, _NUMBERED = 0.9, 0.4


class Brought(Sequence[Change]):
    """The changes of one deployment, each made when it is asked for: most deployments lie outside of the window."""

    def __init__(self, numbers: Sequence[int], change: Callable[[int], Change]) -> None:
        self._numbers = numbers
        self._change = change

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> Change: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Change]: ...

    def __getitem__(self, place: int | slice) -> Change | Sequence[Change]:
        if isinstance(place, slice):
            return Brought(self._numbers[place], self._change)
        return self._change(self._numbers[place])

    def __iter__(self) -> Iterator[Change]:
        return map(self._change, self._numbers)


class GitHistory:
    """Implements `sp404audit.dora.events.History`.

    Args:
        root: a folder of the repository; asked again only for the files that commits touch.
        commits: the newest first.
        references: tags and the main line.
        releases: the tags that are deployments.
        settings: the counting rules.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        commits: Commits,
        references: References,
        releases: Sequence[Release],
        settings: Settings,
    ) -> None:
        self.commits = commits
        self.numbers = {sha: number for number, sha in enumerate(commits.shas)}
        self.graph = Graph(self.numbers, commits.parents)
        commits.parents = []
        self.line = self.graph.line(self.numbers.get(references.main_sha, NONE))
        self._root = root
        self._settings = settings
        self._tags = {tag.name: tag.sha for tag in references.tags}
        self._releases = releases
        self._sorted: list[str] | None = None
        self._authors = [(address_of(each), is_bot(each, settings.bots)) for each in commits.authors]
        self._touched: dict[tuple[str, ...], frozenset[str]] = {}
        self._reverts: Reverts | None = None
        self.graph.watch(self.numbers.get(release.tag.sha, NONE) for release in releases)

    @cached_property
    def squashed(self) -> bool:
        """Whether pull requests were squashed, so that a commit's time is the merge's.

        Told by two signs together, for either alone occurs otherwise: nine of ten commits that are no merges have the
        same time for author and committer, and two of five a subject that ends in `(#n)`.
        """
        authored, committed, pulls = self.commits.authored, self.commits.committed, self.commits.pulls
        merges = self.graph.merges
        plain = len(pulls) - len(merges)
        same = sum(map(eq, authored, committed)) - sum(authored[merge] == committed[merge] for merge in merges)
        numbered = len(pulls) - pulls.count(0) - sum(pulls[merge] > 0 for merge in merges)
        return plain > 0 and same >= _SAME_TIMES * plain and numbered >= _NUMBERED * plain

    @property
    def reverts(self) -> Reverts:
        """What was taken back."""
        if self._reverts is None:
            self._reverts = find_reverts(self.commits, self._find)
        return self._reverts

    @property
    def untimed(self) -> int:
        """How many commits have no sane time at all; they are no changes, for nothing can be reckoned from them."""
        return len(self._untimed)

    @cached_property
    def _untimed(self) -> frozenset[int]:
        authored, committed = self.commits.authored, self.commits.committed
        if min(committed, default=0) >= 0:
            return frozenset()
        return frozenset(number for number, at in enumerate(committed) if at == UNKNOWN == authored[number])

    def resolve(self, name: str) -> str | None:
        """The full id of the commit that a tag, a full or an unambiguous short id (of four digits or more) names."""
        name = name.removeprefix("refs/tags/")
        if name in self._tags:
            return self._tags[name] if self._tags[name] in self.numbers else None
        number = self._find(name)
        return None if number is None else self.commits.shas[number]

    def _find(self, sha: str) -> int | None:
        known = self.numbers.get(sha)
        if known is not None or len(sha) < _LEAST_SHORT_ID:
            return known
        if self._sorted is None:
            self._sorted = sorted(self.commits.shas)
        place = bisect_left(self._sorted, sha)
        fitting = [each for each in self._sorted[place : place + 2] if each.startswith(sha)]
        return self.numbers[fitting[0]] if len(fitting) == 1 else None

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether one commit is contained in the other (a commit contains itself); no for those that are not known."""
        first, second = self.numbers.get(ancestor), self.numbers.get(descendant)
        return first is not None and second is not None and self.graph.is_ancestor(first, second)

    def attribute(self, tips: Sequence[str], paths: Sequence[str] = ()) -> list[Brought]:
        """For deployments in order of time, the changes that each was the first to contain, the oldest first.

        Args:
            tips: full ids; one that is not known contains nothing.
            paths: globs, or folders, from the top of the repository; a change counts when it touches one of them.

        Raises:
            GitError: when git cannot say which commits touch the paths.
        """
        owner = self.graph.owners(self.numbers.get(tip, NONE) for tip in tips)
        touched = self.touching(paths) if paths else None
        found = [array("l") for _ in tips]
        merges, shas, untimed = self.graph.merges, self.commits.shas, self._untimed
        for number in range(len(shas) - 1, -1, -1):
            if owner[number] >= 0 and number not in merges and (touched is None or shas[number] in touched):
                found[owner[number]].append(number)
        if untimed:
            found = [array("l", (number for number in each if number not in untimed)) for each in found]
        return [Brought(each, self.change) for each in found]

    def touching(self, paths: Sequence[str]) -> frozenset[str]:
        """The ids of the commits that touch files which one of the globs fits, from the top of the repository.

        Raises:
            GitError: when git cannot say, as in a clone without trees.
        """
        key = tuple(paths)
        if key not in self._touched:
            tips = [self.commits.shas[number] for number in self.graph.heads()]
            self._touched[key] = commits_that_touch(self._root, tips, key)
        return self._touched[key]

    def failure_signals(self, deployments: Sequence[Deployment], patch_window: int) -> tuple[FailureSignal, ...]:
        """What reverts, patch releases and rollbacks hint at, for deployments in order of time, a service at a time.

        Patch releases hint at nothing where they are more than 60 % of a service's releases (`patch_shares`).
        """
        by_service: dict[str, list[Deployment]] = {}
        for each in deployments:
            by_service.setdefault(each.service, []).append(each)
        found: list[FailureSignal] = []
        for service, ordered in sorted(by_service.items()):
            owner = self.graph.owners(self.numbers.get(each.sha, NONE) for each in ordered)
            chains = self.reverts.chains
            pattern = self._settings.services.get(service)
            if pattern is not None and pattern.paths:
                touched, shas = self.touching(pattern.paths), self.commits.shas
                chains = tuple(chain for chain in chains if shas[chain.root] in touched)
            found += revert_signals(ordered, owner, chains, self.commits)
            if self.patch_shares(ordered)[service] <= MAX_PATCH_SHARE:
                found += patch_signals(ordered, patch_window)
            for lane in _lanes(ordered):
                found += rollback_signals(lane, self.is_ancestor)
        return tuple(found)

    def patch_shares(self, deployments: Iterable[Deployment] = ()) -> Mapping[str, float]:
        """The share of patches among the steps from release to release, by service, of all tags and these."""
        releases: dict[str, set[tuple[int, ...]]] = {"": set()}
        for release in self._releases:
            if release.version is not None and not release.version.prerelease:
                releases.setdefault(release.service, set()).add(release.version.numbers)
        for each in deployments:
            version = None if each.prerelease else read_version(each.version)
            known = releases.setdefault(each.service, set())
            if version is not None and not version.prerelease:
                known.add(version.numbers)
        return {service: patch_share(known) for service, known in sorted(releases.items())}

    def change(self, number: int) -> Change:
        """What is known of a commit. Of a time that is no sane one, the other stands for both."""
        commits = self.commits
        authored, committed = commits.authored[number], commits.committed[number]
        if authored < 0 or committed < 0:
            authored = committed = max(authored, committed)
        address, bot = self._authors[commits.identities[number]]
        merge, merged_at, pull = self._merges[number], None, commits.pulls[number]
        if merge >= 0:
            merged_at = commits.committed[merge] if commits.committed[merge] >= 0 else None
            pull = pull or commits.pulls[merge]
        return Change(commits.shas[number], authored, committed, address, bot, merged_at, None, pull or None)

    @cached_property
    def _merges(self) -> array[int]:
        """For each commit the first one of the main line that contains it: itself, or the merge that brought it."""
        return self.graph.owners(reversed(self.line), reversed(self.line))


def _lanes(deployments: Iterable[Deployment]) -> Iterable[list[Deployment]]:
    lanes: dict[str, list[Deployment]] = {}
    for each in deployments:
        lanes.setdefault(each.environment.casefold(), []).append(each)
    return lanes.values()
