from __future__ import annotations

import pytest

from sp404audit.documents.github import workflow
from sp404audit.documents.source import Source
from sp404audit.rules.actions.publishing import trusted_publishing

SECRET = "${{ secrets.T }}"


def kinds(steps: str, permissions: str = "{}") -> list[str]:
    text = f"on: push\njobs:\n  a:\n    runs-on: x\n    permissions: {permissions}\n    steps: [{steps}]\n"
    document = workflow.parse(Source("w.yml", text.encode()))
    return [verdict.kind for verdict in trusted_publishing(document.jobs["a"])]


@pytest.mark.parametrize(
    ("uses", "inputs", "found"),
    [
        ("pypa/gh-action-pypi-publish", f"password: '{SECRET}'", ["fail"]),
        (
            "pypa/gh-action-pypi-publish",
            f"password: '{SECRET}', repository-url: https://test.{'pypi'}.org/legacy/",
            ["fail"],
        ),
        ("pypa/gh-action-pypi-publish", f"password: '{SECRET}', repository-url: https://example.org/", []),
        ("pypa/gh-action-pypi-publish", "verbose: true", ["pass"]),
        ("rubygems/release-gem", "setup-trusted-publisher: false", ["fail"]),
        ("rubygems/release-gem", "setup-trusted-publisher: true", ["pass"]),
        ("rubygems/configure-rubygems-credentials", f"api-token: '{SECRET}'", ["fail"]),
        ("rubygems/configure-rubygems-credentials", f"api-token: '{SECRET}', gem-server: https://example.org", []),
        ("octo/other", f"password: '{SECRET}'", []),
    ],
)
def test_actions(uses: str, inputs: str, found: list[str]) -> None:
    assert kinds(f"{{uses: {uses}@v1, with: {{{inputs}}}}}") == found


@pytest.mark.parametrize(
    "command",
    [
        "twine upload dist/*",
        "python -m twine upload dist/*",
        "pipx run twine==6.1.0 upload x",
        "bunx npm publish",
        "npm publish --access public",
        "cargo publish",
        "gem push x.gem",
        "uv publish",
        "uv run twine upload x",
    ],
)
def test_commands(command: str) -> None:
    assert kinds(f"{{run: '{command}'}}") == ["fail"]
    assert kinds(f"{{run: '{command}'}}", "{id-token: write}") == ["pass"]
    assert kinds(f"{{run: '{command}', env: {{NPM_TOKEN: '{SECRET}'}}}}", "{id-token: write}") == ["fail"]


@pytest.mark.parametrize(
    "command",
    [
        "npm publish --dry-run",
        "twine upload -r internal x",
        "npm publish --registry=https://example.org",
        "echo npm publish",
        "npm run publish",
        "git push",
        "docker push x",
        "npm",
    ],
)
def test_other_commands(command: str) -> None:
    assert kinds(f"{{run: '{command}'}}") == []


def test_other_registries() -> None:
    publish = "{run: npm publish}"
    assert (
        kinds(f"{{uses: actions/setup-node@v4, with: {{registry-url: https://npm.pkg.github.com}}}}, {publish}") == []
    )
    assert kinds("{run: npm publish, env: {NODE_AUTH_TOKEN: '${{ secrets.GITHUB_TOKEN }}'}}") == []
    assert kinds("{run: twine upload x, env: {TWINE_REPOSITORY_URL: https://example.org}}") == []
    given = "{run: cargo publish, env: {CARGO_REGISTRY_TOKEN: '${{ steps.auth.outputs.token }}'}}"
    assert kinds(given, "{id-token: write}") == ["pass"]
