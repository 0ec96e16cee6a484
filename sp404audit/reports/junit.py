"""JUnit XML, as Jenkins, GitLab and most others read it (the xsd of Jenkins' xUnit plug-in, junit-10).

A test case is a rule in a file. It fails where a failure counts; it is skipped where the repository proves nothing or
where each failure was accepted or known. What could not be audited is a test case with an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import line, visible
from sp404audit.reports.frames import frame
from sp404audit.results import WHOLE_FILE, Location, Notification, Result

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from sp404audit.outcome import Audit

__all__ = ["render"]


class _Case(NamedTuple):
    """A test case: `outcome` is the name of its child, empty when it passed."""

    rule_id: str
    name: str
    outcome: str = ""
    type: str = ""
    message: str = ""
    text: str = ""


def render(audit: Audit) -> str:
    """Write a suite for each domain, in alphabetical order, and one for what could not be audited."""
    from xml.etree import ElementTree

    suites: dict[str, list[_Case]] = {}
    for case in _cases(audit):
        suites.setdefault(case.rule_id.partition("/")[0], []).append(case)
    named = [(name, cases) for name, cases in sorted(suites.items())]
    not_audited = [_not_audited(each) for each in audit.notifications if each.level == "error"]
    if not_audited:
        named.append(("not audited", not_audited))
    everything = [case for _, cases in named for case in cases]
    root = ElementTree.Element("testsuites", {"name": "sp404audit", **_counts(everything)})
    for name, cases in named:
        _add_suite(root, visible(name), cases)
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cases(audit: Audit) -> Iterable[_Case]:
    by_file: dict[tuple[str, str], list[Result]] = {}
    for result in audit.results:
        if result.kind != "notApplicable" and result.baseline != "absent":
            by_file.setdefault((result.rule_id, result.location.path), []).append(result)
    failures = set(map(id, audit.failures))
    for (rule_id, path), results in sorted(by_file.items()):
        case = _Case(visible(rule_id), visible(path) or "(repository)")
        yield _judged(audit, case, results, [each for each in results if id(each) in failures])


def _judged(audit: Audit, case: _Case, results: Sequence[Result], failures: Sequence[Result]) -> _Case:
    if failures:
        worst = max(failures, key=lambda result: result.severity)
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        text = "\n\n".join(_told(result) for result in failures)
        rule = audit.rule(failures[0].rule_id)
        if rule is not None and rule.remedy:
            text += f"\n\nWhat to do: {line(rule.remedy)}"
        return case._replace(
            outcome="failure", type=worst.severity.label, message=line(worst.message) + more, text=text
        )
    unproven = [result for result in results if result.kind == "open" and result.suppression is None]
    if unproven:
        return case._replace(outcome="skipped", type="not proven", message=f"Not proven: {line(unproven[0].message)}")
    accepted = [result for result in results if result.suppression is not None]
    for result in accepted:
        if result.suppression is not None:
            reason = line(result.suppression.justification) or "no reason given"
            return case._replace(outcome="skipped", type="accepted", message=f"Accepted: {reason}")
    if any(result.kind == "fail" for result in results):
        return case._replace(outcome="skipped", type="baseline", message="Known from the baseline")
    return case


def _told(result: Result) -> str:
    """A failure with its place and its code."""
    head = f"{_place(result.location)}: {result.severity.label}: {line(result.message)}"
    code = [f"{each.number or '':>5} | {each.text}".rstrip() for each in frame(result.snippet, result.location.region)]
    return "\n".join([head, *code])


def _not_audited(notification: Notification) -> _Case:
    place = Location(notification.path, notification.region or WHOLE_FILE)
    return _Case(
        f"sp404audit/{visible(notification.id)}",
        visible(notification.path) or "(repository)",
        "error",
        visible(notification.id),
        line(notification.message),
        f"{_place(place)}: {line(notification.message)}",
    )


def _place(location: Location) -> str:
    path = visible(location.path) or "(repository)"
    return path if location.region == WHOLE_FILE else f"{path}:{location.region.start_line}"


def _counts(cases: Iterable[_Case]) -> dict[str, str]:
    outcomes = [case.outcome for case in cases]
    return {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
    }


def _add_suite(root: Element, name: str, cases: Sequence[_Case]) -> None:
    from xml.etree.ElementTree import SubElement

    skipped = str(sum(case.outcome == "skipped" for case in cases))
    suite = SubElement(root, "testsuite", {"name": name, **_counts(cases), "skipped": skipped})
    for case in cases:
        element = SubElement(suite, "testcase", {"classname": case.rule_id, "name": case.name})
        if case.outcome:
            child = SubElement(element, case.outcome, {"type": case.type, "message": case.message})
            child.text = case.text or None
