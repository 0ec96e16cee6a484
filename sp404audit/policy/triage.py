"""What becomes of the results: accepted by a comment or a waiver, known from a baseline, recognisable next time."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from sp404audit.discovery import InputError, Reader
from sp404audit.documents.source import Source
from sp404audit.policy import fingerprints
from sp404audit.policy.comments import Comment
from sp404audit.policy.model import Policy, Waiver, matches_any
from sp404audit.policy.redaction import redacted
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Notification, Region, Result, Snippet, Suppression
from sp404audit.rules.evaluation import Evaluation, order
from sp404audit.rules.policy.acceptance import Acceptance
from sp404audit.rules.registry import RULES, Rule

__all__ = ["Context", "triage"]

_SNIPPET_MARGIN = 2
_SNIPPET_LINES = 12
_LINE_LENGTH = 500


class Context(NamedTuple):
    """What triage goes by: the files, the comments in them by path, the policy, the rules in force, and the day.

    `fingerprinted`: whether somebody will ask what a result is known by, as every format but text does.
    """

    reader: Reader
    comments: Mapping[str, Sequence[Comment]]
    policy: Policy
    rules: Sequence[Rule]
    today: datetime.date
    fingerprinted: bool = True


def triage(
    results: Iterable[Result], context: Context, baseline: str | Path | None
) -> tuple[list[Result], list[Notification]]:
    """Mark every result with what was decided about it, and add what is wrong with the decisions themselves.

    Returns:
        All results in the order of reports, and notifications.
    """
    suppressions = _Suppressions(context)
    found = [suppressions.apply(result) for result in results]
    evaluation = Evaluation(context.rules, context.policy.setting)
    for acceptance in suppressions.acceptances():
        evaluation.judge(acceptance, acceptance.location.path)
    found = sorted([*found, *evaluation.results()], key=order)
    found = _shown(found, context)
    if baseline is not None:
        from sp404audit.policy.baseline import compare

        found = sorted(compare(found, Path(baseline)), key=order)
    return found, evaluation.notifications


class _Suppressions:
    """The comments and waivers, and which of them were of use."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.rules = {rule.id: rule for rule in context.rules}
        self.used: set[int] = set()

    def apply(self, result: Result) -> Result:
        """Mark a failure that a comment or a waiver accepts."""
        if result.kind not in ("fail", "open"):
            return result
        for comment in self.context.comments.get(result.location.path, ()):
            if self._covers(comment, result):
                self.used.add(id(comment))
                if not self._over(_date(comment.until)):
                    where = Location(result.location.path, comment.region)
                    reason = comment.reason or f"{comment.tool} comment without a reason"
                    return replace(result, suppression=Suppression("inSource", reason, where, "", comment.until))
        for waiver in self.context.policy.waivers:
            if _waives(waiver, result):
                self.used.add(id(waiver))
                if not self._over(waiver.until):
                    until = waiver.until.isoformat()
                    accepted = Suppression("external", waiver.reason, waiver.location, waiver.owner, until)
                    return replace(result, suppression=accepted)
        return result

    def _covers(self, comment: Comment, result: Result) -> bool:
        region = result.location.region
        if not (comment.first_line <= region.end_line and region.start_line <= comment.last_line):
            return False
        rule = self.rules.get(result.rule_id)
        equivalents = (*(rule.equivalents if rule else ()), *result.also)
        if comment.tool == "sp404audit":
            domain = result.rule_id.partition("/")[0]
            return any(name in (result.rule_id, domain, f"{domain}/*", *equivalents) for name in comment.names)
        if comment.tool == "gitleaks":
            return any(equivalent.startswith("gitleaks:") for equivalent in equivalents)
        return not {_plain(f"{comment.tool}:{name}") for name in comment.names}.isdisjoint(map(_plain, equivalents))

    def _over(self, until: datetime.date | None) -> bool:
        return until is not None and until < self.context.today

    def acceptances(self) -> Iterable[Acceptance]:
        """Say of each comment of ours and each waiver what became of it."""
        for path, comments in sorted(self.context.comments.items()):
            for comment in comments:
                if comment.tool == "sp404audit":
                    yield self._of_comment(path, comment)
        for waiver in self.context.policy.waivers:
            asked = waiver.rule_id in self.rules
            yield Acceptance(
                location=waiver.location,
                what=f"the waiver of {waiver.rule_id}",
                reason=waiver.reason,
                until=waiver.until.isoformat(),
                expired=self._over(waiver.until),
                used=id(waiver) in self.used if asked else None,
                unknown=(),
            )

    def _of_comment(self, path: str, comment: Comment) -> Acceptance:
        unknown = tuple((name, _nearest(name)) for name in comment.names if not _is_known(name))
        asked = any(name in self.rules or name.partition("/")[0] in _domains(self.rules) for name in comment.names)
        until = _date(comment.until)
        return Acceptance(
            location=Location(path, comment.region),
            what="this comment",
            reason=comment.reason,
            until=comment.until if until else "",
            expired=self._over(until),
            used=id(comment) in self.used if asked or id(comment) in self.used else None,
            unknown=(*unknown, *((f"the date {comment.until}", ""),)) if comment.until and not until else unknown,
        )


def _domains(rules: Iterable[str]) -> set[str]:
    return {rule_id.partition("/")[0] for rule_id in rules}


def _is_known(name: str) -> bool:
    """Tell whether a comment may name this: a rule, a domain, or another tool's check.

    Rules of domains that have no file here are not imported; their names are taken on trust.
    """
    from sp404audit.rules import DOMAINS

    domain = name.partition("/")[0]
    if ":" in name or name in RULES or name in DOMAINS or name == f"{domain}/*":
        return True
    return domain in DOMAINS and domain not in _domains(RULES)


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, RULES, 1)), "")


def _plain(check: str) -> str:
    """Write trivy's ids one way: `AVD-DS-0002`, `DS-0002` and `DS002` are one check."""
    tool, _, name = check.lower().partition(":")
    if tool in ("trivy", "tfsec"):
        letters = name.removeprefix("avd-").replace("-", "")
        digits = letters.lstrip("abcdefghijklmnopqrstuvwxyz")
        return f"{tool}:{letters[: len(letters) - len(digits)]}{digits.lstrip('0')}"
    return f"{tool}:{name}"


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _waives(waiver: Waiver, result: Result) -> bool:
    domain = result.rule_id.partition("/")[0]
    if waiver.rule_id not in (result.rule_id, f"{domain}/*"):
        return False
    return matches_any(result.location.path, waiver.paths)


def _shown(results: list[Result], context: Context) -> list[Result]:
    """Give every failure and open result the lines around it, and what it is known by.

    Results come ordered by path, so each file is read once more, and one at a time.
    """
    shown = [number for number, result in enumerate(results) if result.kind in ("fail", "open")]
    for path, group in groupby(shown, key=lambda number: results[number].location.path):
        numbers, source = list(group), _source(context.reader, path)
        for number in numbers:
            snippet = _without_secrets(_snippet(source, results[number].location.region), results[number])
            results[number] = replace(results[number], snippet=snippet)
        if context.fingerprinted:
            _recognise(results, numbers, source)
    return results


def _recognise(results: list[Result], numbers: Sequence[int], source: Source | None) -> None:
    """Give the results of one file their fingerprints; one that cannot be read has no lines."""
    subjects = [(results[number].rule_id, results[number].location) for number in numbers]
    stable = fingerprints.stable_fingerprints(subjects, lambda _, number: source.line(number) if source else "")
    wanted = {location.region.start_line for _, location in subjects}
    hashes = fingerprints.line_hashes(source.text, wanted) if source else {}
    for number, fingerprint in zip(numbers, stable, strict=True):
        line_hash = hashes.get(results[number].location.region.start_line, "")
        results[number] = replace(results[number], fingerprint=fingerprint, line_hash=line_hash)


def _source(reader: Reader, path: str) -> Source | None:
    try:
        return Source(path, reader.read(path)) if path else None
    except InputError:
        return None


def _snippet(source: Source | None, region: Region) -> Snippet | None:
    if source is None or not source.text:
        return None
    first = max(1, region.start_line - _SNIPPET_MARGIN)
    last = min(source.line_count, region.end_line + _SNIPPET_MARGIN, first + _SNIPPET_LINES)
    return Snippet(first, tuple([source.line(number)[:_LINE_LENGTH] for number in range(first, last + 1)]))


def _without_secrets(snippet: Snippet | None, result: Result) -> Snippet | None:
    if snippet is None:
        return None
    return redacted(snippet, result.location.region if _points_at_secret(result) else None)


def _points_at_secret(result: Result) -> bool:
    rule = RULES.get(result.rule_id)
    return rule is not None and rule.points_at_secret
