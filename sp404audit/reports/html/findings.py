"""The failures, grouped by rule: the gravest first, each with its code, evidence and remedy.

A page must stay usable with thousands of failures. Of each rule the first ones are shown in full, those after them
in a line each, and what is beyond a bound is counted: the reports for programs hold everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports import summary
from sp404audit.reports.escape import line
from sp404audit.reports.html.evidence import Evidence, gathered
from sp404audit.reports.html.excerpts import Change, CodeLine, change, excerpt
from sp404audit.reports.html.rules import Explanation, explain
from sp404audit.reports.html.texts import Anchors, Place, Places
from sp404audit.results import Result, Severity

if TYPE_CHECKING:
    from sp404audit.outcome import Audit

__all__ = ["Finding", "Group", "Line", "Related", "grouped", "lines"]

_IN_FULL = 25
_OPENED = 4
_LINES = 2000
_RELATED = 6
_ALSO = 8
_UNPROVEN = 5


class Related(NamedTuple):
    """Another place that belongs to a finding, and what is to be seen there."""

    place: Place
    message: str


class Finding(NamedTuple):
    """A failure in full; `opened` tells whether its particulars are unfolded at first."""

    anchor: str
    severity: Severity
    message: str
    place: Place
    code: tuple[CodeLine, ...]
    related: tuple[Related, ...]
    more_related: int
    also: str
    change: Change | None
    times: int
    state: str
    opened: bool


class Line(NamedTuple):
    """A failure in one line."""

    anchor: str
    severity: Severity
    message: str
    place: Place
    times: int
    state: str


class Group(NamedTuple):
    """What failed of one rule. `explanation` is None for a check of another engine, which `title` then tells of.

    `left` counts what is not shown, `passed` counts places where the requirement is met, and `unproven` tells where
    it could not be judged.
    """

    anchor: str
    rule_id: str
    domain: str
    title: str
    severity: Severity
    mixed: bool
    extent: str
    explanation: Explanation | None
    findings: tuple[Finding, ...]
    lines: tuple[Line, ...]
    left: int
    passed: int = 0
    unproven: tuple[Evidence, ...] = ()


def grouped(audit: Audit, failures: Sequence[Result], anchors: Anchors, places: Places) -> list[Group]:
    """Group failures by rule, in the order of `summary.by_rule`.

    Args:
        audit: knows the rules.
        failures: to be shown; within a rule the gravest come first, otherwise they stay in their order.
        anchors: of the page; each rule and each failure gets one, made from its id and its fingerprint.
        places: writes where something is.
    """
    by_rule: dict[str, list[Result]] = {}
    for result in failures:
        by_rule.setdefault(result.rule_id, []).append(result)
    unproven: dict[str, list[Result]] = {}
    for result in audit.results:
        if result.kind == "open" and result.suppression is None and result.rule_id in by_rule:
            unproven.setdefault(result.rule_id, []).append(result)
    passed = {verdict.rule.id: verdict.counts.get("pass", 0) for verdict in audit.verdicts}
    groups = []
    for control in summary.by_rule(failures):
        results = sorted(by_rule[control.rule_id], key=lambda each: -each.severity)
        group = _group(audit, control, results, anchors, places)
        open_evidence = gathered(unproven.get(control.rule_id, ()), places)[:_UNPROVEN]
        groups.append(group._replace(passed=passed.get(control.rule_id, 0), unproven=tuple(open_evidence)))
    return groups


def _group(
    audit: Audit, control: summary.FailedControl, results: list[Result], anchors: Anchors, places: Places
) -> Group:
    """The group of one rule, without what passed or is not proven."""
    rule = audit.rule(control.rule_id)
    extent = summary.number(control.places, "place")
    if control.files > 1:
        extent += f" in {summary.number(control.files, 'file')}"
    full, rest = results[:_IN_FULL], results[_IN_FULL:]
    return Group(
        anchor=anchors.new("rule", control.rule_id),
        rule_id=control.rule_id,
        domain=control.rule_id.partition("/")[0],
        title="" if rule else line(results[0].message),
        severity=control.severity,
        mixed=len({result.severity for result in results}) > 1,
        extent=extent,
        explanation=explain(rule) if rule else None,
        findings=tuple(_finding(result, anchors, places, opened=at < _OPENED) for at, result in enumerate(full)),
        lines=lines(rest, anchors, places),
        left=sum(result.count for result in rest[_LINES:]),
    )


def lines(results: Sequence[Result], anchors: Anchors, places: Places) -> tuple[Line, ...]:
    """Results in a line each, as many as a page bears."""
    return tuple(
        Line(
            anchors.new("f", result.fingerprint or "unknown"),
            result.severity,
            line(result.message),
            places(result.location),
            result.count,
            _state(result),
        )
        for result in results[:_LINES]
    )


def _finding(result: Result, anchors: Anchors, places: Places, *, opened: bool) -> Finding:
    also = [*result.also[:_ALSO], *([f"{len(result.also) - _ALSO} more"] if len(result.also) > _ALSO else [])]
    return Finding(
        anchor=anchors.new("f", result.fingerprint or "unknown"),
        severity=result.severity,
        message=line(result.message),
        place=places(result.location),
        code=excerpt(result.snippet, result.location.region),
        related=tuple(Related(places(other), line(other.message)) for other in result.related[:_RELATED]),
        more_related=max(0, len(result.related) - _RELATED),
        also=line(", ".join(also)),
        change=change(result, places),
        times=result.count,
        state=_state(result),
        opened=opened,
    )


def _state(result: Result) -> str:
    """What a baseline said of a failure, in a word for people; nothing without a baseline."""
    return {"new": "new", "updated": "worse than before", "unchanged": "known", "absent": "gone"}.get(
        result.baseline or "", ""
    )
