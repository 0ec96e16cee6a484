"""Audits of dependencies: which ecosystems, on which events, and whether they can fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]
RULE = "deps/audit-required"
PATH = ".github/workflows/audit.yml"
BOTH = "{pull_request: {}, schedule: [{cron: '0 5 * * *'}]}"
NODE = {"package.json": '{"dependencies": {"express": "5.1.0"}}'}
PYTHON = {"requirements.txt": "flask==3.0.3\n"}


def _workflow(*steps: str, on: str = BOTH, job: str = "") -> dict[str, str]:
    listed = "".join(f"      - {step}\n" for step in steps)
    return {PATH: f"on: {on}\njobs:\n  audit:\n    runs-on: ubuntu-24.04\n{job}    steps:\n{listed}"}


def _trivy(**inputs: str) -> str:
    return (
        "uses: aquasecurity/trivy-action@v0.35.0\n        with: {"
        + ", ".join(f"{name.replace('_', '-')}: {value}" for name, value in inputs.items())
        + "}"
    )


CASES: dict[str, tuple[list[str], dict[str, str]]] = {
    "trivy-action-that-fails": (["pass"], _workflow(_trivy(scan_type="fs", exit_code='"1"')) | NODE),
    "trivy-action-that-reports": (["fail"], _workflow(_trivy(scan_type="fs")) | NODE),
    "trivy-of-an-image-is-another-thing": (["fail"], _workflow(_trivy(image_ref="x", exit_code="1")) | NODE),
    "trivy-without-vulnerabilities": (
        ["fail"],
        _workflow("run: trivy fs --exit-code 1 --scanners secret .") | NODE,
    ),
    "through-make": (
        ["pass"],
        _workflow("run: make audit") | PYTHON | {"Makefile": "audit:\n\tpip-audit -r requirements.txt\n"},
    ),
    "make-lets-it-fail": (
        ["fail"],
        _workflow("run: make audit") | PYTHON | {"Makefile": "audit:\n\t-pip-audit -r requirements.txt\n"},
    ),
    "on-changes-only": (["fail"], _workflow("run: npm audit", on="pull_request") | NODE),
    "by-the-clock-only": (["fail"], _workflow("run: npm audit", on="{schedule: [{cron: '0 5 * * *'}]}") | NODE),
    "condition-keeps-it-from-changes": (
        ["fail"],
        _workflow("run: npm audit", job="    if: github.event_name == 'schedule'\n") | NODE,
    ),
    "review-of-changes-and-a-scan-by-the-clock": (
        ["pass"],
        _workflow("uses: actions/dependency-review-action@v4", on="pull_request")
        | {".github/workflows/nightly.yml": _workflow("run: osv-scanner -r .", on=BOTH)[PATH]}
        | NODE,
    ),
    "set-plus-e": (["fail"], _workflow("run: |\n          set +e\n          npm audit\n          echo done") | NODE),
    "two-ecosystems": (
        ["fail", "pass"],
        _workflow("run: npm audit") | NODE | {"api/go.mod": "module x\n\nrequire a/b v1.0.0\n"},
    ),
    "fixtures-do-not-count": (
        ["pass"],
        _workflow("run: npm audit") | NODE | {"tests/fixtures/Gemfile": 'gem "rails"\n'},
    ),
    "no-packages-of-others": (["notApplicable"], _workflow("run: make") | {"Cargo.toml": '[package]\nname = "x"\n'}),
    "cargo-deny-of-licenses": (
        ["fail"],
        _workflow("run: cargo deny check licenses") | {"Cargo.toml": '[dependencies]\nserde = "1"\n'},
    ),
    "configuration-decides": (
        ["open"],
        _workflow("run: mvn -B org.owasp:dependency-check-maven:check")
        | {"pom.xml": "<project><dependency></dependency></project>"},
    ),
    "command-line-decides": (
        ["pass"],
        _workflow("run: mvn -B org.owasp:dependency-check-maven:check -DfailBuildOnCVSS=7")
        | {"pom.xml": "<project><dependency></dependency></project>"},
    ),
    "fixing-is-no-audit": (["fail"], _workflow("run: npm audit fix") | NODE),
    "without-workflows": (["open"], NODE),
}


@pytest.mark.parametrize(("kinds", "files"), CASES.values(), ids=CASES)
def test_audit(judge: Judge, kinds: list[str], files: dict[str, str]) -> None:
    results = judge(RULE, files)
    assert sorted(result.kind for result in results) == kinds, [result.message for result in results]
