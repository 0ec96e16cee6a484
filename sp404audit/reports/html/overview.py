"""The head of the page: the verdict in words and figures, and the drawings that go with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports import summary
from sp404audit.reports.html.controls import State
from sp404audit.reports.html.svg import bar
from sp404audit.reports.summary import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from sp404audit.outcome import Audit

__all__ = ["Figure", "Overview", "Share", "overview"]

_TONES = {"Compliant": "pass", "Incomplete": "incomplete", "Not compliant": "fail"}


class Figure(NamedTuple):
    """A number that the page begins with; `section` tells more."""

    value: int
    label: str
    section: str


class Share(NamedTuple):
    """A part of a whole: its colour, its name, how many, and a bar as long as that is."""

    tone: str
    label: str
    value: int
    drawing: Markup


class Overview(NamedTuple):
    """The verdict (its word, the rest of the sentence, its colour), figures, shares, and what a baseline changes."""

    word: str
    sentence: str
    tone: str
    figures: tuple[Figure, ...]
    severities: tuple[Share, ...]
    controls: tuple[Share, ...]
    baseline: str


def overview(audit: Audit, states: Sequence[State]) -> Overview:
    """Sum an audit up; `states` are the controls as the heat map has them."""
    by_severity = summary.by_severity(audit.failures)
    highest = max(by_severity.values())
    shares = tuple(
        Share(
            f"tone-{severity.label}",
            severity.label.capitalize(),
            count,
            bar(count, highest, f"tone-{severity.label}", number(count, f"{severity.label} failure")),
        )
        for severity, count in by_severity.items()
    )
    controls = _controls(audit, states)
    word, sentence = summary.verdict(audit)
    return Overview(word, sentence, _TONES[word], _figures(audit), shares, controls, _baseline(audit))


def _controls(audit: Audit, states: Sequence[State]) -> tuple[Share, ...]:
    counts = dict.fromkeys(("fail", "open", "pass", "accepted", "notApplicable"), 0)
    for state in states:
        if audit.rule(state.rule_id) is not None:
            counts[state.kind] += 1
    named = {
        "fail": ("tone-high", "Failed"),
        "open": ("tone-open", "Not proven"),
        "pass": ("tone-pass", "Passed"),
        "accepted": ("tone-accepted", "Accepted"),
        "notApplicable": ("tone-none", "Not applicable"),
    }
    total = sum(counts.values())
    return tuple(
        Share(tone, label, counts[kind], bar(counts[kind], total, tone, number(counts[kind], "control")))
        for kind, (tone, label) in named.items()
        if counts[kind] or kind != "accepted"
    )


def _figures(audit: Audit) -> tuple[Figure, ...]:
    totals = summary.by_verdict(audit)
    judged = totals["fail"] + totals["open"] + totals["pass"]
    accepted = sum(result.count for result in audit.results if result.suppression)
    errors = sum(1 for notification in audit.notifications if notification.level == "error")
    missing = sum(1 for engine in audit.engines if engine.missing)
    failures = sum(result.count for result in audit.failures)
    return (
        Figure(failures, "failure" if failures == 1 else "failures", "findings"),
        Figure(totals["pass"], f"of {number(judged, 'control')} passed", "passed"),
        Figure(totals["open"], "not proven", "unproven"),
        Figure(accepted, "accepted", "accepted"),
        Figure(errors + missing, "not audited", "gaps"),
    )


def _baseline(audit: Audit) -> str:
    """What a baseline changes, in a sentence; nothing without one."""
    if not audit.used_baseline:
        return ""
    counts = {"new": 0, "updated": 0, "unchanged": 0, "absent": 0}
    for result in audit.results:
        if result.baseline in counts and result.kind == "fail" and result.suppression is None:
            counts[result.baseline] += result.count
    worse = f", {counts['updated']:,} worse than before" if counts["updated"] else ""
    return (
        f"Compared with an earlier report: {counts['new']:,} new{worse}, {counts['unchanged']:,} known,"
        f" {counts['absent']:,} gone. What was known does not count."
    )
