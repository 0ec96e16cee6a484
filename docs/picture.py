"""Pictures of a terminal: what the tool really prints on a repository of `fixtures/` and on an example, as SVG."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIXTURES = Path(__file__).parent.parent / "fixtures"
SCAN = "sp404audit scan fixtures/sp404mk2 --select monitoring,backup/retention"
METRICS = "sp404audit dora --policy sp404"
_SELECTED = ("monitoring", "backup/retention")
_COLUMNS = 112
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"


def scan_picture() -> str:
    """A scan of the fixture, of two of its domains."""
    from sp404audit import audit
    from sp404audit.reports import Options, render

    done = audit(FIXTURES / "sp404mk2", engines=["native"], select=_SELECTED, isolated=True, cache=False)
    with _terminal():
        return _drawn("scan", SCAN, render("text", done, Options(color=True, width=_COLUMNS)))


def metrics_picture() -> str:
    """The delivery metrics of the example."""
    from docs.example import EVENTS, SINCE, UNTIL, example
    from sp404audit import measure
    from sp404audit.reports import Options
    from sp404audit.reports.dora import render

    with tempfile.TemporaryDirectory() as name, _terminal():
        folder = example(Path(name))
        events = [folder / EVENTS]
        measured = measure(folder, policy="sp404", since=SINCE, until=UNTIL, as_of=UNTIL, events=events)
        command = f"{METRICS} --events {EVENTS} --since {SINCE} --until {UNTIL}"
        return _drawn("metrics", command, render("text", measured, Options(color=True, width=_COLUMNS, quiet=True)))


def _drawn(name: str, command: str, report: str) -> str:
    """Draw a terminal. No font is fetched by whoever looks at it: the letters are fitted to the columns."""
    import io

    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(Text.assemble(("$ ", "dim"), (command, "bold")))
    console.print()
    console.print(Text.from_ansi(report.rstrip("\n")))
    svg = console.export_svg(title="sp404audit", unique_id=name)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;]*;", f"font-family: {_FONTS};", svg)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


@contextmanager
def _terminal() -> Iterator[None]:
    """A terminal with the sixteen colours, whatever the environment says of the real one."""
    before = dict(os.environ)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        os.environ.pop(name, None)
    os.environ["TERM"] = "xterm"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
