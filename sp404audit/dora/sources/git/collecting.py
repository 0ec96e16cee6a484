"""The git source's front door: reads a clone, or says why it cannot be measured and what mends that."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sp404audit.dora.events import Collected, Note, SourceReport
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.git.commits import read_commits
from sp404audit.dora.sources.git.deployments import Release, deployed_merges, deployed_tags, releases_among
from sp404audit.dora.sources.git.history import GitHistory
from sp404audit.dora.sources.git.references import References, read_references
from sp404audit.dora.sources.git.signals import MAX_PATCH_SHARE
from sp404audit.git import GitError, git, top_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HistoryError", "collect"]

_MOVED_AFTER = 7 * 86_400
_NAMED = 5
_SHALLOW = (
    "this clone is shallow: what it lacks would be missing from every figure. Run: git fetch --unshallow --tags; in "
    "GitHub Actions, give actions/checkout `fetch-depth: 0` (with `filter: tree:0` it stays small: commits and tags "
    "are all that is needed)"
)


class HistoryError(Exception):
    """The history cannot be measured; the text says why, and what to do."""


def collect(root: Path, settings: Settings, window: Window) -> tuple[Collected, GitHistory]:
    """Read deployments from tags or merges, and the history that answers questions about changes.

    All tags are deployments, whatever their time; of merges, those that the window needs. Changes are not listed:
    `History.attribute` tells them.

    Args:
        root: the repository, or a folder of it.
        settings: which tags or merges are deployments.
        window: the stretch that is measured.

    Raises:
        HistoryError: there is no git or no repository, it has no commits, is shallow or damaged, or belongs to
            somebody else; or the branch of the policy is not there.
    """
    try:
        if git(root, "rev-parse", "--is-shallow-repository").strip() == b"true":
            raise HistoryError(_SHALLOW)
        references = read_references(root, settings.branch)
        if not references.main_sha:
            raise HistoryError("this repository has no commits yet: there is nothing to measure")
        releases = [] if settings.deployments_from == "merges" else releases_among(references.tags, settings)
        tips = [references.main_sha, *(release.tag.sha for release in releases)]
        commits = read_commits(root, tips)
        is_inside = os.path.realpath(root) != top_folder(root)
    except GitError as error:
        raise HistoryError(str(error)) from error
    history = GitHistory(root, commits, references, releases, settings)
    _ask_for_paths(history, settings)
    from_merges = settings.deployments_from == "merges" or (settings.deployments_from == "auto" and not releases)
    if from_merges:
        deployments = deployed_merges(history.line, commits, window)
    else:
        deployments = deployed_tags(releases, history.numbers, commits)
    notes = [
        *_notes_on_scope(references, is_inside=is_inside),
        *_notes_on_deployments(settings, references, releases, from_merges=from_merges),
        *_notes_on_tags(releases, history),
        *_notes_on_commits(history),
    ]
    counts = {"commits": len(commits), "tags": len(references.tags), "deployments": len(deployments)}
    report = SourceReport("git", counts, notes=tuple(notes))
    return Collected(report, deployments=tuple(deployments)), history


def _ask_for_paths(history: GitHistory, settings: Settings) -> None:
    """Have the history know which commits touch the services' files, while there is somebody to tell that it cannot."""
    try:
        for pattern in settings.services.values():
            if pattern.paths:
                history.touching(pattern.paths)
    except GitError as error:
        raise HistoryError(
            f"which commits touch the paths of metrics.services cannot be told: {error}. A clone without trees "
            "(filter: tree:0) lacks them; clone without the filter, or leave the paths out of the policy"
        ) from error


def _notes_on_scope(references: References, *, is_inside: bool) -> Iterator[Note]:
    if is_inside:
        yield Note("git/folder", "the folder is a part of a repository, whose whole history is measured")
    if references.main == "HEAD":
        yield Note(
            "git/main-line",
            "no branch is known to be the main line; what is checked out is taken for it. Set metrics.branch",
        )


def _notes_on_deployments(
    settings: Settings, references: References, releases: Sequence[Release], *, from_merges: bool
) -> Iterator[Note]:
    if from_merges and settings.deployments_from == "auto":
        why = "there are no tags" if not references.tags else "no tag reads as a version"
        if settings.tags or settings.services:
            why = "no tag fits the policy's patterns"
        yield Note(
            "git/no-tags",
            f"{why}: every commit of {references.main} is taken for a deployment, which overstates them where not each "
            "goes live. Fetch tags (git fetch --tags), tag what is deployed, or set metrics.tags",
        )
    elif not from_merges and not releases:
        yield Note("git/no-tags", "no tag is a deployment by the policy; fetch tags (git fetch --tags)")
    if references.elsewhere:
        named = _listed(references.elsewhere)
        yield Note("git/tags-elsewhere", f"tags on trees or files are no revisions and are left out: {named}")
    if references.dropped:
        yield Note("git/too-many-tags", f"tags beyond the first 100,000 are left out ({references.dropped})")


def _notes_on_tags(releases: Sequence[Release], history: GitHistory) -> Iterator[Note]:
    moved, lost = [], []
    for tag in dict.fromkeys(release.tag for release in releases):
        number = history.numbers.get(tag.sha)
        if number is None:
            lost.append(tag.name)
        elif tag.annotated and tag.created_at is not None:
            committed = history.commits.committed[number]
            if 0 <= committed < tag.created_at - _MOVED_AFTER:
                moved.append(tag.name)
    if moved:
        yield Note(
            "git/moved-tags",
            f"made more than 7 days after their commits, so perhaps moved or made late: {_listed(moved)}; when these "
            "were deployed is doubtful",
        )
    if lost:
        yield Note("git/lost-tags", f"the commits of these tags are not in this clone: {_listed(lost)}")


def _notes_on_commits(history: GitHistory) -> Iterator[Note]:
    if history.graph.missing:
        yield Note("git/missing-commits", f"parents of commits that are not in this clone: {history.graph.missing}")
    if history.untimed:
        yield Note("git/times", f"left out, for they have no time between 1970 and 2100: {history.untimed} commits")
    if history.reverts.lost:
        yield Note(
            "git/lost-reverts",
            "not counted, for they name commits that are not in this history, such as those of a branch that was "
            f"squashed: {history.reverts.lost} reverts",
        )
    often = {name: share for name, share in history.patch_shares().items() if share > MAX_PATCH_SHARE}
    if often:
        told = ", ".join(f"{share:.0%}{f' of {name}' if name else ''}" for name, share in often.items())
        yield Note(
            "git/patch-releases",
            f"patch releases hint at no failures here, for most releases are patches ({told} of the steps from one "
            "release to the next; the limit is 60%)",
        )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
