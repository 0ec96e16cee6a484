from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.json_tree import parse
from sp404audit.documents.source import DocumentError, Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar, Sequence
from sp404audit.results import Region


def read(text: str) -> Node:
    return parse(Source("file.json", text.encode("utf-8", "surrogatepass")))


def values(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {name: values(value) for name, _, value in node.pairs()}
    if isinstance(node, Sequence):
        return [values(item) for item in node]
    assert isinstance(node, Scalar)
    return node.resolved


def test_places() -> None:
    tree = read('{"a": [1, 2.5],\n "b": {"c": "x\\ty"}}')
    assert isinstance(tree, Mapping)
    assert tree.key("b").region == Region(2, 2, 2, 5)  # type: ignore[union-attr]
    assert tree.get("b").get("c").region == Region(2, 13, 2, 19)  # type: ignore[union-attr]


def test_a_surrogate_pair_is_one_character() -> None:
    node = read('"\\ud83d\\ude00"')
    assert isinstance(node, Scalar)
    assert node.value == "😀"


@pytest.mark.parametrize(
    "text",
    ["", "[1,]", '{"a":1,}', "{a:1}", "[NaN]", "[Infinity]", "[1 2]", "01", "[1]]", '{"a":}', "[tru]", "'a'", '["a\n"]',
     "[}", "[,1]", '{"a" 1}', "// no\n1", "[" * 100],
)  # fmt: skip
def test_what_is_no_json_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(text)
    assert caught.value.problem.id == "json/syntax"
    assert caught.value.problem.region is not None


def test_depth_is_bounded() -> None:
    with pytest.raises(DocumentError) as caught:
        read("[" * 100_000)
    assert caught.value.problem.id == "json/too-deep"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_what_json_writes_is_read_as_it_was(value: Any, ascii_only: bool, indent: int | None) -> None:
    assert values(read(json.dumps(value, ensure_ascii=ascii_only, indent=indent))) == value


@settings(max_examples=100, deadline=None)
@given(st.text('{}[]:,"\\ \n0123456789.eE+-truefalsn', max_size=30))
def test_it_accepts_exactly_what_the_standard_library_accepts(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        with pytest.raises(DocumentError):
            read(text)
    else:
        read(text)
