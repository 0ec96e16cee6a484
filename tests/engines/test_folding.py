from __future__ import annotations

from sp404audit.engines.folding import fold
from sp404audit.results import Kind, Location, Region, Result, Severity
from sp404audit.rules import all_rules

USER = "docker/non-root-user"


def native(kind: Kind, path: str = "Dockerfile", line: int = 3) -> Result:
    return Result(USER, kind, Severity.HIGH, "m", Location(path, Region(line, 1, line, 5)))


def foreign(check: str, path: str = "Dockerfile", first: int = 1, last: int = 9) -> Result:
    place = Location(path, Region(first, 1, last, 1))
    return Result(f"checkov/{check}", "fail", Severity.MEDIUM, "m", place, engine="checkov")


def test_an_equivalent_finding_is_added_to_ours() -> None:
    (result,) = fold([native("fail")], [foreign("CKV_DOCKER_3")], all_rules())
    assert (result.rule_id, result.also) == (USER, ("checkov:CKV_DOCKER_3",))


def test_it_goes_to_the_result_at_its_place() -> None:
    results = fold([native("fail", line=30), native("fail", line=5)], [foreign("CKV_DOCKER_3")], all_rules())
    assert [result.also for result in results] == [(), ("checkov:CKV_DOCKER_3",)]


def test_where_ours_passed_its_verdict_stands() -> None:
    assert fold([native("pass")], [foreign("CKV_DOCKER_3")], all_rules()) == [native("pass")]


def test_where_ours_said_nothing_the_finding_becomes_a_result_of_our_rule() -> None:
    (result,) = fold([], [foreign("CKV_DOCKER_3")], all_rules())
    assert (result.rule_id, result.engine, result.severity) == (USER, "checkov", Severity.HIGH)


def test_any_other_finding_is_a_result_of_its_own() -> None:
    finding = foreign("CKV_AWS_18")
    assert fold([native("fail")], [finding], all_rules()) == [native("fail"), finding]


def test_without_findings_nothing_changes() -> None:
    assert fold([native("open")], [], all_rules()) == [native("open")]
