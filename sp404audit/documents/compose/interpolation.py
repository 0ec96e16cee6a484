"""Variables in compose files: `$X`, `${X}`, `${X:-default}`, `${X:?message}`, `${X:+other}`, `$$`, and any nesting.

The grammar is that of the Compose Specification (https://github.com/compose-spec/compose-spec, 12-interpolation.md).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from itertools import groupby

from sp404audit.records import NamedTuple

__all__ = ["Lookup", "Template", "Variable", "interpolate", "parse"]

Lookup = Callable[[str], "str | None"]
"""The value that the repository gives a variable; None when it gives none (the shell may still)."""

MAX_DEPTH = 32
"""Defaults nested deeper than this are taken as text: nobody writes them, and evaluation is recursive."""


class Variable(NamedTuple):
    """One use of a variable: `${name<operator>word}`.

    `operator` is empty or one of `-`, `:-`, `?`, `:?`, `+`, `:+`; `start` and `end` are offsets in the text.
    """

    name: str
    operator: str
    word: Template
    start: int
    end: int

    @property
    def is_required(self) -> bool:
        """Whether compose refuses to start when the variable is unset."""
        return self.operator.endswith("?")


class Template(NamedTuple):
    """A text cut into literal stretches and variables; `malformed` when compose would refuse it."""

    parts: tuple[str | Variable, ...] = ()
    malformed: bool = False

    @property
    def is_literal(self) -> bool:
        """Whether the text holds no variable."""
        return all(isinstance(part, str) for part in self.parts)

    def variables(self) -> Iterator[Variable]:
        """Yield every variable, those inside of defaults too, in source order."""
        pending: list[str | Variable] = list(reversed(self.parts))
        while pending:
            part = pending.pop()
            if isinstance(part, Variable):
                yield part
                pending.extend(reversed(part.word.parts))

    def evaluate(self, lookup: Lookup, unknown: str | None = None) -> str | None:
        """Return the text with its variables replaced.

        Args:
            lookup: what the repository knows of a variable.
            unknown: stands for a variable that nothing gives a value; None makes the whole text None.
        """
        texts = []
        for part in self.parts:
            text = part if isinstance(part, str) else _value(part, lookup, unknown)
            if text is None:
                return None
            texts.append(text)
        return "".join(texts)

    def may_be_blank(self, lookup: Lookup) -> bool:
        """Whether the text is empty when every variable that the repository gives no value is unset."""
        return all(part == "" if isinstance(part, str) else _may_be_blank(part, lookup) for part in self.parts)


def _value(variable: Variable, lookup: Lookup, unknown: str | None) -> str | None:
    value = lookup(variable.name)
    operator = variable.operator
    is_set = value is not None and not (operator.startswith(":") and value == "")
    if operator.endswith("-"):
        return value if is_set else variable.word.evaluate(lookup, unknown)
    if operator.endswith("+"):
        if value is None:
            return unknown
        return variable.word.evaluate(lookup, unknown) if is_set else ""
    return value if is_set else unknown


def _may_be_blank(variable: Variable, lookup: Lookup) -> bool:
    value = lookup(variable.name)
    if variable.operator.endswith("?"):
        return variable.operator == "?" and value == ""
    if variable.operator.endswith("-"):
        if value and variable.operator == ":-":
            return False
        return value == "" if value is not None and variable.operator == "-" else variable.word.may_be_blank(lookup)
    if variable.operator.endswith("+"):
        return not value
    return not value


class _Open(NamedTuple):
    """A `${name` whose `}` has not come yet."""

    name: str
    operator: str
    start: int
    parts: list[str | Variable]


@functools.cache
def _tokens() -> re.Pattern[str]:
    name = "[A-Za-z_][A-Za-z0-9_]*"
    return re.compile(
        rf"(?P<escaped>\$\$)|\$\{{(?P<name>{name})(?P<operator>:?[-?+])?|\$(?P<bare>{name})|(?P<close>\}})|(?P<stray>\$)"
    )


def parse(text: str) -> Template:
    """Cut `text` into literals and variables. Linear in its length; what is malformed stays text."""
    if "$" not in text:
        return Template((text,) if text else ())
    root = _Open("", "", 0, [])
    stack = [root]
    malformed = False
    at = 0
    for match in _tokens().finditer(text):
        stack[-1].parts.append(text[at : match.start()])
        at = match.end()
        kind = match.lastgroup
        if kind == "escaped":
            stack[-1].parts.append("$")
        elif kind == "bare":
            stack[-1].parts.append(Variable(match["bare"], "", Template(), match.start(), match.end()))
        elif kind == "close":
            malformed |= _close(stack, text, match.end())
        elif kind == "stray" or len(stack) > MAX_DEPTH:
            malformed = True
            stack[-1].parts.append(match.group())
        else:
            stack.append(_Open(match["name"], match["operator"] or "", match.start(), []))
    stack[-1].parts.append(text[at:])
    if len(stack) > 1:
        malformed = True
        root.parts.append(text[stack[1].start :])
    return Template(_joined(root.parts), malformed)


def _close(stack: list[_Open], text: str, end: int) -> bool:
    """Take a `}`; tell whether what it closes is malformed."""
    if len(stack) == 1:
        stack[0].parts.append("}")
        return False
    opened = stack.pop()
    if not opened.operator and any(opened.parts):
        stack[-1].parts.append(text[opened.start : end])
        return True
    stack[-1].parts.append(Variable(opened.name, opened.operator, Template(_joined(opened.parts)), opened.start, end))
    return False


def _joined(parts: list[str | Variable]) -> tuple[str | Variable, ...]:
    """Make one literal of those that stand side by side."""
    joined: list[str | Variable] = []
    for is_text, group in groupby(parts, key=lambda part: isinstance(part, str)):
        if is_text:
            text = "".join(part for part in group if isinstance(part, str))
            joined += [text] if text else []
        else:
            joined += group
    return tuple(joined)


def interpolate(text: str, lookup: Lookup) -> str | None:
    """Return `text` as compose would see it; None when it needs a variable that the repository gives no value."""
    return parse(text).evaluate(lookup)
