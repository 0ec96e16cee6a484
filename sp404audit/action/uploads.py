"""Whether results go to code scanning, and what to say where they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sp404audit.action.event import Event

__all__ = ["FAILED", "decide"]

FAILED = (
    "the upload failed, and its step tells why: it needs the permission `security-events: write`, and code scanning to"
    " be on for this repository (`upload-sarif: never` leaves it out)"
)
_FORK = "the token of a pull request from a fork may not write"
_TARGET = "what pull_request_target finds would be filed under the base branch"


def decide(asked: str, event: Event, *, reported: bool) -> dict[str, str]:
    """Decide whether SARIF is uploaded.

    Args:
        asked: the input: `auto`, `always` or `never`.
        event: what started the workflow.
        reported: whether there is something to upload.

    Returns:
        The outputs `upload` (`true` or `false`) and `upload-reason`, which is empty where nothing needs saying.
    """
    reason = ""
    if asked == "auto" and event.name == "pull_request_target":
        reason = _TARGET
    elif asked == "auto" and event.from_fork:
        reason = _FORK
    wanted = reported and asked != "never" and not reason
    return {"upload": "true" if wanted else "false", "upload-reason": reason if reported else ""}
