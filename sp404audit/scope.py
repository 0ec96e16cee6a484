"""What of a repository is looked at, and what of the verdicts is reported.

An audit always judges the whole repository: whether a service has a scrape target cannot be told from one file. Who
asks about a few files (a pre-commit hook, a pull request, an editor) gets the results that lie in them, or that point
to a place in them; nothing else is reported, counted, or called compliant.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from sp404audit.discovery import InputError, Reader
from sp404audit.records import NamedTuple
from sp404audit.results import Notification, Result

__all__ = ["Scope", "ScopeError", "View", "view"]


class _Rule(Protocol):
    @property
    def id(self) -> str: ...


_R = TypeVar("_R", bound=_Rule)


class ScopeError(Exception):
    """What was asked for cannot be told; the text names the way out."""


class Scope(NamedTuple):
    """The files about which somebody asks.

    Attributes:
        paths: relative to the root, with `/`; None for the whole repository.
        what: words for them, as in "only what concerns … is reported"; empty for the whole repository.
        named: those of them that were asked for by name, and so are not hidden by .gitignore.
    """

    paths: Container[str] | None = None
    what: str = ""
    named: frozenset[str] = frozenset()

    def results(self, results: Sequence[Result]) -> Sequence[Result]:
        """Keep the results that lie in these files, or that name a place in them."""
        if self.paths is None:
            return results
        paths = self.paths
        return [each for each in results if any(place.path in paths for place in (each.location, *each.related))]

    def rules(self, rules: Sequence[_R], results: Iterable[Result]) -> Sequence[_R]:
        """Keep the rules that have something to say of these files; of the others no verdict can be given."""
        if self.paths is None:
            return rules
        ids = {result.rule_id for result in results}
        return [rule for rule in rules if rule.id in ids]

    def notifications(self, notifications: Iterable[Notification]) -> Iterable[Notification]:
        """Keep what concerns these files, or no file at all, and tell that the rest is left out."""
        if self.paths is None:
            return notifications
        message = f"the whole repository was judged, only what concerns {self.what} is reported"
        kept = [note for note in notifications if not note.path or note.path in self.paths]
        return [*kept, Notification("scope/limited", "note", message)]


class View(NamedTuple):
    """A repository as it is to be audited: what reads it, and what is reported."""

    reader: Reader
    scope: Scope


@contextmanager
def view(
    root: str | os.PathLike[str],
    *,
    files: Iterable[str | os.PathLike[str]] | None = None,
    changed_since: str | None = None,
    staged: bool = False,
    contents: Mapping[str, bytes] | None = None,
) -> Iterator[View]:
    """Look at a repository; see `sp404audit.audit` for the parameters.

    Raises:
        ScopeError: when more than one way to choose files is used, or one of them does not lie in the root.
        GitError: when git is asked and cannot tell.
    """
    ways = [files is not None, changed_since is not None, staged]
    if sum(ways) > 1 or (contents is not None and (staged or changed_since is not None)):
        raise ScopeError("choose one of: named files, --changed-since, --staged, --stdin-filename")
    if staged:
        from sp404audit.discovery.views import open_index

        with open_index(root) as index:
            yield View(index, Scope(_staged(index), "the files that are staged"))
        return
    reader = _with_contents(root, contents) if contents else Reader(root)
    if changed_since is not None:
        yield View(reader, Scope(_Changed(reader, changed_since), f"the files that differ from {changed_since}"))
    elif files is not None or contents is not None:
        named = frozenset(_relative(reader, file) for file in (files if files is not None else contents or ()))
        yield View(reader, Scope(named, _words(named), named))
    else:
        yield View(reader, Scope())


def _with_contents(root: str | os.PathLike[str], contents: Mapping[str, bytes]) -> Reader:
    from sp404audit.discovery.views import Overlay

    plain = Reader(root)
    return Overlay(root, {_relative(plain, file): data for file, data in contents.items()})


def _words(named: frozenset[str]) -> str:
    return next(iter(named)) if len(named) == 1 else f"the {len(named)} files named"


def _relative(reader: Reader, file: str | os.PathLike[str]) -> str:
    """Return the path of a file below the root; relative ones count from there."""
    full = os.path.join(reader.root, file)
    folder, name = os.path.split(full)
    real = os.path.join(os.path.realpath(folder), name)  # a file that is a link is that link
    if name in ("", ".", "..") or "\0" in name or not reader.holds(real) or real == reader.root:
        raise ScopeError(f"{os.fspath(file)} is no file in {reader.root}; name files of the repository that is audited")
    return os.path.relpath(real, reader.root).replace(os.sep, "/")


def _staged(index: Reader) -> frozenset[str]:
    """The files that `git commit` would change, as they are named in the index."""
    from sp404audit.discovery.views import index_file
    from sp404audit.git import GitError, git

    try:
        git(index.root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except GitError:
        return index.tracked or frozenset()  # nothing is committed yet: all of it would be
    options = ("-z", "--name-only", "--no-renames", "--relative", "HEAD", "--")
    names = git(index.root, "diff-index", *options, index=index_file(index.root))
    return frozenset(name.decode("utf-8", "surrogateescape") for name in names.split(b"\0") if name)


class _Changed:
    """The files whose content is another one than at the merge base of a commit and HEAD: committed, staged or not.

    A file is compared when its path is asked for, by the name that git gives to its content. Line ends that git would
    convert make no difference. Files that are new count; what .gitignore leaves out is not audited in the first place.
    """

    def __init__(self, reader: Reader, ref: str) -> None:
        from sp404audit.git import git

        self._reader = reader
        self._known: dict[str, bool] = {"": False}
        self._base: dict[str, str] = {}
        base = _merge_base(reader.root, ref)
        for record in git(reader.root, "ls-tree", "-r", "-z", base).split(b"\0"):
            described, _, path = record.partition(b"\t")
            words = described.split()
            if len(words) == 3 and words[0].startswith(b"100"):  # a regular file
                self._base[path.decode("utf-8", "surrogateescape")] = words[2].decode("ascii", "replace")

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        if path not in self._known:
            self._known[path] = self._differs(path)
        return self._known[path]

    def _differs(self, path: str) -> bool:
        before = self._base.get(path)
        if before is None:
            return True
        try:
            data = self._reader.read(path)
        except InputError:
            return True  # why it cannot be read is worth reporting
        return before not in (_blob_name(data, before), _blob_name(data.replace(b"\r\n", b"\n"), before))


def _blob_name(data: bytes, like: str) -> str:
    """Name a content as git does, with the hash that a name of this length comes from (gitformat-pack(5))."""
    import hashlib

    digest = hashlib.new("sha1" if len(like) == 40 else "sha256", b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def _merge_base(root: str, ref: str) -> str:
    """Return the commit at which HEAD left the history of `ref`."""
    from sp404audit.git import GitError, git

    if not ref or ref.startswith("-") or "\0" in ref:
        raise ScopeError(f"{ref!r} is no commit; name a branch, a tag or a commit, such as origin/main")
    shallow = git(root, "rev-parse", "--is-shallow-repository").strip() == b"true"
    try:
        commit = _commit(root, ref)
    except GitError:
        hint = "; this clone is shallow: git fetch --unshallow" if shallow else ""
        way = f"name a branch, a tag or a commit that `git log` knows, or fetch it: git fetch origin{hint}"
        raise ScopeError(f"there is no commit {ref!r} in this clone; {way}") from None
    try:
        return git(root, "merge-base", commit, _commit(root, "HEAD")).decode("ascii", "replace").strip()
    except GitError:
        if shallow:
            way = "in GitHub Actions, `fetch-depth: 0` of actions/checkout"
            message = f"this clone is too shallow to tell where HEAD left {ref}; git fetch --unshallow ({way})"
            raise ScopeError(message) from None
        raise ScopeError(f"{ref} and HEAD have no history in common; name a commit that HEAD comes from") from None


def _commit(root: str, ref: str) -> str:
    from sp404audit.git import git

    name = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    return name.decode("ascii", "replace").strip()
