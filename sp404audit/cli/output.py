"""What every command that writes reports shares: `FORMAT[:FILE]`, colours, and where the text goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import click

from sp404audit.cli import streams
from sp404audit.records import NamedTuple
from sp404audit.reports import Options
from sp404audit.reports.escape import shortened, visible, without_commands

__all__ = [
    "Target",
    "complain",
    "encodable",
    "print_line",
    "print_report",
    "targets",
    "wants_color",
    "width",
    "write_file",
    "write_folder",
    "write_reports",
]


_COMPLAINT_LIMIT = 2000


class Target(NamedTuple):
    """A report that is asked for: its format, and the file it goes to (None for the screen)."""

    format: str
    file: str | None


# Reports that are lines of a log, or prose. Of all others, two in a row are nothing that a program could read.
_SHARE_THE_SCREEN = frozenset(("text", "github", "markdown", "markdown-comment"))


def targets(texts: Sequence[str], formats: Collection[str], folders: Collection[str] = ()) -> list[Target]:
    """Read every `--format FORMAT[:FILE]`; without one, the text report goes to the screen.

    Args:
        texts: the values of the option.
        formats: the formats that there are.
        folders: more formats, each of several files, which may share a folder but not go to the screen.

    Raises:
        click.BadParameter: for a format that is not known, for two that the screen or a file cannot hold together.
    """
    asked = [_target(text, [*formats, *folders]) for text in texts or ("text",)]
    for each in asked:
        if each.format in folders and each.file is None:
            raise _bad_format(f"{each.format} are files: write {each.format}:FOLDER")
    screen = [each.format for each in asked if each.file is None]
    alone = next((name for name in reversed(screen) if name not in _SHARE_THE_SCREEN), None)
    if alone is not None and len(screen) > 1:
        together = " and ".join(dict.fromkeys(screen))
        raise _bad_format(f"{together} cannot share the screen; send one to a file: {alone}:FILE")
    files: set[str] = set()
    for file in [each.file for each in asked if each.file is not None and each.format not in folders]:
        place = os.path.abspath(file)  # noqa: PTH100 (a link stays one)
        if place in files and not place.startswith("/dev/"):
            raise _bad_format(f"two reports would go to {file}; give each a file of its own")
        files.add(place)
    return asked


def _target(text: str, formats: Collection[str]) -> Target:
    name, colon, file = text.partition(":")
    if name not in formats:
        raise _bad_format(f"{name!r} is no format; there are {', '.join(formats)}")
    if colon and not file:
        raise _bad_format(f"{text} names no file; write {text}FILE, or {name} for the screen")
    return Target(name, file or None)


def _bad_format(message: str) -> click.BadParameter:
    return click.BadParameter(message, param_hint="--format")


def wants_color() -> bool:
    """Follow NO_COLOR and FORCE_COLOR (https://no-color.org, https://force-color.org), else ask the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def width(otherwise: int = 100) -> int:
    """How many columns the terminal has; `otherwise` where there is none.

    `shutil.get_terminal_size` says the same, and brings every compression of the standard library along.
    """
    told = os.environ.get("COLUMNS", "")
    if told.isascii() and told.isdigit() and 0 < len(told) <= 4 and int(told):
        return int(told)
    try:
        columns = os.get_terminal_size(sys.__stdout__.fileno()).columns if sys.__stdout__ else 0
    except (OSError, ValueError, AttributeError):
        columns = 0
    return columns or otherwise


# What our reports write beyond ASCII, in letters that every stream has; a line of eight heights becomes one of digits.
_PLAIN = str.maketrans("─·×↑↓▁▂▃▄▅▆▇█", "-.x^v12345678") | {ord("…"): "...", ord("→"): "->"}


def encodable(text: str, encoding: str) -> str:
    """Write what a stream cannot hold in other letters: a redirected stream on Windows is not UTF-8."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_PLAIN)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text


def complain(message: object) -> None:
    """Say on standard error what is wrong. Words of the repository may be in it: it is one line, and harmless."""
    click.echo(f"sp404audit: {shortened(visible(' '.join(str(message).split())), _COMPLAINT_LIMIT)}", err=True)


def print_line(text: str) -> None:
    """Print a line in which words of the repository may be."""
    click.echo(encodable(visible(text), sys.stdout.encoding or "utf-8"))


def print_report(text: str, *, color: bool = False) -> None:
    """Write a report to standard output. Whoever stops reading it early (`| head`) does not change the verdict."""
    try:
        click.echo(encodable(text.rstrip("\n"), sys.stdout.encoding or "utf-8"), color=color)
    except BrokenPipeError:
        streams.give_up(sys.stdout)


def write_file(path: str, text: str, *, append: bool = False) -> bool:
    """Write a report to a file; tells on standard error when that fails, and returns whether it was written."""
    try:
        with Path(path).open("a" if append else "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        complain(f"cannot write {path}: {error.strerror or error}")
        return False
    return True


def write_reports(targets: Sequence[Target], options: Options, render: Callable[[str, Options], str]) -> bool:
    """Write every report that is asked for; one that cannot be written keeps no other from being written.

    Args:
        targets: formats and files.
        options: for reports on the screen; a file has no colours.
        render: makes the text of a format.

    Returns:
        Whether all were written.
    """
    written = True
    for each in targets:
        text = render(each.format, options._replace(color=options.color and each.file is None))
        if each.file is None:
            # Other formats may be read from the screen by a program; this one is for people, and the runner reads it.
            in_log = each.format == "text" and os.environ.get("GITHUB_ACTIONS") == "true"
            print_report(without_commands(text) if in_log else text, color=options.color)
        else:
            written = write_file(each.file, text) and written
    return written


def write_folder(path: str, texts: Mapping[str, str]) -> bool:
    """Write files into a folder, which is made when it is not there; returns whether all were written."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        complain(f"cannot make {path}: {error.strerror or error}")
        return False
    written = [write_file(str(Path(path, name)), text) for name, text in texts.items()]
    return all(written)
