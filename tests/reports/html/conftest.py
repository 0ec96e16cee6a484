"""Pages to look at."""

from __future__ import annotations

import dataclasses

import pytest

from sp404audit.outcome import Audit
from sp404audit.results import Location, Region, Result, Severity, Snippet

PLACES_OF_A_RULE = 40


@pytest.fixture
def long_audit(finished_audit: Audit) -> Audit:
    """One of everything, and a rule that fails in more places than are shown in full."""
    snippet = Snippet(1, ("FROM python:3.12-slim", "COPY . /app", 'CMD ["python", "-m", "app"]'))
    more = tuple(
        Result(
            "ci/coverage-gate",
            "fail",
            Severity.MEDIUM,
            f"suite number {number} has no minimum",
            Location(f"services/s{number:02}/Dockerfile", Region(2, 1, 2, 5)),
            snippet=snippet,
            fingerprint=f"{number:032x}",
            baseline="new",
        )
        for number in range(PLACES_OF_A_RULE)
    )
    return dataclasses.replace(finished_audit, results=(*finished_audit.results, *more))
