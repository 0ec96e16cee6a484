"""The gate of coverage: where it can stand, what takes its force, and what cannot be known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]

PYPROJECT = '[project]\nname = "shop"\nversion = "1"\n'


def workflow(*commands: str, on: str = "pull_request", job: str = "", step: str = "") -> str:
    steps = "".join(f"      - run: |\n{_indented(command)}{step}" for command in commands)
    return f"on: {on}\njobs:\n  test:\n    runs-on: ubuntu-24.04\n{job}    steps:\n{steps}"


def _indented(command: str) -> str:
    return "".join(f"          {line}\n" for line in command.splitlines())


def uses(action: str, **inputs: str) -> str:
    lines = "".join(f"          {name.replace('_', '-')}: '{value}'\n" for name, value in inputs.items())
    return f"      - uses: {action}\n" + (f"        with:\n{lines}" if inputs else "")


CI = ".github/workflows/ci.yml"
SUREFIRE = (
    "<project><build><plugins><plugin><artifactId>jacoco-maven-plugin</artifactId>{}"
    "</plugin></plugins></build></project>"
)
CHECK = "<executions><execution><goals><goal>check</goal></goals></execution></executions><minimum>{}</minimum>"
WORKSPACE = {
    "package.json": '{"name": "all", "private": true, "scripts": {"test": "turbo run test"}}',
    "packages/a/package.json": '{"name": "a", "scripts": {"test": "vitest run --coverage"}}',
    "packages/a/vitest.config.ts": "export default { test: { coverage: { thresholds: { lines: 90 } } } };",
}
CASES: dict[str, tuple[str, dict[str, str]]] = {
    "turbo-through-pnpm": ("pass", {CI: workflow("pnpm turbo run test"), **WORKSPACE}),
    "another-system-may-run-them": (
        "open",
        {
            "Jenkinsfile": "sh 'pytest'",
            CI: workflow("make docs"),
            "pyproject.toml": PYPROJECT,
            "tests/test_a.py": "0\n",
        },
    ),
    "earthly-may-run-them": (
        "open",
        {CI: workflow("earthly --ci +all"), "pyproject.toml": PYPROJECT, "tests/test_a.py": "0\n"},
    ),
    "an-image-that-tests-itself": (
        "open",
        {
            CI: workflow("docker build ."),
            "Dockerfile": "FROM python:3.12 AS test\nRUN python -m pytest\n",
            "pyproject.toml": PYPROJECT,
            "tests/test_a.py": "0\n",
        },
    ),
    "an-image-that-tests-nothing": (
        "fail",
        {
            CI: workflow("docker build ."),
            "Dockerfile": "FROM python:3.12\nRUN pip install .\n",
            "pyproject.toml": PYPROJECT,
            "tests/test_a.py": "0\n",
        },
    ),
    "hatch-scripts-that-start-each-other": (
        "pass",
        {
            CI: workflow("hatch run cov"),
            "pyproject.toml": PYPROJECT
            + '[tool.hatch.envs.default.scripts]\nmeasure = "coverage run -m pytest {args}"\n'
            + 'cov = ["measure", "coverage report"]\n[tool.coverage.report]\nfail_under = 95\n',
        },
    ),
    "codecov-without-a-target": (
        "fail",
        {CI: workflow("pytest --cov=shop --cov-report=xml") + uses("codecov/codecov-action@v5")},
    ),
    "nx-through-yarn": ("pass", {CI: workflow("yarn nx run-many -t test"), **WORKSPACE}),
    "pytest-option-with-a-space": ("pass", {CI: workflow("pytest --cov --cov-fail-under 85")}),
    "pytest-addopts-in-pyproject": (
        "pass",
        {
            CI: workflow("pytest"),
            "pyproject.toml": PYPROJECT + '[tool.pytest.ini_options]\naddopts = "--cov=shop --cov-fail-under=82"\n',
        },
    ),
    "pytest-ini-wins-over-pyproject": (
        "fail",
        {
            CI: workflow("pytest"),
            "pytest.ini": "[pytest]\naddopts = -q\n",
            "pyproject.toml": PYPROJECT + '[tool.pytest.ini_options]\naddopts = "--cov --cov-fail-under=82"\n',
        },
    ),
    "command-line-wins-over-configuration": (
        "fail",
        {
            CI: workflow("pytest --cov --cov-fail-under=10"),
            ".coveragerc": "[report]\nfail_under = 95\n",
        },
    ),
    "coveragerc-wins-over-pyproject": (
        "fail",
        {
            CI: workflow("pytest --cov"),
            ".coveragerc": "[report]\nfail_under = 20\n",
            "pyproject.toml": PYPROJECT + "[tool.coverage.report]\nfail_under = 95\n",
        },
    ),
    "setup-cfg": (
        "pass",
        {CI: workflow("pytest --cov"), "setup.cfg": "[coverage:report]\nfail_under = 80\n"},
    ),
    "coverage-report-in-another-step": (
        "pass",
        {CI: workflow("coverage run -m pytest", "coverage report --fail-under=90")},
    ),
    "coverage-report-swallowed": (
        "fail",
        {CI: workflow("coverage run -m pytest", "coverage report --fail-under=90 || true")},
    ),
    "no-cov-at-the-end": ("fail", {CI: workflow("pytest --cov --cov-fail-under=90 --no-cov")}),
    "threshold-from-a-variable": ("open", {CI: workflow('pytest --cov --cov-fail-under="$MINIMUM"')}),
    "threshold-from-the-environment": (
        "pass",
        {CI: "env: {MINIMUM: 85}\n" + workflow("pytest --cov --cov-fail-under=${{ env.MINIMUM }}")},
    ),
    "threshold-from-a-shell-variable": (
        "pass",
        {CI: "env: {MINIMUM: 85}\n" + workflow('pytest --cov --cov-fail-under="$MINIMUM"')},
    ),
    "data-put-together-in-another-job": (
        "pass",
        {
            CI: workflow("coverage run -m pytest")
            + "  report:\n    needs: test\n    if: always()\n    runs-on: ubuntu-24.04\n    steps:\n"
            "      - run: coverage combine && coverage report --fail-under=95\n"
        },
    ),
    "pipe-without-pipefail": ("fail", {CI: workflow("pytest --cov --cov-fail-under=90 | tee log")}),
    "step-tolerated": (
        "fail",
        {CI: workflow("pytest --cov --cov-fail-under=90", step="        continue-on-error: true\n")},
    ),
    "only-by-the-clock": (
        "fail",
        {CI: workflow("pytest --cov --cov-fail-under=90", on="{schedule: [{cron: '0 1 * * 0'}]}")},
    ),
    "job-never-runs": (
        "fail",
        {CI: workflow("pytest --cov --cov-fail-under=90", job="    if: false\n")},
    ),
    "tox-environment": (
        "pass",
        {
            CI: workflow("tox -e py312"),
            "tox.ini": "[tox]\nenvlist = py312, lint\n[testenv]\ncommands =\n    pytest --cov=shop \\\n"
            "        --cov-fail-under=85\n[testenv:lint]\ncommands = ruff check .\n",
        },
    ),
    "make-then-script": (
        "pass",
        {
            CI: workflow("make check"),
            "Makefile": "check: test\ntest:\n\t@./ci/test.sh\n",
            "ci/test.sh": "#!/bin/bash\nset -e\npytest --cov --cov-fail-under=88\necho done\n",
        },
    ),
    "script-goes-on-after-the-failure": (
        "fail",
        {
            CI: workflow("./ci/test.sh"),
            "ci/test.sh": "#!/bin/bash\npytest --cov --cov-fail-under=88\necho done\n",
        },
    ),
    "nox-session": (
        "pass",
        {
            CI: workflow("nox"),
            "noxfile.py": "import nox\n\n@nox.session\ndef tests(session):\n"
            "    session.run('pytest', '--cov', '--cov-fail-under=90', *session.posargs)\n",
        },
    ),
    "jest-in-package-json": (
        "pass",
        {
            CI: workflow("npm test"),
            "package.json": '{"scripts": {"test": "jest --coverage"}, '
            '"jest": {"coverageThreshold": {"global": {"branches": 70, "lines": 80}}}}',
        },
    ),
    "jest-collects-by-configuration": (
        "pass",
        {
            CI: workflow("yarn test"),
            "package.json": '{"scripts": {"test": "jest"}}',
            "jest.config.ts": "const config: Config = { collectCoverage: true, coverageThreshold: { global: "
            "{ statements: 91 } } };\nexport default config;\n",
        },
    ),
    "jest-computed": (
        "open",
        {
            CI: workflow("npx jest --coverage"),
            "jest.config.js": "const preset = require('./preset');\nmodule.exports = { ...preset };\n",
        },
    ),
    "vitest-measures-without-minimum": (
        "fail",
        {
            CI: workflow("npx vitest run --coverage"),
            "vitest.config.mts": "export default defineConfig({ test: { coverage: { provider: 'v8' } } })\n",
        },
    ),
    "vitest-switched-off": (
        "fail",
        {
            CI: workflow("npx vitest run --coverage.enabled=false"),
            "vitest.config.ts": "export default { test: { coverage: { enabled: true, thresholds: { lines: 90 } } } }\n",
        },
    ),
    "nyc-in-a-file": (
        "pass",
        {
            CI: workflow("npm run cover"),
            "package.json": '{"scripts": {"cover": "nyc mocha"}}',
            ".nycrc": '{\n  // ours\n  "check-coverage": true, "lines": 85\n}\n',
        },
    ),
    "nyc-only-reports": (
        "fail",
        {CI: workflow("npx nyc --reporter lcov mocha"), "package.json": '{"nyc": {"lines": 85}}'},
    ),
    "node-of-its-own": (
        "pass",
        {CI: workflow("node --test --experimental-test-coverage --test-coverage-lines=90")},
    ),
    "script-of-a-workspace": (
        "pass",
        {
            CI: workflow("npm run test --workspace=web"),
            "package.json": '{"name": "all", "workspaces": ["web"]}',
            "web/package.json": '{"name": "web", "scripts": {"test": "vitest run --coverage"}}',
            "web/vite.config.ts": "export default defineConfig({ test: { coverage: { thresholds: { 100: true } } } });",
        },
    ),
    "matrix-names-the-script": (
        "pass",
        {
            CI: workflow("npm run ${{ matrix.task }}", job="    strategy: {matrix: {task: [lint, cover]}}\n"),
            "package.json": '{"scripts": {"lint": "eslint .", "cover": "c8 --check-coverage --lines 92 mocha"}}',
        },
    ),
    "maven-check-is-bound-to-verify": (
        "pass",
        {CI: workflow("mvn -B verify"), "pom.xml": SUREFIRE.format(CHECK.format("0.85"))},
    ),
    "maven-stops-before-the-check": (
        "fail",
        {CI: workflow("mvn -B test"), "pom.xml": SUREFIRE.format(CHECK.format("0.85"))},
    ),
    "maven-minimum-in-a-property": (
        "pass",
        {
            CI: workflow("./mvnw install"),
            "pom.xml": "<project><properties><cov>0.9</cov></properties>" + SUREFIRE.format(CHECK.format("${cov}")),
        },
    ),
    "maven-check-in-a-comment": (
        "fail",
        {CI: workflow("mvn verify"), "pom.xml": SUREFIRE.format("<!--" + CHECK.format("0.85") + "-->")},
    ),
    "gradle-wired": (
        "pass",
        {
            CI: workflow("./gradlew build"),
            "build.gradle.kts": "tasks.jacocoTestCoverageVerification { violationRules { rule { limit { "
            'minimum = "0.8".toBigDecimal() } } } }\ntasks.check { dependsOn(tasks.jacocoTestCoverageVerification) }\n',
        },
    ),
    "gradle-called-by-name": (
        "pass",
        {
            CI: workflow("./gradlew test jacocoTestCoverageVerification"),
            "build.gradle": "jacocoTestCoverageVerification { violationRules { rule { limit { minimum = 0.8 } } } }\n",
        },
    ),
    "simplecov": (
        "pass",
        {
            CI: workflow("bundle exec rspec"),
            "spec/spec_helper.rb": "require 'simplecov'\nSimpleCov.start do\n"
            "  minimum_coverage line: 90, branch: 70\nend\n",
        },
    ),
    "simplecov-in-a-comment": (
        "fail",
        {
            CI: workflow("bundle exec rspec"),
            "spec/spec_helper.rb": "require 'simplecov'\nSimpleCov.start do\n  # minimum_coverage 90\nend\n",
        },
    ),
    "go-comparison": (
        "pass",
        {
            CI: workflow(
                "go test -coverprofile=c.out ./...\n"
                "total=$(go tool cover -func=c.out | tail -n 1 | grep -o '[0-9.]*%' | tr -d '%')\n"
                'if (( $(echo "$total < 80" | bc -l) )); then\n  exit 1\nfi'
            )
        },
    ),
    "go-arithmetic": (
        "pass",
        {
            CI: workflow(
                "go test -coverprofile=c.out ./...\n"
                "total=$(go tool cover -func=c.out | awk '/total/ {print int($3)}')\n"
                "if (( total < 80 )); then\n  exit 1\nfi"
            )
        },
    ),
    "go-prints-only": ("fail", {CI: workflow("go test -cover ./...", "go tool cover -func=c.out")}),
    "go-action": (
        "pass",
        {
            CI: workflow("go test -coverprofile=c.out ./...")
            + uses("vladopajic/go-test-coverage@v2", threshold_total="85")
        },
    ),
    "tarpaulin": ("pass", {CI: workflow("cargo tarpaulin --fail-under 81 --out Xml")}),
    "dotnet": ("pass", {CI: workflow("dotnet test /p:CollectCoverage=true /p:Threshold=85 /p:ThresholdType=line")}),
    "dotnet-measures-nothing": ("fail", {CI: workflow("dotnet test /p:Threshold=85")}),
    "pest": ("pass", {CI: workflow("vendor/bin/pest --coverage --min=80")}),
    "codecov-status": (
        "pass",
        {
            CI: workflow("go test -coverprofile=c.out ./...") + uses("codecov/codecov-action@v5"),
            "codecov.yml": "coverage: {status: {project: {default: {target: 85%}}}}\n",
        },
    ),
    "codecov-compares-with-the-base-only": (
        "fail",
        {
            CI: workflow("go test -coverprofile=c.out ./...") + uses("codecov/codecov-action@v5"),
            "codecov.yml": "coverage: {status: {project: {default: {target: auto, threshold: 1%}}}}\n",
        },
    ),
    "codecov-without-upload": (
        "fail",
        {
            CI: workflow("go test ./..."),
            "codecov.yml": "coverage: {status: {project: {default: {target: 85%}}}}\n",
        },
    ),
    "coveralls-knows": ("open", {CI: workflow("rspec") + uses("coverallsapp/github-action@v2")}),
    "suite-of-a-language-without-measure": ("open", {CI: workflow("swift test")}),
    "tests-that-no-job-runs": (
        "fail",
        {CI: workflow("ruff check ."), "pyproject.toml": PYPROJECT, "tests/test_shop.py": "def test(): pass\n"},
    ),
}


@pytest.mark.parametrize(("kind", "files"), CASES.values(), ids=CASES)
def test_gate(judge: Judge, kind: str, files: dict[str, str]) -> None:
    results = judge("ci/coverage-gate", files)
    assert [result.kind for result in results] == [kind], [result.message for result in results]


def test_each_component_is_judged_by_itself(judge: Judge) -> None:
    files = {
        CI: workflow("cd api && pytest --cov --cov-fail-under=90", "npm --prefix web test"),
        "api/pyproject.toml": PYPROJECT,
        "web/package.json": '{"name": "web", "scripts": {"test": "vitest run"}}',
    }
    results = judge("ci/coverage-gate", files)
    assert {(result.kind, "web" in result.message) for result in results} == {("fail", True), ("pass", False)}


@pytest.mark.parametrize("command", ["npx playwright test", "bats tests", "terraform test", "echo pytest --cov"])
def test_what_is_no_suite(judge: Judge, command: str) -> None:
    assert judge("ci/coverage-gate", {CI: workflow(command)}) == []


def test_message_names_what_takes_the_force(judge: Judge) -> None:
    files = {CI: workflow("npx jest"), "jest.config.js": "module.exports = {coverageThreshold: {global: {lines: 90}}}"}
    (result,) = judge("ci/coverage-gate", files)
    assert "without `--coverage`" in result.message
    assert result.location.path == CI
    assert result.related[0].path == "jest.config.js"
