"""What is told of a rule wherever it appears: the requirement, why it matters, what to do, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports.html.texts import inline, prose

if TYPE_CHECKING:
    from markupsafe import Markup

    from sp404audit.rules import Rule

__all__ = ["Explanation", "explain", "item_of", "weakness_link"]

_EXAMPLE_LINES = 30


class Explanation(NamedTuple):
    """A rule in words: `title` is the requirement, `example` a file that meets it, `weaknesses` are CWE numbers."""

    title: Markup
    why: Markup
    remedy: Markup
    example: str
    weaknesses: tuple[int, ...]
    frameworks: tuple[str, ...]
    equivalents: tuple[str, ...]


def explain(rule: Rule) -> Explanation:
    """Read a rule's documentation for the page."""
    documentation = rule.documentation
    return Explanation(
        inline(documentation.summary),
        prose(documentation.why),
        prose(documentation.fix),
        _example(rule),
        rule.cwe,
        rule.controls,
        rule.equivalents,
    )


def _example(rule: Rule) -> str:
    """The first example that passes, its files one after the other; a long one is cut off."""
    example = next((each for each in rule.documentation.examples if each.outcome == "pass"), None)
    if example is None:
        return ""
    parts = [(f"# {name}\n" if name else "") + content.rstrip() for name, content in example.files.items()]
    lines = "\n\n".join(parts).splitlines()
    return "\n".join([*lines[:_EXAMPLE_LINES], *(["…"] if len(lines) > _EXAMPLE_LINES else [])])


def item_of(control: str) -> tuple[str, str]:
    """Part a framework's item: `CIS Docker 4.1` is item `4.1` of `CIS Docker`."""
    framework, _, item = control.rpartition(" ")
    return (framework, item) if framework else (control, "")


def weakness_link(number: int) -> str:
    """Where a weakness is described (the CWE list)."""
    return f"https://cwe.mitre.org/data/definitions/{number}.html"
