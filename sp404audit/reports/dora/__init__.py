"""The metrics report: one module a format, each a function from the finished report to text."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sp404audit.reports import Options

if TYPE_CHECKING:
    from sp404audit.dora.figures import MetricsReport

__all__ = ["APPENDED", "FOLDER_FORMATS", "FORMATS", "render", "render_folder"]

FORMATS: dict[str, str] = {
    "text": "text:render",
    "json": "json_report:render",
    "markdown": "markdown:render",
    "html": "html:render",
    "csv": "ledgers:render",
    "openmetrics": "openmetrics:render",
    "badge": "badge:render",
    "history": "history:render",
    "sarif": "sarif:render",
}
"""Each format, and the function of a module here that writes it; imported when it is asked for."""

FOLDER_FORMATS: dict[str, str] = {
    "ledgers": "ledgers:render_all",
    "badges": "badge:render_all",
    "plots": "plots:render_all",
}
"""Formats of several files, for a folder: the function returns the text of each by its name."""

APPENDED = frozenset({"history"})
"""Formats that are added to a file that is there."""


def render(name: str, report: MetricsReport, options: Options | None = None) -> str:
    """Write the report in one of `FORMATS`."""
    writer = _function(FORMATS[name])
    text: str = writer(report, options or Options()) if name == "text" else writer(report)
    return text


def render_folder(name: str, report: MetricsReport) -> dict[str, str]:
    """Write the files of one of `FOLDER_FORMATS`: text by file name."""
    files: dict[str, str] = _function(FOLDER_FORMATS[name])(report)
    return files


def _function(place: str) -> Any:
    module, _, function = place.partition(":")
    return getattr(importlib.import_module(f"sp404audit.reports.dora.{module}"), function)
