"""From a command that calls a task or a script of the repository to the commands that stand there.

`make test`, `npm run lint -- --fix`, `tox -e py312`, `nox -s tests`, `just ci`, `poe check`, `bundle exec rake`,
`./scripts/test.sh`: what each of them runs, and in which folder. What the repository does not hold stays unresolved.
"""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Iterable, Sequence

from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline.activities import option, options, positionals
from sp404audit.documents.pipeline.tools import NPM_OWN
from sp404audit.documents.projects.facts import Package, Task
from sp404audit.documents.shell.commands import UNKNOWN, ShellCommand
from sp404audit.records import NamedTuple

__all__ = ["Call", "Runners", "commands_by_task", "joined_folder", "runners_of", "script_called"]

_MAKE = frozenset({"make", "gmake", "just"})
_NPM = frozenset({"npm", "pnpm", "yarn", "bun"})
_NPM_ALL = frozenset({"run-s", "run-p", "npm-run-all", "npm-run-all2", "concurrently"})
_MONOREPO = frozenset({"turbo", "lerna", "nx"})
_ENVIRONMENTS = frozenset({"tox", "nox"})
_BY_NAME = frozenset({"poe", "task", "composer"})
_RUN_BY_NAME = frozenset({"pdm", "pixi", "hatch"})
_RUNNERS = _MAKE | _NPM | _NPM_ALL | _MONOREPO | _ENVIRONMENTS | _BY_NAME | _RUN_BY_NAME
_LIFECYCLE = {"t": "test", "tst": "test", "test": "test", "start": "start", "stop": "stop", "restart": "restart"}
_MOST_TASKS = 200
"""Tasks that one call brings with it."""
_SHELLS = frozenset({"bash", "sh", "dash", "zsh", "ksh", "source", "."})


class Call(NamedTuple):
    """What a command calls.

    `tasks` are found in the repository; `script` is the path of a script in it. `name` is what was asked for: with no
    task found, the only thing that is known. `arguments` are handed on to the task's last command.
    """

    runner: str
    name: str
    folder: str | None
    tasks: tuple[Task, ...] = ()
    script: str = ""
    arguments: tuple[str, ...] = ()


class Runners:
    """The tasks and packages of a repository, to be looked up."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.by_runner: dict[str, list[Task]] = {}
        self._by_name: dict[tuple[str, str, str], list[Task]] = {}
        self._calls: dict[tuple[tuple[str, ...], str | None], Call | None] = {}
        for task in repository.facts(Task):
            self.by_runner.setdefault(task.runner, []).append(task)
            self._by_name.setdefault((task.runner, task.folder, task.name), []).append(task)
        self.packages: dict[str, Package] = {package.folder: package for package in repository.facts(Package)}

    def call(self, words: tuple[str, ...], folder: str | None) -> Call | None:
        """Tell what a command calls; None when it is no runner and no script of the repository."""
        if words[0] not in _RUNNERS:
            return None
        if (words, folder) not in self._calls:
            self._calls[words, folder] = self._call(words, folder)
        return self._calls[words, folder]

    def _call(self, words: tuple[str, ...], folder: str | None) -> Call | None:
        name, arguments = words[0], list(words[1:])
        if name in _MAKE:
            return self._make(name.replace("gmake", "make"), arguments, folder)
        if name in _NPM:
            return self._npm(name, arguments, folder)
        if name in _NPM_ALL:
            return self._npm_all(arguments, folder)
        if name in _MONOREPO:
            return self._monorepo(name, arguments, folder)
        if name in _ENVIRONMENTS:
            return self._environments(name, arguments, folder)
        if name in _BY_NAME or (name in _RUN_BY_NAME and arguments[:1] == ["run"]):
            asked = positionals(arguments)
            return self._named(name, asked[1:] if asked[:1] in (["run"], ["run-script"]) else asked, folder)
        return None

    def _find(self, runner: str, folder: str, names: Iterable[str]) -> tuple[Task, ...]:
        return tuple(task for name in names for task in self._by_name.get((runner, folder, name), ()))

    def _with_needs(self, tasks: Sequence[Task]) -> tuple[Task, ...]:
        """The tasks that these need (of the same file, followed to the end), then these."""
        ordered: dict[tuple[str, str], Task] = {}
        pending = deque(tasks)
        while pending and len(ordered) < _MOST_TASKS:
            task = pending.popleft()
            if (task.path, task.name) not in ordered:
                ordered[task.path, task.name] = task
                pending.extend(self._find(task.runner, task.folder, task.needs))
        return tuple(reversed(ordered.values()))

    def _make(self, runner: str, arguments: list[str], folder: str | None) -> Call | None:
        place = joined_folder(folder, option(arguments, "-C", "--directory", "--working-directory", "-d"))
        file = option(arguments, "-f", "--file", "--makefile", "--justfile")
        if file:
            place = joined_folder(place, posixpath.dirname(file))
        asked = [word for word in positionals(arguments) if "=" not in word and word != file]
        if place is None:
            return Call(runner, asked[0] if asked else "", None)
        known = [task for task in self.by_runner.get(runner, ()) if task.folder == place]
        known += [task for task in self.by_runner.get(runner, ()) if runner == "make" and task.path.endswith(".mk")]
        wanted = asked[:1] if runner == "just" else asked
        tasks = [task for task in known if (task.name in wanted if wanted else task.default)]
        return Call(runner, " ".join(wanted), place, self._with_needs(tasks))

    def _npm(self, name: str, arguments: list[str], folder: str | None) -> Call | None:
        place = joined_folder(folder, option(arguments, "--prefix", "-C", "--dir", "--cwd"))
        words = positionals(arguments)
        if name == "yarn" and words[:1] == ["workspace"]:
            return self._workspace_call(words[1] if len(words) > 1 else "", words[2:], place)
        if name == "yarn" and words[:2] == ["workspaces", "foreach"]:
            words = words[2:]
        if words[:1] and words[0] in _MONOREPO and name != "npm":
            return self._monorepo(words[0], arguments[arguments.index(words[0]) + 1 :], place)
        if not words or (words[0] in NPM_OWN and name != "yarn") or words[0] in ("install", "add", "npm", "dlx"):
            return None
        if words[0] in ("run", "run-script", "rum"):
            words = words[1:]
        elif name == "npm":
            if words[0] not in _LIFECYCLE:
                return None
            words[0] = _LIFECYCLE[words[0]]
        elif name == "bun" and words[0] == "test":
            return None
        if not words:
            return None
        handed = _handed_on(arguments, words[0], name)
        everywhere = any(word in ("-r", "--recursive", "--workspaces", "-ws", "foreach") for word in arguments)
        chosen = options(arguments, "--filter", "-F", "-w", "--workspace")
        return self._script(words[0], place, handed, everywhere=everywhere, chosen=chosen)

    def _script(
        self, script: str, folder: str | None, handed: tuple[str, ...], *, everywhere: bool, chosen: Sequence[str]
    ) -> Call | None:
        """A script of the nearest package, or of the packages that were chosen."""
        if folder is None and not chosen and not everywhere:
            return Call("npm", script, None, arguments=handed)
        folders = list(self.packages)
        if chosen:
            folders = [one for one in folders if _is_chosen(self.packages[one], chosen)]
        elif not everywhere:
            nearest = _nearest(folder or "", self.packages)
            folders = [] if nearest is None else [nearest]
        names = (f"pre{script}", script, f"post{script}")
        tasks = [task for one in folders for task in self._find("npm", one, names)]
        place = folders[0] if len(folders) == 1 else folder
        return Call("npm", script, place, tuple(tasks), arguments=handed)

    def _workspace_call(self, package: str, words: Sequence[str], folder: str | None) -> Call | None:
        rest = [word for word in words if word != "run"]
        return self._script(rest[0], folder, (), everywhere=False, chosen=[package]) if rest else None

    def _npm_all(self, arguments: list[str], folder: str | None) -> Call | None:
        """`run-s lint test:*`, `concurrently "npm:lint"`: several scripts of one package."""
        nearest = _nearest(folder or "", self.packages)
        if nearest is None:
            return None
        asked = [word.removeprefix("npm:").removeprefix("npm run ") for word in positionals(arguments)]
        scripts = [
            script
            for script in self.packages[nearest].scripts
            if any(script == one or (one.endswith("*") and script.startswith(one.rstrip("*"))) for one in asked)
        ]
        return Call("npm", " ".join(asked), nearest, self._find("npm", nearest, scripts))

    def _monorepo(self, name: str, arguments: list[str], folder: str | None) -> Call | None:
        words = positionals(arguments)
        scripts = [word for word in words if word not in ("run", "run-many", "affected")]
        scripts += [part for value in options(arguments, "-t", "--target", "--targets") for part in value.split(",")]
        tasks = [task for one in self.packages for task in self._find("npm", one, scripts)]
        return Call(name, " ".join(scripts), folder, tuple(tasks)) if scripts else None

    def _environments(self, runner: str, arguments: list[str], folder: str | None) -> Call | None:
        place = folder
        for file in options(arguments, "-c", "--conf", "-f", "--noxfile"):
            place = joined_folder(folder, posixpath.dirname(file))
        names = options(arguments, "-e", "--env", "-s", "--session", "--sessions")
        wanted = [part for value in names for part in value.split(",") if part]
        wanted += _more_sessions(arguments) if runner == "nox" else []
        if place is None:
            return Call(runner, ",".join(wanted), None)
        known = [task for task in self.by_runner.get(runner, ()) if task.folder == place]
        if not wanted or "ALL" in wanted or any(UNKNOWN in name for name in wanted):
            tasks = [task for task in known if task.default or "ALL" in wanted]
        else:
            tasks = [task for task in known if _is_session(task, wanted)]
        if runner == "tox" and wanted and not tasks:  # an environment that is only derived, such as `py312`
            tasks = [task for task in known if task.name.startswith("py")][:1]
        return Call(runner, ",".join(wanted), place, self._with_needs(tasks))

    def _named(self, runner: str, asked: Sequence[str], folder: str | None) -> Call | None:
        if not asked or folder is None:
            return None
        tasks = self._find(runner, folder, asked[:1]) or self._find(runner, "", asked[:1])
        if not tasks:
            return None if runner in ("pdm", "pixi", "hatch", "composer") else Call(runner, asked[0], folder)
        return Call(runner, asked[0], folder, self._with_needs(tasks))


def runners_of(repository: Repository) -> Runners:
    """The runners of a repository; use `repository.derived(runners_of)`."""
    return Runners(repository)


def script_called(words: Sequence[str], folder: str | None, repository: Repository) -> str:
    """The path of the script that a command runs: `./ci/test.sh`, `bash ci/test.sh`; empty for any other command."""
    if not words:
        return ""
    candidate = words[0]
    if candidate.rpartition("/")[2] in _SHELLS:
        candidate = next((word for word in words[1:] if not word.startswith("-")), "")
        if "-c" in words:
            return ""
    elif "/" not in candidate:
        return ""
    candidate = candidate.removeprefix("$GITHUB_WORKSPACE/").removeprefix(f"{UNKNOWN}/")
    for base in (folder, ""):
        path = joined_folder(base, candidate)
        if path and path in repository.paths:
            return path
    return ""


def joined_folder(folder: str | None, part: str | None) -> str | None:
    """A folder below another; None when it is unknown or leaves the repository."""
    if folder is None or not part:
        return folder
    if UNKNOWN in part or "$" in part or part.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(folder, part))
    return None if path.startswith("..") else "" if path == "." else path


def _nearest(folder: str, packages: dict[str, Package]) -> str | None:
    """The folder itself or the nearest one above it that holds a package."""
    while folder not in packages:
        if not folder:
            return None
        folder = posixpath.dirname(folder)
    return folder


def _is_chosen(package: Package, chosen: Sequence[str]) -> bool:
    """Whether `--filter`, `-w` names the package: by name, by folder, or by a pattern."""
    for one in chosen:
        pattern = one.strip("{}.").removeprefix("./").removeprefix("/").rstrip("/")
        if pattern in (
            package.name,
            package.folder,
            package.name.rpartition("/")[2],
            posixpath.basename(package.folder),
        ):
            return True
        if "*" in pattern and package.folder.startswith(pattern.partition("*")[0]):
            return True
    return False


def _handed_on(arguments: Sequence[str], script: str, name: str) -> tuple[str, ...]:
    """What a package manager hands to the script: behind `--`, with yarn, pnpm and bun also what follows the name."""
    if "--" in arguments:
        return tuple(arguments[list(arguments).index("--") + 1 :])
    if name in ("yarn", "pnpm", "bun") and script in arguments:
        return tuple(arguments[list(arguments).index(script) + 1 :])
    return ()


def _more_sessions(arguments: Sequence[str]) -> list[str]:
    """`nox -s lint tests`: the option takes all the words up to the next option."""
    found: list[str] = []
    taking = False
    for word in arguments:
        if word.startswith("-"):
            taking = word in ("-s", "--session", "--sessions", "-e")
            if word == "--":
                break
        elif taking:
            found.append(word)
    return found


def _is_session(task: Task, wanted: Sequence[str]) -> bool:
    """Whether `tests-3.12` or `tests(dialect='x')` asks for the session `tests`."""
    return any(one == task.name or one.startswith((f"{task.name}-", f"{task.name}(")) for one in wanted)


def commands_by_task(commands: Iterable[ShellCommand]) -> dict[tuple[str, str], list[ShellCommand]]:
    """The commands of every task, by the path of its file and its name."""
    found: dict[tuple[str, str], list[ShellCommand]] = {}
    for command in commands:
        if command.unit.kind in ("recipe", "npm"):
            found.setdefault((command.unit.path, command.unit.owner), []).append(command)
    return found
