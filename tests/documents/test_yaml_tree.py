from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.source import DocumentError, Source
from sp404audit.documents.yaml_tree import (
    MAX_DEPTH,
    MAX_MERGED_KEYS,
    Mapping,
    Node,
    Scalar,
    Sequence,
    parse,
    parse_stream,
    scalars,
    walk,
)
from sp404audit.results import Region


def source(text: str | bytes) -> Source:
    return Source("file.yaml", text.encode() if isinstance(text, str) else text)


def root(text: str | bytes) -> Mapping:
    found = parse(source(text))[0]
    assert isinstance(found, Mapping)
    return found


def cut(text: str, region: Region) -> str:
    """The text of a region that lies on one line."""
    assert region.start_line == region.end_line
    return Source("file.yaml", text.encode()).line(region.start_line)[region.start_column - 1 : region.end_column - 1]


def test_keys_and_values_know_their_places() -> None:
    text = "on:\n  push:\n    branches: [main, 'rel/*']\n"
    tree = root(text)
    push = tree.get("on").get("push")  # type: ignore[union-attr]
    branches = push.get("branches")
    assert [cut(text, item.region) for item in branches] == ["main", "'rel/*'"]
    assert cut(text, push.key("branches").region) == "branches"
    assert cut(text, tree.region) == "on"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("on", "on"), ("yes", "yes"), ("22:22", "22:22"), ("0o17", 15), ("017", 17), ("0x1F", 31), ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"), ("12:30:45", "12:30:45"), ("~", None), ("null", None), ("true", True),
        ("False", False), ("1.5e3", 1500.0), ("'true'", "true"), ('"1"', "1"), ("3.10", 3.1), ("-7", -7),
        ("9" * 500, "9" * 500), (".inf", float("inf")),
    ],
)  # fmt: skip
def test_scalars_are_those_of_the_core_schema(written: str, value: object) -> None:
    node = root(f"key: {written}\n").get("key")
    assert isinstance(node, Scalar)
    assert node.resolved == value
    assert type(node.resolved) is type(value)


def test_an_alias_is_the_node_itself() -> None:
    tree = root("a: &x {b: 1}\nc: *x\n")
    assert tree.get("a") is tree.get("c")


def test_a_node_begins_after_its_anchor_and_tag() -> None:
    text = "a: &anchor !tag value\nb: &other\n  c: 1\n"
    tree = root(text)
    assert cut(text, tree.get("a").region) == "value"  # type: ignore[union-attr]
    assert cut(text, tree.get("b").region) == "c"  # type: ignore[union-attr]


def test_a_mapping_that_holds_itself_is_walked_once() -> None:
    tree = root("a: &x\n  self: *x\n  b: 1\n")
    assert sum(1 for _ in walk(tree)) == 6


def test_merge_keys_yield_to_own_keys_and_earlier_parents() -> None:
    tree = root("a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc:\n  <<: [*a, *b]\n  y: 3\n")
    merged = tree.get("c")
    assert isinstance(merged, Mapping)
    assert {name: value.value for name, _, value in merged.pairs() if isinstance(value, Scalar)} == {
        "x": "1", "z": "2", "y": "3",
    }  # fmt: skip


def test_a_merge_bomb_is_told_and_ends() -> None:
    width = 200
    lines = ["k0: &k0 {" + ", ".join(f"a{n}: 1" for n in range(width)) + "}"]
    levels = range(1, 2 * MAX_MERGED_KEYS // width)
    lines += [f"k{level}: &k{level} {{<<: [*k{level - 1}, *k{level - 1}], b{level}: 1}}" for level in levels]
    stream = parse_stream(source("\n".join(lines)))
    assert [problem.id for problem in stream.problems] == ["yaml/too-many-nodes"]


def test_of_duplicate_keys_the_last_counts_and_both_are_seen() -> None:
    stream = parse_stream(source("jobs: 1\non: x\njobs: 2\n"))
    tree = stream.roots[0]
    assert isinstance(tree, Mapping)
    assert tree.get("jobs").value == "2"  # type: ignore[union-attr]
    (holder,) = stream.mappings_with_duplicates
    assert [(a.region.start_line, b.region.start_line) for a, b in holder.duplicates()] == [(1, 3)]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 1000 + "]" * 1000, "".join(" " * n + "a:\n" for n in range(500))]
)
def test_depth_is_bounded(text: str) -> None:
    (problem,) = parse_stream(source(text)).problems
    assert problem.id == "yaml/too-deep"
    assert str(MAX_DEPTH) in problem.message


def test_documents_before_an_error_are_kept() -> None:
    stream = parse_stream(source("a: 1\n---\nb: 2\n---\n\tc: [\n"))
    assert len(stream.roots) == 2
    assert [problem.id for problem in stream.problems] == ["yaml/syntax"]
    assert stream.problems[0].region is not None
    assert stream.problems[0].region.start_line == 5


@pytest.mark.parametrize("data", [b"a: \x00b\n", b"a: \xff\xfe\n", b"a: \x07\n", b"a: \x7f\n"])
def test_what_is_no_text_is_an_encoding_error(data: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_stream(source(data))
    assert caught.value.problem.id == "input/encoding"


@pytest.mark.parametrize(
    "data", ["\ufeffa: 1\n".encode(), "\ufeffa: 1\n".encode("utf-16-le"), "\ufeffa: 1\n".encode("utf-16-be")]
)
def test_byte_order_marks_count_in_no_column(data: bytes) -> None:
    assert root(data).region == Region(1, 1, 1, 2)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(end: str) -> None:
    text = end.join(["a: 1", "run: |", "  first", "  second", ""])
    tree = root(text)
    run = tree.get("run")
    assert isinstance(run, Scalar)
    excerpt = run.excerpt(source(text))
    at = excerpt.text.index("second")
    assert excerpt.region(at, at + 6) == Region(4, 3, 4, 9)


def test_line_ends_that_only_yaml_1_1_knows_do_not_shift_places() -> None:
    text = 'a: "x\u2028y\x85z"\nb: end\n'
    assert root(text).get("b").region == Region(2, 4, 2, 7)  # type: ignore[union-attr]


def test_an_undefined_alias_is_a_problem_not_a_crash() -> None:
    stream = parse_stream(source("a: *nowhere\nb: 1\n"))
    assert [problem.id for problem in stream.problems] == ["yaml/syntax"]
    assert isinstance(stream.roots[0], Mapping)


def test_empty_documents_are_none() -> None:
    assert parse(source("")) == []
    assert parse(source("# only a comment\n")) == []
    assert parse(source("---\n---\na: 1\n"))[0] is None


def test_odd_keys_raise_nothing() -> None:
    tree = root("{[a, b]: 1, {c: d}: 2, null: 3, 1.5: 4}\n")
    assert [name for name, _, _ in tree.pairs()] == ["null", "1.5"]
    assert len(tree.entries) == 4


def test_tags_are_never_constructed() -> None:
    node = root("a: !!python/object/apply:os.system ['exit 1']\nb: !vault |\n  abc\n").get("a")
    assert isinstance(node, Sequence)
    assert node.tag == "tag:yaml.org,2002:python/object/apply:os.system"


@pytest.mark.parametrize(
    "text",
    [
        "k: >\n  folded text\n  goes on\n\n  and on ${{ x }}\n",
        "k: >-\n    deeper ${{ x }}\n",
        "k: |2\n    kept ${{ x }}\n",
        "k: |\n\n\n  late ${{ x }}\n",
        "k: plain text\n  over ${{ x }}\n",
        "k: 'it''s ${{ x }}'\n",
        'k: "tab\\t esc\\u0041ped \\\n  ${{ x }}"\n',
        'k: "${{ x }}"\n',
    ],
)
def test_an_excerpt_leads_back_to_the_file(text: str) -> None:
    node = root(text).get("k")
    assert isinstance(node, Scalar)
    excerpt = node.excerpt(source(text))
    at = excerpt.text.index("${{")
    assert cut(text, excerpt.region(at, at + 8)) == "${{ x }}"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text("ab'\"\\ \n\t:#é😀|>-${}", max_size=30),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text("abc- ", max_size=5), children, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.sampled_from([None, "'", '"', "|", ">"]), st.sampled_from([20, 80]))
def test_what_pyyaml_writes_is_read_and_every_character_found_again(value: Any, style: str | None, width: int) -> None:
    text = yaml.safe_dump(value, default_style=style, width=width, allow_unicode=True)
    file = source(text)
    for tree in parse(file):
        for node in scalars(tree):
            _check(node, file)


def _check(node: Scalar, file: Source) -> None:
    excerpt = node.excerpt(file)
    for at, character in enumerate(excerpt.text):
        if character.isspace():
            continue
        region = excerpt.region(at, at + 1)
        there = file.line(region.start_line)[region.start_column - 1 :]
        assert there.startswith(character) or (node.style == '"' and there.startswith("\\"))


@settings(max_examples=200, deadline=None)
@given(st.text("ab:-[]{}&*!|>'\"#%@`,?<= \n\t\r\x85\u2028é😀\ufeff", max_size=60))
def test_any_text_is_read_or_refused_with_places_inside_it(text: str) -> None:
    file = source(text)
    try:
        stream = parse_stream(file)
    except DocumentError as error:
        regions = [error.problem.region]
    else:
        nodes: list[Node] = [node for tree in stream.roots for node in walk(tree)]
        regions = [*(node.region for node in nodes), *(problem.region for problem in stream.problems)]
    for region in regions:
        assert region is None or 1 <= region.start_line <= len(file.starts)


def test_a_flat_list_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sp404audit.documents.yaml_tree.MAX_NODES", 100)
    with pytest.raises(DocumentError) as caught:
        parse(Source("a.yaml", b"x: [" + b"a, " * 200 + b"b]\n"))
    assert caught.value.problem.id == "yaml/too-many-nodes"
