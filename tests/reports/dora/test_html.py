"""The section of delivery metrics in a page: its cards, its plots, and what a browser makes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from sp404audit.dora.figures import METRICS, Counted, MetricsReport
from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy
from sp404audit.reports import Options
from sp404audit.reports.dora import render, wording
from sp404audit.reports.html import metrics as section

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
MARKUP = "</text></svg><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


def cards(report: MetricsReport) -> dict[str, section.Card]:
    audit = Audit("1.0.0", Policy("sp404"), (), (), (), {}).with_metrics(report)
    return dict(zip(METRICS, section.cards(audit), strict=True))


def with_figure(report: MetricsReport, metric: str, **changes: Any) -> MetricsReport:
    figures = (dataclasses.replace(each, **changes) if each.metric == metric else each for each in report.figures)
    return dataclasses.replace(report, figures=tuple(figures))


def hostile(report: MetricsReport) -> MetricsReport:
    """Names as somebody would choose who writes tags and incidents for us to show."""
    events = tuple(
        Counted(MARKUP + "\u202e\x1b", 1_766_000_000 + at, 60.0, counted=True, rule=MARKUP, url="javascript:alert(1)")
        for at in range(3)
    )
    rows = tuple(
        row._replace(deployment=row.deployment._replace(version=MARKUP), failed_because=row.failed_because and MARKUP)
        for row in report.deployments
    )
    figured = with_figure(report, "mttr", evidence=events, remarks=(MARKUP,), excluded={MARKUP: 2})
    return dataclasses.replace(figured, deployments=rows, service=MARKUP)


def test_a_card_says_all_that_is_known_of_a_figure(finished: MetricsReport) -> None:
    card = cards(finished)["change_failure_rate"]
    assert (card.anchor, card.title, card.in_dora) == ("metric-change-failure-rate", "Change fail rate", True)
    assert (card.value, card.interval, card.events) == ("12.5 % (3/24)", "4.3 % to 31.0 %", "n = 24")
    assert (card.verdict, card.tone, card.sign) == ("not proven", "open", "?")
    assert card.reasons[0].startswith(
        "Not proven: 12.5 %, with 95 % confidence 4.3 % to 31.0 %: the target lies within"
    )
    assert "See ci/coverage-gate: no gate (.github/workflows/ci.yml)" in card.reasons
    assert sum(row.counted for row in card.rows) == 24
    assert [row.counted for row in card.rows] == sorted((row.counted for row in card.rows), reverse=True)


def test_what_is_not_known_is_not_drawn_as_nothing(finished: MetricsReport) -> None:
    made = cards(finished)
    assert (made["lead_time"].value, made["lead_time"].plot, made["lead_time"].rows) == ("no evidence", None, ())
    assert made["lead_time"].trend == ""
    assert made["recovery_time"].trend == "too little data: 3 full weeks of the 8 that it takes"
    assert made["deployment_frequency"].trend == "= level over 11 weeks"
    assert made["build_time"].trend.startswith("↑ rises")


def test_a_table_has_an_end_and_says_what_is_left_out(finished: MetricsReport) -> None:
    many = tuple(
        Counted(f"e{number}", 1_766_000_000, 60.0, counted=number % 2 == 0, rule="r") for number in range(1230)
    )
    card = cards(with_figure(finished, "build_time", evidence=many))["build_time"]
    assert len(card.rows) == 200
    assert all(row.counted for row in card.rows)
    assert card.more == 1030
    page = render("html", with_figure(finished, "build_time", evidence=many), Options())
    assert "1,030 more; the ledgers hold all of them" in page


def test_only_addresses_of_the_web_become_links(finished: MetricsReport) -> None:
    assert {row.link for row in cards(hostile(finished))["mttr"].rows} == {""}
    links = {row.link for row in cards(finished)["deployment_frequency"].rows}
    assert all(link.startswith("https://ci.example.org/") for link in links)


def test_the_heading_names_the_window(finished: MetricsReport) -> None:
    assert section.intro(finished) == "2025-10-09 to 2026-01-01 (84 days, UTC)"
    assert section.intro(dataclasses.replace(finished, service="api")).endswith("(84 days, UTC), service api")


def test_sources_say_how_much_they_told(finished: MetricsReport) -> None:
    assert [wording.told(source) for source in finished.sources] == ["25 deployments, 4 incidents", "1 availability"]
    one = finished.sources[0]._replace(counts={"commits": 1, "deployments": 1, "incidents": 0})
    assert wording.told(one) == "1 commit, 1 deployment"
    assert wording.told(one._replace(counts={})) == "nothing"
    assert "<li>events: 25 deployments, 4 incidents" in render("html", finished, Options())


def test_no_plot_without_a_deployment(finished: MetricsReport) -> None:
    assert [caption for caption, _ in section.plots(finished)] == ["Deployments by day", "From failure to recovery"]
    assert section.plots(dataclasses.replace(finished, deployments=())) == []


def test_the_page_is_the_same_every_time(finished: MetricsReport) -> None:
    assert render("html", finished, Options()) == render("html", finished, Options())


@pytest.mark.heavy("chromium")
@pytest.mark.xdist_group("browser")
def test_every_plot_says_in_words_what_it_shows(opened: Open, finished: MetricsReport) -> None:
    page = opened(render("html", finished, Options()))
    plots = page.locator("#metrics svg.plot, section svg.plot")
    assert plots.count() == 8
    for plot in plots.all():
        assert plot.get_attribute("role") == "img"
        assert len(plot.get_attribute("aria-label") or "") > 20
    dots = page.locator("#metric-mttr circle")
    assert dots.count() == 4
    assert all("2025-" in (title.text_content() or "") for title in page.locator("#metric-mttr circle title").all())


@pytest.mark.heavy("chromium")
@pytest.mark.xdist_group("browser")
def test_every_mark_lies_within_its_plot(opened: Open, finished: MetricsReport) -> None:
    page = opened(render("html", finished, Options()))
    outside = page.evaluate(
        "[...document.querySelectorAll('svg.plot')].flatMap(svg => { const box = svg.getBoundingClientRect();"
        " return [...svg.querySelectorAll('circle, rect, text, line, polyline')].filter(mark => {"
        " const at = mark.getBoundingClientRect(); return at.left < box.left - 1 || at.right > box.right + 1"
        " || at.top < box.top - 1 || at.bottom > box.bottom + 1 }).map(mark => mark.outerHTML) })"
    )
    assert outside == []


@pytest.mark.heavy("chromium")
@pytest.mark.xdist_group("browser")
def test_names_that_others_choose_stay_text(opened: Open, finished: MetricsReport) -> None:
    page = opened(render("html", hostile(finished), Options()))
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator("a[href^=javascript]").count() == 0
    assert "taken" not in page.title()
    events = page.locator("#metric-mttr table.events").inner_text()
    assert events.count("<img src=x") == 6
    assert "\u202e" not in events


@pytest.mark.heavy("chromium")
@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("width", [320, 375, 1280])
def test_the_metrics_never_scroll_the_page_sideways(opened: Open, finished: MetricsReport, width: int) -> None:
    page = opened(render("html", hostile(finished), Options()), viewport={"width": width, "height": 800})
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    headings = page.locator(".heat thead th")
    heights = [heading.evaluate("it => it.getClientRects()[0].height") for heading in headings.all()]
    assert all(height < 40 for height in heights), "a heading of one word stays in one line"


@pytest.mark.heavy("axe")
@pytest.mark.heavy("chromium")
@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 375)])
def test_axe_finds_nothing_in_the_metrics(
    opened: Open, finished: MetricsReport, axe: str, scheme: Any, width: int
) -> None:
    text = render("html", finished, Options())
    page = opened(text, color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]] == []
