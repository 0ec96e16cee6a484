"""Audits a repository's delivery pipeline against a policy, control by control, with evidence.

The front door of the library is `audit`::

    from sp404audit import audit

    report = audit("path/to/repository")
    for result in report.failures:
        print(result.rule_id, result.location.path, result.message)

and `measure` gives the metrics of its delivery::

    from sp404audit import measure

    for figure in measure("path/to/repository").figures:
        print(figure.metric, figure.value, figure.verdict)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "audit", "measure"]

if TYPE_CHECKING:
    from sp404audit.conductor import audit
    from sp404audit.dora.measure import measure


def __getattr__(name: str) -> object:
    """Import what does the work on first use: `sp404audit --version` must not pay for it."""
    if name == "audit":
        from sp404audit.conductor import audit

        return audit
    if name == "measure":
        from sp404audit.dora.measure import measure

        return measure
    raise AttributeError(f"module 'sp404audit' has no attribute {name!r}")
