"""Find here-documents before the grammar sees them.

The grammar that we parse shell with loses what stands behind `<<EOF` on its line (`| tee log`, `2>&1`, `|| exit`), and
a here-document's text with quotes in it can throw it off. A scan that knows quotes and nesting, and nothing else of
the language, finds the operators; the parser then gets the text with each operator and each body blanked at equal
length.
"""

from __future__ import annotations

import re

from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["MAX_NESTING", "Heredoc", "blank", "scan"]

MAX_NESTING = 400
"""Constructs in constructs; the deepest of 3,758 scripts in the wild has 9."""

_INTERESTING = regex(
    r"""\\[\s\S] | ' | " | ` | \$\(\(? | \$\{ | \(\(? | \)\)? | \} | <<<|<<-? | (?:(?<=[\s;&|(])|\A)\# | \n""",
    re.VERBOSE,
)
_DELIMITER = regex(r"""[ \t]*((?:\\.|'[^'\n]*'|"[^"\n]*"|[^\s\\'"`;&|<>()])+)""")
_UNQUOTE = regex(r"""[\\'"]""")
_CLOSES = {"$(": ")", "(": ")", "$((": "))", "((": "))", "${": "}"}


class Heredoc(NamedTuple):
    """A here-document.

    `start:end` is its operator and delimiter, `body_start:body_end` its text, `stop` the end of its last line; it is
    `quoted` when no variable or command in the text is replaced.
    """

    start: int
    end: int
    body_start: int
    body_end: int
    stop: int
    quoted: bool


class _Opened(NamedTuple):
    start: int
    end: int
    delimiter: str
    quoted: bool
    tabs: bool


class _Scanner:
    """One pass over the text with a stack of what is open: quotes, parentheses, braces."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.stack: list[str] = []
        self.opened: list[_Opened] = []
        self.found: list[Heredoc] = []
        self.deepest = 0

    def run(self) -> None:
        position = 0
        while (match := _INTERESTING.search(self.text, position)) and self.deepest <= MAX_NESTING:
            position = self.step(match.group(), match)
            self.deepest = max(self.deepest, len(self.stack))

    def step(self, mark: str, match: re.Match[str]) -> int:
        """Take one mark in; return where to go on."""
        end = match.end()
        inside = self.stack[-1] if self.stack else ""
        if mark == "\n":
            return self.bodies(end)
        if mark[0] == "\\":
            return end - 1 if mark == "\\\n" and self.opened else end
        if mark == '"' or mark == "`":
            self.toggle(mark)
        elif mark in ("$(", "$((", "${"):
            self.stack.append(mark)
        elif inside == '"':
            return end
        elif mark == "'":
            return self.single_quoted(end, inside)
        elif mark in ("((", "("):
            self.stack.append(mark)
        elif mark in ("))", ")", "}"):
            return self.close(mark, match)
        elif mark == "#":
            return self.comment(end, inside)
        elif mark in ("<<", "<<-") and inside not in ("$((", "((", "${"):
            return self.operator(mark, match)
        return end

    def toggle(self, quote: str) -> None:
        if self.stack and self.stack[-1] == quote:
            self.stack.pop()
        elif quote == "`" and quote in self.stack[-4:]:
            while self.stack.pop() != quote:
                pass
        else:
            self.stack.append(quote)

    def single_quoted(self, end: int, inside: str) -> int:
        if inside == "${" and '"' in self.stack:
            return end
        closing = self.text.find("'", end)
        return len(self.text) if closing < 0 else closing + 1

    def close(self, mark: str, match: re.Match[str]) -> int:
        """Close what is open; `))` may be two single ones."""
        wanted = _CLOSES.get(self.stack[-1]) if self.stack else None
        if wanted == mark:
            self.stack.pop()
            return match.end()
        if mark == "))":
            if wanted == ")":
                self.stack.pop()
            return match.start() + 1
        if mark == ")" and wanted == "))":
            self.stack[-1] = "("
        return match.end()

    def comment(self, end: int, inside: str) -> int:
        if inside in ("${", "$((", "(("):
            return end
        line_end = self.text.find("\n", end)
        return len(self.text) if line_end < 0 else line_end

    def operator(self, mark: str, match: re.Match[str]) -> int:
        word = _DELIMITER.match(self.text, match.end())
        if word is None:
            return match.end()
        quoted = any(sign in word.group(1) for sign in "\\'\"")
        name = _UNQUOTE.sub("", word.group(1)) if quoted else word.group(1)
        self.opened.append(_Opened(match.start(), word.end(), name, quoted, mark == "<<-"))
        return word.end()

    def bodies(self, position: int) -> int:
        """At the end of a line: read the text of each here-document that the line opened."""
        for opened in self.opened:
            start = position
            while True:
                if position >= len(self.text):
                    self.found.append(Heredoc(opened.start, opened.end, start, position, position, opened.quoted))
                    break
                line_end = self.text.find("\n", position)
                line_end = len(self.text) if line_end < 0 else line_end
                line = self.text[position:line_end].rstrip("\r")
                body_end, position = position, min(line_end + 1, len(self.text))
                if (line.lstrip("\t") if opened.tabs else line) == opened.delimiter:
                    self.found.append(Heredoc(opened.start, opened.end, start, body_end, line_end, opened.quoted))
                    break
        self.opened.clear()
        return position


def scan(text: str) -> tuple[list[Heredoc], int]:
    """Return the here-documents in the text, in order, and how deep its constructs nest."""
    scanner = _Scanner(text)
    scanner.run()
    return scanner.found, scanner.deepest


_NOT_LINE_END = regex(r"[^\n]")


def blank(text: str, heredocs: list[Heredoc]) -> str:
    """Return the text with operators, delimiters and bodies of the here-documents blanked, line for line."""
    pieces, position = [], 0
    for start, end in sorted([(one.start, one.end) for one in heredocs] + [(h.body_start, h.stop) for h in heredocs]):
        if start >= position:
            pieces += [text[position:start], _NOT_LINE_END.sub(" ", text[start:end])]
            position = end
    return "".join([*pieces, text[position:]])
