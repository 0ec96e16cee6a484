from __future__ import annotations

import pytest

from docs.__main__ import ROOT, generated


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in generated()])
def test_what_is_made_from_the_rules_is_current(path) -> None:  # type: ignore[no-untyped-def]
    assert path.read_text("utf-8") == generated()[path], "run `make docs`"
