"""What actions of others do in a pipeline: a table, no logic.

Compiled on 2026-11-25 from what `action.yml` files say of inputs and defaults; not looked up one by one.
Names are in lower case, as
GitHub compares them.
"""

from __future__ import annotations

from sp404audit.records import NamedTuple

__all__ = ["ACTIONS", "ActionTool"]


class ActionTool(NamedTuple):
    """What an action does. `needs` is an input with the values that make it do so, `""` for the input's absence.

    `fails` is as in `Scanner`; `switch` names an input and the values with which a finding fails the step.
    """

    action: str
    role: str
    covers: tuple[str, ...] = ()
    needs: tuple[str, tuple[str, ...]] | None = None
    fails: bool = True
    switch: tuple[str, tuple[str, ...]] | None = None


_DEPENDENCIES = "dependency-scan"
_OSV_WORKFLOWS = "google/osv-scanner-action/.github/workflows"

ACTIONS: tuple[ActionTool, ...] = (
    ActionTool("actions/dependency-review-action", _DEPENDENCIES, ("*",), switch=("warn-only", ("", "false"))),
    ActionTool("pypa/gh-action-pip-audit", _DEPENDENCIES, ("pip",)),
    ActionTool("pyupio/safety-action", _DEPENDENCIES, ("pip",)),
    ActionTool(
        "aquasecurity/trivy-action",
        _DEPENDENCIES,
        ("*",),
        ("scan-type", ("fs", "repo", "rootfs", "sbom")),
        False,
        ("exit-code", ("1",)),
    ),
    ActionTool(
        "aquasecurity/trivy-action", "image-scan", ("*",), ("scan-type", ("", "image")), False, ("exit-code", ("1",))
    ),
    ActionTool(
        "aquasecurity/trivy-action", "iac-scan", ("*",), ("scan-type", ("config",)), False, ("exit-code", ("1",))
    ),
    ActionTool("anchore/scan-action", _DEPENDENCIES, ("*",), ("path", ("*",)), switch=("fail-build", ("", "true"))),
    ActionTool("anchore/scan-action", "image-scan", ("*",), ("image", ("*",)), switch=("fail-build", ("", "true"))),
    ActionTool("google/osv-scanner-action", _DEPENDENCIES, ("*",)),
    ActionTool("google/osv-scanner-action/osv-scanner-action", _DEPENDENCIES, ("*",)),
    ActionTool(
        f"{_OSV_WORKFLOWS}/osv-scanner-reusable.yml", _DEPENDENCIES, ("*",), switch=("fail-on-vuln", ("", "true"))
    ),
    ActionTool(
        f"{_OSV_WORKFLOWS}/osv-scanner-reusable-pr.yml", _DEPENDENCIES, ("*",), switch=("fail-on-vuln", ("", "true"))
    ),
    ActionTool("snyk/actions", _DEPENDENCIES, ("*",), ("command", ("", "test"))),
    ActionTool("golang/govulncheck-action", _DEPENDENCIES, ("gomod",)),
    ActionTool("rustsec/audit-check", _DEPENDENCIES, ("cargo",)),
    ActionTool("actions-rs/audit-check", _DEPENDENCIES, ("cargo",)),
    ActionTool("actions-rust-lang/audit", _DEPENDENCIES, ("cargo",)),
    ActionTool("embarkstudios/cargo-deny-action", _DEPENDENCIES, ("cargo",)),
    ActionTool("symfonycorp/security-checker-action", _DEPENDENCIES, ("composer",)),
    ActionTool(
        "dependency-check/dependency-check_action",
        _DEPENDENCIES,
        ("*",),
        fails=False,
        switch=("args", ("*--failOnCVSS",)),
    ),
    ActionTool("gitleaks/gitleaks-action", "secret-scan", ("*",)),
    ActionTool("trufflesecurity/trufflehog", "secret-scan", ("*",)),
    ActionTool("gitguardian/ggshield-action", "secret-scan", ("*",)),
    ActionTool("gitguardian/ggshield/actions/secret", "secret-scan", ("*",)),
    ActionTool("github/codeql-action/analyze", "sast", ("*",)),
    ActionTool("returntocorp/semgrep-action", "sast", ("*",)),
    ActionTool("semgrep/semgrep-action", "sast", ("*",)),
    ActionTool("securego/gosec", "sast", ("gomod",)),
    ActionTool("sonarsource/sonarqube-scan-action", "sast", ("*",)),
    ActionTool("sonarsource/sonarcloud-github-action", "sast", ("*",)),
    ActionTool("pycqa/bandit-action", "sast", ("pip",)),
    ActionTool("bearer/bearer-action", "sast", ("*",)),
    ActionTool("bridgecrewio/checkov-action", "iac-scan", ("*",), switch=("soft_fail", ("", "false"))),
    ActionTool("aquasecurity/tfsec-action", "iac-scan", ("*",), switch=("soft_fail", ("", "false"))),
    ActionTool("checkmarx/kics-github-action", "iac-scan", ("*",)),
    ActionTool("zizmorcore/zizmor-action", "workflow-scan", ("*",)),
    ActionTool("woodruffw/zizmor-action", "workflow-scan", ("*",)),
    ActionTool("docker/scout-action", "image-scan", ("*",), fails=False, switch=("exit-code", ("true",))),
    ActionTool("golangci/golangci-lint-action", "lint"),
    ActionTool("astral-sh/ruff-action", "lint"),
    ActionTool("chartboost/ruff-action", "lint"),
    ActionTool("psf/black", "format"),
    ActionTool("pre-commit/action", "lint"),
    ActionTool("j178/prek-action", "lint"),
    ActionTool("super-linter/super-linter", "lint"),
    ActionTool("super-linter/super-linter/slim", "lint"),
    ActionTool("github/super-linter", "lint"),
    ActionTool("oxsecurity/megalinter", "lint"),
    ActionTool("hadolint/hadolint-action", "lint"),
    ActionTool("ludeeus/action-shellcheck", "lint"),
    ActionTool("biomejs/setup-biome", "setup"),
    ActionTool("pypa/gh-action-pypi-publish", "publish"),
    ActionTool("js-devtools/npm-publish", "publish"),
    ActionTool("changesets/action", "publish", (), ("publish", ("*",))),
    ActionTool("cycjimmy/semantic-release-action", "publish"),
    ActionTool("python-semantic-release/python-semantic-release", "publish"),
    ActionTool("goreleaser/goreleaser-action", "publish", (), ("args", ("*release",))),
    ActionTool("katyo/publish-crates", "publish"),
    ActionTool("rubygems/release-gem", "publish"),
    ActionTool("helm/chart-releaser-action", "publish"),
    ActionTool("softprops/action-gh-release", "publish", (), ("files", ("*",))),
    ActionTool("ncipollo/release-action", "publish", (), ("artifacts", ("*",))),
    ActionTool("docker/build-push-action", "image-push", (), ("push", ("true", "expression"))),
    ActionTool("docker/bake-action", "image-push", (), ("push", ("true", "expression"))),
    ActionTool("redhat-actions/push-to-registry", "image-push"),
    ActionTool("mr-smithers-excellent/docker-build-push", "image-push"),
    ActionTool("google-github-actions/deploy-cloudrun", "deploy"),
    ActionTool("google-github-actions/deploy-appengine", "deploy"),
    ActionTool("google-github-actions/deploy-cloud-functions", "deploy"),
    ActionTool("aws-actions/amazon-ecs-deploy-task-definition", "deploy", (), ("service", ("*",))),
    ActionTool("aws-actions/aws-cloudformation-github-deploy", "deploy"),
    ActionTool("aws-actions/aws-lambda-deploy", "deploy"),
    ActionTool("azure/webapps-deploy", "deploy"),
    ActionTool("azure/functions-action", "deploy"),
    ActionTool("azure/k8s-deploy", "deploy"),
    ActionTool("azure/container-apps-deploy-action", "deploy"),
    ActionTool("azure/static-web-apps-deploy", "deploy", (), ("action", ("", "upload"))),
    ActionTool("superfly/flyctl-actions", "deploy", (), ("args", ("*deploy",))),
    ActionTool("amondnet/vercel-action", "deploy", (), ("vercel-args", ("*--prod",))),
    ActionTool("cloudflare/wrangler-action", "deploy", (), ("command", ("", "*deploy", "*publish"))),
    ActionTool("nwtgck/actions-netlify", "deploy", (), ("production-deploy", ("true",))),
    ActionTool("firebaseextended/action-hosting-deploy", "deploy", (), ("channelid", ("live",))),
    ActionTool("appleboy/ssh-action", "deploy", (), ("script", ("*up", "*restart", "*reload", "*deploy"))),
    ActionTool("akhileshns/heroku-deploy", "deploy"),
    ActionTool("digitalocean/app_action/deploy", "deploy"),
    ActionTool("pulumi/actions", "deploy", (), ("command", ("up", "update"))),
    ActionTool("bitovi/github-actions-deploy-docker-to-ec2", "deploy"),
    ActionTool("cloudposse/github-action-deploy-helmfile", "deploy"),
)
