"""A report read back is the audit that it tells of: every format comes out the same, to the byte."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit import audit
from sp404audit.outcome import Audit
from sp404audit.policy.model import Override, Policy, RuleChoice, Waiver
from sp404audit.reports import FORMATS, Options, rebuild, render
from sp404audit.reports.rebuild import ReportError
from sp404audit.results import Location, Region, Severity

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
ON = datetime.date(2027, 1, 1)


def again(finished: Audit) -> Audit:
    return rebuild.rebuild(render("json", finished).encode())


@pytest.fixture(scope="module", params=["sp404mk2", "sp404mk2-compliant"])
def scanned(request: pytest.FixtureRequest) -> tuple[Audit, Audit]:
    finished = audit(FIXTURES / request.param, policy="sp404", engines=["native"], today=ON)
    return finished, again(finished)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("options", [Options(), Options(verbose=True, repository_url="https://e/x", path_prefix="a")])
def test_every_format_is_the_same_to_the_byte(scanned: tuple[Audit, Audit], form: str, options: Options) -> None:
    first, second = (render(form, each, options) for each in scanned)
    assert first == second


@pytest.mark.parametrize("form", FORMATS)
def test_so_is_one_with_everything_in_it(finished_audit: Audit, form: str) -> None:
    waiver = Waiver("docker/*", ("old/**",), "goes away", "@platform", ON, Location("p.yaml", Region(3, 1, 3, 9)))
    policy = Policy(
        "ours",
        ("sp404audit:strict", "p.yaml"),
        {
            "ci/*": RuleChoice(severity=Severity.LOW),
            "docker/x": RuleChoice(False),
            "a/b": RuleChoice(True, None, {"n": [1]}),
        },
        overrides=(Override(("vendor/**",), {"docker/*": RuleChoice(False)}),),
        exclude=("vendor/**",),
        waivers=(waiver,),
        fail_on=Severity.MEDIUM,
        targets={"lead-time": "30m"},
        ignore=("shell",),
    )
    finished = dataclasses.replace(finished_audit, policy=policy, today=ON, fail_on=Severity.HIGH)
    # What is not UTF-8 in a message is U+FFFD in the report; in a path it is exact.
    notes = tuple(note._replace(message=note.message.replace("\x1b", "")) for note in finished.notifications)
    finished = dataclasses.replace(finished, notifications=notes)
    assert render(form, again(finished)) == render(form, finished)


# `target_places` and `metrics` belong to the metrics report, which has a JSON of its own.
APART = {"rules", "target_places", "metrics"}


def test_nothing_of_an_audit_and_its_policy_is_lost(scanned: tuple[Audit, Audit]) -> None:
    """Whoever adds an attribute to Audit, Policy or Result adds it to the JSON report, its schema and `rebuild`."""
    first, second = scanned
    for before, after in ((first, second), (first.policy, second.policy)):
        for field in dataclasses.fields(before):
            if field.name not in APART | {"policy"}:
                assert getattr(before, field.name) == getattr(after, field.name), field.name
    assert first.policy.rules == second.policy.rules
    for old, new in zip(first.rules, second.rules, strict=True):
        for name in ("id", "severity", "equivalents", "cwe", "controls", "precision", "security", "summary", "remedy"):
            assert getattr(old, name) == getattr(new, name)
        assert old.documentation == new.documentation
        assert [(each.name, each.type) for each in old.parameters] == [
            (each.name, each.type) for each in new.parameters
        ]
        assert first.policy.setting(old) == second.policy.setting(new)


def test_the_day_is_told_only_where_something_runs_out(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:latest # sp404audit: ignore[images] until=2027-06-01 -- x\n")
    options: dict[str, Any] = {"engines": ["native"], "today": ON}
    assert again(audit(tmp_path, select=["images"], **options)).today == ON
    assert again(audit(tmp_path, select=["docker"], **options)).today is None


def test_a_report_of_an_earlier_version_lacks_what_was_added_since(finished_audit: Audit) -> None:
    report = json.loads(render("json", finished_audit))
    for name in ("failOn", "default", "rules"):
        del report["policy"][name]
    for control in report["controls"]:
        del control["ownSeverity"], control["declared"]
    found = rebuild.rebuild(json.dumps(report).encode())
    assert render("text", found) == render("text", finished_audit)
    assert [rule.severity for rule in found.rules] == [Severity.HIGH, Severity.LOW, Severity.HIGH], "as it was in force"


def test_what_a_later_version_adds_is_passed_over(finished_audit: Audit) -> None:
    report = json.loads(render("json", finished_audit))
    report["mood"] = report["results"][0]["mood"] = "good"
    assert len(rebuild.rebuild(json.dumps(report).encode()).results) == len(finished_audit.results)


def changed(report: Any, *keys: str | int, value: object) -> bytes:
    inner = report
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return json.dumps(report).encode()


@pytest.mark.parametrize(
    ("keys", "value", "says"),
    [
        (("results", 0, "severity"), "hihg", 'results[0].severity: is "hihg"; it may be critical, high'),
        (("results", 2, "location", "region", "startLine"), 0, "results[2].location.region.startLine: 0 is less"),
        (("results", 2, "location", "region", "startLine"), 1.0, "startLine: 1.0 is not of type 'integer'"),
        (("results", 2, "count"), True, "results[2].count: True is not of type 'integer'"),
        (("results", 0, "location"), {}, "results[0].location: lacks path"),
        (("controls", 1, "id"), "<b>", "controls[1].id: "),
        (("notifications", 0, "level"), [], "notifications[0].level: is []"),
        (("policy", "waivers"), None, "policy.waivers: None is not of type 'array'"),
        (("judgedOn",), "soon", "judgedOn: 'soon' is not a 'date'"),
        (("results",), [], "verdict.compliant: is false, but what the report holds comes to true"),
        (("verdict", "exitCode"), 0, "verdict.exitCode: is 0, but what the report holds comes to 1"),
        (("schemaVersion",), 2, "schemaVersion: is 2, and sp404audit"),
        (("schemaVersion",), "1", 'schemaVersion: is "1", and sp404audit'),
        (("schemaVersion",), True, "schemaVersion: is true, and sp404audit"),
    ],
)
def test_a_mistake_is_told_with_its_key(
    finished_audit: Audit, keys: tuple[str | int, ...], value: object, says: str
) -> None:
    data = changed(json.loads(render("json", finished_audit)), *keys, value=value)
    with pytest.raises(ReportError) as error:
        rebuild.rebuild(data)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[]", "is no report of sp404audit; write one with"),
        (b'{"runs": []}', "is SARIF"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[" * 40 + b"]" * 40, "nested too deeply"),
        (b'{"a":' * 50_000, "nested too deeply"),
        (b'{"schemaVersion": ' + b"1" * 5_000 + b"}", "a number of 5000 digits"),
        (b'{"schemaVersion": NaN}', "NaN is no number"),
        (b'{"schemaVersion": 1}', "the report: lacks $schema"),
    ],
)
def test_whatever_else_it_is_is_told(data: bytes, says: str) -> None:
    with pytest.raises(ReportError) as error:
        rebuild.rebuild(data)
    assert says in str(error.value)


def test_a_report_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "MAX_BYTES", 1024 * 1024)
    with pytest.raises(ReportError, match="is larger than 1 MiB"):
        rebuild.rebuild(b" " * (1024 * 1024 + 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, keys: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [keys, *(place for key, inner in items for place in places(inner, (*keys, key)))]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_change_of_a_report_does_anything_but_be_told(data: st.DataObject) -> None:
    report = json.loads(REPORT())
    keys = data.draw(st.sampled_from(places(report)[1:]))
    text = changed(report, *keys, value=data.draw(JSON))
    try:
        found = rebuild.rebuild(text)
    except ReportError:
        return
    for form in FORMATS:
        render(form, found)


def _small_report() -> Callable[[], str]:
    found: list[str] = []

    def report() -> str:
        if not found:
            select = ["docker/non-root-user", "compose/no-privileged"]
            finished = audit(FIXTURES / "sp404mk2", engines=["native"], select=select, today=ON)
            found.append(render("json", finished))
        return found[0]

    return report


REPORT = _small_report()
