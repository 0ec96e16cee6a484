"""Which paths git tracks, read from the index file itself: no git process, no configuration, no hook.

The format is that of git's own `gitformat-index(5)`, versions 2 to 4.
"""

from __future__ import annotations

from sp404audit.discovery.reading import InputError, Reader

__all__ = ["BrokenIndexError", "tracked_paths"]

MAX_INDEX_BYTES = 128 * 1024 * 1024

_FIXED = 40  # bytes of an entry before its object name: times, device, inode, mode, owner, size
_EXTENDED = 0x40  # in the first byte of the flags
_LONG_NAME = 0xFFF
_UNUSABLE = {b"link": "it is split", b"sdir": "it is sparse"}
_HASHES = ((20, "sha1"), (32, "sha256"))


class BrokenIndexError(Exception):
    """The index is there and cannot be trusted: truncated, corrupt, split, sparse, or of an unknown version."""


def tracked_paths(reader: Reader) -> frozenset[str] | None:
    """Return the paths that git tracks in this root.

    A `.git` that is a file (a worktree, a submodule) points elsewhere and is not followed.

    Returns:
        None when the root is no git repository of its own, or has no index yet.

    Raises:
        BrokenIndexError: when there is an index that cannot be trusted.
    """
    if reader.tracked is not None:
        return reader.tracked
    try:
        data = reader.read(".git/index", MAX_INDEX_BYTES)
    except InputError as error:
        if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
            return None
        raise BrokenIndexError(str(error)) from error
    for width, name in _HASHES:
        if _checksum_holds(data, width, name):
            try:
                return _parse(data, width)
            except (IndexError, ValueError) as error:
                raise BrokenIndexError("its entries do not add up") from error
    raise BrokenIndexError("its checksum does not fit")


def _checksum_holds(data: bytes, width: int, name: str) -> bool:
    import hashlib

    stored = data[-width:]
    if not any(stored):  # index.skipHash writes zeros
        return True
    return hashlib.new(name, memoryview(data)[:-width], usedforsecurity=False).digest() == stored


def _parse(data: bytes, width: int) -> frozenset[str]:
    version, count = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    if data[:4] != b"DIRC" or version not in (2, 3, 4) or count > len(data) // (_FIXED + width):
        raise BrokenIndexError(f"version {version} is not known")
    names, at = (_compressed if version == 4 else _padded)(data, count, _FIXED + width)
    _check_extensions(data, at, width)
    return frozenset(b"\0".join(names).decode("utf-8", "surrogateescape").split("\0")) if names else frozenset()


def _padded(data: bytes, count: int, before_flags: int) -> tuple[list[bytes], int]:
    """Read the entries of versions 2 and 3: each ends with one to eight zero bytes, at a multiple of eight."""
    names: list[bytes] = []
    at = 12
    for _ in range(count):
        high, length = data[at + before_flags], data[at + before_flags + 1]
        length |= (high & 0x0F) << 8
        start = at + before_flags + (4 if high & _EXTENDED else 2)
        if length == _LONG_NAME:
            length = data.index(b"\0", start) - start
        names.append(data[start : start + length])
        at += (start - at + length + 8) // 8 * 8
    return names, at


def _compressed(data: bytes, count: int, before_flags: int) -> tuple[list[bytes], int]:
    """Read the entries of version 4: each names what it keeps of the name before."""
    names: list[bytes] = []
    at, name = 12, b""
    for _ in range(count):
        at += before_flags + (4 if data[at + before_flags] & _EXTENDED else 2)
        strip, at = _offset(data, at)
        if strip > len(name):
            raise ValueError("a name is stripped of more than it has")
        end = data.index(b"\0", at)
        name = name[: len(name) - strip] + data[at:end]
        names.append(name)
        at = end + 1
    return names, at


def _offset(data: bytes, at: int) -> tuple[int, int]:
    """Read a number in the variable width encoding of pack offsets."""
    byte = data[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = data[at]
        value = ((value + 1) << 7) | (byte & 0x7F)
        if value > len(data):
            raise ValueError("a number is out of range")
    return value, at + 1


def _check_extensions(data: bytes, at: int, width: int) -> None:
    end = len(data) - width
    while at < end:
        if (reason := _UNUSABLE.get(data[at : at + 4])) is not None:
            raise BrokenIndexError(reason)
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    if at != end:
        raise ValueError("an extension ends beyond the file")
