"""Comments in the source that accept a failure: ours, and those of the tools whose checks we hold as equivalents.

Ours: `# sp404audit: ignore[rule, rule] until=2026-12-31 -- reason`. It counts for the line that it stands on, and when
it stands on a line of its own for the line below and the block that this line opens (the lines indented deeper).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from sp404audit.documents.source import Source
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Region

__all__ = ["Comment", "comments_in"]

_TOOLS = ("sp404audit:", "zizmor:", "hadolint ", "checkov:", "trivy:", "tfsec:", "gitleaks:")
_FORMS = regex(
    r"""(?:\#|//|--|<!--|;)\s*(?:
        sp404audit:\s*ignore\[(?P<sp404audit>[^\]]*)\](?P<rest>[^\r\n]*)
      | zizmor:\s*ignore\[(?P<zizmor>[^\]]*)\](?P<zizmor_reason>[^\r\n]*)
      | hadolint\s+(?P<global>global\s+)?ignore=(?P<hadolint>[A-Z0-9,\ \t]+)
      | checkov:skip=(?P<checkov>[A-Z0-9_]+)(?::(?P<checkov_reason>[^\r\n]*))?
      | trivy:ignore:(?P<trivy>[A-Za-z0-9_.-]+)
      | tfsec:ignore:(?P<tfsec>[A-Za-z0-9_.-]+)
      | (?P<gitleaks>gitleaks:allow)
    )""",
    re.VERBOSE,
)
_QUOTES = regex(r"""\\.|["']""")
_UNTIL = regex(r"\buntil=(\S+)")
_INNER_TOOLS = ("checkov",)
_COMMENTS_PER_FILE = 1_000
_PYTHON = (".py", ".pyi")
_PROSE = (".md", ".markdown", ".mdx", ".html", ".htm", ".xml")  # where `#` begins a heading, or an example
_WITHOUT_COMMENTS = (".json", ".ndjson", ".sarif", ".csv")  # our own reports among them, which quote examples
_LONGEST_LINE = 10_000
_LINES_LOOKED_AT = 200_000
"""How many lines are looked at for the blocks of all comments of a file; the next comment counts for its line alone."""


class _Lines:
    """The lines of a file, as long as the budget lasts."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.count = source.line_count
        self.left = _LINES_LOOKED_AT

    def text(self, number: int) -> str:
        self.left -= 1
        return self.source.line(number)


class Comment(NamedTuple):
    """One comment that accepts failures.

    Attributes:
        tool: whose comment it is; `sp404audit` for ours.
        names: rule ids, or the tool's own check ids.
        region: the comment.
        first_line, last_line: the lines for which it counts.
        reason, until: as written; empty when missing.
    """

    tool: str
    names: tuple[str, ...]
    region: Region
    first_line: int
    last_line: int
    reason: str
    until: str


def comments_in(source: Source) -> list[Comment]:
    """Find the comments of a file, in order."""
    if source.path.lower().endswith(_WITHOUT_COMMENTS) or not any(tool in source.text for tool in _TOOLS):
        return []
    lines = _Lines(source)
    found: Iterator[re.Match[str]] = _FORMS.finditer(source.text)
    if source.path.lower().endswith(_PROSE):
        found = (match for match in found if match[0].startswith("<!--"))
    elif source.path.lower().endswith(_PYTHON):
        found = (match for match in found if not _is_in_string(source, match.start()))
    return [_read(source, lines, match) for match in islice(found, _COMMENTS_PER_FILE)]


def _is_in_string(source: Source, offset: int) -> bool:
    """Whether a place in Python lies in a string that its line opens: tests are full of code in strings."""
    start = source.text.rfind("\n", 0, offset) + 1
    if offset - start > _LONGEST_LINE:
        return True  # what cannot be told accepts nothing
    quote = ""
    for match in _QUOTES.finditer(source.text, start, offset):
        if not quote:
            quote = match[0] if match[0][0] != "\\" else ""
        elif match[0] == quote:
            quote = ""
    return bool(quote)


def _read(source: Source, lines: _Lines, match: re.Match[str]) -> Comment:
    region = source.region(match.start(), match.end())
    tool = next(
        name for name in ("sp404audit", "zizmor", "hadolint", "checkov", "trivy", "tfsec", "gitleaks") if match[name]
    )
    names = tuple(name.strip() for name in match[tool].split(",") if name.strip())
    rest = match["rest"] or ""
    until = _UNTIL.search(rest)
    reason = rest.partition("--")[2] or match["zizmor_reason"] or match["checkov_reason"] or ""
    first, last = _reach(lines, match, region.start_line, tool)
    return Comment(tool, names, region, first, last, reason.strip(" \t-#"), until[1] if until else "")


def _reach(lines: _Lines, match: re.Match[str], line: int, tool: str) -> tuple[int, int]:
    """The lines for which a comment counts."""
    source = lines.source
    if match["global"]:
        return 1, lines.count
    alone = not source.line(line)[: match.start() - source.offset(line)].strip()
    if tool in _INNER_TOOLS:
        return _enclosing(lines, line)
    if not alone:
        return line, _block_end(lines, line) if tool == "sp404audit" else line
    below = line + 1
    while below <= lines.count and lines.left > 0 and _is_comment(lines.text(below)):
        below += 1
    return line, _block_end(lines, below)


def _is_comment(text: str) -> bool:
    stripped = text.strip()
    return not stripped or stripped.startswith(("#", "//"))


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _block_end(lines: _Lines, line: int) -> int:
    """The last line of the block that a line opens: what is indented deeper, or continued with a backslash."""
    opening = lines.text(line)
    indent, last = _indent(opening), line
    continued = opening.rstrip().endswith("\\")
    for number in range(line + 1, lines.count + 1):
        if lines.left <= 0:
            return line
        text = lines.text(number)
        if text.strip() and _indent(text) <= indent and not continued:
            if text.strip()[0] in "})]" and _indent(text) == indent:
                last = number
            break
        if text.strip():
            last = number
            continued = text.rstrip().endswith("\\")
    return last


def _enclosing(lines: _Lines, line: int) -> tuple[int, int]:
    """The block in which a line stands: from the nearest line above that is indented less."""
    indent = _indent(lines.text(line))
    for number in range(line - 1, 0, -1):
        if lines.left <= 0:
            return line, line
        text = lines.text(number)
        if text.strip() and _indent(text) < indent:
            return number, _block_end(lines, number)
    return 1, lines.count
