"""The pipeline as one model: what jobs run, through what, whether a failure counts, and what precedes what."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline.activities import activities, laid_bare
from sp404audit.documents.pipeline.model import Pipeline, pipeline_of

Make = Callable[[dict[str, str]], Repository]
PATH = ".github/workflows/ci.yml"


def _workflow(run: str, extra: str = "", shell: str = "") -> str:
    lines = "".join(f"          {line}\n" for line in run.splitlines())
    return f"on: push\njobs:\n  job:\n    runs-on: x\n{extra}    steps:\n      - run: |\n{lines}{shell}"


def _roles(pipeline: Pipeline) -> list[tuple[str, str]]:
    return [(activity.role, run.swallowed) for job in pipeline for run in job.runs for activity in run.activities]


@pytest.mark.parametrize(
    ("command", "roles"),
    [
        ("pytest -q", ["test"]),
        ("python3.12 -X dev -m pytest", ["test"]),
        ("uv run --frozen --extra test -- pytest", ["test"]),
        ("poetry run coverage run --source shop -m pytest tests", ["test", "coverage", "test"]),
        ("npx --yes jest@30 --ci", ["test"]),
        ("bundle exec rspec", ["test"]),
        ("cargo +nightly test --locked", ["test"]),
        ("./gradlew :app:check", ["test", "lint"]),
        ("./mvnw -B verify -DskipTests", []),
        ("docker run --rm -v .:/src -w /src aquasec/trivy:0.60.0 fs --exit-code 1 /src", ["dependency-scan"]),
        ("pipx run checkov==3.2.1 -d infra", ["iac-scan"]),
        ("cross-env CI=1 NODE_ENV=test vitest run", ["test"]),
        ("npm audit signatures", ["provenance"]),
        ("kubectl -n shop set image deploy/shop shop=acme/shop:1", ["deploy"]),
        ("kubectl apply --dry-run=server -f k8s", []),
        ("ansible-playbook --check site.yml", []),
        ("yarn jest --ci", ["test"]),
        ("pnpm --filter web exec vitest run", ["test"]),
        ("yarn npm audit", ["dependency-scan"]),
        ("pnpm install pytest", []),
        ("nix develop -c pytest", ["test"]),
        ("pytest --version", []),
        ("pytest --collect-only", []),
        ("echo pytest", []),
        ("git commit -m pytest", []),
    ],
)
def test_what_a_command_line_does(command: str, roles: list[str]) -> None:
    lines = laid_bare(tuple(command.split()))
    found = [activity.role for line in lines for activity in activities(line)]
    assert [role for role in found if role in roles] == roles
    assert bool(found) == bool(roles)


@pytest.mark.parametrize(
    ("run", "swallowed"),
    [
        ("pytest", False),
        ("pytest || true", True),
        ("pytest || :", True),
        ("pytest || echo failed", True),
        ("pytest || exit 1", False),
        ("pytest || { echo failed; exit 1; }", False),
        ("pytest | tee log", True),
        ("set -o pipefail\npytest | tee log", False),
        ("set +e\npytest\necho done", True),
        ("set +e\npytest", False),
        ("set +e\npytest\nstatus=$?\necho done\nexit $status", False),
        ("if ! pytest; then\n  exit 1\nfi", False),
        ("if pytest; then\n  echo good\nfi", True),
        ("pytest && echo good", False),
        ("pytest && echo good\necho done", True),
        ("cd api && pytest\necho done", False),
        ("(cd api; pytest)", False),
    ],
)
def test_whether_a_failure_counts(make_repository: Make, run: str, swallowed: bool) -> None:
    roles = _roles(pipeline_of(make_repository({PATH: _workflow(run)})))
    assert [(role, bool(by)) for role, by in roles] == [("test", swallowed)]


@pytest.mark.parametrize(
    ("run", "files", "folder"),
    [
        ("make -C api check", {"api/Makefile": "check: unit\nunit:\n\t$(PY) -m pytest\nPY = python3\n"}, "api"),
        ("make", {"Makefile": ".PHONY: all\nTEST := pytest\nall:\n\t@cd api && $(TEST)\n\t@echo done\n"}, "api"),
        (
            "just",
            {"justfile": "runner := 'pytest'\n\ndefault: (unit 'fast')\n\nunit kind:\n  {{runner}} -m {{kind}}\n"},
            "",
        ),
        ("tox run -e lint,unit", {"tox.ini": "[testenv:unit]\ncommands =\n  unit: pytest {posargs:tests}\n"}, ""),
        (
            "nox -s tests-3.12",
            {"noxfile.py": "import nox\n@nox.session(python=['3.12'])\ndef tests(s):\n  s.run('pytest')\n"},
            "",
        ),
        ("poe check", {"pyproject.toml": "[tool.poe.tasks]\ncheck = ['unit']\nunit = 'pytest'\n"}, ""),
        ("cd web\nnpm t", {"web/package.json": '{"scripts": {"test": "jest"}}'}, "web"),
        ("yarn workspace web test", {"web/package.json": '{"name": "web", "scripts": {"test": "jest"}}'}, "web"),
        ("npx run-s unit", {"package.json": '{"scripts": {"unit": "mocha"}}'}, ""),
        ("bash ci/test.sh", {"ci/test.sh": "set -e\npushd web\nnpx vitest run\n"}, "web"),
    ],
)
def test_what_stands_behind_a_call(make_repository: Make, run: str, files: dict[str, str], folder: str) -> None:
    pipeline = pipeline_of(make_repository({PATH: _workflow(run)} | files))
    runs = [run for job in pipeline for run, _ in job.activities("test")]
    assert [(run.folder, run.swallowed) for run in runs] == [(folder, "")]
    assert runs[0].via[0].path == PATH


@pytest.mark.parametrize(
    ("run", "folder"),
    [
        ("(cd api && make)\n(cd web; npx jest)", "web"),
        ("(cd web)\nnpx jest", ""),
        ("cd web\nnpx jest", "web"),
        ("cd web && cd ..\nnpx jest", ""),
        ('cd "$DIR"\nnpx jest', None),
        ("ssh box 'cd /srv'\nnpx jest", ""),
    ],
)
def test_folder_of_a_command(make_repository: Make, run: str, folder: str | None) -> None:
    (job,) = pipeline_of(make_repository({PATH: _workflow(run)}))
    assert [run.folder for run, _ in job.activities("test")] == [folder]


def test_a_dash_in_a_recipe_lets_it_fail(make_repository: Make) -> None:
    files = {PATH: _workflow("make"), "Makefile": "all:\n\t-pytest\n\truff check .\n"}
    assert [(role, bool(by)) for role, by in _roles(pipeline_of(make_repository(files)))] == [
        ("test", True),
        ("lint", False),
    ]


def test_steps_on_one_line_keep_to_themselves(make_repository: Make) -> None:
    steps = "[{run: pytest}, {if: false, run: ruff check}, {run: mypy src}]"
    text = f"on: push\njobs: {{a: {{runs-on: x, steps: {steps}}}}}\n"
    assert [role for role, _ in _roles(pipeline_of(make_repository({PATH: text})))] == ["test", "typecheck"]


def test_composite_action_and_powershell(make_repository: Make) -> None:
    files = {
        PATH: "on: push\njobs:\n  job:\n    runs-on: windows-2025\n    steps:\n      - uses: ./.github/actions/unit\n"
        "      - run: dotnet test -c Release\n        shell: pwsh\n",
        ".github/actions/unit/action.yml": "runs:\n  using: composite\n  steps: [{run: pytest, shell: bash}]\n",
    }
    assert _roles(pipeline_of(make_repository(files))) == [("test", ""), ("test", "")]


@pytest.mark.parametrize(
    ("uses", "inputs", "roles"),
    [
        ("goreleaser/goreleaser-action@v6", "args: release --clean", ["publish"]),
        ("goreleaser/goreleaser-action@v6", "args: check -f .goreleaser.yaml", []),
        ("docker/build-push-action@v6", "push: true", ["image-push"]),
        ("docker/build-push-action@v6", "load: true", []),
        ("docker/build-push-action@v6", "push: \"${{ github.event_name != 'pull_request' }}\"", ["image-push"]),
        ("Azure/Static-Web-Apps-Deploy@v1", "action: close", []),
        ("aquasecurity/trivy-action@v0.35.0", "image-ref: x", ["image-scan"]),
        ("aquasecurity/trivy-action@v0.35.0", "scan-type: fs", ["dependency-scan"]),
        ("actions/checkout@v5", "fetch-depth: 0", []),
    ],
)
def test_what_an_action_does(make_repository: Make, uses: str, inputs: str, roles: list[str]) -> None:
    text = f"on: push\njobs:\n  job:\n    runs-on: x\n    steps:\n      - uses: {uses}\n        with: {{{inputs}}}\n"
    assert [role for role, _ in _roles(pipeline_of(make_repository({PATH: text})))] == roles


def test_hooks_of_pre_commit(make_repository: Make) -> None:
    hooks = "repos:\n- repo: https://example.org/a\n  rev: v1\n  hooks: [{id: ruff}, {id: bandit}]\n"
    files = {PATH: _workflow("pre-commit run --all-files"), ".pre-commit-config.yaml": hooks}
    assert {role for role, _ in _roles(pipeline_of(make_repository(files)))} == {"lint", "sast"}


def test_events_come_from_the_callers(make_repository: Make) -> None:
    files = {
        ".github/workflows/inner.yml": _workflow("pytest").replace("on: push", "on: workflow_call"),
        PATH: "on: pull_request\njobs:\n  go:\n    uses: ./.github/workflows/inner.yml\n",
    }
    pipeline = pipeline_of(make_repository(files))
    inner = pipeline.jobs[".github/workflows/inner.yml", "job"]
    assert inner.events == {"workflow_call", "pull_request"}
    assert inner.gates_changes
    assert [job.key for job in inner.callers] == [(PATH, "go")]


HOSTILE = {
    "a script that calls itself": {
        PATH: _workflow("./a.sh"),
        "a.sh": "#!/bin/sh\n" + "./a.sh\n" * 300,
    },
    "targets that need each other": {
        PATH: _workflow("make t0"),
        "Makefile": "".join(f"t{i}: " + " ".join(f"t{j}" for j in range(60)) + f"\n\tmake t{i}\n" for i in range(60)),
    },
    "workflows that call each other": {
        f".github/workflows/w{i}.yml": "on: workflow_call\njobs:\n"
        + "".join(f"  j{j}: {{uses: ./.github/workflows/w{j}.yml, needs: [j{(j + 1) % 8}]}}\n" for j in range(8))
        for i in range(8)
    },
    "many jobs that need all others": {
        PATH: "on: push\njobs:\n"
        + "".join(f"  j{i}: {{runs-on: x, needs: [j{i - 1}], steps: []}}\n" for i in range(900))
    },
}


@pytest.mark.parametrize("files", HOSTILE.values(), ids=HOSTILE)
def test_stays_within_bounds(make_repository: Make, files: dict[str, str]) -> None:
    repository = make_repository(files)
    begin = time.process_time()
    pipeline = pipeline_of(repository)
    for job in list(pipeline)[:50]:
        pipeline.upstream(job)
        pipeline.downstream(job)
    assert time.process_time() - begin < 5


def test_what_is_not_followed_is_told(make_repository: Make) -> None:
    pipeline = pipeline_of(make_repository(HOSTILE["a script that calls itself"]))
    assert [one.text for one in pipeline.opaque] == ["more commands than are followed"]


@given(
    st.lists(
        st.text(max_size=12) | st.sampled_from(["uv", "run", "python", "-m", "docker", "--", "npx", "c8", "=", "-"]),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=200, deadline=None)
def test_any_command_line_is_laid_bare(words: list[str]) -> None:
    lines = laid_bare(tuple(words))
    for line in lines:
        assert line
        activities(line)
