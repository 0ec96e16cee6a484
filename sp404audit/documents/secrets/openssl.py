"""`openssl enc` in scripts, workflows and images: which cipher, which key, derived how.

The options are those of openssl-enc(1) of OpenSSL 3; a cipher may stand in place of `enc`: `openssl aes-256-cbc`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from sp404audit.documents.shell.commands import UNKNOWN, ShellCommand
from sp404audit.lazy import regex

if TYPE_CHECKING:
    from sp404audit.documents.model import Repository
    from sp404audit.results import Location

__all__ = ["EncCommand"]

_OPTIONS_WITH_VALUE = """
    -in -out -pass -k -kfile -K -iv -S -iter -md -bufsize -saltlen -engine -rand -writerand -provider -provider-path
    -provparam -propquery -skeymgmt -skeyopt -cipher"""
_WITH_VALUE = frozenset(_OPTIONS_WITH_VALUE.split())
_CIPHER = regex(r"(?:aes|aria|camellia|bf|blowfish|cast5?|des3?|desx|idea|rc[245]|seed|sm4|chacha20)(?:-?\w+)*$")


class EncCommand:
    """One call of `openssl enc`.

    Attributes:
        location: of the command.
        flags: the options that take no value, as written.
        values: the options that do, with what follows them; `UNKNOWN` stands for what only the run can tell.
        is_open: whether variables may bring further options.
    """

    kinds: ClassVar[tuple[str, ...]] = ("shell", "workflow", "action", "makefile", "justfile", "dockerfile")

    def __init__(self, location: Location, flags: frozenset[str], values: dict[str, str], *, is_open: bool) -> None:
        self.location = location
        self.flags = flags
        self.values = values
        self.is_open = is_open

    @staticmethod
    def in_repository(repository: Repository) -> Iterator[EncCommand]:
        """Yield every call in the repository."""
        for command in repository.facts(ShellCommand):
            if command.name == "openssl" and (found := _read(command)) is not None:
                yield found

    @property
    def decrypts(self) -> bool:
        """Whether it decrypts; the other options then follow from how the file was made."""
        return "-d" in self.flags

    @property
    def has_raw_key(self) -> bool:
        """Whether the key itself is given, so that nothing is derived."""
        return "-K" in self.values

    @property
    def derives_slowly(self) -> bool:
        """Whether PBKDF2 derives the key; a count of iterations implies it."""
        return "-pbkdf2" in self.flags or "-iter" in self.values


def _read(command: ShellCommand) -> EncCommand | None:
    words = command.known[1:]
    if not words or not (words[0] == "enc" or _CIPHER.match(words[0])):
        return None
    flags: set[str] = set()
    values: dict[str, str] = {}
    is_open = False
    pending = iter(words[1:])
    for word in pending:
        name = f"-{word.lstrip('-')}" if word.startswith("-") else word
        if name in _WITH_VALUE:
            values[name] = next(pending, UNKNOWN)
        elif name.startswith("-"):
            flags.add(name)
        else:
            is_open = is_open or UNKNOWN in word
    ciphers = [words[0], values.get("-cipher", ""), *(flag[1:] for flag in flags)]
    if not is_open and not any(_CIPHER.match(name) for name in ciphers):
        return None  # without a cipher it only encodes: `openssl enc -base64`
    return EncCommand(command.location, frozenset(flags), values, is_open=is_open)
