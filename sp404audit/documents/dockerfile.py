"""Dockerfiles: instructions with exact places, on BuildKit's algorithm.

What counts as a line, a comment, a directive, a continuation and a heredoc follows `frontend/dockerfile/parser` of
BuildKit. Unlike it, a bad instruction costs only itself: it becomes a problem, and reading goes on at the next line.
The stages and what holds in them are in `dockerfile_stages`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, cached_property
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from sp404audit.documents.dockerfile_words import (
    Joined,
    Word,
    json_array,
    quoted_words,
    spaced_words,
    unquote,
)
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import DocumentError, Problem, Source

if TYPE_CHECKING:
    from sp404audit.documents.dockerfile_stages import Stage
    from sp404audit.results import Region

__all__ = ["Directive", "Dockerfile", "Flag", "Heredoc", "Instruction", "Pair", "parse"]

_JSON_KEYWORDS = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
_QUOTED_KEYWORDS = frozenset({"ARG", "ENV", "LABEL"})
_HEREDOC_KEYWORDS = frozenset({"ADD", "COPY", "RUN"})
_OTHER_KEYWORDS = frozenset({"EXPOSE", "FROM", "HEALTHCHECK", "MAINTAINER", "ONBUILD", "STOPSIGNAL", "USER", "WORKDIR"})
KEYWORDS = _JSON_KEYWORDS | _QUOTED_KEYWORDS | _OTHER_KEYWORDS
_DIRECTIVES = frozenset({"check", "escape", "syntax"})
_MAXIMAL_PROBLEMS = 20
"""More broken instructions than this are counted, not told one by one."""


class Directive(NamedTuple):
    """A parser directive such as `# escape=` and a backtick; the name is in lower case."""

    name: str
    value: str
    region: Region


class Flag(NamedTuple):
    """An option of an instruction: `--from=build` has the name `from` and the value `build`.

    `value` is empty for a bare `--link`; quotes are gone, variables are not replaced. `value_word` is the word made of
    what follows the equals sign.
    """

    name: str
    value: str
    word: Word
    value_word: Word

    @property
    def region(self) -> Region:
        """Where the whole flag stands."""
        return self.word.region

    def field(self, name: str) -> str | None:
        """The value of a field of a `--mount` flag (`type=cache,from=build`); None when it has none."""
        for part in self.value.split(","):
            key, _, value = part.partition("=")
            if key.strip().lower() == name:
                return value
        return None


class Heredoc(NamedTuple):
    """A here-document: `body` is the text up to the closing line; `expand` tells whether variables in it are replaced.

    With `<<-` (`strip_tabs`) the builder takes the tabs off the lines' beginnings; `body` is as written.
    """

    name: str
    expand: bool
    strip_tabs: bool
    descriptor: str
    body: Joined
    word: Word


class Pair(NamedTuple):
    """One assignment of ENV, LABEL or ARG; `value` is None for an ARG without a default, quotes are kept."""

    name: str
    value: Word | None
    word: Word


class Instruction:
    """One instruction.

    Attributes:
        keyword: in upper case.
        line: the logical line, from the keyword on, as an excerpt.
        region: from the keyword to the last character, heredocs included.
        flags: its options.
        start: where the arguments after the options begin in `line`.
        heredocs: its here-documents.
        trigger: the instruction inside of an ONBUILD.
        blank_lines: numbers of blank lines inside of its continuation.
        escape: the file's escape character.
    """

    __slots__ = (
        "__dict__",
        "blank_lines",
        "escape",
        "flags",
        "heredocs",
        "keyword",
        "line",
        "region",
        "start",
        "trigger",
    )

    def __init__(self, keyword: str, line: Joined, escape: str) -> None:
        self.keyword = keyword
        self.line = line
        self.escape = escape
        self.flags: tuple[Flag, ...] = ()
        self.heredocs: list[Heredoc] = []
        self.start = len(line.text)
        self.trigger: Instruction | None = None
        self.blank_lines: tuple[int, ...] = ()
        self.region: Region = line.region(0, len(line.text))

    @property
    def text(self) -> str:
        """The arguments after the options, as one line."""
        return self.line.text[self.start :]

    @property
    def keyword_region(self) -> Region:
        """Where the keyword stands."""
        return self.line.region(0, len(self.keyword))

    @property
    def arguments_region(self) -> Region:
        """Where the arguments after the options stand; the keyword when there are none."""
        end = len(self.line.text)
        return self.line.region(self.start, end) if self.start < end else self.keyword_region

    def flag(self, name: str) -> Flag | None:
        """The last option of this name."""
        return next((flag for flag in reversed(self.flags) if flag.name == name), None)

    @cached_property
    def array(self) -> list[Word] | None:
        """The words of the exec form (`["a", "b"]`); None in shell form, or where there is no such form."""
        if self.keyword == "HEALTHCHECK":
            words = self.words
            return json_array(self.line, words[0].end) if words else None
        return json_array(self.line, self.start) if self.keyword in _JSON_KEYWORDS else None

    @cached_property
    def words(self) -> list[Word]:
        """The arguments, split as the builder splits those of this keyword.

        RUN, CMD and ENTRYPOINT in shell form are split at blanks only: `script` is for reading them as shell.
        """
        if self.keyword in _JSON_KEYWORDS and self.array is not None:
            return self.array
        if self.keyword in _QUOTED_KEYWORDS:
            return list(quoted_words(self.line, self.start, self.escape))
        return spaced_words(self.line, self.start)

    @cached_property
    def pairs(self) -> list[Pair]:
        """The assignments of ENV, LABEL and ARG, the old form `ENV name value` included."""
        words = self.words
        if not words:
            return []
        if self.keyword in ("ENV", "LABEL") and "=" not in words[0].text:
            name = spaced_words(self.line, self.start)[0]
            begin = name.end + len(self.line.text[name.end :]) - len(self.line.text[name.end :].lstrip())
            value = Word(self.line, begin, len(self.line.text))
            return [Pair(unquote(name.text, self.escape), value, name)]
        found = []
        for word in words:
            name_text, equals, _ = word.text.partition("=")
            value_word = word.part(len(name_text) + 1, len(word.text)) if equals else None
            found.append(Pair(unquote(name_text, self.escape), value_word, word))
        return found

    @property
    def script(self) -> Joined | None:
        """The shell text that the builder or the container runs; None in exec form and for other keywords.

        For RUN the text includes the heredocs; a lone heredoc (`RUN <<EOF`) is itself the script. For HEALTHCHECK it is
        what follows CMD.
        """
        if self.array is not None or self.keyword not in ("CMD", "ENTRYPOINT", "HEALTHCHECK", "RUN"):
            return None
        start = self.start
        if self.keyword == "HEALTHCHECK":
            words = self.words
            if not words or words[0].text.upper() != "CMD":
                return None
            start = words[1].start if len(words) > 1 else words[0].end
        if self.keyword == "RUN" and self.heredocs:
            if len(self.heredocs) == 1 and self.text.strip() == self.heredocs[0].word.text:
                return self.heredocs[0].body
            return self._with_heredocs(start)
        return self.line.slice(start, len(self.line.text))

    def _with_heredocs(self, start: int) -> Joined:
        line_end = self.line.end_offset(len(self.line.text))
        last = self.heredocs[-1].body
        text = last.source.text
        # The closing line belongs to what the shell reads.
        closing_start = last.end_offset(len(last.text)) if last.text else last.offset(0)
        closing_end = text.find("\n", closing_start)
        return self.line.slice(start, len(self.line.text)).followed_by(
            [(line_end, closing_end if closing_end >= 0 else len(text))]
        )

    def __repr__(self) -> str:
        return f"Instruction({self.keyword} {self.text[:60]!r})"


class Dockerfile(Document):
    """A Dockerfile.

    Attributes:
        directives: the parser directives at its top.
        instructions: all that could be read, in order, those before the first FROM included.
        escape: the escape character.
    """

    kinds: ClassVar[tuple[str, ...]] = ("dockerfile",)

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.directives: list[Directive] = []
        self.instructions: list[Instruction] = []
        self.escape = "\\"

    @cached_property
    def stages(self) -> list[Stage]:
        """The build stages, in order."""
        from sp404audit.documents.dockerfile_stages import stages_of

        return stages_of(self)

    def subjects(self) -> Iterator[object]:
        """Yield the Dockerfile, its stages and its instructions."""
        yield self
        yield from self.stages
        yield from self.instructions

    def facts(self) -> Iterator[Fact]:
        """Yield the stages as facts, and every image that they use."""
        from sp404audit.documents.dockerfile_stages import facts_of

        return facts_of(self)


def parse(source: Source) -> Dockerfile:
    """Read a Dockerfile.

    Raises:
        DocumentError: the file is a template for one (`{{ … }}` where an instruction should be).
    """
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
        if keyword in _JSON_KEYWORDS and instruction.array is None and _is_mixed_array(instruction.text):
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
        if target is None or target.keyword not in _HEREDOC_KEYWORDS or "<<" not in target.line.text:
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
            last = self.lines[self.number - 1]
            begin = instruction.line.offset(0)
            instruction.region = self.source.region(begin, max(last[1], begin))
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
