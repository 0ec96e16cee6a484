"""A rule's page: everything its docstring says, in Markdown that examples cannot break."""

from __future__ import annotations

from sp404audit.outcome import Audit
from sp404audit.reports.markdown import rule_help, rule_page
from sp404audit.rules.documentation import Documentation, Example


def test_a_page_tells_everything(finished_audit: Audit) -> None:
    rule = finished_audit.rule("docker/non-root-user")
    assert rule is not None
    page = rule_page(rule)
    assert page.startswith("# docker/non-root-user\n\nseverity high · precision high · security · [CWE-250](")
    assert "\n\nContainers run as a non-root user.\n\nWhoever breaks out" in page
    assert "**Fix:** create a user" in page
    assert "| `allowed` | `none` |" in page
    assert "**Passes**:\n\n```\nFROM python:3.12-slim\nUSER app\n```" in page
    assert "**Fails** (minimum_uid: 500):" in page
    assert "Also checked by: `hadolint:DL3002`, `checkov:CKV_DOCKER_3`" in page
    assert "`rules: {docker/non-root-user: off}`" in page


def test_a_rule_that_says_little_has_a_short_help(finished_audit: Audit) -> None:
    rule = finished_audit.rule("ci/coverage-gate")
    assert rule is not None
    text, markdown = rule_help(rule)
    assert text.splitlines()[0] == markdown.splitlines()[0] == rule.summary
    assert "Parameters" not in text


def test_an_example_with_a_fence_gets_a_longer_one(finished_audit: Audit) -> None:
    rule = finished_audit.rule("actions/pinned-uses")
    assert rule is not None
    example = Example("open", {"a.md": "```\nx\n```\n", "b.md": "y\n"}, "two files", {})
    rule.__dict__["documentation"] = Documentation("S.", "", "", (example,))
    try:
        assert "**Not proven** (two files):\n\n`a.md`\n\n````\n```\nx\n```\n````\n\n`b.md`\n\n```\ny\n```" in rule_page(
            rule
        )
    finally:
        del rule.__dict__["documentation"]
