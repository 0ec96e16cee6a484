"""Every example in every rule's documentation is audited for real, and must come out as it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sp404audit import audit
from sp404audit.rules import Rule, all_rules, kinds_read_by
from sp404audit.rules.documentation import Example, example_files

CASES = [
    pytest.param(rule, example, id=f"{rule.id}-{number}-{example.outcome}")
    for rule in all_rules()
    for number, example in enumerate(rule.documentation.examples, 1)
]


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_example(rule: Rule, example: Example, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    for name, text in example_files(example, kinds_read_by(rule)).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    parameters = {name: yaml.safe_load(value) for name, value in example.parameters.items()}
    policy = tmp_path / "policy.yaml"
    rules = {rule.id: {"params": parameters}} if parameters else {rule.id: "on"}
    policy.write_text(yaml.safe_dump({"version": 1, "extends": ["strict"], "rules": rules}), encoding="utf-8")

    report = audit(root, policy=policy, engines=["native"], select=[] if rule.domain == "policy" else [rule.id])

    kinds = {result.kind for result in report.results if result.rule_id == rule.id}
    said = [(result.kind, result.location, result.message) for result in report.results if result.rule_id == rule.id]
    assert example.outcome in kinds, said or report.notifications
    if example.outcome == "pass":
        assert not kinds & {"fail", "open"}, said
    if example.outcome == "open":
        assert "fail" not in kinds, said


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in all_rules()])
def test_documentation_is_complete(rule: Rule) -> None:
    page = rule.documentation
    assert page.summary.endswith("."), "the first line is the requirement, a sentence"
    assert page.why, "a paragraph says why"
    assert page.fix, "a paragraph `Fix:` says what to do"
    outcomes = {example.outcome for example in page.examples}
    assert outcomes >= {"pass", "fail"}, "at least one example passes and one fails"
    assert rule.id.split("/")[0] == rule.domain


@pytest.mark.parametrize("one", all_rules(), ids=lambda one: one.id)
def test_the_remedy_is_that_of_the_documentation(one: Rule) -> None:
    assert one.remedy == one.documentation.fix
    assert one.remedy
