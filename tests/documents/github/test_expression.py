from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.github.expression import (
    ANY,
    MAX_DEPTH,
    Call,
    Comparison,
    Context,
    ExpressionError,
    Literal,
    Logic,
    Node,
    Not,
    Select,
    find,
    flows,
    mask,
    parse,
    parse_condition,
    references,
    truth,
)


def path_of(text: str) -> tuple[str, ...]:
    node = parse(text)
    assert isinstance(node, Context)
    return node.path


def flowing(text: str) -> list[str]:
    return [".".join(flow.path) for flow in flows(parse(text))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("TRUE", True),
        ("false", False),
        ("711", 711.0),
        ("-9.2", -9.2),
        ("0xff", 255.0),
        ("0o17", 15.0),
        ("-2.99e-2", -0.0299),
        (".5", 0.5),
        ("Infinity", float("inf")),
        ("-Infinity", float("-inf")),
        ("'it''s'", "it's"),
        ("''", ""),
        ("'}}'", "}}"),
    ],
)
def test_literals(text: str, value: object) -> None:
    node = parse(text)
    assert isinstance(node, Literal)
    assert node.value == value
    assert type(node.value) is type(value)
    assert (node.start, node.end) == (0, len(text))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("github.event.issue.title", ("github", "event", "issue", "title")),
        ("GitHub.Event.Issue['Title']", ("github", "event", "issue", "title")),
        ("github.event.commits[0].message", ("github", "event", "commits", "0", "message")),
        ("github.event.commits.*.message", ("github", "event", "commits", ANY, "message")),
        ("github.event.commits[*].message", ("github", "event", "commits", ANY, "message")),
        ("matrix[inputs.axis]", ("matrix", ANY)),
        ("( github.event ).number", ("github", "event", "number")),
        ("needs.build-1.outputs._x", ("needs", "build-1", "outputs", "_x")),
        (" env . NAME ", ("env", "name")),
    ],
)
def test_contexts_know_no_case_and_one_path(text: str, path: tuple[str, ...]) -> None:
    assert path_of(text) == path


def test_an_index_that_is_an_expression_is_read_but_flows_nowhere() -> None:
    node = parse("secrets[format('{0}_KEY', matrix.env)]")
    assert [context.path for context in references(node)] == [("secrets", ANY), ("matrix", "env")]
    assert flowing("secrets[format('{0}_KEY', matrix.env)]") == ["secrets.*"]


def test_precedence_and_chains() -> None:
    node = parse("!a && b == 'c' || d < 3 && (e || f)")
    assert isinstance(node, Logic)
    assert node.operator == "||"
    left, right = node.operands
    assert isinstance(left, Logic)
    assert isinstance(left.operands[0], Not)
    assert isinstance(left.operands[1], Comparison)
    assert isinstance(right, Logic)
    assert isinstance(right.operands[1], Logic)


def test_a_part_of_a_computed_value() -> None:
    node = parse("fromJSON(needs.a.outputs.b).list[0].name")
    assert isinstance(node, Select)
    assert node.path == ("list", "0", "name")
    assert isinstance(node.base, Call)
    assert node.base.name == "fromjson"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("github.head_ref", ["github.head_ref"]),
        ("contains(github.event.issue.title, 'x')", []),
        ("startsWith(github.ref, 'refs/tags/') == true", []),
        ("!github.head_ref", []),
        ("github.head_ref == 'main'", []),
        ("hashFiles(matrix.path)", []),
        ("format('{0}-{1}', github.head_ref, inputs.x)", ["github.head_ref", "inputs.x"]),
        ("join(github.event.commits.*.message, ', ')", ["github.event.commits.*.message"]),
        ("github.event.issue.title && 'yes' || 'no'", []),
        ("inputs.a == 'b' && github.head_ref || github.ref_name", ["github.head_ref", "github.ref_name"]),
        ("github.head_ref || github.ref_name", ["github.head_ref", "github.ref_name"]),
        ("case(github.head_ref, 'a', inputs.x, inputs.y, env.z)", ["inputs.y", "env.z"]),
        ("fromJSON(inputs.list)[github.run_id].name", ["inputs.list"]),
        ("someFunctionOfTomorrow(github.head_ref)", ["github.head_ref"]),
    ],
)
def test_what_flows_into_the_result(text: str, expected: list[str]) -> None:
    assert flowing(text) == expected


def test_only_tojson_brings_all_that_is_below() -> None:
    whole = {text: next(flows(parse(text))).whole for text in ("github.event", "toJSON(github.event)")}
    assert whole == {"github.event": False, "toJSON(github.event)": True}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("false", False),
        ("true || github.x", True),
        ("github.x && false", False),
        ("github.x || false", None),
        ("!false", True),
        ("'A' == 'a'", True),
        ("1 != 1", False),
        ("1 == '1'", None),
        ("always()", None),
        ("''", False),
        ("0", False),
        ("NaN", False),
    ],
)
def test_truth_where_the_text_alone_decides(text: str, value: bool | None) -> None:
    assert truth(parse(text)) is value


@pytest.mark.parametrize(
    ("text", "start"),
    [("", 0), ("foo(", 4), ("a b", 2), ("a..b", 2), ("'open", 0), ("a.1", 1), ("1a", 0), ("a &", 2), ('"x"', 0)],
)
def test_what_github_refuses_is_placed(text: str, start: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.id == "expression/syntax"
    assert caught.value.start == start


@pytest.mark.parametrize("text", ["(" * 50_000, "!" * 50_000, "f(" * 50_000, "a[" * 9_000, "a==b" * 5_000])
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.id == "expression/too-deep"


def test_depth_as_github_allows_it_is_read() -> None:
    nested = "(" * (MAX_DEPTH - 1) + "a" + ")" * (MAX_DEPTH - 1)
    assert isinstance(parse(nested), Context)


def test_long_chains_are_flat() -> None:
    node = parse(" || ".join(["a"] * 3_000))
    assert isinstance(node, Logic)
    assert len(node.operands) == 3_000


def test_length_is_bounded() -> None:
    with pytest.raises(ExpressionError, match="longer than"):
        parse("a" * 30_000)


def test_expressions_in_a_text() -> None:
    text = "x ${{ format('}}{0}', a) }} y ${{b}} ${{ (c }} ${{ d"
    first, second, third, last = find(text)
    assert text[first.start : first.end] == "${{ format('}}{0}', a) }}"
    assert isinstance(first.tree, Call)
    assert text[first.inner + first.tree.start : first.inner + first.tree.end] == "format('}}{0}', a)"
    assert isinstance(second.tree, Context)
    assert third.error is not None
    assert third.error.message.startswith("the expression ends too early")
    assert last.error is not None
    assert last.end == len(text)


def test_one_that_is_too_deep_costs_no_other() -> None:
    deep = "${{ " + "(" * 60 + "a" + ")" * 60 + " }}"
    before, middle, after = find("${{ github.sha }}" + deep + "${{ github.head_ref }}")
    assert before.tree is not None
    assert middle.error is not None
    assert middle.error.id == "expression/too-deep"
    assert after.tree is not None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("false", False),
        ("${{ false }}", False),
        (" ${{ true }}\n", True),
        ("github.ref == 'x'", None),
        ("${{ false }} && true", True),  # text around it makes a string, which is true
        ("|${{ false }}", True),
    ],
)
def test_conditions_with_and_without_braces(text: str, value: bool | None) -> None:
    assert truth(parse_condition(text)) is value


def test_masks_keep_places() -> None:
    text = "a ${{ b\n }} c '${{ d }}'"
    masked = mask(text)
    assert masked == "a _____\n___ c '________'"
    assert len(masked) == len(text)


_expressions = st.recursive(
    st.sampled_from(["github.head_ref", "inputs['a']", "matrix.*.x", "1", "'s''q }}'", "true", "null", "needs.a[0]"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||", "==", "<"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda e: f"!({e})"),
        inner.map(lambda e: f"format('{{0}}', {e})"),
        inner.map(lambda e: f"fromJSON({e}).x"),
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(_expressions)
def test_what_is_well_formed_is_read_and_found_again(text: str) -> None:
    whole = parse(text)
    assert (whole.start, whole.end) == (0, len(text))
    (embedded,) = find("before ${{" + text + "}} after")
    assert embedded.tree == whole
    for flow in flows(whole):
        assert _at(whole, text, flow.path)


def _at(whole: Node, text: str, path: tuple[str, ...]) -> bool:
    return any(context.path == path and text[context.start : context.end] for context in references(whole))


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="abc.*[](),!&|=<>'\" 0123${}#\n-_", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    found_or_refused: Node | ExpressionError
    try:
        found_or_refused = parse(text)
    except ExpressionError as error:
        found_or_refused = error
    assert 0 <= found_or_refused.start <= found_or_refused.end <= len(text)
    found = find(text)
    assert all(text.startswith("${{", each.start) for each in found)
    assert [each.start for each in found] == sorted(each.start for each in found)
