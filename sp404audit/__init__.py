"""Audits a repository's delivery pipeline against a policy, control by control, with evidence.

The front door of the library is `audit`::

    from sp404audit import audit

    report = audit("path/to/repository")
    for result in report.failures:
        print(result.rule_id, result.location.path, result.message)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "audit"]

if TYPE_CHECKING:
    from sp404audit.conductor import audit


def __getattr__(name: str) -> object:
    """Import the conductor on first use: `sp404audit --version` must not pay for it."""
    if name == "audit":
        from sp404audit.conductor import audit

        return audit
    raise AttributeError(f"module 'sp404audit' has no attribute {name!r}")
