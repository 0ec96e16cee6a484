"""Escaping: nothing of the repository reaches a terminal, a URI or a reader as anything but text."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sp404audit.reports.escape import (
    code,
    decodable,
    markdown,
    markdown_prose,
    shortened,
    uri,
    visible,
    web_address,
    without_commands,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain – ünïcode 漢字", "plain – ünïcode 漢字"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\u202eb\u2066c\u200bd", r"a\u202eb\u2066c\u200bd"),
        ("one\r\ntwo\tthree", r"one\r\ntwo\tthree"),
        ("\x9b31m\x07\x00", r"\x9b31m\x07\x00"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), r"caf\xe9"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
    ],
)
def test_visible(text: str, expected: str) -> None:
    assert visible(text) == expected


@given(st.text())
def test_nothing_unseen_is_left(text: str) -> None:
    assert visible(text).isprintable()
    assert code(text).isprintable()


def test_tabs_in_code_become_blanks() -> None:
    assert code("\tmake\x1b") == r"    make\x1b"


def test_shortened() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "ab…"
    assert len(shortened("x" * 1000)) == 400


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.yml", "a/b.yml"),
        ("a b/ü#?.yml", "a%20b/%C3%BC%23%3F.yml"),
        ("c:d", "c%3Ad"),
        ("100%", "100%25"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf%E9"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_uri(path: str, expected: str) -> None:
    assert uri(path) == expected


@given(st.binary(max_size=40))
def test_a_uri_holds_the_path_byte_for_byte(name: bytes) -> None:
    assert unquote_to_bytes(uri(name.decode("utf-8", "surrogateescape"))) == name


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_decodable_text_survives_any_reader(text: str) -> None:
    decodable(text).encode("utf-8")


def test_decodable_keeps_what_is_well_formed() -> None:
    assert decodable("ünï😀\x1b") == "ünï😀\x1b"
    assert decodable("a\udce9b") == "a\ufffdb"


MARKUP = st.text(alphabet="\\`*_[]()<>&|~#$@!:./-+=1 \nwgha", max_size=40)


def one_line(text: str) -> str:
    return visible(" ".join(text.split()))


@given(st.one_of(st.text(), MARKUP))
def test_markdown_is_read_back_as_the_text_it_was(text: str) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    inline = parser.parseInline(markdown(text))[0].children or ()
    assert {token.type for token in inline} <= {"text"}
    assert "".join(token.content for token in inline).replace("\u200b", "") == one_line(text)
    kinds = [token.type for token in parser.parse(markdown(text))]
    assert kinds in ([], ["paragraph_open", "inline", "paragraph_close"]), "no heading, list, rule or quotation"


@pytest.mark.parametrize(
    "text", ["@org/team", "a@b.example", "see #12", "GH-12", "https://e.example", "www.e.example", "x//y https://z"]
)
def test_markdown_that_github_would_link_by_itself_is_parted(text: str) -> None:
    assert markdown(text).replace("\u200b", "").replace("\\#", "#") == text
    assert "\u200b" in markdown(text)


def test_prose_keeps_code_and_nothing_else() -> None:
    assert markdown_prose("run `a <b>` or\n*c* <img>") == "run <code>a &lt;b&gt;</code> or \\*c\\* &lt;img&gt;"
    assert markdown_prose("an open ` backtick") == "an open \\` backtick"


@given(st.one_of(st.text(), MARKUP))
def test_prose_makes_no_markup_but_code(text: str) -> None:
    inline = MarkdownIt("commonmark").parseInline(markdown_prose(text))[0].children or ()
    html = [token.content for token in inline if token.type == "html_inline"]
    assert set(html) <= {"<code>", "</code>"}
    assert {token.type for token in inline} <= {"text", "html_inline"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://github.example/o/r", "https://github.example/o/r"),
        ("https://e.example/a) [b](<c>\n", "https://e.example/a%29%20%5Bb%5D%28%3Cc%3E%0A"),
        ("javascript:alert(1)", ""),
        ("//e.example", ""),
        ("", ""),
    ],
)
def test_web_address(text: str, expected: str) -> None:
    assert web_address(text) == expected


@pytest.mark.parametrize("text", ["::error::x", "a\n  ::stop-commands::x", "a ##[add-mask]x", "###[x", ":::x", "\t::x"])
def test_a_runner_finds_no_command(text: str) -> None:
    found = without_commands(text)
    assert "##[" not in found
    assert not any(line.strip().startswith("::") for line in found.splitlines())
    assert found.replace("\u200b", "") == text


@given(st.text())
def test_text_without_commands_stays_as_it_is(text: str) -> None:
    if "::" not in text and "##[" not in text:
        assert without_commands(text) == text


@given(st.text(alphabet=":#[ \n\tx"))
def test_no_command_is_left(text: str) -> None:
    found = without_commands(text)
    assert "##[" not in found
    assert not any(line.strip().startswith("::") for line in found.split("\n"))
