"""One module a format, each a function from the finished audit to text."""

from __future__ import annotations

import importlib

from sp404audit.outcome import Audit
from sp404audit.records import NamedTuple
from sp404audit.results import Severity

__all__ = ["FORMATS", "Options", "render"]

FORMATS: dict[str, str] = {
    "text": "text:render",
    "json": "json_report:render",
    "sarif": "sarif:github",
    "sarif-full": "sarif:full",
}
"""Each format, and the function of a module here that writes it; imported when it is asked for."""


class Options(NamedTuple):
    """What a person at a terminal may ask of a report; formats for machines pay no heed to it."""

    min_severity: Severity = Severity.NOTE
    quiet: bool = False
    verbose: bool = False
    color: bool = False
    width: int = 100


def render(name: str, audit: Audit, options: Options | None = None) -> str:
    """Write the report in one of `FORMATS`."""
    module, _, function = FORMATS[name].partition(":")
    writer = getattr(importlib.import_module(f"sp404audit.reports.{module}"), function)
    text: str = writer(audit, options or Options()) if name == "text" else writer(audit)
    return text
