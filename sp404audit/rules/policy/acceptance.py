"""Accepted failures stay honest: each one still accepts something, has not run out, and says why.

The subjects are made by triage, which alone knows what was accepted in the end.
"""

from __future__ import annotations

from sp404audit.records import NamedTuple
from sp404audit.results import Location
from sp404audit.rules.registry import Verdicts, fail, passed, rule

__all__ = ["Acceptance"]


class Acceptance(NamedTuple):
    """A comment or a waiver, and what became of it.

    `what` names it in messages. `used` is None when the rules that it names were not asked. `unknown` lists names
    that are no rules, each with the nearest rule's id or nothing.
    """

    location: Location
    what: str
    reason: str
    until: str
    expired: bool
    used: bool | None
    unknown: tuple[tuple[str, str], ...]


@rule("policy/acceptance-used", severity="low", equivalents=["ruff:RUF100"], precision="very-high", security=False)
def acceptance_used(acceptance: Acceptance) -> Verdicts:
    """Every comment and waiver that accepts a failure still accepts one.

    One that accepts nothing hides the next failure of its rule, and tells auditors of a risk that is gone.

    Fix: delete the comment or the waiver, or correct the rule or path that it names.

    Passes:
        --- Dockerfile
        FROM python  # sp404audit: ignore[images/no-latest-tag] -- the base is rebuilt each night from our own registry

    Fails:
        --- Dockerfile
        FROM python:3.12-slim@sha256:0000000000000000000000000000000000000000000000000000000000000000
        USER 1000  # sp404audit: ignore[docker/non-root-user] -- needed once
    """
    if acceptance.unknown:
        for name, near in acceptance.unknown:
            hint = f"; did you mean {near}?" if near else "; `sp404audit rules` lists them"
            yield fail(acceptance.location, f"{acceptance.what} names {name}, which is no rule{hint}")
    elif acceptance.used is False and not acceptance.expired:
        yield fail(acceptance.location, f"{acceptance.what} accepts nothing here: delete it")
    elif acceptance.used:
        yield passed(acceptance.location, f"{acceptance.what} accepts a failure")


@rule("policy/acceptance-current", severity="medium", precision="very-high", security=False)
def acceptance_current(acceptance: Acceptance) -> Verdicts:
    """No accepted failure has outlived its date.

    A waiver without an end is a change of policy that nobody decided. When its day is over the failure counts again.

    Fix: mend what was accepted, or renew the date with whoever owns the risk.

    Passes:
        --- Dockerfile
        FROM python  # sp404audit: ignore[images/no-latest-tag] until=2999-12-31 -- rebuilt each night

    Fails:
        --- Dockerfile
        FROM python  # sp404audit: ignore[images/no-latest-tag] until=2020-01-31 -- until the release
    """
    if acceptance.expired:
        message = f"{acceptance.what} ended on {acceptance.until}: its failures count again; mend them or renew it"
        yield fail(acceptance.location, message)
    elif acceptance.until:
        yield passed(acceptance.location, f"{acceptance.what} holds until {acceptance.until}")


@rule("policy/acceptance-reasoned", severity="low", precision="very-high", security=False)
def acceptance_reasoned(acceptance: Acceptance) -> Verdicts:
    """Every accepted failure says why it was accepted.

    An auditor asks for the reason, and the author will not be there to give it.

    Fix: write the reason after two dashes: `# sp404audit: ignore[rule] until=2026-12-31 -- reason`.

    Passes:
        --- Dockerfile
        FROM python  # sp404audit: ignore[images/no-latest-tag] -- rebuilt each night from our own registry

    Fails:
        --- Dockerfile
        FROM python  # sp404audit: ignore[images/no-latest-tag]
    """
    if acceptance.reason:
        yield passed(acceptance.location, f"{acceptance.what} gives its reason")
    else:
        yield fail(acceptance.location, f"{acceptance.what} gives no reason: add one after ` -- `")
