"""Calls rules on subjects and turns their verdicts into results, within bounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sp404audit.documents.model import Document, Repository
from sp404audit.records import NamedTuple
from sp404audit.results import WHOLE_FILE, Location, Notification, Region, Result, Severity
from sp404audit.rules.registry import Rule, Verdict, Where

__all__ = ["CPU_SECONDS_PER_FILE", "RESULTS_PER_RULE_AND_FILE", "Evaluation", "FileTally", "Setting", "judges_across"]

CPU_SECONDS_PER_FILE = 5.0
RESULTS_PER_RULE_AND_FILE = 100
MESSAGE_LENGTH = 400
_EVIDENCE_PER_RESULT = 20
_SUMMARISED = ("pass", "notApplicable")
_RANK = {"fail": 0, "open": 1, "pass": 2, "notApplicable": 3}


class Setting(NamedTuple):
    """What the policy in force says of a rule: its parameters, and a severity when the policy sets one."""

    parameters: Mapping[str, Any]
    severity: Severity | None = None


Settings = Callable[[Rule, str], Setting | None]
"""The policy's answer for a rule and a path; None where the rule is off."""


class FileTally(NamedTuple):
    """What a rule said of a file, of one kind: how often, and the results that are kept of these."""

    number: int
    results: tuple[Result, ...]


class _Tally:
    """The results of one rule in one file, of one kind: all of them up to a bound, then only their number."""

    __slots__ = ("count", "places", "results")

    def __init__(self, results: Iterable[Result] = (), count: int = 0) -> None:
        self.results = list(results)
        self.places = {result.location for result in self.results}
        self.count = count

    def add(self, result: Result) -> None:
        """Keep the result while there is room. The same one again (an anchor used twice) is one."""
        room = _EVIDENCE_PER_RESULT if result.kind in _SUMMARISED else RESULTS_PER_RULE_AND_FILE
        # Results are compared only where there is one at the same place: most have a place of their own.
        if self.count <= room and result.location in self.places and result in self.results:
            return
        self.count += 1
        if len(self.results) < room:
            self.results.append(result)
            self.places.add(result.location)

    def bounded(self) -> list[Result]:
        """What to report: passes of a rule in a file as one result with its evidence, the others one by one."""
        results = sorted(self.results, key=order)
        if not results:
            return []
        first = results[0]
        if first.kind in _SUMMARISED:
            evidence = tuple(each.location._replace(message=each.message) for each in results[1:])
            return [replace(first, related=first.related or evidence, count=self.count)]
        if self.count > len(results):
            message = f"{self.count - len(results)} more results of this rule in this file are not listed"
            results.append(replace(first, message=message, location=results[-1].location, related=(), fix=None))
        return results


class Evaluation:
    """The verdicts of a set of rules, collected document by document and then for the whole repository."""

    def __init__(self, rules: Iterable[Rule], settings: Settings) -> None:
        self.settings = settings
        self.notifications: list[Notification] = []
        self._tallies: dict[str, dict[tuple[str, str], _Tally]] = {}
        self._not_repeatable: set[str] = set()
        self._by_subject: dict[type, list[Rule]] = {}
        self._across: list[Rule] = []
        self._path = ""
        self._settings_there: dict[str, Setting | None] = {}
        for rule in rules:
            if judges_across(rule):
                self._across.append(rule)
            else:
                self._by_subject.setdefault(rule.subject, []).append(rule)

    def judge_document(self, document: Document) -> None:
        """Call every rule that judges a part of this document."""
        path = document.source.path
        deadline = time.process_time() + CPU_SECONDS_PER_FILE
        # The clock on the wall runs at least as fast as that of the processor, and costs a tenth to look at.
        earliest = time.monotonic() + CPU_SECONDS_PER_FILE
        self.judge(document.source, path)
        subjects = iter(document.subjects())
        while True:
            try:
                subject = next(subjects, None)
            except Exception as error:  # noqa: BLE001 (a document's own mistake must not cost another file's results)
                self.crashed("", path, error)
                return
            if subject is None:
                return
            self.judge(subject, path)
            if time.monotonic() > earliest and time.process_time() > deadline:
                message = f"took more than {CPU_SECONDS_PER_FILE:.0f} s; its remaining parts were not audited"
                self.notifications.append(Notification("rule/timeout", "error", message, path))
                self._not_repeatable.add(path)
                return

    def judge(self, subject: object, path: str) -> None:
        """Call every rule for subjects of this very class."""
        for rule in self._by_subject.get(type(subject), ()):
            self._judge(rule, subject, path)

    def judge_repository(self, repository: Repository) -> None:
        """Call every rule that judges the whole repository, or parts that several files make up."""
        for rule in self._across:
            try:
                found = [repository] if rule.subject is Repository else list(rule.subject.in_repository(repository))
            except Exception as error:  # noqa: BLE001 (as above)
                self.crashed(rule.id, "", error)
                continue
            for subject in found:
                self._judge(rule, subject, getattr(getattr(subject, "location", None), "path", ""))

    def _setting(self, rule: Rule, path: str) -> Setting | None:
        """The policy's answer, looked up once for all the subjects of a file."""
        if path != self._path:
            self._path = path
            self._settings_there.clear()
        if rule.id not in self._settings_there:
            self._settings_there[rule.id] = self.settings(rule, path)
        return self._settings_there[rule.id]

    def _judge(self, rule: Rule, subject: object, path: str) -> None:
        setting = self._setting(rule, path)
        if setting is None:
            return
        try:
            for verdict in rule.function(subject, **setting.parameters):
                self._add(rule, verdict, path, setting)
        except Exception as error:  # noqa: BLE001 (one crashing rule never costs another's results)
            self.crashed(rule.id, path, error)

    def crashed(self, rule_id: str, path: str, error: Exception) -> None:
        """Note that a rule, or with an empty `rule_id` a document's model, failed on a file."""
        where = _innermost_frame(error)
        name = rule_id or "the document's model"
        message = f"{name} failed ({type(error).__name__}: {str(error)[:200]}, {where}); please report it"
        self.notifications.append(Notification("rule/crashed", "error", message, path, None, rule_id))
        self._not_repeatable.add(path)
        if rule_id:
            place = Location(path, WHOLE_FILE)
            result = Result(rule_id, "open", Severity.NOTE, "not evaluated: the rule failed on this file", place)
            self._keep(result)

    def _add(self, rule: Rule, verdict: Verdict, path: str, setting: Setting) -> None:
        location = locate(verdict.where, path)
        if location.path != path:
            self._not_repeatable.add(path)
            other = self.settings(rule, location.path)
            if other is None:
                return
            setting = other
        related = tuple(
            [locate(where, path)._replace(message=text) for where, text in verdict.related[:_EVIDENCE_PER_RESULT]]
        )
        message = verdict.message or rule.summary
        if len(message) > MESSAGE_LENGTH:
            message = message[: MESSAGE_LENGTH - 1] + "…"
        severity = setting.severity or verdict.severity or rule.severity
        result = Result(rule.id, verdict.kind, severity, message, location, related, verdict.fix)
        self._keep(result)

    def _keep(self, result: Result) -> None:
        of_file = self._tallies.setdefault(result.location.path, {})
        key = (result.rule_id, result.kind)
        tally = of_file.get(key)
        if tally is None:
            tally = of_file[key] = _Tally()
        tally.add(result)

    def of_file(self, path: str) -> tuple[FileTally, ...] | None:
        """What was said of a file so far, to be told again by `repeat`.

        None when another audit of the same file might say something else: a rule failed, or time ran out, or what a
        rule found in this file lies in another.
        """
        if path in self._not_repeatable:
            return None
        return tuple(FileTally(tally.count, tuple(tally.results)) for tally in self._tallies.get(path, {}).values())

    def repeat(self, path: str, tallies: Iterable[FileTally]) -> None:
        """Say of a file what was said of it in an earlier audit, instead of judging it."""
        of_file = self._tallies.setdefault(path, {})
        for number, results in tallies:
            of_file[results[0].rule_id, results[0].kind] = _Tally(results, number)

    def unread(
        self, rules: Iterable[Rule], files: Mapping[str, str], kinds_of: Callable[[Rule], Iterable[str]]
    ) -> None:
        """Say of every rule that needed a file which could not be read that it is not proven.

        Args:
            rules: the rules in force.
            files: the kind of each unread file, by path.
            kinds_of: the kinds of file that a rule reads.
        """
        for rule in rules:
            kinds = set(kinds_of(rule))
            paths = sorted(path for path, kind in files.items() if kind in kinds and self.settings(rule, path))
            if paths:
                message = f"not proven: {len(paths)} file{'s' * (len(paths) > 1)} could not be read, or not wholly"
                others = tuple(
                    Location(path, WHOLE_FILE, "could not be read") for path in paths[1:_EVIDENCE_PER_RESULT]
                )
                result = Result(rule.id, "open", rule.severity, message, Location(paths[0]), others, count=len(paths))
                self._keep(result)

    def results(self) -> list[Result]:
        """Every result, in order: by path, place, rule. Passes of a rule in a file are one result that counts them."""
        found: list[Result] = []
        for of_file in self._tallies.values():
            for tally in of_file.values():
                found.extend(tally.bounded())
        return sorted(found, key=order)


def judges_across(rule: Rule) -> bool:
    """Whether a rule judges the whole repository, or parts that several files make up."""
    return rule.subject is Repository or hasattr(rule.subject, "in_repository")


def order(result: Result) -> tuple[object, ...]:
    """The order of results in every report: by path, place, rule, kind, message."""
    return (result.location.path, result.location.region, result.rule_id, _RANK[result.kind], result.message)


def locate(where: Where, path: str) -> Location:
    """Turn what a rule pointed at into a location; a bare region lies in the file under audit."""
    if isinstance(where, Location):
        return where
    if isinstance(where, Region):
        return Location(path, where)
    location = getattr(where, "location", None)
    if isinstance(location, Location):
        return location
    region = getattr(where, "region", None)
    return Location(path, region) if isinstance(region, Region) else Location(path)


def _innermost_frame(error: Exception) -> str:
    """Name the line that raised, without a path of the machine."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "place unknown"
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
