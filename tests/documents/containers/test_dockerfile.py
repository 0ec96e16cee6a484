"""Dockerfiles: what BuildKit sees in them, where it stands, and what is left of a broken one."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.containers.dockerfile import Dockerfile, Instruction, parse
from sp404audit.documents.source import DocumentError, Source


def read(text: str | bytes) -> Dockerfile:
    return parse(Source("Dockerfile", text.encode() if isinstance(text, str) else text))


def only(text: str) -> Instruction:
    """The last instruction of a Dockerfile without problems."""
    document = read(text)
    assert not document.problems, [problem.message for problem in document.problems]
    return document.instructions[-1]


SPANS = {
    "one line": ("FROM a\n", ["FROM 1-1"]),
    "no line end": ("FROM a", ["FROM 1-1"]),
    "CRLF": ("FROM a\r\nRUN b \\\r\n c\r\n", ["FROM 1-1", "RUN 2-3"]),
    "byte order mark": ("\ufeffFROM a\n", ["FROM 1-1"]),
    "lower case": ("from a\nrun b\n", ["FROM 1-1", "RUN 2-2"]),
    "indented": ("  FROM a\n\tRUN b\n", ["FROM 1-1", "RUN 2-2"]),
    "continued": ("FROM a\nRUN b \\\n  c \\\n  d\nUSER e\n", ["FROM 1-1", "RUN 2-4", "USER 5-5"]),
    "blanks behind the mark": ("FROM a\nRUN b \\ \t\n c\n", ["FROM 1-1", "RUN 2-3"]),
    "doubled mark is a character": ("FROM a\nRUN b \\\\\nUSER c\n", ["FROM 1-1", "RUN 2-2", "USER 3-3"]),
    "mark alone": ("FROM a\nRUN \\\n b\n", ["FROM 1-1", "RUN 2-3"]),
    "mark at the end of the file": ("FROM a\nRUN b \\", ["FROM 1-1", "RUN 2-2"]),
    "comment inside": ("FROM a\nRUN b \\\n  # why\n# not\n c\n", ["FROM 1-1", "RUN 2-5"]),
    "comment inside ends in a mark": ("FROM a\nRUN b \\\n# why \\\n c\n", ["FROM 1-1", "RUN 2-4"]),
    "blank line inside": ("FROM a\nRUN b \\\n\n c\nUSER d\n", ["FROM 1-1", "RUN 2-4", "USER 5-5"]),
    "number sign in a line": ("FROM a\nRUN b # c\n", ["FROM 1-1", "RUN 2-2"]),
    "heredoc": ("FROM a\nRUN <<EOF\nb\nEOF\nUSER c\n", ["FROM 1-1", "RUN 2-4", "USER 5-5"]),
    "heredoc then comment": ("FROM a\nRUN <<EOF\nb\nEOF\n# c\nUSER d\n", ["FROM 1-1", "RUN 2-4", "USER 6-6"]),
    "two heredocs": ("FROM a\nCOPY <<A <<B /x/\n1\nA\n2\nB\nUSER c\n", ["FROM 1-1", "COPY 2-6", "USER 7-7"]),
    "heredocs one after the other": ("FROM a\nRUN <<A\n1\nA\nRUN <<A\n2\nA\n", ["FROM 1-1", "RUN 2-4", "RUN 5-7"]),
    "heredoc with tabs": ("FROM a\nRUN <<-EOF\n\tb\n\tEOF\nUSER c\n", ["FROM 1-1", "RUN 2-4", "USER 5-5"]),
    "heredoc name in quotes": ("FROM a\nRUN cat <<'E F'\nb\nE F\nUSER c\n", ["FROM 1-1", "RUN 2-4", "USER 5-5"]),
    "heredoc after continuation": ("FROM a\nRUN cat \\\n <<EOF\nb\nEOF\nUSER c\n", ["FROM 1-1", "RUN 2-5", "USER 6-6"]),
    "heredoc in ONBUILD": ("FROM a\nONBUILD RUN <<EOF\nb\nEOF\nUSER c\n", ["FROM 1-1", "ONBUILD 2-4", "USER 5-5"]),
    "instructions inside a heredoc": ("FROM a\nCOPY <<EOF /D\nFROM x\nUSER y\nEOF\n", ["FROM 1-1", "COPY 2-5"]),
    "no heredoc in a here-string": ("FROM a\nRUN cat <<<EOF\nUSER b\n", ["FROM 1-1", "RUN 2-2", "USER 3-3"]),
    "no heredoc in a shift": ("FROM a\nRUN echo $((1<<2))\nUSER b\n", ["FROM 1-1", "RUN 2-2", "USER 3-3"]),
    "no heredoc in quotes": ("FROM a\nRUN echo '<<EOF'\nUSER b\n", ["FROM 1-1", "RUN 2-2", "USER 3-3"]),
    "no heredoc in exec form": ('FROM a\nRUN ["cat", "<<EOF"]\nUSER b\n', ["FROM 1-1", "RUN 2-2", "USER 3-3"]),
    "no heredoc elsewhere": ("FROM a\nENV X=<<EOF\nUSER b\n", ["FROM 1-1", "ENV 2-2", "USER 3-3"]),
    "escape directive": ("# escape=`\nFROM a\nRUN c:\\ `\n d\nUSER e\n", ["FROM 2-2", "RUN 3-4", "USER 5-5"]),
    "escape directive too late": ("# x\n# escape=`\nFROM a\nRUN b `\nUSER c\n", ["FROM 3-3", "RUN 4-4", "USER 5-5"]),
    "shebang before directives": ("#!/usr/bin/env x\n# escape=`\nFROM a\nRUN b `\n c\n", ["FROM 3-3", "RUN 4-5"]),
    "argument before FROM": ("ARG A=1\nFROM a:$A\n", ["ARG 1-1", "FROM 2-2"]),
    "carriage return in a line": ("FROM a\nRUN b\rc\n", ["FROM 1-1", "RUN 2-3"]),
}


@pytest.mark.parametrize("name", SPANS)
def test_spans(name: str) -> None:
    text, expected = SPANS[name]
    document = read(text)
    found = [f"{each.keyword} {each.region.start_line}-{each.region.end_line}" for each in document.instructions]
    assert found == expected
    assert not document.problems


def test_words_know_their_place_in_a_continued_line() -> None:
    copy = only("FROM a\nCOPY --from=b \\\n  # why\n  one \\\n  two /three\n")
    assert [(word.text, word.region) for word in copy.words] == [
        ("one", (4, 3, 4, 6)),
        ("two", (5, 3, 5, 6)),
        ("/three", (5, 7, 5, 13)),
    ]
    assert copy.flag("from") is not None
    assert copy.flags[0].value_word.region == (2, 13, 2, 14)
    assert copy.keyword_region == (2, 1, 2, 5)


def test_script_of_a_run_maps_back() -> None:
    run = only("FROM a\nRUN --mount=type=cache,target=/c apt-get update \\\n # now\n && apt-get install -y curl\n")
    script = run.script
    assert script is not None
    assert script.text == "apt-get update  && apt-get install -y curl"
    start = script.text.index("curl")
    assert script.region(start, start + 4) == (4, 24, 4, 28)


def test_script_of_a_lone_heredoc_is_its_body() -> None:
    script = only("FROM a\nRUN <<EOF\nset -e\nfalse\nEOF\n").script
    assert script is not None
    assert script.text == "set -e\nfalse\n"
    assert script.region(7, 12) == (4, 1, 4, 6)


def test_script_with_a_heredoc_for_a_command() -> None:
    script = only("FROM a\nRUN cat <<A > b && \\\n  c\n1\nA\n").script
    assert script is not None
    assert script.text == "cat <<A > b &&   c\n1\nA"


@pytest.mark.parametrize(
    ("text", "array"),
    [
        ('CMD ["a", "b c"]', ["a", "b c"]),
        ('CMD  [ "a" ]  ', ["a"]),
        ('CMD ["a\\"b", "\\u00e9"]', ['a"b', "é"]),
        ("CMD []", []),
        ('CMD ["a" \\\n , "b"]', ["a", "b"]),
        ('HEALTHCHECK --retries=3 CMD ["a"]', ["a"]),
        ("CMD ['a']", None),
        ('CMD ["a"] && b', None),
        ('CMD ["a",]', None),
        ('CMD ["a\\x"]', None),
        ("HEALTHCHECK NONE", None),
        ('USER ["a"]', None),
    ],
)
def test_exec_form(text: str, array: list[str] | None) -> None:
    found = only(f"FROM a\n{text}\n").array
    assert (None if found is None else [word.value for word in found]) == array


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("ENV A=1 B=2", [("A", "1"), ("B", "2")]),
        ("ENV A b c", [("A", "b c")]),
        ('ENV A="b c" D=e\\ f', [("A", '"b c"'), ("D", "e\\ f")]),
        ("ENV A=\\\n  b", [("A", "")]),
        ("ARG A", [("A", None)]),
        ("ARG A= B=c", [("A", ""), ("B", "c")]),
        ("LABEL a.b='c d'", [("a.b", "'c d'")]),
        ("ENV A='it is", [("A", "'it is")]),
    ],
)
def test_pairs(text: str, pairs: list[tuple[str, str | None]]) -> None:
    found = only(f"FROM a\n{text}\n").pairs
    assert [(pair.name, pair.value.text if pair.value else None) for pair in found][: len(pairs)] == pairs


def test_flags() -> None:
    run = only('FROM a\nRUN --mount=type=bind,from="b",target=/x --network=none -- --not-a-flag\n')
    assert [(flag.name, flag.value) for flag in run.flags] == [
        ("mount", "type=bind,from=b,target=/x"),
        ("network", "none"),
    ]
    assert run.flags[0].field("from") == "b"
    assert run.flags[0].field("source") is None
    assert run.text == "--not-a-flag"


def test_directives() -> None:
    document = read("# syntax=docker/dockerfile:1\n#check=skip=all\n# Escape = `\n# other=1\n# syntax=x\nFROM a\n")
    assert [(each.name, each.value) for each in document.directives] == [
        ("syntax", "docker/dockerfile:1"),
        ("check", "skip=all"),
        ("escape", "`"),
    ]
    assert document.escape == "`"


BROKEN = {
    "unknown": ("FROM a\nFORM b\nUSER c\n", "'FORM' is no instruction", 2),
    "unknown, continued": ("FROM a\nFORM b \\\n c\nUSER c\n", "'FORM' is no instruction", 2),
    "missing mark": ("FROM a\nRUN b &&\n  c d\nUSER c\n", "'c' is no instruction", 3),
    "no argument": ("FROM a\nCOPY\nUSER c\n", "COPY has no argument", 2),
    "numbers in exec form": ('FROM a\nCMD ["b", 1]\nUSER c\n', "CMD: a JSON array may hold strings only", 2),
    "before FROM": ("RUN b\nFROM a\nUSER c\n", "RUN stands before the first FROM", 1),
    "directive twice": ("# escape=`\n# escape=`\nFROM a\nUSER c\n", "the directive escape is given twice", 2),
    "bad escape": ("# escape=x\nFROM a\nUSER c\n", "the escape character can only be a backslash or a backtick", 1),
    "ONBUILD of ONBUILD": ("FROM a\nONBUILD ONBUILD RUN b\nUSER c\n", "ONBUILD cannot be an ONBUILD trigger", 2),
    "open heredoc": ("FROM a\nRUN <<EOF\nb\nUSER c\n", "the heredoc 'EOF' is not closed", 2),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_instruction_costs_only_itself(name: str) -> None:
    text, message, line = BROKEN[name]
    document = read(text)
    (problem,) = document.problems
    assert (problem.id, problem.message) == ("dockerfile/syntax", message)
    assert problem.region is not None
    assert problem.region.start_line == line
    assert document.instructions[-1].keyword == "USER"
    assert any(each.keyword == "FROM" for each in document.instructions)


def test_many_problems_are_counted() -> None:
    document = read("FROM a\n" + "NO b\n" * 100)
    assert len(document.problems) == 21
    assert document.problems[-1].message == "80 more instructions cannot be read"


def test_a_template_is_none() -> None:
    with pytest.raises(DocumentError) as caught:
        read("{{ if .x }}\nFROM a\n{{ end }}\n")
    assert caught.value.problem.id == "input/template"
    assert caught.value.problem.level == "note"


def test_bytes_that_are_not_utf_8() -> None:
    document = read(b"FROM a\nLABEL x=\xe9t\xe9 # \xff\nUSER b\n")
    assert [each.keyword for each in document.instructions] == ["FROM", "LABEL", "USER"]
    assert not document.problems


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "\\\n"])
def test_a_file_without_instructions(text: str) -> None:
    assert read(text).instructions == []


def test_onbuild_holds_an_instruction() -> None:
    trigger = only("FROM a\nONBUILD COPY --chown=b . /srv\n").trigger
    assert trigger is not None
    assert trigger.keyword == "COPY"
    assert [word.value for word in trigger.words] == [".", "/srv"]
    assert trigger.flags[0].name == "chown"


PIECES = st.sampled_from(
    [
        "FROM", "RUN", "COPY", "ENV", "ARG", "USER", "CMD", "ONBUILD", "HEALTHCHECK", "LABEL", "from", "XYZZY",
        " ", "  ", "\t", "\n", "\r\n", "\\\n", "\\ \n", "`\n", "\\", "`", "\"", "'", "[", "]", "{", "}", "$", "${", "=",
        "<<EOF", "<<-'E'", "EOF", "E", "\nEOF\n", "# c\n", "# escape=`\n", "--from=a", "--mount=from=b", "--", "a",
        "b:1", "AS", ",", '["a"]', '["a", "b"]', "\ufeff", "é", "\x00", "\u2028", "\x85",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=40).map("".join)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_any_text_is_read(text: str) -> None:
    try:
        document = read(text)
    except DocumentError:
        return
    list(document.facts())
    lines = document.source.text.count("\n") + document.source.text.count("\r") + 1
    for instruction in document.instructions:
        region = instruction.region
        assert (1, 1) <= region[:2] <= region[2:]
        assert region.end_line <= lines
        assert instruction.script is None or isinstance(instruction.script.text, str)
        for pair in instruction.pairs:
            assert pair.word.text


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_words_slice_back_to_their_text(text: str) -> None:
    try:
        document = read(text)
    except DocumentError:
        return
    source = document.source
    for instruction in document.instructions:
        for word in instruction.words:
            region = word.region
            raw = source.text[source.offset(*region[:2]) : source.offset(*region[2:])]
            if region.start_line == region.end_line:
                assert raw == word.text
            else:
                assert raw.startswith(word.text[:1])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        read(b"FROM a\n" + data)
