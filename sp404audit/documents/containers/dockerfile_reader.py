"""Reads a Dockerfile line by line, as BuildKit does, and goes on after what it cannot read.

What counts as a line, a comment, a directive, a continuation and a heredoc follows `frontend/dockerfile/parser` of
BuildKit.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache

from sp404audit.documents.containers.dockerfile import (
    HEREDOC_KEYWORDS,
    JSON_KEYWORDS,
    KEYWORDS,
    Directive,
    Dockerfile,
    Flag,
    Heredoc,
    Instruction,
)
from sp404audit.documents.containers.dockerfile_words import Joined, Word, quoted_words, unquote
from sp404audit.documents.source import DocumentError, Problem, Source

__all__ = ["read"]

_DIRECTIVES = frozenset({"check", "escape", "syntax"})
_MAXIMAL_PROBLEMS = 20
"""More broken instructions than this are counted, not told one by one."""


def read(source: Source) -> Dockerfile:
    """Read a Dockerfile; see `dockerfile.parse`."""
    return _Parser(source).parse()


@cache
def _directive_pattern() -> re.Pattern[str]:
    return re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S(?:.*\S)?)")


@cache
def _heredoc_word() -> re.Pattern[str]:
    return re.compile(r"(\d*)<<(-?)([^<]+)")


@cache
def _shell_word() -> re.Pattern[str]:
    # A lone quote mark is one that is not closed: BuildKit then sees no heredoc in the line.
    return re.compile(r"(?:[^\s'\"\\]|\\(?:.|\Z)|\"(?:[^\"\\]|\\.)*+\"|'[^']*+')++|['\"]", re.DOTALL)


class _Parser:
    """One pass over the physical lines; every line is looked at once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.document = Dockerfile(source)
        self.lines = list(_physical_lines(self.text))
        self.number = 0
        self.lost = 0
        self.has_stage = False
        self.terminators: dict[bool, dict[str, list[int]]] = {}

    def parse(self) -> Dockerfile:
        self._directives()
        while self.number < len(self.lines):
            start, end = self.lines[self.number]
            content = self.text[start:end].lstrip()
            if not content or content.startswith("#"):
                self.number += 1
            else:
                self._instruction(end - len(content))
        if self.lost > _MAXIMAL_PROBLEMS:
            more = self.lost - _MAXIMAL_PROBLEMS
            self.document.problems.append(Problem("dockerfile/syntax", f"{more} more instructions cannot be read"))
        return self.document

    def _problem(self, message: str, start: int, end: int) -> None:
        self.lost += 1
        if self.lost <= _MAXIMAL_PROBLEMS:
            region = self.source.region(start, min(end, start + 200))
            self.document.problems.append(Problem("dockerfile/syntax", message, region))

    def _directives(self) -> None:
        """Read the directives: comments at the very top of the form name=value, up to the first line that is none."""
        if self.text.startswith("#!"):
            self.number = 1
        seen: set[str] = set()
        while self.number < len(self.lines):
            start, end = self.lines[self.number]
            line = self.text[start:end]
            match = _directive_pattern().match(line.lstrip())
            if match is None or match[1].lower() not in _DIRECTIVES:
                return
            name, value = match[1].lower(), match[2]
            if name in seen:
                self._problem(f"the directive {name} is given twice", start, end)
            elif name == "escape" and value not in ("\\", "`"):
                self._problem("the escape character can only be a backslash or a backtick", start, end)
            elif name == "escape":
                self.document.escape = value
            seen.add(name)
            self.document.directives.append(Directive(name, value, self.source.region(start, end)))
            self.number += 1

    def _instruction(self, start: int) -> None:
        line, blank_lines = self._logical_line(start)
        instruction = self._read(line)
        if instruction is None:
            return
        if instruction.keyword == "FROM":
            self.has_stage = True
        elif not self.has_stage and instruction.keyword != "ARG":
            self._problem(f"{instruction.keyword} stands before the first FROM", start, line.end_offset(len(line.text)))
        instruction.blank_lines = blank_lines
        self._heredocs(instruction)
        self.document.instructions.append(instruction)

    def _logical_line(self, start: int) -> tuple[Joined, tuple[int, ...]]:
        """Join a line with those that continue it; comments and blank lines between them fall out."""
        end = self.lines[self.number][1]
        self.number += 1
        end, continues = self._continuation(start, end)
        pieces = [(start, end)]
        blank_lines = []
        while continues and self.number < len(self.lines):
            start, end = self.lines[self.number]
            self.number += 1
            content = self.text[start:end].lstrip()
            if not content:
                blank_lines.append(self.source.position(start)[0])
            elif not content.startswith("#"):
                end, continues = self._continuation(start, end)
                pieces.append((start, end))
        return _trimmed(Joined(self.source, pieces)), tuple(blank_lines)

    def _continuation(self, start: int, end: int) -> tuple[int, bool]:
        """Tell where the line's content ends, and whether the next line continues it.

        The mark may be followed by blanks; a doubled one is a character, not a mark.
        """
        stop = end
        while stop > start and self.text[stop - 1] in " \t":
            stop -= 1
        escape = self.document.escape
        if stop == start or self.text[stop - 1] != escape or (stop - 2 >= start and self.text[stop - 2] == escape):
            return end, False
        return stop - 1, True

    def _read(self, line: Joined) -> Instruction | None:
        """Take a logical line apart; None, with a problem, when it is no instruction."""
        word = _first_word(line)
        start, end = line.offset(0), line.end_offset(len(line.text))
        keyword = word.upper()
        if keyword not in KEYWORDS:
            if word.startswith(("{{", "{%", "<%")):
                region = self.source.region(start, end)
                raise DocumentError("input/template", "a template for a Dockerfile, not a Dockerfile", region, "note")
            if word:
                self._problem(f"{_shown(word)} is no instruction", start, end)
            return None
        instruction = Instruction(keyword, line, self.document.escape)
        self._flags(instruction, len(keyword))
        if instruction.start >= len(line.text):
            self._problem(f"{keyword} has no argument", start, end)
            return None
        if keyword in JSON_KEYWORDS and instruction.array is None and _is_mixed_array(instruction.text):
            self._problem(f"{keyword}: a JSON array may hold strings only", start, end)
            return None
        if keyword != "ONBUILD":
            return instruction
        inner = line.slice(instruction.start, len(line.text))
        if _first_word(inner).upper() in ("FROM", "MAINTAINER", "ONBUILD"):
            self._problem(f"{_first_word(inner)} cannot be an ONBUILD trigger", start, end)
            return None
        instruction.trigger = self._read(inner)
        return instruction if instruction.trigger else None

    def _flags(self, instruction: Instruction, position: int) -> None:
        """Read the options before the arguments, and note where the arguments begin."""
        line = instruction.line
        flags = []
        instruction.start = _after_blanks(line.text, position)
        if instruction.keyword in ("ENV", "LABEL", "ARG", "MAINTAINER"):
            return
        if not line.text.startswith("--", instruction.start):
            return
        for word in quoted_words(line, instruction.start, instruction.escape):
            instruction.start = word.start
            if not word.text.startswith("--"):
                break
            instruction.start = _after_blanks(line.text, word.end)
            if word.text == "--":
                break
            name, equals, _ = word.text[2:].partition("=")
            value_word = word.part(len(name) + 2 + len(equals), len(word.text))
            flags.append(Flag(name.lower(), unquote(value_word.text, instruction.escape), word, value_word))
        instruction.flags = tuple(flags)

    def _heredocs(self, instruction: Instruction) -> None:
        target = instruction.trigger if instruction.keyword == "ONBUILD" else instruction
        if target is None or target.keyword not in HEREDOC_KEYWORDS or "<<" not in target.line.text:
            return
        if target.array is not None:
            return
        for word in _heredoc_words(target.line):
            match = _heredoc_word().fullmatch(word.text)
            if match is None:
                continue
            name = unquote(match[3])
            body = self._heredoc_body(name, bool(match[2]), word)
            if body is None:
                break
            target.heredocs.append(Heredoc(name, name == match[3], bool(match[2]), match[1], body, word))
        if target.heredocs:
            instruction.end = max(self.lines[self.number - 1][1], instruction.line.offset(0))
            instruction.heredocs = target.heredocs

    def _heredoc_body(self, name: str, strip_tabs: bool, word: Word) -> Joined | None:
        closing = self._closing_line(name, strip_tabs)
        begin = self.lines[self.number][0] if self.number < len(self.lines) else len(self.text)
        if closing is None:
            start, end = word.excerpt.offset(word.start), word.excerpt.end_offset(word.end)
            self._problem(f"the heredoc {_shown(name)} is not closed", start, end)
            self._skip_to_instruction()
            return None
        self.number = closing + 1
        return Joined(self.source, [(begin, self.lines[closing][0])])

    def _closing_line(self, name: str, strip_tabs: bool) -> int | None:
        """The next line that consists of the name. An index of all lines keeps many unclosed heredocs linear."""
        index = self.terminators.get(strip_tabs)
        if index is None:
            index = self.terminators[strip_tabs] = {}
            for number, (start, end) in enumerate(self.lines):
                if end - start <= 256:
                    line = self.text[start:end]
                    index.setdefault(line.lstrip("\t") if strip_tabs else line, []).append(number)
        numbers = index.get(name, [])
        found = bisect_left(numbers, self.number)
        return numbers[found] if found < len(numbers) else None

    def _skip_to_instruction(self) -> None:
        """After an unclosed heredoc, go on where a line looks like an instruction: the keyword in upper case."""
        while self.number < len(self.lines):
            start, end = self.lines[self.number]
            first, _, rest = self.text[start : min(end, start + 16)].partition(" ")
            if rest and first in KEYWORDS:
                return
            self.number += 1


def _physical_lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each line begins and ends. As in BuildKit only LF ends a line; CR before it is no content."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        if end < 0:
            end = len(text)
        stop = end
        while stop > start and text[stop - 1] == "\r":
            stop -= 1
        yield start, stop
        start = end + 1


def _trimmed(line: Joined) -> Joined:
    text = line.text
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    return line if (start, end) == (0, len(text)) else line.slice(start, max(start, end))


def _first_word(line: Joined) -> str:
    """The first word of a logical line; empty when there is none."""
    return line.text.split(None, 1)[0] if line.text.strip() else ""


def _after_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _heredoc_words(line: Joined) -> list[Word]:
    words = [Word(line, match.start(), match.end()) for match in _shell_word().finditer(line.text)]
    return [] if any(word.text in ("'", '"') for word in words) else words


def _is_mixed_array(text: str) -> bool:
    """Tell whether the text is a JSON array that holds something else than strings; BuildKit refuses it."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")) or len(text) > 65_536:
        return False
    import json

    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def _shown(text: str) -> str:
    """A word for a message: short, and visibly quoted."""
    return repr(text if len(text) <= 40 else text[:40] + "…")
