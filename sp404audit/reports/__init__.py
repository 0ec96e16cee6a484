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
    "markdown": "markdown_report:render",
    "markdown-comment": "markdown_report:comment",
    "github": "github:render",
    "gitlab": "gitlab:render",
    "junit": "junit:render",
    "csv": "csv_report:render",
    "html": "html:render",
}
"""Each format, and the function of a module here that writes it; imported when it is asked for."""

_WITH_OPTIONS = frozenset({"text", "sarif", "markdown", "markdown-comment", "github", "gitlab", "html"})


class Options(NamedTuple):
    """What a report may be told besides the audit.

    Attributes:
        min_severity, quiet, verbose, color, width: what a person at a terminal may ask of the text report.
        repository_url: where the files can be seen, up to the folder that is the root of the repository
            (`https://github.com/owner/name/blob/COMMIT`); empty where there is no such place.
        path_prefix: the folder of the repository that was audited, where it was a part of one (`services/api`):
            GitHub and GitLab want paths from the top.
        category: what GitHub tells uploads of SARIF apart by; empty for `sp404audit` and the folder.
    """

    min_severity: Severity = Severity.NOTE
    quiet: bool = False
    verbose: bool = False
    color: bool = False
    width: int = 100
    repository_url: str = ""
    path_prefix: str = ""
    category: str = ""

    def from_top(self, path: str) -> str:
        """A path of the audit as a path of the repository."""
        prefix = self.path_prefix.strip("/")
        return f"{prefix}/{path}" if prefix else path


def render(name: str, audit: Audit, options: Options | None = None) -> str:
    """Write the report in one of `FORMATS`."""
    module, _, function = FORMATS[name].partition(":")
    writer = getattr(importlib.import_module(f"sp404audit.reports.{module}"), function)
    text: str = writer(audit, options or Options()) if name in _WITH_OPTIONS else writer(audit)
    return text
