"""From a kind of file to the parser that reads it; a parser is imported when the first file of its kind is there."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import cache

from sp404audit.discovery import Kind
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import DocumentError, Problem, Source

__all__ = ["PARSERS", "facts_of", "load"]

PARSERS: dict[str, str] = {
    Kind.WORKFLOW: "github.workflow:parse",
    Kind.ACTION: "github.action:parse",
    Kind.DOCKERFILE: "containers.dockerfile:parse",
    Kind.DOCKERIGNORE: "containers.dockerignore:parse",
    Kind.HCL: "containers.bake:parse",
    Kind.COMPOSE: "compose.file:parse",
    Kind.TERRAFORM: "terraform.file:parse",
    Kind.TFVARS: "terraform.file:parse_variables",
    Kind.KUBERNETES: "kubernetes.manifest:parse",
    Kind.KUSTOMIZATION: "kubernetes.kustomize:parse",
    Kind.SHELL: "shell.script:parse",
    Kind.CRONTAB: "pipeline.schedules:parse_crontab",
    Kind.SYSTEMD: "pipeline.schedules:parse_systemd",
    Kind.BACKUP_CONFIG: "pipeline.backup_settings:parse",
    Kind.MAKEFILE: "projects.task_files:parse",
    Kind.JUSTFILE: "projects.task_files:parse",
    Kind.PYTHON_PROJECT: "projects.python:parse",
    Kind.NODE_PROJECT: "projects.node:parse",
    Kind.BUILD_PROJECT: "projects.build:parse",
    Kind.CODECOV: "projects.codecov:parse",
    Kind.DOTENV: "secrets.dotenv:parse",
    Kind.SOPS_CONFIG: "secrets.declared_encryption:parse",
    Kind.PROMETHEUS: "monitoring.prometheus:parse",
    Kind.PROMETHEUS_RULES: "monitoring.alert_rules:parse",
    Kind.ALERTMANAGER: "monitoring.alertmanager:parse",
    Kind.OTEL_COLLECTOR: "monitoring.otel:parse",
    Kind.GRAFANA: "monitoring.grafana:parse_dashboard",
    Kind.GRAFANA_PROVISIONING: "monitoring.grafana:parse_provisioning",
    Kind.PRE_COMMIT: "projects.pre_commit:parse",
    Kind.DEPENDABOT: "projects.update_bots:parse_dependabot",
    Kind.RENOVATE: "projects.update_bots:parse_renovate",
    Kind.ANSIBLE: "pipeline.automation:parse",
    Kind.CLOUDFORMATION: "pipeline.automation:parse",
}
"""`module:function` below `sp404audit.documents` for each kind that has a model; the others are only text."""


@cache
def _parser(kind: str) -> Callable[[Source], Document]:
    """Import the parser of a kind of file."""
    module, _, function = PARSERS.get(kind, "model:Document").partition(":")
    return getattr(importlib.import_module(f"sp404audit.documents.{module}"), function)  # type: ignore[no-any-return]


def load(kind: str, source: Source) -> Document:
    """Read a file into the model of its kind.

    A file that cannot be read at all becomes a bare document that says why: rules on its text still run.
    """
    try:
        return _parser(kind)(source)
    except DocumentError as error:
        return _unread(source, error.problem)
    except RecursionError:
        return _unread(source, Problem("rule/crashed", "nested too deep for its parser; please report it"))
    except Exception as error:  # noqa: BLE001 (one parser's mistake must not cost another file's results)
        message = f"its parser failed ({type(error).__name__}: {str(error)[:200]}); please report it"
        return _unread(source, Problem("rule/crashed", message))


def facts_of(document: Document) -> Iterator[Fact]:
    """Yield a document's own facts, and those that any file may hold whatever its kind."""
    from sp404audit.documents.secrets import declared_encryption

    yield from document.facts()
    yield from declared_encryption.facts(document.source)


def _unread(source: Source, problem: Problem) -> Document:
    document = Document(source)
    document.problems.append(problem)
    return document
