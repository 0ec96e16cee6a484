"""A metrics report with everything in it, counted by the real rules from events that are written down here."""

from __future__ import annotations

from pathlib import Path

import pytest

from sp404audit.discovery import Reader
from sp404audit.dora.events import Availability, Build, Collected, Deployment, Incident, Note, SourceReport
from sp404audit.dora.figures import MetricsReport
from sp404audit.dora.ledger import Scope
from sp404audit.dora.measure import report
from sp404audit.dora.settings import Settings
from sp404audit.dora.window import Calendar, window
from sp404audit.policy.loading import resolve
from sp404audit.results import Location, Result, Severity

DAY, HOUR = 86_400, 3600
UNTIL = 1_767_225_600  # 2026-01-01T00:00Z
HOSTILE = 'v1 <script>alert(1)</script> "|` \x1b[31m\u202e'


def _deployments() -> tuple[Deployment, ...]:
    """Two a week for twelve weeks; every eighth goes wrong, one attempt never got out, one name is hostile."""
    made = [
        Deployment(
            f"events:deployment:{number}",
            "events",
            UNTIL - 84 * DAY + number * 84 * HOUR,
            sha=f"{number:040x}",
            version=HOSTILE if number == 3 else f"v1.{number}.0",
            environment="production",
            url="https://ci.example.org/deployments?id=1&x=<y>",
            basis="event",
        )
        for number in range(24)
    ]
    made.append(made[5]._replace(id="events:deployment:failed", outcome="failure", sha="f" * 40))
    return tuple(made)


def _incidents(deployments: tuple[Deployment, ...]) -> tuple[Incident, ...]:
    broken = [each for each in deployments if each.outcome == "success"][4::8]
    closed = [
        Incident(
            f"events:incident:{number}",
            "events",
            each.finished_at + HOUR,
            each.finished_at + (2 + number) * HOUR,
            caused_by=(each.id,),
            severity="high",
            environment="production",
            title=HOSTILE,
        )
        for number, each in enumerate(broken)
    ]
    return (*closed, Incident("events:incident:open", "events", UNTIL - 30 * HOUR, environment="production"))


def _builds() -> tuple[Build, ...]:
    return tuple(
        Build(
            f"events:build:{number}",
            "events",
            UNTIL - 80 * DAY + number * DAY,
            UNTIL - 80 * DAY + number * DAY + 200 + number,
            queued_at=UNTIL - 80 * DAY + number * DAY - 15,
            workflow="CI",
            branch="main",
        )
        for number in range(80)
    )


@pytest.fixture(scope="session")
def finished() -> MetricsReport:
    """Twelve weeks of a service, under the handbook's policy."""
    policy = resolve(Reader(Path(__file__).parent), "sp404")
    calendar = Calendar()
    measured = window("84d", None, UNTIL, calendar)
    scope = Scope(Settings.of(policy), measured, UNTIL, calendar)
    deployments = _deployments()
    up = Availability("prometheus", "api", "up", measured.since, UNTIL, 84 * DAY - 4000.0, 1000.0, 3000.0)
    told = Collected(
        SourceReport("events", {"deployments": 25, "incidents": 4}, notes=(Note("events/odd", HOSTILE),)),
        deployments=deployments,
        incidents=tuple(sorted(_incidents(deployments), key=lambda each: (each.opened_at, each.id))),
        builds=_builds(),
    )
    seen = Collected(SourceReport("prometheus", {"availability": 1}, partial=True), availability=(up,))
    finding = Result("ci/coverage-gate", "fail", Severity.MEDIUM, "no gate", Location(".github/workflows/ci.yml"))
    return report(scope, [told, seen], policy=policy.name, findings=[finding])
