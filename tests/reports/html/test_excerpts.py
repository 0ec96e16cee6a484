"""Code on the page: the right lines, the right part of them, and a diff that is what the fix does."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.reports import Options
from sp404audit.reports.html.excerpts import CodeLine, DiffLine, change, excerpt
from sp404audit.reports.html.texts import Place, Places
from sp404audit.results import WHOLE_FILE, Edit, Fix, Location, Region, Result, Severity, Snippet

PLACES = Places(Options())


def test_two_lines_before_and_after_and_the_part_that_is_meant() -> None:
    snippet = Snippet(1, ("a", "b", "c", "  uses: x@v1  ", "d", "e", "f"))
    assert excerpt(snippet, Region(4, 9, 4, 13)) == (
        CodeLine(2, "b", "", ""),
        CodeLine(3, "c", "", ""),
        CodeLine(4, "  uses: ", "x@v1", ""),
        CodeLine(5, "d", "", ""),
        CodeLine(6, "e", "", ""),
    )


def test_blank_lines_at_either_end_are_left_out() -> None:
    snippet = Snippet(1, ("", " ", "x", "", ""))
    assert excerpt(snippet, Region(3, 1, 3, 2)) == (CodeLine(3, "", "x", ""),)


def test_a_long_region_is_cut_and_shows_nothing_behind() -> None:
    snippet = Snippet(1, tuple(f"  line {number}" for number in range(1, 12)))
    lines = excerpt(snippet, Region(1, 3, 10, 5))
    assert [line.number for line in lines] == [1, 2, 3, 4, 5]
    assert all(line.marked.startswith("line") for line in lines)


def test_of_a_long_line_the_part_around_what_is_meant_is_shown() -> None:
    (line,) = excerpt(Snippet(1, ("a" * 300 + "HERE" + "b" * 300,)), Region(1, 301, 1, 305))
    assert (line.before, line.marked) == ("… " + "a" * 40, "HERE")
    assert line.after == "b" * (160 - 44) + " …"


def test_a_whole_file_and_a_missing_snippet_have_no_excerpt() -> None:
    assert excerpt(Snippet(1, ("a",)), WHOLE_FILE) == ()
    assert excerpt(None, Region(1, 1, 1, 2)) == ()


def test_code_is_made_visible() -> None:
    (line,) = excerpt(Snippet(1, ("\tx\u202e\x00y",)), Region(1, 2, 1, 3))
    assert line == CodeLine(1, "    ", "x", r"\u202e\x00y")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(max_size=600), max_size=14),
    st.tuples(*[st.integers(1, 700)] * 4),
    st.integers(1, 20),
)
def test_any_region_of_any_snippet_gives_lines_of_bounded_length(
    lines: list[str], region: tuple[int, int, int, int], first: int
) -> None:
    for line in excerpt(Snippet(first, tuple(lines)), Region(*region)):
        assert len(line.before + line.marked + line.after) <= 170 * 10  # a character is spelled with ten at most
        assert (line.before + line.marked + line.after).isprintable()


def result(fix: Fix | None, snippet: Snippet | None, path: str = "ci.yml") -> Result:
    location = Location(path, Region(2, 1, 2, 5))
    return Result("ci/x", "fail", Severity.LOW, "m", location, fix=fix, snippet=snippet)


SNIPPET = Snippet(1, ("jobs:", "  test:", "    runs-on: x", "    steps:"))


def test_a_fix_is_shown_as_a_diff_with_a_line_around_it() -> None:
    fix = Fix("set a limit", (Edit("ci.yml", Region(3, 5, 3, 5), "timeout-minutes: 30\n    "),), safe=False)
    made = change(result(fix, SNIPPET), PLACES)
    assert made is not None
    assert (made.description, made.safe, made.place, made.more) == ("set a limit", False, None, False)
    assert made.lines == (
        DiffLine(" ", "  test:"),
        DiffLine("+", "    timeout-minutes: 30"),
        DiffLine(" ", "    runs-on: x"),
    )


def test_several_edits_of_a_line_are_all_applied() -> None:
    edits = (Edit("ci.yml", Region(3, 5, 3, 12), "on"), Edit("ci.yml", Region(3, 14, 3, 15), "y"))
    made = change(result(Fix("f", edits), SNIPPET), PLACES)
    assert made is not None
    assert made.lines[1:3] == (DiffLine("-", "    runs-on: x"), DiffLine("+", "    on: y"))


def test_an_edit_out_of_sight_is_shown_as_what_it_writes_and_where() -> None:
    edit = Edit("other.yml", Region(9, 1, 9, 1), "a: 1\nb: 2\n")
    made = change(result(Fix("f", (edit,)), SNIPPET), PLACES)
    assert made is not None
    assert made.place == Place("other.yml:9:1")
    assert made.lines == (DiffLine("+", "a: 1"), DiffLine("+", "b: 2"))


def test_edits_beyond_the_lines_that_are_known_are_not_guessed() -> None:
    for region in (Region(9, 1, 9, 2), Region(3, 1, 3, 99), Region(3, 9, 3, 2), Region(0, 1, 1, 1)):
        made = change(result(Fix("f", (Edit("ci.yml", region, "x"),)), SNIPPET), PLACES)
        assert made is not None
        assert made.place is not None
    cut = Snippet(1, ("x" * 500,))
    made = change(result(Fix("f", (Edit("ci.yml", Region(1, 1, 1, 2), "y"),)), cut), PLACES)
    assert made is not None
    assert made.place is not None


def test_a_long_change_is_cut_and_says_so() -> None:
    edit = Edit("ci.yml", Region(4, 1, 4, 1), "x\n" * 100)
    made = change(result(Fix("f", (edit,)), SNIPPET), PLACES)
    assert made is not None
    assert made.more
    assert len(made.lines) == 24


def test_no_fix_no_change() -> None:
    assert change(result(None, SNIPPET), PLACES) is None


def test_a_fix_without_edits_is_its_description() -> None:
    made = change(result(Fix("delete the file", ()), None), PLACES)
    assert made is not None
    assert (made.description, made.lines, made.place) == ("delete the file", (), None)
