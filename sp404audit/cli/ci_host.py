"""What the machine of a CI service tells a command: where the files can be seen, and where its summary goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sp404audit.cli import output
from sp404audit.lazy import regex

if TYPE_CHECKING:
    from sp404audit.outcome import Audit
    from sp404audit.reports import Options

__all__ = ["SUMMARY_VARIABLE", "append_summary", "path_prefix", "repository_url"]

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
_SUMMARY_LIMIT = 1024 * 1024
_REPOSITORY = regex(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_COMMIT = regex(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def repository_url() -> str:
    """Where the files of this run can be seen on GitHub or GitLab; empty elsewhere.

    The variables are those of https://docs.github.com/actions/reference/variables-reference and
    https://docs.gitlab.com/ci/variables/predefined_variables/.
    """
    project, commit = os.environ.get("CI_PROJECT_URL", "").rstrip("/"), os.environ.get("CI_COMMIT_SHA", "")
    if project and _COMMIT.fullmatch(commit):
        return f"{project}/-/blob/{commit}"
    server = os.environ.get("GITHUB_SERVER_URL", "").rstrip("/")
    repository, commit = os.environ.get("GITHUB_REPOSITORY", ""), os.environ.get("GITHUB_SHA", "")
    if not (server and _REPOSITORY.fullmatch(repository) and _COMMIT.fullmatch(commit)):
        return ""
    return f"{server}/{repository}/blob/{commit}"


def path_prefix(path: Path) -> str:
    """On a runner of GitHub or GitLab, the folder of the checkout that is audited; empty for all of it, and elsewhere.

    Both count paths from the top of the repository, which is the folder that holds `.git`, wherever in the workspace
    the checkout went; without any it is the workspace (actions/checkout unpacks an archive where git is missing).
    """
    workspace = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR")
    if not workspace:
        return ""
    root = Path(os.path.realpath(path))
    for folder in (root, *root.parents):
        if os.path.lexists(folder / ".git"):
            return "" if folder == root else root.relative_to(folder).as_posix()
    top = Path(os.path.realpath(workspace))
    return root.relative_to(top).as_posix() if top in root.parents else ""


def append_summary(audit: Audit, options: Options) -> None:
    """Append the report in Markdown to the summary of the step. What keeps it from being written is told, no more."""
    from sp404audit.reports import render

    target = Path(os.environ[SUMMARY_VARIABLE])
    data = render("markdown", audit, options).encode()
    try:
        there = target.stat().st_size if target.exists() else 0
        if there + len(data) > _SUMMARY_LIMIT:
            data = render("markdown-comment", audit, options).encode()
        if there + len(data) > _SUMMARY_LIMIT:
            click.echo("sp404audit: no room left in the summary of this step; GitHub takes 1 MiB", err=True)
            return
        with target.open("ab") as file:
            file.write(data if data.endswith(b"\n") else data + b"\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        output.complain(f"cannot write the summary of this step ({SUMMARY_VARIABLE}): {reason}")
