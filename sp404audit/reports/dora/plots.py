"""Plots of the figures as SVG: every dot is an event, times lie on a logarithmic axis, no data is a gap and not zero.

Colours are classes, so that the page that holds a plot sets them for light, dark and print; a file of its own brings
`STYLE` along. What a plot shows is also said in words: in its label, in the titles of its dots and in the tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sp404audit.dora.window import Calendar, utc
from sp404audit.reports.dora import wording
from sp404audit.reports.escape import shortened, visible
from sp404audit.reports.html.svg import element

if TYPE_CHECKING:
    from markupsafe import Markup

    from sp404audit.dora.figures import Bucket, Counted, DeploymentRow, Figure, MetricsReport, Window

__all__ = ["STYLE", "calendar", "figure_plot", "recoveries", "render_all"]

_WIDTH, _HEIGHT = 460.0, 200.0
_WIDE = 720.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 8.0, 16.0, 40.0
_MOST_DOTS = 1_500
_MOST_ROWS = 40
_ROW = 18.0
_CELL = 13.0
_TICK_GAP = 18.0
_TICKS = (
    (1, "1 s"), (10, "10 s"), (30, "30 s"), (60, "1 min"), (120, "2 min"), (240, "4 min"), (300, "5 min"),
    (600, "10 min"), (1800, "30 min"), (3600, "1 h"), (7200, "2 h"), (21_600, "6 h"), (43_200, "12 h"), (86_400, "1 d"),
    (172_800, "2 d"), (604_800, "1 w"), (1_209_600, "2 w"), (2_629_800, "1 mo"), (7_889_400, "3 mo"),
    (15_778_800, "6 mo"), (31_557_600, "1 y"), (94_672_800, "3 y"),
)  # fmt: skip

STYLE = """\
text{font:11px system-ui,sans-serif;fill:#1f2328}.axis,.grid{stroke:#8c959f}.grid{stroke-opacity:.35}
.dot{fill:#0969da;fill-opacity:.55}.line{fill:none;stroke:#0969da;stroke-width:1.5}.band{fill:#0969da;fill-opacity:.12}
.target{stroke:#9a6700;stroke-width:1.5;stroke-dasharray:5 3}.bar{fill:#0969da;fill-opacity:.7}.partial{fill-opacity:.3}
.failed{fill:#cf222e}.open{fill:#cf222e;fill-opacity:.4}.quiet{fill:#59636e}
.level-0{fill:#8c959f;fill-opacity:.15}.level-1{fill:#0969da;fill-opacity:.3}.level-2{fill:#0969da;fill-opacity:.55}
.level-3{fill:#0969da;fill-opacity:.8}.level-4{fill:#0969da}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.target{stroke:#d29922}
.dot,.bar,.band,.level-1,.level-2,.level-3,.level-4{fill:#4493f8}.line{stroke:#4493f8}.failed,.open{fill:#f85149}}
"""
"""Colours for a plot that stands alone."""


def render_all(report: MetricsReport) -> dict[str, str]:
    """A file for each plot that has something to show, by its name."""
    plots = {f"{figure.metric}.svg": figure_plot(figure, report.window) for figure in report.figures}
    plots["deployments.svg"] = calendar(report)
    plots["recoveries.svg"] = recoveries(report)
    return {name: _alone(plot) for name, plot in plots.items() if plot is not None}


def _alone(plot: Markup) -> str:
    head, _, rest = str(plot).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg">{element("style", _plain(STYLE))}{rest}\n'


def _plain(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 (our own style sheet)


def figure_plot(figure: Figure, window: Window) -> Markup | None:
    """Durations as dots over time, everything else as a bar for each week; None where there is nothing to show."""
    dots = [each for each in figure.evidence if each.counted and each.value is not None]
    if figure.unit == "seconds":
        return _durations(figure, window, dots) if dots else None
    shown = [bucket for bucket in figure.buckets if bucket.value is not None]
    return _bars(figure, window) if shown else None


def _svg(width: float, height: float, label: str, *children: Markup) -> Markup:
    """A drawing in its own size, which a page may make smaller."""
    box = f"0 0 {width:g} {height:g}"
    return element(
        "svg", *children, class_="plot", width=width, height=height, viewBox=box, role="img", aria_label=label
    )


def _text(x: float, y: float, text: str, anchor: str = "start", class_: str = "") -> Markup:
    if class_:
        return element("text", text, x=x, y=y, text_anchor=anchor, class_=class_)
    return element("text", text, x=x, y=y, text_anchor=anchor)


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def _across(at: int, window: Window, width: float = _WIDTH) -> float:
    share = (at - window.since) / (window.until - window.since)
    return _LEFT + min(1.0, max(0.0, share)) * (width - _LEFT - _RIGHT)


def _frame(window: Window) -> Iterator[Markup]:
    """The axis of time, with the ends of the window."""
    bottom = _HEIGHT - _BOTTOM
    yield _line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, "axis")
    yield _text(_LEFT, _HEIGHT - 8, wording.day(window.since), class_="quiet")
    yield _text(_WIDTH - _RIGHT, _HEIGHT - 8, wording.day(window.until), "end", "quiet")


def _durations(figure: Figure, window: Window, dots: Sequence[Counted]) -> Markup:
    values = [max(1.0, each.value or 0.0) for each in dots]
    limits = [*values, *([max(1.0, figure.target.value)] if figure.target else [])]
    low, high = math.log(min(limits) / 1.5), math.log(max(limits) * 1.5)

    def up(seconds: float) -> float:
        share = (math.log(max(1.0, seconds)) - low) / (high - low)
        return _HEIGHT - _BOTTOM - min(1.0, max(0.0, share)) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [*_frame(window)]
    last = _HEIGHT - _BOTTOM
    for at, name in ((up(seconds), name) for seconds, name in _TICKS if low <= math.log(seconds) <= high):
        if last - at >= _TICK_GAP:
            parts += [_line(_LEFT, at, _WIDTH - _RIGHT, at, "grid"), _text(_LEFT - 6, at + 4, name, "end", "quiet")]
            last = at
    if figure.interval and figure.interval.lower is not None and figure.interval.upper is not None:
        top, bottom = up(figure.interval.upper), up(figure.interval.lower)
        width = _WIDTH - _LEFT - _RIGHT
        parts.append(element("rect", class_="band", x=_LEFT, y=top, width=width, height=max(1.0, bottom - top)))
    parts += [_dot(each, _across(each.at, window), up(each.value or 0.0)) for each in _thinned(dots)]
    parts += [
        element("polyline", class_="line", points=" ".join(f"{x:.1f},{up(value):.1f}" for x, value in stretch))
        for stretch in _stretches(figure.buckets, window)
    ]
    if figure.target:
        at = up(figure.target.value)
        parts += [
            _line(_LEFT, at, _WIDTH - _RIGHT, at, "target"),
            _text(_WIDTH - _RIGHT, at - 4, f"target {visible(wording.target_text(figure.target))}", "end"),
        ]
    parts.append(_counts(figure, window))
    label = f"{figure.title}: {len(dots)} events, {wording.headline(figure)}, on a logarithmic axis"
    return _svg(_WIDTH, _HEIGHT, label, *parts)


def _thinned(dots: Sequence[Counted]) -> Sequence[Counted]:
    """Every dot, or evenly spread ones when a browser would labour at all of them."""
    if len(dots) <= _MOST_DOTS:
        return dots
    return [dots[at * len(dots) // _MOST_DOTS] for at in range(_MOST_DOTS)]


def _dot(event: Counted, x: float, y: float) -> Markup:
    title = f"{shortened(visible(event.event), 80)}: {wording.span(event.value or 0.0)}, {utc(event.at)}"
    return element("circle", element("title", title), class_="dot", cx=x, cy=y, r=3)


def _stretches(buckets: Sequence[Bucket], window: Window) -> list[list[tuple[float, float]]]:
    """The line of weekly medians, in pieces that end where a week has no data."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for bucket in buckets:
        if bucket.value is None:
            stretches.append([])
        else:
            stretches[-1].append((_across((bucket.start + bucket.end) // 2, window), bucket.value))
    return [stretch for stretch in stretches if len(stretch) > 1]


def _counts(figure: Figure, window: Window) -> Markup:
    """How many events each week rests on, under the axis; left out where weeks are too narrow for numbers."""
    if len(figure.buckets) > 20:
        return element("g")
    numbers = [
        _text(_across((bucket.start + bucket.end) // 2, window), _HEIGHT - 24, str(bucket.n), "middle", "quiet")
        for bucket in figure.buckets
    ]
    return element("g", _text(_LEFT - 6, _HEIGHT - 24, "n", "end", "quiet"), *numbers)


def _bars(figure: Figure, window: Window) -> Markup:
    top = max([bucket.value or 0.0 for bucket in figure.buckets]) or 1.0
    room = _HEIGHT - _TOP - _BOTTOM
    bars = []
    for bucket in figure.buckets:
        if bucket.value is None:
            continue
        left, right = _across(bucket.start, window), _across(bucket.end, window)
        height = room * bucket.value / top
        value = f"{bucket.value:g}" if figure.unit == "per_week" else wording.share(bucket.value)
        title = f"{wording.day(bucket.start)} to {wording.day(bucket.end)}: {value}, n = {bucket.n}"
        bars.append(
            element(
                "rect",
                element("title", title + (" (the window cuts this week)" if bucket.partial else "")),
                class_="bar partial" if bucket.partial else "bar",
                x=left + 1,
                y=_HEIGHT - _BOTTOM - height,
                width=max(1.0, right - left - 2),
                height=height,
            )
        )
    highest = f"{top:g}" if figure.unit == "per_week" else wording.share(top)
    axis = [*_frame(window), _text(_LEFT - 6, _TOP + 4, highest, "end", "quiet")]
    label = f"{figure.title} by week: {wording.headline(figure)}; at most {highest} in a week"
    return _svg(_WIDTH, _HEIGHT, label, *axis, *bars, _counts(figure, window))


def calendar(report: MetricsReport) -> Markup | None:
    """A square for each day, a column for each week: how often was deployed. None without a deployment."""
    counted = [row.deployment.finished_at for row in report.deployments if row.role == "counted"]
    if not counted:
        return None
    days = Calendar(report.window.timezone)
    by_day: dict[str, int] = {}
    for at in counted:
        name = days.date(at).isoformat()
        by_day[name] = by_day.get(name, 0) + 1
    first = days.monday(days.date(report.window.since))
    cells = []
    for start, _ in days.days(report.window)[-371:]:
        date = days.date(start)
        count = by_day.get(date.isoformat(), 0)
        x, y = 34 + ((date - first).days // 7) * _CELL, 4 + date.weekday() * _CELL
        title = element("title", f"{date.isoformat()}: {count}")
        cells.append(
            element("rect", title, class_=f"level-{min(4, count)}", x=x, y=y, width=_CELL - 2, height=_CELL - 2)
        )
    names = [_text(0, 14 + row * _CELL, name, class_="quiet") for row, name in ((0, "Mon"), (2, "Wed"), (4, "Fri"))]
    weeks = (days.date(report.window.until - 1) - first).days // 7 + 1
    label = f"Deployments by day: {len(counted)} on {len(by_day)} days"
    return _svg(max(34 + weeks * _CELL, 120), 4 + 7 * _CELL, label, *names, *cells)


def recoveries(report: MetricsReport) -> Markup | None:
    """A bar from each failed deployment to its recovery, the latest ones; None when nothing failed."""
    failed = [row for row in report.deployments if row.failed_because and row.role == "counted"][-_MOST_ROWS:]
    if not failed:
        return None
    rows = [part for at, row in enumerate(failed) for part in _recovery(row, at, report.window)]
    height = _TOP + len(failed) * _ROW + 24
    ends = [
        _text(_LEFT, height - 8, wording.day(report.window.since), class_="quiet"),
        _text(_WIDE - _RIGHT, height - 8, wording.day(report.window.until), "end", "quiet"),
    ]
    still = sum(row.recovered_at is None for row in failed)
    label = f"Failed deployments and their recovery: {len(failed)}, of which {still} not recovered"
    return _svg(_WIDE, height, label, *rows, *ends)


def _recovery(row: DeploymentRow, at: int, window: Window) -> Iterator[Markup]:
    start = row.deployment.finished_at
    end = window.until if row.recovered_at is None else row.recovered_at
    left, right = _across(start, window, _WIDE), _across(end, window, _WIDE)
    name = shortened(visible(row.deployment.version or row.deployment.sha[:12] or row.deployment.id), 40)
    lasted = "not recovered" if row.recovered_at is None else f"recovered after {wording.span(end - start)}"
    title = element("title", f"{name}: {utc(start)}, {lasted}; {shortened(visible(row.failed_because), 120)}")
    y = _TOP + at * _ROW
    yield element(
        "rect",
        title,
        class_="open" if row.recovered_at is None else "failed",
        x=left,
        y=y,
        width=max(3.0, right - left),
        height=_ROW - 6,
    )
    beside = right + 6 if right < _WIDE * 0.7 else left - 6
    yield _text(beside, y + 10, f"{name}, {lasted}", "start" if right < _WIDE * 0.7 else "end", "quiet")
