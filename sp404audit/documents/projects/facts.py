"""What project files of every language tell: facts shared by the readers beside this module.

A reader (`python_project`, `node_project`, `build_project`, `task_files` …) turns a file into these facts; nothing here
judges them. A *folder* is the one that the file stands in, `""` for the root; it is what a tool takes as the project.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from sp404audit.documents.model import Document, Fact
from sp404audit.documents.shell import commands as shell
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Region

__all__ = [
    "CoverageSetting",
    "LineExcerpt",
    "Manifest",
    "Package",
    "Task",
    "folder_of",
    "lowest_threshold",
    "number",
    "task_facts",
]


class Manifest(NamedTuple):
    """A file that declares the packages of a project.

    `ecosystem` is named as in OSV's and Dependabot's lists, lower-case: `pip`, `npm`, `gomod`, `cargo`, `bundler`,
    `maven`, `gradle`, `composer`, `nuget` … `dependencies` tells whether it names any package of others; None when
    that cannot be read from it.
    """

    location: Location
    ecosystem: str
    folder: str
    dependencies: bool | None


class Package(NamedTuple):
    """A Node package: `scripts` are the names of its scripts, `dependencies` the names of all that it depends on."""

    location: Location
    folder: str
    name: str
    scripts: tuple[str, ...]
    dependencies: tuple[str, ...]
    workspaces: bool


class CoverageSetting(NamedTuple):
    """What a configuration file says about a minimum of coverage.

    `tool` reads the file: `coverage.py`, `pytest`, `jest`, `vitest`, `nyc`, `c8`, `codecov`, `jacoco`, `simplecov` …
    `minimum` is in per cent; None when no minimum is set or, with `known` False, when it is computed.
    `enabled` tells whether the file alone makes the tool measure and check: None when the command line decides.
    `rank` orders files of which the tool reads one only: the lowest counts.
    """

    location: Location
    tool: str
    folder: str
    minimum: float | None
    known: bool = True
    enabled: bool | None = None
    rank: int = 0
    note: str = ""


class Task(NamedTuple):
    """A named piece of work that a runner knows: a make target, a tox environment, a package script.

    Its commands are the `ShellCommand` facts whose unit has the same `path`, and the task's name as `owner`.
    `needs` are tasks of the same runner that run with it; `default` tells whether the runner takes it when it is
    given no name.
    """

    location: Location
    runner: str
    path: str
    folder: str
    name: str
    needs: tuple[str, ...] = ()
    default: bool = False


class LineExcerpt:
    """Lines of a file (some of them rewritten) as one text; every line keeps the place that it came from."""

    __slots__ = ("_ends", "regions", "text")

    def __init__(self, lines: Iterable[tuple[str, Region]]) -> None:
        kept = list(lines)
        self.text = "\n".join(text for text, _ in kept)
        self.regions = [region for _, region in kept]
        self._ends: list[int] = []
        end = 0
        for text, _ in kept:
            end += len(text) + 1
            self._ends.append(end)

    def region(self, start: int, end: int) -> Region:  # noqa: ARG002 - rewritten text has the place of its line
        """The place of the line in which `start` lies."""
        if not self.regions:
            return Region(1, 1, 1, 1)
        return self.regions[min(bisect_right(self._ends, start), len(self.regions) - 1)]


def folder_of(path: str) -> str:
    """The folder of a file, `""` for the root."""
    return path.rpartition("/")[0]


def task_facts(
    document: Document,
    runner: str,
    name: str,
    region: Region,
    lines: Iterable[tuple[str, Region]],
    needs: tuple[str, ...] = (),
    *,
    default: bool = False,
    one_shell: bool = False,
    options: Iterable[str] = (),
) -> Iterator[Fact]:
    """Yield a task and the commands that it runs.

    Args:
        document: the file; what cannot be read of a command is told among its problems.
        runner: who runs the task (`make`, `npm`, `tox` …).
        name: the task's name.
        region: where the task is declared.
        lines: its commands as shell text, each with its place.
        needs: tasks that run with it.
        default: whether it runs when no task is named.
        one_shell: whether all lines go to one shell; otherwise each has its own, as in make.
        options: what the runner switches on for the shell (`errexit`, `pipefail` …).
    """
    path = document.source.path
    folder = folder_of(path)
    yield Task(Location(path, region), runner, path, folder, name, needs, default)
    kept = [line for line in lines if line[0].strip()]
    for part in [kept] if one_shell else [[line] for line in kept]:
        excerpt = LineExcerpt(part)
        if not excerpt.text:
            continue
        kind = "npm" if runner == "npm" else "recipe"
        unit = shell.Unit(kind, path, part[0][1].start_line, name, runner, folder)
        text = shell.parse(excerpt, options=options)
        document.problems += text.problems
        yield from shell.command_facts(text, path, unit)


def number(value: object) -> float | None:
    """A number from what a configuration holds: `80`, `80.5`, `"80"`, `"80%"`; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e9 else None
    if isinstance(value, str) and len(value) < 20:
        try:
            return float(value.strip().rstrip("%").strip().replace("_", ""))
        except ValueError:
            return None
    return None


def lowest_threshold(metrics: dict[str, float | None]) -> float | None:
    """The minimum that a set of metrics puts on coverage.

    Lines decide, then statements, which all tools count alike; branches and functions only when they stand alone.
    """
    for name in ("lines", "statements", "branches", "functions"):
        value = metrics.get(name)
        if value is not None:
            return value
    return None
