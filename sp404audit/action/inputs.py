"""The inputs of the action, as `action.yml` hands them on: checked, and turned into what the steps work with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sp404audit.engines import ENGINES
from sp404audit.records import NamedTuple
from sp404audit.results import Severity

__all__ = ["Inputs", "InputsError", "flag", "read"]

_SEVERITIES = tuple(severity.label for severity in reversed(Severity))


class InputsError(Exception):
    """An input that means nothing; the text names it and what it may be."""


class Inputs(NamedTuple):
    """What the workflow asks for. Texts that are empty leave the choice to the policy or to the tool.

    Attributes:
        path: the folder to audit; other files count from where the step runs, the workspace.
        policy, config, fail_on, min_severity, baseline, category: as the options of `sp404audit scan`.
        select, ignore, engines: as the options of the same name; each a list.
        changed_only: `auto`, `true` or `false`.
        upload_sarif: `auto`, `always` or `never`.
        summary: whether the summary of the step is written.
        dora: `off`, `git`, `github`, or a file.
        token: for GitHub's API.
    """

    path: str
    policy: str
    config: str
    fail_on: str
    min_severity: str
    baseline: str
    category: str
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    engines: tuple[str, ...]
    changed_only: str
    upload_sarif: str
    summary: bool
    dora: str
    token: str


def read(environment: Mapping[str, str] = os.environ) -> Inputs:
    """Read the inputs of the step that audits.

    Raises:
        InputsError: see the class.
    """
    return Inputs(
        path=_folder(environment),
        policy=_text(environment, "policy"),
        config=_text(environment, "config"),
        fail_on=_one_of(environment, "fail-on", ("", *_SEVERITIES)),
        min_severity=_one_of(environment, "min-severity", ("", *_SEVERITIES)),
        baseline=_text(environment, "baseline"),
        category=_text(environment, "category"),
        select=_list(environment, "select"),
        ignore=_list(environment, "ignore"),
        engines=_engines(environment),
        changed_only=_one_of(environment, "changed-only", ("auto", "true", "false")),
        upload_sarif=_one_of(environment, "upload-sarif", ("auto", "always", "never")),
        summary=flag(environment, "summary"),
        dora=_text(environment, "dora") or "off",
        token=_text(environment, "github-token"),
    )


def flag(environment: Mapping[str, str], name: str) -> bool:
    """Read an input that is true or false."""
    return _one_of(environment, name, ("true", "false")) == "true"


def _text(environment: Mapping[str, str], name: str) -> str:
    return environment.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()


def _one_of(environment: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
    value = _text(environment, name)
    if value not in values:
        raise InputsError(f"input {name}: {value!r} is none of {', '.join(filter(None, values))}")
    return value


def _list(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Read a list: lines, or words between commas."""
    words = _text(environment, name).replace("\n", ",").split(",")
    return tuple(word.strip() for word in words if word.strip())


def _engines(environment: Mapping[str, str]) -> tuple[str, ...]:
    engines = _list(environment, "engines")
    for name in engines:
        if name not in ENGINES:
            raise InputsError(f"input engines: {name!r} is none of {', '.join(ENGINES)}")
    return engines or ("native",)


def _folder(environment: Mapping[str, str]) -> str:
    """The folder to audit. An empty one would be compliant: what it means is that nothing is checked out."""
    path = _text(environment, "path") or "."
    folder = Path(path)
    if not folder.is_dir():
        raise InputsError(f"input path: {path!r} is no folder of the workspace; is actions/checkout run before this?")
    if not any(folder.iterdir()):
        raise InputsError(f"input path: {path!r} is empty; run actions/checkout before this")
    return path
