"""Stages and variables: what a stage is built on, what its words mean, what its image ends up with."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.containers.dockerfile import Dockerfile, parse
from sp404audit.documents.containers.dockerfile_stages import DockerfileFact, StageState, parents, stage_state
from sp404audit.documents.containers.dockerfile_variables import MAXIMAL_EXPANSION, Missing, expand
from sp404audit.documents.containers.images import ImageUse
from sp404audit.documents.source import Source

VALUES = {"A": "1", "EMPTY": "", "P": "foo-bar-baz.tar.gz"}


def read(text: str) -> Dockerfile:
    return parse(Source("Dockerfile", text.encode()))


def fact(text: str) -> DockerfileFact:
    (found,) = (each for each in read(text).facts() if isinstance(each, DockerfileFact))
    return found


def last(text: str, *passed: tuple[str, str | None]) -> StageState:
    found = fact(text)
    return stage_state(found, len(found.stages) - 1, passed)


def uses(text: str) -> list[tuple[str, str | None, str]]:
    return [(each.text, each.value, each.origin) for each in read(text).facts() if isinstance(each, ImageUse)]


def lookup(name: str) -> str | Missing:
    return VALUES.get(name, Missing.UNSET if name == "UNSET" else Missing.UNKNOWN)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("$A", "1"),
        ("${A}2", "12"),
        ("x${A}${EMPTY}y", "x1y"),
        ("${UNSET:-d}", "d"),
        ("${UNSET-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${A:-d}", "1"),
        ("${A:-$UNKNOWN}", "1"),
        ("${UNSET:-${UNSET:-${A}}}", "1"),
        ("${UNSET:-'a}b'}", "a}b"),
        ("${A:+y}", "y"),
        ("${EMPTY:+y}", ""),
        ("${EMPTY+y}", "y"),
        ("${A:?message}", "1"),
        ("${P#*-}", "bar-baz.tar.gz"),
        ("${P##*-}", "baz.tar.gz"),
        ("${P%-*}", "foo-bar"),
        ("${P%%-*}", "foo"),
        ("${P%.tar.gz}", "foo-bar-baz"),
        ("${P/bar/X}", "foo-X-baz.tar.gz"),
        ("${P//a/X}", "foo-bXr-bXz.tXr.gz"),
        ("'$A'", "$A"),
        ('"$A"', "1"),
        ("\\$A", "$A"),
        ('"a\\"b"', 'a"b'),
        ('"it\'s"', "it's"),
        ("a$", "a$"),
        ("$UNSET", None),
        ("$UNKNOWN", None),
        ("${UNKNOWN:-d}", None),
        ("${UNSET:+y}", None),
        ("${UNSET:?message}", None),
        ("${A", None),
        ("${}", None),
        ("${P#*o*-*a*}", None),
    ],
)
def test_expansion(text: str, value: str | None) -> None:
    assert expand(text, lookup).value == value


def test_expansion_with_a_backtick_for_escape() -> None:
    assert expand("c:\\$A`$A", lookup, "`").value == "c:\\1$A"


def test_expansion_names_what_is_missing() -> None:
    assert expand("$A-$UNSET-${UNKNOWN}", lookup).unknown == ("UNSET", "UNKNOWN")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="$${}:-+?#%/'\"\\AUNSET x*", max_size=60))
def test_any_word_is_expanded(text: str) -> None:
    value = expand(text, lookup).value
    assert value is None or len(value) <= MAXIMAL_EXPANSION + len(text) * len(VALUES["P"])


def test_expansion_ends_where_variables_double_each_other() -> None:
    doubling = "\n".join(f"ARG B{n + 1}=${{B{n}}}${{B{n}}}" for n in range(40))
    state = last(f"ARG B0=xx\n{doubling}\nARG C=$D\nARG D=$C\nFROM $B40:$C\nUSER $D\n")
    assert state.image.value is None


def test_deep_nesting_is_refused() -> None:
    assert expand("${UNSET:-" * 5000 + "x", lookup).value is None


def test_stages_follow_each_other() -> None:
    found = fact("FROM a AS One\nFROM one AS two\nFROM ${X:-TWO}\nFROM three\nFROM b AS three\n")
    assert parents(found) == [None, 0, 1, None, None]
    found = fact("ARG X=TWO\nFROM a AS One\nFROM one AS two\nFROM $X\nFROM three\nFROM b AS three\n")
    assert parents(found) == [None, 0, 1, None, None]
    assert parents(found, [("X", "one")]) == [None, 0, 0, None, None]


def test_a_name_used_twice_is_the_nearest_stage_before() -> None:
    assert parents(fact("FROM a AS x\nFROM b AS x\nFROM x\n")) == [None, None, 1]


def test_targets() -> None:
    found = fact("FROM a AS build\nFROM b AS Final\nFROM c\n")
    assert [found.index_of(name) for name in ("build", "FINAL", "2", "3", "none", "9" * 5000)] == [
        0,
        1,
        2,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("FROM a\nUSER app", "app"),
        ("FROM a\nUSER root\nUSER app", "app"),
        ("FROM a AS b\nUSER app\nFROM b", "app"),
        ("FROM a AS b\nUSER app\nFROM a", "-"),
        ("FROM a\nARG U=app\nUSER $U", "app"),
        ("FROM a\nARG U\nUSER $U", None),
        ("FROM a\nARG U\nUSER ${U:-app}", "app"),
        ("ARG U=app\nFROM a\nUSER $U", None),
        ("ARG U=app\nFROM a\nARG U\nUSER $U", "app"),
        ("ARG U=app\nFROM a\nARG U=other\nUSER $U", "other"),
        ("FROM a\nARG U=app\nENV U=env\nUSER $U", "env"),
        ("FROM a\nENV U=env\nARG U=app\nUSER $U", "env"),
        ("FROM a\nENV X=1\nENV X=2 Y=$X\nUSER $Y", "1"),
        ("FROM a AS b\nENV U=app\nFROM b\nUSER $U", "app"),
        ("FROM a AS b\nARG U=app\nFROM b\nUSER $U", "app"),
        ("FROM a AS b\nARG U=app\nFROM a\nUSER $U", None),
        ("FROM scratch\nUSER 1${NOTHING}", "1"),
        ("FROM a\nUSER \"app\":'grp'", "app:grp"),
        ("# escape=`\nFROM a\nUSER NT` AUTHORITY", "NT AUTHORITY"),
        ("FROM a\nONBUILD USER app", "-"),
        ("FROM a\nARG TARGETARCH\nUSER $TARGETARCH", "amd64"),
    ],
)
def test_user_in_force(text: str, user: str | None) -> None:
    state = last(text)
    assert (state.user.value if state.user else "-") == user


def test_passed_arguments_win() -> None:
    found = [last("FROM a\nARG U=root\nUSER $U", ("U", value)).user for value in ("app", None)]
    assert [user and user.value for user in found] == ["app", None]
    assert last("ARG BASE=a\nFROM $BASE", ("BASE", "b")).image.value == "b"


def test_entrypoint_drops_the_command_of_its_base() -> None:
    state = last('FROM a AS b\nCMD ["x"]\nFROM b\nENTRYPOINT ["y"]')
    assert state.command is None
    assert last('FROM a AS b\nCMD ["x"]\nFROM b\nENTRYPOINT ["y"]\nCMD ["z"]').command is not None
    assert last('FROM a AS b\nENTRYPOINT ["y"]\nCMD ["x"]\nFROM b\nUSER c').command is not None


def test_image_uses() -> None:
    text = """\
ARG TAG=3
FROM golang:1.25 AS build
FROM scratch
FROM build AS more
FROM python:${TAG}-slim AS final
COPY --from=build /a /a
COPY --from=0 /a /a
COPY --from=9 /a /a
COPY --from=busybox:1 /a /a
COPY --from=LATER /a /a
RUN --mount=type=bind,from=tools:2,target=/t --mount=type=cache,target=/c x
ADD --chown=a b c
FROM ${BASE}
FROM b@sha256:00 AS later
"""
    assert uses(text) == [
        ("golang:1.25", "golang:1.25", "FROM"),
        ("python:${TAG}-slim", "python:3-slim", "FROM"),
        ("9", "9", "COPY --from"),
        ("busybox:1", "busybox:1", "COPY --from"),
        ("tools:2", "tools:2", "RUN --mount"),
        ("${BASE}", None, "FROM"),
        ("b@sha256:00", "b@sha256:00", "FROM"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nRUN " + "x" * 1_000_000,
        "FROM a\nRUN b" + " \\\n c" * 100_000,
        "".join(f"FROM s{n - 1 if n else 'x'} AS s{n}\nENV A=$A$A\nUSER a\n" for n in range(5_000)),
    ],
    ids=["a line of 1 MB", "100,000 continuations", "5,000 stages"],
)
def test_large_files_take_linear_time(text: str) -> None:
    start = time.process_time()
    found = fact(text)
    stage_state(found, len(found.stages) - 1)
    assert time.process_time() - start < 4, "a factor of eight above what it takes, to tell linear from quadratic"
