"""The JSON report: it keeps its schema, holds everything, and two of them can be compared line by line."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

import jsonschema
import pytest

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy, Waiver
from sp404audit.reports import json_report
from sp404audit.results import Location


def checked(audit: Audit) -> Any:
    report = json.loads(json_report.render(audit))
    jsonschema.Draft202012Validator(json_report.schema(), format_checker=jsonschema.FormatChecker()).validate(report)
    return report


@pytest.fixture
def report(finished_audit: Audit) -> Any:
    return checked(finished_audit)


def test_the_schema_is_a_schema_and_has_our_id() -> None:
    schema = json_report.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == json_report.SCHEMA_ID


def test_a_clean_audit_keeps_the_schema(clean_audit: Audit) -> None:
    verdict = checked(clean_audit)["verdict"]
    assert verdict == {"compliant": True, "incomplete": False, "exitCode": 0, "failOn": "low"}


def test_every_result_of_every_kind_is_there(report: Any, finished_audit: Audit) -> None:
    assert [(row["ruleId"], row["kind"]) for row in report["results"]] == [
        (result.rule_id, result.kind) for result in finished_audit.results
    ]


def test_a_result_holds_all_that_is_known_of_it(report: Any) -> None:
    pinned, suppressed = report["results"][:2]
    assert pinned["location"]["region"] == {"startLine": 12, "startColumn": 15, "endLine": 12, "endColumn": 34}
    assert pinned["fix"]["edits"][0]["text"].startswith("actions/checkout@1")
    assert pinned["snippet"]["firstLine"] == 11
    assert pinned["fingerprint"] == "a" * 32
    assert pinned["baseline"] == "new"
    assert suppressed["suppression"]["until"] == "2027-01-31"
    assert report["results"][5]["related"][0]["message"] == "the service that runs it"


def test_a_control_tells_its_verdict_and_what_is_in_force(report: Any) -> None:
    controls = {control["id"]: control for control in report["controls"]}
    assert controls["ci/coverage-gate"]["severity"] == "low"
    root = controls["docker/non-root-user"]
    assert root["verdict"] == "fail"
    assert root["counts"] == {"fail": 3, "pass": 2, "notApplicable": 1}
    assert root["parameters"] == {"minimum_uid": 1000, "allowed": []}
    assert root["fix"].startswith("create a user")
    assert [example["outcome"] for example in root["examples"]] == ["pass", "fail"]


def test_totals(report: Any) -> None:
    assert report["totals"]["failures"] == {"critical": 3, "high": 1, "medium": 0, "low": 1, "note": 0}
    assert report["totals"]["suppressed"] == 1
    assert report["files"] == {"workflow": 1, "dockerfile": 2}


def test_what_was_not_audited_and_why(report: Any) -> None:
    syntax = report["notifications"][2]
    assert syntax["location"]["uri"] == "d%C3%BCr/caf%E9%20%1B%5B31m%231.yml"
    assert "\ufffd" in syntax["location"]["path"]
    assert syntax["location"]["region"]["startLine"] == 3
    assert report["engines"][1]["missing"].startswith("pip install")


def test_waivers_are_told_with_their_place(clean_audit: Audit) -> None:
    waiver = Waiver("docker/*", ("old/**",), "goes away", "@platform", datetime.date(2027, 1, 31), Location("p.yaml"))
    policy = Policy("recommended", ("recommended", "p.yaml"), waivers=(waiver,))
    (found,) = checked(dataclasses.replace(clean_audit, policy=policy))["policy"]["waivers"]
    assert found["until"] == "2027-01-31"
    assert found["location"]["path"] == "p.yaml"


def test_one_line_a_result_in_plain_ascii(finished_audit: Audit) -> None:
    text = json_report.render(finished_audit)
    assert text.isascii()
    assert sum(line.startswith('  {"ruleId"') for line in text.splitlines()) == len(finished_audit.results)
    assert text == json_report.render(dataclasses.replace(finished_audit))
