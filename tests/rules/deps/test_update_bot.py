"""Update bots: which configurations they read, and which they refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]
NODE = {"package.json": '{"dependencies": {"express": "5.1.0"}}'}
ENTRY = "- {package-ecosystem: npm, directory: /, schedule: {interval: weekly}}"


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("pass", {".github/dependabot.yaml": f"version: 2\nupdates:\n  {ENTRY}\n"}),
        ("pass", {".github/dependabot.yml": f'version: "2"\nupdates:\n  {ENTRY}\n'}),
        ("fail", {"dependabot.yml": f"version: 2\nupdates:\n  {ENTRY}\n"}),
        ("fail", {".github/dependabot.yml": "version: 2\nupdates: []\n"}),
        ("fail", {".github/dependabot.yml": "version: 2\nupdates:\n  - {package-ecosystem: npm, directory: /}\n"}),
        ("fail", {".github/dependabot.yml": "# nothing yet\n"}),
        ("fail", {".github/dependabot.yml": "version: [\n"}),
        ("fail", {".github/dependabot.yml": f"version: 2\nupdates:\n  {ENTRY}\n".replace("npm", "yarn")}),
        ("fail", {".github/dependabot.yml": f"version: 2\nupdates:\n  {ENTRY}\n".replace("weekly", "hourly")}),
        ("fail", {"renovate.json": '{"extends": ["config:recommended"]'}),
        ("fail", {"renovate.json": ""}),
        ("pass", {"renovate.json": '// ours\n{"extends": ["config:recommended",], /* all */ }\n// end\n'}),
        ("pass", {".github/renovate.json5": "{extends: ['config:recommended']} // ours\n"}),
        ("pass", {".renovaterc": '{"extends": ["config:recommended"]}'}),
        ("fail", {"renovate.json": '{"enabled": false}'}),
        ("fail", {"tools/renovate.json": '{"extends": ["config:recommended"]}'}),
        ("open", {".pyup.yml": "schedule: every week\n"}),
    ],
)
def test_configuration(judge: Judge, kind: str, files: dict[str, str]) -> None:
    kinds = {result.kind for result in judge("deps/update-bot", files | NODE)}
    assert kind in kinds
    assert kinds <= {kind, "open"}


def test_nothing_to_update(judge: Judge) -> None:
    (result,) = judge("deps/update-bot", {"pyproject.toml": "[tool.ruff]\n"})
    assert result.kind == "notApplicable"
