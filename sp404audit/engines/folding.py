"""One list from several engines: a finding that one of our rules already makes is added to it, never told twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sp404audit.results import Result
from sp404audit.rules.registry import Rule

__all__ = ["fold"]


def fold(native: Sequence[Result], foreign: Iterable[Result], rules: Iterable[Rule]) -> list[Result]:
    """Merge the results of other engines into ours.

    A finding whose check is an equivalent of one of our rules is that rule's business: where the rule failed at the
    same place, or in the same file, it says "also reported by"; where the rule judged the file and did not fail, its
    verdict stands, since it sees the whole repository; where the rule said nothing of the file, the finding becomes a
    result of our rule. Every other finding is a result of its own.
    """
    results = list(native)
    by_check = {check: rule for rule in rules for check in rule.equivalents}
    by_place: dict[tuple[str, str], list[int]] = {}
    for number, result in enumerate(native):
        by_place.setdefault((result.rule_id, result.location.path), []).append(number)
    for finding in foreign:
        check = finding.rule_id.replace("/", ":", 1)
        rule = by_check.get(check)
        if rule is None:
            results.append(finding)
            continue
        judged = by_place.get((rule.id, finding.location.path), [])
        failed = [number for number in judged if results[number].kind == "fail"]
        same = [number for number in failed if _overlap(results[number], finding)] or failed
        for number in same[:1]:
            also = dict.fromkeys((*results[number].also, check))
            results[number] = replace(results[number], also=tuple(also))
        if not judged:
            results.append(replace(finding, rule_id=rule.id, severity=rule.severity, also=(check,)))
    return results


def _overlap(one: Result, other: Result) -> bool:
    first, second = one.location.region, other.location.region
    return first.start_line <= second.end_line and second.start_line <= first.end_line
