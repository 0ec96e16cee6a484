"""The step that writes annotations: when they are asked for, and where results did not reach code scanning."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sp404audit.action.runner import annotation
from sp404audit.action.uploads import FAILED

__all__ = ["main"]


def main() -> int:
    """Write what is asked for (input `annotations`: auto, always, never); returns 0, or 2 for another value."""
    asked = os.environ.get("INPUT_ANNOTATIONS", "").strip()
    if asked not in ("auto", "always", "never"):
        annotation("error", f"input annotations: {asked!r} is none of auto, always, never")
        return 2
    reason = FAILED if os.environ.get("UPLOAD_OUTCOME") == "failure" else os.environ.get("UPLOAD_REASON", "")
    uploaded = os.environ.get("UPLOAD_OUTCOME") == "success"
    if reason:
        annotation("notice", f"the results are not in code scanning: {reason}")
    if asked == "always" or (asked == "auto" and not uploaded):
        # The report escaped all that comes from the repository: what is left are commands of ours.
        sys.stdout.flush()
        sys.stdout.buffer.write(Path(os.environ["ANNOTATIONS_FILE"]).read_bytes())
    return 0
