"""JUnit XML: it keeps the xsd that CI servers go by, and every test case says what it should."""

from __future__ import annotations

import dataclasses
import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy
from sp404audit.reports import render
from sp404audit.results import Location, Notification, Result, Severity, Snippet

# What junit-10.xsd of Jenkins' xUnit plug-in (2.4.0) allows: children and attributes of each element, required first.
ALLOWED: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
    ),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name"},
        {"time", "classname", "group"},
    ),
    "failure": (set(), set(), {"type", "message"}),
    "error": (set(), set(), {"type", "message"}),
    "skipped": (set(), set(), {"type", "message"}),
}


def parsed(audit: Audit) -> Element:
    """The root, after every element was held against the xsd and the counts against the cases."""
    root = ElementTree.fromstring(render("junit", audit).encode())
    assert root.tag == "testsuites"
    for element in root.iter():
        children, required, optional = ALLOWED[element.tag]
        assert {child.tag for child in element} <= children
        assert required <= set(element.attrib) <= required | optional
    for suite in (root, *root.iter("testsuite")):
        assert suite.get("tests") == str(len(list(suite.iter("testcase"))))
        assert suite.get("failures") == str(len(list(suite.iter("failure"))))
        assert suite.get("errors") == str(len(list(suite.iter("error"))))
        assert suite.get("skipped") in (None, str(len(list(suite.iter("skipped")))))
    return root


def cases(audit: Audit) -> dict[tuple[str | None, str | None], Element]:
    return {(case.get("classname"), case.get("name")): case for case in parsed(audit).iter("testcase")}


def test_a_case_for_each_rule_and_file(finished_audit: Audit) -> None:
    found = cases(finished_audit)
    outcomes = {key: [child.tag for child in case] for key, case in found.items()}
    workflow = ".github/workflows/main.yml"
    assert outcomes[("actions/pinned-uses", workflow)] == ["failure"], "one place failed, another is suppressed"
    assert outcomes[("ci/coverage-gate", workflow)] == ["skipped"], "the baseline knew it"
    assert outcomes[("ci/coverage-gate", "codecov.yml")] == ["skipped"], "the repository does not prove it"
    assert outcomes[("docker/non-root-user", "Dockerfile")] == ["failure"]
    assert outcomes[("docker/non-root-user", "api/Dockerfile")] == []
    assert ("docker/non-root-user", "x/Dockerfile") not in found
    assert outcomes[("sp404audit/input/too-large", "big.yml")] == ["error"]
    assert ("sp404audit/input/link", "link.yml") not in found, "it was left out on purpose"


def test_a_failure_shows_the_code_and_what_to_do(finished_audit: Audit) -> None:
    failure = cases(finished_audit)[("docker/non-root-user", "Dockerfile")][0]
    assert failure.get("type") == "critical"
    assert failure.get("message", "").startswith("no USER")
    assert failure.text is not None
    assert failure.text.startswith("Dockerfile:1: critical: no USER")
    assert "    1 | FROM python:3.12-slim" in failure.text
    assert failure.text.endswith("What to do: create a user in the final stage and switch to it with USER.")


def test_an_accepted_failure_is_skipped_with_its_reason(finished_audit: Audit) -> None:
    accepted = dataclasses.replace(finished_audit, results=finished_audit.results[1:2])
    (skipped,) = parsed(accepted).iter("skipped")
    assert skipped.attrib == {"type": "accepted", "message": "Accepted: moves with the runner image"}


def test_a_clean_audit_has_no_failures(clean_audit: Audit) -> None:
    root = parsed(clean_audit)
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "0", "0")


# What XML 1.0 allows (https://www.w3.org/TR/xml/#charsets).
ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text(), st.text())
def test_any_text_is_xml(rule: str, path: str, message: str) -> None:
    result = Result(rule, "fail", Severity.LOW, message, Location(path), snippet=Snippet(1, (message, path)))
    note = Notification("yaml/syntax", "error", message, path)
    audit = Audit("1", Policy("recommended"), (), (result,), (note,), {})
    assert not ILLEGAL.search(render("junit", audit))
    assert len(cases(audit)) == 2


def test_the_same_bytes_each_time(finished_audit: Audit) -> None:
    assert render("junit", finished_audit) == render("junit", dataclasses.replace(finished_audit))
