"""`sp404audit dora explain METRIC`: the events behind a figure, each with the rule by which it counted or did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.dora.window import utc
from sp404audit.reports.dora import wording
from sp404audit.reports.escape import shortened, visible
from sp404audit.reports.page import Page

if TYPE_CHECKING:
    from sp404audit.dora.figures import Counted, Figure, MetricsReport
    from sp404audit.reports import Options

__all__ = ["explain"]

_WIDTH = 140


def explain(report: MetricsReport, metric: str, options: Options) -> str:
    """Write how one figure came about; raises KeyError for a metric that is none."""
    figure = report.figure(metric)
    page = Page(min(options.width, _WIDTH))
    page.line((figure.title, "bold"), (f"  {figure.method}", "dim"))
    page.gap()
    _figure(page, figure)
    _events(page, figure)
    for remark in figure.remarks:
        page.wrapped(visible(remark))
    return page.coloured() if options.color else page.plain()


def _figure(page: Page, figure: Figure) -> None:
    rows = {
        "value": wording.headline(figure),
        "95 % interval": _interval(figure),
        "n": str(figure.n),
        "target": wording.target_text(figure.target) + (f" ({figure.target.file})" if figure.target else ""),
        "verdict": f"{figure.verdict}: {figure.verdict_because}".removesuffix(": "),
        "confidence": f"{figure.confidence}: {figure.confidence_because}".removesuffix(": "),
        "sources": ", ".join(figure.sources) or "none",
        "among others": wording.band_text(figure.band),
    }
    for name, text in rows.items():
        if text:
            page.wrapped(f"{name:14}{visible(text)}", "")


def _interval(figure: Figure) -> str:
    text = wording.interval_text(figure.interval, figure.unit)
    return f"{text} ({figure.interval.method})" if figure.interval else text


def _events(page: Page, figure: Figure) -> None:
    counted = [each for each in figure.evidence if each.counted]
    others = [each for each in figure.evidence if not each.counted]
    for heading, events in (("Counted", counted), ("Looked at and not counted", others)):
        if not events:
            continue
        page.gap()
        page.line((f"{heading} ({len(events)})", "bold"))
        for event in events:
            _event(page, event, figure)
    page.gap()


def _event(page: Page, event: Counted, figure: Figure) -> None:
    value = "" if event.value is None else _value(event.value, figure)
    page.line((f"  {utc(event.at)}  ", "dim"), f"{value:>10}  {shortened(visible(event.event), 60)}")
    page.line((f"  {'':20}  {'':>10}  {shortened(visible(event.rule), 110)}", "dim"))


def _value(value: float, figure: Figure) -> str:
    if figure.unit == "seconds":
        return wording.span(value)
    return f"{value:g}"
