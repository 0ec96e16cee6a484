"""What a commit's message says: its subject, its pull request, and what it reverts."""

from __future__ import annotations

from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["MAX_MESSAGE", "Revert", "read_revert", "split_subject"]

MAX_MESSAGE = 65_536
"""How much of a message is looked at; longer ones are dumps of something."""

_MAX_REVERTED = 20
_MERGE = "Merge pull request #"

# Both as git-revert(1) writes them, and as GitHub's button for a pull request does.
_BY_COMMIT = regex(r"\bThis reverts commit ([0-9a-f]{7,64})\b")
_BY_NUMBER = regex(r"^Reverts (?:[\w.-]{1,100}/[\w.-]{1,100})?#(\d{1,9})\b", 8)  # re.MULTILINE
_QUOTED = regex(r'Revert "(.+)"', 16)  # re.DOTALL
_REAPPLIED = regex(r'Reapply "(.+)"', 16)
_CONVENTIONAL = regex(r"revert(?:\([^()]{0,100}\))?!?: (.+)", 2 | 16)  # re.IGNORECASE; conventionalcommits.org


class Revert(NamedTuple):
    """What a commit says that it takes back; each is a way to find the same commits.

    Attributes:
        shas: ids, full or short, in lower case.
        numbers: of pull requests.
        subject: of the reverted commit, without its `(#n)`; empty when it is not told.
    """

    shas: tuple[str, ...]
    numbers: tuple[int, ...]
    subject: str


def split_subject(subject: str) -> tuple[str, int]:
    """Part a subject from the number of its pull request, which is 0 where it has none.

    GitHub writes `fix: x (#12)` for a squash, and `Merge pull request #12 from …`.
    """
    at = subject.rfind(" (#")
    digits = subject[at + 3 : -1]
    if at > 0 and subject[-1] == ")" and _is_number(digits) and subject[at - 1] not in ") \t":
        return subject[:at], int(digits)  # as nearly all are
    stem, number = subject.rstrip(), 0
    # One that names several, as a backport does, belongs to the last.
    while stem[-1:] == ")":
        at = stem.rfind("(#")
        if at < 1:
            break
        digits = stem[at + 2 : -1]
        if not _is_number(digits):
            break
        number, stem = number or int(digits), stem[:at].rstrip()
    if not number and stem.startswith(_MERGE):
        digits = stem[len(_MERGE) :].partition(" ")[0]
        number = int(digits) if _is_number(digits) else 0
    return stem, number


def _is_number(digits: str) -> bool:
    return len(digits) <= 9 and digits.isascii() and digits.isdigit()


def read_revert(stem: str, message: str) -> Revert | None:
    """Read what a commit takes back.

    Args:
        stem: its subject, without `(#n)`.
        message: all of it.
    """
    shas = tuple(dict.fromkeys(match[1] for match in _BY_COMMIT.finditer(message)))[:_MAX_REVERTED]
    numbers = tuple(dict.fromkeys(int(match[1]) for match in _BY_NUMBER.finditer(message)))[:_MAX_REVERTED]
    subject = ""
    if match := _QUOTED.fullmatch(stem) or _CONVENTIONAL.fullmatch(stem):
        subject = split_subject(match[1])[0]
    elif match := _REAPPLIED.fullmatch(stem):
        subject = f'Revert "{match[1]}"'
    return Revert(shas, numbers, subject) if shas or numbers or subject else None
