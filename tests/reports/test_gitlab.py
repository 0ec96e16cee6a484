"""GitLab's code quality report: what GitLab asks for, and fingerprints that it can tell apart."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy
from sp404audit.reports import Options, render
from sp404audit.results import Location, Result, Severity


def test_every_failure_and_what_was_not_audited(finished_audit: Audit) -> None:
    issues = json.loads(render("gitlab", finished_audit, Options(path_prefix="api")))
    assert [issue["check_name"] for issue in issues] == [
        "input/too-large",
        "yaml/syntax",
        "rule/crashed",
        "actions/pinned-uses",
        "checkov/CKV_X_1",
        "docker/non-root-user",
    ]
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["lines"]["begin"] >= 1
    assert issues[-1]["severity"] == "blocker"
    assert issues[-1]["location"] == {"path": "api/Dockerfile", "lines": {"begin": 1, "end": 1}}
    assert issues[0]["description"] == "Not audited: 12 MiB; the limit is 10 MiB"


def test_a_clean_audit_is_an_empty_list(clean_audit: Audit) -> None:
    assert json.loads(render("gitlab", clean_audit)) == []


def test_no_two_issues_have_the_same_fingerprint(finished_audit: Audit) -> None:
    doubled = dataclasses.replace(finished_audit, results=finished_audit.results * 3)
    issues = json.loads(render("gitlab", doubled))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    first = json.loads(render("gitlab", finished_audit))
    assert {issue["fingerprint"] for issue in first} < {issue["fingerprint"] for issue in issues}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=5))
def test_any_text_is_json_that_every_reader_takes(rows: list[tuple[str, str, str]]) -> None:
    results = tuple(Result(rule, "fail", Severity.LOW, message, Location(path)) for rule, path, message in rows)
    text = render("gitlab", Audit("1", Policy("recommended"), (), results, (), {}))
    issues = json.loads(text)
    assert text.isascii()
    assert len({issue["fingerprint"] for issue in issues}) == len(rows)
    assert all("\\ud" not in json.dumps(issue["location"]["path"], ensure_ascii=False) for issue in issues)
