"""The expressions and templates of HCL; `hcl` reads the blocks around them."""

from __future__ import annotations

import re
from typing import cast

from sp404audit.documents.hcl.reader import MAX_DEPTH, Expression, HclSyntaxError, Scalar
from sp404audit.documents.hcl.templates import (
    Directive,
    Nested,
    directive_expression,
    strip_last,
    template,
    unescape,
    without_indent,
)
from sp404audit.lazy import regex

__all__ = ["ExpressionReader"]

_SPACE = regex(r"(?:[^\S\n]+|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?)*")
_BLANK = regex(r"(?:\s+|#[^\n]*|//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?)*")
_SEPARATOR = regex(r"(?:\s+|,|#[^\n]*|//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?)*")
_NAME = regex(r"[^\W\d][\w-]*")
_FUNCTION = regex(r"[^\W\d][\w-]*(?:::[^\W\d][\w-]*)*(?=[^\S\n]*\()")
_PLAIN_STRING = regex(r'"([^"\\$%\n]*)"')
_NUMBER = regex(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_OPERATOR = regex(r"\|\||&&|[=!]=|[<>]=?|[-+*%]|/(?![/*])")
_PRECEDENCE = (("*", "/", "%"), ("+", "-"), ("<", ">", "<=", ">="), ("==", "!="), ("&&",), ("||",))
_ATTRIBUTE = regex(r"\.([^\W\d][\w-]*)")
_LEGACY_INDEX = regex(r"\.(\d{1,9})")
_SPLAT = regex(r"\[\s*\*\s*\]|\.\*")
_FOR = regex(r"for\s+([^\W\d][\w-]*)\s*(?:,\s*([^\W\d][\w-]*)\s*)?in\b")
_HEREDOC = regex(r"<<(-?)([^\W\d][\w-]*)[^\S\n]*\n")
_QUOTED_PIECE = regex(r'[^"\\$%\n]+|\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)|\$\$\{|%%\{|[$%]\{~?|[$%]')
_HEREDOC_PIECE = regex(r"[^$%]+|\$\$\{|%%\{|[$%]\{~?|[$%]")
_DIRECTIVE = regex(r"(if|else|endif|for|endfor)\b")
_FOR_IN = regex(r"\s*([^\W\d][\w-]*)\s*(?:,\s*([^\W\d][\w-]*)\s*)?in\b")
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_BALANCE = regex(r'#[^\n]*|//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?|<<-?[^\W\d][\w-]*[^\S\n]*\n|["()\[\]{}\n]')
_STRING_BALANCE = regex(r'\\.|\$\$\{|%%\{|[$%]\{|["\n]')
_MAX_UNARY = 8
_MAX_LENGTH = 5_000
"""How many operators or steps may follow each other."""


class _TooDeepError(Exception):
    """An expression nests deeper than `MAX_DEPTH`, or is absurdly long."""


class ExpressionReader:
    """Reads expressions at any offset of a text; `too_deep` collects the stretches that were given up."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.limit = len(text)
        self.at = 0
        self.depth = 0
        self.too_deep: list[tuple[int, int]] = []

    def read(self, at: int) -> tuple[Expression, int]:
        """Read the value of an attribute, which ends with its line; return it and the offset after it."""
        self.at = at
        self.limit = len(self.text)
        self.depth = 0
        self._blank()
        start = self.at
        try:
            return self._expression(lines=False), self.at
        except _TooDeepError:
            end = self._end_of_value(start)
            self.too_deep.append((start, end))
            return Expression("unknown", start, end), end

    def read_template(self, start: int, end: int) -> Expression:
        """Read `text[start:end]` as a template without quotes, as JSON syntax has it."""
        self.at, self.limit, self.depth = start, end, 0
        try:
            return template(self._template_parts(_HEREDOC_PIECE), start, end)
        except _TooDeepError:
            self.too_deep.append((start, end))
            return Expression("unknown", start, end)

    def read_within(self, start: int, end: int) -> Expression:
        """Read `text[start:end]` as an expression, as JSON syntax has references; raise when it is none."""
        self.at, self.limit, self.depth = start, end, 0
        self._blank()
        try:
            value = self._expression(lines=True)
        except _TooDeepError:
            self.too_deep.append((start, end))
            return Expression("unknown", start, end)
        if self.at < end:
            raise HclSyntaxError("expected one reference", self.at)
        return value

    # -- blanks and punctuation

    def _blank(self) -> None:
        self.at = cast("re.Match[str]", _BLANK.match(self.text, self.at, self.limit)).end()

    def _space(self, lines: bool) -> None:
        pattern = _BLANK if lines else _SPACE
        self.at = cast("re.Match[str]", pattern.match(self.text, self.at, self.limit)).end()

    def _sees(self, token: str) -> bool:
        return self.at < self.limit and self.text.startswith(token, self.at)

    def _expect(self, token: str, what: str) -> None:
        self._blank()
        if not self._sees(token):
            raise HclSyntaxError(f"expected {token!r} {what}", self.at)
        self.at += len(token)

    # -- expressions

    def _expression(self, lines: bool) -> Expression:
        """Read one expression; `lines` says whether it may go on after a line end, as inside brackets."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeepError
        branches: list[tuple[Expression, Expression]] = []
        while True:
            value = self._operation(lines)
            self._space(lines)
            if not self._sees("?"):
                break
            self.at += 1
            self._blank()
            then = self._expression(lines)
            self._expect(":", "of the conditional")
            self._blank()
            branches.append((value, then))
            if len(branches) + self.depth > MAX_DEPTH:
                raise _TooDeepError
        for condition, then in reversed(branches):
            value = Expression("conditional", condition.start, value.end, None, (condition, then, value))
        self.depth -= 1
        return value

    def _operation(self, lines: bool) -> Expression:
        """Read operands with operators between them."""
        first = self._operand(lines)
        operands, operators = [first], []
        while True:
            self._space(lines)
            match = _OPERATOR.match(self.text, self.at, self.limit)
            if match is None:
                break
            operators.append(match.group())
            self.at = match.end()
            self._blank()
            operands.append(self._operand(lines))
            if len(operators) > _MAX_LENGTH:
                raise _TooDeepError
        return first if not operators else _by_precedence(operands, operators)

    def _operand(self, lines: bool) -> Expression:
        signs: list[tuple[int, str]] = []
        while self.at < self.limit and self.text[self.at] in "!-":
            signs.append((self.at, self.text[self.at]))
            self.at += 1
            self._space(lines)
        value = self._steps(self._primary())
        if len(signs) > _MAX_UNARY:
            raise _TooDeepError
        for start, sign in reversed(signs):
            value = Expression("operation", start, value.end, sign, (value,))
        return value

    def _primary(self) -> Expression:
        text, start = self.text, self.at
        character = text[start] if start < self.limit else ""
        if character == '"':
            return self._quoted()
        if character == "[":
            return self._list()
        if character == "{":
            return self._object()
        if character == "(":
            self.at += 1
            self._blank()
            inner = self._expression(lines=True)
            self._expect(")", "to close the parenthesis")
            return inner._replace(start=start, end=self.at)
        if match := _NUMBER.match(text, start, self.limit):
            self.at = match.end()
            return Expression("literal", start, self.at, _number(match.group()))
        if match := _FUNCTION.match(text, start, self.limit):
            return self._call(match)
        if match := _NAME.match(text, start, self.limit):
            self.at = match.end()
            if match.group() in _WORDS:
                return Expression("literal", start, self.at, _WORDS[match.group()])
            return Expression("name", start, self.at, match.group())
        if match := _HEREDOC.match(text, start, self.limit):
            return self._heredoc(match)
        raise HclSyntaxError("expected a value", start)

    def _steps(self, base: Expression) -> Expression:
        """Read what follows a value without a blank: `.name`, `[index]`, `[*]`, `.*`, `.0`."""
        steps: list[Expression] = []
        text = self.text
        while self.at < self.limit and text[self.at] in ".[" and not text.startswith("...", self.at):
            start = self.at
            if match := _ATTRIBUTE.match(text, start, self.limit):
                self.at = match.end()
                steps.append(Expression("attribute", match.start(1), self.at, match.group(1)))
            elif match := _SPLAT.match(text, start, self.limit):
                self.at = match.end()
                steps.append(Expression("splat", start, self.at))
            elif match := _LEGACY_INDEX.match(text, start, self.limit):
                self.at = match.end()
                key = Expression("literal", start + 1, self.at, int(match.group(1)))
                steps.append(Expression("index", start, self.at, None, (key,)))
            elif text[start] == "[":
                self.at += 1
                self._blank()
                key = self._expression(lines=True)
                self._expect("]", "to close the index")
                steps.append(Expression("index", start, self.at, None, (key,)))
            else:
                raise HclSyntaxError("expected a name after the dot", start + 1)
            if len(steps) > _MAX_LENGTH:
                raise _TooDeepError
        if not steps:
            return base
        if base.kind == "name":
            return Expression("name", base.start, self.at, base.value, tuple(steps))
        return Expression("access", base.start, self.at, None, (base, *steps))

    def _call(self, match: re.Match[str]) -> Expression:
        self.at = match.end()
        self._expect("(", "to open the arguments")
        arguments: list[Expression] = []
        while True:
            self._blank()
            if self._sees(")"):
                break
            argument = self._expression(lines=True)
            self._blank()
            if self._sees("..."):
                self.at += 3
                argument = Expression("expand", argument.start, self.at, None, (argument,))
                self._blank()
            arguments.append(argument)
            if self._sees(","):
                self.at += 1
            elif not self._sees(")"):
                raise HclSyntaxError("expected ',' or ')' after the argument", self.at)
        self.at += 1
        return Expression("call", match.start(), self.at, match.group(), tuple(arguments))

    def _list(self) -> Expression:
        start = self.at
        self.at += 1
        self._blank()
        if match := _FOR.match(self.text, self.at, self.limit):
            return self._for(match, start, "]")
        elements: list[Expression] = []
        while not self._sees("]"):
            elements.append(self._expression(lines=True))
            self._blank()
            if self._sees(","):
                self.at += 1
                self._blank()
            elif not self._sees("]"):
                raise HclSyntaxError("expected ',' or ']' after the element", self.at)
        self.at += 1
        return Expression("list", start, self.at, None, tuple(elements))

    def _object(self) -> Expression:
        start = self.at
        self.at += 1
        self._blank()
        if match := _FOR.match(self.text, self.at, self.limit):
            return self._for(match, start, "}")
        parts: list[Expression] = []
        while not self._sees("}"):
            parts.append(self._expression(lines=False))
            self._blank()
            if not self._sees("=") and not self._sees(":"):
                raise HclSyntaxError("expected '=' or ':' after the key", self.at)
            self.at += 1
            self._blank()
            parts.append(self._expression(lines=False))
            after = self.at
            self.at = cast("re.Match[str]", _SEPARATOR.match(self.text, self.at, self.limit)).end()
            if self.at == after and not self._sees("}"):
                raise HclSyntaxError("expected a new line, ',' or '}' after the value", self.at)
        self.at += 1
        return Expression("object", start, self.at, None, tuple(parts))

    def _for(self, match: re.Match[str], start: int, closing: str) -> Expression:
        self.at = match.end()
        self._blank()
        parts = [self._expression(lines=True)]
        self._expect(":", "after the collection")
        self._blank()
        parts.append(self._expression(lines=True))
        kind = "for"
        if closing == "}":
            kind = "for_object"
            self._expect("=>", "after the key")
            self._blank()
            parts.append(self._expression(lines=True))
            self._blank()
            if self._sees("..."):
                self.at += 3
                kind = "for_group"
        self._blank()
        if self.text.startswith("if", self.at) and _NAME.match(self.text, self.at).group() == "if":  # type: ignore[union-attr]
            self.at += 2
            self._blank()
            parts.append(self._expression(lines=True))
        self._expect(closing, "to close the for expression")
        return Expression(kind, start, self.at, _names(match), tuple(parts))

    # -- templates

    def _quoted(self) -> Expression:
        start = self.at
        if match := _PLAIN_STRING.match(self.text, start, self.limit):
            self.at = match.end()
            return Expression("literal", start, self.at, match.group(1))
        self.at += 1
        parts = self._template_parts(_QUOTED_PIECE)
        if not self._sees('"'):
            raise HclSyntaxError("this string is never closed", start)
        self.at += 1
        return template(parts, start, self.at)

    def _heredoc(self, match: re.Match[str]) -> Expression:
        end = self._end_of_heredoc(match)
        if end is None:
            raise HclSyntaxError(f"the heredoc {match.group(2)} is never closed", match.start())
        closing = self.text.find(match.group(2), end)
        limit, self.limit = self.limit, end
        self.at = match.end()
        parts = self._template_parts(_HEREDOC_PIECE)
        self.limit, self.at = limit, closing + len(match.group(2))
        if match.group(1):
            parts = without_indent(parts, self.text, match.end(), end)
        return template(parts, match.start(), self.at)

    def _end_of_heredoc(self, match: re.Match[str]) -> int | None:
        """The offset at which the line with the closing word begins."""
        word, at = match.group(2), match.end() - 1
        while (at := self.text.find(word, at + 1, self.limit)) >= 0:
            begins = self.text.rfind("\n", 0, at) + 1
            ends = self.text.find("\n", at, self.limit)
            line = self.text[begins : self.limit if ends < 0 else ends]
            if line.strip() == word:
                return begins
        return None

    def _template_parts(self, pieces: re.Pattern[str]) -> list[Expression]:
        """Read text, `${ }` and `%{ }` up to the closing quote or the limit."""
        parts: list[Expression] = []
        directives: list[Directive] = []
        strip = False
        while match := pieces.match(self.text, self.at, self.limit):
            piece, start = match.group(), match.start()
            self.at = match.end()
            if piece[1:2] == "{":
                if piece.endswith("~"):
                    strip_last(parts)
                if piece[0] == "$":
                    self._blank()
                    parts.append(self._expression(lines=True))
                else:
                    parts = self._directive(parts, directives, start)
                self._blank()
                strip = self._sees("~")
                self.at += strip
                self._expect("}", "to close the template sequence")
            else:
                text = unescape(piece)
                text = text.lstrip() if strip else text
                strip = strip and not text
                parts.append(Expression("literal", start, self.at, text))
        if directives:
            raise HclSyntaxError("this template directive is never closed", directives[-1].start)
        return parts

    def _directive(self, parts: list[Expression], directives: list[Directive], start: int) -> list[Expression]:
        """Read the inside of `%{ }`; return the list to which what follows belongs."""
        self._blank()
        match = _DIRECTIVE.match(self.text, self.at, self.limit)
        word = match.group(1) if match else ""
        self.at += len(word)
        if word == "if" or word == "for":
            names = None
            if word == "for":
                header = _FOR_IN.match(self.text, self.at, self.limit)
                if header is None:
                    raise HclSyntaxError("expected names and 'in' after 'for'", self.at)
                self.at, names = header.end(), _names(header)
            self._blank()
            directive = Directive(start, self._expression(lines=True), names, parts)
            if len(directives) + self.depth >= MAX_DEPTH:
                raise _TooDeepError
            directives.append(directive)
            return directive.branch
        if not directives:
            raise HclSyntaxError("expected if or for in the template directive", self.at)
        directive = directives[-1]
        if word == "else" and directive.names is None and directive.otherwise is None:
            directive.otherwise = Nested(directive.branch.outer)
            return directive.otherwise
        if word != ("endif" if directive.names is None else "endfor"):
            raise HclSyntaxError(f"{word or 'this'!s} does not end the template directive", self.at)
        directives.pop()
        directive.branch.outer.append(directive_expression(directive, self.at))
        return directive.branch.outer

    # -- giving up

    def _end_of_value(self, at: int) -> int:
        """Find the end of a value that nests too deep: the end of the line at which all brackets are closed."""
        closing: list[str] = []
        limit = self.limit = len(self.text)
        while at < limit:
            in_string = bool(closing) and closing[-1] == '"'
            match = (_STRING_BALANCE if in_string else _BALANCE).search(self.text, at, limit)
            if match is None:
                return limit
            mark, at = match.group(), match.end()
            if mark == "\n":
                if in_string or not closing:
                    return match.start()
            elif in_string:
                if mark == '"':
                    closing.pop()
                elif len(mark) == 2 and mark[0] in "$%":
                    closing.append("}")
            elif mark == '"':
                closing.append('"')
            elif mark in _CLOSING:
                closing.append(_CLOSING[mark])
            elif mark in ")]}":
                if not closing or closing.pop() != mark:
                    return match.start()
            elif mark.startswith("<<"):
                header = cast("re.Match[str]", _HEREDOC.match(mark))
                end = self.text.find("\n" + header.group(2), at)
                at = limit if end < 0 else end + 1 + len(header.group(2))
        return limit


def _names(match: re.Match[str]) -> str:
    return match.group(1) if match.group(2) is None else f"{match.group(1)},{match.group(2)}"


def _number(text: str) -> Scalar:
    if len(text) <= 18 and text.isdecimal():
        return int(text)
    return float(text[:64])


def _by_precedence(operands: list[Expression], operators: list[str]) -> Expression:
    """Group a chain of operands; operators of one rank that follow each other make one node."""
    for rank in _PRECEDENCE:
        grouped, left = [operands[0]], []
        run: list[str] = []
        members = [operands[0]]
        for operator, operand in zip(operators, operands[1:], strict=True):
            if operator in rank:
                run.append(operator)
                members.append(operand)
                continue
            grouped[-1] = _chain(members, run)
            left.append(operator)
            grouped.append(operand)
            members, run = [operand], []
        grouped[-1] = _chain(members, run)
        operands, operators = grouped, left
    return operands[0]


def _chain(members: list[Expression], operators: list[str]) -> Expression:
    if not operators:
        return members[0]
    value = operators[0] if len(set(operators)) == 1 else " ".join(operators)
    return Expression("operation", members[0].start, members[-1].end, value, tuple(members))
