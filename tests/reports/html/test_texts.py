"""Words, ids and places: the same everywhere on the page, and never more than text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.reports import Options
from sp404audit.reports.html.texts import Anchors, Place, Places, inline, prose
from sp404audit.results import Location, Region


def test_an_id_is_made_from_the_name_and_stays_the_same() -> None:
    assert Anchors().new("rule", "docker/non-root-user") == "rule-docker-non-root-user"


def test_no_id_is_handed_out_twice() -> None:
    anchors = Anchors()
    assert [anchors.new("f", name) for name in ("a", "a", "a-2", "a")] == ["f-a", "f-a-2", "f-a-2-2", "f-a-3"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(), max_size=20))
def test_an_id_can_stand_in_an_address_and_in_an_attribute(names: list[str]) -> None:
    anchors = Anchors()
    made = [anchors.new("f", name) for name in names]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"f-[A-Za-z0-9_-]{1,90}", each) for each in made)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("", ""),
        ("one\nline", "<p>One line</p>"),
        ("a\n\nb", "<p>A</p><p>B</p>"),
        ("set `USER app` here", "<p>Set <code>USER app</code> here</p>"),
        ("`set -e` first", "<p><code>set -e</code> first</p>"),
        ("a ` alone", "<p>A ` alone</p>"),
        ("`a` and ` alone", "<p><code>a</code> and ` alone</p>"),
        ("a < b & `<c>`", "<p>A &lt; b &amp; <code>&lt;c&gt;</code></p>"),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>"),
    ],
)
def test_prose(markdown: str, expected: str) -> None:
    assert prose(markdown) == expected


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_nothing_in_prose_becomes_an_element(text: str) -> None:
    assert not re.search(r"<(?!/?code>)", inline(text))


def test_a_place_without_an_address_is_text() -> None:
    places = Places(Options())
    assert places(Location("a/b.yml", Region(3, 5, 4, 1))) == Place("a/b.yml:3:5")
    assert places(Location("a/b.yml")) == Place("a/b.yml")
    assert places(Location("")) == Place("(repository)")


def test_a_place_links_to_its_lines_from_the_top_of_the_repository() -> None:
    places = Places(Options(repository_url="https://example.org/o/r/blob/" + "1" * 40, path_prefix="api"))
    base = "https://example.org/o/r/blob/" + "1" * 40
    assert places(Location("a b#.yml", Region(3, 5, 4, 1))).href == f"{base}/api/a%20b%23.yml#L3-L4"
    assert places(Location("x", Region(3, 5, 3, 6))).href == f"{base}/api/x#L3"
    assert places(Location("x")).href == f"{base}/api/x"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://a"])
def test_only_addresses_of_the_web_are_linked(address: str) -> None:
    assert Places(Options(repository_url=address))(Location("x")).href == ""


def test_what_cannot_be_seen_in_a_path_is_spelled_out() -> None:
    path = b"caf\xe9\x1b[31m\n".decode("utf-8", "surrogateescape") + "\u202e"
    assert Places(Options())(Location(path)).text == r"caf\xe9\x1b[31m\n\u202e"
