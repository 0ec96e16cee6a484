"""The metrics report for people at a terminal: a table, what each figure rests on, and what would prove more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sp404audit.reports.dora import wording
from sp404audit.reports.escape import shortened, visible
from sp404audit.reports.page import Page

if TYPE_CHECKING:
    from sp404audit.dora.figures import Figure, MetricsReport
    from sp404audit.reports import Options

__all__ = ["overview", "render"]

_WIDTH = 140
_STYLES = {"pass": "bold green", "fail": "bold red", "not proven": "yellow", "no target": "dim"}
_COLUMNS = ("Metric", "Value", "95 % interval", "n", "Target", "Verdict", "Trend", "Confidence")
_LEFT_OUT_FIRST = ("Confidence", "Trend", "95 % interval", "n")


def render(report: MetricsReport, options: Options) -> str:
    """Write the report; `options.verbose` adds definitions, exclusions and bands, `options.quiet` leaves the table."""
    page = Page(min(options.width, _WIDTH))
    page.line((_title(report), "bold"))
    page.gap()
    overview(page, report)
    if not options.quiet:
        for figure in report.figures:
            _details(page, figure, verbose=options.verbose)
        _sources(page, report)
    _verdict(page, report)
    return page.coloured() if options.color else page.plain()


def _title(report: MetricsReport) -> str:
    window = report.window
    service = f" of {visible(report.service)}" if report.service else ""
    return (
        f"Delivery metrics{service}, {wording.day(window.since)} to {wording.day(window.until)} "
        f"({window.days:.0f} days, {visible(window.timezone)}), policy {visible(report.policy)}"
    )


def overview(page: Page, report: MetricsReport) -> None:
    """Add the table: DORA's figures first. Columns that do not fit are left out, the least telling ones first."""
    rows = {figure.metric: _cells(figure) for figure in report.figures}
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows.values(), strict=True)]
    shown = _fitting(widths, page.width)
    page.line(("  ".join(_COLUMNS[at].ljust(widths[at]) for at in shown), "dim"))
    for in_dora in (True, False):
        figures = [figure for figure in report.figures if figure.in_dora == in_dora]
        if figures and not in_dora:
            page.line(("not DORA's:", "dim"))
        for figure in figures:
            cells = rows[figure.metric]
            page.line(*((f"{cells[at].ljust(widths[at])}  ", _style(figure, at)) for at in shown))


def _cells(figure: Figure) -> tuple[str, ...]:
    trend = " ".join(filter(None, (wording.spark(figure.buckets), wording.trend_sign(figure.trend))))
    return (
        figure.title,
        wording.headline(figure),
        wording.interval_text(figure.interval, figure.unit),
        str(figure.n),
        visible(wording.target_text(figure.target)),
        figure.verdict,
        trend,
        figure.confidence,
    )


def _fitting(widths: list[int], room: int) -> list[int]:
    shown = list(range(len(_COLUMNS)))
    for name in _LEFT_OUT_FIRST:
        if sum(widths[at] + 2 for at in shown) - 2 <= room:
            break
        shown.remove(_COLUMNS.index(name))
    return shown


def _style(figure: Figure, at: int) -> str:
    return _STYLES[figure.verdict] if _COLUMNS[at] == "Verdict" else ""


def _details(page: Page, figure: Figure, *, verbose: bool) -> None:
    lines = list(_lines(figure, verbose=verbose))
    if not lines:
        return
    page.gap()
    page.line((figure.title, "bold"), (f"  {figure.method}", "dim") if verbose else "")
    for line in lines:
        page.wrapped(shortened(visible(line)), "  ")


def _lines(figure: Figure, *, verbose: bool) -> Iterable[str]:
    if figure.verdict_because:
        yield f"{figure.verdict}: {figure.verdict_because}"
    if figure.confidence_because:
        yield f"confidence {figure.confidence}: {figure.confidence_because}"
    for influence in figure.influences:
        yield f"see {influence.rule_id}: {influence.message}" + (f" ({influence.path})" if influence.path else "")
    if not verbose:
        return
    if figure.band is not None:
        yield f"among others: {wording.band_text(figure.band)} (source: {figure.band.source})"
    if figure.trend is not None:
        yield f"trend: {figure.trend.because}"
    for reason, count in figure.excluded.items():
        yield f"not counted: {count} × {reason}"
    yield from figure.remarks


def _sources(page: Page, report: MetricsReport) -> None:
    page.gap()
    page.line(("Sources", "bold"))
    for source in report.sources:
        counts = wording.told(source)
        since = f", from {wording.day(source.covers_since)} on" if source.covers_since else ""
        partial = "; incomplete" if source.partial else ""
        page.wrapped(visible(f"{source.name}: {counts}{since}{partial}"), "  ")
        for note in source.notes:
            page.wrapped(shortened(visible(f"{note.id}: {note.message}")), "    ")
    for line in report.disagreements:
        page.wrapped(shortened(visible(line)), "  ")


def _verdict(page: Page, report: MetricsReport) -> None:
    page.gap()
    asked = [figure for figure in report.figures if figure.target is not None]
    if not asked:
        page.line(("No targets: the policy sets none under metrics.targets.", "dim"))
        return
    counts = {verdict: sum(figure.verdict == verdict for figure in asked) for verdict in _STYLES}
    missed = counts["fail"]
    text = f"{counts['pass']} of {len(asked)} targets met, {missed} missed, {counts['not proven']} not proven"
    page.line((f"{text}.", _STYLES["fail" if missed else "not proven" if counts["not proven"] else "pass"]))
