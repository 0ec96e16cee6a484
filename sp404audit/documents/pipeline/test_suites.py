"""The test suites of a repository: for each language component, which runs in the pipeline test it.

A component is a folder with a manifest of its language (pyproject.toml, package.json, go.mod …), or, where there is
none, the folder that the tests run in. A component with test files that no job runs is a suite without runs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import ClassVar

from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline.model import KINDS, Pipeline, PipelineJob, Run, is_by_clock_or_hand, pipeline_of
from sp404audit.documents.projects.facts import Manifest, Package
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["SuiteRun", "TestSuite", "suites_of"]

_LANGUAGE = {
    "pip": "python",
    "npm": "node",
    "gomod": "go",
    "cargo": "rust",
    "maven": "jvm",
    "gradle": "jvm",
    "bundler": "ruby",
    "composer": "php",
    "nuget": "dotnet",
    "mix": "elixir",
    "pub": "dart",
    "sbt": "scala",
    "swift": "swift",
}
_WITHOUT_COVERAGE = frozenset({"shell", "terraform", "ansible", "bazel", ""})
"""Languages of tests for which nobody measures coverage, and those that a name does not tell."""
_TEST_FILES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("python", regex(r"(?:.*/)?(?:test_[^/]+|[^/]+_test)\.py")),
    ("go", regex(r"(?:.*/)?[^/]+_test\.go")),
    ("node", regex(r"(?:.*/)?[^/]+\.(?:test|spec)\.[cm]?[jt]sx?")),
    ("jvm", regex(r"(?:.*/)?src/test/(?:java|kotlin|groovy|scala)/.+")),
    ("ruby", regex(r"(?:.*/)?(?:spec/.+_spec|test/.+_test)\.rb")),
    ("php", regex(r"(?:.*/)?tests/.+Test\.php")),
)
_NOT_OURS = regex(
    r"(?:.*/)?(?:node_modules|vendor|third_party|fixtures|testdata|examples?|e2e|cypress|playwright|\.git)/.*"
)


_NO_COMPONENTS = frozenset(
    {"requirements", "test", "tests", "testing", "testdata", "fixtures", "docs", "doc"}
    | {"examples", "example", "samples"}
)
"""Folders whose manifests only list what tests and documentation need, or are themselves test data."""


class SuiteRun(NamedTuple):
    """One run of a suite in the pipeline. `obstacle` says why its failure stops no change; empty when it does."""

    job: PipelineJob
    run: Run
    obstacle: str

    @property
    def location(self) -> Location:
        """Where the pipeline starts it: the place in the workflow."""
        return self.run.via[0] if self.run.via else self.run.location


class TestSuite:
    """The tests of one component.

    Attributes:
        repository: where settings are looked up.
        pipeline: the pipeline that runs it.
        language: `python`, `node`, `go`, `jvm` …
        folder: the component's folder, `""` for the root.
        runs: its runs in the pipeline; empty when no job runs it.
        location: its first run, or the first file of its tests.
    """

    kinds: ClassVar[tuple[str, ...]] = (*KINDS, "codecov", "dockerfile")
    __test__ = False  # for pytest, which takes the name for a class of tests

    def __init__(
        self, repository: Repository, language: str, folder: str, runs: Iterable[SuiteRun], location: Location
    ) -> None:
        self.repository = repository
        self.pipeline = pipeline_of(repository)
        self.language = language
        self.folder = folder
        self.runs = tuple(runs)
        self.location = location

    def __repr__(self) -> str:
        return f"TestSuite({self.language}, {self.folder or '.'})"

    @staticmethod
    def in_repository(repository: Repository) -> Iterable[TestSuite]:
        """Every suite of a repository."""
        return repository.derived(suites_of)

    @property
    def label(self) -> str:
        """What to call it in a message."""
        name = {"node": "JavaScript", "jvm": "JVM", "dotnet": ".NET", "php": "PHP", "cpp": "C++"}.get(
            self.language, self.language.title()
        )
        return f"the {name} tests" + (f" in {self.folder}" if self.folder else "")

    @property
    def gating(self) -> tuple[SuiteRun, ...]:
        """The runs whose failure stops a change."""
        return tuple(run for run in self.runs if not run.obstacle)


def suites_of(repository: Repository) -> tuple[TestSuite, ...]:
    """Put the suites together; use `repository.derived(suites_of)`."""
    pipeline = pipeline_of(repository)
    components = _components(repository)
    found: dict[tuple[str, str], list[SuiteRun]] = {}
    for job in pipeline:
        for run, activity in job.activities("test"):
            language = activity.covers[0] if activity.covers else ""
            if language in _WITHOUT_COVERAGE:
                continue
            folder = _component(language, _folder_under_test(run, repository), components)
            runs = found.setdefault((language, folder), [])
            if not runs or runs[-1].run is not run:
                runs.append(SuiteRun(job, run, _obstacle(job, run)))
    suites = [TestSuite(repository, *key, runs, runs[0].location) for key, runs in found.items()]
    suites += _suites_never_run(repository, pipeline, components, found)
    return tuple(suites)


def _components(repository: Repository) -> dict[str, set[str]]:
    """The folders with a manifest, by language."""
    found: dict[str, set[str]] = {}
    for manifest in repository.facts(Manifest):
        language = _LANGUAGE.get(manifest.ecosystem)
        if language is not None and _NO_COMPONENTS.isdisjoint(manifest.folder.split("/")):
            found.setdefault(language, set()).add(manifest.folder)
    return found


def _component(language: str, folder: str, components: dict[str, set[str]]) -> str:
    """The nearest folder at or above one that has a manifest of the language; the folder itself when none has."""
    known = components.get(language, set())
    current = folder
    while current not in known:
        if not current:
            return folder
        current = posixpath.dirname(current)
    if language == "jvm":  # modules are built from the outermost build file
        outer = current
        while outer:
            outer = posixpath.dirname(outer)
            current = outer if outer in known else current
    return current


def _folder_under_test(run: Run, repository: Repository) -> str:
    """The folder that a run tests: where it runs, or the only folder that it names."""
    folder = run.folder or ""
    named = [word.partition("::")[0].rstrip("/") for word in run.words[1:] if not word.startswith("-")]
    below = [posixpath.normpath(posixpath.join(folder, name)) for name in named]
    below = [path for path in below if path in repository.folders]
    return below[0] if len(below) == 1 and below[0] != "." else folder


def _obstacle(job: PipelineJob, run: Run) -> str:
    """Why the failure of a run stops no change."""
    if job.never_runs:
        return "its job never runs"
    if not job.gates_changes or job.is_by_clock_or_hand:
        return "it runs by the clock or by hand only"
    if job.is_tolerated:
        return "its job has `continue-on-error: true`"
    if is_by_clock_or_hand(run.step.condition):
        return "its step runs by the clock or by hand only"
    return f"its failure is thrown away by {run.swallowed}" if run.swallowed else ""


def _suites_never_run(
    repository: Repository,
    pipeline: Pipeline,
    components: dict[str, set[str]],
    found: dict[tuple[str, str], list[SuiteRun]],
) -> list[TestSuite]:
    """Suites that test files, or a package's script, tell of although no job runs them."""
    seen: dict[tuple[str, str], Location] = {}
    covered = {language for language, _ in found}
    for package in repository.facts(Package):
        if "test" in package.scripts and not _NOT_OURS.match(f"{package.location.path}"):
            seen.setdefault(("node", package.folder), package.location)
    for path in sorted(repository.paths):
        for language, pattern in _TEST_FILES:
            if pattern.fullmatch(path) and not _NOT_OURS.match(path):
                folder = _component(language, posixpath.dirname(path), components)
                if folder in components.get(language, ()):
                    seen.setdefault((language, folder), Location(path))
    # Where one suite of a language runs, which files it takes in is the runner's business.
    return [
        TestSuite(repository, language, folder, (), location)
        for (language, folder), location in seen.items()
        if language not in covered and pipeline.workflows
    ]
