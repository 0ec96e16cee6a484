"""A rule's documentation as text and as Markdown: SARIF's help, `explain`, and the rule reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sp404audit.rules import Rule
    from sp404audit.rules.documentation import Example

__all__ = ["rule_body", "rule_help", "rule_page"]

_OUTCOMES = {"pass": "Passes", "fail": "Fails", "open": "Not proven"}


def rule_help(rule: Rule) -> tuple[str, str]:
    """A rule's help as plain text and as Markdown: the requirement, why, what to do; in Markdown, examples too."""
    documentation = rule.documentation
    text = [rule.summary, documentation.why, f"Fix: {documentation.fix}" if documentation.fix else ""]
    if rule.parameters:
        named = [f"{parameter.name} ({_value(parameter.default)})" for parameter in rule.parameters]
        text.append("Parameters and their defaults: " + ", ".join(named))
    if rule.equivalents:
        text.append("Also checked by: " + ", ".join(rule.equivalents))
    return "\n\n".join(filter(None, text)), "\n\n".join(rule_body(rule))


def rule_page(rule: Rule) -> str:
    """A rule's page in Markdown: `explain` prints it, and the rule reference is made of such pages."""
    facts = [f"severity {rule.severity.label}", f"precision {rule.precision}"]
    facts.append("security" if rule.security else "quality")
    references = [f"[CWE-{number}](https://cwe.mitre.org/data/definitions/{number}.html)" for number in rule.cwe]
    head = [f"# {rule.id}", " · ".join([*facts, *references])]
    return "\n\n".join([*head, *rule_body(rule), _ways_out(rule)])


def rule_body(rule: Rule) -> list[str]:
    """What a rule's documentation says, as blocks of Markdown: requirement, reasons, remedy, parameters, examples."""
    documentation = rule.documentation
    parts = [rule.summary, documentation.why, f"**Fix:** {documentation.fix}" if documentation.fix else ""]
    if rule.parameters:
        rows = [f"| `{parameter.name}` | `{_value(parameter.default)}` |" for parameter in rule.parameters]
        parts.append("\n".join(["| Parameter | Default |", "|---|---|", *rows]))
    parts.extend(_example(example) for example in documentation.examples)
    if rule.equivalents:
        parts.append("Also checked by: " + ", ".join(f"`{name}`" for name in rule.equivalents))
    return list(filter(None, parts))


def _ways_out(rule: Rule) -> str:
    """How to accept a failure in one place, or to switch the rule off."""
    return (
        f"To accept it in one place: `# sp404audit: ignore[{rule.id}] -- reason`; "
        f"to switch it off: `rules: {{{rule.id}: off}}` in `.sp404audit.yaml`."
    )


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
