"""Failures by rule: in order, bounded, and each with what a reader needs to mend it."""

from __future__ import annotations

import dataclasses

from sp404audit.outcome import Audit
from sp404audit.reports import Options
from sp404audit.reports.html.evidence import gathered
from sp404audit.reports.html.findings import Group, grouped
from sp404audit.reports.html.texts import Anchors, Place, Places
from sp404audit.results import Location, Region, Result, Severity

PLACES = Places(Options())


def groups(audit: Audit) -> list[Group]:
    return grouped(audit, audit.failures, Anchors(), PLACES)


def many(audit: Audit, count: int) -> Audit:
    results = tuple(
        Result(
            "ci/coverage-gate", "fail", Severity.LOW, f"m{number}", Location(f"{number}.yml"), fingerprint=f"{number}"
        )
        for number in range(count)
    )
    return dataclasses.replace(audit, results=results)


def test_the_gravest_first_and_checks_of_other_engines_too(finished_audit: Audit) -> None:
    assert [(group.rule_id, group.severity.label) for group in groups(finished_audit)] == [
        ("docker/non-root-user", "critical"),
        ("actions/pinned-uses", "high"),
        ("checkov/CKV_X_1", "low"),
    ]


def test_a_group_tells_why_what_to_do_and_how_far_it_reaches(finished_audit: Audit) -> None:
    group = groups(finished_audit)[0]
    assert group.explanation is not None
    assert group.explanation.title == "Containers run as a non-root user."
    assert "is root towards the kernel" in group.explanation.why
    assert group.explanation.remedy.startswith("<p>Create a user in the final stage")
    assert group.explanation.example == "FROM python:3.12-slim\nUSER app"
    assert group.explanation.weaknesses == (250,)
    assert group.extent == "3 places"
    assert group.passed == 2


def test_a_check_of_another_engine_has_its_message_for_a_title(finished_audit: Audit) -> None:
    group = groups(finished_audit)[2]
    assert (group.explanation, group.title, group.domain) == (None, "Ensure it", "checkov")


def test_a_finding_has_its_anchor_from_its_fingerprint(finished_audit: Audit) -> None:
    finding = groups(finished_audit)[1].findings[0]
    assert finding.anchor == "f-" + "a" * 32
    assert finding.state == "new"
    assert finding.change is not None
    assert finding.place == Place(".github/workflows/main.yml:12:15")


def test_related_places_and_other_tools(finished_audit: Audit) -> None:
    finding = groups(finished_audit)[0].findings[0]
    assert [(each.place.text, each.message) for each in finding.related] == [
        ("compose.yml:4:5", "the service that runs it")
    ]
    assert finding.also == "hadolint:DL3002"
    assert finding.times == 3


def test_what_a_failed_rule_could_not_judge_is_told_with_it(finished_audit: Audit) -> None:
    failed = Result("ci/coverage-gate", "fail", Severity.LOW, "no gate", Location("x.yml"))
    audit = dataclasses.replace(finished_audit, results=(*finished_audit.results, failed))
    (group,) = [each for each in groups(audit) if each.rule_id == "ci/coverage-gate"]
    assert [each.message for each in group.unproven] == ["codecov.yml may be set elsewhere"]


def test_the_first_in_full_the_next_in_a_line_the_rest_counted(clean_audit: Audit) -> None:
    (group,) = groups(many(clean_audit, 2100))
    assert (len(group.findings), len(group.lines), group.left) == (25, 2000, 75)
    assert [finding.opened for finding in group.findings[:5]] == [True, True, True, True, False]


def test_every_finding_has_an_id_of_its_own_also_without_a_fingerprint(clean_audit: Audit) -> None:
    audit = many(clean_audit, 60)
    audit = dataclasses.replace(
        audit, results=tuple(dataclasses.replace(result, fingerprint="") for result in audit.results)
    )
    (group,) = groups(audit)
    anchors = [each.anchor for each in group.findings] + [each.anchor for each in group.lines]
    assert len(set(anchors)) == 60


def test_within_a_rule_the_gravest_comes_first(clean_audit: Audit) -> None:
    audit = many(clean_audit, 3)
    worse = dataclasses.replace(audit.results[2], severity=Severity.HIGH)
    (group,) = groups(dataclasses.replace(audit, results=(*audit.results[:2], worse)))
    assert [finding.message for finding in group.findings] == ["m2", "m0", "m1"]
    assert group.mixed


def test_evidence_that_says_the_same_is_gathered() -> None:
    def passed(path: str, *related: Location, count: int = 1) -> Result:
        return Result("a/b", "pass", Severity.LOW, "pinned", Location(path), related, count=count)

    (evidence, other) = gathered(
        [
            passed("a.yml", Location("a.yml", Region(2, 1, 2, 2)), Location("b.yml", message="the gate"), count=5),
            *(passed(f"{number}.yml") for number in range(9)),
        ],
        PLACES,
    )
    assert (evidence.message, len(evidence.places)) == ("pinned", 8)
    assert evidence.more == 3 + 2  # three places that are known, two that the first result only counts
    assert (other.message, other.places, other.more) == ("the gate", (Place("b.yml"),), 0)
