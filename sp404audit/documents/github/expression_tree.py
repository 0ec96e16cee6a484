"""The tree of an expression, what may flow out of it, and whether its text alone decides it."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.records import NamedTuple

__all__ = [
    "ANY",
    "Call",
    "Comparison",
    "Context",
    "Flow",
    "Literal",
    "Logic",
    "Node",
    "Not",
    "Select",
    "children",
    "flows",
    "references",
    "truth",
    "walk",
]

ANY = "*"
"""The path step of an object filter (`.*`) and of an index that is not known statically."""


_BOOLEAN_FUNCTIONS = frozenset({"contains", "startswith", "endswith", "success", "always", "cancelled", "failure"})


class Literal(NamedTuple):
    """`null`, a boolean, a number or a string."""

    value: bool | float | str | None
    start: int
    end: int


class Context(NamedTuple):
    """A value that GitHub provides: `github.event.issue['title']` has the path `("github", "event", "issue", "title")`.

    The path is in lower case; `ANY` stands for `.*` and for an index that is itself an expression, which is then among
    `indexes`.
    """

    path: tuple[str, ...]
    indexes: tuple[Node, ...]
    start: int
    end: int


class Select(NamedTuple):
    """A part of a computed value: `fromJSON(x).name`."""

    base: Node
    path: tuple[str, ...]
    indexes: tuple[Node, ...]
    start: int
    end: int


class Call(NamedTuple):
    """A function call; `name` is in lower case."""

    name: str
    arguments: tuple[Node, ...]
    start: int
    end: int


class Not(NamedTuple):
    """`!operand`."""

    operand: Node
    start: int
    end: int


class Comparison(NamedTuple):
    """`left == right` and the other five."""

    operator: str
    left: Node
    right: Node
    start: int
    end: int


class Logic(NamedTuple):
    """`a && b && c` or `a || b || c`: a chain of one operator."""

    operator: str
    operands: tuple[Node, ...]
    start: int
    end: int


Node = Literal | Context | Select | Call | Not | Comparison | Logic


class Flow(NamedTuple):
    """A context whose value may become part of an expression's value as text.

    `whole` is true where everything below the path comes along, as in `toJSON(github.event)`; otherwise an object
    becomes no more than the word "Object".
    """

    path: tuple[str, ...]
    whole: bool
    start: int
    end: int


def flows(node: Node) -> Iterator[Flow]:
    """Yield the contexts whose text can be in the result of an expression.

    Comparisons, `!` and the functions that answer yes or no let no text through; of `a && b` only `b` can be a text
    that is not empty; `case(…)` chooses among its values by its conditions. A function that is not known lets all of
    its arguments through.
    """
    stack: list[tuple[Node, bool]] = [(node, False)]
    while stack:
        node, whole = stack.pop()
        if isinstance(node, Context):
            yield Flow(node.path, whole, node.start, node.end)
        elif isinstance(node, Select):
            stack.append((node.base, True))
        elif isinstance(node, Logic):
            operands = node.operands[-1:] if node.operator == "&&" else reversed(node.operands)
            stack.extend((operand, whole) for operand in operands)
        elif isinstance(node, Call):
            whole = whole or node.name == "tojson"
            stack.extend((argument, whole) for argument in reversed(_passing(node)))


def _passing(call: Call) -> tuple[Node, ...]:
    """Return the arguments whose text can be in what the call returns."""
    if call.name in _BOOLEAN_FUNCTIONS or call.name == "hashfiles":
        return ()
    if call.name == "case":
        # case(condition, value, condition, value, …, otherwise)
        return call.arguments[1::2] + (call.arguments[-1:] if len(call.arguments) % 2 else ())
    return call.arguments


def children(node: Node) -> tuple[Node, ...]:
    """Return the direct parts of a node."""
    if isinstance(node, Context):
        return node.indexes
    if isinstance(node, Select):
        return (node.base, *node.indexes)
    if isinstance(node, Call):
        return node.arguments
    if isinstance(node, Not):
        return (node.operand,)
    if isinstance(node, Comparison):
        return (node.left, node.right)
    if isinstance(node, Logic):
        return node.operands
    return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, in the order of the text."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def references(node: Node) -> Iterator[Context]:
    """Yield every context that the expression reads, whether or not its value shows in the result."""
    for part in walk(node):
        if isinstance(part, Context):
            yield part


def truth(node: Node) -> bool | None:
    """Tell whether a condition is always true or always false; None where that depends on the run."""
    if isinstance(node, Literal):
        value = node.value
        return bool(value) and value == value
    if isinstance(node, Not):
        inner = truth(node.operand)
        return None if inner is None else not inner
    if isinstance(node, Logic):
        settles = node.operator == "||"
        values = {truth(operand) for operand in node.operands}
        if settles in values:
            return settles
        return None if None in values else not settles
    if isinstance(node, Comparison) and node.operator in ("==", "!="):
        return _equal(node)
    return None


def _equal(node: Comparison) -> bool | None:
    """Compare two literals of one type; strings know no case."""
    if not isinstance(node.left, Literal) or not isinstance(node.right, Literal):
        return None
    left, right = node.left.value, node.right.value
    if type(left) is not type(right):
        return None
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.lower(), right.lower()
    return (left == right) is (node.operator == "==")
