"""The report for people with a browser: one file that holds everything, asks for nothing and works without scripts.

`page` puts it together. The modules beside it turn an audit into rows, as plain as a template needs them; the
templates (`templates/`) turn rows into elements. Whatever comes from the audited repository is spelled out and
escaped by the environment of the templates, at each place where they print something.
"""

from __future__ import annotations

from sp404audit.reports.html.page import render

__all__ = ["render"]
