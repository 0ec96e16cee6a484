from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.compose.interpolation import interpolate, parse

NOTHING: dict[str, str] = {}
ENVIRONMENT = {"SET": "1", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$SET-x", "1-x"),
        ("${SET}", "1"),
        ("$$SET", "$SET"),
        ("$${SET}", "${SET}"),
        ("${UNSET}", None),
        ("${UNSET:-d}", "d"),
        ("${UNSET-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${UNSET:-}", ""),
        ("${UNSET:-${OTHER:-deep}}", "deep"),
        ("${UNSET:-http://${HOST:-h}:${PORT:-80}}/x", "http://h:80/x"),
        ("${UNSET:-${OTHER}}", None),
        ("${SET:?message}", "1"),
        ("${UNSET:?message}", None),
        ("${EMPTY:?message}", None),
        ("${EMPTY?message}", ""),
        ("${SET:+other}", "other"),
        ("${EMPTY:+other}", ""),
        ("${UNSET:+other}", None),
        ("a}b", "a}b"),
    ],
)
def test_interpolates_as_compose_does(text: str, expected: str | None) -> None:
    assert interpolate(text, ENVIRONMENT.get) == expected


@pytest.mark.parametrize("text", ["${UNCLOSED", "${a.b}", "cost: $1", "${}", "${X:-${Y}"])
def test_keeps_malformed_text_and_says_so(text: str) -> None:
    template = parse(text)
    assert template.malformed
    assert template.evaluate(ENVIRONMENT.get, "?") is not None


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("${X}", True),
        ("${X:-}", True),
        ("${X:-${Y}}", True),
        ("${X:-${Y:-y}}", False),
        ("${X:?}", False),
        ("${SET}", False),
        ("${EMPTY:-d}", False),
        ("${EMPTY-d}", True),
        ("x${X}", False),
    ],
)
def test_knows_what_may_be_blank(text: str, blank: bool) -> None:
    assert parse(text).may_be_blank(ENVIRONMENT.get) is blank


def test_yields_nested_variables_with_their_places() -> None:
    text = "${A:-${B}}"
    assert [(each.name, text[each.start : each.end]) for each in parse(text).variables()] == [
        ("A", "${A:-${B}}"),
        ("B", "${B}"),
    ]


def test_is_not_lost_in_deep_nesting() -> None:
    assert parse("${A:-" * 5_000 + "x" + "}" * 5_000).malformed


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="$${}:-?+AB_ x", max_size=60))
def test_reads_any_text(text: str) -> None:
    template = parse(text)
    assert template.evaluate(NOTHING.get, "") is not None
    template.may_be_blank(NOTHING.get)
    for variable in template.variables():
        assert 0 <= variable.start < variable.end <= len(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_a_doubled_dollar_is_a_dollar(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), NOTHING.get) == text
