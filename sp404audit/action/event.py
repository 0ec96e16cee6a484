"""What started the workflow, and from which commit a pull request comes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sp404audit.git import GitError, git
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["Event", "base_commit", "read"]

_COMMIT = regex(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MAX_BYTES = 32 * 1024 * 1024
"""GitHub cuts a webhook's payload off at 25 MB (https://docs.github.com/webhooks/webhook-events-and-payloads)."""


class Event(NamedTuple):
    """What started the workflow.

    Attributes:
        name: as in `on:`.
        base: the commit that is asked to take changes in, or the one before a push; empty where there is none.
        head: the last commit of the pull request; empty elsewhere.
        from_fork: whether it is a pull request of another repository, whose token may not write.
    """

    name: str
    base: str = ""
    head: str = ""
    from_fork: bool = False


def read(environment: Mapping[str, str] = os.environ) -> Event:
    """Read the event that the runner tells of; what it does not tell is empty."""
    name = environment.get("GITHUB_EVENT_NAME", "")
    payload = _payload(environment.get("GITHUB_EVENT_PATH", ""))
    pull_request = payload.get("pull_request")
    if isinstance(pull_request, dict):
        theirs, ours = _at(pull_request, "head", "repo", "full_name"), _at(payload, "repository", "full_name")
        base, head = _commit(pull_request, "base", "sha"), _commit(pull_request, "head", "sha")
        return Event(name, base, head, from_fork=theirs != ours)
    if name == "merge_group":
        return Event(name, _commit(payload, "merge_group", "base_sha"))
    return Event(name, _commit(payload, "before"))


def base_commit(event: Event, path: str) -> str:
    """Find the commit that this event's changes are compared with, and that this clone holds.

    The commit that GitHub makes to try a pull request has the present base as its first parent, which is nearer than
    the base at the time of the event, and comes with `fetch-depth: 2`.

    Returns:
        The commit; empty where the clone does not reach back to it.
    """
    candidates = [event.base]
    if event.head and _ask(path, "rev-parse", "--verify", "--quiet", "HEAD^2") == event.head:
        candidates.insert(0, _ask(path, "rev-parse", "--verify", "--quiet", "HEAD^1"))
    return next((each for each in candidates if each and _ask(path, "merge-base", each, "HEAD")), "")


def _ask(path: str, *arguments: str) -> str:
    try:
        return git(path, *arguments).decode("ascii", "replace").strip()
    except GitError:
        return ""


def _payload(path: str) -> dict[str, Any]:
    import json

    try:
        file = Path(path)
        found = json.loads(file.read_bytes()) if path and file.stat().st_size <= _MAX_BYTES else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _commit(value: Any, *keys: str) -> str:
    found = _at(value, *keys)
    # Zeros stand for the branch that was not there before.
    return found if isinstance(found, str) and _COMMIT.fullmatch(found) and found.strip("0") else ""
