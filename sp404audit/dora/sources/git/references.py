"""Tags, branches and the main line, by one `git for-each-ref`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from sp404audit.git import GitError, git
from sp404audit.records import NamedTuple

__all__ = ["MAX_TIME", "References", "Tag", "moment", "read_references"]

MAX_TIME = 4_102_444_800
"""2100-01-01T00:00Z: a later time is a mistake, or a joke."""

MAX_TAGS = 100_000
_MAX_NESTED = 100
_FIELDS = (
    "refname",
    "objecttype",
    "objectname",
    "*objecttype",
    "*objectname",
    "creatordate:unix",
    "HEAD",
    "symref",
)
_FORMAT = "%00".join(f"%({field})" for field in _FIELDS)
_LOCAL, _REMOTE, _TAGS = "refs/heads/", "refs/remotes/origin/", "refs/tags/"
_USUAL_NAMES = ("main", "master", "trunk", "develop")


class Tag(NamedTuple):
    """A tag on a commit.

    Attributes:
        created_at: when an annotated tag was made; of a lightweight one, git tells the commit's time. None when that
            is no sane time.
        annotated: whether it is an object of its own, with a time of its own.
    """

    name: str
    sha: str
    created_at: int | None
    annotated: bool


class References(NamedTuple):
    """What the names of a repository point to.

    Attributes:
        tags: those on commits, in order of name.
        elsewhere: names of tags on trees and blobs, which are no revisions.
        main: name of the main line, as people call it; `HEAD` when no branch is known to be it.
        main_sha: the commit it stands at; empty when the repository has no commits.
        dropped: how many tags are beyond what is read.
    """

    tags: tuple[Tag, ...]
    elsewhere: tuple[str, ...]
    main: str
    main_sha: str
    dropped: int = 0


class _Reference(NamedTuple):
    name: str
    type: str
    sha: str
    peeled_type: str
    peeled_sha: str
    created: str
    is_head: bool
    symbolic: str


def moment(text: str) -> int | None:
    """Read a time of git's, in seconds; None for what is no number or lies before 1970 or after 2100."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        return None
    value = int(text)
    return value if value <= MAX_TIME else None


def read_references(root: str | os.PathLike[str], branch: str) -> References:
    """Read tags and branches.

    Args:
        root: a folder of the repository.
        branch: the main line by name; empty for the default branch: what `origin/HEAD` points to, else the branch
            that is checked out if its name is a usual one, else one of the usual names, else whatever is checked out.

    Raises:
        GitError: as `sp404audit.git.git`; also when the branch is not there.
    """
    output = git(root, "for-each-ref", f"--format={_FORMAT}", "refs/tags", "refs/heads", "refs/remotes/origin")
    references = list(_parse(output.decode("utf-8", "replace")))
    tags, elsewhere, dropped = _tags(root, [each for each in references if each.name.startswith(_TAGS)])
    branches = {each.name: each for each in references if not each.name.startswith(_TAGS)}
    main, main_sha = _main_line(root, branches, branch)
    return References(tuple(tags), tuple(elsewhere), main, main_sha, dropped)


def _parse(text: str) -> Iterator[_Reference]:
    for line in text.split("\n"):
        values = line.split("\0")
        if len(values) == len(_FIELDS):
            name, type_, sha, peeled_type, peeled_sha, created, head, symbolic = values
            yield _Reference(name, type_, sha, peeled_type, peeled_sha, created, head == "*", symbolic)


def _tags(root: str | os.PathLike[str], references: Sequence[_Reference]) -> tuple[list[Tag], list[str], int]:
    tags: list[Tag] = []
    elsewhere: list[str] = []
    nested = 0
    for each in references[:MAX_TAGS]:
        name = each.name.removeprefix(_TAGS)
        annotated = each.type == "tag"
        kind, sha = (each.peeled_type, each.peeled_sha) if annotated else (each.type, each.sha)
        if kind == "tag" and nested < _MAX_NESTED:
            # A tag of a tag: git before 2.45 looks behind the outermost only.
            nested += 1
            kind, sha = "commit", _commit(root, each.sha)
        if kind == "commit" and sha:
            tags.append(Tag(name, sha, moment(each.created), annotated))
        else:
            elsewhere.append(name)
    return tags, elsewhere, max(0, len(references) - MAX_TAGS)


def _commit(root: str | os.PathLike[str], name: str) -> str:
    """The id of the commit that a name leads to; empty when there is none."""
    try:
        output = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except GitError:
        return ""
    # git before 2.44 repeats the option that it was given.
    return output.decode("ascii", "replace").split()[-1] if output.strip() else ""


def _main_line(root: str | os.PathLike[str], branches: dict[str, _Reference], wanted: str) -> tuple[str, str]:
    for name in _candidates(branches, wanted):
        if name in branches and branches[name].type == "commit":
            return name.removeprefix(_LOCAL).removeprefix("refs/remotes/"), branches[name].sha
    if wanted:
        raise GitError(
            f"there is no branch {wanted}, here or in origin; correct metrics.branch in the policy, or fetch it: "
            f"git fetch origin {wanted}"
        )
    return "HEAD", _commit(root, "HEAD")


def _candidates(branches: dict[str, _Reference], wanted: str) -> Iterable[str]:
    """Full names of branches that may be the main line, the likeliest first."""
    if wanted:
        return (f"{_REMOTE}{wanted}", f"{_LOCAL}{wanted}")
    names = []
    if f"{_REMOTE}HEAD" in branches:
        names.append(branches[f"{_REMOTE}HEAD"].symbolic)
    checked_out = [name for name, each in branches.items() if each.is_head]
    names += [name for name in checked_out if name.removeprefix(_LOCAL) in _USUAL_NAMES]
    names += [f"{prefix}{name}" for name in _USUAL_NAMES for prefix in (_REMOTE, _LOCAL)]
    return [*names, *checked_out]
