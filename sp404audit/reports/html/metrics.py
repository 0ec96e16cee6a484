"""The section of delivery metrics: a card for each figure with its plot, and the events behind it as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import shortened, web_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from sp404audit.dora.figures import Counted, Figure, MetricsReport
    from sp404audit.outcome import Audit

__all__ = ["Card", "cards", "intro", "plots"]

_EVENTS_SHOWN = 200
"""How many events a table lists; the ledgers hold the rest."""

_TONES = {"pass": "pass", "fail": "high", "not proven": "open", "no target": "none"}
_SIGNS = {"pass": "✓", "fail": "✕", "not proven": "?", "no target": "–"}


class Card(NamedTuple):
    """A figure as the template shows it; every field is text, but for `plot`, which is a drawing."""

    anchor: str
    title: str
    in_dora: bool
    value: str
    interval: str
    events: str
    target: str
    verdict: str
    tone: str
    sign: str
    band: str
    trend: str
    confidence: str
    reasons: tuple[str, ...]
    definitions: tuple[str, ...]
    method: str
    plot: Markup | None
    rows: tuple[Event, ...]
    more: int


class Event(NamedTuple):
    """A line of the events behind a figure."""

    time: str
    event: str
    link: str
    value: str
    counted: bool
    rule: str


def cards(audit: Audit) -> list[Card]:
    """A card for each figure of the audit's metrics report, in the order of every report."""
    assert audit.metrics is not None
    return [_card(figure, audit.metrics) for figure in audit.metrics.figures]


def intro(metrics: MetricsReport) -> str:
    """What was measured: window, zone and service."""
    from sp404audit.reports.dora import wording

    window = metrics.window
    service = f", service {metrics.service}" if metrics.service else ""
    since, until = wording.day(window.since), wording.day(window.until)
    return f"{since} to {until} ({window.days:.0f} days, {window.timezone}){service}"


def plots(metrics: MetricsReport) -> list[tuple[str, Markup]]:
    """The plots over all figures, each with its caption."""
    from sp404audit.reports.dora.plots import calendar, recoveries

    drawn = (("Deployments by day", calendar(metrics)), ("From failure to recovery", recoveries(metrics)))
    return [(caption, plot) for caption, plot in drawn if plot is not None]


def _card(figure: Figure, metrics: MetricsReport) -> Card:
    from sp404audit.reports.dora import wording
    from sp404audit.reports.dora.plots import figure_plot

    ordered = sorted(figure.evidence, key=lambda each: not each.counted)
    return Card(
        anchor=f"metric-{figure.metric.replace('_', '-')}",
        title=figure.title,
        in_dora=figure.in_dora,
        value=wording.headline(figure),
        interval=wording.interval_text(figure.interval, figure.unit),
        events=f"n = {figure.n:,}",
        target=wording.target_text(figure.target),
        verdict=figure.verdict,
        tone=_TONES[figure.verdict],
        sign=_SIGNS[figure.verdict],
        band=wording.band_text(figure.band),
        trend=f"{wording.trend_sign(figure.trend)} {figure.trend.because}".strip() if figure.trend else "",
        confidence=figure.confidence,
        reasons=tuple(_reasons(figure)),
        definitions=tuple(_definitions(figure)),
        method=figure.method,
        plot=figure_plot(figure, metrics.window),
        rows=tuple(_event(each, figure) for each in ordered[:_EVENTS_SHOWN]),
        more=max(0, len(ordered) - _EVENTS_SHOWN),
    )


def _reasons(figure: Figure) -> Iterator[str]:
    if figure.verdict_because:
        yield f"{figure.verdict.capitalize()}: {figure.verdict_because}."
    if figure.confidence_because:
        yield f"Confidence {figure.confidence}: {figure.confidence_because}."
    for influence in figure.influences:
        place = f" ({influence.path})" if influence.path else ""
        yield f"See {influence.rule_id}: {shortened(influence.message)}{place}"


def _definitions(figure: Figure) -> Iterator[str]:
    if figure.interval is not None:
        yield f"The interval is at the 95 % level, by {figure.interval.method}."
    yield from figure.remarks
    for reason, count in figure.excluded.items():
        yield f"Not counted: {count:,} × {reason}."
    if figure.band is not None:
        yield f"Source of the comparison: {figure.band.source}."


def _event(event: Counted, figure: Figure) -> Event:
    from sp404audit.dora.window import utc
    from sp404audit.reports.dora import wording

    value = ""
    if event.value is not None:
        value = wording.span(event.value) if figure.unit == "seconds" else f"{event.value:g}"
    name, rule = shortened(event.event, 80), shortened(event.rule, 160)
    return Event(utc(event.at), name, web_address(event.url), value, event.counted, rule)
