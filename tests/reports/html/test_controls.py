"""The controls: each in its domain and its frameworks, with letter and words for what its colour says."""

from __future__ import annotations

import dataclasses

import pytest

from sp404audit.outcome import Audit
from sp404audit.reports import Options
from sp404audit.reports.html import controls
from sp404audit.reports.html.rules import item_of
from sp404audit.reports.html.texts import Anchors, Places
from sp404audit.results import Location, Result, Severity, Suppression

PLACES = Places(Options())


def test_every_control_has_a_tile_in_its_domain(finished_audit: Audit) -> None:
    rows = controls.by_domain(controls.states(finished_audit), {"docker/non-root-user": "rule-x"})
    assert [(row.name, row.failed, row.judged) for row in rows] == [
        ("actions", 1, 1),
        ("checkov", 1, 1),
        ("ci", 1, 1),
        ("docker", 1, 1),
    ]
    (tile,) = rows[3].tiles
    assert (tile.letter, tile.tone, tile.label, tile.href) == ("C", "critical", "non-root-user", "rule-x")
    assert (tile.rule_id, tile.words) == ("docker/non-root-user", "failed, critical, 3 places")


def test_letters_tell_what_colours_tell(finished_audit: Audit) -> None:
    place = Location("x")
    accepted = Suppression("inSource", "why")
    results = (
        Result("actions/pinned-uses", "fail", Severity.HIGH, "m", place, suppression=accepted),
        Result("ci/coverage-gate", "open", Severity.LOW, "m", place),
        Result("docker/non-root-user", "pass", Severity.HIGH, "m", place),
    )
    audit = dataclasses.replace(finished_audit, results=results)
    tiles = [row.tiles[0] for row in controls.by_domain(controls.states(audit), {})]
    assert [(tile.letter, tile.tone) for tile in tiles] == [("A", "accepted"), ("?", "open"), ("✓", "pass")]
    nothing = dataclasses.replace(finished_audit, results=())
    assert {row.tiles[0].letter for row in controls.by_domain(controls.states(nothing), {})} == {"–"}


def test_a_domain_with_very_many_checks_is_bounded(clean_audit: Audit) -> None:
    results = tuple(
        Result(f"checkov/CKV_{number}", "fail", Severity.LOW, "m", Location("x"), engine="checkov")
        for number in range(99)
    )
    rows = controls.by_domain(controls.states(dataclasses.replace(clean_audit, results=results)), {})
    (row,) = [row for row in rows if row.name == "checkov"]
    assert (len(row.tiles), row.more, row.failed) == (40, 59, 99)


@pytest.mark.parametrize(
    ("control", "parts"),
    [
        ("CIS Docker 4.1", ("CIS Docker", "4.1")),
        ("NIST 800-53 SI-4(5)", ("NIST 800-53", "SI-4(5)")),
        ("SLSA", ("SLSA", "")),
        ("", ("", "")),
    ],
)
def test_an_item_is_parted_from_its_framework(control: str, parts: tuple[str, str]) -> None:
    assert item_of(control) == parts


def test_an_item_is_as_good_as_its_worst_rule(finished_audit: Audit) -> None:
    for rule in finished_audit.rules:
        rule.controls = ()
    first, second, third = finished_audit.rules
    first.controls, second.controls, third.controls = ("F 1", "F 2"), ("F 2",), ("F 1",)
    try:
        (row,) = controls.by_framework(finished_audit, controls.states(finished_audit), {})
    finally:
        for rule in finished_audit.rules:
            rule.controls = ()
    assert row.name == "F"
    assert [(tile.label, tile.letter) for tile in row.tiles] == [("1", "C"), ("2", "H")]


def test_passed_and_unproven_controls_bring_their_evidence(clean_audit: Audit) -> None:
    (passed,) = controls.judged(clean_audit, "pass", Anchors(), PLACES)
    assert (passed.rule_id, passed.extent, passed.anchor) == (
        "docker/non-root-user",
        "1 place",
        "pass-docker-non-root-user",
    )
    assert [(each.message, each.places[0].text) for each in passed.evidence] == [("runs as app", "Dockerfile")]
    unproven = Result("ci/coverage-gate", "open", Severity.MEDIUM, "set elsewhere", Location("codecov.yml"))
    audit = dataclasses.replace(clean_audit, results=(unproven,))
    (control,) = controls.judged(audit, "open", Anchors(), PLACES)
    assert control.explanation.remedy == "<p>Give the test command a minimum.</p>"


def test_evidence_is_bounded_and_counted(clean_audit: Audit) -> None:
    results = tuple(
        Result("docker/non-root-user", "pass", Severity.HIGH, f"as user {number}", Location("Dockerfile"))
        for number in range(25)
    )
    (control,) = controls.judged(dataclasses.replace(clean_audit, results=results), "pass", Anchors(), PLACES)
    assert (len(control.evidence), control.left, control.extent) == (10, 15, "25 places")


def test_controls_without_anything_to_judge_are_named(clean_audit: Audit) -> None:
    assert controls.not_applicable(clean_audit) == [
        ("actions/pinned-uses", "Actions are pinned to a full commit."),
        ("ci/coverage-gate", "A pull request that lowers test coverage cannot be merged."),
    ]
