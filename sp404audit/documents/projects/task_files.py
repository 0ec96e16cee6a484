"""Makefiles and justfiles: the recipes of their targets as tasks.

Only what decides which commands run is read: targets, what they need, recipes, and variables that hold a literal.
Conditionals are read on both sides, functions are not evaluated. https://www.gnu.org/software/make/manual/make.html,
https://just.systems/man/en/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents.model import Document, Fact
from sp404audit.documents.projects.facts import task_facts
from sp404audit.documents.source import Source
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Region

__all__ = ["TaskFile", "parse"]

_MOST = 2_000
"""Targets that are read; generated makefiles hold more."""
_MOST_VARIABLES = 50
"""Variables that are put in their places in one line: their values multiply."""
_ASSIGNMENT = regex(r"\s*(?:export\s+|override\s+)*([A-Za-z_][\w.-]*)\s*(?:\?|::?:?|!)?=\s*(.*)$")
_VARIABLE = regex(r"\$(?:\(([A-Za-z_][\w.-]*)\)|\{([A-Za-z_][\w.-]*)\})")
_CALL = regex(r"\$\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
_SHELL_CALL = regex(r"\$\(shell\s")
_SHELL_FLAGS = regex(r"^\.SHELLFLAGS[ \t]*:?:?=[ \t]*([^\n]*)", re.MULTILINE)
_JUST_NAME = regex(r"@?([A-Za-z_][\w-]*)(?=[\s:])")
_JUST_ASSIGNMENT = regex(r"(?:export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(.*)$")
_JUST_ALIAS = regex(r"alias\s+([\w-]+)\s*:=\s*([\w-]+)")
_JUST_EXPRESSION = regex(r"\{\{\s*([^{}]*?)\s*\}\}")
_NEED = regex(r"[A-Za-z_][\w.:/-]*")


class Recipe(NamedTuple):
    """A target: its name, place, what it needs and its command lines with their places."""

    name: str
    region: Region
    needs: tuple[str, ...]
    lines: tuple[tuple[str, Region], ...]
    default: bool
    one_shell: bool = False


class TaskFile(Document):
    """A Makefile or justfile."""

    kinds: ClassVar[tuple[str, ...]] = ("makefile", "justfile")

    def __init__(self, source: Source, runner: str, recipes: list[Recipe]) -> None:
        super().__init__(source)
        self.runner = runner
        self.recipes = recipes

    def _shell_options(self) -> list[str]:
        """What `.SHELLFLAGS` switches on for every recipe."""
        flags = _SHELL_FLAGS.search(self.source.text) if self.runner == "make" else None
        words = flags.group(1).split() if flags else []
        letters = "".join(word[1:] for word in words if word.startswith("-") and not word.startswith("--"))
        named = [word for word in words if word == "pipefail"]
        return [name for letter, name in (("e", "errexit"), ("u", "nounset")) if letter in letters] + named

    def facts(self) -> Iterator[Fact]:
        """Yield a task for each target, with its commands."""
        options = self._shell_options()
        for recipe in self.recipes:
            yield from task_facts(
                self,
                self.runner,
                recipe.name,
                recipe.region,
                recipe.lines,
                recipe.needs,
                default=recipe.default,
                one_shell=recipe.one_shell,
                options=options,
            )


def parse(source: Source) -> TaskFile:
    """Read a Makefile or, by its name, a justfile."""
    name = source.path.rpartition("/")[2].lower().lstrip(".")
    if "just" in name:
        return TaskFile(source, "just", list(_JustReader(source).recipes()))
    return TaskFile(source, "make", list(_MakeReader(source).recipes()))


class _Open:
    """A target whose recipe is being read."""

    __slots__ = ("lines", "names", "needs", "number")

    def __init__(self, names: list[str], needs: tuple[str, ...], number: int) -> None:
        self.names = names
        self.needs = needs
        self.number = number
        self.lines: list[tuple[str, Region]] = []


class _MakeReader:
    """Reads logical lines (backslashes joined) and sorts them into assignments, rules and recipes."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.variables: dict[str, str] = {}

    def logical_lines(self) -> Iterator[tuple[int, int, str]]:
        """Yield the first line's number, the last one's, and the text."""
        number, last = 1, self.source.line_count
        while number <= last:
            first, parts = number, [self.source.line(number)]
            while parts[-1].endswith("\\") and number < last:
                number += 1
                parts.append(self.source.line(number))
            yield first, number, "\n".join(parts)
            number += 1

    def recipes(self) -> Iterator[Recipe]:
        targets: dict[str, _Open] = {}
        opened: _Open | None = None
        defining = False
        for first, last, text in self.logical_lines():
            start, end = self.source.line_region(first), self.source.line_region(last)
            region = Region(start.start_line, start.start_column, end.end_line, end.end_column)
            if defining:
                defining = not text.startswith("endef")
            elif text.startswith("define "):
                defining = True
            elif text.startswith("\t"):
                if opened is not None and text.strip():
                    opened.lines.append((text.strip(), region))
            elif text.strip() and not text.lstrip().startswith("#"):
                opened = self.statement(text.replace("\\\n", " "), first, region, targets) or opened
                if len(targets) >= _MOST:
                    break
        yield from self.finished(targets)

    def statement(self, text: str, number: int, region: Region, targets: dict[str, _Open]) -> _Open | None:
        """Take an assignment or a rule; return the rule, whose recipe follows."""
        assigned = _ASSIGNMENT.match(text)
        if assigned:
            self.variables[assigned[1]] = assigned[2].partition(" #")[0].strip()
            return None
        head, colon, rest = _without_comment(text).partition(":")
        if not colon or not head.strip() or "=" in head:
            return None
        needed, _, command = rest.removeprefix(":").partition(";")
        if "=" in needed:  # a variable for this target only
            return None
        names = self.expand(head).split()
        needs = tuple(name for name in self.expand(needed).split() if name != "|")
        opened = _Open(names, needs, number)
        if command.strip():
            opened.lines.append((command.strip(), region))
        if all(name.startswith(".") for name in names):  # .PHONY and its like
            return opened
        first = targets.setdefault(names[0], opened)
        if first is not opened:  # a second rule for a target adds what it needs, or brings its recipe
            first.needs += needs
            first.lines += opened.lines
        for name in names[1:]:
            targets.setdefault(name, first)
        return first

    def finished(self, targets: dict[str, _Open]) -> Iterator[Recipe]:
        first = next((name for name in targets if "%" not in name), "")
        default = self.variables.get(".DEFAULT_GOAL", first)
        for name, opened in targets.items():
            lines = tuple((self.command(text, name), region) for text, region in opened.lines)
            yield Recipe(name, self.source.line_region(opened.number), opened.needs, lines, name == default)

    def expand(self, text: str, depth: int = 4) -> str:
        """Put the literal values of variables in their places."""
        for _ in range(depth):
            if not 0 < text.count("$") <= _MOST_VARIABLES:
                break
            new = _VARIABLE.sub(lambda match: self.variables.get(match[1] or match[2], match[0])[:2_000], text)
            if new == text:
                break
            text = new
        return text

    def command(self, text: str, target: str) -> str:
        """A recipe line as the shell gets it; a `-` in front lets it fail."""
        prefix = text[: len(text) - len(text.lstrip("@-+ \t"))]
        text = self.expand(text[len(prefix) :])
        text = text.replace("$@", target).replace("$<", "_").replace("$^", "_")
        text = _SHELL_CALL.sub("$(", text)
        text = _VARIABLE.sub(lambda match: "make" if match[1] == "MAKE" else "${" + (match[1] or match[2]) + "}", text)
        text = _CALL.sub(lambda match: match[0] if " " in match[0] and _is_shell(match[0]) else "${_}", text)
        text = text.replace("$$", "$")
        return f"{{ {text}; }} || true" if "-" in prefix and text else text


def _is_shell(call: str) -> bool:
    """Tell `$(go list ./...)`, which came from `$(shell …)`, from a function of make."""
    word = call[2:].split(None, 1)[0]
    return word not in _FUNCTIONS


# GNU make's manual, "Functions", version 4.4.
_FUNCTIONS = frozenset(
    [
        "abspath",
        "addprefix",
        "addsuffix",
        "and",
        "basename",
        "call",
        "dir",
        "error",
        "eval",
        "file",
        "filter",
        "filter-out",
        "findstring",
        "firstword",
        "flavor",
        "foreach",
        "if",
        "info",
        "intcmp",
        "join",
        "lastword",
        "let",
        "notdir",
        "or",
        "origin",
        "patsubst",
        "realpath",
        "sort",
        "strip",
        "subst",
        "suffix",
        "value",
        "warning",
        "wildcard",
        "word",
        "wordlist",
        "words",
    ]
)


class _JustReader:
    """Reads recipes: a header at the line's begin, its body indented."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.variables: dict[str, str] = {}

    def recipes(self) -> Iterator[Recipe]:
        opened: list[_Open] = []
        for number in range(1, self.source.line_count + 1):
            line = self.source.line(number)
            if not line.strip() or line.startswith("#"):
                continue
            if line[0] in " \t":
                if opened:
                    opened[-1].lines.append((line.strip(), self.source.line_region(number)))
                continue
            if len(opened) >= _MOST or len(line) > 10_000:
                break
            self.header(line, number, opened)
        for place, one in enumerate(opened):
            lines = tuple(self.commands(one.lines))
            region = self.source.line_region(one.number)
            script = bool(one.lines) and one.lines[0][0].startswith("#!")
            yield Recipe(one.names[0], region, one.needs, lines, place == 0, script)

    def header(self, line: str, number: int, opened: list[_Open]) -> None:
        alias = _JUST_ALIAS.match(line)
        assigned = _JUST_ASSIGNMENT.match(line)
        recipe = _JUST_NAME.match(line)
        if alias:
            opened.append(_Open([alias[1]], (alias[2],), number))
        elif assigned:
            self.variables[assigned[1]] = assigned[2].strip().strip("\"'")
        elif recipe and ":" in line and not line.startswith(("set ", "import ", "mod ")):
            rest = _without_comment(_after_header(line)).replace("&&", " ")
            needs = tuple(match.group() for match in _NEED.finditer(re.sub(r"\([^)]*\)", _call_name, rest)))
            opened.append(_Open([recipe[1]], needs, number))

    def commands(self, lines: list[tuple[str, Region]]) -> Iterator[tuple[str, Region]]:
        """The lines as shell text; of a script (`#!`) all lines belong together."""
        script = bool(lines) and lines[0][0].startswith("#!")
        for text, region in lines[1:] if script else lines:
            prefix = "" if script else text[: len(text) - len(text.lstrip("@-"))]
            text = _JUST_EXPRESSION.sub(self.value, text[len(prefix) :])
            yield (f"{{ {text}; }} || true" if "-" in prefix and text else text), region

    def value(self, match: re.Match[str]) -> str:
        return self.variables.get(match[1], "${_}")


def _after_header(line: str) -> str:
    """What stands behind the colon that ends a recipe's name and parameters (a default may hold `:=` or a colon)."""
    quote = ""
    for at, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == ":" and line[at + 1 : at + 2] != "=":
            return line[at + 1 :]
    return ""


def _without_comment(text: str) -> str:
    """The text up to a `#` at its begin or behind a blank."""
    at = text.find("#")
    while at > 0 and text[at - 1] not in " \t":
        at = text.find("#", at + 1)
    return text if at < 0 else text[:at]


def _call_name(match: re.Match[str]) -> str:
    """The recipe of a dependency with arguments: `(test "unit")`."""
    words = match.group()[1:-1].split()
    return words[0] if words else ""
