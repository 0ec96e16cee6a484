"""The picture of a scan in a terminal: what the tool really prints on a repository of `fixtures/`, as SVG."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIXTURES = Path(__file__).parent.parent / "fixtures"
COMMAND = "sp404audit scan fixtures/sp404mk2 --select monitoring,backup/retention"
_SELECTED = ("monitoring", "backup/retention")
_COLUMNS = 112
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"


def picture() -> str:
    """Draw the scan. No font is fetched by whoever looks at it: the letters are fitted to the columns."""
    import io

    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(Text.assemble(("$ ", "dim"), (COMMAND, "bold")))
    console.print()
    console.print(Text.from_ansi(_scan().rstrip("\n")))
    svg = console.export_svg(title="sp404audit", unique_id="scan")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;]*;", f"font-family: {_FONTS};", svg)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def _scan() -> str:
    """The report on the fixture, with colours, as a terminal gets it."""
    from sp404audit import audit
    from sp404audit.reports import Options, render

    done = audit(FIXTURES / "sp404mk2", engines=["native"], select=_SELECTED, isolated=True, cache=False)
    with _terminal():
        return render("text", done, Options(color=True, width=_COLUMNS))


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
