"""Who can start a workflow, and with what power."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sp404audit.documents.github.parts import Trigger
    from sp404audit.documents.github.workflow import Workflow

__all__ = ["OUTSIDE", "PRIVILEGED", "outside_trigger", "privileged_trigger"]

PRIVILEGED = frozenset(
    {
        "pull_request_target",
        "workflow_run",
        "issue_comment",
        "issues",
        "discussion",
        "discussion_comment",
        "fork",
        "watch",
        "gollum",
    }
)
"""Events that people without any right in a public repository cause, and that run with its secrets and token.

`gollum` counts since wikis of public repositories may be open to everyone ("Events that trigger workflows").
"""

OUTSIDE = PRIVILEGED | {"pull_request", "pull_request_review", "pull_request_review_comment", "merge_group"}
"""Those, and the events that anyone causes from a fork but that run with a token that only reads."""


def privileged_trigger(workflow: Workflow) -> Trigger | None:
    """Return the first event by which an outsider starts the workflow with the repository's own rights."""
    return next((trigger for name, trigger in workflow.triggers.items() if name in PRIVILEGED), None)


def outside_trigger(workflow: Workflow) -> Trigger | None:
    """Return the first event by which an outsider starts the workflow, one with the repository's rights if any."""
    found = privileged_trigger(workflow)
    return found or next((trigger for name, trigger in workflow.triggers.items() if name in OUTSIDE), None)
