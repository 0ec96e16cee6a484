"""What brings the previous version back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]

SET = "kubectl set image deployment/a a=r.example.com/a:$1\n"
WAIT = "kubectl rollout status deployment/a --timeout=60s"


def kinds(results: list[Result]) -> list[str]:
    return sorted({result.kind for result in results})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (SET + WAIT, ["fail"]),
        (SET + WAIT + " || kubectl rollout undo deployment/a", ["pass"]),
        (SET + f"if ! {WAIT}; then kubectl rollout undo deployment/a; exit 1; fi", ["pass"]),
        ("undo() { kubectl rollout undo deployment/a; }\ntrap undo ERR\n" + SET + WAIT, ["pass"]),
        (WAIT, []),
        ("kind create cluster\n" + SET + WAIT, []),
        ("kubectl set image deployment/a a=b --dry-run=client", []),
        ("argocd app sync a\n" + WAIT, ["open"]),
        ("helm upgrade --install a ./chart --set image.tag=$1 --wait", ["fail"]),
        ("helm upgrade --install a ./chart --set image.tag=$1 --atomic", ["pass"]),
        ("helm diff upgrade a ./chart --set image.tag=$1", []),
        ("helm secrets upgrade --install a ./chart --set image.tag=$1", ["fail"]),
        ("helm upgrade --install ingress ingress-nginx/ingress-nginx", []),
    ],
)
def test_scripts(judge: Judge, text: str, kind: list[str]) -> None:
    assert kinds(judge("deploy/rollback-on-failure", {"deploy.sh": f"#!/bin/bash\n{text}\n"})) == kind


def test_a_step_that_runs_on_failure_undoes_what_a_script_did(judge: Judge) -> None:
    workflow = (
        "on: push\njobs: {d: {runs-on: x, steps: [{uses: actions/checkout@v4}, {run: bash deploy.sh v1},"
        " {if: failure(), run: kubectl rollout undo deployment/a}]}}\n"
    )
    files = {"deploy.sh": f"#!/bin/bash\n{SET}{WAIT}\n", ".github/workflows/d.yml": workflow}
    assert kinds(judge("deploy/rollback-on-failure", files)) == ["pass"]


def test_a_circuit_breaker_of_ecs(judge: Judge) -> None:
    service = (
        'resource "aws_ecs_service" "a" {\n  name = "a"\n  deployment_circuit_breaker {\n    enable   = true\n'
        "    rollback = true\n  }\n}\n"
    )
    script = "#!/bin/bash\naws ecs update-service --cluster c --service a --force-new-deployment\n"
    assert kinds(judge("deploy/rollback-on-failure", {"main.tf": service, "d.sh": script})) == ["pass"]
