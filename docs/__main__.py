"""Write the rule reference and the configuration's schema from the rules: `make docs`."""

from __future__ import annotations

import json
from pathlib import Path

from sp404audit.policy.schema import config_schema
from sp404audit.reports.markdown import rule_page
from sp404audit.rules import DOMAINS, all_rules

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "sp404audit" / "policy" / "schema" / "config-1.json"
RULES = ROOT / "docs" / "rules"


def generated() -> dict[Path, str]:
    """Every file that is made, with its text."""
    rules = all_rules()
    files = {SCHEMA: json.dumps(config_schema(rules), indent=2) + "\n"}
    rows = [f"| [{rule.id}]({rule.domain}.md) | {rule.severity.label} | {rule.summary} |" for rule in rules]
    index = ["# Rules", "", "| rule | severity | requirement |", "|---|---|---|", *rows]
    files[RULES / "index.md"] = "\n".join(index) + "\n"
    for domain in DOMAINS:
        pages = [rule_page(rule).strip() for rule in rules if rule.domain == domain]
        if pages:
            files[RULES / f"{domain}.md"] = "\n\n".join(pages) + "\n"
    return files


def main() -> None:
    """Write the files."""
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    main()
