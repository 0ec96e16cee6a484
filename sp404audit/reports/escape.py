"""What leaves the tool is made harmless for where it goes: one place for every format.

Paths, messages and code come from the audited repository. Unescaped they could colour a terminal, hide a line, turn
text around (CVE-2021-42574), or break out of a URI.
"""

from __future__ import annotations

__all__ = ["MESSAGE_LIMIT", "code", "decodable", "shortened", "uri", "visible"]

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


def code(line: str) -> str:
    """A line of source for a terminal: tabs become four blanks, whatever else is not printable is spelled out."""
    return visible(line.replace("\t", " " * _TAB_WIDTH))


def shortened(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """At most `limit` characters of a text; an ellipsis stands for what is cut off."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


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
