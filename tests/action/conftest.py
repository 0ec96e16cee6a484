"""A runner of our own: it runs the steps of `action.yml` as GitHub's would.

Scripts are run by `bash --noprofile --norc -eo pipefail`, with files for outputs, environment, path and summary, and
nothing but the runner's variables around them. Expressions are resolved in `env:`, `with:`, `if:` and
`continue-on-error:`; one in a script is refused, because there it would be code. Actions are not run: what they were
given is kept, and a test says what came of them. Sources: the pages "Workflow syntax", "Contexts", "Variables" and
"Workflow commands" of https://docs.github.com/actions/reference.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from sp404audit.documents.github.expression import find, parse_condition
from sp404audit.documents.github.expression_tree import Call, Comparison, Context, Literal, Logic, Node, Not, walk

ROOT = Path(__file__).parent.parent.parent
BOT = "version: 2\nupdates: [{package-ecosystem: docker, directory: /, schedule: {interval: weekly}}]\n"
STATUS = {"success", "always", "cancelled", "failure"}


@dataclass
class Finished:
    """What came of the action: outcomes by step, what `uses:` steps were given, the log, the action's outputs."""

    outcomes: dict[str, str] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    exit_codes: dict[str, int] = field(default_factory=dict)
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    failed: bool = False

    @property
    def commands(self) -> list[str]:
        """The lines of the log that the runner obeys."""
        found, stopped = [], ""
        for line in self.log.splitlines():
            command = line.lstrip()
            if stopped:
                stopped = "" if command == f"::{stopped}::" else stopped
            elif command.startswith("::stop-commands::"):
                stopped = command.removeprefix("::stop-commands::")
            elif command.startswith("::"):
                found.append(command)
        return found

    def annotations(self, kind: str) -> list[str]:
        """What people read of annotations of a kind."""
        return [command.partition("::")[2].partition("::")[2] for command in self.commands if f"::{kind} " in command]


class Evaluator:
    """Values of expressions, as far as the action uses the language."""

    def __init__(self, contexts: Mapping[str, Any], *, failed: bool = False) -> None:
        self.contexts = contexts
        self.failed = failed

    def text(self, template: object) -> str:
        """Resolve every expression in a text."""
        text = str(template).lower() if isinstance(template, bool) else str(template)
        for found in reversed(find(text)):
            assert found.tree is not None, f"{text}: {found.error}"
            text = text[: found.start] + written(self.value(found.tree)) + text[found.end :]
        return text

    def holds(self, condition: str) -> bool:
        """Judge an `if:`; unless it asks for the status itself, it holds only while nothing failed."""
        tree = parse_condition(condition)
        asks = any(isinstance(node, Call) and node.name in STATUS for node in walk(tree))
        return bool(self.value(tree)) and (asks or not self.failed)

    def value(self, node: Node) -> Any:
        match node:
            case Literal():
                return node.value
            case Not():
                return not self.value(node.operand)
            case Logic(operator="&&"):
                return all(self.value(operand) for operand in node.operands)
            case Logic():
                return any(self.value(operand) for operand in node.operands)
            case Comparison(operator="==" | "!="):
                same = str(self.value(node.left)).lower() == str(self.value(node.right)).lower()
                return same == (node.operator == "==")
            case Call(name="cancelled"):
                return False
            case Call(name="always"):
                return True
            case Call(name="success"):
                return not self.failed
            case Context():
                return self.looked_up(node.path)
        raise AssertionError(f"the emulator does not know {node}")

    def looked_up(self, path: tuple[str, ...]) -> Any:
        value: Any = self.contexts
        assert path[0] in value, f"there is no context {path[0]} in an action"
        for name in path:
            value = value.get(name, "") if isinstance(value, Mapping) else ""
        return value


def written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def outputs_of(file: Path) -> dict[str, str]:
    """Read a file of outputs as the runner does (actions/runner, `FileCommandManager`)."""
    found: dict[str, str] = {}
    lines = file.read_text("utf-8").split("\n")
    while lines:
        line = lines.pop(0)
        if not line:
            continue
        name, mark, delimiter = line.partition("<<")
        assert mark, f"no output: {line}"
        assert re.fullmatch(r"\w+_[0-9a-f]{32}", delimiter), "a delimiter that could be guessed"
        end = lines.index(delimiter)
        found[name] = "\n".join(lines[:end])
        lines = lines[end + 1 :]
    return found


class Runner:
    """Runs the action in a workspace.

    Attributes:
        workspace: where the repository is checked out.
        given: outputs of steps that are not run, by id. The environment that would be installed is this one, and
            no cache is looked for, unless a test takes `install` and `plan` away.
        outcomes: outcomes of `uses:` steps other than success, by id.
        environment: more variables of the runner.
    """

    def __init__(self, workspace: Path, temporary: Path) -> None:
        self.workspace = workspace
        self.temporary = temporary
        self.given = {"python": {"python-path": sys.executable}, "install": {"python": sys.executable}}
        self.given["plan"] = {"key": "sp404audit-key", "folder": str(temporary / "temp/sp404audit/pip")}
        self.outcomes: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        self.event: dict[str, Any] = {"repository": {"full_name": "o/r"}}
        self.event_name = "push"

    def __call__(self, action: Path = ROOT / "action.yml", /, **inputs: str) -> Finished:
        metadata = yaml.safe_load(action.read_text("utf-8"))
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= metadata["inputs"].keys()
        contexts: dict[str, Any] = {"github": {"token": "t"}, "steps": {}, "inputs": {}}
        defaults = {name: str(each.get("default", "")) for name, each in metadata["inputs"].items()}
        contexts["inputs"] = {name: Evaluator(contexts).text(value) for name, value in defaults.items()} | given
        finished = Finished()
        for step in metadata["runs"]["steps"]:
            self._step(step, contexts, finished)
        finished.outputs = {name: Evaluator(contexts).text(each["value"]) for name, each in metadata["outputs"].items()}
        finished.steps = {name: step["outputs"] for name, step in contexts["steps"].items()}
        summary = self.temporary / "summary"
        finished.summary = summary.read_text("utf-8") if summary.exists() else ""
        return finished

    def _step(self, step: dict[str, Any], contexts: dict[str, Any], finished: Finished) -> None:
        evaluator = Evaluator(contexts, failed=finished.failed)
        name, key = step["name"], step.get("id", step["name"])
        outcome, outputs = "skipped", {}
        if evaluator.holds(step.get("if", "success()")):
            if "uses" in step:
                action = step["uses"].partition("@")[0]
                finished.used[action] = {k: evaluator.text(v) for k, v in step.get("with", {}).items()}
                outcome, outputs = self.outcomes.get(key, "success"), self.given.get(key, {})
            elif key in self.given:
                outcome, outputs = "success", self.given[key]
            else:
                assert not find(step["run"]), f"{name}: an expression in a script is code"
                environment = {k: evaluator.text(v) for k, v in step.get("env", {}).items()}
                code, outputs = self._script(step["run"], environment, finished)
                finished.exit_codes[name] = code
                outcome = "success" if code == 0 else "failure"
        goes_on = evaluator.text(step.get("continue-on-error", "false")) == "true"
        finished.failed = finished.failed or (outcome == "failure" and not goes_on)
        finished.outcomes[name] = outcome
        if "id" in step:
            contexts["steps"][key] = {"outcome": outcome, "outputs": outputs}

    def _script(self, script: str, variables: dict[str, str], finished: Finished) -> tuple[int, dict[str, str]]:
        number = len(finished.exit_codes)
        folder = self.temporary / "_runner_file_commands"
        folder.mkdir(exist_ok=True)
        files = {name: folder / f"{name}_{number}" for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")}
        for file in files.values():
            file.write_text("")
        event = self.temporary / "event.json"
        event.write_text(json.dumps(self.event), "utf-8")
        path = self.temporary / "script.sh"
        path.write_text(script, "utf-8")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temporary),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": "0" * 40,
            "GITHUB_STEP_SUMMARY": str(self.temporary / "summary"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temporary / "temp"),
            **{name: str(file) for name, file in files.items()},
            **self.environment,
            **variables,
        }
        (self.temporary / "temp").mkdir(exist_ok=True)
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(path)]
        done = subprocess.run(
            command, cwd=self.workspace, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        finished.log += done.stdout.decode()
        assert files["GITHUB_ENV"].read_text() == files["GITHUB_PATH"].read_text() == "", "the job was changed"
        return done.returncode, outputs_of(files["GITHUB_OUTPUT"])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A repository in a workspace of its own, with a medium and a low failure, and a file that is fine."""
    root = tmp_path / "work"
    (root / ".git").mkdir(parents=True)
    (root / ".github").mkdir()
    (root / ".github/dependabot.yml").write_text(BOT)
    (root / "Dockerfile").write_text("FROM python:latest\nUSER 1000\n")
    (root / "run.sh").write_text("#!/bin/bash\nset -euo pipefail\necho\n")
    return root


@pytest.fixture
def runner(workspace: Path, tmp_path: Path) -> Runner:
    """A runner whose workspace holds `workspace`."""
    temporary = tmp_path / "runner"
    temporary.mkdir()
    return Runner(workspace, temporary)


@pytest.fixture
def pull_request() -> Callable[..., dict[str, Any]]:
    """Makes the event of a pull request."""

    def made(base: str = "", head: str = "", repository: str | None = "o/r") -> dict[str, Any]:
        theirs = None if repository is None else {"full_name": repository}
        parts = {"base": {"sha": base}, "head": {"sha": head, "repo": theirs}}
        return {"repository": {"full_name": "o/r"}, "pull_request": parts}

    return made
