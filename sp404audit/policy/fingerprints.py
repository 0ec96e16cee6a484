"""What a result is known by from one audit to the next: two fingerprints, both pure functions of text.

GitHub closes an alert and opens another when its fingerprint changes, so the hash that GitHub itself would compute is
reproduced exactly. It changes whenever one of the next hundred characters does; our own fingerprint does not, and is
what a baseline goes by.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from operator import mul

from sp404audit.results import WHOLE_FILE, Location

__all__ = ["line_hashes", "normalised", "stable_fingerprint", "stable_fingerprints"]

_WINDOW = 100
_MULTIPLIER = 37
_WORD = 1 << 64
_END_OF_FILE = "\uffff"
_POWERS = tuple(_MULTIPLIER ** (_WINDOW - 1 - position) for position in range(_WINDOW))
_UNDECODED = dict.fromkeys(range(0xDC80, 0xDD00), 0xFFFD)


def line_hashes(text: str, lines: Iterable[int]) -> dict[int, str]:
    """Compute GitHub's `primaryLocationLineHash` of some lines of a file.

    The hash covers the hundred UTF-16 units, spaces and tabs left out, from the line's start on; line ends count as
    one LF, and the end of the file as 0xFFFF followed by zeros. A suffix numbers the lines whose hash is the same.
    (Source: github/codeql-action, src/fingerprints.ts, read 2026-11-25.)

    Args:
        text: the whole file; undecodable bytes as surrogate escapes.
        lines: line numbers, from 1. Numbers that the file does not have are left out of the answer.

    Returns:
        The hash of each line, as `hex:occurrence`.
    """
    wanted = {line for line in lines if line > 0}
    if not wanted:
        return {}
    is_ascii = text.isascii()
    stream = text if is_ascii else text.translate(_UNDECODED)
    stream = stream.replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "") + _END_OF_FILE
    hashes: dict[int, str] = {}
    seen: dict[str | bytes, int] = {}
    start, last = 0, max(wanted)
    for number in range(1, last + 1):
        text_window = stream[start : start + _WINDOW]
        # A window of 100 code points holds at least 100 UTF-16 units; those beyond are cut off.
        window = _units(text_window) if number in wanted or not is_ascii else b""
        key = text_window if is_ascii else window
        seen[key] = occurrence = seen.get(key, 0) + 1
        if number in wanted:
            hashes[number] = f"{_rolling_hash(window):x}:{occurrence}"
        start = stream.find("\n", start) + 1
        if start == 0:
            break
    return hashes


def _units(window: str) -> bytes:
    """The first hundred UTF-16 units of a text, in the machine's order of bytes."""
    return window.encode(f"utf-16-{sys.byteorder[0]}e", "surrogatepass")[: 2 * _WINDOW]


def _rolling_hash(window: bytes) -> int:
    """The value of GitHub's 64-bit rolling hash once it has seen exactly this window, zeros following.

    Each step multiplies what was and adds a unit, so the end is a sum of units by powers of the multiplier.
    """
    total: int = sum(map(mul, memoryview(window).cast("H"), _POWERS))
    return total % _WORD


def normalised(line: str) -> str:
    """A line with its indentation, its ends and runs of blanks evened out: re-indenting changes no fingerprint."""
    return " ".join(line.split())


def stable_fingerprint(rule_id: str, path: str, line: str, occurrence: int = 1) -> str:
    """Compute our own fingerprint (`sp404audit/v1`): it stays when lines are added above or the file is re-indented.

    Args:
        rule_id: the rule.
        path: the file, relative to the root; undecodable bytes as surrogate escapes.
        line: the text of the line that the result points at; empty for a statement about the whole file.
        occurrence: which one it is, from 1, among the results with the same rule, file and line text.
    """
    import hashlib

    parts = (rule_id, path, normalised(line), str(occurrence))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def stable_fingerprints(subjects: Sequence[tuple[str, Location]], line_of: Callable[[str, int], str]) -> list[str]:
    """Compute the fingerprint of each (rule, location), numbering those that would be the same.

    Args:
        subjects: rule ids with places, in the order of the report (places in a file from top to bottom).
        line_of: gives line `n` of the file at a path; empty when there is none.

    Returns:
        One fingerprint a subject, in the same order.
    """
    seen: dict[tuple[str, str, str], int] = {}
    fingerprints = []
    for rule_id, location in subjects:
        whole = location.region == WHOLE_FILE
        line = "" if whole else normalised(line_of(location.path, location.region.start_line))
        key = (rule_id, location.path, line)
        seen[key] = occurrence = seen.get(key, 0) + 1
        fingerprints.append(stable_fingerprint(rule_id, location.path, line, occurrence))
    return fingerprints
