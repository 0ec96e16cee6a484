"""What leaves the tool is made harmless for where it goes: one place for every format.

Paths, messages and code come from the audited repository. Unescaped they could colour a terminal, hide a line, turn
text around (CVE-2021-42574), break out of a URI, call somebody in a comment, or be reckoned by a spreadsheet.
"""

from __future__ import annotations

import re

from sp404audit.lazy import regex

__all__ = [
    "MESSAGE_LIMIT",
    "cell",
    "code",
    "command_data",
    "command_property",
    "decodable",
    "line",
    "markdown",
    "markdown_prose",
    "shortened",
    "uri",
    "visible",
    "web_address",
    "without_commands",
]

MESSAGE_LIMIT = 400
"""How many characters a message may have in a report."""

_TAB_WIDTH = 4
_URI_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def visible(text: str) -> str:
    r"""Spell out every character that would not be seen, on one line: ESC becomes `\x1b`, U+202E becomes `\u202e`.

    Undecodable bytes (surrogate escapes) become the byte they were: `\xe9`.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _spelled(character) for character in text)


def _spelled(character: str) -> str:
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(character)
    if named:
        return named
    value = ord(character)
    if 0xDC80 <= value <= 0xDCFF:
        value -= 0xDC00
    if value < 0x100:
        return f"\\x{value:02x}"
    return f"\\u{value:04x}" if value < 0x10000 else f"\\U{value:08x}"


def code(source: str) -> str:
    """A line of source for a terminal: tabs become four blanks, whatever else is not printable is spelled out."""
    return visible(source.replace("\t", " " * _TAB_WIDTH))


def shortened(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """At most `limit` characters of a text; an ellipsis stands for what is cut off."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def line(text: str) -> str:
    """A message as one line, harmless and not too long."""
    return shortened(visible(" ".join(text.split())))


def decodable(text: str) -> str:
    """Text that every reader of UTF-8 and JSON takes: surrogates become U+FFFD, all else stays as it is."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


def uri(path: str) -> str:
    """A relative path as a relative URI reference (RFC 3986): percent-encoded by bytes, also those not UTF-8.

    A colon is encoded too: `a:b` would otherwise be read as scheme `a`.
    """
    data = _bytes(path)
    return "".join(chr(byte) if byte in _URI_PLAIN else f"%{byte:02X}" for byte in data)


def _bytes(path: str) -> bytes:
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate of another kind: Windows allows them in names
        return path.encode("utf-8", "surrogatepass")


_URL_PLAIN = _URI_PLAIN | frozenset(b":%?=&+")


def web_address(text: str) -> str:
    """An address of the web that may stand in a link: anything but http and https is no address, and empty."""
    if not text.startswith(("https://", "http://")):
        return ""
    return "".join(chr(byte) if byte in _URL_PLAIN else f"%{byte:02X}" for byte in _bytes(text))


_NO_WIDTH = "\u200b"
_MARKDOWN = str.maketrans(
    {character: "\\" + character for character in "\\`*_[]|~#"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
)
_LINKED_BY_ITSELF = regex(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)|(?<=#)(?=[0-9])|(?<=gh-)(?=[0-9])", re.IGNORECASE)
_BEGINS_BLOCK = regex(r"([-+=]|[0-9]{1,9}(?=[.)]))")
_PROSE_CODE = regex(r"`([^`\n]+)`")


def markdown(text: str) -> str:
    """Text as text in GitHub's Markdown, on one line, also in a table: no markup, no HTML, no link, nobody called.

    GitHub makes links of addresses, `@names`, `#12` and `GH-12` wherever they stand, escaped or not: a blank without
    width parts them, as its own bots do it.
    """
    text = visible(" ".join(text.split()))
    text = _LINKED_BY_ITSELF.sub(_NO_WIDTH, text).translate(_MARKDOWN)
    if begins := _BEGINS_BLOCK.match(text):
        first = begins[1]
        return "\\" + text if first in "-+=" else first + "\\" + text[len(first) :]
    return text


def markdown_prose(text: str) -> str:
    """A rule's documentation in Markdown: code between backticks stays code, whatever else it holds is text."""
    parts = _PROSE_CODE.split(" ".join(text.split()))
    return "".join(
        f"<code>{markdown(part)}</code>" if number % 2 else _within(part) for number, part in enumerate(parts)
    )


def _within(text: str) -> str:
    """Text between two pieces of code, with the blanks at its ends."""
    inner = markdown(text)
    lead = " " if text[:1] == " " else ""
    return lead + inner + (" " if text[-1:] == " " and inner else "")


def command_data(text: str) -> str:
    """The message of a workflow command, as the runner reads it (actions/toolkit, `command.ts`)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """A property of a workflow command, such as its file."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


_COMMAND = regex(r"^([^\S\n]*:)(?=:)|(#)(?=#\[)", re.MULTILINE)


def without_commands(text: str) -> str:
    """Text in which the log of a GitHub runner finds no workflow command, neither `::name` nor `##[name]`.

    The runner takes the first at the beginning of a line and the second anywhere (actions/runner,
    `ActionCommand.cs`): a file of that name could otherwise hide or forge annotations.
    """
    return _COMMAND.sub(rf"\g<0>{_NO_WIDTH}", text)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(text: str) -> str:
    """A cell of a table that a spreadsheet opens: what it would take for a formula gets an apostrophe before it.

    See https://owasp.org/www-community/attacks/CSV_Injection; the full-width signs count where East Asian is spoken.
    """
    text = visible(text)
    return "'" + text if text.startswith(_FORMULA) else text
