"""Terraform's functions, as far as they depend on nothing but their arguments.

Names and behaviour: https://developer.hashicorp.com/terraform/language/functions
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from sp404audit.documents.hcl.evaluation import (
    MAX_ITEMS,
    MAX_TEXT,
    UNKNOWN,
    EvaluationError,
    Evaluator,
    Names,
    Symbol,
    Text,
    Value,
    as_bool,
    as_number,
    as_text,
    is_known,
    is_list,
    joined,
    step,
)
from sp404audit.documents.hcl.reader import Expression

__all__ = ["call"]

Function = Callable[[tuple[Value, ...]], Value]


def call(name: str, arguments: tuple[Expression, ...], evaluator: Evaluator, names: Names) -> Value:
    """Evaluate a call; unknown functions, and those that read clocks, files or chance, are unknown.

    Raises:
        EvaluationError: the call is known to fail.
    """
    name = name.removeprefix("core::")
    if name in ("try", "can"):
        return _try(name, arguments, evaluator, names)
    values: list[Value] = []
    for argument in arguments:
        if argument.kind == "expand":
            spread = evaluator.evaluate(argument.parts[0], names)
            if not is_list(spread):
                return UNKNOWN
            values.extend(spread)
        else:
            values.append(evaluator.evaluate(argument, names))
    function = _FUNCTIONS.get(name)
    if function is None:
        return UNKNOWN
    try:
        return function(tuple(values))
    except (IndexError, TypeError, ValueError, KeyError, AttributeError):
        return UNKNOWN  # arguments of a kind that the function does not take


def _try(name: str, arguments: tuple[Expression, ...], evaluator: Evaluator, names: Names) -> Value:
    """The first argument that does not fail; one that is unknown may fail or not."""
    for argument in arguments:
        try:
            value = evaluator.evaluate(argument, names)
        except EvaluationError:
            continue
        if name == "can":
            return UNKNOWN if value is UNKNOWN else True
        return value
    if name == "can":
        return False
    raise EvaluationError("every argument of try fails")


def _first_known(values: tuple[Value, ...]) -> Value:
    for value in values:
        if value is UNKNOWN:
            return UNKNOWN
        if value is not None and value != "":
            return value
    raise EvaluationError("coalesce without a value")


def _merge(values: tuple[Value, ...]) -> Value:
    merged: dict[str, Value] = {}
    for value in values:
        if value is None:
            continue
        if not isinstance(value, dict):
            return UNKNOWN
        merged.update(value)
    return merged


def _concat(values: tuple[Value, ...]) -> Value:
    if all(is_list(value) for value in values):
        return tuple(item for value in values for item in cast("tuple[Value, ...]", value))[:MAX_ITEMS]
    return _only_symbol(values)


def _only_symbol(values: tuple[Value, ...]) -> Value:
    """Instances of one resource, with nothing else that is known, are that resource's."""
    symbols = {value for value in values if isinstance(value, Symbol)}
    rest = [value for value in values if not isinstance(value, Symbol) and value not in ((), "", None, ("",), (None,))]
    return symbols.pop() if len(symbols) == 1 and not rest else UNKNOWN


def _join(values: tuple[Value, ...]) -> Value:
    separator, *lists = values
    if len(lists) == 1 and isinstance(lists[0], Symbol):
        return lists[0]
    if not isinstance(separator, str):
        return UNKNOWN
    parts: list[str | None] = []
    for items in lists:
        if not is_list(items):
            return UNKNOWN
        if len(items) == 1 and isinstance(items[0], Symbol):
            return items[0]
        for item in items:
            parts.extend([separator] if parts else [])
            parts.extend(item.parts if isinstance(item, Text) else (as_text(item),))
    return joined(parts)


def _one(values: tuple[Value, ...]) -> Value:
    items = values[0]
    if is_list(items):
        if len(items) > 1:
            raise EvaluationError("one() of several")
        return items[0] if items else None
    return items if isinstance(items, Symbol) else UNKNOWN


def _element(values: tuple[Value, ...]) -> Value:
    items, index = values
    if isinstance(items, Symbol):
        return items
    if is_list(items) and isinstance(index, int) and items:
        return items[index % len(items)]
    return UNKNOWN


def _lookup(values: tuple[Value, ...]) -> Value:
    try:
        return step(values[0], values[1])
    except EvaluationError:
        if len(values) > 2:
            return values[2]
        raise


def _format(values: tuple[Value, ...]) -> Value:
    """The verbs %s, %d, %v and %q without flags; anything else makes the rest unknown."""
    pattern, *arguments = values
    if not isinstance(pattern, str):
        return UNKNOWN
    parts: list[str | None] = []
    for piece in re.split(r"(%[sdvq%])", pattern):
        if piece == "%%":
            parts.append("%")
        elif piece in ("%s", "%d", "%v", "%q"):
            value = arguments.pop(0)
            text = list(value.parts) if isinstance(value, Text) else [as_text(value)]
            parts.extend(['"', *text, '"'] if piece == "%q" else text)
        elif "%" in piece:
            parts.append(None)
        else:
            parts.append(piece)
    return joined(parts)


def _flatten(values: tuple[Value, ...]) -> Value:
    found: list[Value] = []
    pending = [values[0]]
    while pending:
        item = pending.pop()
        if is_list(item):
            pending.extend(reversed(item))
        elif item is UNKNOWN:
            return UNKNOWN
        else:
            found.append(item)
        if len(pending) > MAX_ITEMS or len(found) > MAX_ITEMS:
            return UNKNOWN
    return tuple(found)


def _distinct(values: tuple[Value, ...]) -> Value:
    items = values[0]
    if isinstance(items, Symbol):
        return items
    if not is_list(items) or not all(isinstance(item, Symbol) or is_known(item) for item in items):
        return UNKNOWN
    found: list[Value] = []
    for item in items:
        if item not in found:
            found.append(item)
    return tuple(found)


def _as_set(values: tuple[Value, ...]) -> Value:
    """A set; its members as they are when some are unknown, since two of them may be one."""
    items = _distinct(values)
    return tuple(sorted(items, key=str)) if is_list(items) and all(isinstance(item, str) for item in items) else items


def _length(values: tuple[Value, ...]) -> Value:
    value = values[0]
    return len(value) if (is_list(value) or isinstance(value, dict | str)) else UNKNOWN


def _contains(values: tuple[Value, ...]) -> Value:
    items, wanted = values
    if not is_list(items) or not is_known(wanted):
        return UNKNOWN
    if wanted in items:
        return True
    return False if is_known(items) else UNKNOWN


def _keys(values: tuple[Value, ...]) -> Value:
    return tuple(sorted(values[0])) if isinstance(values[0], dict) else UNKNOWN


def _values(values: tuple[Value, ...]) -> Value:
    if isinstance(values[0], Symbol):
        return values[0]._replace(key="*") if not values[0].path else values[0]
    return tuple(value for _, value in sorted(values[0].items())) if isinstance(values[0], dict) else UNKNOWN


def _zipmap(values: tuple[Value, ...]) -> Value:
    keys, items = values
    if is_list(keys) and is_list(items) and all(isinstance(key, str) for key in keys):
        return dict(zip(cast("tuple[str, ...]", keys), items, strict=False))
    return UNKNOWN


def _replace(values: tuple[Value, ...]) -> Value:
    text, old, new = (cast(str, value) for value in values)
    if not all(isinstance(value, str) for value in values) or (len(old) > 1 and old[0] == old[-1] == "/"):
        return UNKNOWN  # between slashes it is a regular expression
    replaced = text.replace(old, new) if old else text
    return replaced if len(replaced) <= MAX_TEXT else UNKNOWN


def _split(values: tuple[Value, ...]) -> Value:
    separator, text = values
    if isinstance(separator, str) and isinstance(text, str) and separator:
        return tuple(text.split(separator)[:MAX_ITEMS])
    return UNKNOWN


def _substr(values: tuple[Value, ...]) -> Value:
    text, offset, length = values
    if isinstance(text, str) and isinstance(offset, int) and isinstance(length, int):
        rest = text[offset:]
        return rest if length < 0 else rest[:length]
    return UNKNOWN


def _text_function(function: Callable[[str], str]) -> Function:
    def apply(values: tuple[Value, ...]) -> Value:
        value = values[0]
        if isinstance(value, Text):
            return Text(tuple(None if part is None else function(part) for part in value.parts))
        return function(value) if isinstance(value, str) else UNKNOWN

    return apply


def _two_texts(function: Callable[[str, str], Value]) -> Function:
    def apply(values: tuple[Value, ...]) -> Value:
        first, second = values
        return function(first, second) if isinstance(first, str) and isinstance(second, str) else UNKNOWN

    return apply


def _json(values: tuple[Value, ...]) -> Value:
    if not is_known(values[0]):
        return UNKNOWN
    import json

    text = json.dumps(values[0], separators=(",", ":"), sort_keys=True)
    return text if len(text) <= MAX_TEXT else UNKNOWN


def _to_text(values: tuple[Value, ...]) -> Value:
    value = values[0]
    if value is None or isinstance(value, Text | Symbol):
        return value
    text = as_text(value)
    return UNKNOWN if text is None else text


def _known(value: Value | None) -> Value:
    return UNKNOWN if value is None else value


def _extreme(choose: Callable[[list[int | float]], Value]) -> Function:
    def apply(values: tuple[Value, ...]) -> Value:
        numbers = [as_number(value) for value in values]
        return UNKNOWN if None in numbers else choose(cast("list[int | float]", numbers))

    return apply


def _same(values: tuple[Value, ...]) -> Value:
    return values[0]


_FUNCTIONS: dict[str, Function] = {
    "abs": lambda values: UNKNOWN if as_number(values[0]) is None else abs(cast(int, as_number(values[0]))),
    "coalesce": _first_known,
    "compact": lambda values: (
        tuple(item for item in values[0] if item not in ("", None))
        if is_list(values[0]) and is_known(values[0])
        else _only_symbol(values)
    ),
    "concat": _concat,
    "contains": _contains,
    "distinct": _distinct,
    "element": _element,
    "endswith": _two_texts(str.endswith),
    "flatten": _flatten,
    "format": _format,
    "join": _join,
    "jsonencode": _json,
    "keys": _keys,
    "length": _length,
    "lookup": _lookup,
    "lower": _text_function(str.lower),
    "max": _extreme(max),
    "merge": _merge,
    "min": _extreme(min),
    "nonsensitive": _same,
    "one": _one,
    "replace": _replace,
    "reverse": lambda values: values[0][::-1] if is_list(values[0]) else UNKNOWN,
    "sensitive": _same,
    "sort": _as_set,
    "split": _split,
    "startswith": _two_texts(str.startswith),
    "substr": _substr,
    "tobool": lambda values: _known(as_bool(values[0])),
    "tolist": _same,
    "tomap": _same,
    "tonumber": lambda values: _known(as_number(values[0])),
    "toset": _as_set,
    "tostring": _to_text,
    "trimprefix": _two_texts(str.removeprefix),
    "trimspace": _text_function(str.strip),
    "trimsuffix": _two_texts(str.removesuffix),
    "upper": _text_function(str.upper),
    "values": _values,
    "zipmap": _zipmap,
}
