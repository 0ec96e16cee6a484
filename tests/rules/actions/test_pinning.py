from __future__ import annotations

import pytest

from sp404audit.documents.github import workflow
from sp404audit.documents.github.uses import Uses
from sp404audit.documents.source import Source
from sp404audit.results import Severity
from sp404audit.rules.actions.pinning import known_commits, pinned_uses
from sp404audit.rules.registry import Verdict


def judge(uses: str, **parameters: list[str]) -> Verdict | None:
    text = f"on: push\njobs:\n  a:\n    steps:\n      - uses: {uses}\n"
    document = workflow.parse(Source("w.yml", text.encode()))
    (subject,) = [subject for subject in document.subjects() if isinstance(subject, Uses)]
    found = list(pinned_uses(subject, **parameters))
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("uses", "severity", "what"),
    [
        ("actions/checkout@v4", Severity.LOW, "a tag"),
        ("actions/checkout@v4.2.2-beta.1", Severity.LOW, "a tag"),
        ("actions/checkout@main", Severity.HIGH, "a branch"),
        ("octo/x@v1", Severity.HIGH, "a tag"),
        ("octo/x@release/v1", Severity.HIGH, "a tag or branch"),
        ("octo/x@1a2b3c4", Severity.HIGH, "an abbreviated commit"),
        ("octo/x@20240101", Severity.HIGH, "a tag"),
        ("octo/x", Severity.HIGH, "no version"),
        ("octo/x/.github/workflows/y.yml@v1", Severity.HIGH, "a tag"),
    ],
)
def test_names_that_can_move(uses: str, severity: Severity, what: str) -> None:
    verdict = judge(uses)
    assert verdict is not None
    assert (verdict.kind, verdict.severity) == ("fail", severity)
    assert f"names {what}:" in verdict.message


@pytest.mark.parametrize(
    ("uses", "kind"),
    [
        (f"octo/x@{'a' * 40}", "pass"),
        (f"octo/x@{'AB' * 20} # v1", "pass"),
        (f"octo/x/sub@{'0' * 64}", "pass"),
        ("./local", "pass"),
        ("$/local", "pass"),
        ("slsa-framework/slsa-github-generator/.github/workflows/x.yml@v2.1.0", "pass"),
        ("'octo/${{ matrix.x }}@v1'", "open"),
        ("checkout@v4", "notApplicable"),
    ],
)
def test_the_others(uses: str, kind: str) -> None:
    verdict = judge(uses)
    assert verdict is not None
    assert verdict.kind == kind


def test_images_are_another_rule_s_business() -> None:
    assert judge("docker://alpine:3") is None


def test_parameters() -> None:
    allowed = judge("Octo/Tools/deploy@v1", allowed=["octo/*"])
    assert allowed is not None
    assert allowed.kind == "pass"
    trusted = judge("octo/x@v1", trusted_owners=["Octo"])
    assert trusted is not None
    assert trusted.severity == Severity.LOW


def test_fixes_from_the_table() -> None:
    versions = known_commits()["actions/checkout"]
    version, commit = next(iter(versions.items()))
    exact, major = judge(f"actions/checkout@{version}"), judge(f"'actions/checkout@{version.partition('.')[0]}'")
    assert exact is not None
    assert exact.fix is not None
    assert exact.fix.safe
    assert exact.fix.edits[0].text == f"actions/checkout@{commit} # {version}"
    assert major is not None
    assert major.fix is not None
    assert not major.fix.safe
    assert major.fix.edits[0].text.startswith("'actions/checkout@")


@pytest.mark.parametrize("uses", ["actions/checkout@v4 # why", "octo/unknown@v1", "actions/checkout@v1234"])
def test_no_fix_without_knowledge_or_room(uses: str) -> None:
    verdict = judge(uses)
    assert verdict is not None
    assert verdict.fix is None


def test_the_table_is_sound() -> None:
    for versions in known_commits().values():
        for version, commit in versions.items():
            assert len(commit) == 40
            assert int(commit, 16)
            assert version.lstrip("v")[0].isdigit()
        keys = [[int(part) for part in version.lstrip("v").split(".")] for version in versions]
        assert keys == sorted(keys)
