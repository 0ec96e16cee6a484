"""Drawings: numbers become lengths, labels are escaped, and the same numbers are the same text."""

from __future__ import annotations

from sp404audit.reports.html.svg import bar, drawing, element


def test_an_element_writes_its_attributes_and_escapes_them() -> None:
    made = element("g", "a < b", class_="x", stroke_width=1.5, data_n='"')
    assert made == '<g class="x" stroke-width="1.5" data-n="&#34;">a &lt; b</g>'


def test_numbers_have_two_decimals_at_most() -> None:
    assert element("rect", x=100 / 3, y=2.0) == '<rect x="33.33" y="2"></rect>'


def test_a_drawing_says_what_it_shows() -> None:
    made = drawing(100, 8, 'a "b"', element("rect"))
    assert 'role="img" aria-label="a &#34;b&#34;"' in made
    assert made.endswith("<rect></rect></svg>")


def test_a_bar_is_as_long_as_its_share() -> None:
    assert 'class="tone-high" width="25"' in bar(1, 4, "tone-high", "one")
    assert 'class="tone-high" width="0.75"' in bar(1, 100_000, "tone-high", "seen all the same")


def test_nothing_is_drawn_for_nothing() -> None:
    assert "tone-high" not in bar(0, 4, "tone-high", "none")
    assert "tone-high" not in bar(0, 0, "tone-high", "none")
