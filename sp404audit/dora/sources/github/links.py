"""Addresses that an answer names: followed only to the very server that was asked, since a token goes with them."""

from __future__ import annotations

import re

from sp404audit.dora.sources.http import Url
from sp404audit.lazy import regex

__all__ = ["next_page", "within"]

_MAX_HEADER = 8192
# RFC 8288; the parameters of GitHub's links hold neither commas nor angle brackets.
_LINK = regex(r"<([^<>]{1,4096})>([^<>,]{0,512})")
_NEXT = regex(r";\s{0,8}rel\s{0,8}=\s{0,8}\"?next\b", re.IGNORECASE)


def next_page(header: str) -> str | None:
    """The address of the next page in a Link header; None on the last one."""
    for link in _LINK.finditer(header[:_MAX_HEADER]):
        if _NEXT.match(link[2].strip()):
            return link[1]
    return None


def within(address: str, server: Url) -> str | None:
    """The path, with its query, that an address means below the server's own; None when it lies anywhere else.

    Anywhere else is another scheme, host or port, credentials in the address, or a path outside of the server's.
    """
    from urllib.parse import urlsplit

    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme or parts.netloc:
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        same = (parts.scheme, parts.hostname, port or usual) == (server.scheme, server.host, server.port)
        if not same or "@" in parts.netloc:
            return None
    if not parts.path.startswith(f"{server.path}/") or parts.path.startswith("//"):
        return None
    path = parts.path.removeprefix(server.path)
    if any(part in (".", "..") for part in path.split("/")):
        return None
    return f"{path}?{parts.query}" if parts.query else path
