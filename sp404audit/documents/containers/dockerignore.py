"""`.dockerignore` files: which paths of a build context never reach the builder.

Reading follows `ignorefile.ReadAll` and matching `MatchesOrParentMatches` of github.com/moby/patternmatcher: the last
pattern that matches a path or one of its folders decides, `!` takes a path back in, `**` crosses folders. Patterns are
run as automata, not as regular expressions, so that no pattern can be slow.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import ClassVar

from sp404audit.documents.model import Document, Fact, Repository
from sp404audit.documents.source import Source
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Region

__all__ = ["Dockerignore", "IgnoreFile", "IgnorePattern", "Ignored", "ignore_file", "parse"]

_MOST_PATTERNS = 10_000
_LONGEST_PATTERN = 1_024
_NAMES = (".dockerignore", ".containerignore")


class IgnorePattern(NamedTuple):
    """One pattern: cleaned, without its `!`."""

    text: str
    negated: bool
    region: Region


class IgnoreFile(NamedTuple):
    """A `.dockerignore` as a fact: (pattern, whether it begins with `!`) in order."""

    location: Location
    patterns: tuple[tuple[str, bool], ...]

    @property
    def ignored(self) -> Ignored:
        """The question which paths it leaves out."""
        return Ignored(self.patterns)


class Dockerignore(Document):
    """A `.dockerignore` file: its patterns in order."""

    kinds: ClassVar[tuple[str, ...]] = ("dockerignore",)

    @cached_property
    def patterns(self) -> list[IgnorePattern]:
        """The patterns; comments and blank lines fall out."""
        found: list[IgnorePattern] = []
        for number in range(1, self.source.line_count + 1):
            line = self.source.line(number)
            # A comment begins in the first column: an indented one is a pattern.
            text = "" if line.startswith("#") else line.strip()
            negated = text.startswith("!")
            text = _cleaned(text[1:].strip() if negated else text)
            if text and len(text) <= _LONGEST_PATTERN and len(found) < _MOST_PATTERNS:
                found.append(IgnorePattern(text, negated, self.source.line_region(number)))
        return found

    def facts(self) -> Iterator[Fact]:
        """Yield the patterns."""
        patterns = tuple((pattern.text, pattern.negated) for pattern in self.patterns)
        yield IgnoreFile(Location(self.source.path), patterns)


def parse(source: Source) -> Dockerignore:
    """Read a `.dockerignore`; every text is one."""
    return Dockerignore(source)


def _cleaned(text: str) -> str:
    if not text:
        return ""
    text = posixpath.normpath(text)
    return "" if text == "." else text.lstrip("/") or "/"


class Ignored:
    """Answers which paths of a context a list of (pattern, negated) leaves out."""

    def __init__(self, patterns: Iterable[tuple[str, bool]]) -> None:
        self._patterns = [(_Pattern(text), negated) for text, negated in patterns]

    def __contains__(self, path: str) -> bool:
        """Tell whether a path (relative to the context, `/` between its parts) stays out of the context."""
        ignored = False
        for pattern, negated in self._patterns:
            if negated == ignored and pattern.matches(path):
                ignored = not negated
        return ignored


class _Token(NamedTuple):
    """A piece of a pattern: `literal`, `class`, `one` (`?`), `some` (`*`), `deep` (`**/`), `rest` (`**` at the end)."""

    kind: str
    text: str = ""
    negated: bool = False

    def takes(self, character: str) -> bool:
        """Tell whether this token can consume the character."""
        if self.kind == "literal":
            return character == self.text
        if self.kind in ("deep", "rest"):
            return True
        if self.kind == "class":
            return _in_class(character, self.text) != self.negated
        return character != "/"


class _Pattern:
    """One pattern as an automaton: the states are the tokens; the work is at most tokens times characters."""

    __slots__ = ("suffix", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        # `**name` without a slash is the one pattern that moby tests as a plain suffix.
        rest = text[2:] if text.startswith("**") and text[2:3] != "/" else ""
        self.suffix = rest if rest and not any(mark in rest for mark in "*?[\\") else ""
        is_plain = not any(mark in text for mark in "*?[\\")
        self.tokens: list[_Token] | None = None if is_plain else _tokens(text)

    def matches(self, path: str) -> bool:
        """Tell whether the pattern is that of the path or of a folder that it lies in."""
        if self.suffix:
            return f"{path}/".find(f"{self.suffix}/") >= 0
        if self.tokens is None:
            return path == self.text or path.startswith(f"{self.text}/")
        accepting = (len(self.tokens), False)
        states = self._closure({(0, False)})
        for character in path:
            if character == "/" and accepting in states:
                return True
            states = self._closure(self._after(character, states))
            if not states:
                return False
        return accepting in states

    def _after(self, character: str, states: set[tuple[int, bool]]) -> set[tuple[int, bool]]:
        tokens = self.tokens or []
        following: set[tuple[int, bool]] = set()
        for index, _ in states:
            if index == len(tokens) or not tokens[index].takes(character):
                continue
            kind = tokens[index].kind
            if kind == "deep":
                # Inside of `**/` there is no way on before the next slash.
                following.add((index, True))
                if character == "/":
                    following.add((index + 1, False))
            else:
                following.add((index if kind in ("some", "rest") else index + 1, False))
        return following

    def _closure(self, states: set[tuple[int, bool]]) -> set[tuple[int, bool]]:
        """Add what is reached without a character: `*`, `**/` and `**` may stand for nothing."""
        tokens = self.tokens or []
        pending = list(states)
        while pending:
            index, inside = pending.pop()
            if index < len(tokens) and not inside and tokens[index].kind in ("some", "deep", "rest"):
                state = (index + 1, False)
                if state not in states:
                    states.add(state)
                    pending.append(state)
        return states


def _tokens(text: str) -> list[_Token]:
    tokens = []
    position = 0
    while position < len(text):
        character = text[position]
        position += 1
        if character == "*" and text.startswith("*", position):
            position += 1
            position += text.startswith("/", position)
            tokens.append(_Token("deep" if position < len(text) else "rest"))
        elif character in "*?":
            tokens.append(_Token("some" if character == "*" else "one"))
        elif character == "[" and (end := text.find("]", position + 1)) > 0:
            body = text[position:end]
            position = end + 1
            negated = body.startswith("^")
            tokens.append(_Token("class", body[negated:], negated))
        elif character == "\\" and position < len(text):
            tokens.append(_Token("literal", text[position]))
            position += 1
        else:
            tokens.append(_Token("literal", character))
    return tokens


def _in_class(character: str, body: str) -> bool:
    position = 0
    while position < len(body):
        low = body[position]
        if body[position + 1 : position + 2] == "-" and position + 2 < len(body):
            if low <= character <= body[position + 2]:
                return True
            position += 3
        else:
            if low == character:
                return True
            position += 1
    return False


def ignore_file(repository: Repository, dockerfile: str, context: str) -> IgnoreFile | None:
    """Find the ignore file in force for a build: `<Dockerfile>.dockerignore` wins over the context's own.

    Args:
        repository: where to look.
        dockerfile: the Dockerfile's path.
        context: the folder that is the build context, the root being the empty string.
    """
    by_path = repository.derived(_ignore_files)
    own = [f"{dockerfile}{name}" for name in _NAMES]
    shared = [posixpath.join(context, name) for name in _NAMES]
    return next((by_path[path] for path in own + shared if path in by_path), None)


def _ignore_files(repository: Repository) -> dict[str, IgnoreFile]:
    return {fact.location.path: fact for fact in repository.facts(IgnoreFile)}
