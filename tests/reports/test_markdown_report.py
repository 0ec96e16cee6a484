"""The report in Markdown: read by a Markdown parser, nothing of a hostile repository is anything but text."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy
from sp404audit.reports import Options, render
from sp404audit.reports.markdown_report import COMMENT_BYTES, SUMMARY_BYTES
from sp404audit.results import Location, Region, Result, Severity, Snippet, Suppression

URL = "https://github.com/acme/shop/blob/" + "c" * 40
HOSTILE = (
    "</details><img src=x onerror=alert(1)> ![a](https://e.example) [b](//e.example) @admins #1 `x` | y\n# z\n- [ ]"
)
ALLOWED_HTML = {"<details>", "</details>", "<summary>", "</summary>", "<b>", "</b>", "<code>", "</code>"}


def tokens(text: str) -> list[Token]:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    found = []
    for token in parser.parse(text):
        found.append(token)
        found.extend(token.children or ())
    return found


def report(audit: Audit, **options: str) -> str:
    return render("markdown", audit, Options(**options))  # type: ignore[arg-type]


def hostile(audit: Audit) -> Audit:
    place = Location(HOSTILE, Region(1, 1, 1, 5), HOSTILE)
    failed = Result("docker/non-root-user", "fail", Severity.HIGH, HOSTILE, place)
    failed = dataclasses.replace(failed, snippet=Snippet(1, ("```` </details> <b>",)))
    results = (failed, dataclasses.replace(failed, kind="open"), dataclasses.replace(failed, kind="pass"))
    accepted = dataclasses.replace(results[0], suppression=Suppression("inSource", HOSTILE, None, HOSTILE, HOSTILE))
    foreign = Result(f"checkov/{HOSTILE}", "fail", Severity.LOW, HOSTILE, place)
    proof = Result("ci/coverage-gate", "open", Severity.LOW, HOSTILE, place)
    notes = tuple(note._replace(message=HOSTILE, path=HOSTILE) for note in audit.notifications)
    engines = tuple(engine._replace(missing=HOSTILE, controls=(HOSTILE,)) for engine in audit.engines)
    everything = (*results, accepted, foreign, proof)
    return dataclasses.replace(audit, results=everything, notifications=notes, engines=engines)


def test_the_verdict_comes_first_and_the_gravest_control_next(finished_audit: Audit) -> None:
    lines = report(finished_audit).splitlines()
    assert lines[0].startswith("### ❌ Not compliant: 5 failures at low or above; besides, 3 parts")
    rows = [row for row in lines if row.startswith("| ") and "<code>" in row]
    assert "<b>critical</b> | <code>docker/non-root-user</code>" in rows[0]
    assert "<b>high</b> | <code>actions/pinned-uses</code>" in rows[1]
    assert "low | <code>checkov/CKV\\_X\\_1</code> | Ensure it" in rows[2]


def test_everything_has_its_part(finished_audit: Audit) -> None:
    text = report(finished_audit)
    assert "<summary>Not audited (5)</summary>" in text
    assert "checkov" in text.partition("Not audited")[2]
    assert "<summary>Accepted (1)</summary>" in text
    assert "moves with the runner image, until 2027-01-31" in text
    assert "12 | " in text, "the code is shown"
    assert "**What to do:** create a user" in text
    assert "1 known from the baseline" in text


def test_a_clean_audit_says_so_shortly(clean_audit: Audit) -> None:
    text = report(clean_audit)
    assert text.startswith("### ✅ Compliant: nothing failed at low or above")
    assert "<details>" not in text


def test_links_lead_to_the_lines_of_the_commit(finished_audit: Audit) -> None:
    text = report(finished_audit, repository_url=URL, path_prefix="services/api")
    assert f"({URL}/services/api/.github/workflows/main.yml#L12)" in text
    links = [token.attrs["href"] for token in tokens(text) if token.type == "link_open"]
    assert links
    assert all(str(link).startswith(URL + "/services/api/") for link in links)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://e.example/) <img src=x>", ""])
def test_an_address_that_is_none_makes_no_markup(finished_audit: Audit, url: str) -> None:
    text = report(finished_audit, repository_url=url)
    assert "<img" not in text
    assert "javascript:" not in text


def test_a_hostile_repository_stays_text(finished_audit: Audit) -> None:
    text = report(hostile(finished_audit), repository_url=URL)
    found = tokens(text)
    kinds = {token.type for token in found}
    assert "image" not in kinds
    html = [token.content.strip() for token in found if token.type in ("html_inline", "html_block")]
    for piece in html:
        for tag in piece.replace(">", ">\n").splitlines():
            if tag.startswith("<"):
                assert tag in ALLOWED_HTML
    assert all(str(token.attrs["href"]).startswith(URL) for token in found if token.type == "link_open")
    assert all("@admins" not in token.content for token in found if token.type == "text")
    assert text.count("<details>") == text.replace("> </details> <b>", "").count("\n</details>\n")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_message_makes_one_table_row(message: str) -> None:
    result = Result("x/y", "fail", Severity.LOW, message, Location("a" + message))
    audit = Audit("1", Policy("recommended"), (), (result,), (), {})
    rows = [token for token in tokens(report(audit)) if token.type == "tr_open"]
    assert len(rows) == 4, "a head and a row in each of two tables"
    assert sum(token.type == "td_open" for token in tokens(report(audit))) == 10


def test_a_large_report_keeps_the_limit_and_tells_what_is_left_out(finished_audit: Audit) -> None:
    message = "ß" * 390
    results = tuple(
        Result(f"docker/rule-{number % 100}", "fail", Severity.LOW, message, Location(f"f{number}"))
        for number in range(9_000)
    )
    audit = dataclasses.replace(finished_audit, results=results)
    for name, limit in (("markdown", SUMMARY_BYTES), ("markdown-comment", COMMENT_BYTES)):
        text = render(name, audit)
        assert limit * 0.8 < len(text.encode()) <= limit
        assert "failures left out here for want of room: the reports in JSON, SARIF and HTML hold all." in text
        assert "<summary>Not audited" in text, "what was not audited has its own room"
        assert text.count("<details>") == text.count("</details>")


def test_the_same_bytes_each_time(finished_audit: Audit) -> None:
    assert report(finished_audit) == report(dataclasses.replace(finished_audit))
