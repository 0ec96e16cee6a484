"""The rules: one package a domain, one module a theme, one function a rule.

To add one, write a function into the module of its theme, below `sp404audit/rules/<domain>/`; nothing else needs to be
told. A new domain gets a row in `DOMAINS`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from sp404audit.documents.model import Repository
from sp404audit.documents.source import Source
from sp404audit.rules.registry import (
    RULES,
    Rule,
    Verdict,
    Verdicts,
    fail,
    not_applicable,
    passed,
    rule,
    unproven,
)

__all__ = [
    "DOMAINS",
    "Rule",
    "Verdict",
    "Verdicts",
    "all_rules",
    "fail",
    "find",
    "kinds_read_by",
    "load",
    "not_applicable",
    "passed",
    "rule",
    "unproven",
]

_PIPELINE = ("workflow", "action", "shell", "makefile", "justfile")
_CONTAINERS = ("dockerfile", "compose", "kubernetes")
_PROJECTS = ("python-project", "node-project", "build-project", "makefile", "justfile", "pre-commit", "codecov")

DOMAINS: dict[str, tuple[str, ...]] = {
    "actions": ("workflow", "action"),
    "ci": ("workflow", "action", *_PROJECTS, "shell"),
    "deps": ("workflow", "dependabot", "renovate", *_CONTAINERS, "terraform", *_PROJECTS),
    "docker": ("dockerfile", "dockerignore"),
    "images": (*_CONTAINERS, *_PIPELINE, "hcl"),
    "compose": ("compose", "dotenv"),
    "terraform": ("terraform", "tfvars"),
    "aws": ("terraform", "tfvars"),
    "kubernetes": ("kubernetes", "kustomization", "helm-chart"),
    "secrets": (),
    "backup": (*_PIPELINE, "compose", "kubernetes", "terraform", "crontab", "systemd", "backup-config", "ansible"),
    "shell": (*_PIPELINE, "node-project"),
    "deploy": _PIPELINE,
    "monitoring": ("prometheus", "otel-collector", "grafana-provisioning", "kubernetes"),
    "alerts": (
        "prometheus",
        "prometheus-rules",
        "alertmanager",
        "grafana",
        "grafana-provisioning",
        "kubernetes",
        "terraform",
    ),
    "policy": (),
}
"""Each domain, which is a package here, and the kinds of file (`discovery.Kind`) that its rules read.

A scan imports a domain only when it finds such a file; an empty tuple stands for every kind.
"""


def load(kinds: AbstractSet[str], names: Iterable[str] = ()) -> list[Rule]:
    """Import the rules that read files of these kinds, and return them in the order of their ids.

    Args:
        kinds: the kinds of file that are there.
        names: ids or domains; when given, no other domain is imported.
    """
    wanted = [domain for domain, read in DOMAINS.items() if not read or not kinds.isdisjoint(read)]
    named = {name.partition("/")[0] for name in names}
    if named and named.isdisjoint(("all", "*")):
        wanted = [domain for domain in wanted if domain in named]
    for domain in wanted:
        _import(domain)
    return sorted((rule for rule in RULES.values() if rule.domain in wanted), key=lambda rule: rule.id)


def all_rules() -> tuple[Rule, ...]:
    """Import every rule, and return them in the order of their ids."""
    return tuple(load({kind for read in DOMAINS.values() for kind in read}))


def find(name: str) -> list[Rule]:
    """Return the rules that a name may mean: an id, another tool's check (`hadolint:DL3002`), or its bare id."""
    rules = all_rules()
    found = [rule for rule in rules if name == rule.id or name in rule.equivalents]
    return found or [rule for rule in rules if any(check.partition(":")[2] == name for check in rule.equivalents)]


def _import(domain: str) -> None:
    package = importlib.import_module(f"sp404audit.rules.{domain}")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def kinds_read_by(rule: Rule) -> Iterable[str]:
    """The kinds of file that a rule's verdict rests on: those of its subject, or of its domain."""
    if rule.subject is Source:
        return ()
    own: tuple[str, ...] = getattr(rule.subject, "kinds", ())
    return DOMAINS[rule.domain] if rule.subject is Repository or not own else own
