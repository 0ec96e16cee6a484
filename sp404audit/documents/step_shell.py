"""The commands of a step, read as the shell reads them that GitHub starts for it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.documents import shell
from sp404audit.documents.code import shell_language
from sp404audit.documents.yaml_tree import Scalar

if TYPE_CHECKING:
    from sp404audit.documents.source import Problem
    from sp404audit.documents.steps import Step

__all__ = ["environment", "read_shell", "step_commands"]


def read_shell(step: Step) -> shell.Shell | None:
    """Read the command of a step as shell; None when it has none, or another language reads it.

    Where the shell depends on the run, bash is assumed: it is the default of every runner but Windows.
    """
    if step.run is None:
        return None
    language = shell_language(step)
    if language not in ("bash", "sh", ""):
        return None
    return shell.parse(
        step.run.excerpt(step.source),
        github=True,
        interpreter=language or "bash",
        options=_options(step),
        environment=environment(step),
    )


def _options(step: Step) -> tuple[str, ...]:
    """The options that GitHub starts the shell with ("Workflow syntax", `jobs.<job_id>.steps[*].shell`)."""
    written = step.shell.value.split() if step.shell is not None else []
    if len(written) > 1:
        flags = "".join(word[1:] for word in written[1:] if word.startswith("-") and not word.startswith("--"))
        return tuple(name for flag, name in (("e", "errexit"), ("u", "nounset")) if flag in flags) + (
            ("pipefail",) if "pipefail" in written else ()
        )
    # Only a shell that is named gets pipefail: the default is `bash -e`.
    return ("errexit", "pipefail") if written == ["bash"] else ("errexit",)


def environment(step: Step) -> dict[str, str | None]:
    """The variables that `env:` sets for the step; None for one whose value an expression makes."""
    found: dict[str, str | None] = {}
    for scope in step.variable_scopes():
        for name, _, value in scope.pairs():
            if name not in found:
                known = isinstance(value, Scalar) and "${{" not in value.value
                found[name] = value.value if known and isinstance(value, Scalar) else None
    return found


def step_commands(step: Step, path: str, problems: list[Problem]) -> Iterator[shell.ShellCommand]:
    """Yield the commands of a step as facts; what cannot be read of them goes to `problems`."""
    text = read_shell(step)
    if text is None:
        return
    problems += text.problems
    kind, owner = ("step", step.job.id) if step.job is not None else ("action", "")
    unit = shell.Unit(kind, path, step.region.start_line, owner, step.name or step.id, _folder(step))
    yield from shell.command_facts(text, path, unit)


def _folder(step: Step) -> str | None:
    """The folder that the command starts in, relative to the workspace, which is the repository's root."""
    written = step.working_directory
    if written is None:
        return ""
    folder = posixpath.normpath(written.value.strip() or ".")
    if "${{" in folder or folder.startswith(("/", "../")) or folder == "..":
        return None
    return "" if folder == "." else folder
