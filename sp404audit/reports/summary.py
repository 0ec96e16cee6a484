"""What every format says in the same words: totals, and how severities are told elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.results import Kind, Level, Location, Result, Severity

if TYPE_CHECKING:
    from sp404audit.outcome import Audit
    from sp404audit.rules import Rule

__all__ = [
    "HOMEPAGE",
    "FailedControl",
    "accepted",
    "by_domain",
    "by_rule",
    "by_severity",
    "by_verdict",
    "controls",
    "level",
    "number",
    "rank",
    "security_severity",
    "severity_in_force",
    "verdict",
    "worst_first",
]

HOMEPAGE = "https://github.com/sp404audit/sp404audit"

_LEVELS: dict[Severity, Level] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NOTE: "note",
}

# GitHub shows over 9.0 as critical, from 7.0 as high, from 4.0 as medium, below as low (its documentation on SARIF
# support for code scanning). The figures are the middle of each of its bands.
_SECURITY_SEVERITIES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.NOTE: "1.0",
}

_PRECISIONS = ("low", "medium", "high", "very-high")


def level(severity: Severity) -> Level:
    """The severity in SARIF's and GitHub's three words."""
    return _LEVELS[severity]


def security_severity(severity: Severity) -> str:
    """The severity as the number that GitHub sorts security alerts by: a string, over 0.0 and up to 10.0."""
    return _SECURITY_SEVERITIES[severity]


def rank(severity: Severity, precision: str) -> float:
    """How much a result deserves to be looked at, from 0 to 100 (SARIF 3.27.25): severity first, then precision."""
    steps = _PRECISIONS.index(precision) if precision in _PRECISIONS else 0
    return float((severity - 1) * 20 + steps * 5 + 5)


def severity_in_force(audit: Audit, rule: Rule) -> Severity:
    """How grave a failure of the rule is under the policy of this audit."""
    setting = audit.policy.setting(rule)
    return (setting.severity if setting else None) or rule.severity


def verdict(audit: Audit) -> tuple[str, str]:
    """What the exit code says, in words: `Not compliant`, `Incomplete` or `Compliant`, and the rest of the sentence."""
    threshold = audit.fail_on.label
    total = sum(result.count for result in audit.failures)
    grave = sum(result.count for result in audit.failures if result.severity >= audit.fail_on)
    errors = sum(1 for notification in audit.notifications if notification.level == "error")
    lost = f"{number(errors, 'part')} of the repository could not be audited"
    code = f" in {audit.scope} (exit code {audit.exit_code})" if audit.scope else f" (exit code {audit.exit_code})"
    if not audit.compliant:
        also = f"; besides, {lost}" if errors else ""
        return "Not compliant", f"{number(grave, 'failure')} at {threshold} or above{also}{code}"
    if audit.incomplete:
        return "Incomplete", f"nothing failed at {threshold} or above, but {lost}{code}"
    rest = f"; {number(total, 'failure')} below" if total else ""
    return "Compliant", f"nothing failed at {threshold} or above{rest}{code}"


def number(count: int, thing: str) -> str:
    """A count with its noun: `1 file`, `2 files`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def by_severity(results: Iterable[Result]) -> dict[Severity, int]:
    """Count results by severity, the gravest first; severities without results are there with 0."""
    totals = dict.fromkeys(sorted(Severity, reverse=True), 0)
    for result in results:
        totals[result.severity] += result.count
    return totals


def by_domain(results: Iterable[Result]) -> dict[str, int]:
    """Count results by the domain of their rule, in alphabetical order."""
    totals: dict[str, int] = {}
    for result in results:
        domain = result.rule_id.partition("/")[0]
        totals[domain] = totals.get(domain, 0) + result.count
    return dict(sorted(totals.items()))


class FailedControl(NamedTuple):
    """A rule that failed: its gravest severity, in how many places and files, and the first place of that severity."""

    rule_id: str
    severity: Severity
    places: int
    files: int
    first: Location


def by_rule(failures: Iterable[Result]) -> list[FailedControl]:
    """Sum failures up by rule: the gravest first, then those with the most places, then by id."""
    grouped: dict[str, list[Result]] = {}
    for result in failures:
        grouped.setdefault(result.rule_id, []).append(result)
    failed = []
    for rule_id, results in grouped.items():
        worst = max(results, key=lambda result: result.severity)
        places = sum(result.count for result in results)
        files = len({result.location.path for result in results})
        failed.append(FailedControl(rule_id, worst.severity, places, files, worst.location))
    return sorted(failed, key=lambda each: (-each.severity, -each.places, each.rule_id))


def by_verdict(audit: Audit) -> dict[Kind, int]:
    """Count controls by their verdict; every kind is there."""
    totals: dict[Kind, int] = dict.fromkeys(("pass", "fail", "open", "notApplicable"), 0)
    for verdict in audit.verdicts:
        totals[verdict.kind] += 1
    return totals


def controls(audit: Audit) -> str:
    """How many controls had which verdict, in words."""
    totals = by_verdict(audit)
    named: dict[Kind, str] = {
        "pass": "passed",
        "fail": "failed",
        "open": "not proven",
        "notApplicable": "not applicable",
    }
    return ", ".join(f"{totals[kind]} {name}" for kind, name in named.items())


def accepted(audit: Audit) -> str:
    """How many failures do not count, and what became of the baseline, in words; empty when there is nothing to say."""
    suppressed = sum(1 for result in audit.results if result.suppression)
    known = sum(1 for result in audit.results if result.baseline == "unchanged" and result.kind == "fail")
    gone = sum(1 for result in audit.results if result.baseline == "absent")
    parts = [f"{suppressed} suppressed"] if suppressed else []
    if audit.used_baseline:
        parts += [f"{known} known from the baseline", f"{gone} of the baseline gone"]
    return ", ".join(parts)


def worst_first(audit: Audit, results: Iterable[Result]) -> list[Result]:
    """Sort results: the gravest first, then those of the most precise rules; otherwise they stay as they were."""

    def weight(result: Result) -> float:
        rule = audit.rule(result.rule_id)
        return -rank(result.severity, rule.precision if rule else "")

    return sorted(results, key=weight)
