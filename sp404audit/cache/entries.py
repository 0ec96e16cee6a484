"""The form in the cache of what the audit of one file comes to: JSON, read back field by field (`codec`)."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, cast, get_args

from sp404audit.cache import codec
from sp404audit.cache.codec import OddError
from sp404audit.cache.judged import Judged
from sp404audit.documents.model import Fact
from sp404audit.policy.comments import Comment
from sp404audit.records import NamedTuple
from sp404audit.results import Fix, Kind, Level, Location, Notification, Result, Severity
from sp404audit.rules.evaluation import FileTally

__all__ = ["MAX_ENTRY_BYTES", "dump", "load"]

MAX_ENTRY_BYTES = 4 * 1024 * 1024
"""A larger entry is not kept: to read it would take as long as to audit the file, and much memory."""

_MOMENTARY = frozenset({"rule/crashed", "rule/timeout", "parser/timeout"})
"""Notifications that another run may not repeat: what comes with them is not kept."""

_KINDS = frozenset(get_args(Kind))
_LEVELS = frozenset(get_args(Level))


class _Verdict(NamedTuple):
    """What a native rule fills in of a `Result`."""

    rule_id: str
    kind: str
    severity: int
    message: str
    location: Location
    related: tuple[Location, ...]
    fix: Fix | None


class _Tally(NamedTuple):
    number: int
    verdicts: tuple[_Verdict, ...]


class _Entry(NamedTuple):
    tallies: tuple[_Tally, ...]
    comments: tuple[Comment, ...]
    notifications: tuple[Notification, ...]
    is_partial: bool


def dump(judged: Judged, path: str) -> bytes | None:
    """Write an entry; None when it must not be kept, or has no form in the cache."""
    import json

    if judged.tallies is None or any(note.id in _MOMENTARY for note in judged.notifications):
        return None
    tallies = tuple(_Tally(tally.number, tuple(map(_verdict, tally.results))) for tally in judged.tallies)
    try:
        entry = codec.encode(_Entry(tallies, judged.comments, judged.notifications, judged.is_partial), path)
        facts = [[codec.fact_name(type(fact)), codec.encode(fact, path)] for fact in judged.facts]
        text = json.dumps([entry, facts], ensure_ascii=False, separators=(",", ":"), check_circular=False)
    except (ValueError, RecursionError):
        return None
    data = text.encode("utf-8", "surrogatepass")
    return data if len(data) <= MAX_ENTRY_BYTES else None


def load(data: bytes, path: str, rules: Container[str]) -> Judged | None:
    """Read an entry; None when anything in it is not as `dump` writes it.

    Args:
        data: the entry.
        path: the file that it is about.
        rules: the ids of the rules that judge files; a verdict of any other makes the entry void.
    """
    import json

    try:
        whole = json.loads(data.decode("utf-8", "surrogatepass"))
        if type(whole) is not list or len(whole) != 2 or type(whole[1]) is not list:
            return None
        entry = codec.decode(_Entry, whole[0], path)
        facts = tuple([_fact(each, path) for each in whole[1]])
        tallies = tuple([_file_tally(tally, path, rules) for tally in entry.tallies])
    except (ValueError, RecursionError, MemoryError):
        return None
    if any(note.path != path or note.level not in _LEVELS or note.id in _MOMENTARY for note in entry.notifications):
        return None
    return Judged(tallies, facts, entry.comments, entry.notifications, entry.is_partial)


def _verdict(result: Result) -> _Verdict:
    return _Verdict(
        result.rule_id,
        result.kind,
        int(result.severity),
        result.message,
        result.location,
        result.related,
        result.fix,
    )


def _fact(data: Any, path: str) -> Fact:
    if type(data) is not list or len(data) != 2:
        raise OddError("no fact")
    return codec.decode(codec.fact_class(data[0]), data[1], path)


def _file_tally(tally: _Tally, path: str, rules: Container[str]) -> FileTally:
    if not 0 < len(tally.verdicts) <= tally.number:
        raise OddError("no tally")
    first = tally.verdicts[0]
    if first.rule_id not in rules or first.kind not in _KINDS:
        raise OddError("not a verdict of these rules")
    return FileTally(tally.number, tuple([_result(verdict, path, first) for verdict in tally.verdicts]))


def _result(verdict: _Verdict, path: str, first: _Verdict) -> Result:
    rule_id, kind, severity, message, location, related, fix = verdict
    if rule_id != first.rule_id or kind != first.kind or location.path != path:
        raise OddError("verdicts of several tallies")
    if fix is not None and any(edit.path != path for edit in fix.edits):
        raise OddError("a fix of another file")
    return Result(rule_id, cast("Kind", kind), Severity(severity), message, location, related, fix)
