"""The report for programs: everything that the audit knows, in a format that is versioned and has a schema.

The schema is `schema/report-1.json` beside this module. What is added later keeps version 1; a property that changes
or goes makes version 2. Every other format can be made from this one (`rebuild`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sp404audit.reports import summary
from sp404audit.reports.escape import decodable, shortened, uri
from sp404audit.reports.json_lines import Layout, dump
from sp404audit.results import Fix, Location, Notification, Region, Result

if TYPE_CHECKING:
    from sp404audit.outcome import Audit, ControlVerdict
    from sp404audit.policy.model import Policy, RuleChoice, Waiver
    from sp404audit.results import EngineRun
    from sp404audit.rules.documentation import Example

__all__ = ["SCHEMA_ID", "SCHEMA_VERSION", "render", "schema"]

SCHEMA_VERSION = 1
SCHEMA_ID = "urn:sp404audit:report:1"

_LAYOUT = Layout(
    frozenset({"tool", "verdict", "totals", "policy"}),
    frozenset({"controls", "results", "notifications", "engines", "waivers"}),
)


def render(audit: Audit) -> str:
    """Write the report; lists have a line for each item."""
    report: dict[str, object] = {
        "$schema": SCHEMA_ID,
        "schemaVersion": SCHEMA_VERSION,
        "tool": {"name": "sp404audit", "version": audit.version},
        "verdict": {
            "compliant": audit.compliant,
            "incomplete": audit.incomplete,
            "exitCode": audit.exit_code,
            "failOn": audit.fail_on.label,
        },
        **_filled(judgedOn=audit.today and audit.today.isoformat()),
        "totals": _totals(audit),
        "policy": _policy(audit.policy),
        "files": dict(audit.files),
        "engines": [_engine(engine) for engine in audit.engines],
        "baseline": audit.used_baseline,
        "notifications": [_notification(notification) for notification in audit.notifications],
        "controls": [_control(audit, verdict) for verdict in audit.verdicts],
        "results": [_result(result) for result in audit.results],
    }
    if audit.metrics is not None:
        from sp404audit.reports.dora import json_report as metrics_report

        report["metrics"] = metrics_report.properties(audit.metrics)
    return dump(report, _LAYOUT)


def schema() -> dict[str, Any]:
    """Read the JSON Schema that every report of this version keeps."""
    import json
    from importlib.resources import files

    text = files("sp404audit.reports").joinpath(f"schema/report-{SCHEMA_VERSION}.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _filled(**values: object) -> dict[str, object]:
    """Properties that say something: None, empty texts and empty lists are left out."""
    return {name: value for name, value in values.items() if value is not None and value != "" and value != []}


def _totals(audit: Audit) -> dict[str, object]:
    return {
        "failures": {severity.label: count for severity, count in summary.by_severity(audit.failures).items()},
        "domains": summary.by_domain(audit.failures),
        "controls": summary.by_verdict(audit),
        "suppressed": sum(1 for result in audit.results if result.suppression),
    }


def _policy(policy: Policy) -> dict[str, object]:
    overrides = [{"paths": _texts(override.paths), "rules": _choices(override.rules)} for override in policy.overrides]
    return {
        "name": decodable(policy.name),
        "sources": _texts(policy.sources),
        "targets": dict(policy.targets),
        "waivers": [_waiver(waiver) for waiver in policy.waivers],
        "failOn": policy.fail_on.label,
        "default": policy.default,
        "rules": _choices(policy.rules),
        **_filled(
            overrides=overrides,
            exclude=_texts(policy.exclude),
            select=_texts(policy.select),
            ignore=_texts(policy.ignore),
        ),
    }


def _texts(texts: Iterable[str]) -> list[str]:
    return [decodable(text) for text in texts]


def _choices(choices: Mapping[str, RuleChoice]) -> dict[str, object]:
    return {decodable(name): _choice(choice) for name, choice in choices.items()}


def _choice(choice: RuleChoice) -> dict[str, object]:
    return _filled(
        enabled=choice.enabled,
        severity=choice.severity and choice.severity.label,
        parameters=dict(choice.parameters) or None,
    )


def _waiver(waiver: Waiver) -> dict[str, object]:
    return {
        "rule": waiver.rule_id,
        "paths": _texts(waiver.paths),
        "reason": decodable(waiver.reason),
        "owner": decodable(waiver.owner),
        "until": waiver.until.isoformat(),
        "location": _location(waiver.location),
    }


def _engine(engine: EngineRun) -> dict[str, object]:
    return _filled(name=engine.name, version=engine.version, missing=engine.missing, notEvaluated=list(engine.controls))


def _notification(notification: Notification) -> dict[str, object]:
    return _filled(
        id=notification.id,
        level=notification.level,
        message=_text(notification.message),
        location=_location(Location(notification.path), notification.region) if notification.path else None,
        ruleId=notification.rule_id,
    )


def _control(audit: Audit, verdict: ControlVerdict) -> dict[str, object]:
    """A rule in force, its verdict on the repository and all that is documented about it."""
    rule, setting = verdict.rule, audit.policy.setting(verdict.rule)
    parameters = {parameter.name: parameter.default for parameter in rule.parameters}
    documentation = rule.documentation
    return {
        "id": rule.id,
        "domain": rule.domain,
        "verdict": verdict.kind,
        "counts": dict(verdict.counts),
        "suppressed": verdict.suppressed,
        "severity": summary.severity_in_force(audit, rule).label,
        "ownSeverity": rule.severity.label,
        "declared": [
            {"name": parameter.name, "type": parameter.type, "default": parameter.default}
            for parameter in rule.parameters
        ],
        "parameters": parameters | dict(setting.parameters if setting else {}),
        "security": rule.security,
        "precision": rule.precision,
        "cwe": list(rule.cwe),
        "controls": list(rule.controls),
        "equivalents": list(rule.equivalents),
        "summary": documentation.summary,
        "why": documentation.why,
        "fix": documentation.fix,
        "examples": [_example(example) for example in documentation.examples],
    }


def _example(example: Example) -> dict[str, object]:
    return {
        "outcome": example.outcome,
        "files": dict(example.files),
        **_filled(remark=example.remark),
        "parameters": dict(example.parameters),
    }


def _result(result: Result) -> dict[str, object]:
    suppression, snippet = result.suppression, result.snippet
    return _filled(
        ruleId=result.rule_id,
        kind=result.kind,
        severity=result.severity.label,
        message=_text(result.message),
        location=_location(result.location),
        related=[_location(location) for location in result.related],
        engine=result.engine,
        alsoReportedBy=list(result.also),
        count=result.count,
        fingerprint=result.fingerprint,
        lineHash=result.line_hash,
        baseline=result.baseline,
        suppression=suppression
        and _filled(
            kind=suppression.kind,
            justification=_text(suppression.justification),
            location=suppression.location and _location(suppression.location),
            owner=decodable(suppression.owner),
            until=suppression.until,
        ),
        fix=result.fix and _fix(result.fix),
        snippet=snippet and {"firstLine": snippet.first_line, "lines": [decodable(line) for line in snippet.lines]},
    )


def _fix(fix: Fix) -> dict[str, object]:
    edits = [
        {
            "path": decodable(edit.path),
            "uri": uri(edit.path),
            "region": _region(edit.region),
            "text": decodable(edit.text),
        }
        for edit in fix.edits
    ]
    return {"description": _text(fix.description), "safe": fix.safe, "edits": edits}


def _location(location: Location, region: Region | None = None) -> dict[str, object]:
    """A place. `path` is for people; `uri` is exact, also where the path is not UTF-8."""
    return {
        "path": decodable(location.path),
        "uri": uri(location.path),
        "region": _region(region or location.region),
        **_filled(message=_text(location.message)),
    }


def _region(region: Region) -> dict[str, int]:
    return {
        "startLine": region.start_line,
        "startColumn": region.start_column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    }


def _text(text: str) -> str:
    return shortened(decodable(text))
