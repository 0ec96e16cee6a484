"""Rules on a terminal: by domain, with what is in force where one stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from sp404audit.cli import main
from sp404audit.policy.model import Policy, RuleChoice
from sp404audit.reports.rule_listing import in_force, listed, page
from sp404audit.results import Severity
from sp404audit.rules import Rule, all_rules

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)


def rule(name: str) -> Rule:
    return next(each for each in all_rules() if each.id == name)


POLICY = Policy(
    "ours",
    rules={
        "ci/coverage-gate": RuleChoice(True, Severity.HIGH, {"minimum": 95}),
        "docker/*": RuleChoice(False),
        "ci/timeouts": RuleChoice(True, None, {"maximum": 60}),
    },
)


def test_what_is_in_force() -> None:
    assert in_force(rule("ci/coverage-gate"), POLICY) == "high, minimum=95"
    assert in_force(rule("docker/non-root-user"), POLICY) == "off"
    assert in_force(rule("ci/timeouts"), POLICY) == "low", "a parameter that is the rule's own is not worth a word"


def test_the_list_is_by_domain_with_severities_in_force() -> None:
    coloured = listed(all_rules(), POLICY, 120)
    text = ANSI.sub("", coloured)
    assert coloured != text
    lines = text.splitlines()
    assert lines[0] == "actions"
    assert re.search(r"^  high +ci/coverage-gate ", text, re.MULTILINE)
    assert re.search(r"^  off +docker/non-root-user ", text, re.MULTILINE)
    asked = sum(each.domain != "docker" for each in all_rules())
    assert f"{len(all_rules())} rules, {asked} in force here (policy ours)" in lines[-1]
    assert max(map(len, lines)) <= 120


def test_without_a_policy_the_rules_own_severities_stand() -> None:
    text = ANSI.sub("", listed(all_rules(), None, 100))
    assert "in force" not in text
    assert re.search(r"^  high +docker/non-root-user ", text, re.MULTILINE)


def test_a_page_has_the_facts_then_the_documentation() -> None:
    text = ANSI.sub("", page(rule("docker/non-root-user"), POLICY, 80))
    assert text.startswith(
        "docker/non-root-user\nseverity high · precision high · security · CWE-250\nhere: off (policy ours)\n"
    )
    assert "\n\n\n" not in text
    assert " USER app" in text
    assert max(map(len, text.splitlines())) <= 80


def test_commands_print_plainly_when_piped_and_lay_out_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sp404audit.yaml").write_text("version: 1\nrules: {docker/non-root-user: note}\n")
    forced = CliRunner(env={"FORCE_COLOR": "1"})
    for arguments, starts in (
        (["rules"], "actions/"),
        (["explain", "docker/non-root-user"], "# docker/non-root-user\n"),
    ):
        plain, laid_out = CliRunner().invoke(main, arguments), forced.invoke(main, arguments)
        assert plain.output.startswith(starts)
        assert "\x1b" not in plain.output
        assert laid_out.exit_code == 0
        assert "\x1b[" in laid_out.output
    shown = ANSI.sub("", forced.invoke(main, ["explain", "docker/non-root-user"]).output)
    assert "here: note (policy recommended)" in shown


def test_a_configuration_that_cannot_be_used_is_told_and_the_rest_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sp404audit.yaml").write_text("version: 2\n")
    done = CliRunner(env={"FORCE_COLOR": "1"}).invoke(main, ["explain", "docker/non-root-user"])
    assert done.exit_code == 0
    assert ".sp404audit.yaml:1:1" in done.stderr
    assert "docker/non-root-user" in done.stdout
