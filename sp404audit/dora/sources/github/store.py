"""Pages of the API on disk, kept from one run to the next: an unchanged page costs nothing, and a killed run goes on.

A page is found by its address and the hash of the token that it was fetched with: what one user may see is not handed
to another. It is written when it is there, in a transaction of its own, and as JSON: a file that somebody else has
touched can hold wrong data, but cannot run anything.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    from sp404audit.cache.store import Store

__all__ = ["KeptPage", "PageStore", "open_store"]

_FILE_NAME = "github.sqlite3"
_MAX_ENTRY_BYTES = 4 * 1024 * 1024
_MAX_PLAIN_BYTES = 64 * 1024 * 1024
_FORMAT = "sp404audit github page 1"

# RFC 9110, section 8.8.3; goes into a header, so that nothing but visible ASCII may be in it.
_ETAG = regex(r'(?:W/)?"[!#-~]{0,200}"')


class KeptPage(NamedTuple):
    """A page as it was fetched.

    Attributes:
        etag: what the server calls this state of it; empty when it named none.
        settled: in what state the thing was that it tells about, for pages that do not change while that does not.
        next: address of the page after it; empty on the last one.
        data: what it holds.
    """

    etag: str
    settled: str
    next: str
    data: Any


class PageStore:
    """The pages that were fetched with one token.

    Args:
        store: the entries.
        token_hash: tells tokens apart; empty without a token.
    """

    def __init__(self, store: Store, token_hash: str) -> None:
        self._store = store
        self._token_hash = token_hash

    def find(self, address: str) -> KeptPage | None:
        """The page at an address; None when it is not known, or not as `keep` wrote it."""
        import json
        import zlib

        entry = self._store.get(self._key(address))
        if entry is None:
            return None
        try:
            unpack = zlib.decompressobj()
            etag, settled, following, data = json.loads(unpack.decompress(entry, _MAX_PLAIN_BYTES))
        except (zlib.error, ValueError, TypeError, RecursionError):
            return None
        if not all(isinstance(each, str) for each in (etag, settled, following)):
            return None
        return KeptPage(etag if _ETAG.fullmatch(etag) else "", settled, following, data)

    def keep(self, address: str, page: KeptPage) -> None:
        """Keep a page; it is on disk when this returns, unless the disk does not want it."""
        import json
        import zlib

        if not page.settled and not _ETAG.fullmatch(page.etag):
            return
        plain = json.dumps(list(page), separators=(",", ":"), check_circular=False).encode()
        entry = zlib.compress(plain, 1)
        if len(plain) <= _MAX_PLAIN_BYTES and len(entry) <= _MAX_ENTRY_BYTES:
            self._store.put(self._key(address), entry)
            self._store.flush()

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _key(self, address: str) -> bytes:
        import hashlib

        return hashlib.sha256("\n".join((_FORMAT, self._token_hash, address)).encode()).digest()


def open_store(token_hash: str, outside: str | os.PathLike[str] | None, folder: str | None = None) -> PageStore | None:
    """Open the pages that earlier runs kept.

    Args:
        token_hash: tells tokens apart.
        outside: the repository that is measured; a cache inside it is not used, since whoever wrote it could fill it.
        folder: where the file lies; None for the user's own cache.

    Returns:
        None where there is no folder that only this user can write in, or no SQLite.
    """
    from sp404audit.cache import default_folder, private_folder

    made = private_folder(default_folder() if folder is None else os.path.abspath(folder))  # noqa: PTH100
    if made is None or (outside is not None and Path(os.path.realpath(made)).is_relative_to(os.path.realpath(outside))):
        return None
    try:
        from sp404audit.cache.store import Store
    except ImportError:  # Python may be built without SQLite
        return None
    return PageStore(Store(os.path.join(made, _FILE_NAME), max_entry_bytes=_MAX_ENTRY_BYTES), token_hash)
