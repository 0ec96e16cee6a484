import pytest

from sp404audit.discovery.kinds import Doubt, Kind, by_content, by_path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (".github/workflows/ci.yml", Kind.WORKFLOW),
        (".github/workflows/CI.YML", Kind.WORKFLOW),
        (".github/workflows/nested/ci.yml", Doubt.YAML),
        ("fixtures/app/.github/workflows/ci.yml", Kind.TEXT),
        (".github/dependabot.yml", Kind.DEPENDABOT),
        (".github/CODEOWNERS", Kind.CODEOWNERS),
        ("docs/CODEOWNERS", Kind.CODEOWNERS),
        ("src/CODEOWNERS", Kind.TEXT),
        ("renovate.json", Kind.RENOVATE),
        ("action.yml", Doubt.ACTION),
        ("Dockerfile", Kind.DOCKERFILE),
        ("dockerfile", Kind.DOCKERFILE),
        ("Dockerfile.dev", Doubt.DOCKERFILE),
        ("docker/api.Dockerfile", Kind.DOCKERFILE),
        ("Containerfile", Kind.DOCKERFILE),
        ("Dockerfile.j2", Kind.TEMPLATE),
        ("Dockerfile.md", Kind.TEXT),
        ("Dockerfile.release.dockerignore", Kind.DOCKERIGNORE),
        (".dockerignore", Kind.DOCKERIGNORE),
        ("docker-compose.yml", Kind.COMPOSE),
        ("docker-compose.override.yml", Kind.COMPOSE),
        ("compose-test.yaml", Kind.COMPOSE),
        ("compose.yaml.j2", Kind.TEMPLATE),
        ("composed.json", Doubt.JSON),
        ("main.tf", Kind.TERRAFORM),
        ("main.tf.json", Kind.TERRAFORM),
        ("prod.auto.tfvars", Kind.TFVARS),
        ("prod.tfvars.json", Kind.TFVARS),
        ("live/terragrunt.hcl", Kind.HCL),
        (".terraform.lock.hcl", Kind.TEXT),
        ("deploy.sh", Kind.SHELL),
        (".envrc", Kind.SHELL),
        ("bin/deploy", Doubt.SCRIPT),
        ("LICENSE", Kind.TEXT),
        (".env", Kind.DOTENV),
        (".env.production", Kind.DOTENV),
        ("deploy/app.enc.env", Kind.DOTENV),
        (".env.d.ts", Kind.TEXT),
        (".env.yaml", Doubt.YAML),
        ("etc/cron.d/backup", Kind.CRONTAB),
        ("backup.timer", Kind.SYSTEMD),
        ("Makefile", Kind.MAKEFILE),
        ("rules.mk", Kind.MAKEFILE),
        ("pyproject.toml", Kind.PYTHON_PROJECT),
        ("requirements-dev.txt", Kind.PYTHON_PROJECT),
        ("requirements/test.in", Kind.PYTHON_PROJECT),
        ("package.json", Kind.NODE_PROJECT),
        ("vitest.config.ts", Kind.NODE_PROJECT),
        (".sops.yaml", Kind.SOPS_CONFIG),
        ("certs/app.p12", Kind.KEYSTORE),
        ("logo.png", None),
        ("README.md", Kind.TEXT),
        (".gitignore", Kind.TEXT),
    ],
)
def test_kind_by_path(path: str, kind: Kind | Doubt | None) -> None:
    folder, _, name = path.rpartition("/")
    assert by_path(folder, name) is kind


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("k8s/a.yaml", "# a comment\napiVersion: v1\nkind: Pod\n", Kind.KUBERNETES),
        ("k8s/a.yaml", "\ufeffkind: Pod\r\napiVersion: v1\r\n", Kind.KUBERNETES),
        ("k8s/a.yaml", "{apiVersion: v1, kind: Pod}", Kind.TEXT),
        ("chart/templates/d.yaml", "apiVersion: v1\nkind: Pod\nname: {{ .Values.x }}\n", Kind.TEMPLATE),
        ("k8s/d.yaml", "apiVersion: v1\nkind: Pod\n{{- if .x }}\n", Kind.TEMPLATE),
        ("k8s/rule.yaml", 'apiVersion: v1\nkind: Rule\ntext: "{{ $value }}"\n', Kind.KUBERNETES),
        ("prometheus.yml", "global: {}\nscrape_configs: []\n", Kind.PROMETHEUS),
        ("prometheus.yml", "apiVersion: 1\ndatasources:\n  - name: x\n", Kind.GRAFANA_PROVISIONING),
        ("prometheus.yml", "global: {}\n", Kind.PROMETHEUS),
        ("promtail.yml", "clients: []\nscrape_configs: []\n", Kind.TEXT),
        (
            "rules.yml",
            "groups:\n  - name: a\n    rules:\n      - alert: Down\n        expr: up == 0\n",
            Kind.PROMETHEUS_RULES,
        ),
        ("groups.yml", "groups:\n  - admins\n", Kind.TEXT),
        ("am.yml", "route: {}\nreceivers: []\n", Kind.ALERTMANAGER),
        ("otel.yaml", "receivers: {}\nexporters: {}\nservice: {}\n", Kind.OTEL_COLLECTOR),
        ("stack.yml", "services:\n  # the site\n  web:\n    image: nginx\n", Kind.COMPOSE),
        ("ci.yml", "image: x\nservices:\n  - postgres\njob:\n  image: y\n", Kind.TEXT),
        ("services.yaml", "services:\n  _defaults:\n    autowire: true\n", Kind.TEXT),
        ("borg.yaml", "source_directories: [a]\nrepositories: [b]\n", Kind.BACKUP_CONFIG),
        ("values.yaml", "image: x\n", Kind.TEXT),
    ],
)
def test_kind_of_yaml_by_content(path: str, text: str, kind: Kind) -> None:
    assert by_content(Doubt.YAML, path, text.encode()) is kind


def test_utf_16_is_looked_through() -> None:
    assert by_content(Doubt.YAML, "a.yaml", "apiVersion: v1\nkind: Pod\n".encode("utf-16")) is Kind.KUBERNETES


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b'{"title": "x", "panels": [{"gridPos": {}}]}', Kind.GRAFANA),
        (b'{"apiVersion": "v1", "kind": "List"}', Kind.KUBERNETES),
        (b'{"panels": 3}', Kind.TEXT),
        (b"[]", Kind.TEXT),
    ],
)
def test_kind_of_json_by_content(head: bytes, kind: Kind) -> None:
    assert by_content(Doubt.JSON, "a.json", head) is kind


def test_dashboard_by_its_folder() -> None:
    assert by_content(Doubt.JSON, "grafana/a.json", b'{"panels": [') is Kind.GRAFANA


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"#!/bin/sh\n", Kind.SHELL),
        (b"#! /usr/bin/env -S bash -eu\n", Kind.SHELL),
        (b"#!/usr/local/bin/bash", Kind.SHELL),
        (b"#!/usr/bin/env python3\n", Kind.TEXT),
        (b"#!/bin/fish\n", Kind.TEXT),
        (b"\x7fELF", Kind.TEXT),
        (b"", Kind.TEXT),
    ],
)
def test_script_by_its_shebang(head: bytes, kind: Kind) -> None:
    assert by_content(Doubt.SCRIPT, "bin/x", head) is kind


def test_action_metadata_needs_runs_outside_the_usual_places() -> None:
    assert by_content(Doubt.ACTION, "tools/x/action.yml", b"name: x\nruns:\n  using: composite\n") is Kind.ACTION
    assert by_content(Doubt.ACTION, "i18n/action.yml", b"save: Save\n") is Kind.TEXT
    assert by_content(Doubt.ACTION, ".github/actions/x/action.yml", b"broken: [\n") is Kind.ACTION


def test_what_is_named_like_a_dockerfile() -> None:
    assert by_content(Doubt.DOCKERFILE, "Dockerfile.dev", b"# dev\nfrom debian\n") is Kind.DOCKERFILE
    assert by_content(Doubt.DOCKERFILE, "dockerfile.vim", b'" Vim file\nlet b:x = 1\n') is Kind.TEXT
