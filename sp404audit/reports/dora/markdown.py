"""The metrics report for a job's summary: the table first, then what each figure rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.reports.dora import wording
from sp404audit.reports.escape import markdown, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sp404audit.dora.figures import Figure, MetricsReport

__all__ = ["render", "table"]

_SIGNS = {"pass": "✅ pass", "fail": "❌ fail", "not proven": "❔ not proven", "no target": "no target"}


def render(report: MetricsReport) -> str:
    """Write the report in GitHub's Markdown; everything in it is text, nothing a link or a name that is called."""
    return "\n".join([*_head(report), *table(report), "", *_details(report), *_sources(report)]).rstrip() + "\n"


def _head(report: MetricsReport) -> Iterator[str]:
    window = report.window
    service = f" of {markdown(report.service)}" if report.service else ""
    yield f"## Delivery metrics{service}"
    yield ""
    yield (
        f"{wording.day(window.since)} to {wording.day(window.until)} ({window.days:.0f} days, "
        f"{markdown(window.timezone)}), policy {markdown(report.policy)}"
    )
    yield ""


def table(report: MetricsReport) -> Iterator[str]:
    """The lines of the table of figures."""
    yield "| Metric | Value | 95 % interval | n | Target | Verdict | Trend | Confidence |"
    yield "|---|---|---|--:|---|---|---|---|"
    for figure in report.figures:
        trend = " ".join(filter(None, (wording.spark(figure.buckets), wording.trend_sign(figure.trend))))
        cells = (
            figure.title + ("" if figure.in_dora else " (not DORA's)"),
            wording.headline(figure),
            wording.interval_text(figure.interval, figure.unit),
            str(figure.n),
            wording.target_text(figure.target),
            _SIGNS[figure.verdict],
            trend,
            figure.confidence,
        )
        yield f"| {' | '.join(markdown(cell) for cell in cells)} |"


def _details(report: MetricsReport) -> Iterator[str]:
    yield "<details><summary>What the figures rest on</summary>"
    yield ""
    for figure in report.figures:
        yield f"- **{markdown(figure.title)}** (<code>{markdown(figure.method)}</code>)"
        for line in _lines(figure):
            yield f"  - {markdown(shortened(line))}"
    yield ""
    yield "</details>"
    yield ""


def _lines(figure: Figure) -> Iterator[str]:
    if figure.verdict_because:
        yield f"{figure.verdict}: {figure.verdict_because}"
    if figure.confidence_because:
        yield f"confidence {figure.confidence}: {figure.confidence_because}"
    if figure.band is not None:
        yield f"among others: {wording.band_text(figure.band)}"
    for influence in figure.influences:
        yield f"see {influence.rule_id}: {influence.message}"
    for reason, count in figure.excluded.items():
        yield f"not counted: {count} × {reason}"


def _sources(report: MetricsReport) -> Iterator[str]:
    yield "<details><summary>Sources</summary>"
    yield ""
    for source in report.sources:
        counts = wording.told(source)
        yield f"- {markdown(source.name)}: {markdown(counts)}" + (" (incomplete)" if source.partial else "")
        for note in source.notes:
            yield f"  - {markdown(shortened(note.message))}"
    for line in report.disagreements:
        yield f"- {markdown(shortened(line))}"
    yield ""
    yield "</details>"
