"""pip-audit as a source of results: known vulnerabilities in pinned Python requirements.

It asks a service on the network, so it runs only when it is named (`--engine pip-audit`). Measured facts (2.10.1): a
package that the service does not know is skipped, and the exit code still says that nothing was found; without a
network it ends with the exit code of "vulnerable". So the exit code is not believed, and what was skipped is told.
It never resolves or builds: `--disable-pip --no-deps` reads the pins alone, and nothing of the repository is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sp404audit.discovery import Discovery, Reader
from sp404audit.engines.process import ToolRun
from sp404audit.results import WHOLE_FILE, EngineRun, Location, Notification, Region, Result, Severity

__all__ = ["Run", "requirement_files"]


def requirement_files(found: Discovery) -> list[str]:
    """The requirements files of a repository."""
    names = ((file.path, file.path.rpartition("/")[2]) for file in found.files if file.kind == "python-project")
    return [path for path, name in names if name.startswith("requirements") and name.endswith(".txt")]


class Run:
    """pip-audit at work, once for each requirements file: one that it refuses must not cost the others."""

    def __init__(self, reader: Reader, found: Discovery, version: str) -> None:
        self.engine = EngineRun("pip-audit", version)
        self.notifications: list[Notification] = []
        self._reader = reader
        arguments = ("--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off", "--desc", "off")
        self._tools = [
            (path, ToolRun("pip_audit", [*arguments, "-r", f"{{input}}/{path}"], reader, [path]))
            for path in requirement_files(found)
        ]

    def results(self) -> list[Result]:
        """Wait for pip-audit and return the known vulnerabilities, at the line of the requirement."""
        found: list[Result] = []
        for path, tool in self._tools:
            done = tool.finish()
            dependencies = _dependencies(done.output)
            if dependencies is None:
                last = done.errors.strip().rpartition("\n")[2][:200] or "no answer"
                message = f"pip-audit could not judge its requirements: {last}"
                self.notifications.append(Notification("engine/failed", "error", message, path))
                continue
            lines = self._reader.read(path).decode("utf-8", "replace").splitlines()
            skipped = [str(each.get("name")) for each in dependencies if "skip_reason" in each]
            if skipped:
                message = f"pip-audit knows nothing of {', '.join(skipped[:10])}: not evaluated"
                self.notifications.append(Notification("engine/failed", "error", message, path))
            found.extend(result for each in dependencies for result in _vulnerabilities(each, path, lines))
        return found


def _dependencies(output: str) -> list[dict[str, Any]] | None:
    import json

    try:
        parsed = json.loads(output)
    except (ValueError, RecursionError):
        return None
    dependencies = parsed.get("dependencies") if isinstance(parsed, dict) else None
    return [each for each in dependencies if isinstance(each, dict)] if isinstance(dependencies, list) else None


def _vulnerabilities(dependency: dict[str, Any], path: str, lines: list[str]) -> Iterator[Result]:
    name, version = str(dependency.get("name")), str(dependency.get("version"))
    for vulnerability in dependency.get("vulns", ()):
        fixed = ", ".join(map(str, vulnerability.get("fix_versions", ()))) or "no version yet"
        yield Result(
            rule_id=f"pip-audit/{vulnerability.get('id')}",
            kind="fail",
            severity=Severity.HIGH,
            message=f"{name} {version} has a known vulnerability ({vulnerability.get('id')}); fixed in {fixed}",
            location=Location(path, _line_of(name, lines)),
            engine="pip-audit",
            also=tuple(str(alias) for alias in vulnerability.get("aliases", ())),
        )


def _line_of(name: str, lines: list[str]) -> Region:
    """The line that names a package; names are compared as PyPI does (PEP 503)."""
    for number, line in enumerate(lines, 1):
        word = line.strip().partition(";")[0]
        end = next(
            (at for at, character in enumerate(word) if not (character.isalnum() or character in "-_.")), len(word)
        )
        if _canonical(word[:end]) == _canonical(name):
            return Region(number, 1, number, len(line) + 1)
    return WHOLE_FILE


def _canonical(name: str) -> str:
    import re

    return re.sub(r"[-_.]+", "-", name).lower()
