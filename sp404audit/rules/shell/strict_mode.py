"""Scripts stop at the first thing that goes wrong."""

from __future__ import annotations

from sp404audit.documents.model import Repository
from sp404audit.documents.shell.commands import ShellCommand
from sp404audit.documents.shell.groups import groups, started_scripts
from sp404audit.documents.shell.script import ScriptFact
from sp404audit.results import Edit, Fix, Location, Region
from sp404audit.rules.registry import Verdict, Verdicts, fail, passed, rule, unproven

__all__ = ["strict_mode"]

_HARMLESS = frozenset(
    {
        ":",
        "true",
        "false",
        "echo",
        "printf",
        "cd",
        "pwd",
        "pushd",
        "popd",
        "test",
        "[",
        "[[",
        "set",
        "shopt",
        "trap",
        "setopt",
        "unsetopt",
        "emulate",
        "autoload",
    }
    | {"umask", "export", "readonly", "declare", "typeset", "local", "unset", "source", ".", "command", "type", "hash"}
    | {"which", "alias", "shift", "ulimit", "getopts", "exit", "return", "date", "dirname", "basename", "readlink"}
    | {"realpath", "read", "let", "id", "whoami", "uname", "hostname", "cat", "grep", "tr", "cut", "sleep", ""}
)
"""What may come before `set`: it changes nothing outside the script."""

_NO_PIPEFAIL = frozenset({"sh", "dash", "ash", "busybox"})
"""Shells without `pipefail` before POSIX.1-2024 reaches them."""

_GENERATED = frozenset({"gradlew", "mvnw", "configure", "install-sh", "libtool", ".envrc"})
_INTERACTIVE = (".bashrc", ".profile", ".zshrc", ".bash_profile", ".zshenv", ".bash_aliases", ".zprofile")
_GRAVE = frozenset(
    {"kubectl", "helm", "terraform", "tofu", "pulumi", "ansible-playbook", "pg_dump", "pg_dumpall", "mysqldump"}
    | {"mariadb-dump", "mongodump", "restic", "borg", "pgbackrest", "velero", "rclone", "alembic", "flyway"}
)
"""Commands that make a script one for deployment or backup."""


@rule("shell/strict-mode", severity="medium", cwe=[252, 703], security=False)
def strict_mode(repository: Repository) -> Verdicts:
    """Scripts set errexit, nounset and pipefail before their first side effect.

    Without `errexit` a script goes on after a command has failed: it uploads the empty dump, and then deletes the old
    ones. Without `nounset` a misspelt variable is an empty text. Without `pipefail` only the last command of a pipeline
    counts. A script for `sh` needs `set -eu` only, since not every `sh` knows `pipefail`. Options on the first line are
    lost when somebody starts the script as `bash script.sh`. A library that others source inherits their options.

    Fix: write `set -euo pipefail` below the first line, and mark commands that may fail with `|| true` or an `if`.

    Passes:
        --- deploy/install.sh
        #!/usr/bin/env bash
        set -euo pipefail
        install -d /srv/app
        tar -C /srv/app -xzf release.tar.gz

    Passes (through a file that the script sources):
        --- ci/common.sh
        set -Eeuo pipefail
        --- ci/package.sh
        #!/usr/bin/env bash
        . "$(dirname "$0")/common.sh"
        mkdir -p build
        cp -r src build/

    Fails:
        --- deploy/install.sh
        #!/bin/bash
        set -e
        tar -C /srv/app -xzf "$1"
        systemctl restart app

    Fails (the options come after the damage):
        --- deploy/clean.sh
        #!/bin/bash
        rm -rf /srv/app/cache
        set -euo pipefail
        systemctl restart app

    Unproven (what is sourced is not in the repository):
        --- deploy/clean.sh
        #!/bin/bash
        source /usr/local/lib/common.sh
        rm -rf /srv/app/cache
        systemctl restart app
    """
    sourced = _sourced(repository)
    by_path = {group.path: group.commands for group in repository.derived(groups) if group.kind == "script"}
    scripts = {script.path: script for script in repository.facts(ScriptFact)}
    for script in scripts.values():
        commands = by_path.get(script.path, ())
        if _is_program(script, sourced):
            verdict = _judge(repository, script, commands, scripts)
            if verdict is not None:
                yield verdict


def _sourced(repository: Repository) -> frozenset[str]:
    """The files that some command sources."""
    found: set[str] = set()
    for command in repository.facts(ShellCommand):
        if command.name in ("source", "."):
            found.update(started_scripts(repository, command))
    return frozenset(found)


def _is_program(script: ScriptFact, sourced: frozenset[str]) -> bool:
    name = script.path.rpartition("/")[2]
    if name in _GENERATED or name.endswith(_INTERACTIVE) or script.path.startswith(".husky/"):
        return False
    return script.acts and (script.has_shebang or script.path not in sourced)


def _judge(
    repository: Repository, script: ScriptFact, commands: tuple[ShellCommand, ...], scripts: dict[str, ScriptFact]
) -> Verdict | None:
    """Judge one script by the options in force at its first side effect; None when there is nothing to protect."""
    harmless = _HARMLESS | _harmless_functions(script, commands)
    effects = [one for one in commands if one.function is None and not one.substitution and one.name not in harmless]
    effects = [one for one in effects if not one.in_condition and one.payload is None]
    if not effects or _is_one_step(effects, script):
        return None
    first = effects[0]
    wanted = ["errexit", "nounset"] + ([] if script.interpreter in _NO_PIPEFAIL else ["pipefail"])
    active = set(first.options)
    elsewhere = False
    for command in commands:
        if command.start < first.start and command.name in ("source", "."):
            files = started_scripts(repository, command)
            elsewhere = elsewhere or not files
            for path in files:
                active.update(scripts[path].options if path in scripts else ())
    missing = [option for option in wanted if option not in active]
    if missing:
        return _missing(script, commands, first, missing, elsewhere=elsewhere)
    caller = _caller_that_loses(repository, script, wanted)
    if caller is not None:
        message = "its options stand on the first line, and are lost when it is started as here; set them in the script"
        return fail(script.location, message, related=[(caller, "started as an argument of the shell")])
    return passed(script.location, f"{', '.join(wanted)} set before the first command that changes anything")


def _harmless_functions(script: ScriptFact, commands: tuple[ShellCommand, ...]) -> frozenset[str]:
    """The functions that change nothing outside the script, such as `usage`, which prints and ends it."""
    acting = {one.function for one in commands if one.function is not None and one.name not in _HARMLESS}
    return frozenset(script.functions) - acting


def _is_one_step(effects: list[ShellCommand], script: ScriptFact) -> bool:
    """Whether a script is one command, or one chain of `&&`: its status is the script's, and nothing runs after it."""
    chains = {next((frame.start for frame in one.frames if frame.kind == "list"), one.start) for one in effects}
    inside = any(one.pipeline is not None or one.name in script.functions for one in effects)
    alternatives = any(frame.name == "||" for one in effects for frame in one.frames if frame.kind == "list")
    return len(chains) == 1 and not inside and not alternatives


def _missing(
    script: ScriptFact, commands: tuple[ShellCommand, ...], first: ShellCommand, missing: list[str], *, elsewhere: bool
) -> Verdict:
    names = " and ".join([", ".join(missing[:-1]), missing[-1]] if len(missing) > 1 else missing)
    if elsewhere:
        return unproven(
            first.location, f"{names} may be set by what the script sources, which is not in the repository"
        )
    setting = next((one for one in commands if one.name == "set" and one.function is None), None)
    severity = "high" if any(one.name in _GRAVE for one in commands) else None
    line = "set -eu" if script.interpreter in _NO_PIPEFAIL else "set -euo pipefail"
    if setting is None:
        message = f"runs without {names}: it goes on after a failure; write `{line}` below the first line"
        return fail(
            script.location,
            message,
            severity=severity,
            fix=_insertion(script, line),
            related=[(first, "runs unprotected")],
        )
    if setting.start > first.start:
        message = f"{names} come after the first side effect (`{first.name}`); set them at the top"
        return fail(first.location, message, severity=severity, related=[(setting, "set here")])
    message = f"leaves {names} unset; write `{line}`"
    return fail(setting.location, message, severity=severity, fix=_replacement(setting, line))


def _insertion(script: ScriptFact, line: str) -> Fix | None:
    if not script.has_shebang:
        return None
    below = Region(2, 1, 2, 1)
    return Fix(f"add `{line}`", (Edit(script.path, below, f"{line}\n"),), safe=False)


def _replacement(setting: ShellCommand, line: str) -> Fix | None:
    if any(one is None or one.startswith("+") or "x" in one.partition("o")[0] for one in setting.arguments):
        return None
    return Fix(f"write `{line}`", (Edit(setting.location.path, setting.location.region, line),), safe=False)


def _caller_that_loses(repository: Repository, script: ScriptFact, wanted: list[str]) -> Location | None:
    """Find a command that starts the script as `bash script`, when the options stand on its first line only."""
    if set(wanted) <= set(script.options):
        return None
    for command in repository.facts(ShellCommand):
        if command.name in ("bash", "sh") and script.path in started_scripts(repository, command):
            given = "".join([one or "" for one in command.arguments if (one or "").startswith("-")])
            if "e" not in given:
                return command.location
    return None
