"""SARIF: what GitHub needs, what the full log keeps, and that it is valid by two validators."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attr
import pytest
import sarif_om

from sp404audit import audit
from sp404audit.outcome import Audit
from sp404audit.policy.baseline import compare
from sp404audit.reports import Options, sarif
from sp404audit.results import Location, Region, Result, Severity, Snippet

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
Problems = Callable[..., list[str]]


def run_of(text: str) -> Any:
    (run,) = json.loads(text)["runs"]
    return run


@pytest.fixture
def github_run(finished_audit: Audit) -> Any:
    return run_of(sarif.github(finished_audit))


@pytest.fixture
def full_run(finished_audit: Audit) -> Any:
    return run_of(sarif.full(finished_audit))


@pytest.mark.heavy("multitool")
def test_valid_by_schema_and_multitool(finished_audit: Audit, clean_audit: Audit, sarif_problems: Problems) -> None:
    logs = [write(finished) for write in (sarif.github, sarif.full) for finished in (finished_audit, clean_audit)]
    assert sarif_problems(*logs) == []


@pytest.mark.heavy("multitool")
def test_real_audits_are_valid(sarif_problems: Problems) -> None:
    fixtures = ("sp404mk2", "sp404mk2-compliant")
    audits = [audit(FIXTURES / fixture, policy="strict", engines=["native"]) for fixture in fixtures]
    assert sarif_problems(*(write(each) for write in (sarif.github, sarif.full) for each in audits)) == []


@pytest.mark.heavy("multitool")
def test_the_validators_do_find_mistakes(clean_audit: Audit, sarif_problems: Problems) -> None:
    """Also in one of several logs, which the multitool takes in one call."""
    good = sarif.full(clean_audit)
    unknown_level = good.replace('"level":"none"', '"level":"fatal"')
    ends_first = json.loads(good)
    (place,) = ends_first["runs"][0]["results"][0]["locations"]
    place["physicalLocation"]["region"] = {"startLine": 9, "endLine": 2}
    problems = sarif_problems(good, unknown_level, json.dumps(ends_first))
    assert any(problem.startswith("log 1 by the schema: ") and "fatal" in problem for problem in problems)
    assert any(problem.startswith("log 2 by the multitool: SARIF1007: ") for problem in problems)
    assert not any(problem.startswith("log 0 ") for problem in problems)


@pytest.mark.heavy("multitool")
def test_the_object_model_differs_from_the_schema_only_where_we_mend_it(sarif_schema: Any) -> None:
    ours = {"Suppression": sarif._Suppression}
    drift = {}
    for name, definition in sarif_schema["definitions"].items():
        kind = ours.get(name[0].upper() + name[1:]) or getattr(sarif_om, name[0].upper() + name[1:], None)
        if kind is None or name == "propertyBag":
            continue
        known = {field.metadata["schema_property_name"] for field in attr.fields(kind)}
        if unknown := known - definition["properties"].keys():
            drift[name] = unknown
    assert drift == {}


def test_github_sees_only_failures_that_count(github_run: Any) -> None:
    found = [(result["ruleId"], result["level"]) for result in github_run["results"]]
    assert found == [("actions/pinned-uses", "error"), ("checkov/CKV_X_1", "note"), ("docker/non-root-user", "error")]
    assert not any(result.keys() & {"suppressions", "baselineState", "fixes"} for result in github_run["results"])


def test_rules_carry_what_github_reads(full_run: Any) -> None:
    rules = {rule["id"]: rule for rule in full_run["tool"]["driver"]["rules"]}
    root = rules["docker/non-root-user"]
    assert root["name"] == "DockerNonRootUser"
    assert root["shortDescription"] == {"text": "Containers run as a non-root user."}
    assert root["fullDescription"]["text"].endswith("is root towards the kernel and every mount.")
    assert "Fix: create a user" in root["help"]["text"]
    assert "```\nFROM python:3.12-slim\nUSER app\n```" in root["help"]["markdown"]
    assert "| `minimum_uid` | `1000` |" in root["help"]["markdown"]
    assert root["defaultConfiguration"] == {"level": "error"}
    assert root["properties"]["tags"] == ["security", "external/cwe/cwe-250", "docker"]
    assert root["properties"]["security-severity"] == "8.0"
    assert root["properties"]["precision"] == "high"


def test_a_quality_rule_has_no_security_severity_and_the_policy_sets_its_level(full_run: Any) -> None:
    rules = {rule["id"]: rule for rule in full_run["tool"]["driver"]["rules"]}
    gate = rules["ci/coverage-gate"]
    assert "security-severity" not in gate["properties"]
    assert gate["properties"]["problem.severity"] == "recommendation"
    assert gate["defaultConfiguration"] == {"level": "note"}


def test_rule_indexes_point_at_their_rules(github_run: Any, full_run: Any) -> None:
    for run in (github_run, full_run):
        ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert [ids[result.get("ruleIndex", 0)] for result in run["results"]] == [r["ruleId"] for r in run["results"]]


def test_a_result_has_place_snippet_context_and_fingerprints(github_run: Any) -> None:
    result = github_run["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": ".github/workflows/main.yml", "uriBaseId": "SRCROOT"}
    assert place["region"] == {
        "startLine": 12, "startColumn": 15, "endLine": 12, "endColumn": 34, "snippet": {"text": "actions/checkout@v4"},
    }  # fmt: skip
    assert place["contextRegion"]["startLine"] == 11
    assert place["contextRegion"]["snippet"]["text"].count("\n") == 2
    assert result["partialFingerprints"] == {"primaryLocationLineHash": "12ab:1", "sp404audit/v1": "a" * 32}


def test_all_four_region_properties_are_always_there(full_run: Any) -> None:
    for result in full_run["results"]:
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region.keys() >= {"startLine", "startColumn", "endLine", "endColumn"}


def test_a_context_no_larger_than_the_region_is_left_out() -> None:
    snippet = Snippet(1, ("USER root",))
    assert sarif._context(snippet, Region(1, 1, 1, 10)) is None
    assert sarif._context(snippet, Region(1, 6, 1, 10)) is not None
    assert sarif._context(snippet, Region(4, 1, 4, 2)) is None
    assert sarif._context(None, Region(1, 1, 1, 2)) is None


def test_a_region_over_several_lines_is_cut_out_of_the_snippet() -> None:
    snippet = Snippet(5, ("run: |", "  make", "  test"))
    assert sarif._cut(snippet, Region(5, 6, 6, 7)) == "|\n  make"
    assert sarif._cut(snippet, Region(7, 1, 8, 1)) is None


def test_the_level_of_what_did_not_fail_is_none(full_run: Any) -> None:
    levels = {result.get("kind", "fail"): result["level"] for result in full_run["results"]}
    assert levels == {"fail": "error", "open": "none", "pass": "none", "notApplicable": "none"}


def test_the_full_log_keeps_suppressions_baseline_fixes_taxa(full_run: Any) -> None:
    pinned, suppressed, _, gate, *_ = full_run["results"]
    change = pinned["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert change["insertedContent"]["text"].startswith("actions/checkout@1")
    assert pinned["baselineState"] == "new"
    assert gate["baselineState"] == "unchanged"
    assert pinned["taxa"][0]["id"] == "829"
    (suppression,) = suppressed["suppressions"]
    assert suppression["status"] == "accepted"
    assert suppression["properties"] == {"until": "2027-01-31"}
    assert [taxon["id"] for taxon in full_run["taxonomies"][0]["taxa"]] == ["250", "829"]


def test_related_places_counts_and_other_reporters(github_run: Any) -> None:
    result = github_run["results"][-1]
    assert result["relatedLocations"][0]["message"] == {"text": "the service that runs it."}
    assert result["occurrenceCount"] == 3
    assert result["properties"]["alsoReportedBy"] == ["hadolint:DL3002"]
    assert "\n" not in result["message"]["text"]


def test_notifications_are_declared_and_the_run_is_not_successful(github_run: Any) -> None:
    (invocation,) = github_run["invocations"]
    assert invocation["executionSuccessful"] is False
    declared = [notice["id"] for notice in github_run["tool"]["driver"]["notifications"]]
    notes = invocation["toolExecutionNotifications"]
    assert [declared[note["descriptor"].get("index")] for note in notes] == [note["descriptor"]["id"] for note in notes]
    crashed = notes[-1]
    assert crashed["associatedRule"]["id"] == "docker/non-root-user"
    assert notes[1]["level"] == "note"


def test_paths_that_are_not_utf8_and_hostile_text_do_no_harm(finished_audit: Audit) -> None:
    text = sarif.full(finished_audit)
    assert text.isascii()
    assert "d%C3%BCr/caf%E9%20%1B%5B31m%231.yml" in text
    assert r"bad \\x1b[31m token" in text


def test_surrogates_in_snippets_become_replacement_characters(clean_audit: Audit) -> None:
    place = Location("a.yml", Region(1, 1, 1, 5))
    result = Result("docker/non-root-user", "fail", Severity.LOW, "m", place, snippet=Snippet(1, ("caf\udce9 x",)))
    (found,) = run_of(sarif.github(dataclasses.replace(clean_audit, results=(result,))))["results"]
    assert found["locations"][0]["physicalLocation"]["region"]["snippet"]["text"] == "caf\ufffd"


def test_a_clean_audit_says_so(clean_audit: Audit) -> None:
    run = run_of(sarif.github(clean_audit))
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []
    assert run["invocations"] == [{"executionSuccessful": True}]
    assert run["automationDetails"]["id"].endswith("/")
    assert run["columnKind"] == "unicodeCodePoints"


def test_nothing_absolute_and_no_clock(finished_audit: Audit) -> None:
    assert sarif.full(finished_audit) == sarif.full(dataclasses.replace(finished_audit))
    assert "file:" not in sarif.full(finished_audit)
    assert "Utc" not in sarif.full(finished_audit)


def test_one_line_a_result(finished_audit: Audit) -> None:
    lines = sarif.full(finished_audit).splitlines()
    assert sum('"ruleId"' in line for line in lines) == len(finished_audit.results)
    assert sum(line.strip().startswith('{"id":"docker/non-root-user"') for line in lines) == 1


def test_the_worst_five_thousand_are_kept_in_their_order(clean_audit: Audit) -> None:
    def failure(number: int) -> Result:
        severity = Severity.CRITICAL if number % 2 else Severity.LOW
        return Result("docker/non-root-user", "fail", severity, "m", Location(f"{number:05}"))

    audit = dataclasses.replace(clean_audit, results=tuple(failure(number) for number in range(6_000)))
    run = run_of(sarif.github(audit))
    assert len(run["results"]) == sarif.GITHUB_SHOWS
    assert sum(result["level"] == "error" for result in run["results"]) == 3_000
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    assert uris == sorted(uris)
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["descriptor"]["id"] == "report/truncated"
    assert len(run_of(sarif.full(audit))["results"]) == 6_000


def test_a_part_of_a_repository_counts_paths_from_the_top_and_has_a_category_of_its_own(
    finished_audit: Audit, tmp_path: Path
) -> None:
    here = run_of(sarif.github(finished_audit))
    text = sarif.github(finished_audit, Options(path_prefix="services/my api/"))
    there = run_of(text)
    assert here["automationDetails"] == {"id": "sp404audit/"}
    assert there["automationDetails"] == {"id": "sp404audit/services/my api/"}
    uris = [[uri["uri"] for uri in artifacts(run)] for run in (here, there)]
    assert [f"services/my%20api/{uri}" for uri in uris[0]] == uris[1]
    assert run_of(sarif.github(finished_audit, Options(category="mine")))["automationDetails"] == {"id": "mine/"}
    baseline = tmp_path / "baseline.sarif"
    baseline.write_text(text, "utf-8")
    absent = [each for each in compare([], baseline) if each.baseline == "absent"]
    assert {each.location.path for each in absent} <= {each.location.path for each in finished_audit.failures}
    assert absent


def artifacts(value: Any) -> list[Any]:
    """Every artifactLocation that a log holds, in order."""
    if isinstance(value, list):
        return [found for item in value for found in artifacts(item)]
    if not isinstance(value, dict):
        return []
    inner = [found for key, item in value.items() if key != "artifactLocation" for found in artifacts(item)]
    return inner + ([value["artifactLocation"]] if "artifactLocation" in value else [])
