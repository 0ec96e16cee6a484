"""docker/healthcheck: what is a service, and who may check it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.documents.containers.images import ImageReference
from sp404audit.documents.containers.known_images import KnownImage, known_image
from sp404audit.results import Result
from sp404audit.rules.docker import elsewhere

Judge = Callable[[str, dict[str, str]], list[Result]]

RULE = "docker/healthcheck"


def kinds(judge: Judge, files: dict[str, str] | str) -> list[str]:
    found = judge(RULE, {"Dockerfile": files} if isinstance(files, str) else files)
    return sorted(result.kind for result in found)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        ('CMD ["python", "app.py"]', "fail"),
        ('CMD ["gunicorn", "app:app"]', "fail"),
        ("CMD exec uvicorn app:app --port 80", "fail"),
        ('ENTRYPOINT ["tini", "--"]\nCMD ["node", "server.js"]', "fail"),
        ('ENTRYPOINT ["/docker-entrypoint.sh"]\nCMD ["npm", "run", "start:prod"]', "fail"),
        ('CMD ["sh", "-c", "exec java -jar /app.jar"]', "fail"),
        ('CMD ["bundle", "exec", "puma"]', "fail"),
        ('CMD ["python", "-m", "http.server"]', "fail"),
        ('CMD ["python", "manage.py", "runserver"]', "fail"),
        ('CMD ["python", "manage.py", "migrate"]', "notApplicable"),
        ('CMD ["npm", "test"]', "notApplicable"),
        ('CMD ["alembic", "upgrade", "head"]', "notApplicable"),
        ('CMD ["bash"]', "notApplicable"),
        ('CMD ["node"]', "notApplicable"),
        ('CMD ["terraform", "version"]', "notApplicable"),
        ('ENTRYPOINT ["tool"]\nCMD ["--help"]', "notApplicable"),
        ('ENTRYPOINT ["/usr/bin/tool"]', "open"),
        ('CMD ["python", "train.py"]', "open"),
        ("EXPOSE 80\nCMD train", "fail"),
        ("", "notApplicable"),
    ],
)
def test_what_is_started(judge: Judge, start: str, kind: str) -> None:
    assert kinds(judge, f"FROM debian:13\n{start}\n") == [kind]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("FROM nginx:1.28\nCOPY site /usr/share/nginx/html\n", "fail"),
        ("FROM registry.example.com/base:1\n", "open"),
        ("FROM registry.example.com/base:1\nEXPOSE 80\n", "open"),
        ("FROM vaultwarden/server:1.34\n", "pass"),
        ("FROM vaultwarden/server:1.34\nHEALTHCHECK NONE\n", "fail"),
        ("FROM debian:13 AS a\nHEALTHCHECK CMD x\nFROM a\nEXPOSE 80\n", "pass"),
        ("FROM debian:13 AS a\nHEALTHCHECK CMD x\nFROM debian:13\nEXPOSE 80\n", "fail"),
        ("FROM debian:13 AS a\nEXPOSE 80\nFROM debian:13\n", "notApplicable"),
    ],
)
def test_what_it_is_based_on(judge: Judge, text: str, kind: str) -> None:
    assert kinds(judge, text) == [kind]


def test_a_kubernetes_probe_checks_the_image_of_that_name(judge: Judge) -> None:
    manifest = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: ghcr.io/acme/api:1.2
          livenessProbe: {httpGet: {path: /health, port: 80}}
"""
    files = {
        "Dockerfile": "FROM debian:13\nEXPOSE 80\nCMD serve\n",
        "build.sh": "#!/bin/sh\ndocker build -t ghcr.io/acme/api:$TAG .\n",
        "k8s/api.yaml": manifest,
    }
    assert kinds(judge, files) == ["pass"]
    files["build.sh"] = "#!/bin/sh\ndocker build -t ghcr.io/acme/other .\n"
    assert kinds(judge, files) == ["fail"]


@pytest.mark.parametrize(("healthcheck", "kind"), [("{test: [CMD, x]}", "pass"), ("{disable: true}", "fail")])
def test_compose_may_check(judge: Judge, healthcheck: str, kind: str) -> None:
    files = {
        "Dockerfile": "FROM debian:13\nEXPOSE 80\nCMD serve\n",
        "compose.yaml": f"services:\n  api:\n    build: .\n    healthcheck: {healthcheck}\n",
    }
    assert kinds(judge, files) == [kind]


WEB = {"Dockerfile": "FROM node:24\nEXPOSE 3000\nCMD serve\n"}


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"fly.toml": 'app = "web"\n'}, "open"),
        ({"chart/Chart.yaml": "apiVersion: v2\nname: web\n"}, "open"),
        ({"deploy/task-definition.json": "{}\n"}, "open"),
        ({"fly.toml": "", "compose.yaml": "services:\n  web: {build: .}\n"}, "fail"),
        ({"action.yml": "name: a\nruns: {using: docker, image: Dockerfile}\n"}, "notApplicable"),
        ({"compose.yaml": "services:\n  web: {build: ., healthcheck: {disable: true}}\n"}, "fail"),
        (
            {
                "common.yml": "services:\n  base:\n    healthcheck: {test: curl -f http://localhost}\n",
                "compose.yaml": "services:\n  web: {extends: {file: common.yml, service: base}, build: .}\n",
            },
            "pass",
        ),
    ],
)
def test_what_runs_it_decides(judge: Judge, files: dict[str, str], kind: str) -> None:
    assert kinds(judge, WEB | files) == [kind]


def test_one_service_of_several_may_switch_the_check_off(judge: Judge) -> None:
    compose = "services:\n  web: {build: .}\n  worker: {build: ., healthcheck: {disable: true}}\n"
    files = {"Dockerfile": "FROM node:24\nEXPOSE 3000\nHEALTHCHECK CMD x\n", "compose.yaml": compose}
    assert kinds(judge, files) == ["pass"]


PROBED = "{image: 'ghcr.io/acme/web:1', livenessProbe: {exec: {command: [x]}}}"
CHECKED = f"apiVersion: v1\nkind: Pod\nspec: {{containers: [{PROBED}]}}\n"
METADATA = "{id: meta, uses: docker/metadata-action@v5, with: {images: '${{ env.HUB }}/acme/web'}}"
BUILD = "{uses: docker/build-push-action@v6, with: {context: ., tags: '%s'}}"


def workflow(*steps: str) -> str:
    return f"on: push\nenv: {{HUB: ghcr.io}}\njobs:\n  a:\n    runs-on: x\n    steps: [{', '.join(steps)}]\n"


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([BUILD % "ghcr.io/acme/web:${{ github.sha }}"], "pass"),
        ([BUILD % "${{ env.HUB }}/acme/web:${{ github.sha }}"], "pass"),
        ([METADATA, BUILD % "${{ steps.meta.outputs.tags }}"], "pass"),
        ([BUILD % "${{ steps.meta.outputs.tags }}"], "open"),
        ([BUILD % "ghcr.io/acme/other:1"], "fail"),
        ([], "open"),
    ],
)
def test_what_is_checked_is_found_by_its_name(judge: Judge, steps: list[str], kind: str) -> None:
    files = {"k8s/pod.yaml": CHECKED, ".github/workflows/a.yml": workflow(*steps)}
    assert kinds(judge, WEB | files) == [kind]


def test_compose_may_pull_what_a_script_builds(judge: Judge) -> None:
    compose = "services:\n  web: {image: 'acme/web:${TAG}', healthcheck: {test: x}}\n"
    files = {"build.sh": "docker build -t acme/web:1 .\n", "compose.prod.yaml": compose}
    assert kinds(judge, WEB | files) == ["pass"]


def test_terraform_may_bring_the_check(judge: Judge) -> None:
    assert kinds(judge, WEB | {"main.tf": 'resource "aws_ecs_task_definition" "web" {}\n'}) == ["open"]


@pytest.mark.parametrize(("kind_of", "kind"), [("Job", "notApplicable"), ("Deployment", "fail")])
def test_what_only_jobs_run_needs_no_check(judge: Judge, kind_of: str, kind: str) -> None:
    pod = "{spec: {containers: [{image: 'acme/web:1'}]}}"
    manifest = f"apiVersion: batch/v1\nkind: {kind_of}\nspec: {{template: {pod}}}\n"
    files = {"build.sh": "docker build -t acme/web:1 .\n", "k8s/job.yaml": manifest}
    assert kinds(judge, WEB | files) == [kind]


def test_what_checks_strangers_is_looked_for_once(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    original = known_image

    def call(reference: ImageReference) -> KnownImage | None:
        calls.append(reference.name)
        return original(reference)

    monkeypatch.setattr(elsewhere, "known_image", call)
    files = {f"part{at}/Dockerfile": "FROM python:3.12\nEXPOSE 80\n" for at in range(20)}
    service = "  s{0}:\n    image: registry.example.com/s{0}\n    healthcheck:\n      test: check\n"
    files["compose.yaml"] = "services:\n" + service.format(1)
    assert {result.kind for result in judge("docker/healthcheck", files)} == {"open"}
    assert len(calls) == 1
