"""The head of the page says what the other reports say."""

from __future__ import annotations

import dataclasses

from sp404audit.outcome import Audit
from sp404audit.reports import summary
from sp404audit.reports.html.controls import states
from sp404audit.reports.html.overview import Overview, overview
from sp404audit.results import Notification


def summed_up(audit: Audit) -> Overview:
    return overview(audit, states(audit))


def test_the_verdict_is_that_of_every_report(finished_audit: Audit, clean_audit: Audit) -> None:
    incomplete = dataclasses.replace(clean_audit, notifications=(Notification("yaml/syntax", "error", "bad", "a"),))
    for audit, tone in ((finished_audit, "fail"), (clean_audit, "pass"), (incomplete, "incomplete")):
        head = summed_up(audit)
        assert (head.word, head.sentence) == summary.verdict(audit)
        assert head.tone == tone


def test_figures_lead_to_their_sections(finished_audit: Audit) -> None:
    assert [(figure.value, figure.label, figure.section) for figure in summed_up(finished_audit).figures] == [
        (5, "failures", "findings"),
        (0, "of 3 controls passed", "passed"),
        (0, "not proven", "unproven"),
        (1, "accepted", "accepted"),
        (4, "not audited", "gaps"),
    ]


def test_shares_add_up(finished_audit: Audit, clean_audit: Audit) -> None:
    for audit in (finished_audit, clean_audit):
        head = summed_up(audit)
        assert sum(share.value for share in head.severities) == sum(result.count for result in audit.failures)
        assert sum(share.value for share in head.controls) == len(audit.rules)


def test_a_baseline_is_told(finished_audit: Audit, clean_audit: Audit) -> None:
    assert summed_up(finished_audit).baseline == (
        "Compared with an earlier report: 1 new, 1 known, 0 gone. What was known does not count."
    )
    assert summed_up(clean_audit).baseline == ""
