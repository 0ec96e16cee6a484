import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.secrets.dotenv import MASK, Dotenv, DotenvFile, parse
from sp404audit.documents.source import Source


def read(text: str) -> Dotenv:
    return parse(Source(".env", text.encode("utf-8", "surrogateescape")))


def values(text: str) -> dict[str, str | None]:
    return {entry.name: entry.value for entry in read(text).entries}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\rB=2", {"A": "1", "B": "2"}),
        ("# A=1\n  # B=2\n\nC=3", {"C": "3"}),
        ("export A=1", {"A": "1"}),
        ("A = 1 ", {"A": "1"}),
        ("A: 1", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A=\nB=2", {"A": "", "B": "2"}),
        ("A\nB=2", {"A": None, "B": "2"}),
        ("A=b # c", {"A": "b"}),
        ("A=b#c", {"A": "b#c"}),
        ("A='b # c' # d", {"A": "b # c"}),
        ("A='a\\nb'", {"A": "a\\nb"}),
        ('A="a\\nb\\"c\\$d"', {"A": 'a\nb"c\\$d'}),
        ('A="a\nb"\nC=3', {"A": "a\nb", "C": "3"}),
        ("A='a\nb'\nC=3", {"A": "a\nb", "C": "3"}),
        ('A="b\nC=3', {"A": '"b', "C": "3"}),
        ("A.b-c=1", {"A.b-c": "1"}),
        ("not a line\nif [ x ]; then\nA=1", {"A": "1"}),
        ("=x\n1=2\nA=1", {"A": "1"}),
        ("A=b=c", {"A": "b=c"}),
        ("\ufeffA=1", {"A": "1"}),
        ("", {}),
    ],
)
def test_grammar(text: str, expected: dict[str, str | None]) -> None:
    assert values(text) == expected


def test_places() -> None:
    one, two = read('A=1\n  export B = "x y" # z\n').entries
    assert tuple(one.region) == (1, 1, 1, 2)
    assert tuple(one.value_region) == (1, 3, 1, 4)
    assert tuple(two.region) == (2, 10, 2, 11)
    assert tuple(two.value_region) == (2, 14, 2, 19)
    assert two.quote == '"'


def test_facts_hold_no_credential() -> None:
    text = "TAG=1.2\nIMAGE=app:${TAG}\nDB_PASSWORD=hunter2\nURL=postgres://u:hunter2@db\nKEPT\nAPI_KEY=${OTHER}\nRAW='$TAG'\n"
    (fact,) = read(text).facts()
    assert isinstance(fact, DotenvFile)
    assert dict(fact.values) == {
        "TAG": "1.2",
        "IMAGE": "app:1.2",
        "DB_PASSWORD": MASK,
        "URL": MASK,
        "API_KEY": "",
        "RAW": "$TAG",
    }
    assert fact.inherited == ("KEPT",)
    assert "hunter2" not in repr(fact)
    assert "hunter2" not in repr(read(text).entries)


def test_values_that_double_are_cut_off() -> None:
    (fact,) = read("A0=x\n" + "".join(f"A{n + 1}=$A{n}$A{n}\n" for n in range(60)) + "B=" + "$A60" * 10_000).facts()
    assert isinstance(fact, DotenvFile)
    assert max(len(value) for name, value in fact.values if name != "B") == 4096


def test_many_lines_take_little_time() -> None:
    started = time.process_time()
    read("".join(f"K{number}='x'\n" for number in range(20_000)))
    read("A='" + "\nB='" * 20_000)
    read('A="' * 20_000 + "\\" * 20_000)
    read(" " * 200_000 + "\n" + "a" * 200_000 + " #" * 100_000)
    assert time.process_time() - started < 2


@given(st.text(alphabet="AB=:'\"\\$# \n\r\té{}", max_size=40))
@settings(max_examples=100, deadline=None)
def test_anything_is_read(text: str) -> None:
    document = read(text)
    list(document.facts())
    for entry in document.entries:
        assert entry.region <= entry.value_region


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z_]{0,5}", fullmatch=True), st.text(alphabet='ab #=\n"\\x', max_size=8)))
@settings(max_examples=100, deadline=None)
def test_quoted_values_come_back(wanted: dict[str, str]) -> None:
    quoted = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in wanted.items()}
    assert values("".join(f'{name}="{value}"\n' for name, value in quoted.items())) == wanted
