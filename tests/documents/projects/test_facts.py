"""Project files: what they say of dependencies, tasks and coverage, in every form that people write."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sp404audit.documents import ini
from sp404audit.documents.model import Document
from sp404audit.documents.projects import build as build_project
from sp404audit.documents.projects import codecov, pre_commit, task_files
from sp404audit.documents.projects import node as node_project
from sp404audit.documents.projects import python as python_project
from sp404audit.documents.projects.facts import CoverageSetting, LineExcerpt, Manifest, Package, Task
from sp404audit.documents.projects.pre_commit import Hook
from sp404audit.documents.projects.python import PytestOptions
from sp404audit.documents.script_literals import exported, read_json5
from sp404audit.documents.shell.commands import ShellCommand
from sp404audit.documents.source import DocumentError, Source
from sp404audit.documents.toml_file import key_regions
from sp404audit.results import Region

Parser = Callable[[Source], Document]


def _facts(parse: Parser, path: str, text: str) -> list[object]:
    return list(parse(Source(path, text.encode())).facts())


def _of(kind: type, facts: list[object]) -> list[object]:
    return [fact for fact in facts if type(fact) is kind]


def _commands(facts: list[object]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fact in facts:
        if isinstance(fact, ShellCommand):
            found.setdefault(fact.unit.owner, []).append(" ".join(fact.known))
    return found


@pytest.mark.parametrize(
    ("text", "minimum", "known"),
    [
        ("module.exports = {coverageThreshold: {global: {lines: 80}}}", 80, True),
        ("export default {coverageThreshold: {global: {statements: 70, lines: 75.5}}}", 75.5, True),
        ("const c = {coverageThreshold: {global: {branches: 60}}};\nexport default c;", 60, True),
        ("exports.default = async () => { const x = 1; return {coverageThreshold: {global: {lines: 1}}} }", 1, True),
        ("module.exports = {coverageThreshold: {global: {lines: process.env.MIN}}}", None, False),
        ("module.exports = {coverageThreshold: {global: {lines: -10}}}", None, False),
        ("module.exports = {coverageThreshold: {'./src/': {lines: 90}}}", None, False),
        ("module.exports = {...base}", None, True),
        ("module.exports = {}", None, True),
        ("module.exports = createConfig({})", None, False),
        ("// module.exports = {coverageThreshold: {global: {lines: 80}}}\nmodule.exports = {a: '/*'}", None, True),
        ("module.exports = {a: /[\"'/]/g, coverageThreshold: {global: {lines: 1_0}}}", 10, True),
        ("export default {coverageThreshold: {global: {lines: 80}}} satisfies Config", 80, True),
    ],
)
def test_jest_configuration(text: str, minimum: float | None, known: bool) -> None:
    (setting,) = _of(CoverageSetting, _facts(node_project.parse, "jest.config.ts", text))
    assert isinstance(setting, CoverageSetting)
    assert (setting.minimum, setting.known or setting.minimum is not None or text.endswith("...base}")) == (
        minimum,
        known,
    )


@pytest.mark.parametrize(
    ("text", "minimum", "known", "enabled"),
    [
        ("export default defineConfig({test: {coverage: {thresholds: {lines: 85}, enabled: true}}})", 85, True, True),
        ("export default defineConfig(({mode}) => ({test: {coverage: {thresholds: {100: true}}}}))", 100, True, None),
        ("export default mergeConfig(base, defineConfig({test: {coverage: {enabled: true}}}))", None, False, True),
        ("export default mergeConfig(base, {test: {coverage: {thresholds: {lines: 9}}}})", 9, True, None),
        ("export default {test: {coverage: {lines: 70}}}", 70, True, None),
        ("export default {test: {globals: true}}", None, True, None),
        ("import x from './x'\nexport default x", None, False, None),
    ],
)
def test_vitest_configuration(text: str, minimum: float | None, known: bool, enabled: bool | None) -> None:
    (setting,) = _of(CoverageSetting, _facts(node_project.parse, "vitest.config.ts", text))
    assert isinstance(setting, CoverageSetting)
    assert (setting.minimum, setting.known, setting.enabled) == (minimum, known, enabled)


def test_package() -> None:
    text = """{
      "name": "web",
      "scripts": {"test": "vitest run && echo done", "old": "echo \\"Error: no test specified\\" && exit 1"},
      "devDependencies": {"vitest": "3.0.0"},
      "nyc": {"check-coverage": true, "lines": 75}
    }"""
    facts = _facts(node_project.parse, "web/package.json", text)
    (package,) = _of(Package, facts)
    assert isinstance(package, Package)
    assert (package.folder, package.scripts, package.dependencies) == ("web", ("test",), ("vitest",))
    assert _commands(facts) == {"test": ["vitest run", "echo done"]}
    (setting,) = _of(CoverageSetting, facts)
    assert isinstance(setting, CoverageSetting)
    assert (setting.tool, setting.minimum, setting.enabled) == ("nyc", 75, True)
    command = next(fact for fact in facts if isinstance(fact, ShellCommand))
    assert command.location.region.start_line == 3


PYPROJECT = """\
[project]
name = "shop"
dependencies = [
  "flask",  # a ] in a comment
]

[tool.pytest.ini_options]
addopts = ["--cov", "--strict-markers"]

[tool.coverage.report]
fail_under = 85.5

[tool.poe.tasks]
check = ["lint", "unit"]
unit.cmd = "pytest -q"
lint = "ruff check ."

[tool.hatch.envs.test.scripts]
cov = ["coverage run -m pytest", "coverage report"]
"""


def test_pyproject() -> None:
    facts = _facts(python_project.parse, "pyproject.toml", PYPROJECT)
    (manifest,) = _of(Manifest, facts)
    assert isinstance(manifest, Manifest)
    assert (manifest.dependencies, manifest.location.region) == (True, Region(3, 1, 5, 2))
    (setting,) = _of(CoverageSetting, facts)
    assert isinstance(setting, CoverageSetting)
    assert (setting.minimum, setting.location.region.start_line) == (85.5, 11)
    (pytest_options,) = _of(PytestOptions, facts)
    assert isinstance(pytest_options, PytestOptions)
    assert pytest_options.options == ("--cov", "--strict-markers")
    tasks = {fact.name: fact.needs for fact in facts if isinstance(fact, Task)}
    assert tasks == {"check": ("lint", "unit"), "unit": (), "lint": (), "test:cov": ()}
    assert _commands(facts)["test:cov"] == ["coverage run -m pytest", "coverage report"]


@pytest.mark.parametrize("text", ["a = [", "a = 1" + "0" * 9000, "[" * 4000, "x = '\x00'"])
def test_broken_toml_is_told(text: str) -> None:
    with pytest.raises(DocumentError):
        python_project.parse(Source("pyproject.toml", text.encode()))


@pytest.mark.parametrize("text", ["def f(:", "x" * 300_000, "(" * 3000, "\x00"])
def test_broken_noxfile_is_told(text: str) -> None:
    with pytest.raises(DocumentError):
        python_project.parse(Source("noxfile.py", text.encode()))


def test_ini_goes_on_over_lines() -> None:
    text = "[a]\nx = 1\n  2 # two\n\n; no\n  3\ny: 4\n[b\nz\n[b]\nx=\n  -cov\n"
    sections = ini.parse(Source("tox.ini", text.encode()))
    assert {name: {key: value.text for key, value in section.items()} for name, section in sections.items()} == {
        "a": {"x": "1\n2\n3", "y": "4"},
        "b": {"x": "-cov"},
    }
    assert sections["a"]["x"].region == Region(2, 1, 6, 4)


def test_tox() -> None:
    text = """\
[tox]
envlist = py{311,312}, lint
[testenv]
commands =
    py312: pytest --cov {posargs:tests}
    !py312: pytest
    {[common]commands}
[testenv:lint]
commands =
    - ruff check \\
        --fix {toxinidir}
[common]
commands = echo done
"""
    facts = _facts(python_project.parse, "tox.ini", text)
    assert _commands(facts) == {
        "py311": ["pytest", "echo done"],
        "py312": ["pytest --cov tests", "echo done"],
        "lint": ["ruff check --fix _", "true"],
    }
    assert all(task.default for task in facts if isinstance(task, Task))


def test_nox() -> None:
    text = """\
import nox
nox.options.sessions = ["tests"]

@nox.session(python=["3.11", "3.12"], name="tests")
def run(session):
    session.install(".")
    session.run("pytest", "--cov", *session.posargs)
    session.notify("report")

@nox.session
def report(session):
    session.run("coverage", "report", success_codes=[0, 2])
"""
    facts = _facts(python_project.parse, "noxfile.py", text)
    tasks = {task.name: (task.default, task.needs) for task in facts if isinstance(task, Task)}
    assert tasks == {"tests": (True, ("report",)), "report": (False, ())}
    assert _commands(facts) == {"tests": ["pytest --cov"], "report": ["coverage report", "true"]}


def test_makefile() -> None:
    text = """\
PYTEST ?= python -m pytest  # ours
export CI := 1
.PHONY: test lint

test lint: build
\t@$(PYTEST) \\
\t  -q $@
\t-ruff check .
\t$(MAKE) -C web $(shell go list ./...)
build: ; echo $$HOME
ifeq ($(CI),1)
test: extra
endif
%.o: %.c
\tcc $<
define X
not: a-rule
endef
"""
    facts = _facts(task_files.parse, "Makefile", text)
    tasks = {task.name: (task.needs, task.default) for task in facts if isinstance(task, Task)}
    assert tasks["test"] == (("build", "extra"), True)
    assert "not" not in tasks
    commands = _commands(facts)
    assert commands["test"][:2] == ["python -m pytest -q test", "ruff check ."]
    assert commands["test"][3].startswith("make -C web")
    assert commands["build"][0].startswith("echo")


def test_justfile() -> None:
    text = """\
set shell := ["bash", "-c"]
tool := "pytest"
alias t := test

# all of it
default: lint (test "unit")

@test kind='a:b' *args:
    {{tool}} -m {{kind}}
    -echo done

lint:
    #!/usr/bin/env bash
    set -e
    ruff check .
"""
    facts = _facts(task_files.parse, "justfile", text)
    tasks = {task.name: (task.needs, task.default) for task in facts if isinstance(task, Task)}
    assert tasks == {
        "t": (("test",), True),
        "default": (("lint", "test"), False),
        "test": ((), False),
        "lint": ((), False),
    }
    assert _commands(facts)["lint"] == ["set -e", "ruff check ."]
    assert _commands(facts)["test"][0].startswith("pytest -m")


@pytest.mark.parametrize(
    ("path", "text", "used"),
    [
        ("go.mod", "module x\n\ngo 1.24\n", False),
        ("go.mod", "module x\n\nrequire (\n\ta.example/b v1.2.3\n)\n", True),
        ("Cargo.toml", '[package]\nname = "x"\n', False),
        ("Cargo.toml", '[target."cfg(unix)".dependencies]\nlibc = "0.2"\n', True),
        ("pom.xml", "<project><!-- <dependency/> <dependency> --></project>", False),
        ("pom.xml", "<project><dependencies><dependency>x</dependency></dependencies></project>", True),
        ("build.gradle.kts", 'dependencies {\n    implementation("a:b:1")\n}\n', True),
        ("build.gradle", "dependencies {\n    // implementation 'a:b:1'\n}\n", False),
        ("Gemfile", "# gem 'rails'\n", False),
        ("composer.json", '{"require": {"php": ">=8.2", "ext-json": "*"}}', False),
        ("composer.json", '{"require": {"a/b": "^1"}}', True),
        ("app.csproj", '<Project><ItemGroup><PackageReference Include="x"/></ItemGroup></Project>', True),
    ],
)
def test_manifests(path: str, text: str, used: bool) -> None:
    (manifest,) = _of(Manifest, _facts(build_project.parse, path, text))
    assert isinstance(manifest, Manifest)
    assert manifest.dependencies is used


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (
            "coverage: {status: {project: {default: {target: 80%}}, patch: off}}",
            [(80.0, "project"), (None, "patch: off")],
        ),
        ("coverage: {status: {project: {default: {target: auto}}}}", [(None, "only compares")]),
        ("coverage: {status: {project: {default: {target: 80, informational: true}}}}", [(None, "informational")]),
        (
            "coverage: {status: {project: {api: {target: 90%, flags: [api]}, web: off}}}",
            [(90.0, "project"), (None, "off")],
        ),
        ("comment: false", [(None, "no status")]),
        ("- a", [(None, "no status")]),
    ],
)
def test_codecov(text: str, notes: list[tuple[float | None, str]]) -> None:
    found = _of(CoverageSetting, _facts(codecov.parse, "codecov.yml", text))
    assert len(found) == len(notes)
    for setting, (minimum, note) in zip(found, notes, strict=True):
        assert isinstance(setting, CoverageSetting)
        assert setting.minimum == minimum
        assert note in setting.note


def test_pre_commit() -> None:
    text = (
        "repos:\n- repo: local\n  hooks:\n  - {id: a, entry: make a, stages: [manual]}\n- nonsense\nci: {skip: [a]}\n"
    )
    hook, service = _facts(pre_commit.parse, ".pre-commit-config.yaml", text)
    assert isinstance(hook, Hook)
    assert (hook.repository, hook.entry, hook.stages, service[1]) == ("local", "make a", ("manual",), ("a",))  # type: ignore[index]


LONG = {
    "jest.config.js": ("`\\`" * 20_000, "x=/[" * 15_000, "{" * 50_000, "const a = {b: a};" * 2_000, "/*" * 25_000),
    "build.gradle": ("/*" * 50_000, "check dependsOn " * 7_000, "implementation " * 7_000),
    "pom.xml": ("<!--" * 50_000, "<artifactId>jacoco-maven-plugin</artifactId>" * 5_000),
    "Makefile": (":" * 50_000, "a " * 25_000 + ":", "A=$(A)$(A)\n" * 1_000 + "t:\n\t$(A)\n", "$(" * 25_000),
    "justfile": ("a " * 25_000, "a:" * 25_000, "a := \n" * 7_000),
    "tox.ini": ("[tox]\nenvlist = " + "{a,b}" * 1_000 + "\n[testenv]\ncommands = x\n", "[" * 50_000),
    "requirements.txt": ("\n" * 75_000, " " * 75_000),
    ".nycrc": ("[" * 25_000, '{"a":' * 7_000),
}


@pytest.mark.parametrize(("path", "text"), [(path, text) for path, texts in LONG.items() for text in texts])
def test_long_files_stay_cheap(path: str, text: str) -> None:
    parse: Parser = {"jest.config.js": node_project.parse, ".nycrc": node_project.parse}.get(path, build_project.parse)
    if path in ("Makefile", "justfile"):
        parse = task_files.parse
    elif path in ("tox.ini", "requirements.txt"):
        parse = python_project.parse
    begin = time.process_time()
    _facts(parse, path, text)
    assert time.process_time() - begin < 3


_PIECES = ["export default ", "module.exports = ", "return ", "const a = ", "function ", "as ", "defineConfig("]
_PIECES += [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "a",
    ":",
    ",",
    "'x'",
    "1",
    "=>",
    "...",
    "`${",
    "`",
    "/",
    "//",
    "/*",
    "*/",
    "\n",
]
_SCRIPT = st.lists(st.sampled_from(_PIECES)).map("".join)


@given(_SCRIPT | st.text())
@example("const a = {b: a}; export default {...a}")
@settings(max_examples=300, deadline=None)
def test_any_script_is_read(text: str) -> None:
    value = exported(text)
    value.get("a", "b")
    read_json5(text)


@given(st.text(alphabet=st.sampled_from("[]{}=.\"'#\n ab1,\\"), max_size=200))
@settings(max_examples=200, deadline=None)
def test_places_of_any_toml(text: str) -> None:
    source = Source("a.toml", text.encode())
    for region in key_regions(source).values():
        assert 1 <= region.start_line <= region.end_line <= source.line_count


@given(st.lists(st.text(alphabet="ab \t", max_size=8), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_an_excerpt_of_lines_leads_back(lines: list[str]) -> None:
    excerpt = LineExcerpt([(line, Region(place, 1, place, 2)) for place, line in enumerate(lines, 1)])
    at = 0
    for place, line in enumerate(lines, 1):
        assert excerpt.region(at, at).start_line == place
        at += len(line) + 1
