"""A shell script as a file of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from sp404audit.documents.model import Document, Fact
from sp404audit.documents.shell import commands as shell
from sp404audit.documents.source import DocumentError, Source
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import WHOLE_FILE, Location, Region

if TYPE_CHECKING:
    from sp404audit.documents.shell.commands import Command, Shell

__all__ = ["Script", "ScriptFact", "parse"]

_SHEBANG = regex(r"#![ \t]*(\S+)(?:[ \t]+([^\r\n]*))?")
_LETTERS = {"e": "errexit", "u": "nounset", "x": "xtrace"}
_SAYS_WHEN = regex(
    r"^[ \t]*#(?!!)[^\n]{0,200}?\b(cron(?:tab|job)?\b|cron\.(?:d|daily|hourly|weekly)|systemd|timer\b|nightly|hourly"
    r"|every (?:night|day|hour|week)|scheduled? by|scheduler)",
    re.IGNORECASE | re.MULTILINE,
)
_MODIFIERS = frozenset({"set", "shopt", "trap", "umask", "export", "readonly", "declare", "typeset", "local", "unset"})
"""Commands that prepare the shell and nothing else."""


class Shebang(NamedTuple):
    """The first line: the shell's name (`bash`), the options that it is started with, and the line's place."""

    interpreter: str
    options: tuple[str, ...]
    region: Region


class ScriptFact(NamedTuple):
    """A script of the repository.

    Attributes:
        interpreter: the shell that its first line names.
        acts: whether it does anything but define functions and set variables.
        functions: the names of its functions.
        options: what the script switches on by its own `set`; whoever sources it gets them.
        says_when: a comment that tells by what, or how often, the script is started.
    """

    location: Location
    path: str
    interpreter: str
    has_shebang: bool
    acts: bool
    functions: tuple[str, ...]
    options: tuple[str, ...]
    says_when: Location | None


class Script(Document):
    """A shell script. `shebang` is None where the file has none: then the caller chooses the shell, or sources it."""

    kinds: ClassVar[tuple[str, ...]] = ("shell",)

    def __init__(self, source: Source, shebang: Shebang | None, text: Shell) -> None:
        super().__init__(source)
        self.shebang = shebang
        self.shell = text
        self.problems += text.problems

    @property
    def path(self) -> str:
        """Where the file lies."""
        return self.source.path

    @property
    def region(self) -> Region:
        """The first line: where a statement about the whole script belongs."""
        return self.shebang.region if self.shebang else WHOLE_FILE

    @property
    def interpreter(self) -> str:
        """The shell that runs it: by its first line, else by its extension."""
        if self.shebang is not None:
            return self.shebang.interpreter
        extension = self.path.rpartition(".")[2]
        return extension if extension in ("bash", "zsh", "ksh", "dash") else "sh"

    @property
    def actions(self) -> list[Command]:
        """The commands that run when the file runs: outside functions, and more than a setting of the shell."""
        return [
            command
            for command in self.shell.commands
            if command.function is None and command.name and command.name not in _MODIFIERS and not command.substitution
        ]

    def _says_when(self) -> Location | None:
        match = _SAYS_WHEN.search(self.source.text, 0, 16 * 1024)
        return Location(self.path, self.source.region(*match.span())) if match else None

    def facts(self) -> Iterator[Fact]:
        """Yield the script and its commands."""
        given = len(self.shebang.options) if self.shebang else 0
        yield ScriptFact(
            Location(self.path, self.region),
            self.path,
            self.interpreter,
            self.shebang is not None,
            bool(self.actions),
            tuple(sorted(self.shell.functions)),
            tuple(sorted({setting.option for setting in self.shell.settings[given:] if setting.on})),
            self._says_when(),
        )
        yield from shell.command_facts(self.shell, self.path, shell.Unit("script", self.path))


def parse(source: Source) -> Script:
    """Read a script.

    Raises:
        DocumentError: when the file is a program or data under a script's name.
    """
    if "\x00" in source.text[:4096]:
        raise DocumentError("input/binary", "named like a shell script, but binary: not audited", level="note")
    shebang = _shebang(source)
    interpreter = shebang.interpreter if shebang else "sh"
    return Script(
        source,
        shebang,
        shell.parse(source, interpreter=interpreter, options=shebang.options if shebang else ()),
    )


def _shebang(source: Source) -> Shebang | None:
    match = _SHEBANG.match(source.text)
    if match is None:
        return None
    words = [match.group(1), *(match.group(2) or "").split()]
    if words[0].rpartition("/")[2] == "env":
        words = [word for word in words[1:] if word != "-S" and "=" not in word] or ["sh"]
    options: list[str] = []
    for index, word in enumerate(words[1:], 1):
        if word.startswith("-") and not word.startswith("--"):
            options += [_LETTERS[letter] for letter in word[1:] if letter in _LETTERS]
            if word.endswith("o") and index + 1 < len(words):
                options.append(words[index + 1])
    return Shebang(words[0].rpartition("/")[2], tuple(options), source.line_region(1))
