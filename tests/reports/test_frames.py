"""Code frames: the carets stand under what is meant, whatever the line holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sp404audit.reports.frames import FrameLine, frame, width
from sp404audit.results import WHOLE_FILE, Region, Snippet


def marked(line: str, start: int, end: int) -> tuple[str, str]:
    text, carets = frame(Snippet(1, (line,)), Region(1, start, 1, end))
    return text.text, carets.text


def test_one_line_with_its_neighbours() -> None:
    snippet = Snippet(4, ("", "jobs:", "  build:", "    steps:", "x"))
    assert frame(snippet, Region(6, 3, 6, 8)) == [
        FrameLine(5, "jobs:"),
        FrameLine(6, "  build:"),
        FrameLine(0, "  ^^^^^"),
        FrameLine(7, "    steps:"),
    ]


def test_blank_neighbours_and_missing_lines_are_left_out() -> None:
    assert frame(Snippet(1, ("a", "  ")), Region(1, 1, 1, 2)) == [FrameLine(1, "a"), FrameLine(0, "^")]


def test_several_lines_are_each_marked_and_cut_after_three() -> None:
    snippet = Snippet(1, ("run: |", "  one", "  two", "  three", "end"))
    assert frame(snippet, Region(1, 6, 4, 8)) == [
        FrameLine(1, "run: |"),
        FrameLine(0, "     ^"),
        FrameLine(2, "  one"),
        FrameLine(0, "  ^^^"),
        FrameLine(3, "  two"),
        FrameLine(0, "  ^^^"),
    ]


def test_a_region_that_ends_with_a_line_end_marks_no_further_line() -> None:
    assert frame(Snippet(1, ("all", "b")), Region(1, 1, 2, 1)) == [
        FrameLine(1, "all"),
        FrameLine(0, "^^^"),
        FrameLine(2, "b"),
    ]


@pytest.mark.parametrize(
    ("line", "start", "end", "carets"),
    [
        ("\tUSER root", 7, 11, "         ^^^^"),
        ("漢字 root", 4, 8, "     ^^^^"),
        ("漢字", 2, 3, "  ^^"),
        ("\x1b[31mx", 6, 7, "        ^"),
        ("e\u0301x", 3, 4, " ^"),
        ("abc", 4, 4, "   ^"),
        ("abc", 9, 12, "   ^"),
    ],
)
def test_carets_stand_under_their_text(line: str, start: int, end: int, carets: str) -> None:
    assert marked(line, start, end)[1] == carets


def test_of_a_long_line_the_part_around_the_carets_is_shown() -> None:
    text, carets = marked("a" * 300 + "HERE" + "b" * 300, 301, 305)
    assert text[carets.index("^") : carets.index("^") + 4] == "HERE"
    assert text.startswith("… ")
    assert text.endswith(" …")
    assert len(text) < 120


def test_nothing_to_point_at() -> None:
    assert frame(None, Region(1, 1, 1, 5)) == []
    assert frame(Snippet(1, ("x",)), WHOLE_FILE) == []
    assert frame(Snippet(1, ("x",)), Region(9, 1, 9, 2)) == []


@given(st.text(max_size=400), st.integers(1, 420), st.integers(1, 420))
def test_never_longer_than_the_screen_nor_unescaped(line: str, start: int, length: int) -> None:
    lines = frame(Snippet(1, (line,)), Region(1, start, 1, start + length))
    assert len(lines) == 2
    assert all(each.text.isprintable() for each in lines)
    assert "^" in lines[1].text


def test_width_counts_columns() -> None:
    assert [width(text) for text in ("abc", "漢", "e\u0301", "")] == [3, 2, 1, 0]


def test_a_blank_line_within_a_region_gets_no_carets() -> None:
    snippet = Snippet(1, ("resource {", "", "  one", "}"))
    shown = [FrameLine(1, "resource {"), FrameLine(0, "^^^^^^^^^^"), FrameLine(3, "  one"), FrameLine(0, "  ^^^")]
    assert frame(snippet, Region(1, 1, 4, 2)) == shown
