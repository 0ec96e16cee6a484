"""Gates of coverage that stand beside the test runner: actions, services, and scripts that compare numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sp404audit.documents.pipeline.activities import has_option
from sp404audit.documents.pipeline.model import PipelineJob, Run
from sp404audit.documents.pipeline.test_suites import TestSuite
from sp404audit.documents.projects.facts import CoverageSetting, number
from sp404audit.lazy import regex
from sp404audit.rules.ci.coverage_gates import Gate, jobs_with

__all__ = ["shared_gates"]

# Actions that fail below a threshold: action, input that holds it, what it is multiplied with to be per cent.
# From each action's `action.yml`, 2026-11.
_ACTIONS: tuple[tuple[str, str, float], ...] = (
    ("vladopajic/go-test-coverage", "threshold-total", 1.0),
    ("verygoodopensource/very_good_coverage", "min_coverage", 1.0),
    ("orgoro/coverage", "thresholdall", 100.0),
    ("5monkeys/cobertura-action", "minimum_coverage", 1.0),
    ("artiomtr/jest-coverage-report-action", "threshold", 1.0),
    ("zgosalvez/github-actions-report-lcov", "minimum-coverage", 1.0),
    ("johanvanhelden/gha-clover-test-coverage-check", "percentage", 1.0),
    ("insightsengineering/coverage-action", "threshold", 1.0),
    ("irongut/codecoveragesummary", "thresholds", 1.0),
    ("cicirello/jacoco-badge-generator", "fail-if-coverage-less-than", 100.0),
    ("clearlyip/code-coverage-report-action", "overall_coverage_fail_threshold", 1.0),
    ("barecheck/code-coverage-action", "minimum-ratio", 1.0),
)
# Inputs without which those actions only tell.
_SWITCHES = {
    "5monkeys/cobertura-action": ("fail_below_threshold", "true"),
    "insightsengineering/coverage-action": ("fail", "true"),
    "irongut/codecoveragesummary": ("fail_below_min", "true"),
}
_UPLOADS = ("codecov/codecov-action", "codecov", "codecovcli", "./codecov")
# Services whose threshold is set on their web pages.
_SERVICES: tuple[tuple[str, str], ...] = (
    ("sonarsource/", "SonarQube"),
    ("sonar-scanner", "SonarQube"),
    ("coverallsapp/", "Coveralls"),
    ("coveralls", "Coveralls"),
    ("codacy/codacy-coverage-reporter-action", "Codacy"),
    ("codacy-coverage-reporter", "Codacy"),
    ("qltysh/qlty-action", "Qlty"),
    ("paambaati/codeclimate-action", "Code Climate"),
    ("cc-test-reporter", "Code Climate"),
    ("deepsource", "DeepSource"),
)
_ABOUT_COVERAGE = regex(r"cover|\bcov\b|_cov|cov_", re.IGNORECASE)
_COMPARES = regex(r"<=?|>=?|-lt\b|-le\b|-gt\b|-ge\b|\bbc\b")
_EXITS = regex(r"\bexit\b")
_TESTS = frozenset({"[", "[[", "test", "awk", "gawk", "bc", "python", "perl", "node"})
_ARITHMETIC = regex(r"(?:[<>]=?|-[lg][te])\s*(100|[1-9][0-9](?:\.[0-9]{1,2})?)\b")
_NUMBER = regex(r"(?<![\w.])(100|[1-9][0-9](?:\.[0-9]{1,2})?)(?![\w.%]*[\w])")


def shared_gates(suite: TestSuite) -> Iterator[Gate]:
    """Yield the gates in the jobs that run a suite or come after them."""
    for job in jobs_with(suite):
        obstacle = ""
        if job.is_tolerated or job.never_runs or not job.gates_changes or job.is_by_clock_or_hand:
            obstacle = "its job stops no change"
        for run in job.runs:
            for gate in (*_action(run), *_codecov(suite, run), *_service(run)):
                hidden = f"its failure is thrown away by {run.swallowed}" if run.swallowed else ""
                yield gate._replace(obstacle=gate.obstacle or obstacle or hidden)
        for gate in _comparison(job):
            yield gate._replace(obstacle=gate.obstacle or obstacle)


def _action(run: Run) -> Iterator[Gate]:
    for action, name, factor in _ACTIONS:
        if run.words[:1] != (action,):
            continue
        value = run.input(name)
        switch = _SWITCHES.get(action)
        if switch is not None and (run.input(switch[0]) or "").lower() != switch[1]:
            yield Gate(run.location, action, None, obstacle=f"`{switch[0]}` is not {switch[1]}")
        elif value is not None:
            amount = number(value.split()[0]) if value.split() else None
            yield Gate(run.location, action, amount * factor if amount is not None else None, amount is not None)


def _codecov(suite: TestSuite, run: Run) -> Iterator[Gate]:
    """The statuses of codecov.yml, of which the project's count before the patch's."""
    if not run.words or run.words[0] not in _UPLOADS:
        return
    found = [one for one in suite.repository.facts(CoverageSetting) if one.tool == "codecov"]
    set_ones = [one for one in found if one.minimum is not None]
    project = [one for one in set_ones if one.note == "project"] or set_ones
    for one in project[:1]:
        yield Gate(one.location, "codecov", min(other.minimum or 0.0 for other in project), one.known)
    for one in found if not project else ():
        yield Gate(one.location, "codecov", None, obstacle=one.note)
    if not found:
        obstacle = "no codecov.yml sets a target, so that it only compares with the base"
        yield Gate(run.location, "codecov", None, obstacle=obstacle)


def _service(run: Run) -> Iterator[Gate]:
    """A service that compares: what it asks for is not in the repository."""
    first = run.words[0] if run.words else ""
    for prefix, service in _SERVICES:
        if first == prefix or (prefix.endswith("/") and first.startswith(prefix)):
            yield Gate(run.location, service, None, known=False, external=service)
            return
    if first in ("mvn", "gradle") and any("sonar" in word and not word.startswith("-") for word in run.words):
        yield Gate(run.location, "SonarQube", None, known=False, external="SonarQube")
    elif first == "diff-cover" and has_option(run.words, "--fail-under"):
        yield Gate(run.location, "diff-cover", None, obstacle="it looks at changed lines only")


def _comparison(job: PipelineJob) -> Iterator[Gate]:
    """A script that reads the coverage, compares it and ends with an error: `[ "$total" -lt 80 ] && exit 1`."""
    for runs in _by_unit(job):
        raw = ["\n".join(run.command.raw) for run in runs if run.command is not None]
        if not any(_ABOUT_COVERAGE.search(text) for text in raw):
            continue
        calculates = any(run.words[:1] == ("bc",) for run in runs)
        tests = [run for run, text in zip(runs, raw, strict=True) if _is_test(run, text, calculates)]
        ends = [run for run in runs if run.words[:1] in (("exit",), ("false",)) and run.words[1:2] != ("0",)]
        if tests and (ends or calculates or any(_EXITS.search(text) for text in raw)):
            for run in tests:
                known = run.command.known if run.command is not None else ()
                yield _compared(run, " ".join(known[1:]), _NUMBER)
        else:  # `(( … ))` is no command: its text is only there for a step
            for run in ends[:1]:
                if run.command is not None and any(frame.kind == "branch" for frame in run.command.frames):
                    yield _compared(run, run.step.run or "", _ARITHMETIC)


def _compared(run: Run, text: str, pattern: re.Pattern[str]) -> Gate:
    amounts = {float(found) for found in pattern.findall(text)}
    minimum = amounts.pop() if len(amounts) == 1 else None
    return Gate(run.location, "a comparison", minimum, minimum is not None)


def _is_test(run: Run, text: str, calculates: bool) -> bool:
    """Whether a command compares numbers: a test, a program text, or what is handed to bc."""
    name = run.words[0] if run.words else ""
    is_one = name in _TESTS or (calculates and name in ("echo", "printf"))
    return is_one and _COMPARES.search(text) is not None


def _by_unit(job: PipelineJob) -> Iterator[list[Run]]:
    """The commands of a job, by the shell that runs them."""
    units: dict[tuple[str, int, str], list[Run]] = {}
    for run in job.runs:
        if run.command is not None and not run.swallowed.startswith("`continue"):
            unit = run.command.unit
            units.setdefault((unit.path, unit.line, unit.owner), []).append(run)
    yield from units.values()
