"""Our reading of HCL beside that of an independent grammar, on configurations that nobody would write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.hcl.reader import Block, parse
from sp404audit.documents.source import Source

tree_sitter = pytest.importorskip("tree_sitter")
tree_sitter_hcl = pytest.importorskip("tree_sitter_hcl")

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))

names = st.sampled_from(["a", "b_c", "d-e", "var", "x1"])
plain = st.sampled_from(
    ["", "text", "with space", "ü", "a/b", "100%", "$5", r"q\"t", r"\n", "# no comment", "{", "}", "//"]
)
numbers = st.sampled_from(["0", "1", "42", "1.5", "2e3"])
words = st.sampled_from(["true", "false", "null"])


def joined(items: list[str]) -> str:
    return ", ".join(items)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions made of expressions; brackets keep each in one piece."""
    pairs = st.lists(st.tuples(names, inner), max_size=3)
    template = st.tuples(plain, inner, plain).map(lambda each: f'"{each[0]}${{{each[1]}}}{each[2]}"')
    return st.one_of(
        template,
        st.lists(inner, max_size=3).map(lambda items: f"[{joined(items)}]"),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: "[\n" + ",\n".join(items) + ",\n]"),
        pairs.map(lambda found: "{ " + ", ".join(f"{key} = {value}" for key, value in found) + " }"),
        pairs.map(lambda found: "{\n" + "".join(f"{key} : {value}\n" for key, value in found) + "}"),
        st.tuples(names, st.lists(inner, max_size=2)).map(lambda each: f"{each[0]}({joined(each[1])})"),
        st.tuples(names, inner).map(lambda each: f"{each[0]}.b[{each[1]}].c[*].d"),
        st.tuples(inner, inner, inner).map(lambda each: f"({each[0]}) ? ({each[1]}) : ({each[2]})"),
        st.tuples(inner, st.sampled_from(["+", "&&", "==", "<=", "%"]), inner).map(
            lambda each: f"({each[0]} {each[1]} {each[2]})"
        ),
        inner.map(lambda each: f"!({each})"),
        st.tuples(inner, inner, inner).map(lambda each: f"[for k, v in {each[0]} : {each[1]} if {each[2]}]"),
        st.tuples(inner, inner, inner).map(lambda each: f"{{for v in {each[0]} : {each[1]} => {each[2]}...}}"),
        inner.map(lambda each: f"<<EOT\nline\n  ${{{each}}} end\nEOT\n" if "\n" not in each else each),
    )


small = st.one_of(plain.map(lambda text: f'"{text}"'), numbers, words, names, names.map(lambda name: f"{name}.b.c"))
expressions = st.recursive(small, larger, max_leaves=8).filter(lambda text: "EOT" not in text.rpartition("EOT\n")[0])
attributes = st.tuples(names, expressions).map(lambda each: f"{each[0]} = {each[1].rstrip()}")


def bodies(depth: int) -> st.SearchStrategy[str]:
    if depth == 0:
        return st.lists(attributes, max_size=3).map(lambda lines: "".join(f"{line}\n" for line in lines))
    block = st.tuples(names, names, bodies(depth - 1)).map(lambda each: f'{each[0]} "{each[1]}" {{\n{each[2]}}}')
    return st.lists(st.one_of(attributes, block, st.just("# a } comment")), max_size=4).map(
        lambda lines: "".join(f"{line}\n" for line in lines)
    )


def theirs(data: bytes) -> tuple[bool, list[bytes], list[bytes]]:
    """Whether there are errors, the text of every attribute and block, and that of every name in an expression."""
    tree = PARSER.parse(data)
    parts: list[bytes] = []
    used: list[bytes] = []
    pending: list[Any] = [tree.root_node]
    while pending:
        node = pending.pop()
        if node.type in ("attribute", "block"):
            parts.append(data[node.start_byte : node.end_byte])
        elif node.type == "variable_expr":
            used.append(data[node.start_byte : node.end_byte])
        pending.extend(node.children)
    return tree.root_node.has_error, sorted(parts), sorted(used)


def ours(body: Block, text: str) -> Iterator[tuple[bool, bytes]]:
    """The text of every attribute and block (True), and every name in an expression (False)."""
    for block in body.walk():
        if block.type:
            yield True, text[block.start : block.end].encode()
        for attribute in block.attributes:
            yield True, text[attribute.start : attribute.end].encode()
            yield from ((False, str(node.value).encode()) for node in attribute.value.walk() if node.kind == "name")


@settings(max_examples=150, deadline=None)
@given(bodies(2))
def test_two_grammars_see_the_same(text: str) -> None:
    has_errors, parts, used = theirs(text.encode())
    if has_errors:
        return
    body, problems = parse(Source("main.tf", text.encode()))
    assert not problems, problems[0].message
    found = list(ours(body, text))
    assert sorted(part for is_part, part in found if is_part) == parts
    assert sorted(part for is_part, part in found if not is_part) == used
