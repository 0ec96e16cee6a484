"""Private keys in text and in key stores: where they are, of which kind, and whether a passphrase protects them.

Forms: PEM (RFC 7468) with or without the older encryption headers (RFC 1421), OpenSSH's own format
(PROTOCOL.key of openssh-portable), OpenPGP armour (RFC 9580), PuTTY's (its manual, appendix C), age identities
(C2SP age.md), and stores: PKCS#12 (RFC 7292) and the JDK's JKS and JCEKS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from sp404audit.records import NamedTuple

__all__ = ["Block", "find", "may_hold", "store_holds_key"]

_MARKS = (b"PRIVATE KEY", b"PuTTY-User-Key-File-", b"AGE-SECRET-KEY-1", b"LS0tLS1CRUdJTi")
_MIN_BODY = 64
"""Base64 characters of the shortest PEM key in use: an Ed25519 key in PKCS#8 has exactly so many."""
_MIN_SHORT_BODY = 40
"""What is left of a key that was cut down, when it is no more than the constant beginning of its format."""
_CONSTANT_BEGINNINGS = ("MI", "b3BlbnNzaC1rZXktdjE")
_MAX_BLOCK = 64 * 1024
_MAX_BLOCKS = 1000
_MAX_HEADERS = 10
_DISTINCT = 20
"""A key of 64 characters uses about 40 of the 64 that base64 has; a made-up one few."""


class Block(NamedTuple):
    """A private key, or what stands in the place of one.

    Attributes:
        kind: what to call it: `RSA private key`.
        start: offset of its first line in the text.
        end: offset behind that line.
        is_key: whether key material follows; else it is a placeholder.
        is_encrypted: whether a passphrase is needed to use it.
    """

    kind: str
    start: int
    end: int
    is_key: bool
    is_encrypted: bool


def may_hold(data: bytes) -> bool:
    """Tell in no time whether a file is worth a closer look."""
    return any(mark in data for mark in _MARKS) or data.startswith((b"\xff\xfe", b"\xfe\xff"))


def find(text: str) -> Iterator[Block]:
    """Yield the private keys of a text, placeholders included, in source order."""
    for count, match in enumerate(_beginning().finditer(text)):
        if count >= _MAX_BLOCKS:
            return
        block = _READERS[match.lastgroup or ""](text, match)
        if block is not None:
            yield block


def store_holds_key(data: bytes) -> bool | None:
    """Tell whether a key store holds a private key; None when only its password could tell."""
    if data[:4] in (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"):
        return _java_store_holds_key(data)
    pkcs7 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07"
    return None if data[:1] == b"\x30" and pkcs7 in data[:128] else False


def _java_store_holds_key(data: bytes) -> bool | None:
    count, at = int.from_bytes(data[8:12], "big"), 12
    for _ in range(min(count, _MAX_BLOCKS)):
        tag = int.from_bytes(data[at : at + 4], "big")
        if tag in (1, 3):
            return True
        if tag != 2:
            return None
        at += 4
        for width in (2, 8, 2, 4):  # alias, date, type of the certificate, the certificate
            length = int.from_bytes(data[at : at + width], "big")
            at += width + (0 if width == 8 else length)
    return False


def _pem(text: str, match: re.Match[str]) -> Block | None:
    label = match["label"]
    window = text[match.end() : match.end() + _MAX_BLOCK]
    end = _end_of_block().search(window)
    body, headers = _body(window[: end.start()] if end else window)
    is_encrypted = "ENCRYPTED" in label or "ENCRYPTED" in headers or _is_encrypted_openssh(body)
    name = " ".join(label.replace("ENCRYPTED", "").split()).replace("PRIVATE KEY BLOCK", "PRIVATE KEY")
    kind = name.replace("PRIVATE KEY", "private key").strip()
    return Block(kind, match.start(), match.end(), _is_key(body, complete=end is not None), is_encrypted)


def _body(window: str) -> tuple[str, str]:
    """Collect the base64 of a block as far as it reaches, and the headers before it."""
    headers: list[str] = []
    pieces: list[str] = []
    for line in _escaped_line_end().sub("\n", window).splitlines():
        if match := _base64_line().fullmatch(line):
            pieces.append(match[1])
        elif not pieces and len(headers) < _MAX_HEADERS and _header().match(line):
            headers.append(line)
        elif line.strip(" \t\"'`+#*/|>,;\\."):
            break
    return "".join(pieces), " ".join(headers)


def _is_key(body: str, *, complete: bool) -> bool:
    least = _MIN_BODY
    if complete and not body.startswith(_CONSTANT_BEGINNINGS):
        least = _MIN_SHORT_BODY
    return len(body) >= least and len(set(body)) >= _DISTINCT and not _is_readable(body)


def _is_readable(body: str) -> bool:
    """Tell whether base64 stands for text: `not a real key` is a favourite."""
    decoded = _decode(body[:256])
    return bool(decoded) and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in decoded)


def _is_encrypted_openssh(body: str) -> bool:
    decoded = _decode(body[:64])
    magic = b"openssh-key-v1\0"
    if not decoded.startswith(magic):
        return False
    length = int.from_bytes(decoded[len(magic) : len(magic) + 4], "big")
    return decoded[len(magic) + 4 :][: min(length, 32)] != b"none"


def _decode(text: str) -> bytes:
    import binascii

    text = text.rstrip("=")
    try:
        return binascii.a2b_base64(text[: len(text) // 4 * 4])
    except binascii.Error:
        return b""


def _putty(text: str, match: re.Match[str]) -> Block | None:
    window = text[match.end() : match.end() + _MAX_BLOCK]
    private = _putty_private().search(window)
    if private is None:
        return None
    body, _ = _body(window[private.end() :])
    encrypted = "Encryption: none" not in window[: private.start()]
    return Block("PuTTY private key", match.start(), match.end(), _is_key(body, complete=True), encrypted)


def _age(text: str, match: re.Match[str]) -> Block | None:
    del text
    return Block("age identity", match.start(), match.end(), len(set(match[0][16:])) >= _DISTINCT - 4, False)


def _encoded_pem(text: str, match: re.Match[str]) -> Block | None:
    del text
    decoded = _decode(match[0][:_MAX_BLOCK]).decode("latin-1")
    inner = _beginning().match(decoded)
    block = _pem(decoded, inner) if inner and inner.lastgroup == "pem" else None
    return block and Block(
        f"{block.kind} (in base64)", match.start(), match.start() + 24, block.is_key, block.is_encrypted
    )


_READERS = {"pem": _pem, "putty": _putty, "age": _age, "encoded": _encoded_pem}


@cache
def _beginning() -> re.Pattern[str]:
    return re.compile(
        r"(?P<pem>-{4,5} ?BEGIN (?P<label>(?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?) ?-{4,5})"
        r"|(?P<putty>PuTTY-User-Key-File-[23]:)"
        r"|(?P<age>AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58})"
        r"|(?P<encoded>LS0tLS1CRUdJTi[A-Za-z0-9+/]{80,}+={0,2})"
    )


@cache
def _end_of_block() -> re.Pattern[str]:
    return re.compile(r"-{4,5} ?(?:END|BEGIN) ")


@cache
def _escaped_line_end() -> re.Pattern[str]:
    return re.compile(r"\\+r\\+n|\\+n|\\+r")


@cache
def _base64_line() -> re.Pattern[str]:
    return re.compile(r"[ \t\"'`+#*/|>,;\\.]*?(?<![A-Za-z0-9+/])([A-Za-z0-9+/]{4,}={0,2})[ \t\"'`+,;\\)\]}]*")


@cache
def _header() -> re.Pattern[str]:
    return re.compile(r"[ \t\"'`+#*/|>,;]*[A-Z][A-Za-z-]{2,20}: ")


@cache
def _putty_private() -> re.Pattern[str]:
    return re.compile(r"\nPrivate-Lines: \d{1,4}[ \t]*")
