"""Tests that no longer test are noticed."""

from __future__ import annotations

from itertools import islice

from sp404audit.documents.containers.dockerfile_stages import DockerfileFact
from sp404audit.documents.pipeline.test_suites import TestSuite
from sp404audit.results import Location
from sp404audit.rules import Verdicts, fail, passed, rule, unproven
from sp404audit.rules.ci.coverage_gates import Gate, gates_of

__all__ = ["coverage_gate"]

_MEASURED = frozenset(
    {"python", "node", "go", "rust", "jvm", "ruby", "php", "dotnet", "elixir", "dart", "deno", "scala", "cpp"}
)
"""Languages whose ways to set a minimum are known here; of the others, none found proves nothing."""
_MOST_GATES = 1_000
_HINTS = ("test", "cover", "ci", "build", "check", "quality", "verify")
_OTHER_SYSTEMS = (
    ".gitlab-ci.yml", "Jenkinsfile", ".circleci/config.yml", "azure-pipelines.yml", ".azure-pipelines", ".travis.yml",
    "bitbucket-pipelines.yml", ".buildkite", ".drone.yml", ".woodpecker.yml", ".woodpecker", ".cirrus.yml",
    "appveyor.yml", ".appveyor.yml", "buildspec.yml", "cloudbuild.yaml", ".semaphore/semaphore.yml", ".tekton",
)  # fmt: skip
"""Configurations of systems that may run the tests, and are not read."""
_BUILDERS = frozenset({"earthly", "dagger", "dagger/dagger-for-github", "bazel", "bazelisk", "nix", "pants", "buck2"})
"""Tools that run what their own files say."""
_TESTING = frozenset({"test", "tests", "ci", "pytest", "tox", "nox"})
"""Words in the name of an action, or of a stage of an image, that may run tests."""


@rule("ci/coverage-gate", severity="medium", precision="medium", security=False)
def coverage_gate(suite: TestSuite, *, minimum: int = 80) -> Verdicts:
    """A fall of test coverage below a minimum fails the build, for each test suite.

    Coverage that is only reported falls unnoticed: one change after the other comes in without tests, and the green
    check says nothing any more. The minimum must be in force where changes are checked: a threshold in a file that no
    run reads, in a run that measures nothing, by the clock only or with its failure thrown away does not count. A gate
    for one language says nothing of another.

    `minimum` is the least percentage (of lines, or of statements) that the gate must ask for.

    Fix: `--cov-fail-under=80` (pytest-cov), `fail_under` and `coverage report`, `coverageThreshold` and `--coverage`
    (jest), `coverage.thresholds` (vitest), `--check-coverage --lines 80` (c8, nyc), JaCoCo's `check`, and the like.

    Passes:
        --- .github/workflows/ci.yml
        on: pull_request
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: pytest --cov=shop
        --- pyproject.toml
        [project]
        name = "shop"
        [tool.coverage.report]
        fail_under = 90

    Passes:
        --- .github/workflows/ci.yml
        on: pull_request
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: npm test
        --- package.json
        {"name": "web", "scripts": {"test": "vitest run --coverage"}}
        --- vitest.config.ts
        export default defineConfig({ test: { coverage: { thresholds: { lines: 85 } } } });

    Fails:
        on: pull_request
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: pytest --cov=shop --cov-report=xml

    Fails (the threshold is there, but nothing is measured):
        --- .github/workflows/ci.yml
        on: pull_request
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: npx jest --ci
        --- jest.config.js
        module.exports = { coverageThreshold: { global: { lines: 90 } } };

    Fails (the back end has a gate, the front end none):
        --- .github/workflows/ci.yml
        on: pull_request
        jobs:
          backend:
            runs-on: ubuntu-24.04
            steps:
              - run: pytest --cov=shop --cov-fail-under=80
          frontend:
            runs-on: ubuntu-24.04
            steps:
              - run: npm run test:unit
                working-directory: web
        --- web/package.json
        {"name": "web", "scripts": {"test:unit": "vitest run"}}

    Fails (minimum=80):
        on: pull_request
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: cargo llvm-cov --fail-under-lines 40

    Unproven (the number lies in the service):
        on: pull_request
        jobs:
          test:
            runs-on: ubuntu-24.04
            steps:
              - run: mvn -B verify
              - uses: sonarsource/sonarqube-quality-gate-action@cf038b0e0cdecfa9e56c198bbb7d21d751d62c3b
    """
    gates = list(islice(gates_of(suite), _MOST_GATES))
    in_force = [gate for gate in gates if not gate.obstacle]
    best = max((gate for gate in in_force if gate.minimum is not None), key=_amount, default=None)
    if best is not None and _amount(best) >= minimum:
        yield passed(best.location, f"{best.tool} fails {suite.label} below {best.minimum:g} %")
        return
    unknown = next((gate for gate in in_force if not gate.known), None)
    if unknown is not None:
        holder = f"in {unknown.external}, outside the repository" if unknown.external else "computed"
        yield unproven(
            unknown.location, f"{unknown.tool} may gate the coverage of {suite.label}: its minimum is {holder}"
        )
        return
    hidden = next((one for one in suite.pipeline.opaque if any(word in one.text.lower() for word in _HINTS)), None)
    if hidden is not None and not suite.gating:
        yield unproven(hidden.location, f"whether {suite.label} have a coverage gate depends on {hidden.text[:80]}")
    elif not suite.runs and (sight := _out_of_sight(suite)) is not None:
        location, what = sight
        yield unproven(location, f"no job is seen to run {suite.label}; {what} may do so")
    elif suite.language not in _MEASURED:
        yield unproven(suite.location, f"no coverage gate that is known here guards {suite.label}")
    else:
        related = [(gate.location, gate.obstacle or f"asks for {gate.minimum or 0:g} %") for gate in gates]
        place = suite.gating[0].location if suite.gating else suite.location
        yield fail(place, _message(suite, best, gates, minimum), related=list(dict.fromkeys(related))[:5])


def _out_of_sight(suite: TestSuite) -> tuple[Location, str] | None:
    """Find what may run tests that no job is seen to run: another system, an image's build, a tool of its own."""
    for path in _OTHER_SYSTEMS:
        if suite.repository.exists(path):
            return suite.location, path
    for job in suite.pipeline:
        for run in job.runs:
            name = run.words[0] if run.words else ""
            if name in _BUILDERS or ("/" in name and not _TESTING.isdisjoint(name.rpartition("/")[2].split("-"))):
                return run.location, f"`{name}`"
    for file in suite.repository.facts(DockerfileFact):
        for stage in file.stages:
            if not _TESTING.isdisjoint(stage.name.lower().split("-")):
                return stage.location, f"the build of the stage '{stage.name}'"
    return None


def _amount(gate: Gate) -> float:
    return gate.minimum or 0.0


def _message(suite: TestSuite, best: Gate | None, gates: list[Gate], minimum: int) -> str:
    """Say what comes nearest to a gate, and what it lacks."""
    if not suite.runs:
        return f"no job runs {suite.label}, so no minimum of coverage can fail the build; run them on pull requests"
    if best is not None:
        return f"the coverage gate of {suite.label} asks for {best.minimum or 0:g} %; the policy asks for {minimum} %"
    hindered = next((gate for gate in gates if gate.obstacle and (gate.minimum is not None or not gate.known)), None)
    hindered = hindered or next((gate for gate in gates if gate.obstacle), None)
    if hindered is not None:
        return f"the coverage gate of {suite.label} ({hindered.tool}) has no effect: {hindered.obstacle}"
    return f"nothing fails when the coverage of {suite.label} falls; set a minimum of {minimum} %"
