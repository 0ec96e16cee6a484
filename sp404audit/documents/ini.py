"""INI files as Python tools write them (setup.cfg, tox.ini, .coveragerc, pytest.ini), with the place of every value.

The grammar is that of the standard library's `configparser` with its defaults: a value goes on in the following lines
that are indented deeper, `#` and `;` begin a comment line, both `=` and `:` separate. Nothing is interpolated, and a
line that fits no rule is passed over: a broken line must not hide the rest.
"""

from __future__ import annotations

from sp404audit.documents.source import Source
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Region

__all__ = ["IniValue", "parse"]

_SECTION = regex(r"\[([^\]\n]+)\]")
_OPTION = regex(r"([^\s=:#;\[][^=:\n]*)[=:]")


class IniValue(NamedTuple):
    """One option: its text without comments, a line of the file a line, and where those lines are.

    `lines` holds (number of the line in the file, text of that line) of every line that is not blank.
    """

    text: str
    region: Region
    lines: tuple[tuple[int, str], ...]


class _Open:
    """The option that is being read: more lines may follow."""

    __slots__ = ("indent", "lines", "name", "section", "start")

    def __init__(self, section: str, name: str, indent: int, start: int) -> None:
        self.section = section
        self.name = name
        self.indent = indent
        self.start = start
        self.lines: list[tuple[int, str]] = []


def parse(source: Source) -> dict[str, dict[str, IniValue]]:
    """Read a file into its sections and their options.

    Args:
        source: the file.

    Returns:
        By section, as it is written (`tool:pytest`), the options by lower-cased name. Where a section or an option
        is given twice, the later one wins.
    """
    sections: dict[str, dict[str, IniValue]] = {}
    section = ""
    option: _Open | None = None
    for number in range(1, source.line_count + 1):
        line = source.line(number)
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        indent = len(line) - len(line.lstrip())
        if option is not None and indent > option.indent:
            option.lines.append((number, _without_comment(text)))
            continue
        if option is not None:
            _close(option, sections, source)
            option = None
        header = _SECTION.match(text)
        if header:
            section = header.group(1).strip()
            sections.setdefault(section, {})
            continue
        found = _OPTION.match(text)
        if found:
            option = _Open(section, found.group(1).strip().lower(), indent, number)
            rest = _without_comment(text[found.end() :].strip())
            if rest:
                option.lines.append((number, rest))
    if option is not None:
        _close(option, sections, source)
    return sections


def _close(option: _Open, sections: dict[str, dict[str, IniValue]], source: Source) -> None:
    first = source.line_region(option.start)
    last = source.line_region(option.lines[-1][0]) if option.lines else first
    region = Region(first.start_line, first.start_column, last.end_line, last.end_column)
    text = "\n".join(text for _, text in option.lines)
    sections.setdefault(option.section, {})[option.name] = IniValue(text, region, tuple(option.lines))


def _without_comment(text: str) -> str:
    """Drop a comment behind a value, which tox and coverage.py read when a blank stands before it."""
    at = text.find(" #")
    return text if at < 0 else text[:at].rstrip()
