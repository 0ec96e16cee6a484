"""Commands read from their text alone, beside the same commands read from the grammar's nodes."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sp404audit.documents.shell.commands import Shell, Unit, command_facts, parse
from sp404audit.documents.shell.rows import PlacedRow, Row, parts_of, read_lines, read_row
from sp404audit.documents.shell.words import WordReader
from sp404audit.documents.source import Source


def described(text: str) -> tuple[object, ...]:
    """Everything that a text is found to say."""
    shell = parse(Source("script.sh", text.encode()), github=True, options=("errexit",))
    return (
        [_command(shell, number) for number in range(len(shell.commands))],
        [(one.name, one.value and one.value.text, *one[2:]) for one in shell.assignments],
        shell.settings,
        [problem.message for problem in shell.problems],
        list(command_facts(shell, "script.sh", Unit("script", "script.sh"))),
    )


def _command(shell: Shell, number: int) -> tuple[object, ...]:
    command = shell.commands[number]
    return (
        [(word.start, word.end, word.text, word.value, word.parts) for word in command.words],
        [(one.operator, one.target and one.target.text, one.body) for one in command.redirects],
        (command.start, command.end, command.extent, command.name, command.first, command.wrappers, command.frames),
        [one.name for one in command.assignments],
    )


def from_nodes(text: str) -> tuple[object, ...]:
    """The same, with no text read but by the grammar."""
    with patch.object(WordReader, "row", lambda *_: None), patch.object(WordReader, "lines", lambda _: None):
        return described(text)


SOME = (
    "echo sudo env bash -c set -euo pipefail read export A=b = == =~ in if then fi do done time test [ ] { } ! -f - --"
    " 1 2 : eval trap ssh docker exec exit '' \"\" 'x'\"y\"z $A \"$B\" ${C} * ~ ü 'ü' $(pwd) #c a#b x,y @ ^"
)
WORDS = st.one_of(
    st.sampled_from([*SOME.split(), "'a b'", '"a\nb"', "--k='v w'", "${{ a.b }}", "a\\ b"]),
    st.text("abAB01_./:=@%+,^-'\"", min_size=1, max_size=6),
)
BLANKS = [" ", " ", " ", "  ", "\t", " \\\n  ", "\\\n", "\n", "\n", "\n\n  ", "\r\n"]
OPERATORS = ["; ", " && ", " || ", " | ", " & ", " > ", " >> ", " 2>&1 ", " < ", "\n# a comment\n", " # a comment\n"]
BETWEEN = st.sampled_from([*BLANKS, *OPERATORS])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(WORDS, BETWEEN), min_size=1, max_size=14))
@example([("echo", " "), ("==", " "), ("b", "")])
@example([("sudo", " "), ("bash", " "), ("-c", " "), ("'a b'", "\n"), ("done", "")])
@example([("export", " "), ("A=b", "\n"), ("echo", "\n"), ("if", "\n"), ("fi", "")])
def test_rows_say_what_the_nodes_say(pieces: list[tuple[str, str]]) -> None:
    text = "".join([word + between for word, between in pieces])
    assert described(text) == from_nodes(text)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("npm ci", Row(("npm", "ci"), ("npm", "ci"))),
        ("make -j 4 A=b", Row(("make", "-j", "4", "A=b"), ("make", "-j", "4", "A=b"))),
        ("echo 'a b' \"c\"d", Row(("echo", "'a b'", '"c"d'), ("echo", "a b", "cd"))),
        ("run \\\n  --all", Row(("run", "--all"), ("run", "--all"))),
        ("A=b run", None),
        ("echo $A", None),
        ("echo == b", None),
        ("echo *", None),
        ("echo 'open", None),
        ("x" * 3000, None),
        ("'", None),
        ("", None),
    ],
)
def test_row(text: str, row: Row | None) -> None:
    assert read_row(text) == row


def test_parts_keep_what_was_quoted() -> None:
    assert [(part.text, part.quoted) for part in parts_of("--a='b'\"c\"d")] == [
        ("--a=", False),
        ("bc", True),
        ("d", False),
    ]
    assert parts_of("''") == ()


def test_lines() -> None:
    lines = read_lines("# first\n  npm ci  \n\nnpm test\n")
    assert lines is not None
    assert lines == [
        PlacedRow(Row(("npm", "ci"), ("npm", "ci")), 10, 16),
        PlacedRow(Row(("npm", "test"), ("npm", "test")), 20, 28),
    ]
    assert read_lines("npm ci\nif true\n") is None
    assert read_lines("npm ci; npm test\n") is None
    assert read_lines("echo \\\n  a\n") is None
