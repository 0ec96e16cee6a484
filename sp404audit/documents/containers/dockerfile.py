"""Dockerfiles: instructions with exact places, on BuildKit's algorithm.

What counts as a line, a comment, a directive, a continuation and a heredoc follows `frontend/dockerfile/parser` of
BuildKit. Unlike it, a bad instruction costs only itself: it becomes a problem, and reading goes on at the next line.
The stages and what holds in them are in `dockerfile_stages`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from sp404audit.documents.containers.dockerfile_words import (
    Joined,
    Word,
    json_array,
    quoted_words,
    spaced_words,
    unquote,
)
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import Source
from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    from sp404audit.documents.containers.dockerfile_stages import Stage
    from sp404audit.results import Region

__all__ = ["Directive", "Dockerfile", "Flag", "Heredoc", "Instruction", "Pair", "parse"]

JSON_KEYWORDS = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
_QUOTED_KEYWORDS = frozenset({"ARG", "ENV", "LABEL"})
HEREDOC_KEYWORDS = frozenset({"ADD", "COPY", "RUN"})
_OTHER_KEYWORDS = frozenset({"EXPOSE", "FROM", "HEALTHCHECK", "MAINTAINER", "ONBUILD", "STOPSIGNAL", "USER", "WORKDIR"})
KEYWORDS = JSON_KEYWORDS | _QUOTED_KEYWORDS | _OTHER_KEYWORDS


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
        "end",
        "escape",
        "flags",
        "heredocs",
        "keyword",
        "line",
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
        self.end: int | None = None
        """Where it ends in the file, when heredocs follow its line."""

    @property
    def region(self) -> Region:
        """From the keyword to the last character, heredocs included."""
        if self.end is None:
            return self.line.region(0, len(self.line.text))
        return self.line.source.region(self.line.offset(0), self.end)

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
        return json_array(self.line, self.start) if self.keyword in JSON_KEYWORDS else None

    @cached_property
    def words(self) -> list[Word]:
        """The arguments, split as the builder splits those of this keyword.

        RUN, CMD and ENTRYPOINT in shell form are split at blanks only: `script` is for reading them as shell.
        """
        if self.keyword in JSON_KEYWORDS and self.array is not None:
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
        from sp404audit.documents.containers.dockerfile_stages import stages_of

        return stages_of(self)

    def subjects(self) -> Iterator[object]:
        """Yield the Dockerfile, its stages and its instructions."""
        yield self
        yield from self.stages
        yield from self.instructions

    def facts(self) -> Iterator[Fact]:
        """Yield the stages as facts, and every image that they use."""
        from sp404audit.documents.containers.dockerfile_stages import facts_of

        return facts_of(self)


def parse(source: Source) -> Dockerfile:
    """Read a Dockerfile.

    Raises:
        DocumentError: the file is a template for one (`{{ … }}` where an instruction should be).
    """
    from sp404audit.documents.containers.dockerfile_reader import read

    return read(source)
