"""Every commit, by one `git log`, read piece by piece into compact columns.

Records are told apart by NUL alone, which no part of a commit can hold: any other separator stands in some message.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from sp404audit.dora.sources.git.messages import MAX_MESSAGE, Revert, read_revert, split_subject
from sp404audit.dora.sources.git.references import MAX_TIME, moment
from sp404audit.git import GitError, spooled

__all__ = ["FORMAT", "UNKNOWN", "Commits", "read_commits"]

FORMAT = "tformat:%H%x00%P%x00%at%x00%ct%x00%an <%ae>%x00%B"
_WIDTH = 6
UNKNOWN = -1
"""Stands for a time that is none."""

MAX_COMMITS = 5_000_000
_CHUNK = 1 << 18
_MAX_IDENTITY = 300
_ENDS = (")", " ", "\t", "\r")
_SECONDS = 600.0


@dataclass
class Commits:
    """Commits by their number, which is their place in the log: the newest is 0.

    Attributes:
        shas: their ids.
        parents: the ids of their parents, parted by spaces; given away to the graph.
        authored, committed: the times that git keeps, or `UNKNOWN`.
        identities: number of the author in `authors`, which has `Name <address>`.
        subjects: a hash of the subject without `(#n)`, by which a reverted commit is found again.
        pulls: number of the pull request; 0 for none.
        reverts: what those that revert say.
    """

    shas: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    authored: array[int] = field(default_factory=lambda: array("q"))
    committed: array[int] = field(default_factory=lambda: array("q"))
    identities: array[int] = field(default_factory=lambda: array("l"))
    authors: dict[str, int] = field(default_factory=dict)
    subjects: array[int] = field(default_factory=lambda: array("q"))
    pulls: array[int] = field(default_factory=lambda: array("l"))
    reverts: dict[int, Revert] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.shas)

    def add(self, fields: list[str]) -> None:
        """Take in whole records: six fields each, as in `FORMAT`."""
        shas = fields[0::_WIDTH]
        same = dict(zip(shas, shas, strict=True)).get
        self.shas += shas
        self.parents += [same(each, each) for each in fields[1::_WIDTH]]  # mostly one of these: one string for both
        _add_times(self.authored, fields[2::_WIDTH])
        _add_times(self.committed, fields[3::_WIDTH])
        authors = self.authors
        self.identities.extend([authors.setdefault(each[:_MAX_IDENTITY], len(authors)) for each in fields[4::_WIDTH]])
        self._add_messages(fields[5::_WIDTH])

    def _add_messages(self, messages: list[str]) -> None:
        # Half of the time that the reader takes is spent here: each step of the loop is a hundredth of it.
        start = len(self.pulls)
        subjects: list[int] = []
        pulls: list[int] = []
        for message in messages:
            if message[:1] <= " ":
                message = message.lstrip()
            stem, pull = message.partition("\n")[0], 0
            if stem[-1:] in _ENDS or stem[:5] == "Merge":
                stem, pull = split_subject(stem[:MAX_MESSAGE])
            subjects.append(hash(stem))
            pulls.append(pull)
            if "evert" in message or stem[:7] == "Reapply":
                revert = read_revert(stem, message[:MAX_MESSAGE])
                if revert is not None:
                    self.reverts[start + len(pulls) - 1] = revert
        self.subjects.extend(subjects)
        self.pulls.extend(pulls)


def read_commits(root: str | os.PathLike[str], tips: Iterable[str]) -> Commits:
    """Read the commits that any of these contains, the newest first as git walks them.

    Args:
        root: a folder of the repository.
        tips: ids of commits; those that are not there are passed over.

    Raises:
        GitError: as `sp404audit.git.open_git`; also beyond five million commits.
    """
    wanted = "".join(f"{tip}\n" for tip in dict.fromkeys(tips)).encode("ascii")
    options = ("-z", f"--format={FORMAT}", "--encoding=UTF-8", "--no-notes", "--no-decorate", "--no-patch")
    commits = Commits()
    with spooled(root, "log", *options, "--ignore-missing", "--stdin", input=wanted, seconds=_SECONDS) as written:
        fields: list[str] = []
        for text in _texts(written.read):
            fields += text.split("\0")
            whole = len(fields) - len(fields) % _WIDTH
            commits.add(fields[:whole])
            del fields[:whole]
            if len(commits) > MAX_COMMITS:
                raise GitError(f"there are more than {MAX_COMMITS:,} commits; that is more than can be measured")
    return commits


def _texts(read: Callable[[int], bytes]) -> Iterator[str]:
    """Yield the output in pieces that end where a field ends, without the last NUL; an endless field is cut."""
    rest = b""
    while chunk := read(_CHUNK):
        end = chunk.rfind(b"\0")
        if end < 0:
            rest = (rest + chunk)[:MAX_MESSAGE]
            continue
        yield (rest + chunk[:end]).decode("utf-8", "replace")
        rest = chunk[end + 1 :]


def _add_times(times: array[int], column: list[str]) -> None:
    together = "".join(column)
    if together.isascii() and together.isdigit() and min(map(len, column)) > 0 and max(map(len, column)) <= 12:
        values = list(map(int, column))
        if max(values) <= MAX_TIME:
            times.extend(values)
            return
    times.extend([UNKNOWN if each is None else each for each in map(moment, column)])
