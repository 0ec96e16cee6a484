"""What tests of rules need: the results of one rule on a few files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sp404audit import audit
from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Audit files with one rule, and return what it says of them."""

    def results_of(rule: str, files: dict[str, str]) -> list[Result]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        report = audit(tmp_path, policy="strict", select=[rule], engines=["native"])
        return [result for result in report.results if result.rule_id == rule]

    return results_of
