"""What a computed number can be."""

from __future__ import annotations

import pytest

from sp404audit.documents.github.matrix import Matrix
from sp404audit.documents.github.numbers import possible_numbers
from sp404audit.documents.source import Source
from sp404audit.documents.yaml_tree import Mapping, Scalar, parse


def numbers(value: str, matrix: str = "{}") -> list[float] | None:
    (root,) = parse(Source("w.yml", f"value: {value}\nmatrix: {matrix}\n".encode()))
    assert isinstance(root, Mapping)
    scalar, axes = root.get("value"), root.get("matrix")
    assert isinstance(scalar, Scalar)
    assert axes is not None
    found = possible_numbers(scalar, Matrix(axes))
    return None if found is None else sorted(found)


@pytest.mark.parametrize(
    ("value", "matrix", "expected"),
    [
        ("5", "{}", [5]),
        ("${{ 5.5 }}", "{}", [5.5]),
        ("${{ a.b && 5 || 7 }}", "{}", [5, 7]),
        ("${{ matrix.m }}", "{m: [1, 2]}", [1, 2]),
        ("${{ matrix.a.m }}", "{a: [{m: 1}, {m: 2}]}", [1, 2]),
        ("${{ fromJSON(matrix.m) }}", "{m: [3]}", [3]),
        ("${{ matrix.m }}", "{os: [x, y], include: [{os: x, m: 4}]}", None),
        ("${{ matrix.m || 9 }}", "{os: [x, y], include: [{os: x, m: 4}]}", [4, 9]),
        ("${{ matrix.m }}", "{m: '${{ fromJSON(needs.a.outputs.m) }}'}", None),
        ("${{ matrix.m }}", "{m: [soon]}", None),
        ("${{ matrix }}", "{m: [1]}", None),
        ("${{ inputs.m }}", "{}", None),
        ("${{ 5 }}0", "{}", None),
        ("${{ 5 }}${{ 5 }}", "{}", None),
        ("${{ 5", "{}", None),
        ("${{ }}", "{}", None),
        ("true", "{}", None),
    ],
)
def test_numbers(value: str, matrix: str, expected: list[float] | None) -> None:
    assert numbers(value, matrix) == expected
