"""Write what the documentation has from the code (`make docs`): rules, commands, schema, pictures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from docs.commands import commands_page
from docs.picture import metrics_picture, scan_picture
from sp404audit.policy.schema import config_schema
from sp404audit.reports.markdown import rule_page
from sp404audit.rules import DOMAINS, all_rules
from sp404audit.rules.registry import Rule

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "sp404audit" / "policy" / "schema" / "config-1.json"
RULES = ROOT / "docs" / "rules"
COMMANDS = ROOT / "docs" / "commands.md"
FRAMEWORKS = ROOT / "docs" / "frameworks.md"
IMAGES = ROOT / "docs" / "images"

_INDEX = """\
# Rules

{count} rules in {domains} domains. Each is documented with its reasons, a remedy and examples, which run as tests; the
same text is printed by `sp404audit explain RULE`. `sp404audit rules` lists the rules on a terminal, with what is in
force where you stand.

A result of a rule is a pass, a failure, *open* (the repository cannot prove it) or not applicable. The
[policy guide](../policy.md) shows how to switch a rule off, change its severity, and set its parameters.
"""


def generated() -> dict[Path, str]:
    """Every file that is made from the rules alone, with its text."""
    rules = all_rules()
    files = {SCHEMA: json.dumps(config_schema(rules), indent=2) + "\n"}
    by_domain = {domain: [rule for rule in rules if rule.domain == domain] for domain in sorted(DOMAINS)}
    by_domain = {domain: found for domain, found in by_domain.items() if found}
    head = _INDEX.format(count=len(rules), domains=len(by_domain))
    files[RULES / "index.md"] = head + "".join(_table(domain, found) for domain, found in by_domain.items())
    for domain, found in by_domain.items():
        files[RULES / f"{domain}.md"] = "\n\n".join([f"# {domain}", *map(_section, found)]) + "\n"
    files[COMMANDS] = commands_page()
    files[FRAMEWORKS] = _with_controls(FRAMEWORKS.read_text("utf-8"), rules)
    return files


def pictures() -> dict[Path, str]:
    """Every picture, drawn by rich: another version of it may draw the same otherwise."""
    return {IMAGES / "scan.svg": scan_picture(), IMAGES / "metrics.svg": metrics_picture()}


def anchor(rule_id: str) -> str:
    """The anchor of a rule on its page, as GitHub and the site both make it from the heading."""
    return rule_id.replace("/", "")


def _table(domain: str, rules: list[Rule]) -> str:
    rows = [
        f"| [{rule.id}]({domain}.md#{anchor(rule.id)}) | {rule.severity.label} | {rule.summary} |" for rule in rules
    ]
    return "\n".join(["", f"## {domain}", "", "| rule | severity | requirement |", "|---|---|---|", *rows, ""])


def _with_controls(page: str, rules: Iterable[Rule]) -> str:
    """A page with the table of controls between its two marks."""
    before, begin, rest = page.partition("<!-- controls: written by `make docs` -->\n")
    _, end, after = rest.partition("<!-- end of controls -->")
    if not (begin and end):
        raise SystemExit(f"{FRAMEWORKS} lacks a mark for the table of controls")
    named = ((control, each) for each in rules for control in each.controls)
    pairs = sorted(named, key=lambda pair: (pair[0], pair[1].id))
    rows = [f"| {control} | [{each.id}](rules/{each.domain}.md#{anchor(each.id)}) |" for control, each in pairs]
    return "\n".join([before + begin, "| control | rule |", "|---|---|", *rows, "", end]) + after


def _section(rule: Rule) -> str:
    """A rule's page as a section: its title is one level lower."""
    return f"#{rule_page(rule).strip()}"


def main() -> None:
    """Write the files."""
    for path, text in {**generated(), **pictures()}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    main()
