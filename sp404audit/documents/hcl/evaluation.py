"""What an HCL expression is worth: known, partly known, or unknown – never guessed.

A value is null, a boolean, a number, a string, a tuple, a dict with string keys, or one of

- `UNKNOWN`: only a run would tell;
- `Text`: a string of which parts are unknown;
- `Symbol`: what a resource or a module from elsewhere will have made, by its address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol, TypeGuard, cast

from sp404audit.documents.hcl.reader import Expression
from sp404audit.records import NamedTuple

__all__ = [
    "UNKNOWN",
    "EvaluationError",
    "Evaluator",
    "Names",
    "Scope",
    "Symbol",
    "Text",
    "Unknown",
    "Value",
    "is_known",
    "step",
]

MAX_EVALUATION_DEPTH = 100
MAX_STEPS = 50_000
"""How many nodes are looked at for one answer."""
MAX_ALL_STEPS = 1_500_000
"""How many nodes are looked at for all answers that share a budget."""
MAX_TEXT = 65_536
MAX_NUMBER = 1e30
MAX_ITEMS = 4_096
MAX_WEIGHT = 20_000
"""How many values a list or object may hold in all; what is named twice in it counts twice."""


class Unknown:
    """The type of `UNKNOWN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


class Text(NamedTuple):
    """A string of which parts are unknown: those are None."""

    parts: tuple[str | None, ...]

    @property
    def pattern(self) -> str:
        """The string with `*` for each unknown part."""
        return "".join("*" if part is None else part for part in self.parts)


class Symbol(NamedTuple):
    """Something that a resource, a data source or a module from elsewhere yields.

    Attributes:
        folder: the module's folder in which it is declared.
        address: `aws_s3_bucket.logs`, `data.aws_s3_bucket.logs` or `module.storage`.
        key: the instance: a number or string, `*` for all or each of them, None when there is one.
        path: the attributes that were asked of it, `("id",)`.
    """

    folder: str
    address: str
    key: str | int | None = None
    path: tuple[str, ...] = ()


Value = object
Names = Mapping[str, Value]


class EvaluationError(Exception):
    """The expression fails when it is run, as far as can be known: an index out of range, a missing key."""


class Scope(Protocol):
    """Where names get their values."""

    def look_up(self, name: str, steps: tuple[Expression, ...], evaluator: Evaluator, names: Names) -> Value:
        """Return the value of `name` followed by `steps`."""

    def configured(self, symbol: Symbol) -> Value:
        """Return what the configuration itself says a symbol is worth: a bucket's literal name, say."""


def is_list(value: Value) -> TypeGuard[tuple[Value, ...]]:
    """Tell whether a value is a list, tuple or set; `Text` and `Symbol` are tuples only to Python."""
    return type(value) is tuple


def is_known(value: Value) -> bool:
    """Tell whether every part of a value is known."""
    pending = [value]
    while pending:
        item = pending.pop()
        if item is UNKNOWN or isinstance(item, Text | Symbol):
            return False
        if is_list(item):
            pending.extend(item)
        elif isinstance(item, dict):
            pending.extend(item.values())
    return True


def bounded(value: Value) -> Value:
    """Return the value, or `UNKNOWN` when it holds more than `MAX_WEIGHT` values."""
    pending, weight = [value], 0
    while pending:
        item = pending.pop()
        if is_list(item):
            pending.extend(item)
        elif isinstance(item, dict):
            pending.extend(item.values())
        weight += 1
        if weight + len(pending) > MAX_WEIGHT:
            return UNKNOWN
    return value


def step(value: Value, key: Value) -> Value:
    """Return `value[key]` or `value.key`.

    Raises:
        EvaluationError: when the value is known and has no such part.
    """
    if value is UNKNOWN or isinstance(value, Text) or key is UNKNOWN or isinstance(key, Text):
        return _symbol_step(value, "*") if isinstance(value, Symbol) else UNKNOWN
    if isinstance(value, Symbol):
        return _symbol_step(value, key)
    if isinstance(value, dict):
        name = str(key) if isinstance(key, int) and not isinstance(key, bool) else key
        if isinstance(name, str) and name in value:
            return value[name]
        raise EvaluationError(f"no {name!r} in the object")
    if is_list(value):
        if isinstance(key, str) and key.isdecimal() and len(key) < 9:
            key = int(key)
        if isinstance(key, int) and not isinstance(key, bool) and 0 <= key < len(value):
            return value[key]
        raise EvaluationError("index out of range")
    raise EvaluationError("no parts to ask for")


def _symbol_step(symbol: Symbol, key: Value) -> Symbol:
    if not symbol.path and symbol.key is None and isinstance(key, int | Symbol):
        return symbol._replace(key=key if isinstance(key, int) else "*")
    if isinstance(key, str | int):
        return symbol._replace(path=(*symbol.path, str(key)))
    return symbol


class Budget:
    """What evaluators that ask each other may use up together."""

    __slots__ = ("all_steps", "depth", "steps")

    def __init__(self) -> None:
        self.depth = 0
        self.steps = 0
        self.all_steps = 0

    def is_used_up(self) -> bool:
        """Count one more step, and tell whether it is one too many."""
        self.steps += 1
        self.all_steps += 1
        return self.depth >= MAX_EVALUATION_DEPTH or self.steps > MAX_STEPS or self.all_steps > MAX_ALL_STEPS


class Evaluator:
    """Evaluates the expressions of one scope within a budget; beyond it everything is unknown."""

    def __init__(self, scope: Scope, budget: Budget | None = None) -> None:
        self.scope = scope
        self.budget = Budget() if budget is None else budget

    def value(self, expression: Expression, names: Names | None = None) -> Value:
        """Return the value; one that fails is unknown."""
        if self.budget.depth == 0:
            self.budget.steps = 0
        try:
            return self.evaluate(expression, {} if names is None else names)
        except EvaluationError:
            return UNKNOWN

    def evaluate(self, expression: Expression, names: Names) -> Value:
        """Return the value.

        Raises:
            EvaluationError: the expression is known to fail.
        """
        if expression.kind == "literal":
            return expression.value
        if self.budget.is_used_up():
            return UNKNOWN
        evaluate = getattr(self, f"on_{expression.kind}", None)
        if evaluate is None:
            return UNKNOWN
        self.budget.depth += 1
        try:
            return cast("Value", evaluate(expression, names))
        finally:
            self.budget.depth -= 1

    def follow(self, value: Value, steps: tuple[Expression, ...], names: Names) -> Value:
        """Apply the steps of a reference to a value."""
        for index, taken in enumerate(steps):
            if taken.kind == "splat":
                return self._splat(value, steps[index + 1 :], names)
            key = taken.value if taken.kind == "attribute" else self.evaluate(taken.parts[0], names)
            if isinstance(value, Symbol) and not value.path and value.key is None and taken.kind == "index":
                value = value._replace(key=key if isinstance(key, str | int) else "*")
            else:
                value = step(value, key)
        return value

    def _splat(self, value: Value, rest: tuple[Expression, ...], names: Names) -> Value:
        if value is UNKNOWN or isinstance(value, Text):
            return UNKNOWN
        if isinstance(value, Symbol):
            if not value.path and value.key is None:
                value = value._replace(key="*")
            return self.follow(value, rest, names)
        items = value if is_list(value) else () if value is None else (value,)
        return tuple(self.follow(item, rest, names) for item in items)

    # -- one method for each kind of node, found by its name

    def on_template(self, expression: Expression, names: Names) -> Value:
        """Join the pieces; a template of one expression is that expression."""
        if len(expression.parts) == 1:
            return self.evaluate(expression.parts[0], names)
        parts: list[str | None] = []
        size = 0
        for part in expression.parts:
            value = self.evaluate(part, names)
            if isinstance(value, Symbol):
                value = self.scope.configured(value)
            pieces = value.parts if isinstance(value, Text) else (as_text(value),)
            parts.extend(pieces)
            size += sum(len(piece) for piece in pieces if piece)
            if size > MAX_TEXT:
                return UNKNOWN
        return joined(parts)

    def on_list(self, expression: Expression, names: Names) -> Value:
        """A tuple of the elements."""
        return bounded(tuple(self.evaluate(part, names) for part in expression.parts[:MAX_ITEMS]))

    def on_object(self, expression: Expression, names: Names) -> Value:
        """A dict; a plain name is a key as it stands."""
        found: dict[str, Value] = {}
        for key, value in zip(expression.parts[::2], expression.parts[1::2], strict=False):
            name = key.value if key.kind == "name" and not key.parts and not self._in_parentheses(key) else None
            name = name if isinstance(name, str) else as_text(self.evaluate(key, names))
            if name is None:
                return UNKNOWN
            found[name] = self.evaluate(value, names)
        return bounded(found)

    @staticmethod
    def _in_parentheses(key: Expression) -> bool:
        return isinstance(key.value, str) and key.end - key.start != len(key.value)

    def on_name(self, expression: Expression, names: Names) -> Value:
        """A name of the expression itself, or of the scope."""
        name = cast(str, expression.value)
        if name in names:
            return self.follow(names[name], expression.parts, names)
        return self.scope.look_up(name, expression.parts, self, names)

    def on_access(self, expression: Expression, names: Names) -> Value:
        """Steps from a value that is no name."""
        return self.follow(self.evaluate(expression.parts[0], names), expression.parts[1:], names)

    def on_call(self, expression: Expression, names: Names) -> Value:
        """A function."""
        from sp404audit.documents.hcl.functions import call

        return bounded(call(cast(str, expression.value), expression.parts, self, names))

    def on_conditional(self, expression: Expression, names: Names) -> Value:
        """One branch, or what both agree on."""
        condition, then, otherwise = expression.parts
        chosen = as_bool(self.evaluate(condition, names))
        if chosen is not None:
            return self.evaluate(then if chosen else otherwise, names)
        first, second = self.value(then, names), self.value(otherwise, names)
        return first if first == second and is_known(first) else UNKNOWN

    def on_operation(self, expression: Expression, names: Names) -> Value:
        """Operators, from left to right."""
        operators = cast(str, expression.value).split()
        if len(expression.parts) == 1:
            return _unary(operators[0], self.evaluate(expression.parts[0], names))
        if operators[0] in ("&&", "||"):
            return self._logic(operators[0], expression.parts, names)
        operators *= len(expression.parts) - 1 if len(operators) == 1 else 1
        value = self.evaluate(expression.parts[0], names)
        for operator, part in zip(operators, expression.parts[1:], strict=False):
            value = _binary(operator, value, self.evaluate(part, names))
        return value

    def _logic(self, operator: str, parts: tuple[Expression, ...], names: Names) -> Value:
        """One operand decides, if it is known, whatever the others are worth."""
        decisive = operator == "||"
        values = [as_bool(self.value(part, names)) for part in parts]
        if decisive in values:
            return decisive
        return UNKNOWN if None in values else not decisive

    def on_for(self, expression: Expression, names: Names) -> Value:
        """A tuple of the results."""
        collection = self.evaluate(expression.parts[0], names)
        if isinstance(collection, Symbol):
            return self._for_each_instance(expression, collection, names)
        pairs = _pairs(collection)
        if pairs is None:
            return UNKNOWN
        result, condition = expression.parts[1], expression.parts[2:]
        found: list[Value] = []
        for key, value in pairs:
            inner = _with(names, cast(str, expression.value), key, value)
            wanted = as_bool(self.evaluate(condition[0], inner)) if condition else True
            if wanted is None:
                return UNKNOWN
            if wanted:
                found.append(self.evaluate(result, inner))
        return bounded(tuple(found))

    def on_for_object(self, expression: Expression, names: Names) -> Value:
        """A dict of the results."""
        collection = self.evaluate(expression.parts[0], names)
        if isinstance(collection, Symbol):
            return self._for_each_instance(expression, collection, names)
        pairs = _pairs(collection)
        if pairs is None:
            return UNKNOWN
        _, key_part, result, *condition = expression.parts
        found: dict[str, Value] = {}
        for key, value in pairs:
            inner = _with(names, cast(str, expression.value), key, value)
            wanted = as_bool(self.evaluate(condition[0], inner)) if condition else True
            name = as_text(self.evaluate(key_part, inner))
            if wanted is None or name is None:
                return UNKNOWN
            if wanted and expression.kind == "for_group":
                found[name] = (*cast("tuple[Value, ...]", found.get(name, ())), self.evaluate(result, inner))
            elif wanted:
                found[name] = self.evaluate(result, inner)
        return bounded(found)

    on_for_group = on_for_object

    def _for_each_instance(self, expression: Expression, collection: Symbol, names: Names) -> Value:
        """The instances of a resource, or an attribute of each, when all of them are taken as they are."""
        result, *condition = expression.parts[1 if expression.kind == "for" else 2 :]
        if condition or collection.path or expression.kind == "for_group":
            return UNKNOWN
        instance = collection._replace(key="*")
        value = self.evaluate(result, _with(names, cast(str, expression.value), UNKNOWN, instance))
        return value if isinstance(value, Symbol) and value[:3] == instance[:3] else UNKNOWN

    def on_for_template(self, expression: Expression, names: Names) -> Value:
        """The text of the body, once for each element."""
        pairs = _pairs(self.evaluate(expression.parts[0], names))
        if pairs is None:
            return Text((None,))
        parts: list[str | None] = []
        for key, value in pairs:
            inner = _with(names, cast(str, expression.value), key, value)
            body = self.evaluate(expression.parts[1], inner)
            parts.extend(body.parts if isinstance(body, Text) else (as_text(body),))
        return joined(parts)


def joined(parts: list[str | None]) -> Value:
    """Make one string of pieces, of which None is unknown."""
    if None not in parts:
        text = "".join(cast("list[str]", parts))
        return text if len(text) <= MAX_TEXT else UNKNOWN
    merged: list[str | None] = []
    for part in parts:
        if merged and (part is None) == (merged[-1] is None):
            merged[-1] = None if part is None else cast(str, merged[-1]) + part
        elif part != "":
            merged.append(part)
    return Text(tuple(merged))


def as_text(value: Value) -> str | None:
    """The string that Terraform makes of a value in a template; None when that is not known."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return None


def as_bool(value: Value) -> bool | None:
    """The truth of a value; None when it is not known."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def as_number(value: Value) -> int | float | None:
    """The number that a value stands for; None when it is not known or none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if abs(value) < MAX_NUMBER else None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}\.\d{1,18}", value):
        return float(value)
    return None


def _pairs(collection: Value) -> list[tuple[Value, Value]] | None:
    if is_list(collection):
        pairs: list[tuple[Value, Value]] = list(enumerate(collection))
        return pairs[:MAX_ITEMS]
    if isinstance(collection, dict):
        return [(key, collection[key]) for key in sorted(collection)[:MAX_ITEMS]]
    return None


def _with(names: Names, defined: str, key: Value, value: Value) -> Names:
    first, comma, second = defined.partition(",")
    return {**names, first: key, second: value} if comma else {**names, first: value}


def _unary(operator: str, value: Value) -> Value:
    if operator == "!":
        truth = as_bool(value)
        return UNKNOWN if truth is None else not truth
    number = as_number(value)
    return UNKNOWN if number is None else -number


def _binary(operator: str, left: Value, right: Value) -> Value:
    if operator in ("==", "!="):
        if not is_known(left) or not is_known(right):
            return UNKNOWN
        same = left == right and isinstance(left, bool) == isinstance(right, bool)
        return same if operator == "==" else not same
    first, second = as_number(left), as_number(right)
    if first is None or second is None:
        return UNKNOWN
    try:
        return _arithmetic(operator, first, second)
    except (ZeroDivisionError, OverflowError):
        raise EvaluationError("this cannot be calculated") from None


def _arithmetic(operator: str, left: float, right: float) -> Value:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        product = left * right
        return product if abs(product) < MAX_NUMBER else UNKNOWN
    if operator == "/":
        quotient = left / right
        return int(quotient) if quotient.is_integer() else quotient
    if operator == "%":
        return left % right
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[operator]
