"""The page in a browser: what it shows, filters and prints, and how it is used without a mouse or a script."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy
from sp404audit.results import EngineRun, Location, Notification, Region, Result, Severity, Snippet

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.heavy("chromium"), pytest.mark.xdist_group("browser")]

Open = Callable[..., "Page"]
MARKUP = "\"'></script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
HOSTILE = MARKUP + "\u202e\x1b\x07"
SEEN = MARKUP + r"\u202e\x1b\x07"


def shown(page: Page, selector: str) -> int:
    return page.locator(selector).filter(visible=True).count()


def test_it_opens_without_a_complaint_and_asks_for_nothing(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit)
    assert page.locator("h1").inner_text().endswith("Not compliant")
    assert page.title().startswith("Not compliant: 45 failures")
    assert page.locator("#status").inner_text() == "43 findings"


def test_search_leaves_what_has_every_word(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit)
    page.fill("#query", "SUITE s07")
    page.get_by_text("1 of 43 findings").wait_for()
    assert shown(page, "#groups > .group") == 1
    assert page.locator("#groups > .group:visible .extent").first.inner_text() == "1 of 40 shown"
    assert "suite number 7 has no minimum" in page.locator("#groups .finding:visible").inner_text()
    page.fill("#query", "nothing holds this")
    page.locator("#nothing").wait_for(state="visible")
    page.click("#clear")
    assert page.locator("#status").inner_text() == "43 findings"
    assert page.evaluate("document.activeElement.id") == "query"


def test_severity_and_domain_filter(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit)
    page.uncheck("input[name=severity][value=medium]")
    assert page.locator("#status").inner_text() == "3 of 43 findings"
    page.select_option("#domain", "docker")
    assert page.locator("#status").inner_text() == "1 of 43 findings"
    assert page.locator("#groups > .group:visible").get_attribute("id") == "rule-docker-non-root-user"
    page.check("input[name=severity][value=medium]")
    page.select_option("#domain", "")
    assert page.locator("#status").inner_text() == "43 findings"


def test_all_can_be_unfolded_and_folded(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit)
    assert page.locator("#groups .group[open]").count() == 0
    page.click("#unfold")
    assert page.locator("#groups details.group:not([open]), #groups details.finding:not([open])").count() == 0
    page.click("#fold")
    assert page.locator("#groups .group[open]").count() == 0


def test_keys(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "query"
    page.keyboard.type("jk/")
    assert page.input_value("#query") == "jk/"
    page.keyboard.press("Escape")
    assert page.input_value("#query") == ""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.parentElement.id") == "rule-docker-non-root-user"
    page.keyboard.press("Enter")
    assert page.locator("#rule-docker-non-root-user[open]").count() == 1
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.parentElement.id") == "f-" + "b" * 32
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.parentElement.id") == "rule-docker-non-root-user"


def test_single_keys_can_be_switched_off(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit)
    page.click(".keys > summary")
    page.uncheck("#keys")
    page.keyboard.press("/")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") == "keys"


def test_the_first_stop_is_a_link_past_the_contents_and_every_stop_can_be_seen(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    for _ in range(16):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "(at => { const own = getComputedStyle(at), around = getComputedStyle(at.parentElement);"
            " return own.outlineStyle + own.outlineWidth + around.outlineStyle + around.outlineWidth })"
            "(document.activeElement)"
        )
        assert "solid2px" in outline


def test_an_address_opens_what_it_leads_to(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit)
    anchor = f"f-{30:032x}"
    page.evaluate(f"location.hash = '#{anchor}'")
    page.locator(f"#{anchor}").wait_for(state="visible")
    assert page.locator("#rule-ci-coverage-gate[open]").count() == 1


def test_a_tile_leads_to_its_control(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit)
    page.click("a[href='#rule-actions-pinned-uses']")
    page.locator("#rule-actions-pinned-uses[open]").wait_for()


def test_without_scripts_all_is_there(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit, java_script_enabled=False)
    assert page.locator("#filter").is_hidden()
    page.click("#rule-ci-coverage-gate > summary")
    assert page.get_by_text("suite number 39 has no minimum").is_visible()
    assert page.get_by_text("moves with the runner image").is_visible()


def hostile_audit(audit: Audit) -> Audit:
    path = HOSTILE + b"\xe9".decode("utf-8", "surrogateescape")
    place = Location(path, Region(1, 1, 1, 5))
    return dataclasses.replace(
        audit,
        policy=Policy(HOSTILE, (HOSTILE,)),
        results=(
            Result("docker/non-root-user", "fail", Severity.HIGH, HOSTILE, place, snippet=Snippet(1, (HOSTILE,))),
            Result("checkov/" + HOSTILE, "fail", Severity.LOW, HOSTILE, place, (place,), also=(HOSTILE,)),
        ),
        notifications=(Notification(HOSTILE, "error", HOSTILE, path),),
        engines=(EngineRun(HOSTILE, HOSTILE),),
        files={HOSTILE: 1},
    )


def test_hostile_names_and_messages_stay_text(opened: Open, finished_audit: Audit) -> None:
    page = opened(hostile_audit(finished_audit))
    assert page.title().startswith("Not compliant")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    page.click("#unfold")
    told = page.locator("main").inner_text()
    assert told.count(SEEN) > 8
    assert SEEN + r"\xe9:1:1" in told


@pytest.mark.heavy("pdftotext")
@pytest.mark.parametrize("script", [True, False])
def test_paper_has_everything(opened: Open, long_audit: Audit, tmp_path: Path, script: bool) -> None:
    page = opened(long_audit, java_script_enabled=script)
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    done = subprocess.run(["pdftotext", "-raw", tmp_path / "report.pdf", "-"], capture_output=True, text=True)
    told = " ".join(done.stdout.split())
    for number in range(40):
        assert f"suite number {number} has no minimum" in told
    for words in ("is root towards the kernel and every mount", "COPY . /app", "moves with the runner image"):
        assert words in told
    assert "Expand all" not in told


def test_what_was_folded_is_folded_after_printing(opened: Open, long_audit: Audit) -> None:
    page = opened(long_audit)
    folded = page.locator("details:not([open])").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == folded


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_the_page_never_scrolls_sideways(opened: Open, long_audit: Audit, width: int) -> None:
    long_name = dataclasses.replace(long_audit.results[0], message="m" * 300, location=Location("p" * 250))
    audit = dataclasses.replace(long_audit, results=(*long_audit.results, long_name))
    page = opened(audit, viewport={"width": width, "height": 800})
    page.click("#unfold")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_scheme_is_the_readers(opened: Open, clean_audit: Audit, scheme: Any) -> None:
    page = opened(clean_audit, color_scheme=scheme)
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == scheme
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(background.split("(")[1].split(",")[0]) > 128) == (scheme == "light")


@pytest.mark.heavy("axe")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 375)])
def test_axe_finds_nothing(opened: Open, long_audit: Audit, axe: str, scheme: Any, width: int) -> None:
    unproven = Result("docker/healthcheck", "open", Severity.LOW, "set elsewhere", Location("compose.yml"))
    audit = dataclasses.replace(long_audit, results=(*long_audit.results, unproven))
    page = opened(audit, color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [
        f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary'][:300]}"
        for each in found["violations"]
    ] == []
