from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.hcl.reader import Block, Expression, parse
from sp404audit.documents.hcl.reader import region as region_of
from sp404audit.documents.source import Problem, Source


def read(text: str) -> tuple[Block, list[Problem]]:
    return parse(Source("main.tf", text.encode()))


def value(text: str) -> Expression:
    body, problems = read(f"x = {text}\n")
    assert not problems, problems[0].message
    attribute = body.attribute("x")
    assert attribute is not None
    return attribute.value


def shape(expression: Expression) -> object:
    """The expression without its places, short enough to read."""
    parts = [shape(part) for part in expression.parts]
    if expression.kind == "literal":
        return expression.value
    return [expression.kind, *([expression.value] if expression.value is not None else []), *parts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"plain"', "plain"),
        ("true", True),
        ("null", None),
        ("12", 12),
        ("1.5e3", 1500.0),
        (r'"a\tb\"c\\ \u00e9"', 'a\tb"c\\ é'),
        ('"$${not} %%{this} $5 100%"', "${not} %{this} $5 100%"),
        ('""', ""),
        ("var.name", ["name", "var", ["attribute", "name"]]),
        ("a.b[0].c", ["name", "a", ["attribute", "b"], ["index", 0], ["attribute", "c"]]),
        ("a.b.0.c", ["name", "a", ["attribute", "b"], ["index", 0], ["attribute", "c"]]),
        ("a.b[*].c", ["name", "a", ["attribute", "b"], ["splat"], ["attribute", "c"]]),
        ("a.b.*.c", ["name", "a", ["attribute", "b"], ["splat"], ["attribute", "c"]]),
        ("f(1, g()..., )[0]", ["access", ["call", "f", 1, ["expand", ["call", "g"]]], ["index", 0]]),
        ("provider::aws::arn_parse(x)", ["call", "provider::aws::arn_parse", ["name", "x"]]),
        ("a ? b : c ? d : e", ["conditional", ["name", "a"], ["name", "b"],
                               ["conditional", ["name", "c"], ["name", "d"], ["name", "e"]]]),
        ("1 + 2 * 3", ["operation", "+", 1, ["operation", "*", 2, 3]]),
        ("a || b || c", ["operation", "||", ["name", "a"], ["name", "b"], ["name", "c"]]),
        ("1 - 2 + 3", ["operation", "- +", 1, 2, 3]),
        ("!a && -b == 1", ["operation", "&&", ["operation", "!", ["name", "a"]],
                           ["operation", "==", ["operation", "-", ["name", "b"]], 1]]),
        ("[1, 2,\n 3, # three\n]", ["list", 1, 2, 3]),
        ('{ a = 1, "b" : 2\n (c) = 3\n}', ["object", ["name", "a"], 1, "b", 2, ["name", "c"], 3]),
        ("[for k, v in m : v if v > 0]", ["for", "k,v", ["name", "m"], ["name", "v"],
                                          ["operation", ">", ["name", "v"], 0]]),
        ("{for v in m : v => v...}", ["for_group", "v", ["name", "m"], ["name", "v"], ["name", "v"]]),
        ('"a-${b}-c"', ["template", "a-", ["name", "b"], "-c"]),
        ('"${b}"', ["template", ["name", "b"]]),
        ('"x ${~ b ~} y"', ["template", "x", ["name", "b"], "y"]),
        ('"${"${"in"}ner"}"', "inner"),
        ('"%{ if a }yes%{ else }no%{ endif }"', ["template", ["conditional", ["name", "a"], "yes", "no"]]),
        ('"%{ for k, v in m }${k}%{ endfor }"', ["template", ["for_template", "k,v", ["name", "m"],
                                                              ["template", ["name", "k"]]]]),
        ("<<EOT\n  a\n${b}\nEOT", ["template", "  a\n", ["name", "b"], "\n"]),
        ("<<-EOT\n    a\n      b \"q\" \\n\n    EOT", 'a\n  b "q" \\n\n'),
        ("(\n 1\n +\n 2)", ["operation", "+", 1, 2]),
    ],
)  # fmt: skip
def test_expressions(text: str, expected: object) -> None:
    assert shape(value(text)) == expected


def test_everything_knows_its_place() -> None:
    text = 'resource "t" "é" {\n  tags = { a = "ü${var.x}" }\n  nested { on = true }\n}\n'
    source = Source("main.tf", text.encode())
    body, problems = parse(source)
    assert not problems
    (resource,) = body.blocks
    assert text[resource.start : resource.head] == 'resource "t" "é"'
    assert resource.labels == ("t", "é")
    reference = next(node for node in resource.attributes[0].value.walk() if node.value == "var")
    assert text[reference.start : reference.end] == "var.x"
    assert region_of(source.starts, reference.start, reference.end) == source.region(reference.start, reference.end)
    (nested,) = resource.nested("nested")
    assert text[nested.start : nested.end] == "nested { on = true }"


def test_comments_and_line_ends() -> None:
    body, problems = read('# a\r\n/* b\n c */ x = 1 // d\r\ny = 2 /* e */\r\n\r\nb "l" name {\r\n}\r\n')
    assert not problems
    assert [(attribute.name, attribute.value.value) for attribute in body.attributes] == [("x", 1), ("y", 2)]
    assert body.blocks[0].labels == ("l", "name")


def test_blocks_around_an_error_are_kept() -> None:
    body, problems = read('a "1" {\n  x = 1\n}\n\nb "2" {\n  y = = 3\n  z = 4\n}\n\nc "3" {\n  w = 5\n}\n')
    assert [problem.id for problem in problems] == ["hcl/syntax"]
    assert problems[0].region is not None
    assert problems[0].region[:2] == (6, 7)
    assert [(block.type, block.complete) for block in body.blocks] == [("a", True), ("b", False), ("c", True)]
    assert not body.complete


def test_a_missing_brace_costs_one_block() -> None:
    body, problems = read('resource "a" "b" {\n  x {\n    y = 1\n\nresource "c" "d" {\n  z = 1\n}\n')
    assert [(block.labels, block.complete) for block in body.blocks] == [(("a", "b"), False), (("c", "d"), True)]
    assert {problem.id for problem in problems} == {"hcl/syntax"}


@pytest.mark.parametrize(
    "text",
    [
        'a = "never closed\nb = 1\n',
        "a = <<EOT\nnever closed\n",
        "a = [1, 2\n",
        "}\n",
        "a = 1 /* never closed\n",
        'a = "${"\n',
        'a = "%{ if x }"\n',
        "a b c\n",
        "a = b.\n",
    ],
)
def test_errors_are_told(text: str) -> None:
    _, problems = read(text)
    assert problems
    assert all(problem.id == "hcl/syntax" and problem.region for problem in problems)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "(" * 20_000 + "1" + ")" * 20_000,
        "a = " + "[" * 20_000 + "]" * 20_000,
        "a = " + '"${' * 5_000 + "1" + '}"' * 5_000,
        "a = " + "!" * 20_000 + "x",
        "a = " + "1+" * 20_000 + "1",
        "a = " + "x ? 1 : " * 20_000 + "1",
        "a = x" + ".y[0]" * 20_000,
        'a = "' + "%{ if x }" * 5_000 + "%{ endif }" * 5_000 + '"',
    ],
)
def test_what_nests_too_deep_is_told_and_the_rest_is_read(text: str) -> None:
    body, problems = read(f"{text}\nb = 1\n")
    assert [problem.id for problem in problems] == ["hcl/too-deep"]
    assert [(attribute.name, attribute.value.kind) for attribute in body.attributes] == [
        ("a", "unknown"),
        ("b", "literal"),
    ]


@pytest.mark.parametrize(
    "unit", ["a {\n", "}\n", '"', "a = <<A\n", "/*", "a = [\n", 'a = "${', "a b ", "=", "a = 1 2\n"]
)
def test_hostile_files_take_linear_time(unit: str) -> None:
    text = unit * (300_000 // len(unit))
    begin = time.process_time()
    read(text)
    assert time.process_time() - begin < 3


_WORDS = st.sampled_from(
    ["a", "b1", "=", "{", "}", "[", "]", "(", ")", '"', "${", "%{", "if", "for", "in", ":", "?", "\n", " ", ".", "*", ",",  # noqa: E501
     "1", "<<E\n", "E", "#", "/*", "*/", "//", "\\", "$${", "~", "...", "=>", "true", "-", "é", "\r\n"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(_WORDS, max_size=40).map("".join))
def test_any_text_is_read_or_told(text: str) -> None:
    body, _ = read(text)
    size = len(text)
    for block in body.walk():
        assert 0 <= block.start <= block.head <= block.end <= size
        for attribute in block.attributes:
            assert all(0 <= node.start <= node.end <= size for node in attribute.value.walk())


_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda name: name not in ("true", "false", "null", "for")
)
_TEXTS = st.text(st.characters(exclude_characters='"\\$%\r', exclude_categories=["Cc", "Cs"]), max_size=8)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(_NAMES, st.one_of(_TEXTS, st.booleans(), st.integers(0, 10**9)), max_size=5))
def test_literals_come_back(values: dict[str, str | int | bool]) -> None:
    lines = [
        f"{name} = {str(item).lower() if not isinstance(item, str) else chr(34) + item + chr(34)}"
        for name, item in values.items()
    ]
    body, problems = read("b {\n" + "\n".join(lines) + "\n}\n")
    assert not problems
    assert {attribute.name: attribute.value.value for attribute in body.blocks[0].attributes} == values
