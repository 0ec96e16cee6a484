"""Where a minimum of coverage can be set, tool by tool, and whether it is in force.

For each run of a test suite the readers here yield gates: a number, where it stands, and what keeps it from having an
effect. The command line wins over configuration, and of several configuration files a tool reads one. Sources are the
tools' own documentation, as of 2026-11.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from sp404audit.documents.pipeline.activities import has_option, option, positionals
from sp404audit.documents.pipeline.model import PipelineJob, Run
from sp404audit.documents.pipeline.test_suites import SuiteRun, TestSuite
from sp404audit.documents.projects.facts import CoverageSetting, lowest_threshold, number
from sp404audit.documents.projects.python import PytestOptions
from sp404audit.documents.shell.commands import UNKNOWN
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Gate", "gates_of"]

_MAVEN_PHASES = ("validate", "compile", "test", "package", "integration-test", "verify", "install", "deploy")
_MOST_RUNS = 100
"""Runs of one suite that are looked at."""
_REPORTS = frozenset({"report", "html", "xml", "json", "lcov", "annotate"})
"""The commands of coverage.py that compare with `fail_under`."""


class Gate(NamedTuple):
    """A minimum of coverage.

    `minimum` is in per cent; None when it is not known (`known` False) or not set. `obstacle` says what keeps it from
    failing the build; empty when it does. `external` names the service that holds the number.
    """

    location: Location
    tool: str
    minimum: float | None
    known: bool = True
    obstacle: str = ""
    external: str = ""


def gates_of(suite: TestSuite) -> Iterator[Gate]:
    """Yield every gate that concerns a suite, in force or not."""
    reader = _READERS.get(suite.language)
    for suite_run in suite.runs[:_MOST_RUNS]:
        if reader is not None:
            for gate in reader(suite, suite_run):
                yield gate._replace(obstacle=gate.obstacle or suite_run.obstacle)
    from sp404audit.rules.ci.coverage_services import shared_gates

    yield from shared_gates(suite)


def settings(suite: TestSuite, folder: str, *tools: str) -> list[CoverageSetting]:
    """The settings of tools in the nearest folder that has any, from one up to the root; the one that counts first."""
    known = [one for one in suite.repository.facts(CoverageSetting) if one.tool in tools]
    current = folder
    while True:
        here = [one for one in known if one.folder == current]
        if here or not current:
            return sorted(here, key=lambda one: one.rank)
        current = posixpath.dirname(current)


def _below(suite: TestSuite, *tools: str) -> list[CoverageSetting]:
    """The settings of tools in the component's folder or below it."""
    prefix = f"{suite.folder}/" if suite.folder else ""
    return [
        one
        for one in suite.repository.facts(CoverageSetting)
        if one.tool in tools and (one.folder == suite.folder or one.folder.startswith(prefix))
    ]


def _environment(run: Run, name: str) -> tuple[str, ...]:
    """The words of a variable that the step sets, such as PYTEST_ADDOPTS."""
    value = next((text for key, text in run.step.env if key == name), "")
    return tuple(value.split())


def _from_command_line(run: Run, tool: str, value: str, obstacle: str = "") -> Gate:
    amount = None if UNKNOWN in value else number(value)
    return Gate(run.location, tool, amount, amount is not None, obstacle)


def _from_setting(setting: CoverageSetting, obstacle: str = "") -> Gate:
    return Gate(setting.location, setting.tool, setting.minimum, setting.known, obstacle)


def _python(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    run = suite_run.run
    folder = run.folder if run.folder is not None else suite.folder
    config = next(iter(settings(suite, suite.folder, "coverage.py") or settings(suite, folder, "coverage.py")), None)
    if run.words[:1] in (("pytest",), ("py.test",)):
        yield from _pytest(suite, run, config)
    elif run.words[:2] == ("hatch", "test") and config is not None and config.minimum is not None:
        measured = has_option(run.words, "--cover", "-c")
        yield _from_setting(config, "" if measured else "`hatch test` runs without `--cover`")
    for other, obstacle in _around(suite_run):
        line = next((line for line in other.lines if line[0] == "coverage" and _REPORTS & set(line[1:3])), None)
        if line is None:
            continue
        value = option(line, "--fail-under")
        if value is not None:
            yield _from_command_line(other, "coverage.py", value, obstacle)
        elif config is not None and (config.minimum is not None or not config.known):
            yield _from_setting(config, obstacle)
    if config is not None and config.minimum is not None:
        yield _from_setting(config, "neither pytest-cov nor `coverage report` runs with it")


def _pytest(suite: TestSuite, run: Run, config: CoverageSetting | None) -> Iterator[Gate]:
    folders = (run.folder or "", suite.folder)
    known = [one for one in suite.repository.facts(PytestOptions) if one.folder in folders]
    chosen = min(known, key=lambda one: (folders.index(one.folder), one.rank), default=None)
    configured = chosen.options if chosen is not None else ()
    words = (*configured, *_environment(run, "PYTEST_ADDOPTS"), *run.words[1:])
    measured = has_option(words, "--cov") and not has_option(words, "--no-cov")
    obstacle = "" if measured else "pytest runs without `--cov`"
    value = option(words, "--cov-fail-under")
    if value is not None:
        on_command_line = has_option(run.words, "--cov-fail-under") or chosen is None
        gate = _from_command_line(run, "pytest-cov", value, obstacle)
        yield gate if on_command_line or chosen is None else gate._replace(location=chosen.location)
    elif config is not None and (config.minimum is not None or not config.known):
        yield _from_setting(config, obstacle)


def _node(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    run = suite_run.run
    folder = run.folder if run.folder is not None else suite.folder
    program = run.words[0] if run.words else ""
    if program in ("jest", "react-scripts"):
        yield from _jest(suite, run, folder)
    elif program == "vitest":
        yield from _vitest(suite, run, folder)
    elif program in ("node", "tsx"):
        value = option(run.words, "--test-coverage-lines")
        if value is not None:
            measured = has_option(run.words, "--experimental-test-coverage")
            yield _from_command_line(run, "node", value, "" if measured else "coverage is not measured")
    elif program == "bun":
        for setting in settings(suite, folder, "bun")[:1]:
            measured = setting.enabled or has_option(run.words, "--coverage")
            yield _from_setting(setting, "" if measured else "`bun test` runs without `--coverage`")
    elif program == "ng" and has_option(run.words, "--code-coverage", "--coverage"):
        yield Gate(run.location, "karma", None, known=False)
    elif run.call is not None and "cov" in run.call.name:
        yield Gate(run.location, run.call.name, None, known=False)
    for other, obstacle in _around(suite_run):
        for line in other.lines:
            if line[0] in ("c8", "nyc") and (other.folder in (folder, suite.folder, None)):
                yield from _nyc(suite, other, line, folder, obstacle)


def _jest(suite: TestSuite, run: Run, folder: str) -> Iterator[Gate]:
    setting = _configured(settings(suite, folder, "jest"), option(run.words, "--config", "-c"))
    flag = option(run.words, "--coverage", "--collectCoverage", "--collect-coverage")
    measured = flag != "false" if flag is not None else bool(setting and setting.enabled)
    obstacle = "" if measured else "jest runs without `--coverage`"
    written = option(run.words, "--coverageThreshold")
    if written:
        yield _jest_threshold(run, written, obstacle)
    elif setting is not None and (setting.minimum is not None or (not setting.known and measured)):
        yield _from_setting(setting, obstacle)


def _jest_threshold(run: Run, written: str, obstacle: str) -> Gate:
    """`--coverageThreshold='{"global": {"lines": 80}}'`."""
    from sp404audit.documents.script_literals import read_json5

    table = read_json5(written).get("global")
    metrics = {name: number(value.literal) for name, value in (table.entries if table is not None else {}).items()}
    minimum = lowest_threshold(metrics)
    return Gate(run.location, "jest", minimum, minimum is not None, obstacle)


def _configured(found: Sequence[CoverageSetting], asked: str | None) -> CoverageSetting | None:
    """The setting of the configuration file that the command line names, or else the first."""
    if asked:
        name = posixpath.normpath(asked)
        return next((one for one in found if one.location.path.endswith(name)), None)
    return found[0] if found else None


def _vitest(suite: TestSuite, run: Run, folder: str) -> Iterator[Gate]:
    setting = _configured(settings(suite, folder, "vitest"), option(run.words, "--config", "-c"))
    flags = [option(run.words, name) for name in ("--coverage", "--coverage.enabled")]
    given = [flag for flag in flags if flag is not None]
    measured = "false" not in given if given else bool(setting and setting.enabled)
    if not given and any(word.startswith("--coverage.") for word in run.words):
        measured = True
    obstacle = "" if measured else "vitest runs without `--coverage`"
    metrics: dict[str, float | None] = {}
    for name in ("lines", "statements", "branches", "functions"):
        value = option(run.words, f"--coverage.thresholds.{name}", f"--coverage.{name}")
        metrics[name] = number(value)
    minimum = 100.0 if has_option(run.words, "--coverage.thresholds.100") else lowest_threshold(metrics)
    if minimum is not None:
        yield Gate(run.location, "vitest", minimum, obstacle=obstacle)
    elif setting is not None and (setting.minimum is not None or (not setting.known and measured)):
        yield _from_setting(setting, obstacle)


def _nyc(suite: TestSuite, run: Run, line: Sequence[str], folder: str, hindered: str) -> Iterator[Gate]:
    """c8 and nyc: nothing fails without `--check-coverage`, the command `check-coverage`, or the key in a file."""
    tool = line[0]
    setting = next(iter(settings(suite, folder, tool)), None)
    flag = option(line, "--check-coverage")
    checks = flag != "false" if flag is not None else bool(setting and setting.enabled)
    checks = checks or "check-coverage" in positionals(line[1:])
    hundred = has_option(line, "--100")
    obstacle = hindered or ("" if checks or hundred else f"{tool} runs without `--check-coverage`")
    value = option(line, "--lines", "--statements")
    if hundred:
        yield Gate(run.location, tool, 100.0, obstacle=obstacle)
    elif value is not None:
        yield _from_command_line(run, tool, value, obstacle)
    elif setting is not None:
        yield _from_setting(setting, obstacle)
    elif checks:
        yield Gate(run.location, tool, 90.0, obstacle=obstacle)


def _jvm(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    run = suite_run.run
    words = set(positionals(run.words[1:]))
    tasks = {word.rpartition(":")[2] for word in words}
    if run.words[:1] == ("mvn",):
        for setting in _below(suite, "jacoco-maven"):
            yield _from_setting(setting, _maven_obstacle(setting, words, tasks))
        return
    job_tasks = tasks | {
        word.rpartition(":")[2]
        for other in suite_run.job.runs
        if other.words[:1] == ("gradle",)
        for word in other.words
    }
    for setting in _below(suite, "jacoco-gradle"):
        called = "jacocoTestCoverageVerification" in job_tasks or (
            setting.enabled and job_tasks & {"check", "build", "test"}
        )
        obstacle = "" if called else "no task that runs depends on jacocoTestCoverageVerification"
        yield _from_setting(setting, obstacle)
    for setting in _below(suite, "kover"):
        called = job_tasks & {"check", "build", "koverVerify"}
        yield _from_setting(setting, "" if called else "neither `check` nor `koverVerify` runs")


def _maven_obstacle(setting: CoverageSetting, goals: set[str], tasks: set[str]) -> str:
    """Whether Maven gets as far as the phase that JaCoCo's check is bound to (`verify` unless the pom says another)."""
    if not setting.enabled:
        return "JaCoCo only reports: its goal `check` is not bound, or it does not halt"
    if any(goal.endswith("jacoco:check") for goal in goals):
        return ""
    bound = [_MAVEN_PHASES.index(phase) for phase in setting.note.split() if phase in _MAVEN_PHASES]
    first = min(bound, default=_MAVEN_PHASES.index("verify"))
    reached = max((_MAVEN_PHASES.index(goal) for goal in goals | tasks if goal in _MAVEN_PHASES), default=-1)
    return "" if reached >= first else "Maven does not get as far as the phase of JaCoCo's check"


def _ruby(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    del suite_run
    for setting in _below(suite, "simplecov"):
        if setting.minimum is not None or not setting.known:
            yield _from_setting(setting)


def _rust(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    for other, obstacle in _around(suite_run):
        if other.words[:2] == ("cargo", "llvm-cov"):
            value = option(other.words, "--fail-under-lines", "--fail-under-regions", "--fail-under-functions")
            if value is not None:
                yield _from_command_line(other, "cargo-llvm-cov", value, obstacle)
        elif other.words[:2] == ("cargo", "tarpaulin"):
            value = option(other.words, "--fail-under")
            if value is not None:
                yield _from_command_line(other, "tarpaulin", value, obstacle)
            else:
                yield from (_from_setting(one, obstacle) for one in _below(suite, "tarpaulin"))


def _around(suite_run: SuiteRun) -> Iterator[tuple[Run, str]]:
    """The runs of the suite's job, and of those after it, where the data is put together; and what hinders each."""
    later = suite_run.job.pipeline.downstream(suite_run.job)
    for job in (suite_run.job, *later[:_MOST_RUNS]):
        stops = not (job.is_tolerated or job.never_runs or not job.gates_changes or job.is_by_clock_or_hand)
        for run in job.runs:
            yield run, _swallowed(run) if stops else "its job stops no change"


def _swallowed(run: Run) -> str:
    return f"its failure is thrown away by {run.swallowed}" if run.swallowed else ""


def _go(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    for other, obstacle in _around(suite_run):
        if other.command is not None and any("go-test-coverage" in word for word in other.words[:3]):
            value = option(other.words, "--threshold-total", "-k")
            if value:
                yield _from_command_line(other, "go-test-coverage", value, obstacle)
            else:
                found = _below(suite, "go-test-coverage")
                yield from (_from_setting(one, obstacle) for one in found)
        elif other.words[:1] == ("vladopajic/go-test-coverage",) and not other.input("threshold-total"):
            yield from (_from_setting(one, obstacle) for one in _below(suite, "go-test-coverage"))


def _php(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    del suite
    run = suite_run.run
    value = option(run.words, "--min")
    if run.words[:1] in (("pest",), ("artisan",)) and value is not None:
        measured = has_option(run.words, "--coverage")
        yield _from_command_line(run, "pest", value, "" if measured else "it runs without `--coverage`")
    for other, obstacle in _around(suite_run):
        if other.words[:1] in (("coverage-check",), ("phpunit-coverage-check",)):
            amounts = [word for word in other.words[2:] if number(word) is not None]
            yield _from_command_line(other, other.words[0], amounts[0] if amounts else UNKNOWN, obstacle)


def _dotnet(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    run = suite_run.run
    properties = dict(
        word.lstrip("/-")[2:].partition("=")[::2] for word in run.words if re.match(r"(?:/|-|--)p(?:roperty)?:", word)
    )
    lowered = {name.lower().removeprefix("roperty:"): value for name, value in properties.items()}
    measured = lowered.get("collectcoverage", "").lower() == "true"
    obstacle = "" if measured else "it runs without `/p:CollectCoverage=true`"
    if "threshold" in lowered:
        yield _from_command_line(run, "coverlet", lowered["threshold"].split(",")[0].strip('"'), obstacle)
    else:
        yield from (_from_setting(one, obstacle) for one in _below(suite, "coverlet"))


def _elixir(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    run = suite_run.run
    if run.words[:2] == ("mix", "coveralls"):
        yield Gate(run.location, "excoveralls", None, known=False)
    elif run.words[:2] == ("mix", "test"):
        obstacle = "" if has_option(run.words, "--cover") else "`mix test` runs without `--cover`"
        found = _below(suite, "mix")
        yield from (_from_setting(one, obstacle) for one in found)
        if not found and not obstacle:  # mix's own default
            yield Gate(run.location, "mix", 90.0)


def _dart(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    del suite
    value = option(suite_run.run.words, "--min-coverage")
    if value is not None:
        yield _from_command_line(suite_run.run, "very_good", value)


def _scala(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    measured = {"coverage", "coverageReport"} & set(suite_run.run.words)
    for setting in _below(suite, "scoverage"):
        obstacle = "" if setting.enabled and measured else "coverage is not measured, or coverageFailOnMinimum is off"
        yield _from_setting(setting, obstacle)


def _native(suite: TestSuite, suite_run: SuiteRun) -> Iterator[Gate]:
    del suite
    for other, obstacle in _around(suite_run):
        value = option(other.words, "--fail-under-line") if other.words[:1] == ("gcovr",) else None
        if value is not None:
            yield _from_command_line(other, "gcovr", value, obstacle)


_READERS: dict[str, Callable[[TestSuite, SuiteRun], Iterator[Gate]]] = {
    "python": _python,
    "node": _node,
    "jvm": _jvm,
    "ruby": _ruby,
    "rust": _rust,
    "go": _go,
    "php": _php,
    "dotnet": _dotnet,
    "elixir": _elixir,
    "dart": _dart,
    "scala": _scala,
    "cpp": _native,
}


def jobs_with(suite: TestSuite) -> tuple[PipelineJob, ...]:
    """The jobs that run a suite, and those that come after them: where its report may be judged."""
    jobs = dict.fromkeys(run.job for run in suite.runs)
    later = [other for job in jobs for other in suite.pipeline.downstream(job)]
    return tuple(dict.fromkeys([*jobs, *later]))
