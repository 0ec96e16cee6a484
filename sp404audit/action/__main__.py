"""`python -I -m sp404audit.action STEP`: scan, annotate or gate."""

from __future__ import annotations

import sys

from sp404audit.action import annotate, gate, scan

_STEPS = {"scan": scan.main, "annotate": annotate.main, "gate": gate.main}

if __name__ == "__main__":
    sys.exit(_STEPS[sys.argv[1]]())
