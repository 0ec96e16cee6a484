"""What a result is known by from one audit to the next: two fingerprints, both pure functions of text.

GitHub closes an alert and opens another when its fingerprint changes, so the hash that GitHub itself would compute is
reproduced exactly. It changes whenever one of the next hundred characters does; our own fingerprint does not, and is
what a baseline goes by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sp404audit.results import WHOLE_FILE, Location

__all__ = ["line_hashes", "normalised", "stable_fingerprint", "stable_fingerprints"]

_WINDOW = 100
_MULTIPLIER = 37
_WORD = 1 << 64
_END_OF_FILE = "\uffff"
_BLANKS = {ord(" "): None, ord("\t"): None}
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
    stream = text.translate(_UNDECODED) if not text.isascii() else text
    stream = stream.replace("\r\n", "\n").replace("\r", "\n").translate(_BLANKS) + _END_OF_FILE
    hashes: dict[int, str] = {}
    seen: dict[bytes, int] = {}
    start, last = 0, max(wanted)
    for number in range(1, last + 1):
        # A window of 100 code points holds at least 100 UTF-16 units; those beyond are cut off.
        window = stream[start : start + _WINDOW].encode("utf-16-le", "surrogatepass")[: 2 * _WINDOW]
        seen[window] = occurrence = seen.get(window, 0) + 1
        if number in wanted:
            hashes[number] = f"{_rolling_hash(window):x}:{occurrence}"
        start = stream.find("\n", start) + 1
        if start == 0:
            break
    return hashes


def _rolling_hash(window: bytes) -> int:
    """The value of GitHub's 64-bit rolling hash once it has seen exactly this window, zeros following."""
    value = 0
    for position in range(0, 2 * _WINDOW, 2):
        unit = int.from_bytes(window[position : position + 2], "little")
        value = (value * _MULTIPLIER + unit) % _WORD
    return value


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
