"""The environments of tox as tasks: what `tox -e name` runs (https://tox.wiki/en/latest/config.html)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sp404audit.documents.ini import IniValue
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.projects.facts import task_facts
from sp404audit.documents.source import Source
from sp404audit.lazy import regex
from sp404audit.results import WHOLE_FILE, Region

__all__ = ["expand_names", "tox_facts", "tox_toml_facts"]

_MOST = 200
"""Environments that a list of factors may expand to; more are left out."""
_LONGEST_LIST = 20_000
_MOST_LINES = 100
"""Command lines of one environment that are read."""
_BRACES = regex(r"\{([^{}]*)\}")
_FACTOR = regex(r"^!?[A-Za-z0-9_.{},!-]+:\s+")
_REFERENCE = regex(r"\{\[([^\]{}]+)\]([A-Za-z0-9_]+)\}")
_POSITIONAL = regex(r"\{posargs(?::([^{}]*))?\}|\[\]")
_SUBSTITUTION = regex(r"\{[A-Za-z_][^{}\n]*\}")


def expand_names(text: str) -> list[str]:
    """Expand a list of environments: `py{311,312}-{a,b}, lint` names five."""
    names: list[str] = []
    for part in _parts(text[:_LONGEST_LIST]):
        pending = [part]
        while pending and len(names) < _MOST:
            name = pending.pop(0)
            found = _BRACES.search(name)
            if found:
                choices = found.group(1).split(",")[:_MOST]
                pending[:0] = [name[: found.start()] + choice.strip() + name[found.end() :] for choice in choices]
            elif name:
                names.append(name)
    return names


def _parts(text: str) -> list[str]:
    """Split a list at commas and line ends that stand outside braces."""
    parts, depth, begin = [], 0, 0
    for at, character in enumerate(text):
        if character in "{}":
            depth += 1 if character == "{" else -1
        elif character in ",\n" and depth <= 0:
            parts.append(text[begin:at].strip())
            begin = at + 1
    return [*parts, text[begin:].strip()]


def tox_facts(
    document: Document, sections: dict[str, dict[str, IniValue]], region: Region | None = None
) -> Iterator[Fact]:
    """Yield a task for each environment of an INI configuration.

    Args:
        document: the file that holds it.
        sections: its sections.
        region: the place of everything, where the configuration is a text inside another file.
    """
    tox = sections.get("tox") or sections.get("tox:tox") or {}
    listed = tox.get("env_list") or tox.get("envlist")
    default = expand_names(listed.text) if listed else []
    own = [name[len("testenv:") :] for name in sections if name.startswith("testenv:")]
    if "testenv" not in sections and not own:
        return
    for name in dict.fromkeys([*default, *own]):
        section = sections.get(f"testenv:{name}", {})
        commands = section.get("commands") or sections.get("testenv", {}).get("commands")
        lines = list(_command_lines(document.source, sections, commands, name, region)) if commands else []
        place = region or (commands.region if commands else WHOLE_FILE)
        yield from task_facts(document, "tox", name, place, lines, default=name in default)
    base = sections.get("testenv", {}).get("commands")
    if base is not None and not default:  # tox without a list runs `py`
        lines = list(_command_lines(document.source, sections, base, "py", region))
        yield from task_facts(document, "tox", "py", region or base.region, lines, default=True)


def _command_lines(
    source: Source, sections: dict[str, dict[str, IniValue]], commands: IniValue, name: str, region: Region | None
) -> Iterator[tuple[str, Region]]:
    """The command lines for one environment: factors decided, references followed once, continuation lines joined."""
    pending = ""
    factors = set(name.split("-"))
    for number, line in commands.lines[:_MOST_LINES]:
        reference = _REFERENCE.fullmatch(line)
        if reference:
            other = sections.get(reference[1], {}).get(reference[2])
            for inner_number, inner in other.lines[:_MOST_LINES] if other else ():
                yield _as_shell(inner), region or source.line_region(inner_number)
            continue
        conditional = _FACTOR.match(line)
        if conditional and not pending:
            if not _applies(conditional.group().strip().rstrip(":"), factors):
                continue
            line = line[conditional.end() :]
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        yield _as_shell(pending + line), region or source.line_region(number)
        pending = ""


def _applies(expression: str, factors: set[str]) -> bool:
    """Whether `a-b,!c` holds: alternatives by comma, factors by hyphen, negation by an exclamation mark."""
    for alternative in expand_names(expression):
        wanted = alternative.split("-")
        if all((part[1:] not in factors) if part.startswith("!") else part in factors for part in wanted):
            return True
    return False


def _as_shell(line: str) -> str:
    """A command as shell text: `-` in front lets it fail, tox's own substitutions become words."""
    line = line.strip()
    swallowed = line.startswith(("- ", "-"))
    line = line.lstrip("-! ") if swallowed or line.startswith("!") else line
    line = _POSITIONAL.sub(lambda match: match.group(1) or "", line)
    line = _SUBSTITUTION.sub("_", line)
    return f"{line} || true" if swallowed and line else line


def tox_toml_facts(document: Document, tox: dict[str, Any], region: Callable[..., Region]) -> Iterator[Fact]:
    """Yield a task for each environment of a native TOML configuration.

    Args:
        document: the file that holds it.
        tox: the table that configures tox.
        region: the place of a key below that table.
    """
    listed = tox.get("env_list")
    default = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    base = tox.get("env_run_base")
    environments = tox.get("env")
    environments = environments if isinstance(environments, dict) else {}
    for name in dict.fromkeys([*default, *environments]):
        own = environments.get(name)
        place = region("env", name, "commands")
        commands = own.get("commands") if isinstance(own, dict) else None
        if commands is None and isinstance(base, dict):
            commands, place = base.get("commands"), region("env_run_base", "commands")
        lines = [(line, place) for line in _toml_commands(commands)]
        yield from task_facts(document, "tox", name, place, lines, default=name in default)


def _toml_commands(commands: object) -> Iterator[str]:
    import shlex

    for command in commands if isinstance(commands, list) else []:
        words = [word for word in command if isinstance(word, str)] if isinstance(command, list) else []
        if words and words[0] == "-":
            yield shlex.join(words[1:]) + " || true"
        elif words:
            yield shlex.join(words)
