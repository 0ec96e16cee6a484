"""The terminal report: what a user with a red build finds in it, and what must never be in it."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from typing import Any

import pytest

from sp404audit.outcome import Audit
from sp404audit.reports import Options, render
from sp404audit.results import Location, Notification, Region, Result, Severity, Snippet


def report(audit: Audit, **options: Any) -> str:
    return render("text", audit, Options(**options))


ANSI = re.compile(r"\x1b\[[0-9;]*m")


def test_a_failure_says_what_where_why_and_what_to_do(finished_audit: Audit) -> None:
    text = report(finished_audit)
    assert (
        """\
Dockerfile
──────────

critical[docker/non-root-user]: no USER: the image runs as root unless its base says otherwise
 --> Dockerfile:1:1
1 | FROM python:3.12-slim
  | ^^^^^^^^^^^^^^^^^^^^^
2 | COPY . /app
  = requirement: Containers run as a non-root user.
  = what to do: create a user in the final stage and switch to it with USER.
  = see also: compose.yml:4:5: the service that runs it
  = also reported by: hadolint:DL3002
  = more: sp404audit explain docker/non-root-user
"""
        in text
    )


def test_totals_controls_accepted_and_verdict(finished_audit: Audit) -> None:
    text = report(finished_audit)
    assert "failures     3 critical, 1 high, 0 medium, 1 low, 0 note\n" in text
    assert "by domain    actions 1, checkov 1, docker 3\n" in text
    assert "controls     0 passed, 3 failed, 0 not proven, 0 not applicable\n" in text
    assert "accepted     1 suppressed, 1 known from the baseline, 0 of the baseline gone\n" in text
    assert text.endswith(
        "Not compliant: 5 failures at low or above;"
        " besides, 3 parts of the repository could not be audited (exit code 1)\n"
    )


def test_failed_controls_the_gravest_first(finished_audit: Audit) -> None:
    assert """\
Failed (2 controls, 1 check of other engines)
  critical  docker/non-root-user  3 places in 1 file
  high      actions/pinned-uses   .github/workflows/main.yml:12:15
  low       checkov/CKV_X_1       main.tf

Summary
""" in report(finished_audit)


def test_notifications_come_last_before_the_verdict(finished_audit: Audit) -> None:
    tail = report(finished_audit).split("Summary\n")[1].split("Not audited\n")[1]
    assert "error   input/too-large: big.yml: 12 MiB; the limit is 10 MiB\n" in tail
    assert r"error   yaml/syntax: dür/caf\xe9 \x1b[31m#1.yml:3:1: bad \x1b[31m token" in tail
    assert "note    engine checkov: pip install 'sp404audit[engines]'\n" in tail


def test_suppressed_and_baselined_failures_are_counted_not_listed(finished_audit: Audit) -> None:
    text = report(finished_audit)
    assert "actions/cache" not in text
    assert "no step fails below a coverage" not in text
    assert "moves with the runner image, until 2027-01-31 [.github/workflows/main.yml:13:9]" in report(
        finished_audit, verbose=True
    )


def test_a_clean_audit_is_short(clean_audit: Audit) -> None:
    text = report(clean_audit)
    assert text.startswith("Summary\n")
    assert text.endswith("\nCompliant: nothing failed at low or above (exit code 0)\n")


def test_failures_below_the_threshold_do_not_fail_but_are_told(finished_audit: Audit) -> None:
    low = tuple(result for result in finished_audit.results if result.severity == Severity.LOW)
    audit = dataclasses.replace(finished_audit, results=low, notifications=(), fail_on=Severity.HIGH)
    assert report(audit).endswith("Compliant: nothing failed at high or above; 1 failure below (exit code 0)\n")


def test_an_incomplete_audit_is_not_called_compliant(clean_audit: Audit) -> None:
    audit = dataclasses.replace(clean_audit, notifications=(Notification("yaml/syntax", "error", "bad", "a.yml"),))
    assert report(audit).endswith(
        "Incomplete: nothing failed at low or above, but 1 part of the repository could not be audited (exit code 3)\n"
    )


def test_unproven_controls_are_listed_with_the_reason(clean_audit: Audit) -> None:
    place = Location("Dockerfile", Region(1, 1, 1, 9))
    unproven = Result("docker/non-root-user", "open", Severity.HIGH, "the base's user is not known", place)
    text = report(dataclasses.replace(clean_audit, results=(unproven,)))
    assert "Not proven by the repository (1 control)\n" in text
    assert "  docker/non-root-user: the base's user is not known [Dockerfile:1:1]\n" in text


def test_verbose_shows_the_evidence_of_what_passed(clean_audit: Audit) -> None:
    text = report(clean_audit, verbose=True)
    assert "Passed (1 control)\n  docker/non-root-user: runs as app [Dockerfile]\n" in text
    assert "Not applicable (2 controls)\n  actions/pinned-uses, ci/coverage-gate\n" in text


def test_quiet_is_a_line_a_failure_and_the_verdict(finished_audit: Audit) -> None:
    lines = report(finished_audit, quiet=True).splitlines()
    assert lines[0] == (
        ".github/workflows/main.yml:12:15: high actions/pinned-uses:"
        " actions/checkout@v4 may be moved to other code: pin it to a commit"
    )
    assert len(lines) == 5
    assert lines[-1].startswith("Not compliant")


def test_min_severity_hides_and_says_so(finished_audit: Audit) -> None:
    text = report(finished_audit, min_severity=Severity.HIGH)
    assert "checkov/CKV_X_1" not in text
    assert "(1 below --min-severity not shown)" in text
    assert "5 failures at low or above" in text


def test_the_requirement_is_told_once_a_file(finished_audit: Audit) -> None:
    twice = tuple(
        dataclasses.replace(result, suppression=None)
        for result in finished_audit.results
        if result.rule_id == "actions/pinned-uses"
    )
    text = report(dataclasses.replace(finished_audit, results=twice))
    assert text.count("= requirement:") == 1
    assert text.count("actions/pinned-uses]") == 2


def test_notes_are_summed_up_and_verbose_lists_them(clean_audit: Audit) -> None:
    links = tuple(Notification("input/link", "note", "leads out of the tree", f"{n}.yml") for n in range(3))
    audit = dataclasses.replace(clean_audit, notifications=links)
    assert "input/link: 0.yml: leads out of the tree (and 2 more)\n" in report(audit)
    assert report(audit, verbose=True).count("input/link") == 3


@pytest.mark.parametrize(("verbose", "quiet"), [(False, False), (True, False), (False, True)])
def test_colours_change_no_character(finished_audit: Audit, verbose: bool, quiet: bool) -> None:
    coloured = report(finished_audit, color=True, verbose=verbose, quiet=quiet)
    assert ANSI.search(coloured)
    assert ANSI.sub("", coloured) == report(finished_audit, verbose=verbose, quiet=quiet)


def test_nothing_of_the_repository_reaches_the_terminal_raw(clean_audit: Audit) -> None:
    evil = "\x1b]0;title\x07 \u202e \r\x9b31m [bold]x[/bold]"
    place = Location(evil, Region(1, 1, 1, 5), evil)
    result = Result("docker/non-root-user", "fail", Severity.LOW, evil, place, (place,), snippet=Snippet(1, (evil,)))
    note = Notification("yaml/syntax", "error", evil, evil)
    audit = dataclasses.replace(clean_audit, results=(result,), notifications=(note,))
    for text in (report(audit, verbose=True), ANSI.sub("", report(audit, color=True, verbose=True))):
        assert all(line.isprintable() for line in text.split("\n"))
        assert "[bold]x[/bold]" in text


def test_messages_are_bounded(clean_audit: Audit) -> None:
    result = Result("docker/non-root-user", "fail", Severity.LOW, "x" * 5000, Location("a"))
    assert max(map(len, report(dataclasses.replace(clean_audit, results=(result,))).splitlines())) < 500


def test_plain_text_imports_no_rich() -> None:
    script = "import sys, sp404audit.reports.text; sys.exit('rich' in sys.modules or 'sarif_om' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
