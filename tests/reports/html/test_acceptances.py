"""What was accepted: by whom, why, until when; and what an acceptance is no longer good for."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy, Waiver
from sp404audit.reports import Options
from sp404audit.reports.html.acceptances import accepted, expiry
from sp404audit.reports.html.texts import Place, Places
from sp404audit.results import Location, Region, Result, Severity, Suppression

PLACES = Places(Options())
TODAY = datetime.date(2027, 1, 1)


@pytest.mark.parametrize(
    ("until", "left", "tone"),
    [
        ("2026-12-31", "ran out 1 day ago", "over"),
        ("2026-12-01", "ran out 31 days ago", "over"),
        ("2027-01-01", "last day", "soon"),
        ("2027-01-02", "1 day left", "soon"),
        ("2027-01-15", "14 days left", "soon"),
        ("2027-01-16", "15 days left", ""),
        ("soon", "", ""),
    ],
)
def test_days_left(until: str, left: str, tone: str) -> None:
    assert expiry(until, TODAY)[:] == (until, left, tone)


def test_without_a_day_nothing_is_counted() -> None:
    assert expiry("2027-01-16", None) == ("2027-01-16", "", "")
    assert expiry("", TODAY) == ("no end", "", "")


def waiver(rule: str, line: int, until: datetime.date) -> Waiver:
    return Waiver(rule, ("a/**", "b"), "why", "@team", until, Location(".sp404audit.yaml", Region(line, 3, line, 9)))


def test_waivers_and_comments_are_listed_with_what_they_cover(finished_audit: Audit) -> None:
    used = waiver("ci/coverage-gate", 4, datetime.date(2027, 3, 1))
    unused = waiver("docker/healthcheck", 9, datetime.date(2026, 12, 24))
    waived = Suppression("external", used.reason, used.location, used.owner, used.until.isoformat())
    covered = tuple(
        Result("ci/coverage-gate", "fail", Severity.LOW, "m", Location(f"a/{number}.yml"), suppression=waived)
        for number in range(6)
    )
    audit = dataclasses.replace(
        finished_audit,
        policy=Policy("strict", waivers=(used, unused)),
        results=(*finished_audit.results, *covered),
        today=TODAY,
    )
    rows, more = accepted(audit, PLACES)
    assert more == 0
    assert [(row.kind, row.rules, row.expiry.left, row.covers) for row in rows] == [
        ("waiver", ("docker/healthcheck",), "ran out 8 days ago", "nothing, it has run out"),
        ("comment", ("actions/pinned-uses",), "30 days left", "1 result"),
        ("waiver", ("ci/coverage-gate",), "59 days left", "6 results"),
    ]
    assert rows[2].where == Place("a/**, b")
    assert (len(rows[2].places), rows[2].more) == (4, 2)
    assert rows[1].where == Place(".github/workflows/main.yml:12:1")
    assert (rows[2].reason, rows[2].owner) == ("why", "@team")


def test_very_many_acceptances_are_bounded(clean_audit: Audit) -> None:
    results = tuple(
        Result("a/b", "fail", Severity.LOW, "m", Location("x"), suppression=Suppression("inSource", f"why {number}"))
        for number in range(600)
    )
    rows, more = accepted(dataclasses.replace(clean_audit, results=results), PLACES)
    assert (len(rows), more) == (500, 100)
