"""The page of all commands, written from their declarations."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from sp404audit.cli import main

_HEAD = """\
# Commands

Every command with its arguments and options; `--help` behind a command prints the same. The guides show how they are
used: [on your machine](command.md), [policy](policy.md), [delivery metrics](metrics/index.md).
"""


def commands_page() -> str:
    """The page."""
    sections = ["\n".join(_section(name, command)) for name, command in _all("sp404audit", main)]
    return "\n".join([_HEAD, *sections])


def _all(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name; groups that do nothing by themselves come before their commands."""
    if command is not main:
        yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from _all(f"{name} {child}", found)


def _section(name: str, command: click.Command) -> Iterator[str]:
    arguments = " ".join(each.metavar or (each.name or "").upper() for each in command.params if _is_argument(each))
    yield f"## {name}\n"
    if not isinstance(command, click.Group):
        yield f"```text\n{' '.join(filter(None, (name, '[OPTIONS]', arguments)))}\n```\n"
    yield from _prose(inspect.cleandoc(command.help or ""))
    options = [each for each in command.params if isinstance(each, click.Option)]
    if options:
        yield "\n".join(["| option | meaning |", "|---|---|", *map(_row, options)]) + "\n"


def _prose(text: str) -> Iterator[str]:
    """The paragraphs of a help text; one that click keeps as it is becomes a block."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b"):
            yield "```text\n" + paragraph.removeprefix("\b").strip("\n") + "\n```\n"
        else:
            yield _plain(paragraph) + "\n"


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in sorted((*option.opts, *option.secondary_opts), key=len))
    meaning = [_plain(option.help)] if option.help else []
    if isinstance(option.type, click.Choice):
        meaning.append("One of " + ", ".join(f"`{choice}`" for choice in option.type.choices) + ".")
    elif option.metavar and not option.is_flag:
        names += " " + " or ".join(f"`{name}`" for name in option.metavar.split("|"))
    if option.required:
        meaning.append("Required.")
    if option.show_default is True:
        meaning.append(f"Default: `{option.default}`.")
    return f"| {names} | {' '.join(meaning)} |"


def _plain(text: str) -> str:
    """A text as one paragraph of Markdown, also within a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _is_argument(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument)
