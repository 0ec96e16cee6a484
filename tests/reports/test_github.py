"""Workflow commands, read back as the runner reads them."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy
from sp404audit.reports import Options, render
from sp404audit.reports.escape import command_data, command_property
from sp404audit.results import Location, Notification, Region, Result, Severity


def unescaped(text: str) -> str:
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Each line as level, properties and message."""
    found = []
    for line in text.splitlines():
        _, head, message = line.split("::", 2)
        level, _, written = head.partition(" ")
        pairs = (pair.partition("=") for pair in written.split(","))
        found.append((level, {name: unescaped(value) for name, _, value in pairs}, unescaped(message)))
    return found


def failures(count: int, severity: Severity) -> tuple[Result, ...]:
    return tuple(Result("x/y", "fail", severity, f"{severity.label} {n}", Location(f"f{n}")) for n in range(count))


def audit_of(*results: Result, notifications: tuple[Notification, ...] = ()) -> Audit:
    return Audit("1", Policy("recommended"), (), results, notifications, {})


def test_annotations_say_where_what_and_what_to_do(finished_audit: Audit) -> None:
    found = commands(render("github", finished_audit, Options(path_prefix="services/api/")))
    errors = [each for each in found if each[0] == "error"]
    assert errors[0][1] == {
        "file": "services/api/Dockerfile",
        "line": "1",
        "endLine": "1",
        "col": "1",
        "endColumn": "22",
        "title": "critical: docker/non-root-user",
    }
    assert errors[0][2] == (
        "no USER: the image runs as root unless its base says otherwise (3 places)\n"
        "What to do: create a user in the final stage and switch to it with USER."
    )
    assert errors[1][1]["line"] == "12"
    assert len(found) == 6, "neither what was suppressed, nor what the baseline knew, nor what passed"


def test_what_was_not_audited_is_a_warning(finished_audit: Audit) -> None:
    titles = [each[1]["title"] for each in commands(render("github", finished_audit)) if each[0] == "warning"]
    assert titles == ["not audited: input/too-large", "not audited: yaml/syntax", "not audited: rule/crashed"]


def test_a_region_of_several_lines_has_no_columns() -> None:
    result = Result("x/y", "fail", Severity.HIGH, "m", Location("a", Region(2, 3, 5, 7)))
    assert render("github", audit_of(result)) == "::error file=a,line=2,endLine=5,title=high%3A x/y::m\n"


def test_ten_a_level_the_gravest_first_and_the_rest_counted() -> None:
    results = (*failures(12, Severity.LOW), *failures(15, Severity.HIGH), *failures(3, Severity.CRITICAL))
    found = commands(render("github", audit_of(*results)))
    levels = [level for level, _, _ in found]
    assert (levels.count("error"), levels.count("warning"), levels.count("notice")) == (10, 0, 10)
    assert [message for _, _, message in found[:4]] == ["critical 0", "critical 1", "critical 2", "high 0"]
    assert found[-1][2].startswith("11 more are not shown here"), "8 of high, 3 of low: one made room for this notice"


def test_what_fits_is_not_counted() -> None:
    results = (*failures(10, Severity.LOW), *failures(10, Severity.MEDIUM), *failures(10, Severity.HIGH))
    assert "more are not shown" not in render("github", audit_of(*results))
    assert render("github", audit_of()) == ""


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text(), st.text())
def test_nothing_breaks_out_of_its_command(rule_id: str, path: str, message: str) -> None:
    result = Result(rule_id, "fail", Severity.HIGH, message, Location("p" + path, Region(1, 1, 1, 2)))
    (command,) = commands(render("github", audit_of(result)))
    assert list(command[1]) == ["file", "line", "endLine", "col", "endColumn", "title"]


@given(st.text())
def test_escaping_is_undone_by_the_runner(text: str) -> None:
    assert unescaped(command_data(text)) == text
    assert unescaped(command_property(text)) == text
    assert not set("\r\n") & set(command_data(text))
    assert not set("\r\n:,") & set(command_property(text))


def test_the_percent_sign_itself() -> None:
    assert command_data("100%0A") == "100%250A"
    assert unescaped(command_data("100%3A,")) == "100%3A,"


def test_the_same_bytes_each_time(finished_audit: Audit) -> None:
    assert render("github", finished_audit) == render("github", dataclasses.replace(finished_audit))
