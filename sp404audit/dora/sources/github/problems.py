"""What keeps GitHub from answering, as notes for people: what is missing, and what to do about it."""

from __future__ import annotations

from sp404audit.dora.events import Note

__all__ = ["AccessError", "GitHubError", "RefusedError", "StopError"]


class AccessError(ValueError):
    """GitHub cannot be asked at all as things are set up; the text names the setting and the way out."""


class GitHubError(Exception):
    """A question without an answer; `note` is for people and holds no credential."""

    def __init__(self, id: str, message: str) -> None:  # noqa: A002
        super().__init__(message)
        self.note = Note(f"github/{id}", message)


class RefusedError(GitHubError):
    """This question got no answer; others may."""


class StopError(GitHubError):
    """Nothing more can be asked in this run: a limit, the budget, or nobody there."""
