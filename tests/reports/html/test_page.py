"""The page as text: whole, self-contained, strict about what it lets in, and the same bytes each time."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy, Waiver
from sp404audit.reports import Options, render
from sp404audit.reports.escape import line
from sp404audit.reports.html import page
from sp404audit.results import (
    Edit,
    EngineRun,
    Fix,
    Location,
    Notification,
    Region,
    Result,
    Severity,
    Snippet,
    Suppression,
)

VOID = {"meta", "link", "input"}
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}\u202e\x1b[31m\udce9\x00&lt;"


class Reader(HTMLParser):
    """Reads a page: its elements, its ids and links, what is between the tags, and what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.raw: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            self.raw[self.open[-1]] = self.raw.get(self.open[-1], "") + data
        else:
            self.text.append(data)

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


@pytest.fixture
def text(finished_audit: Audit) -> str:
    return render("html", finished_audit)


def test_every_element_is_closed_and_every_id_is_unique(text: str) -> None:
    reader = Reader(text)
    assert reader.open == []
    ids = reader.values("id")
    assert len(ids) == len(set(ids))


def test_every_link_within_the_page_leads_somewhere(text: str) -> None:
    reader = Reader(text)
    ids = set(reader.values("id"))
    within = [href[1:] for href in reader.values("href") if href.startswith("#")]
    assert len(within) > 10
    assert [href for href in within if href not in ids] == []
    for attribute in ("aria-labelledby", "aria-describedby", "for"):
        assert set(reader.values(attribute)) <= ids


def test_nothing_is_fetched(text: str) -> None:
    reader = Reader(text)
    assert reader.values("src") == []
    assert [tag for tag, attributes in reader.elements if tag == "link" and attributes["href"][:5] != "data:"] == []
    assert not re.search(r"url\(|@import|@font-face", reader.raw["style"])
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|WebSocket|sendBeacon|innerHTML", reader.raw["script"])


def test_the_policy_lets_in_this_style_and_this_script_only(text: str) -> None:
    reader = Reader(text)
    (policy,) = [each["content"] for _, each in reader.elements if each.get("http-equiv") == "Content-Security-Policy"]
    allowed = dict(directive.split(" ", 1) for directive in policy.split("; "))

    def hashed(name: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(reader.raw[name].encode()).digest()).decode() + "'"

    assert allowed == {
        "default-src": "'none'",
        "style-src": hashed("style"),
        "script-src": hashed("script"),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not any(key == "style" or key.startswith("on") for _, attributes in reader.elements for key in attributes)


def test_tables_have_captions_and_their_headers_a_scope(text: str) -> None:
    reader = Reader(text)
    tags = [tag for tag, _ in reader.elements]
    assert tags.count("table") == tags.count("caption") > 2
    assert all("scope" in attributes for tag, attributes in reader.elements if tag == "th")


def test_severity_is_a_word_wherever_it_is_a_colour(text: str) -> None:
    for shown in re.findall(r'<span class="sev tone-(\w+)">([^<]*)</span>', text):
        assert shown[0].capitalize() == shown[1]
    for tone, letter in re.findall(r'<b class="tile tone-(\w+)"[^>]*>([^<]*)</b>', text):
        assert letter == {"pass": "✓", "open": "?", "accepted": "A", "none": "–"}.get(tone, tone[0].upper())


def test_the_page_tells_everything(text: str) -> None:
    told = " ".join("".join(Reader(text).text).split())
    for words in (
        "Not compliant",
        "5 failures at low or above; besides, 3 parts of the repository could not be audited (exit code 1).",
        "Compared with an earlier report: 1 new, 1 known, 0 gone.",
        "Containers run as a non-root user.",
        "no USER: the image runs as root unless its base says otherwise",
        "compose.yml:4:5 the service that runs it",
        "Also reported by hadolint:DL3002",
        "actions/checkout@" + "1" * 40,
        "moves with the runner image",
        "codecov.yml may be set elsewhere",
        "input/too-large A file is larger than the limit and was not read. big.yml 12 MiB; the limit is 10 MiB",
        "To use it: pip install 'sp404audit[engines]'",
        "sp404audit 0.1.0",
        "recommended; fails at low or above",
        "3: 1 workflow, 2 dockerfile",
    ):
        assert words in told, words


def test_a_clean_page_says_so(clean_audit: Audit) -> None:
    told = " ".join("".join(Reader(render("html", clean_audit)).text).split())
    for words in (
        "Compliant",
        "Nothing failed.",
        "Every control that applies could be judged.",
        "runs as app Dockerfile",
        "Nothing was accepted",
        "Every file of an audited kind was read to its end.",
    ):
        assert words in told, words


def test_the_same_audit_is_the_same_bytes(finished_audit: Audit) -> None:
    assert render("html", finished_audit) == render("html", dataclasses.replace(finished_audit))


def test_the_day_is_told_only_where_something_ends(finished_audit: Audit, clean_audit: Audit) -> None:
    day = datetime.date(2027, 1, 5)
    assert "2027-01-05" in render("html", dataclasses.replace(finished_audit, today=day))
    assert "2027-01-05" not in render("html", dataclasses.replace(clean_audit, today=day))


def test_places_are_links_where_the_files_can_be_seen(finished_audit: Audit) -> None:
    text = page.render(finished_audit, Options(repository_url="https://example.org/o/r/blob/" + "2" * 40))
    assert f'href="https://example.org/o/r/blob/{"2" * 40}/Dockerfile#L1"' in text


def hostile_audit(audit: Audit, text: str) -> Audit:
    """One of everything, with the same text at each place where it can come from outside."""
    place = Location(text, Region(1, 1, 1, 4), text)
    suppression = Suppression("external", text, place, text, text)
    fix = Fix(text, (Edit(text, Region(1, 1, 1, 2), text),))
    snippet = Snippet(1, (text, text))
    return Audit(
        version="0.1.0",
        policy=Policy(text, (text,), waivers=(Waiver(text, (text,), text, text, datetime.date(2027, 1, 1), place),)),
        rules=audit.rules,
        results=(
            Result(
                "checkov/" + text,
                "fail",
                Severity.HIGH,
                text,
                place,
                (place,),
                fix,
                text,
                (text,),
                None,
                "new",
                snippet,
            ),
            Result("docker/non-root-user", "fail", Severity.LOW, text, place, snippet=snippet, fingerprint=text),
            Result("docker/non-root-user", "open", Severity.LOW, text, place, (place,)),
            Result("actions/pinned-uses", "open", Severity.LOW, text, place),
            Result("ci/coverage-gate", "pass", Severity.LOW, text, place, (place,)),
            Result("ci/coverage-gate", "fail", Severity.LOW, text, place, suppression=suppression),
            Result("ci/coverage-gate", "fail", Severity.LOW, text, place, baseline="unchanged", fingerprint=text),
            Result("ci/coverage-gate", "fail", Severity.LOW, text, place, baseline="absent", fingerprint=text),
        ),
        notifications=(Notification(text, "error", text, text, Region(1, 1, 1, 1), text),),
        files={text: 1},
        engines=(EngineRun("native", text), EngineRun(text, missing=text, controls=(text,))),
        used_baseline=True,
        today=datetime.date(2026, 12, 1),
    )


def skeleton(audit: Audit) -> list[tuple[str, tuple[str, ...]]]:
    """The page without what it says: elements and the names of their attributes."""
    return [(tag, tuple(attributes)) for tag, attributes in Reader(render("html", audit)).elements]


def test_hostile_text_stays_text(finished_audit: Audit) -> None:
    text = render("html", hostile_audit(finished_audit, HOSTILE))
    reader = Reader(text)
    assert reader.open == []
    assert skeleton(hostile_audit(finished_audit, HOSTILE)) == skeleton(hostile_audit(finished_audit, '"plain text'))
    assert "".join(reader.text).count(line(HOSTILE)) > 30
    assert "49" not in reader.text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\ud800-\udfff]", text)
    text.encode("utf-8")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="`\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), min_size=4, max_size=60))
def test_no_text_changes_what_the_page_is_made_of(finished_audit: Audit, text: str) -> None:
    words = "x" + text.strip().replace(" ", "x") + "xxx"  # a blank text leaves its element out
    assert skeleton(hostile_audit(finished_audit, words)) == skeleton(hostile_audit(finished_audit, "x" * len(words)))


def test_a_further_section_is_shown_and_named_in_the_contents(
    finished_audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delivery(audit: Audit) -> page.Section:
        assert audit is finished_audit
        return page.Section("delivery", "Delivery & recovery", Markup("<p>Four figures</p>"))

    monkeypatch.setattr(page, "MORE_SECTIONS", (delivery, lambda _: None))
    text = render("html", finished_audit)
    assert '<a href="#delivery">Delivery &amp; recovery</a>' in text
    assert '<section id="delivery" aria-labelledby="delivery-title">' in text
    assert "<p>Four figures</p>" in text


def test_thousands_of_results_make_a_page_of_reasonable_size(finished_audit: Audit) -> None:
    (failure,) = [each for each in finished_audit.results if each.rule_id == "actions/pinned-uses" and each.fix]
    results = tuple(
        dataclasses.replace(
            failure,
            rule_id=f"checkov/CKV_{number % 40}",
            location=failure.location._replace(path=f"services/number-{number // 50}/main.yml"),
            fingerprint=f"{number:032x}",
        )
        for number in range(5000)
    )
    text = render("html", dataclasses.replace(finished_audit, results=results))
    assert text.count('data-severity="') == 5000
    assert len(text.encode()) < 4_000_000


def test_the_assets_hold_nothing_that_would_end_them() -> None:
    for name, end in (("report.css", "</style"), ("report.js", "</script")):
        asset = page._asset(name)
        assert end not in asset.lower()
        assert "<!--" not in asset
        assert "\r" not in asset


def test_jinja_is_imported_only_for_this_report() -> None:
    code = "import sys, sp404audit.reports, sp404audit.reports.html; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
