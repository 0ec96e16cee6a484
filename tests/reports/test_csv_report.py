"""The table: a spreadsheet opens it and reckons nothing, a script reads back what was written."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy
from sp404audit.reports import render
from sp404audit.reports.csv_report import COLUMNS
from sp404audit.reports.escape import cell, visible
from sp404audit.results import Location, Result, Severity


def rows(audit: Audit) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(render("csv", audit)), strict=True))


def test_a_row_for_each_result_and_for_what_was_not_audited(finished_audit: Audit) -> None:
    found = rows(finished_audit)
    assert [row["kind"] for row in found] == [
        *(result.kind for result in finished_audit.results),
        *("notAudited" for _ in finished_audit.notifications),
    ]
    assert tuple(found[0]) == COLUMNS
    pinned, suppressed = found[:2]
    assert (pinned["line"], pinned["column"], pinned["counts"], pinned["baseline"]) == ("12", "15", "yes", "new")
    assert (suppressed["counts"], suppressed["accepted"], suppressed["until"]) == ("no", "inSource", "2027-01-31")
    assert found[5]["also_reported_by"] == "hadolint:DL3002"
    assert found[5]["requirement"] == "Containers run as a non-root user."


def test_the_columns_stay_what_they_are() -> None:
    """Whoever adds one adds it at the end: scripts and sheets go by the place."""
    assert COLUMNS[:21] == (
        *("path", "line", "column", "end_line", "end_column", "kind", "severity", "rule", "message", "counts"),
        *("places", "accepted", "reason", "owner", "until", "baseline", "engine", "also_reported_by"),
        *("requirement", "controls", "fingerprint"),
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_what_a_spreadsheet_would_reckon_gets_an_apostrophe(start: str) -> None:
    formula = start + "HYPERLINK(1)"
    assert cell(formula) == "'" + formula
    result = Result("x/y", "fail", Severity.LOW, formula, Location(formula))
    (row,) = rows(Audit("1", Policy("recommended"), (), (result,), (), {}))
    assert row["path"] == row["message"] == "'" + formula


def test_tabs_and_line_ends_are_spelled_out() -> None:
    assert cell("\t=1") == r"\t=1"
    assert cell("\r\n=1") == r"\r\n=1"


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text())
def test_a_reader_gets_back_what_was_written(path: str, rule: str) -> None:
    result = Result(rule, "fail", Severity.LOW, "m", Location(path))
    (row,) = rows(Audit("1", Policy("recommended"), (), (result,), (), {}))
    assert len(row) == len(COLUMNS)
    for name, text in (("path", path), ("rule", rule)):
        assert row[name] in (visible(text), "'" + visible(text))
        assert not row[name].startswith(("=", "+", "-", "@", "\t", "\r"))
