"""What a stretch of shell says: words, commands and the constructs around them, each with its place in the file."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from sp404audit.documents.shell import rows
from sp404audit.documents.shell.constructs import Frame, Pipeline, Surroundings, surroundings
from sp404audit.documents.shell.folders import ROOT_FOLDER, SCRIPT_FOLDER, folder_of_substitution, folder_of_variable
from sp404audit.documents.shell.values import UNKNOWN, cut
from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    from sp404audit.documents.source import Excerpt, Problem
    from sp404audit.results import Region

__all__ = [
    "ROOT_FOLDER",
    "SCRIPT_FOLDER",
    "UNKNOWN",
    "Assignment",
    "Command",
    "Frame",
    "Part",
    "Pipeline",
    "Redirect",
    "Setting",
    "Shell",
    "Word",
    "is_known",
]


_MARKS = frozenset((UNKNOWN, SCRIPT_FOLDER, ROOT_FOLDER))


def is_known(value: str) -> bool:
    """Tell whether a resolved word is known from its first to its last character."""
    return _MARKS.isdisjoint(value)


MAX_INDIRECTION = 8
"""How many variables deep a value is followed: a script that goes deeper is computing, not configuring."""
MAX_ASSIGNMENTS = 16
"""How many assignments of one variable are compared when none is certain to have run."""


class Part(NamedTuple):
    """A piece of a word: what it is, and whether quotes keep the shell from splitting it.

    `text` is the literal without its quotes, the variable's name, or the source of anything else. `default` holds the
    pieces of the word in `${NAME:-word}` (or `:=`), `cut` the operator and the literal of `${NAME%literal}`;
    `assigns` tells `:=` from `:-`.
    """

    kind: Literal["literal", "variable", "substitution", "expression", "other"]
    text: str
    quoted: bool = False
    default: tuple[Part, ...] | None = None
    cut: tuple[str, str] | None = None
    assigns: bool = False


class Word:
    """One word of a command. `text` is the source, `start` and `end` are offsets in the excerpt."""

    __slots__ = ("_excerpt", "end", "parts", "start", "text")

    def __init__(self, excerpt: Excerpt, start: int, end: int, parts: tuple[Part, ...]) -> None:
        self._excerpt = excerpt
        self.start = start
        self.end = end
        self.text = excerpt.text[start:end]
        self.parts = parts

    @property
    def region(self) -> Region:
        """Where the word stands in the file."""
        return self._excerpt.region(self.start, self.end)

    @property
    def value(self) -> str | None:
        """What the word means with its quotes removed; None when a variable or a command decides."""
        parts = self.parts
        if len(parts) == 1:
            return parts[0].text if parts[0].kind == "literal" else None
        if any(part.kind != "literal" for part in parts):
            return None
        return "".join([part.text for part in self.parts])

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables in the word, defaults included."""
        found: list[str] = []
        pending = list(self.parts)
        while pending:
            part = pending.pop(0)
            if part.kind == "variable":
                found.append(part.text)
                pending[:0] = part.default or ()
        return tuple(found)

    @property
    def has_glob(self) -> bool:
        """Whether the shell replaces the word by the names of files: it holds `*`, `?` or `[` outside quotes."""
        return any(part.kind == "literal" and not part.quoted and set(part.text) & set("*?[") for part in self.parts)

    def __repr__(self) -> str:
        return f"Word({self.text!r})"


class Redirect(NamedTuple):
    """A redirection: `operator` is `>`, `2>>`, `<`, `<<<` or `<<`; `target` is None for `<<`.

    `body` is the text of a here-document, `quoted` when the shell leaves it as it is, `body_start` its offset.
    """

    operator: str
    target: Word | None
    body: str | None = None
    quoted: bool = False
    body_start: int = 0

    @property
    def writes(self) -> bool:
        """Whether it writes a file (a duplicated descriptor such as `2>&1` does not)."""
        return ">" in self.operator and not self.operator.endswith(("<>", ">&")) and self.target is not None


class Assignment(NamedTuple):
    """`NAME=value`, as a statement, before a command, or behind `export`, `local`, `declare`, `readonly`.

    `value` is None when the value isn't a word (an array, `+=`, or a name that `read` or a loop fills). `fixed` is
    False inside a branch or a loop; `prefix` is True when it holds for one command only.
    """

    name: str
    value: Word | None
    start: int
    end: int
    fixed: bool = True
    prefix: bool = False
    function: str | None = None


class Command:
    """One simple command.

    `words` are its words as written; `name` and `arguments` are those of the command that really runs, once `wrappers`
    (`sudo -u x`, `env A=b`, `timeout 5`, `xargs` …) are taken off. A command that another one starts elsewhere
    (`ssh host …`, `docker exec box …`, `bash -c '…'`) is a command of its own, with a `payload` frame and the same
    pipeline.
    """

    __slots__ = (
        "_excerpt",
        "_words",
        "assignments",
        "end",
        "extent",
        "first",
        "frames",
        "redirects",
        "row",
        "start",
        "wrappers",
    )

    def __init__(
        self,
        excerpt: Excerpt,
        words: tuple[Word, ...] | rows.Row,
        span: tuple[int, int],
        frames: tuple[Frame, ...],
        assignments: tuple[Assignment, ...] = (),
    ) -> None:
        self._excerpt = excerpt
        self.row = words if isinstance(words, rows.Row) else None
        """The words when they mean what they say."""
        self._words: tuple[Word, ...] | None = None if isinstance(words, rows.Row) else words
        self.start, self.end = span
        self.extent = self.end
        """The end, redirections included."""
        self.frames = frames
        self.assignments = assignments
        self.redirects: tuple[Redirect, ...] = ()
        self.wrappers: tuple[str, ...] = ()
        self.first = 0
        """The index in `words` of the command that really runs."""

    @property
    def words(self) -> tuple[Word, ...]:
        """The words as written."""
        if self._words is None:
            texts = self.row.texts if self.row is not None else ()
            self._words = tuple(_placed(self._excerpt, self.start, self.end, texts))
        return self._words

    @property
    def name(self) -> str | None:
        """The command's name without its folder; None when only the run can tell, empty when there is none."""
        if self.row is not None:
            return self.row.values[self.first].rpartition("/")[2]
        if self.first >= len(self.words):
            return ""
        value = self.words[self.first].value
        return None if value is None else value.rpartition("/")[2]

    @property
    def program(self) -> Word | None:
        """The word that names the command."""
        return self.words[self.first] if self.first < len(self.words) else None

    @property
    def arguments(self) -> tuple[Word, ...]:
        """The words after the name."""
        return self.words[self.first + 1 :]

    @property
    def region(self) -> Region:
        """Where the command stands in the file."""
        return self._excerpt.region(self.start, self.end)

    @property
    def text(self) -> str:
        """The command as written."""
        return self._excerpt.text[self.start : self.end]

    def frame(self, *kinds: str) -> Frame | None:
        """Return the innermost construct of one of these kinds around the command."""
        if not self.frames:
            return None
        return next((frame for frame in reversed(self.frames) if frame.kind in kinds), None)

    @property
    def around(self) -> Surroundings:
        """What the constructs around it make of it."""
        return surroundings(self.frames)

    @property
    def pipeline(self) -> Pipeline | None:
        """The pipeline it is a member of, alone or inside a group; None when it is not piped."""
        return self.around.pipeline

    @property
    def function(self) -> str | None:
        """The function whose body it stands in."""
        return self.around.function

    @property
    def substitution(self) -> bool:
        """Whether it runs inside `$(…)`, backticks or `<(…)`."""
        return self.around.substitution

    @property
    def payload(self) -> str | None:
        """What runs it somewhere else (`ssh`, `docker exec` …) or later (`trap`); None when the script itself does."""
        return self.around.payload

    @property
    def in_condition(self) -> bool:
        """Whether an `if`, `while` or `until` tests its status."""
        return self.around.in_condition

    @property
    def conditional(self) -> bool:
        """Whether it runs on a condition: in a branch, a case, a loop, or behind `&&` or `||`."""
        return self.around.conditional

    @property
    def alternative(self) -> Frame | None:
        """The list frame whose `||` alternative runs when it fails."""
        return self.around.alternative

    @property
    def guarded(self) -> bool:
        """Whether its failure is thrown away: `|| true`, `|| :`."""
        return self.around.guarded

    @property
    def errexit_ignored(self) -> bool:
        """Whether `set -e` does not see it fail: tested, negated, or followed by `&&` or `||`."""
        return self.around.errexit_ignored

    def __repr__(self) -> str:
        return f"Command({self.text!r})"


def _placed(excerpt: Excerpt, start: int, end: int, texts: Iterable[str]) -> Iterator[Word]:
    """Find the words of a row in the text that they were read from."""
    for text in texts:
        start = excerpt.text.index(text, start, end)
        yield Word(excerpt, start, start + len(text), rows.parts_of(text))
        start += len(text)


class Setting(NamedTuple):
    """`set -o name` or `set +o name`: from `offset` on, as far as `until`."""

    offset: int
    option: str
    on: bool
    until: int


class Shell:
    """A script, a `run:` block, a recipe: its commands in source order, and what is known of its variables."""

    def __init__(self, excerpt: Excerpt) -> None:
        self.excerpt = excerpt
        self.commands: list[Command] = []
        self.assignments: list[Assignment] = []
        self.settings: list[Setting] = []
        self.interpreter = "bash"
        self.environment: dict[str, str | None] = {}
        """What the caller knows of the environment; None for a name that is set to something unknown."""
        self.problems: list[Problem] = []
        self._values: dict[tuple[str, int | None, int], str | None] = {}
        self._by_name: dict[str, list[Assignment]] | None = None

    @property
    def options(self) -> frozenset[str]:
        """Every option that the script switches on for itself (`errexit`, `nounset`, `pipefail`, `xtrace` …)."""
        return frozenset(setting.option for setting in self.settings if setting.on and setting.until >= self._length)

    @property
    def _length(self) -> int:
        return len(self.excerpt.text)

    def options_at(self, command: Command) -> frozenset[str]:
        """Return the options in force where the command stands; a function is taken to be called at the end."""
        own = next(
            (f for f in reversed(command.frames) if f.kind == "payload" and f.name not in ("eval", "trap")), None
        )
        begin = own.start if own else -1
        place = self._length if command.function else command.start
        active: set[str] = set()
        for setting in self.settings:
            reached = place if setting.until > self._length else command.start
            if begin <= setting.offset <= reached and command.start < setting.until:
                (active.add if setting.on else active.discard)(setting.option)
        return frozenset(active)

    @property
    def variables(self) -> dict[str, str]:
        """The last literal that each variable is given."""
        found = {}
        for name in self._assigned:
            value = self.value_of(name)
            if value is not None and is_known(value):
                found[name] = value
        return found

    @property
    def functions(self) -> frozenset[str]:
        """The functions that the script defines and fills with at least one command."""
        return frozenset(command.function for command in self.commands if command.function)

    @property
    def _assigned(self) -> dict[str, list[Assignment]]:
        """The assignments that last, by name, in source order."""
        if self._by_name is None:
            self._by_name = {}
            for assignment in self.assignments:
                if not assignment.prefix:
                    self._by_name.setdefault(assignment.name, []).append(assignment)
        return self._by_name

    def _before(self, name: str, at: int | None) -> list[Assignment]:
        """Return the assignments that may decide what the variable holds at an offset, the last one last."""
        lasting = self._assigned.get(name, [])
        if at is None:
            return lasting[-MAX_ASSIGNMENTS:]
        count = bisect_left(lasting, at, key=lambda one: one.start)
        enclosing = any(one.start <= at < one.end for one in lasting[max(0, count - 1) : count + 1])
        while count and lasting[count - 1].end > at:
            count -= 1
        before = lasting[max(0, count - MAX_ASSIGNMENTS) : count]
        return before if before or enclosing else lasting[-MAX_ASSIGNMENTS:]

    def value_of(self, name: str, at: int | None = None, depth: int = 0) -> str | None:
        """Return what the variable holds at an offset (by default: at the end), with `UNKNOWN` for what is not known.

        The nearest assignment before the place decides, when it is certain to have run; a place before all of them is
        taken to stand in a function that is called later. None: nothing is known.
        """
        key = (name, at, depth)
        if key not in self._values:  # else values of values would be followed again and again, eight deep
            self._values[key] = self._value_of(name, at, depth)
        return self._values[key]

    def _value_of(self, name: str, at: int | None, depth: int) -> str | None:
        before = self._before(name, at)
        if not before:
            return self.environment.get(name)
        chosen = before[-1]
        if depth >= MAX_INDIRECTION or chosen.value is None:
            return None
        value = self._resolve(chosen.value.parts, chosen.start, depth + 1)
        if chosen.fixed:
            return value
        others = {None if one.value is None else self._resolve(one.value.parts, one.start, depth + 1) for one in before}
        return value if others == {value} else None

    def resolve(self, word: Word) -> str:
        """Return the word's value with `UNKNOWN` in place of each stretch that only the run can tell.

        `SCRIPT_FOLDER` and `ROOT_FOLDER` stand for the folders that a script computes by the usual idioms.
        """
        parts = word.parts
        if len(parts) == 1 and parts[0].kind == "literal":
            return parts[0].text[:MAX_VALUE]
        return self._resolve(parts, word.start, 0)

    def _resolve(self, parts: tuple[Part, ...], at: int, depth: int) -> str:
        pieces = []
        for part in parts:
            if part.kind == "literal":
                pieces.append(part.text)
                continue
            value = self._variable(part, at, depth) if part.kind == "variable" else folder_of_substitution(part.text)
            pieces.append(UNKNOWN if value is None else value)
        joined = "".join(pieces)
        while UNKNOWN + UNKNOWN in joined:
            joined = joined.replace(UNKNOWN + UNKNOWN, UNKNOWN)
        return joined[:MAX_VALUE]

    def _variable(self, part: Part, at: int, depth: int) -> str | None:
        if depth >= MAX_INDIRECTION:
            return None
        value = self.value_of(part.text, at, depth)
        if value is None and part.default is not None and part.text not in self.environment:
            value = self._resolve(part.default, at, depth + 1)
        if value is None:
            return folder_of_variable(part.text)
        if part.cut is None:
            return value
        return cut(value, *part.cut)


MAX_VALUE = 4096
"""A longer value is a text, not a setting; it also keeps `A=$B$B; B=$C$C …` from doubling without end."""
