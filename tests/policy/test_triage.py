"""Comments, waivers and baselines, on real audits."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from sp404audit import audit
from sp404audit.outcome import Audit
from sp404audit.policy.loading import PolicyError
from sp404audit.reports import render
from sp404audit.results import Result

DAY = datetime.date(2026, 11, 25)


def scan(root: Path, files: dict[str, str], **options: object) -> Audit:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return audit(root, engines=["native"], today=DAY, **options)  # type: ignore[arg-type]


def of(report: Audit, rule_id: str, kind: str = "fail") -> list[Result]:
    return [result for result in report.results if (result.rule_id, result.kind) == (rule_id, kind)]


def dockerfile(comment: str) -> dict[str, str]:
    return {"Dockerfile": f"FROM python:latest  {comment}\nUSER 1000\n"}


LATEST = "images/no-latest-tag"


def test_a_comment_accepts_the_failure_that_it_names(tmp_path: Path) -> None:
    report = scan(tmp_path, dockerfile(f"# sp404audit: ignore[{LATEST}] until=2026-12-31 -- rebuilt nightly"))
    (result,) = of(report, LATEST)
    assert result.suppression is not None
    assert (result.suppression.kind, result.suppression.justification) == ("inSource", "rebuilt nightly")
    assert result not in report.failures
    assert of(report, "policy/acceptance-used", "pass")


@pytest.mark.parametrize("name", ["images", "images/*", "hadolint:DL3007"])
def test_a_comment_may_name_a_domain_or_another_tools_check(name: str, tmp_path: Path) -> None:
    (result,) = of(scan(tmp_path, dockerfile(f"# sp404audit: ignore[{name}] -- x")), LATEST)
    assert result.suppression is not None


def test_another_tools_comment_counts_where_ours_is_the_equivalent(tmp_path: Path) -> None:
    report = scan(tmp_path, {"Dockerfile": "# hadolint ignore=DL3007\nFROM python:latest\nUSER 1000\n"})
    (result,) = of(report, LATEST)
    assert result.suppression is not None
    assert not of(report, "policy/acceptance-used"), "the others' comments are not ours to judge"


def test_an_expired_comment_accepts_nothing(tmp_path: Path) -> None:
    report = scan(tmp_path, dockerfile(f"# sp404audit: ignore[{LATEST}] until=2026-11-24 -- soon"))
    assert of(report, LATEST)[0].suppression is None
    assert len(of(report, "policy/acceptance-current")) == 1
    assert not of(report, "policy/acceptance-used")


def test_a_comment_that_accepts_nothing_is_told(tmp_path: Path) -> None:
    report = scan(tmp_path, dockerfile("# sp404audit: ignore[docker/non-root-user] -- x"))
    assert len(of(report, "policy/acceptance-used")) == 1


def test_a_misspelt_rule_in_a_comment_is_told_with_the_right_one(tmp_path: Path) -> None:
    report = scan(tmp_path, dockerfile("# sp404audit: ignore[images/no-latest-tags] -- x"))
    (result,) = of(report, "policy/acceptance-used")
    assert "did you mean images/no-latest-tag?" in result.message


def test_a_comment_of_a_rule_that_was_not_asked_is_not_unused(tmp_path: Path) -> None:
    report = scan(tmp_path, dockerfile(f"# sp404audit: ignore[{LATEST}] -- x"), ignore=["images"])
    assert not of(report, "policy/acceptance-used")


def waiver(until: str, path: str = "Dockerfile") -> str:
    return (
        "version: 1\nwaivers:\n"
        f"  - {{rule: {LATEST}, paths: ['{path}'], reason: agreed, owner: '@platform', until: {until}}}\n"
    )


def test_a_waiver_accepts_with_owner_and_end(tmp_path: Path) -> None:
    report = scan(tmp_path, {**dockerfile(""), ".sp404audit.yaml": waiver("2026-11-25")})
    suppression = of(report, LATEST)[0].suppression
    assert suppression is not None
    assert (suppression.kind, suppression.owner, suppression.until) == ("external", "@platform", "2026-11-25")


def test_a_waiver_that_is_over_or_unused_is_told(tmp_path: Path) -> None:
    over = scan(tmp_path, {**dockerfile(""), ".sp404audit.yaml": waiver("2026-11-24")})
    assert of(over, LATEST)[0].suppression is None
    assert of(over, "policy/acceptance-current")[0].location.path == ".sp404audit.yaml"
    unused = scan(tmp_path, {".sp404audit.yaml": waiver("2027-01-01", "other/Dockerfile")})
    assert of(unused, "policy/acceptance-used")[0].location.region.start_line == 3


@pytest.mark.parametrize("form", ["sarif", "json", "sarif-full"])
def test_a_baseline_goes_by_fingerprints_not_by_lines(form: str, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    before = scan(root, {"Dockerfile": "FROM python:latest\nFROM node:latest\nUSER 1000\n"})
    earlier = tmp_path / "earlier"
    earlier.write_text(render(form, before), encoding="utf-8")
    after = scan(root, {"Dockerfile": "# moved\n\nFROM python:latest\nFROM ruby:latest\nUSER 1000\n"}, baseline=earlier)
    assert sorted(str(result.baseline) for result in of(after, LATEST)) == ["absent", "new", "unchanged"]
    assert {result.baseline for result in after.failures} == {"new"}
    assert all(result.fingerprint for result in of(after, LATEST))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"results": [{"fingerprint": "x"}]}', '{"runs": [{"results": [1]}]}']
)
def test_a_baseline_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(PolicyError, match="baseline"):
        scan(tmp_path / "repository", {}, baseline=tmp_path / "b.json")
    with pytest.raises(PolicyError, match="No such file"):
        scan(tmp_path / "repository", {}, baseline=tmp_path / "missing.json")


def test_fingerprints_and_snippets_are_there(tmp_path: Path) -> None:
    report = scan(tmp_path, dockerfile(""))
    (result,) = of(report, LATEST)
    assert result.snippet is not None
    assert result.snippet.lines[0].startswith("FROM python:latest")
    assert result.line_hash.endswith(":1")
    assert json.loads(render("json", report))
