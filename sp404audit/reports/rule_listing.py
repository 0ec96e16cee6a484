"""Rules at a terminal: the list by domain, and the page of one, with what is in force where one stands."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sp404audit.reports import summary
from sp404audit.reports.escape import visible
from sp404audit.reports.markdown import rule_body
from sp404audit.reports.page import SEVERITY_STYLES, Page

if TYPE_CHECKING:
    from sp404audit.policy.model import Policy
    from sp404audit.rules import Rule

__all__ = ["in_force", "listed", "page"]

_HEADING, _QUIET, _OFF = "bold", "dim", "off"


def in_force(rule: Rule, policy: Policy) -> str:
    """What a policy says of a rule: its severity, and parameters that are not the rule's own; or `off`."""
    setting = policy.setting(rule)
    if setting is None:
        return _OFF
    defaults = {parameter.name: parameter.default for parameter in rule.parameters}
    changed = {name: value for name, value in setting.parameters.items() if value != defaults.get(name)}
    severity = (setting.severity or rule.severity).label
    return visible(", ".join([severity, *(f"{name}={_value(value)}" for name, value in changed.items())]))


def _value(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def listed(rules: Sequence[Rule], policy: Policy | None, width: int) -> str:
    """List rules by domain, with the severity in force.

    Args:
        rules: in the order of their ids.
        policy: in force; None when it is not known.
        width: of the terminal.

    Returns:
        The list with ANSI colours.
    """
    paper = Page(width)
    column = max((len(rule.id) for rule in rules), default=0)
    domain = ""
    for rule in rules:
        if rule.domain != domain:
            domain = rule.domain
            paper.gap()
            paper.line((domain, "bold underline"))
        _row(paper, rule, policy, column)
    paper.gap()
    more = "sp404audit explain RULE tells more of one"
    if policy is None:
        paper.line((f"{summary.number(len(rules), 'rule')}; {more}", _QUIET))
    else:
        asked = sum(policy.setting(rule) is not None for rule in rules)
        name = visible(policy.name)
        paper.line((f"{len(rules)} rules, {asked} in force here (policy {name}); {more}", _QUIET))
    return paper.coloured()


def _row(paper: Page, rule: Rule, policy: Policy | None, column: int) -> None:
    setting = policy.setting(rule) if policy else None
    off = policy is not None and setting is None
    severity = (setting.severity if setting else None) or rule.severity
    label = (f"{_OFF if off else severity.label:<8}", _QUIET if off else SEVERITY_STYLES[severity])
    indent = 2 + 8 + 1 + column + 2
    room = max(paper.width - indent, 30)
    first, *others = textwrap.wrap(visible(rule.summary), room, break_long_words=False, break_on_hyphens=False) or [""]
    style = _QUIET if off else ""
    paper.line("  ", label, " ", (f"{rule.id:<{column}}", style or _HEADING), "  ", (first, style))
    for text in others:
        paper.line(" " * indent, (text, style))


def page(rule: Rule, policy: Policy | None, width: int) -> str:
    """The page of a rule, laid out for a terminal, with ANSI colours."""
    import io

    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    head = Page(width)
    facts = [f"precision {rule.precision}", "security" if rule.security else "quality"]
    facts += [f"CWE-{number}" for number in rule.cwe]
    head.line((rule.id, "bold underline"))
    severity = (rule.severity.label, SEVERITY_STYLES[rule.severity])
    head.line("severity ", severity, *(f" · {fact}" for fact in facts))
    if policy is not None:
        said = in_force(rule, policy)
        head.line("here: ", (said, _QUIET if said == _OFF else _HEADING), f" (policy {visible(policy.name)})")
    if rule.controls:
        head.line((f"evidence for {', '.join(rule.controls)}", _QUIET))
    target = io.StringIO()
    theme = Theme({"markdown.code": "cyan"})
    console = Console(file=target, force_terminal=True, legacy_windows=False, width=head.width, theme=theme)
    console.print(Markdown("\n\n".join(rule_body(rule)), code_theme="ansi_dark"))
    return f"{head.coloured()}\n{_with_single_gaps(target.getvalue())}"


def _with_single_gaps(text: str) -> str:
    """One empty line where rich leaves several around code."""
    kept: list[str] = []
    for line in map(str.rstrip, text.splitlines()):
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept) + "\n"
