"""Which programs scan for security problems: a table, no logic.

Compiled on 2026-11-25 from what the tools document; rows were not looked up one by one.
Patterns are written as in `tools`.
"""

from __future__ import annotations

from sp404audit.records import NamedTuple

__all__ = ["SCANNERS", "Scanner"]


class Scanner(NamedTuple):
    """A security scanner's command.

    `covers` lists ecosystems (`*`: all that it finds). `fails` tells whether a finding ends it with an error unless
    one of `off` is given; where it is False, one of `on` makes it; None: its configuration file decides.
    """

    pattern: str
    role: str
    covers: tuple[str, ...]
    fails: bool | None = True
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()


_DEPENDENCIES = "dependency-scan"
_MAVEN_FAILS = ("-DfailBuildOnCVSS", "-DfailBuildOnAnyVulnerability=true")

SCANNERS: tuple[Scanner, ...] = (
    Scanner("pip-audit", _DEPENDENCIES, ("pip",), off=("--dry-run",)),
    Scanner("safety check", _DEPENDENCIES, ("pip",), off=("--continue-on-error", "--exit-zero")),
    Scanner("safety scan", _DEPENDENCIES, ("pip",), off=("--continue-on-error", "--exit-zero")),
    Scanner("uv audit", _DEPENDENCIES, ("pip",)),
    Scanner("npm audit signatures", "provenance", ("npm",)),
    Scanner("npm audit fix", "update", ("npm",)),
    Scanner("npm audit", _DEPENDENCIES, ("npm",), off=("--audit-level=none",)),
    Scanner("pnpm audit", _DEPENDENCIES, ("npm",), off=("--ignore-registry-errors", "--fix")),
    Scanner("yarn audit", _DEPENDENCIES, ("npm",)),
    Scanner("yarn npm audit", _DEPENDENCIES, ("npm",)),
    Scanner("bun audit", _DEPENDENCIES, ("npm",)),
    Scanner("audit-ci", _DEPENDENCIES, ("npm",)),
    Scanner("better-npm-audit", _DEPENDENCIES, ("npm",)),
    Scanner("auditjs", _DEPENDENCIES, ("npm",)),
    Scanner("retire", _DEPENDENCIES, ("npm",), off=("--exitwith=0",)),
    Scanner("cargo audit", _DEPENDENCIES, ("cargo",)),
    Scanner("cargo deny", _DEPENDENCIES, ("cargo",)),
    Scanner("cargo-audit", _DEPENDENCIES, ("cargo",)),
    Scanner("cargo-deny", _DEPENDENCIES, ("cargo",)),
    Scanner("govulncheck", _DEPENDENCIES, ("gomod",), off=("-json", "-format=json", "-format=sarif")),
    Scanner("nancy", _DEPENDENCIES, ("gomod",)),
    Scanner("bundle audit", _DEPENDENCIES, ("bundler",)),
    Scanner("bundle-audit", _DEPENDENCIES, ("bundler",)),
    Scanner("bundler-audit", _DEPENDENCIES, ("bundler",)),
    Scanner("ruby-audit", _DEPENDENCIES, ("bundler",)),
    Scanner("rake bundle:audit", _DEPENDENCIES, ("bundler",)),
    Scanner("composer audit", _DEPENDENCIES, ("composer",)),
    Scanner("local-php-security-checker", _DEPENDENCIES, ("composer",)),
    Scanner("symfony security:check", _DEPENDENCIES, ("composer",)),
    Scanner("symfony check:security", _DEPENDENCIES, ("composer",)),
    Scanner("mix deps.audit", _DEPENDENCIES, ("mix",)),
    Scanner("mix hex.audit", _DEPENDENCIES, ("mix",)),
    Scanner("dotnet list package", _DEPENDENCIES, ("nuget",), fails=False),
    Scanner("mvn dependency-check:check", _DEPENDENCIES, ("maven",), fails=None, on=_MAVEN_FAILS),
    Scanner("mvn dependency-check:aggregate", _DEPENDENCIES, ("maven",), fails=None, on=_MAVEN_FAILS),
    Scanner("mvn ossindex:audit", _DEPENDENCIES, ("maven",)),
    Scanner("gradle dependencyCheckAnalyze", _DEPENDENCIES, ("gradle", "maven"), fails=None),
    Scanner("gradle dependencyCheckAggregate", _DEPENDENCIES, ("gradle", "maven"), fails=None),
    Scanner("gradle ossIndexAudit", _DEPENDENCIES, ("gradle", "maven")),
    Scanner("dependency-check", _DEPENDENCIES, ("*",), fails=False, on=("--failOnCVSS",)),
    Scanner("dependency-check.sh", _DEPENDENCIES, ("*",), fails=False, on=("--failOnCVSS",)),
    Scanner("osv-scanner", _DEPENDENCIES, ("*",)),
    Scanner("trivy fs", _DEPENDENCIES, ("*",), fails=False, on=("--exit-code",), off=("--exit-code=0",)),
    Scanner("trivy filesystem", _DEPENDENCIES, ("*",), fails=False, on=("--exit-code",), off=("--exit-code=0",)),
    Scanner("trivy repo", _DEPENDENCIES, ("*",), fails=False, on=("--exit-code",), off=("--exit-code=0",)),
    Scanner("trivy repository", _DEPENDENCIES, ("*",), fails=False, on=("--exit-code",), off=("--exit-code=0",)),
    Scanner("trivy rootfs", _DEPENDENCIES, ("*",), fails=False, on=("--exit-code",), off=("--exit-code=0",)),
    Scanner("trivy sbom", _DEPENDENCIES, ("*",), fails=False, on=("--exit-code",), off=("--exit-code=0",)),
    Scanner("snyk test", _DEPENDENCIES, ("*",)),
    Scanner("snyk monitor", "report", ("*",), fails=False),
    Scanner("depscan", _DEPENDENCIES, ("*",), fails=False),
    Scanner("fossa test", _DEPENDENCIES, ("*",)),
    Scanner("trivy image", "image-scan", ("*",), fails=False, on=("--exit-code",), off=("--exit-code=0",)),
    Scanner("docker scout cves", "image-scan", ("*",), fails=False, on=("--exit-code", "-e")),
    Scanner("docker scout", "image-scan", ("*",), fails=False),
    Scanner("snyk container test", "image-scan", ("*",)),
    Scanner("dockle", "image-scan", ("*",), fails=False, on=("--exit-code",)),
    Scanner("grype", "image-scan", ("*",), fails=False, on=("--fail-on", "-f")),
    Scanner("gitleaks", "secret-scan", ("*",), off=("--exit-code=0",)),
    Scanner("betterleaks", "secret-scan", ("*",)),
    Scanner("trufflehog", "secret-scan", ("*",), fails=False, on=("--fail",)),
    Scanner("detect-secrets-hook", "secret-scan", ("*",)),
    Scanner("ggshield secret scan", "secret-scan", ("*",), off=("--exit-zero",)),
    Scanner("bandit", "sast", ("pip",), off=("--exit-zero",)),
    Scanner("semgrep ci", "sast", ("*",)),
    Scanner("semgrep", "sast", ("*",), fails=False, on=("--error",)),
    Scanner("opengrep", "sast", ("*",), fails=False, on=("--error",)),
    Scanner("gosec", "sast", ("gomod",), off=("-no-fail",)),
    Scanner("brakeman", "sast", ("bundler",), off=("--no-exit-on-warn",)),
    Scanner("njsscan", "sast", ("npm",)),
    Scanner("bearer scan", "sast", ("*",), off=("--exit-code=0",)),
    Scanner("snyk code test", "sast", ("*",)),
    Scanner("sonar-scanner", "sast", ("*",), fails=False, on=("-Dsonar.qualitygate.wait=true",)),
    Scanner("mvn sonar:sonar", "sast", ("maven",), fails=False, on=("-Dsonar.qualitygate.wait=true",)),
    Scanner("gradle sonar", "sast", ("gradle",), fails=False, on=("-Dsonar.qualitygate.wait=true",)),
    Scanner("sobelow", "sast", ("mix",), fails=False, on=("--exit",)),
    Scanner("mix sobelow", "sast", ("mix",), fails=False, on=("--exit",)),
    Scanner("flawfinder", "sast", ("*",), fails=False, on=("--error-level",)),
    Scanner("checkov", "iac-scan", ("*",), off=("--soft-fail", "-s")),
    Scanner("tfsec", "iac-scan", ("*",), off=("--soft-fail", "-s")),
    Scanner("trivy config", "iac-scan", ("*",), fails=False, on=("--exit-code",), off=("--exit-code=0",)),
    Scanner("trivy conf", "iac-scan", ("*",), fails=False, on=("--exit-code",), off=("--exit-code=0",)),
    Scanner("kics scan", "iac-scan", ("*",), off=("--ignore-on-exit=all", "--ignore-on-exit=results")),
    Scanner("terrascan scan", "iac-scan", ("*",)),
    Scanner("kube-linter lint", "iac-scan", ("*",)),
    Scanner("kubesec scan", "iac-scan", ("*",)),
    Scanner("conftest test", "iac-scan", ("*",)),
    Scanner("snyk iac test", "iac-scan", ("*",)),
    Scanner("zizmor", "workflow-scan", ("*",), off=("--no-exit-codes",)),
    Scanner("poutine", "workflow-scan", ("*",), fails=False),
)
