"""The numbers that a setting of a job can be, where the file alone decides: `${{ matrix.minutes || 30 }}`."""

from __future__ import annotations

from sp404audit.documents.github.expression import find
from sp404audit.documents.github.expression_tree import Call, Context, Literal, Logic, Node
from sp404audit.documents.github.matrix import Combination, Matrix, descend
from sp404audit.documents.yaml_tree import Scalar

__all__ = ["possible_numbers"]


def possible_numbers(value: Scalar, matrix: Matrix | None) -> list[float] | None:
    """Return every number that a value can be.

    Followed are literals, what `&&` and `||` choose between, `fromJSON` and values of the job's own matrix.

    Args:
        value: a number, or one expression.
        matrix: of the job that the value belongs to.

    Returns:
        The numbers; None when something else decides, or when it can be no number at all.
    """
    if not value.value.lstrip().startswith("${{"):
        return _numbers([value])
    expressions = find(value.value)
    if len(expressions) != 1:
        return None
    (expression,) = expressions
    whole = value.value.strip() == value.value[expression.start : expression.end]
    if expression.tree is None or not whole:
        return None
    combinations = matrix.combinations() if matrix is not None and "matrix" in value.value.lower() else None
    return _chosen(expression.tree, combinations or [])


def _chosen(tree: Node, combinations: list[Combination]) -> list[float] | None:
    """Return what an expression chooses among, given the jobs of the matrix."""
    found: list[float] = []
    stack: list[tuple[Node, bool]] = [(tree, False)]
    while stack:
        node, has_default = stack.pop()
        if isinstance(node, Logic) and node.operator == "&&":
            stack.append((node.operands[-1], has_default))
        elif isinstance(node, Logic):
            stack += [(one, True) for one in node.operands[:-1]] + [(node.operands[-1], has_default)]
        elif isinstance(node, Call) and node.name == "fromjson" and len(node.arguments) == 1:
            stack.append((node.arguments[0], has_default))
        else:
            numbers = _of_leaf(node, combinations, has_default=has_default)
            if numbers is None:
                return None
            found += numbers
    return found


def _of_leaf(node: Node, combinations: list[Combination], *, has_default: bool) -> list[float] | None:
    if isinstance(node, Literal):
        text = str(node.value)
        return [float(text)] if len(text) < 20 and text.replace(".", "", 1).isdecimal() else None
    if not isinstance(node, Context) or node.path[0] != "matrix" or len(node.path) < 2 or not combinations:
        return None
    path = node.path[1:]
    given = [descend(one[path[0]], path[1:]) if path[0] in one else [] for one in combinations]
    if not has_default and not all(given):
        return None
    return _numbers([scalar for scalars in given for scalar in scalars])


def _numbers(scalars: list[Scalar]) -> list[float] | None:
    numbers = [scalar.resolved for scalar in scalars]
    found = [float(one) for one in numbers if isinstance(one, int | float) and not isinstance(one, bool)]
    return found if len(found) == len(numbers) else None
