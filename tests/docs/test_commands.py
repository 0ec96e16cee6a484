"""Every command in the documentation exists, with those options, values and rules; what is shown is what is printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner

from docs.pages import ROOT, Block, blocks, spans, written
from sp404audit.cli import main
from sp404audit.policy.loading import packs
from sp404audit.reports import FORMATS
from sp404audit.reports.dora import FOLDER_FORMATS
from sp404audit.reports.dora import FORMATS as DORA_FORMATS
from sp404audit.rules import DOMAINS, all_rules, find

OTHERS = {"cat", "cd", "eval", "exec", "git", "jq", "pip", "pre-commit", "source"}
FOREIGN = {"--offline", "--storage.tsdb.retention.time"}
"""Options of other tools that the text speaks of."""

PLACEHOLDERS = {"FILE", "SHELL", "IN.json", "PATH", "REF", "RULE", "METRIC"}
SHELLS = ("console", "bash", "sh", "zsh", "fish")
_OURS = re.compile(r"""sp404audit(?:==[0-9.]+)?["']? ((?:init|scan|report|dora|rules|explain|config|doctor)\b.*)""")


class Shown(NamedTuple):
    """A command of a `console` block, and what the block shows of its output."""

    block: Block
    command: str
    output: str


def shown(block: Block) -> Iterator[Shown]:
    """The commands of a block."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Shown(block, command, output)


def simple_commands(line: str) -> Iterator[list[str]]:
    """The simple commands of a line of shell, without redirections and comments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    redirected = False
    for token in lexer:
        if token in ("|", "&&", "||", ";", "(", ")"):
            if words:
                yield words
            words = []
        elif token in ("<", ">", ">>"):
            redirected = True
        elif redirected:
            redirected = False
        else:
            words.append(token)
    if words:
        yield words


def lines() -> Iterator[tuple[str, str]]:
    """Every line of shell in the documentation, with its place."""
    for page in written():
        for block in blocks(page, *SHELLS):
            if block.language == "console":
                yield from ((str(block), each.command) for each in shown(block))
            else:
                yield from ((str(block), line) for line in block.text.splitlines())
        for block in blocks(page, "yaml"):
            yield from ((str(block), f"sp404audit {match[1]}") for match in _OURS.finditer(block.text))
        for number, span in spans(page):
            if span.startswith(("sp404audit ", "$ sp404audit ")):
                yield f"{page.relative_to(ROOT)}:{number}", span.removeprefix("$ ")


LINES = list(lines())


def subcommand(group: click.Command, name: str) -> click.Command:
    """A command of a group, which may be imported only now."""
    assert isinstance(group, click.Group)
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command


def check(arguments: list[str]) -> None:
    """Hold a call of ours against the commands, without running it."""
    command: click.Command = main
    context = click.Context(main, info_name="sp404audit")
    while isinstance(command, click.Group):
        if not arguments or arguments[0] in ("--version", "--help"):
            return
        is_named = arguments[0] in command.list_commands(context)
        assert is_named or command.name == "dora", f"there is no command {arguments[0]}"
        name, arguments = (arguments[0], arguments[1:]) if is_named else ("report", arguments)
        command = subcommand(command, name)
        context = click.Context(command, info_name=name, parent=context)
    if "--help" in arguments:
        return
    values, _, _ = command.make_parser(context).parse_args(list(arguments))
    for parameter in command.params:
        for value in _texts(values.get(parameter.name or "")):
            check_value(parameter, value, context)


def _texts(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) and value not in PLACEHOLDERS else []


def check_value(parameter: click.Parameter, value: str, context: click.Context) -> None:
    """Hold a value against what the option takes."""
    is_dora = context.parent is not None and context.parent.info_name == "dora"
    if isinstance(parameter.type, click.Choice):
        parameter.type.convert(value, parameter, context)
    elif "--format" in parameter.opts and value != "FORMAT":
        known = {*DORA_FORMATS, *FOLDER_FORMATS} if is_dora else set(FORMATS)
        assert value.partition(":")[0] in known, f"{value} is no format"
    elif parameter.name in ("select", "ignore"):
        check_rules(value.split(","))
    elif parameter.name == "name" and context.info_name == "explain":
        assert find(value), f"{value} is no rule"
    elif parameter.name == "policy":
        assert value in packs() or value.endswith(".yaml"), f"{value} is no policy"


def check_rules(names: list[str]) -> None:
    """Each is a rule or a domain."""
    known = {rule.id for rule in all_rules()} | set(DOMAINS)
    assert set(names) <= known, f"no rules: {set(names) - known}"


@pytest.mark.parametrize(("place", "line"), [pytest.param(*each, id=f"{each[0]} {each[1][:60]}") for each in LINES])
def test_command_exists(place: str, line: str) -> None:
    for words in simple_commands(line):
        if words[0] == "sp404audit":
            check(words[1:])
        elif words[0] == "make":
            makefile = (ROOT / "Makefile").read_text("utf-8")
            assert all(re.search(rf"^{word}:", makefile, re.MULTILINE) for word in words[1:]), place
        elif words[0] == ".venv/bin/python":
            check_module(words[1:])
        else:
            assert words[0].removeprefix("$") in OTHERS or "sp404audit" in words, place


def check_module(arguments: list[str]) -> None:
    """`python -m` names a module of ours, or pytest with folders that are there."""
    assert arguments[0] == "-m"
    if arguments[1] == "pytest":
        assert all((ROOT / path).exists() for path in arguments[2:])
    else:
        path = ROOT / arguments[1].replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_commands_are_found() -> None:
    assert len(LINES) > 100
    assert len({place.partition(":")[0] for place, _ in LINES}) > 12


@pytest.mark.parametrize("line", ["scan --nonsense", "scan -f nonsense", "nonsense", "scan --select nonsense"])
def test_what_does_not_exist_is_found(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        check(line.split())


OPTIONS = [
    pytest.param(span, id=f"{page.relative_to(ROOT)}:{number} {span}")
    for page in written()
    for number, span in spans(page)
    if re.match(r"--[a-z]", span) and span not in FOREIGN
]


def every_option(command: click.Command = main) -> set[str]:
    """The options of all commands."""
    found = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    if isinstance(command, click.Group):
        names = command.list_commands(click.Context(command))
        found.update(*(every_option(subcommand(command, name)) for name in names))
    return found | {"--help", "-h"}


@pytest.mark.parametrize("span", OPTIONS)
def test_option_exists(span: str) -> None:
    assert re.split(r"[ =]", span)[0] in every_option()


OUTPUTS = [each for page in written() for block in blocks(page, "console") for each in shown(block) if each.output]


@pytest.mark.parametrize("example", OUTPUTS, ids=lambda example: str(example.block))
def test_output_is_what_is_printed(example: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line `…` stands for any lines."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    printed = CliRunner().invoke(main, shlex.split(example.command, comments=True)[1:]).output
    at = 0
    for number, part in enumerate(re.split(r"^…\n", example.output, flags=re.MULTILINE)):
        found = printed.find(part, at)
        assert found >= 0, f"not printed: {part}"
        assert number or found == 0, "the output begins with something else"
        at = found + len(part)
    assert example.output.endswith("…\n") or at == len(printed)


def test_an_output_is_shown() -> None:
    assert OUTPUTS


def guides() -> str:
    """All that people write: the page of all commands would hide what no guide tells."""
    return "\n".join(page.read_text("utf-8") for page in written() if page.name != "commands.md")


@pytest.mark.parametrize("name", ["scan", "report", "init", "doctor"])
def test_every_option_is_told(name: str) -> None:
    text = guides()
    command = subcommand(main, name)
    missing = [
        parameter.opts
        for parameter in command.params
        if isinstance(parameter, click.Option) and not any(each in text for each in parameter.opts)
    ]
    assert not missing


def test_every_option_of_dora_is_told() -> None:
    text = guides()
    options = {
        name
        for parameter in subcommand(subcommand(main, "dora"), "report").params
        for name in parameter.opts
        if name[:2] == "--"
    }
    assert not {name for name in options if name not in text}
