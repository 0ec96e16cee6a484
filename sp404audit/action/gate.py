"""The last step: it fails when the audit did."""

from __future__ import annotations

import os

from sp404audit.action import inputs
from sp404audit.action.runner import annotation, say
from sp404audit.outcome import EXIT_COMPLIANT, EXIT_INCOMPLETE, EXIT_NOT_COMPLIANT, EXIT_USAGE
from sp404audit.reports.summary import number

__all__ = ["main"]

_SAYS = {
    EXIT_COMPLIANT: "compliant",
    EXIT_NOT_COMPLIANT: "not compliant: {failures}, of which {critical} critical and {high} high",
    EXIT_INCOMPLETE: "the audit is incomplete: the summary and the log tell what could not be audited",
}


def main() -> int:
    """Return the audit's exit code; with the input `soft-fail` 0, unless nothing could be audited."""
    code = int(os.environ["EXIT_CODE"])
    try:
        soft = inputs.flag(os.environ, "soft-fail")
    except inputs.InputsError as error:
        annotation("error", str(error))
        return EXIT_USAGE
    counted = os.environ["FAILURES"]
    if code not in _SAYS or not counted:
        return code  # nothing was audited, and the step that audits has told why
    failures = number(int(counted), "failure")
    text = _SAYS[code].format(failures=failures, critical=os.environ["CRITICAL"], high=os.environ["HIGH"])
    if code == EXIT_COMPLIANT:
        say(text)
    elif soft:
        annotation("warning", f"{text} (soft-fail)")
        return EXIT_COMPLIANT
    else:
        annotation("error", text)
    return code
