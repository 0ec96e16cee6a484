"""What the audit of one file comes to: all that is left of the file when the audit goes on to the next."""

from __future__ import annotations

from sp404audit.documents.model import Fact
from sp404audit.policy.comments import Comment
from sp404audit.records import NamedTuple
from sp404audit.results import Notification
from sp404audit.rules.evaluation import FileTally

__all__ = ["Judged"]


class Judged(NamedTuple):
    """What the audit of one file comes to, apart from what rules say that see the whole repository.

    Attributes:
        tallies: what the rules said of it; None when that is not of this file alone.
        facts: what it tells the rules that see the whole repository.
        comments: those in it that accept failures.
        notifications: what could not be read of it.
        is_partial: whether what rests on it is not proven.
    """

    tallies: tuple[FileTally, ...] | None
    facts: tuple[Fact, ...]
    comments: tuple[Comment, ...]
    notifications: tuple[Notification, ...]
    is_partial: bool
