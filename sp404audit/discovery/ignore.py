"""What .gitignore leaves out, in time linear in the path.

The semantics are gitignore(5)'s. Each `*` matches as little as it can and never gives back (an atomic group), which
decides the same language as backtracking does, and keeps a pattern such as `a*a*a*a*b` from hanging the audit.
"""

from __future__ import annotations

import re

from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["IgnoreRules"]

MAX_PATTERNS = 2_000
"""Patterns that one file may hold. The longest templates in public collections have about 500."""

_CLASS = regex(r"\[([!^]?)(\]?(?:\\.|[^\]\\])*)\]", re.DOTALL)


class _Pattern(NamedTuple):
    negated: bool
    folders_only: bool
    parts: tuple[str | re.Pattern[str], ...]  # of a path, `**` standing for any number of parts


class IgnoreRules:
    r"""The ignore files of a tree.

    >>> rules = IgnoreRules()
    >>> rules.add("", "*.log\n!keep.log\n/build/\n")
    True
    >>> [path for path in ("a/b.log", "keep.log", "build/x", "src/build/x") if rules.ignores(path)]
    ['a/b.log', 'build/x']
    """

    def __init__(self) -> None:
        self._by_folder: dict[str, list[_Pattern]] = {}
        self._folders: dict[str, bool] = {"": False}

    def __bool__(self) -> bool:
        return bool(self._by_folder)

    def add(self, folder: str, text: str) -> bool:
        """Take the patterns of an ignore file in `folder` (relative, no trailing slash).

        Returns:
            False when the file holds more patterns than are matched in reasonable time; it is then left out whole.
        """
        lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
        if len(lines) > MAX_PATTERNS:
            return False
        patterns = [pattern for pattern in map(_parse, lines) if pattern is not None]
        if patterns:
            # Later patterns win, so they are asked first.
            self._by_folder[folder] = patterns[::-1] + self._by_folder.get(folder, [])
            self._folders = {"": False}
        return True

    def ignores(self, path: str) -> bool:
        """Tell whether a file is ignored: itself, or a folder that it lies in."""
        return self._ignores_folder(path.rpartition("/")[0]) or self._decide(path, is_folder=False)

    def _ignores_folder(self, folder: str) -> bool:
        pending = []
        while folder not in self._folders:
            pending.append(folder)
            folder = folder.rpartition("/")[0]
        ignored = self._folders[folder]
        for folder in reversed(pending):
            # Nothing below an ignored folder can be taken back in.
            ignored = ignored or self._decide(folder, is_folder=True)
            self._folders[folder] = ignored
        return ignored

    def _decide(self, path: str, *, is_folder: bool) -> bool:
        parts = path.split("/")
        folder = path
        for start in range(len(parts) - 1, -1, -1):
            folder = folder.rpartition("/")[0]
            for pattern in self._by_folder.get(folder, ()):
                if (is_folder or not pattern.folders_only) and _matches(pattern.parts, parts, start):
                    return not pattern.negated
        return False


def _matches(pattern: tuple[str | re.Pattern[str], ...], parts: list[str], start: int) -> bool:
    """Match the parts of a path from `start`; on a mismatch only the last `**` can take one part more."""
    at, here = 0, start
    star, resume = -1, 0
    while here < len(parts):
        wanted = pattern[at] if at < len(pattern) else None
        if wanted == "**":
            if at == len(pattern) - 1:
                return True
            star, resume = at, here
            at += 1
        elif wanted is not None and _fits(wanted, parts[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            resume += 1
            at, here = star + 1, resume
        else:
            return False
    return at == len(pattern)


def _fits(wanted: str | re.Pattern[str], part: str) -> bool:
    return wanted == part if isinstance(wanted, str) else wanted.fullmatch(part) is not None


def _parse(line: str) -> _Pattern | None:
    line = _without_trailing_spaces(line.removesuffix("\r"))
    negated = line.startswith("!")
    line = line.removeprefix("!")
    folders_only = line.endswith("/") and not line.endswith("\\/")
    line = line.rstrip("/") if folders_only else line
    anchored = "/" in line
    words = line.removeprefix("/").split("/")
    if not line or "" in words:
        return None
    parts: list[str | re.Pattern[str]] = [] if anchored else ["**"]
    try:
        for word in words:
            if word != "**" or parts[-1:] != ["**"]:
                parts.append(word if word == "**" else _glob(word))
    except re.error:
        return None
    return _Pattern(negated, folders_only, tuple(parts))


def _without_trailing_spaces(line: str) -> str:
    stripped = line.rstrip(" \t")
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + line[len(stripped) : len(stripped) + 1] if backslashes % 2 else stripped


def _glob(word: str) -> str | re.Pattern[str]:
    """Compile one part of a pattern; a plain name stays a string."""
    chunks: list[str] = [""]
    plain, at = [], 0
    while at < len(word):
        character = word[at]
        if character == "*":
            if len(chunks) == 1 or chunks[-1]:
                chunks.append("")
            at += 1
            continue
        if character == "[" and (match := _CLASS.match(word, at)):
            chunks[-1] += _character_class(match[1], match[2])
            at = match.end()
            continue
        if character == "?":
            chunks[-1] += "."
        else:
            if character == "\\" and at + 1 < len(word):
                at += 1
                character = word[at]
            plain.append(character)
            chunks[-1] += re.escape(character)
        at += 1
    text = "".join(plain)
    if len(chunks) == 1 and chunks[0] == re.escape(text):
        return text
    first, *middle = chunks
    last = ".*" + middle.pop() if middle else ""
    return re.compile(first + "".join(f"(?>.*?{chunk})" for chunk in middle) + last, re.DOTALL)


def _character_class(negation: str, members: str) -> str:
    if "[:" in members:
        raise re.error("a named character class")
    escaped = re.sub(r"\\(.)|([\[\]\\&~|^])", lambda match: "\\" + (match[1] or match[2]), members)
    return f"[{'^' if negation else ''}{escaped}]"
