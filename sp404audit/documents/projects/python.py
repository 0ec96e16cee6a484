"""Python project files: pyproject.toml, setup.cfg, tox.ini, .coveragerc, pytest.ini, requirements, Pipfile, noxfile.py.

Read for what they say about dependencies, tests, coverage and tasks. Nothing is imported or executed: of `setup.py`
only the words count, and `noxfile.py` is read as a syntax tree. Which file a tool reads, and in which order:
https://coverage.readthedocs.io/en/latest/config.html and https://docs.pytest.org/en/stable/reference/customize.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from sp404audit.documents import ini
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.projects.facts import CoverageSetting, Manifest, folder_of, number, task_facts
from sp404audit.documents.source import Source
from sp404audit.documents.toml_file import key_regions, read_toml
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import WHOLE_FILE, Location, Region

__all__ = ["PytestOptions", "PythonProject", "parse"]

_MOST_TASKS = 200
_COVERAGE_RANK = {".coveragerc": 0, ".coveragerc.toml": 0, "setup.cfg": 1, "tox.ini": 2, "pyproject.toml": 3}
_PYTEST_RANK = {"pytest.ini": 0, ".pytest.ini": 1, "pyproject.toml": 2, "tox.ini": 3, "setup.cfg": 4}
_REQUIREMENT = regex(r"(?m)^[ \t]*(?!#)(?:[A-Za-z0-9]|-e\s|--editable\s|git\+|https?:)")
_SETUP_REQUIRES = regex(r"\b(?:install_requires|extras_require|setup_requires|requirements)\b")
_INCLUDED = regex(r"(?m)^[ \t]*(?:-r|--requirement|-c|--constraint)\b")


class PytestOptions(NamedTuple):
    """The options that a configuration file gives every run of pytest in its folder.

    `rank` orders the files of a folder: pytest reads one only, the lowest.
    """

    location: Location
    folder: str
    options: tuple[str, ...]
    rank: int


class PythonProject(Document):
    """One of the files; `tables` holds a TOML file's values, `sections` an INI file's, `sessions` a noxfile's facts."""

    kinds: ClassVar[tuple[str, ...]] = ("python-project",)

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.name = source.path.rpartition("/")[2]
        self.folder = folder_of(source.path)
        self.tables: dict[str, Any] = {}
        self.sections: dict[str, dict[str, ini.IniValue]] = {}
        self.sessions: tuple[Fact, ...] = ()
        self._regions: dict[tuple[str, ...], Region] | None = None

    def region(self, *path: str) -> Region:
        """Where a TOML key stands, or the nearest table around it."""
        if self._regions is None:
            self._regions = key_regions(self.source)
        for size in range(len(path), 0, -1):
            found = self._regions.get(path[:size])
            if found:
                return found
        return WHOLE_FILE

    def table(self, *path: str) -> dict[str, Any]:
        """A TOML table; empty when it is not there or is none."""
        value: Any = self.tables
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}

    def location(self, region: Region) -> Location:
        """A place in this file."""
        return Location(self.source.path, region)

    def facts(self) -> Iterator[Fact]:
        """Yield manifests, coverage settings, pytest's options and tasks."""
        if self.name == "pyproject.toml":
            yield from _pyproject_facts(self)
        elif self.name == "Pipfile":
            packages = bool(self.table("packages") or self.table("dev-packages"))
            yield Manifest(self.location(WHOLE_FILE), "pip", self.folder, packages)
        elif self.name == "noxfile.py":
            yield from self.sessions
        elif self.sections:
            yield from _ini_facts(self)
        elif self.name in ("tox.toml", ".coveragerc.toml", "pytest.toml", ".pytest.toml"):
            yield from _toml_facts(self)
        elif self.name.endswith((".txt", ".in")):
            text = self.source.text
            listed: bool | None = _REQUIREMENT.search(text) is not None
            if not listed and _INCLUDED.search(text):
                listed = None
            yield Manifest(self.location(WHOLE_FILE), "pip", self.folder, listed)
        elif self.name == "setup.py":
            used = None if _SETUP_REQUIRES.search(self.source.text) else False
            yield Manifest(self.location(WHOLE_FILE), "pip", self.folder, used)


def parse(source: Source) -> PythonProject:
    """Read one Python project file.

    Args:
        source: the file; its name decides how it is read.

    Raises:
        DocumentError: when a TOML file or a noxfile cannot be read.
    """
    document = PythonProject(source)
    if document.name.endswith(".toml") or document.name == "Pipfile":
        document.tables = read_toml(source)
    elif document.name.endswith((".cfg", ".ini", ".coveragerc")):
        document.sections = ini.parse(source)
    elif document.name == "noxfile.py":
        from sp404audit.documents.projects.nox import nox_facts

        document.sessions = tuple(nox_facts(document))
    return document


def _pyproject_facts(document: PythonProject) -> Iterator[Fact]:
    manifest = _pyproject_manifest(document)
    if manifest is not None:
        yield manifest
    coverage = document.table("tool", "coverage")
    if coverage:
        report = document.table("tool", "coverage", "report")
        region = document.region("tool", "coverage", "report", "fail_under")
        yield _coverage_py(document, report.get("fail_under"), region)
    pytest = document.table("tool", "pytest", "ini_options") or document.table("tool", "pytest")
    if pytest:
        native = "ini_options" not in document.table("tool", "pytest")
        path = ("tool", "pytest", "addopts") if native else ("tool", "pytest", "ini_options", "addopts")
        location = document.location(document.region(*path))
        yield PytestOptions(location, document.folder, _words(pytest.get("addopts")), _PYTEST_RANK[document.name])
    yield from _pyproject_tasks(document)


def _toml_facts(document: PythonProject) -> Iterator[Fact]:
    """The facts of a tool's own TOML file."""
    if document.name == "tox.toml":
        from sp404audit.documents.projects.tox import tox_toml_facts

        yield from tox_toml_facts(document, document.tables, document.region)
    elif document.name == ".coveragerc.toml":
        report = document.table("report")
        yield _coverage_py(document, report.get("fail_under"), document.region("report", "fail_under"))
    else:
        options = document.table("pytest")
        location = document.location(document.region("pytest", "addopts"))
        yield PytestOptions(location, document.folder, _words(options.get("addopts")), 0)


def _pyproject_manifest(document: PythonProject) -> Manifest | None:
    """The dependencies, of whichever tool declares them; None for a file that only configures tools."""
    project, poetry = document.table("project"), document.table("tool", "poetry")
    groups = document.table("dependency-groups")
    if not project and not poetry and not groups and not document.table("build-system"):
        return None
    declared = [
        project.get("dependencies"),
        *document.table("project", "optional-dependencies").values(),
        *groups.values(),
        {key: value for key, value in document.table("tool", "poetry", "dependencies").items() if key != "python"},
        document.table("tool", "poetry", "dev-dependencies"),
        document.table("tool", "poetry", "group"),
        document.table("tool", "pdm", "dev-dependencies"),
        document.table("tool", "uv").get("dev-dependencies"),
    ]
    used: bool | None = any(declared)
    if not used and "dependencies" in (project.get("dynamic") or ()):
        used = None
    path = ("project", "dependencies") if project else ("tool", "poetry", "dependencies")
    region = document.region(*path)
    return Manifest(document.location(region), "pip", document.folder, used)


def _coverage_py(document: PythonProject, value: object, region: Region) -> CoverageSetting:
    minimum = number(value)
    known = value is None or minimum is not None
    rank = _COVERAGE_RANK.get(document.name, 9)
    return CoverageSetting(document.location(region), "coverage.py", document.folder, minimum, known, None, rank)


def _words(value: object) -> tuple[str, ...]:
    """Options as pytest splits them: a list as it is, a text as a shell would split it."""
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, str))
    if not isinstance(value, str):
        return ()
    import shlex

    try:
        return tuple(shlex.split(value[:20_000]))
    except ValueError:
        return tuple(value[:20_000].split())


def _ini_facts(document: PythonProject) -> Iterator[Fact]:
    sections, name = document.sections, document.name
    whole = document.location(WHOLE_FILE)
    metadata = sections.get("options")
    if name == "setup.cfg" and metadata is not None:
        requires = metadata.get("install_requires")
        extras = sections.get("options.extras_require")
        yield Manifest(whole, "pip", document.folder, bool((requires and requires.text) or extras))
    prefix = "" if name.endswith(".coveragerc") else "coverage:"
    if any(section.startswith(prefix) for section in sections) if prefix else True:
        option = sections.get(f"{prefix}report", {}).get("fail_under")
        yield _coverage_py(document, option.text if option else None, option.region if option else WHOLE_FILE)
    pytest = sections.get("tool:pytest" if name == "setup.cfg" else "pytest")
    if pytest is not None and name in _PYTEST_RANK:
        addopts = pytest.get("addopts")
        location = document.location(addopts.region if addopts else WHOLE_FILE)
        words = _words(addopts.text if addopts else None)
        yield PytestOptions(location, document.folder, words, _PYTEST_RANK[name])
    if name in ("tox.ini", "setup.cfg"):
        from sp404audit.documents.projects.tox import tox_facts

        yield from tox_facts(document, sections)


def _pyproject_tasks(document: PythonProject) -> Iterator[Fact]:
    """The tasks of poe, taskipy, PDM, Hatch, pixi and of tox where pyproject.toml configures it."""
    places: list[tuple[str, tuple[str, ...]]] = [
        ("poe", ("tool", "poe", "tasks")),
        ("task", ("tool", "taskipy", "tasks")),
        ("pdm", ("tool", "pdm", "scripts")),
        ("pixi", ("tool", "pixi", "tasks")),
    ]
    environments = list(document.table("tool", "hatch", "envs"))[:_MOST_TASKS]
    places += [("hatch", ("tool", "hatch", "envs", name, "scripts")) for name in environments]
    for runner, path in places:
        table = document.table(*path)
        for name, value in list(table.items())[:_MOST_TASKS]:
            label = f"{path[3]}:{name}" if runner == "hatch" and path[3] != "default" else name
            region = document.region(*path, name)
            refers = runner == "poe" and isinstance(value, list)  # poe's lists name other tasks
            lines = [(line, region) for line in ([] if refers else _task_lines(value))]
            needs = _task_needs({"sequence": value} if refers else value)
            if runner == "hatch":  # a script that begins with the name of another one of its environment starts that
                called = [line.split()[0] for line, _ in lines if line.split()[:1] and line.split()[0] in table]
                prefix = label.removesuffix(name)
                needs = (*needs, *(f"{prefix}{one}" for one in called if one != name))
            yield from task_facts(document, runner, label, region, lines, needs)
    from sp404audit.documents.projects.tox import tox_facts, tox_toml_facts

    tox = document.table("tool", "tox")
    legacy = tox.get("legacy_tox_ini")
    if isinstance(legacy, str):
        region = document.region("tool", "tox", "legacy_tox_ini")
        yield from tox_facts(document, ini.parse(Source(document.source.path, legacy.encode())), region)
    elif tox:
        yield from tox_toml_facts(document, tox, lambda *path: document.region("tool", "tox", *path))


def _task_lines(value: object) -> list[str]:
    """A task's commands: a text, a list of them, or a table with `cmd`, `shell`, `composite` or `sequence`."""
    if isinstance(value, str):
        return value.splitlines()
    if isinstance(value, list):
        return [item for item in value if isinstance(item, str)]
    if isinstance(value, Mapping):
        for key in ("cmd", "shell", "composite", "script"):
            inner = value.get(key)
            if isinstance(inner, str):
                return inner.splitlines()
            if isinstance(inner, list):
                words = [item for item in inner if isinstance(item, str)]
                return words if key == "composite" else [_joined(words)]
    return []


def _joined(words: list[str]) -> str:
    import shlex

    return shlex.join(words)


def _task_needs(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return ()
    if isinstance(value, Mapping):
        found: list[str] = []
        for key in ("deps", "depends-on", "depends_on", "sequence"):
            inner = value.get(key)
            found += [item for item in inner if isinstance(item, str)] if isinstance(inner, list) else []
        return tuple(found)
    return ()
