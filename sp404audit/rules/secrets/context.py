"""Where a finding lies: a secret in a test's data is a smaller matter than one in a deployment."""

from __future__ import annotations

from sp404audit.results import Severity

__all__ = ["is_test_data", "lowered"]

_FOLDER_NAMES = """
    test tests testing testdata test-data test_data spec specs __tests__ fixture fixtures mock mocks e2e snapshots
    __snapshots__ example examples sample samples"""
_FOLDERS = frozenset(_FOLDER_NAMES.split())


def is_test_data(path: str) -> bool:
    """Tell whether a path lies among tests, fixtures or examples."""
    return not _FOLDERS.isdisjoint(path.lower().split("/")[:-1])


def lowered(severity: Severity, path: str) -> Severity:
    """Return the severity of a secret at a path: one step less among tests, fixtures and examples."""
    return Severity(max(severity - 1, Severity.NOTE)) if is_test_data(path) else severity
