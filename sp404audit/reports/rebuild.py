"""From a JSON report back to the finished audit, so that every other format can be made without a new scan.

The file may come from anywhere, such as the artifact of another job: it is bounded in size and depth, checked against
the schema of its version, and nothing that it names is opened or run.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from sp404audit.outcome import Audit
from sp404audit.policy.model import Override, Policy, RuleChoice, Waiver
from sp404audit.reports.json_report import SCHEMA_VERSION, schema
from sp404audit.results import (
    WHOLE_FILE,
    Edit,
    EngineRun,
    Fix,
    Location,
    Notification,
    Region,
    Result,
    Severity,
    Snippet,
    Suppression,
)
from sp404audit.rules.documentation import Documentation, Example
from sp404audit.rules.registry import Parameter, Rule, Verdicts

if TYPE_CHECKING:
    from sp404audit.dora.figures import MetricsReport

__all__ = ["MAX_BYTES", "ReportError", "rebuild"]

MAX_BYTES = 64 * 1024 * 1024
"""The largest report that is read: about 80,000 results."""

_MAX_DEPTH = 32
_MAX_DIGITS = 12
_Object = Mapping[str, Any]


class ReportError(Exception):
    """A file that is no report to be read; the text names the key and the way out."""


def rebuild(data: bytes) -> Audit:
    """Return the audit that a JSON report tells of.

    Messages are as the report has them: cut at its limit, and with U+FFFD for what was not UTF-8. Paths are exact.

    Args:
        data: the report, as the format `json` writes it.

    Raises:
        ReportError: see the class.
    """
    report = _checked(_parsed(data))
    audit = _audit(report)
    stated = report["verdict"]
    found = {"compliant": audit.compliant, "incomplete": audit.incomplete, "exitCode": audit.exit_code}
    for name, value in found.items():
        if stated[name] != value:
            raise ReportError(
                f"verdict.{name}: is {json.dumps(stated[name])}, but what the report holds comes to "
                f"{json.dumps(value)}: the file was changed or cut; scan again"
            )
    return audit


def _parsed(data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise ReportError(f"is larger than {MAX_BYTES // (1024 * 1024)} MiB")
    try:
        report = json.loads(data, parse_int=_integer, parse_constant=_no_number)
    except RecursionError:
        raise ReportError("is nested too deeply to be a report") from None
    except ValueError as error:
        raise ReportError(f"is not JSON: {error}") from None
    level: list[Any] = [report]
    for _ in range(_MAX_DEPTH):
        level = [inner for each in level for inner in _inside(each) if isinstance(inner, dict | list)]
        if not level:
            return report
    raise ReportError("is nested too deeply to be a report")


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _checked(report: Any) -> _Object:
    """Check a report against the schema; properties that a later version of sp404audit added are passed over."""
    if isinstance(report, dict) and "runs" in report:
        raise ReportError("is SARIF; reports are made again from the format json (sp404audit scan -f json:FILE)")
    if not isinstance(report, dict) or "schemaVersion" not in report:
        raise ReportError("is no report of sp404audit; write one with `sp404audit scan -f json:FILE`")
    version = report["schemaVersion"]
    if version != SCHEMA_VERSION or isinstance(version, bool):
        from sp404audit import __version__

        raise ReportError(
            f"schemaVersion: is {json.dumps(version)[:40]}, and sp404audit {__version__} reads {SCHEMA_VERSION}: "
            "use the version of sp404audit that wrote it, or scan again"
        )
    for error in _validator().iter_errors(report):
        if error.validator != "additionalProperties":
            raise ReportError(f"{_key(error.absolute_path)}: {_explained(error)}")
    return report


def _validator() -> Any:
    """A validator for which 1.0 is no integer: lines and counts are printed as they are."""
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.validators import extend

    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    validator: Any = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
    return validator(schema(), format_checker=FormatChecker(["date"]))


def _key(path: Iterable[str | int]) -> str:
    """The way to a value, as people write it: `results[3].location.path`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the report"


def _explained(error: Any) -> str:
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"lacks {missing}"
    if error.validator == "enum":
        return f"is {json.dumps(error.instance)[:80]}; it may be {', '.join(map(str, error.validator_value))}"
    message: str = error.message
    return message if len(message) <= 200 else message[:199] + "…"


def _audit(report: _Object) -> Audit:
    judged_on = report.get("judgedOn")
    return Audit(
        version=report["tool"]["version"],
        policy=_policy(report["policy"], Severity.parse(report["verdict"]["failOn"])),
        rules=tuple(_rule(control) for control in report["controls"]),
        results=tuple(_result(result) for result in report["results"]),
        notifications=tuple(_notification(notification) for notification in report["notifications"]),
        files=dict(report["files"]),
        engines=tuple(
            EngineRun(
                each["name"], each.get("version", ""), each.get("missing", ""), tuple(each.get("notEvaluated", ()))
            )
            for each in report["engines"]
        ),
        fail_on=Severity.parse(report["verdict"]["failOn"]),
        used_baseline=report["baseline"],
        today=datetime.date.fromisoformat(judged_on) if judged_on else None,
        metrics=_metrics(report["metrics"]) if "metrics" in report else None,
    )


def _metrics(report: _Object) -> MetricsReport:
    from sp404audit.reports.dora.rebuild import rebuild_metrics

    try:
        return rebuild_metrics(report)
    except ValueError as error:
        raise ReportError(f"metrics.{error}") from None


def _policy(policy: _Object, fail_on: Severity) -> Policy:
    return Policy(
        name=policy["name"],
        sources=tuple(policy["sources"]),
        rules=_choices(policy.get("rules", {})),
        default=policy.get("default", True),
        overrides=tuple(
            Override(tuple(each["paths"]), _choices(each["rules"])) for each in policy.get("overrides", ())
        ),
        exclude=tuple(policy.get("exclude", ())),
        waivers=tuple(_waiver(waiver) for waiver in policy["waivers"]),
        fail_on=Severity.parse(policy["failOn"]) if "failOn" in policy else fail_on,
        targets=dict(policy["targets"]),
        select=tuple(policy.get("select", ())),
        ignore=tuple(policy.get("ignore", ())),
    )


def _choices(choices: _Object) -> dict[str, RuleChoice]:
    return {
        name: RuleChoice(
            choice.get("enabled"),
            Severity.parse(choice["severity"]) if "severity" in choice else None,
            choice.get("parameters", {}),
        )
        for name, choice in choices.items()
    }


def _waiver(waiver: _Object) -> Waiver:
    until = datetime.date.fromisoformat(waiver["until"])
    place = _location(waiver["location"])
    return Waiver(waiver["rule"], tuple(waiver["paths"]), waiver["reason"], waiver["owner"], until, place)


class _RecordedRule(Rule):
    """A rule as a report describes it: all of its documentation, and a function that judges nothing."""

    def __init__(self, control: _Object) -> None:
        super().__init__(
            control["id"],
            _judges_nothing,
            severity=Severity.parse(control.get("ownSeverity", control["severity"])),
            equivalents=tuple(control["equivalents"]),
            cwe=tuple(control["cwe"]),
            controls=tuple(control["controls"]),
            precision=control["precision"],
            security=control["security"],
        )
        declared = control.get("declared")
        if declared is None:
            declared = [{"name": name, "type": "", "default": value} for name, value in control["parameters"].items()]
        parameters = tuple(Parameter(each["name"], each["type"], each["default"]) for each in declared)
        examples = tuple(
            Example(each["outcome"], dict(each["files"]), each.get("remark", ""), dict(each["parameters"]))
            for each in control["examples"]
        )
        documentation = Documentation(control["summary"], control["why"], control["fix"], examples)
        # In place of what the properties of the same name would read from the function.
        vars(self).update(documentation=documentation, parameters=parameters)

    @property
    def remedy(self) -> str:
        return self.documentation.fix

    @property
    def summary(self) -> str:
        return self.documentation.summary.partition("\n")[0]


def _judges_nothing(subject: object) -> Verdicts:  # noqa: ARG001
    """A report holds what the rule said; it is not asked again."""
    yield from ()


def _rule(control: _Object) -> Rule:
    return _RecordedRule(control)


def _result(result: _Object) -> Result:
    snippet, fix, suppression = result.get("snippet"), result.get("fix"), result.get("suppression")
    return Result(
        rule_id=result["ruleId"],
        kind=result["kind"],
        severity=Severity.parse(result["severity"]),
        message=result["message"],
        location=_location(result["location"]),
        related=tuple(_location(location) for location in result.get("related", ())),
        fix=_fix(fix) if fix else None,
        engine=result["engine"],
        also=tuple(result.get("alsoReportedBy", ())),
        suppression=_suppression(suppression) if suppression else None,
        baseline=result.get("baseline"),
        snippet=Snippet(snippet["firstLine"], tuple(snippet["lines"])) if snippet else None,
        fingerprint=result.get("fingerprint", ""),
        line_hash=result.get("lineHash", ""),
        count=result["count"],
    )


def _suppression(suppression: _Object) -> Suppression:
    location = suppression.get("location")
    return Suppression(
        suppression["kind"],
        suppression.get("justification", ""),
        _location(location) if location else None,
        suppression.get("owner", ""),
        suppression.get("until", ""),
    )


def _fix(fix: _Object) -> Fix:
    edits = tuple(Edit(_path(edit), _region(edit["region"]), edit["text"]) for edit in fix["edits"])
    return Fix(fix["description"], edits, fix["safe"])


def _notification(notification: _Object) -> Notification:
    location = notification.get("location")
    region = _region(location["region"]) if location else None
    return Notification(
        notification["id"],
        notification["level"],
        notification["message"],
        _path(location) if location else "",
        None if region == WHOLE_FILE else region,
        notification.get("ruleId", ""),
    )


def _location(location: _Object) -> Location:
    return Location(_path(location), _region(location["region"]), location.get("message", ""))


def _path(place: _Object) -> str:
    """A path from its URI, which tells also bytes that are not UTF-8."""
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(place["uri"]).decode("utf-8", "surrogateescape")


def _region(region: _Object) -> Region:
    return Region(region["startLine"], region["startColumn"], region["endLine"], region["endColumn"])
