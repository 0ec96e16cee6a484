"""Putting together the templates of HCL: text with `${ }` and `%{ }` in it."""

from __future__ import annotations

import re

from sp404audit.documents.hcl.reader import Expression

__all__ = ["Directive", "Nested", "directive_expression", "strip_last", "template", "unescape", "without_indent"]

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


class Nested(list[Expression]):
    """The parts inside a directive, and the list that the directive stands in."""

    def __init__(self, outer: list[Expression]) -> None:
        super().__init__()
        self.outer = outer


class Directive:
    """A `%{ if }` or `%{ for }` of a template whose end has not come yet."""

    __slots__ = ("branch", "header", "names", "otherwise", "start")

    def __init__(self, start: int, header: Expression, names: str | None, outer: list[Expression]) -> None:
        self.start = start
        self.header = header
        self.names = names
        self.branch = Nested(outer)
        self.otherwise: Nested | None = None


def unescape(piece: str) -> str:
    """Return the text that a piece of a template stands for."""
    if piece[0] == "\\":
        kind = piece[1]
        if kind in "uU" and len(piece) > 2:
            code = int("0x" + piece[2:], 0)
            return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"
        return _ESCAPES.get(kind, kind)
    return piece[1:] if piece in ("$${", "%%{") else piece


def template(parts: list[Expression], start: int, end: int) -> Expression:
    """Join neighbouring literals; a template without anything else is a literal."""
    joined: list[Expression] = []
    texts: list[str] = []
    for part in parts:
        if part.kind == "literal" and isinstance(part.value, str):
            if texts:
                joined[-1] = joined[-1]._replace(end=part.end)
            else:
                joined.append(part)
            texts.append(part.value)
            continue
        if texts:
            joined[-1] = joined[-1]._replace(value="".join(texts))
            texts = []
        joined.append(part)
    if texts:
        joined[-1] = joined[-1]._replace(value="".join(texts))
    joined = [part for part in joined if part.value != "" or part.kind != "literal"]
    if not joined or (len(joined) == 1 and joined[0].kind == "literal" and isinstance(joined[0].value, str)):
        return Expression("literal", start, end, joined[0].value if joined else "")
    return Expression("template", start, end, None, tuple(joined))


def directive_expression(directive: Directive, end: int) -> Expression:
    """Make the expression of a directive whose end has come."""
    branch = template(directive.branch, directive.start, end)
    if directive.names is not None:
        return Expression("for_template", directive.start, end, directive.names, (directive.header, branch))
    otherwise = template(directive.otherwise or [], directive.start, end)
    return Expression("conditional", directive.start, end, None, (directive.header, branch, otherwise))


def strip_last(parts: list[Expression]) -> None:
    """Take the white space before a `~` off the text that was read last."""
    while parts and parts[-1].kind == "literal" and isinstance(parts[-1].value, str):
        stripped = parts[-1].value.rstrip()
        parts[-1] = parts[-1]._replace(value=stripped)
        if stripped:
            return
        parts.pop()


def without_indent(parts: list[Expression], text: str, start: int, end: int) -> list[Expression]:
    """Take the indent that all lines share off the literals, as `<<-` asks."""
    lines = [line for line in text[start:end].split("\n") if line.strip()]
    indent = min((len(line) - len(line.lstrip(" \t")) for line in lines), default=0)
    if not indent:
        return parts
    pattern = re.compile(rf"^[ \t]{{1,{indent}}}", re.MULTILINE)
    stripped = []
    for part in parts:
        if part.kind == "literal" and isinstance(part.value, str):
            first_at_line_start = part.start == start or text[part.start - 1] == "\n"
            value = pattern.sub("", part.value) if first_at_line_start else _after_first_line(pattern, part.value)
            part = part._replace(value=value)
        stripped.append(part)
    return stripped


def _after_first_line(pattern: re.Pattern[str], value: str) -> str:
    first, line_end, rest = value.partition("\n")
    return first + line_end + pattern.sub("", rest) if line_end else value
