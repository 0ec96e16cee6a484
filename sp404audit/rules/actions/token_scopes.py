"""What the steps of a job need of its token, as far as a table of known actions and commands tells."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from sp404audit.documents.yaml_tree import scalars
from sp404audit.lazy import regex

if TYPE_CHECKING:
    from sp404audit.documents.github.steps import Step
    from sp404audit.documents.github.workflow import Job
    from sp404audit.documents.yaml_tree import Mapping

__all__ = ["may_use", "needed_scopes"]

_TOKEN = regex(r"github\.token|secrets\.github_token|\btoJSON\(\s*(?:secrets|github)\s*\)", re.IGNORECASE)


@cache
def _table() -> dict[str, Any]:
    import json
    from pathlib import Path

    table: dict[str, Any] = json.loads(Path(__file__).with_name("token_scopes.json").read_text("utf-8"))
    return table


def may_use(job: Job, scope: str) -> bool:
    """Tell whether some step of a job is known to write with a scope, or calls something that nobody here knows.

    A job that calls a reusable workflow hands its token on; what that workflow does with it is not known.
    """
    return job.uses is not None or any(_may_write(step, scope) for step in job.steps)


def _may_write(step: Step, scope: str) -> bool:
    if step.uses is not None:
        known = _table()["actions"].get(step.uses.action)
        if known is not None:
            return bool(known.get(scope) == "write")
        return step.uses.kind != "docker" or _is_given_token(step)
    if step.run is None:
        return False
    command = step.run.value
    return _is_given_token(step) or any(word in command for word in _table()["commands"].get(scope, ()))


def _is_given_token(step: Step) -> bool:
    """Whether the token stands in the step, or in the variables around it."""
    scopes: list[Mapping] = [step.node]
    if step.job is not None:
        scopes += step.job.variable_scopes()
    texts = (scalar.value for scope in scopes for scalar in scalars(scope))
    return any(_TOKEN.search(text) for text in texts if "${{" in text)


def needed_scopes(job: Job) -> dict[str, str] | None:
    """Return what a job needs of its token, level by scope; None when a step of it is not known well enough."""
    if job.uses is not None or not job.steps:
        return None
    needed: dict[str, str] = {}
    for step in job.steps:
        scopes = _needed_by(step)
        if scopes is None:
            return None
        for scope, level in scopes.items():
            if needed.get(scope) != "write":
                needed[scope] = level
    return needed


def _needed_by(step: Step) -> dict[str, str] | None:
    if step.uses is not None:
        known: dict[str, str] | None = _table()["actions"].get(step.uses.action)
        return known
    if step.run is None:
        return {}
    if _is_given_token(step):
        return None
    return {"contents": "write"} if "git push" in step.run.value else {}
