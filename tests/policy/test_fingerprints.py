"""Fingerprints: GitHub's own values, and what ours must survive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.policy.fingerprints import line_hashes, normalised, stable_fingerprint, stable_fingerprints
from sp404audit.results import WHOLE_FILE, Location, Region


def rolled(text: str) -> list[str]:
    """GitHub's algorithm the slow way: a window rolled over the file, one UTF-16 unit at a time."""
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    stream: list[int] = []
    after_return = False
    for unit in units:
        if unit in (32, 9) or (after_return and unit == 10):
            after_return = False
            continue
        after_return = unit == 13
        stream.append(10 if unit == 13 else unit)
    stream.append(0xFFFF)
    starts = [0, *(index + 1 for index, unit in enumerate(stream) if unit == 10)]
    padded = stream + [0] * 100
    values: list[str] = []
    counts: dict[str, int] = {}
    hashes: dict[int, int] = {}
    first = pow(37, 100, 1 << 64)
    state = 0
    for index, unit in enumerate(padded):
        gone = padded[index - 100] if index >= 100 else 0
        state = (state * 37 + unit - first * gone) % (1 << 64)
        hashes[index - 99] = state
    for start in starts:
        value = f"{hashes[start]:x}"
        counts[value] = counts.get(value, 0) + 1
        values.append(f"{value}:{counts[value]}")
    return values


def all_lines(text: str) -> list[str]:
    return list(line_hashes(text, range(1, 1000)).values())


# The figures are those that codeql-action's own test expects of these inputs.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["c129715d7a2bc9a3:1"]),
        (" a\nb\n  \t\tc\n d", ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"]),
    ],
)
def test_values_are_githubs(text: str, expected: list[str]) -> None:
    assert all_lines(text) == expected


def test_a_window_of_one_character_worked_out_by_hand() -> None:
    # "x" (120), the end of the file (65535), then 98 zeros.
    value = (120 * pow(37, 99) + 65535 * pow(37, 98)) % (1 << 64)
    assert line_hashes("x", [1]) == {1: f"{value:x}:1"}


def test_same_lines_are_numbered() -> None:
    hashes = all_lines("Lorem ipsum dolor sit amet.\n" * 10)
    assert hashes[:7] == [*(f"a7f2ff13bc495cf2:{n}" for n in range(1, 7)), "a7f2ff1481e87703:1"]


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_line_ends_and_blanks_do_not_count(end: str) -> None:
    assert all_lines(f" hello; \t{end}world{end}{end}") == all_lines("hello;\nworld\n\n")


def test_lines_that_do_not_exist_are_left_out() -> None:
    assert line_hashes("a\nb", [0, -3, 2, 3, 99]).keys() == {2}
    assert line_hashes("a", []) == {}


def test_bytes_that_are_not_utf8_count_as_replacement_characters() -> None:
    assert line_hashes(b"caf\xe9".decode("utf-8", "surrogateescape"), [1]) == line_hashes("caf\ufffd", [1])


@given(st.text(alphabet="ab \t\r\n😀é", max_size=300))
@settings(max_examples=150, deadline=None)
def test_agrees_with_the_rolling_algorithm(text: str) -> None:
    assert all_lines(text) == rolled(text)


def fingerprints(
    text: str, lines: list[int], rule: str = "docker/non-root-user", path: str = "Dockerfile"
) -> list[str]:
    content = text.split("\n")
    places = [(rule, Location(path, Region(line, 1, line, 2))) for line in lines]
    return stable_fingerprints(places, lambda _, number: content[number - 1])


def test_lines_added_above_change_nothing() -> None:
    assert fingerprints("FROM a\nUSER root\nUSER root", [2, 3]) == fingerprints(
        "# new\n\nFROM a\nUSER root\nUSER root", [4, 5]
    )


def test_indentation_changes_nothing_but_text_does() -> None:
    assert fingerprints("USER root", [1]) == fingerprints("   USER \t root", [1])
    assert fingerprints("USER root", [1]) != fingerprints("USER toor", [1])


def test_same_text_rule_or_path_apart() -> None:
    one, two = fingerprints("USER root\nUSER root", [1, 2])
    other_rule = fingerprints("USER root", [1], rule="docker/healthcheck")
    other_path = fingerprints("USER root", [1], path="b/Dockerfile")
    assert len({one, two, *other_rule, *other_path}) == 4
    assert one == stable_fingerprint("docker/non-root-user", "Dockerfile", "USER root")


def test_a_statement_about_the_whole_file_does_not_hang_on_its_first_line() -> None:
    def of(first_line: str) -> list[str]:
        return stable_fingerprints([("backup/exists", Location("compose.yml", WHOLE_FILE))], lambda *_: first_line)

    assert of("services:") == of("# comment")


def test_paths_that_are_not_utf8_have_one_too() -> None:
    assert len(stable_fingerprint("a/b", "caf\udce9", "x")) == 32


def test_normalised_evens_out_blanks() -> None:
    assert normalised("\t run:  make\r\n") == "run: make"
