"""Lazy patterns do what compiled ones do."""

from __future__ import annotations

import re

import pytest

from sp404audit.lazy import regex


def test_a_lazy_pattern_works_like_a_compiled_one() -> None:
    text = "one two, Three"
    for method in ("match", "fullmatch", "search", "findall", "split"):
        lazy, compiled = regex(r"\w+", re.IGNORECASE), re.compile(r"\w+", re.IGNORECASE)
        assert str(getattr(lazy, method)(text)) == str(getattr(compiled, method)(text))
        assert str(getattr(lazy, method)(text)) == str(getattr(compiled, method)(text))
    lazy = regex("(?P<a>t)")
    assert [found.start() for found in lazy.finditer(text)] == [4]
    assert lazy.sub("T", text) == "one Two, Three"
    assert lazy.subn("T", text) == ("one Two, Three", 1)
    assert (lazy.pattern, lazy.groups, lazy.groupindex["a"]) == ("(?P<a>t)", 1, 1)


def test_it_is_compiled_at_its_first_use_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    real = re.compile

    def compile_(text: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(text)
        return real(text, flags)

    monkeypatch.setattr(re, "compile", compile_)
    lazy = regex("x+")
    assert repr(lazy) == "regex('x+')"
    assert not compiled
    assert lazy.match("xx")
    assert lazy.search("axx")
    assert compiled == ["x+"]


def test_a_wrong_pattern_is_told_at_its_first_use() -> None:
    lazy = regex("(")
    with pytest.raises(re.error):
        lazy.match("")
