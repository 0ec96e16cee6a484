"""Blots secrets out of the code that reports show: a report travels further than the repository.

What is blotted out is decided by the line alone: the value of a key that names a credential, a value that reads like
a token that a service issued, the password in an address, the body of a private key. Placeholders and references stay:
they are what a reader has to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from sp404audit.documents.secrets.words import is_placeholder, is_reference, looks_random, names_secret
from sp404audit.results import Region, Snippet

__all__ = ["redacted"]

_KEY_LENGTH = 40
"""Base64 of a private key's line has at least as many characters."""
_PLAIN_WORDS = frozenset({"write", "read", "none", "inherit", "external", "required", "optional"})


def redacted(snippet: Snippet, whole: Region | None = None) -> Snippet:
    """Return the snippet with `*` for each character of a secret, so that columns stay what they are.

    Args:
        snippet: lines of a file.
        whole: a place that is a secret as such, whatever its key is named.
    """
    lines = []
    for number, line in enumerate(snippet.lines, start=snippet.first_line):
        spans = list(_spans(line))
        if whole is not None and whole.start_line <= number <= whole.end_line:
            start = whole.start_column - 1 if number == whole.start_line else 0
            end = whole.end_column - 1 if number == whole.end_line else len(line)
            spans.append(_value_of(line, start, end))
        for start, end in spans:
            line = line[:start] + "*" * len(line[start:end]) + line[end:]
        lines.append(line)
    return snippet._replace(lines=tuple(lines))


def _value_of(line: str, start: int, end: int) -> tuple[int, int]:
    """The value in `line[start:end]`: what follows its key, or all of it."""
    key = _key().match(line, start, end)
    return (key.end() if key else start), end


@lru_cache(maxsize=4096)
def _spans(line: str) -> tuple[tuple[int, int], ...]:
    """What `_secrets` yields; the snippets of a file overlap, and those of a repository are much alike."""
    return tuple(_secrets(line))


def _secrets(line: str) -> Iterator[tuple[int, int]]:
    """Yield where in a line there are secrets."""
    # Each pattern is preceded by a look for what it cannot do without: to search costs many times as much.
    has_sign = ":" in line or "=" in line
    for match in _entry().finditer(line) if has_sign else ():
        if names_secret(match["key"]) or _looks_issued(match["value"]):
            yield from _literal(match, "value")
    for match in _assignment().finditer(line) if has_sign or "-" in line or "ENV" in line else ():
        if names_secret(match["key"] or match["option"]):
            yield from _literal(match, "quoted" if match["quoted"] is not None else "bare")
    for match in _default().finditer(line) if "${" in line else ():
        if names_secret(match["key"]):
            yield from _literal(match, "value")
    for match in _url().finditer(line) if "://" in line else ():
        yield from _literal(match, "value")
    for match in _pass().finditer(line) if "pass:" in line or "-k" in line else ():
        yield from _literal(match, "value")
    for match in _key_body().finditer(line) if len(line) >= _KEY_LENGTH else ():
        yield from _literal(match, "value")


def _literal(match: re.Match[str], group: str) -> Iterator[tuple[int, int]]:
    value = match[group]
    if value in _PLAIN_WORDS or is_placeholder(value) or is_reference(value) or _code().match(value):
        return
    yield match.span(group)


def _looks_issued(value: str) -> bool:
    """Tell whether a value looks like a token that a service issued: random, in both cases; digests are in one."""
    return value.upper() != value != value.lower() and looks_random(value) and _token().fullmatch(value) is not None


@cache
def _token() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z0-9_+/=\-]{20,500}")


@cache
def _key() -> re.Pattern[str]:
    return re.compile(r"\s*(?:export\s+)?[\"']?[A-Za-z_][\w.\-]{0,100}[\"']?\s{0,20}[:=]\s*")


@cache
def _entry() -> re.Pattern[str]:
    """A line of a dotenv, INI or YAML file: the value goes up to the line's end or a comment."""
    return re.compile(
        r"^\s{0,200}(?:- )?(?:export )?(?P<key>[A-Za-z_][\w.\-]{0,100})\s{0,20}[:=]\s{0,20}"
        r"(?P<value>[^\s\"'#][^#\"']{0,500})(?<!\s)"
    )


@cache
def _assignment() -> re.Pattern[str]:
    """A key and its value inside a line: `"password": "x"`, `TOKEN='x'`, `--password x`."""
    return re.compile(
        r"(?:(?:--?|^ENV )(?P<option>[A-Za-z][\w\-]{1,60})[ =]"
        r"|(?<!\$\{)(?<![\w$])(?P<key>[A-Za-z_][\w.\-]{0,100})[\"']?\s{0,20}(?::=|[:=])\s{0,20})"
        r"(?:(?P<quote>[\"'])(?P<quoted>[^\"']{1,500})(?P=quote)|(?P<bare>[^\s\"'`;|&(){},\]\[$]{1,500})(?=[\s;|&)},\]]|$))"
    )


@cache
def _default() -> re.Pattern[str]:
    """The default in `${PASSWORD:-x}`: a secret for want of another."""
    return re.compile(r"\$\{(?P<key>[A-Za-z_]\w{0,100}):?[-=](?P<value>[^}$]{1,300})\}")


@cache
def _url() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s:/@\"']{0,100}:(?P<value>[^\s/@\"']{1,300})@")


@cache
def _pass() -> re.Pattern[str]:
    """How openssl takes a passphrase."""
    return re.compile(r"(?:\bpass:|\s-k\s{1,8})[\"']?(?P<value>[^\s\"']{1,300})")


@cache
def _key_body() -> re.Pattern[str]:
    """A line of a private key: base64 and nothing else but indentation and quotes."""
    return re.compile(rf"^[\s\"']{{0,80}}(?P<value>[A-Za-z0-9+/]{{{_KEY_LENGTH},}}={{0,2}})[\"',]{{0,2}}\s*$")


@cache
def _code() -> re.Pattern[str]:
    """A value that is code: a reference of Terraform, a call, a block."""
    return re.compile(r"(?:var|local|data|module|each|self|[a-z]+_[a-z_]+)\.\w|[\w.]{1,60}\(|[|>][+-]?$|[{\[&*!]")
