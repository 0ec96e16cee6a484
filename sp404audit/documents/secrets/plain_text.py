"""Text of no kind that has a model: read for secrets alone, and only when its bytes hold the mark of one."""

from __future__ import annotations

from sp404audit.documents.secrets import declared_encryption, encrypted, key_material

__all__ = ["MAX_BYTES", "is_worth_reading"]

MAX_BYTES = 1024 * 1024
"""Larger text is data: keys and encrypted settings are small."""


def is_worth_reading(path: str, data: bytes) -> bool:
    """Tell in no time whether a file may hold what the rules on secrets judge: a repository has thousands of such."""
    if key_material.may_hold(data) or encrypted.may_be(data) or b"-----BEGIN " in data:
        return True
    return declared_encryption.declares(path)
