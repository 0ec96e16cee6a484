"""The finished audit: what every report is made from, and what the exit code follows from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sp404audit.policy.model import Policy
from sp404audit.results import EngineRun, Kind, Notification, Result, Severity
from sp404audit.rules.evaluation import order
from sp404audit.rules.registry import Rule

if TYPE_CHECKING:
    import datetime

    from sp404audit.dora.figures import MetricsReport

__all__ = ["Audit", "ControlVerdict"]

EXIT_COMPLIANT, EXIT_NOT_COMPLIANT, EXIT_USAGE, EXIT_INCOMPLETE = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class ControlVerdict:
    """A rule's verdict over the whole repository: `fail` outweighs `open`, which outweighs `pass`."""

    rule: Rule
    kind: Kind
    counts: Mapping[Kind, int]
    suppressed: int


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        version: of sp404audit.
        policy: the policy in force.
        rules: the rules in force, by id; those that found nothing to judge are not applicable.
        results: ordered by path, place and rule; suppressed ones and those of the baseline are marked, not left out.
        notifications: what was not audited, and why.
        files: how many files of each kind were audited.
        engines: what produced the results.
        fail_on: the least severity that makes the repository not compliant.
        used_baseline: whether results are marked by an earlier report.
        today: the day that decided what has run out; None where nothing can, and when nobody says.
        metrics: the metrics report, when it was asked for.
        scope: words for the files to which the results are limited; empty when it is the whole repository.
    """

    version: str
    policy: Policy
    rules: tuple[Rule, ...]
    results: tuple[Result, ...]
    notifications: tuple[Notification, ...]
    files: Mapping[str, int]
    engines: tuple[EngineRun, ...] = ()
    fail_on: Severity = Severity.LOW
    used_baseline: bool = False
    today: datetime.date | None = None
    metrics: MetricsReport | None = None
    scope: str = ""

    def with_metrics(self, metrics: MetricsReport) -> Audit:
        """The same audit with the metrics report, whose targets are controls like any other."""
        from sp404audit.dora import controls

        rules = sorted((*self.rules, *controls.controls(metrics)), key=lambda rule: rule.id)
        results = sorted((*self.results, *controls.results(metrics)), key=order)
        return replace(self, rules=tuple(rules), results=tuple(results), metrics=metrics)

    @cached_property
    def failures(self) -> tuple[Result, ...]:
        """The failures that count: neither suppressed nor known from the baseline."""
        return tuple(result for result in self.results if _counts(result))

    @cached_property
    def verdicts(self) -> tuple[ControlVerdict, ...]:
        """One verdict a rule, in the order of rule ids."""
        by_rule: dict[str, list[Result]] = {rule.id: [] for rule in self.rules}
        for result in self.results:
            if result.rule_id in by_rule:
                by_rule[result.rule_id].append(result)
        return tuple(_verdict(rule, by_rule[rule.id]) for rule in self.rules)

    @property
    def incomplete(self) -> bool:
        """Whether something that should have been audited was not."""
        return any(notification.level == "error" for notification in self.notifications)

    @property
    def compliant(self) -> bool:
        """Whether nothing failed at or above `fail_on`."""
        return not any(result.severity >= self.fail_on for result in self.failures)

    @property
    def exit_code(self) -> int:
        """0 compliant, 1 not compliant, 3 compliant as far as the audit went."""
        if not self.compliant:
            return EXIT_NOT_COMPLIANT
        return EXIT_INCOMPLETE if self.incomplete else EXIT_COMPLIANT

    def rule(self, rule_id: str) -> Rule | None:
        """The rule in force with this id."""
        return self._by_id.get(rule_id)

    @cached_property
    def _by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.rules}


def _counts(result: Result) -> bool:
    if result.kind != "fail" or result.suppression is not None:
        return False
    return result.baseline in (None, "new", "updated")


def _verdict(rule: Rule, results: Iterable[Result]) -> ControlVerdict:
    counts: dict[Kind, int] = {}
    suppressed = 0
    for result in results:
        if result.suppression is not None:
            suppressed += result.count
        elif result.baseline != "absent":
            counts[result.kind] = counts.get(result.kind, 0) + result.count
    kinds: tuple[Kind, ...] = ("fail", "open", "pass")
    kind: Kind = next((each for each in kinds if counts.get(each)), "notApplicable")
    return ControlVerdict(rule, kind, counts, suppressed)
