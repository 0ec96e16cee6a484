"""A rule's documentation as text and as Markdown: SARIF's help, and the base of the rule reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sp404audit.rules import Rule
    from sp404audit.rules.documentation import Example

__all__ = ["rule_help"]

_OUTCOMES = {"pass": "Passes", "fail": "Fails", "open": "Not proven"}


def rule_help(rule: Rule) -> tuple[str, str]:
    """A rule's page as plain text and as Markdown: the requirement, why, what to do, parameters, examples."""
    documentation = rule.documentation
    text = [rule.summary, documentation.why, f"Fix: {documentation.fix}" if documentation.fix else ""]
    markdown = [rule.summary, documentation.why, f"**Fix:** {documentation.fix}" if documentation.fix else ""]
    if rule.parameters:
        named = [f"{parameter.name} ({_value(parameter.default)})" for parameter in rule.parameters]
        text.append("Parameters and their defaults: " + ", ".join(named))
        rows = [f"| `{parameter.name}` | `{_value(parameter.default)}` |" for parameter in rule.parameters]
        markdown.append("\n".join(["| Parameter | Default |", "|---|---|", *rows]))
    markdown.extend(_example(example) for example in documentation.examples)
    if rule.equivalents:
        text.append("Also checked by: " + ", ".join(rule.equivalents))
        markdown.append("Also checked by: " + ", ".join(f"`{name}`" for name in rule.equivalents))
    return "\n\n".join(filter(None, text)), "\n\n".join(filter(None, markdown))


def _value(default: object) -> str:
    if isinstance(default, list | tuple):
        return ", ".join(str(item) for item in default) or "none"
    return str(default).lower() if isinstance(default, bool) else str(default)


def _example(example: Example) -> str:
    heading = f"**{_OUTCOMES[example.outcome]}**"
    remark = example.remark or ", ".join(f"{name}: {value}" for name, value in example.parameters.items())
    if remark:
        heading += f" ({remark})"
    blocks = [heading + ":"]
    for name, content in example.files.items():
        fence = "```"
        while fence in content:
            fence += "`"
        blocks.append((f"`{name}`\n\n" if name else "") + f"{fence}\n{content.rstrip()}\n{fence}")
    return "\n\n".join(blocks)
