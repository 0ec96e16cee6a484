"""The JSON Schema of policy files and configurations, generated from the signatures of the rules.

An editor completes rule ids and parameters from it, and `loading` checks files against it, so what is documented,
completed and accepted cannot differ. Draft 2020-12 (https://json-schema.org/draft/2020-12).
"""

from __future__ import annotations

from typing import Any

from sp404audit.results import Severity
from sp404audit.rules.registry import Parameter, Rule

__all__ = ["SCHEMA_ID", "config_schema"]

SCHEMA_ID = "urn:sp404audit:config:1"
_STRINGS = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}
_TYPES: dict[type, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    list: {"type": "array", "items": {"type": "string"}},
    tuple: {"type": "array", "items": {"type": "string"}},
    type(None): {"type": ["string", "number"]},
}


_SPAN = {"type": "string", "pattern": r"^\d{1,5}\s*[a-z]+$", "description": "Such as 1h, 30m or 2d."}
_TARGETS = (
    "deployment-frequency",
    "lead-time",
    "change-failure-rate",
    "recovery-time",
    "rework-rate",
    "mttr",
    "uptime",
    "build-time",
)
_METRICS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "description": "Targets and counting rules of the metrics report.",
    "properties": {
        "targets": {
            "type": "object",
            "additionalProperties": False,
            "properties": {key: {"type": ["string", "number"]} for key in _TARGETS},
        },
        "production-environments": {**_STRINGS, "description": "Globs of environments that are production."},
        "tags": {"type": "string", "description": "Glob of the tags that are deployments."},
        "branch": {"type": "string", "description": "The main line, when it is not the default branch."},
        "deployments-from": {"enum": ["auto", "tags", "merges"]},
        "services": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["tags"],
                "properties": {"tags": {"type": "string"}, "paths": _STRINGS},
            },
        },
        "merge-window": _SPAN,
        "attribution-window": _SPAN,
        "patch-window": _SPAN,
        "count-redeploys": {"type": "boolean"},
        "count-rollbacks": {"type": "boolean"},
        "count-prereleases": {"type": "boolean"},
        "lead-start": {"enum": ["committer", "author", "pr-first-commit", "pr-merged"]},
        "lead-measure": {"enum": ["commit_to_deploy", "merge_to_deploy"]},
        "exclude-authors": {**_STRINGS, "description": "Globs of authors whose changes are left out."},
        "bots": {**_STRINGS, "description": "Globs of authors that are programs."},
        "incident-labels": _STRINGS,
        "hotfix-labels": _STRINGS,
        "hotfix-branches": {**_STRINGS, "description": "Globs of branches whose merge is an unplanned remedy."},
        "build-workflows": {**_STRINGS, "description": "Globs of the workflows that are builds."},
        "uptime": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "query": {"type": "string", "description": "A ratio of good to all, such as a recording rule."},
                "selector": {"type": "string", "description": "The series that say whether the service is up."},
                "quorum": {"type": "integer", "minimum": 1},
                "min-coverage": {"type": "string", "pattern": r"^\d{1,3}(\.\d{1,6})?%$"},
                "incident-severities": _STRINGS,
            },
        },
        "bands": {"enum": ["dora-2021", "dora-2023", "dora-2023-monotone", "dora-2024", "none"]},
        "verdicts": {"enum": ["interval", "point"]},
    },
}


def config_schema(rules: tuple[Rule, ...]) -> dict[str, Any]:
    """Build the schema for these rules (all of them, for a schema that ships)."""
    severities = [severity.label for severity in reversed(Severity)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "sp404audit policy or configuration",
        "type": "object",
        "additionalProperties": False,
        "required": ["version"],
        "properties": {
            "version": {"const": 1, "description": "Of this format."},
            "name": {"type": "string", "description": "Of a policy; a configuration needs none."},
            "description": {"type": "string"},
            "extends": {**_STRINGS, "description": "Policies to start from: names that ship, or files below the root."},
            "default": {"enum": ["on", "off", True, False], "description": "Whether rules not named below are asked."},
            "fail-on": {"enum": severities, "description": "The least severity that makes a repository not compliant."},
            "exclude": {**_STRINGS, "description": "Paths that are not audited, in the patterns of .gitignore."},
            "rules": {"$ref": "#/$defs/rules"},
            "overrides": {"type": "array", "items": {"$ref": "#/$defs/override"}},
            "waivers": {"type": "array", "items": {"$ref": "#/$defs/waiver"}},
            "metrics": _METRICS,
        },
        "$defs": {
            "severity": {"enum": severities},
            "rules": _rules_schema(rules),
            "override": {
                "type": "object",
                "additionalProperties": False,
                "required": ["paths", "rules"],
                "properties": {"paths": _STRINGS, "rules": {"$ref": "#/$defs/rules"}},
            },
            "waiver": {
                "type": "object",
                "additionalProperties": False,
                "required": ["rule", "paths", "reason", "owner", "until"],
                "properties": {
                    "rule": {
                        "if": {"pattern": "^(checkov|pip-audit)/"},
                        "then": True,
                        "else": {"enum": [*(rule.id for rule in rules), *_domains(rules)]},
                    },
                    "paths": _STRINGS,
                    "reason": {"type": "string", "minLength": 1},
                    "owner": {"type": "string", "minLength": 1},
                    "until": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
                },
            },
        },
    }


def _domains(rules: tuple[Rule, ...]) -> list[str]:
    return sorted({f"{rule.domain}/*" for rule in rules})


def _rules_schema(rules: tuple[Rule, ...]) -> dict[str, Any]:
    properties = {domain: _rule_schema("Every rule of the domain.", ()) for domain in _domains(rules)}
    properties |= {rule.id: _rule_schema(rule.summary, rule.parameters) for rule in rules}
    others = {"^(checkov|pip-audit)/.+$": _rule_schema("A check of another engine, or all of them (`checkov/*`).", ())}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "patternProperties": others,
    }


def _rule_schema(description: str, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """A rule is switched by a word, or described by a mapping."""
    full = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "enabled": {"type": "boolean"},
            "severity": {"$ref": "#/$defs/severity"},
            "params": {
                "type": "object",
                "additionalProperties": False,
                "properties": {parameter.name: _parameter_schema(parameter) for parameter in parameters},
            },
        },
    }
    return {
        "description": description,
        "if": {"type": "object"},
        "then": full,
        "else": {"enum": ["on", "off", True, False, *(severity.label for severity in reversed(Severity))]},
    }


def _parameter_schema(parameter: Parameter) -> dict[str, Any]:
    default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
    return {**_TYPES[type(parameter.default)], "default": default}
