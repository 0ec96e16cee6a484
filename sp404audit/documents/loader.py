"""From a kind of file to the parser that reads it; a parser is imported when the first file of its kind is there."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache

from sp404audit.discovery import Kind
from sp404audit.documents.model import Document
from sp404audit.documents.source import DocumentError, Problem, Source

__all__ = ["PARSERS", "load"]

PARSERS: dict[str, str] = {
    Kind.WORKFLOW: "workflow:parse",
    Kind.ACTION: "action:parse",
    Kind.DOCKERFILE: "dockerfile:parse",
    Kind.DOCKERIGNORE: "dockerignore:parse",
    Kind.HCL: "bake:parse",
    Kind.COMPOSE: "compose:parse",
    Kind.TERRAFORM: "terraform:parse",
    Kind.TFVARS: "terraform:parse_variables",
    Kind.KUBERNETES: "kubernetes:parse",
    Kind.KUSTOMIZATION: "kustomize:parse",
    Kind.SHELL: "script:parse",
    Kind.CRONTAB: "schedules:parse_crontab",
    Kind.SYSTEMD: "schedules:parse_systemd",
    Kind.BACKUP_CONFIG: "backup_settings:parse",
    Kind.MAKEFILE: "task_files:parse",
    Kind.JUSTFILE: "task_files:parse",
    Kind.PYTHON_PROJECT: "python_project:parse",
    Kind.NODE_PROJECT: "node_project:parse",
    Kind.BUILD_PROJECT: "build_project:parse",
    Kind.CODECOV: "codecov:parse",
    Kind.DOTENV: "dotenv:parse",
    Kind.SOPS_CONFIG: "declared_encryption:parse",
    Kind.PROMETHEUS: "prometheus:parse",
    Kind.PROMETHEUS_RULES: "alert_rules:parse",
    Kind.ALERTMANAGER: "alertmanager:parse",
    Kind.OTEL_COLLECTOR: "otel:parse",
    Kind.GRAFANA: "grafana:parse_dashboard",
    Kind.GRAFANA_PROVISIONING: "grafana:parse_provisioning",
    Kind.PRE_COMMIT: "pre_commit:parse",
    Kind.DEPENDABOT: "update_bots:parse_dependabot",
    Kind.RENOVATE: "update_bots:parse_renovate",
    Kind.ANSIBLE: "automation:parse",
    Kind.CLOUDFORMATION: "automation:parse",
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


def _unread(source: Source, problem: Problem) -> Document:
    document = Document(source)
    document.problems.append(problem)
    return document
