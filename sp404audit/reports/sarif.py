"""SARIF 2.1.0: as GitHub code scanning should see the audit (`sarif`), and with everything in it (`sarif-full`).

The log is built from sarif-om's classes and written by `json` through one hook. sarif-om is generated from an early
draft of the schema; what differs from the final one is mended here: a suppression's `status`, and defaults that must
not be written. What GitHub reads of a log stands in its documentation, "SARIF support for code scanning".
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import attr
import sarif_om as om

from sp404audit.policy.baseline import PREFIX_KEY
from sp404audit.reports import Options, summary
from sp404audit.reports.escape import decodable, shortened, uri, visible
from sp404audit.reports.json_lines import Layout, dump
from sp404audit.reports.markdown import rule_help
from sp404audit.reports.notifications import meaning
from sp404audit.results import Fix, Location, Notification, Region, Result, Severity, Snippet

if TYPE_CHECKING:
    from sp404audit.outcome import Audit
    from sp404audit.rules import Rule

__all__ = ["GITHUB_SHOWS", "full", "github"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
GITHUB_SHOWS = 5_000
"""How many results of a run GitHub keeps and shows; it takes 25,000 and drops the rest by severity."""

_ROOT = "SRCROOT"
_CONFIGURATION = ".sp404audit.yaml"
_FIRST_SENTENCE_LIMIT = 1_000
_TAG_LIMIT = 10
_CWE = "CWE"
_KIND_MESSAGES = {"fail": "failed", "open": "unproven", "pass": "passed", "notApplicable": "notApplicable"}


def github(audit: Audit, options: Options | None = None) -> str:
    """Write what GitHub should show: failures that are neither suppressed nor in the baseline, the worst 5,000.

    GitHub shows suppressed results as open alerts and knows no kinds: what is not to be an alert must stay out. It
    reads no base of a path: paths count from the top of the repository, whatever part of it was audited. It tells
    uploads apart by their category, and each part has its own.
    """
    options = options or Options()
    results: Sequence[Result] = audit.failures
    notifications = list(audit.notifications)
    if len(results) > GITHUB_SHOWS:
        kept = {id(result) for result in summary.worst_first(audit, results)[:GITHUB_SHOWS]}
        text = f"{len(results)} results; the {GITHUB_SHOWS} gravest are in this file, GitHub shows no more"
        notifications.append(Notification("report/truncated", "warning", text))
        results = [result for result in results if id(result) in kept]
    prefix = options.path_prefix.strip("/")
    if prefix:
        results = [_from_top(result, options) for result in results]
        notifications = [
            note._replace(path=options.from_top(note.path)) if note.path else note for note in notifications
        ]
    category = options.category or "/".join(filter(None, ("sp404audit", prefix)))
    return _Log(audit, results, notifications, complete=False, category=category, prefix=prefix).text()


def full(audit: Audit) -> str:
    """Write everything: passes, unproven and inapplicable controls, suppressions, baseline states, fixes, taxa."""
    return _Log(audit, audit.results, audit.notifications, complete=True).text()


def _from_top(result: Result, options: Options) -> Result:
    def moved(location: Location) -> Location:
        return location._replace(path=options.from_top(location.path))

    return replace(result, location=moved(_anchored(result.location)), related=tuple(map(moved, result.related)))


@attr.s
class _Suppression:
    """sarif-om's class calls `status` `state`, which makes every suppressed result invalid."""

    kind: str = attr.ib(metadata={"schema_property_name": "kind"})
    status: str = attr.ib(metadata={"schema_property_name": "status"})
    justification: str | None = attr.ib(default=None, metadata={"schema_property_name": "justification"})
    location: object = attr.ib(default=None, metadata={"schema_property_name": "location"})
    properties: dict[str, str] | None = attr.ib(default=None, metadata={"schema_property_name": "properties"})


@functools.cache
def _plan(kind: type) -> tuple[tuple[str, str, object], ...]:
    """Attribute, property and default of each field of a class. A `level` is always written: left out it means the
    rule's own level, whatever sarif-om's default says.
    """
    plan = []
    for field in attr.fields(kind):
        default = field.default.factory() if isinstance(field.default, attr.Factory) else field.default  # type: ignore[arg-type]
        name = field.metadata["schema_property_name"]
        plan.append((field.name, name, attr.NOTHING if name == "level" else default))
    return tuple(plan)


def _properties(element: Any) -> dict[str, object]:
    """The hook of `json`: an element of the object model as the properties to write."""
    found = ((name, getattr(element, attribute), default) for attribute, name, default in _plan(type(element)))  # type: ignore[arg-type]
    return {name: value for name, value, default in found if value is not None and value != default}


_LAYOUT = Layout(
    frozenset({"runs", "tool", "driver", "taxonomies", "invocations"}),
    frozenset({"rules", "notifications", "results", "taxa", "toolExecutionNotifications"}),
    _properties,
)


def _text(message: str) -> str:
    return shortened(visible(" ".join(message.split())))


class _Log:
    """One SARIF log in the making."""

    def __init__(
        self,
        audit: Audit,
        results: Sequence[Result],
        notifications: Sequence[Notification],
        *,
        complete: bool,
        category: str = "sp404audit",
        prefix: str = "",
    ) -> None:
        self.audit = audit
        self.results = results
        self.notifications = notifications
        self.complete = complete
        self.category = category
        self.prefix = prefix
        named = {result.rule_id for result in results}
        self.rules = [rule for rule in audit.rules if complete or rule.id in named]
        self.foreign = _first_of_each(results, {rule.id for rule in audit.rules})
        ids = [*(rule.id for rule in self.rules), *self.foreign]
        self.rule_indexes = {rule_id: index for index, rule_id in enumerate(ids)}
        self.notices = sorted({notification.id for notification in notifications})
        self.weaknesses = sorted({number for rule in self.rules for number in rule.cwe})

    def text(self) -> str:
        run = om.Run(
            tool=om.Tool(driver=self._driver()),
            automation_details=om.RunAutomationDetails(id=f"{decodable(self.category)}/"),
            column_kind="unicodeCodePoints",
            original_uri_base_ids={
                _ROOT: om.ArtifactLocation(description=om.Message(text="The root of the audited repository."))
            },
            invocations=[self._invocation()],
            taxonomies=[self._weakness_taxonomy()] if self.weaknesses else None,
            results=[self._result(result) for result in self.results],
            properties={PREFIX_KEY: decodable(self.prefix)} if self.prefix else None,
        )
        return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, _LAYOUT)

    def _driver(self) -> Any:
        return om.ToolComponent(
            name="sp404audit",
            information_uri=summary.HOMEPAGE,
            version=self.audit.version,
            semantic_version=self.audit.version,
            rules=[
                *(self._rule(rule) for rule in self.rules),
                *(_foreign_rule(result) for result in self.foreign.values()),
            ],
            notifications=[self._notice(notice) for notice in self.notices] or None,
            supported_taxonomies=[om.ToolComponentReference(name=_CWE, index=0)] if self.weaknesses else None,
        )

    def _rule(self, rule: Rule) -> Any:
        documentation = rule.documentation
        text, markdown = rule_help(rule)
        severity = summary.severity_in_force(self.audit, rule)
        return om.ReportingDescriptor(
            id=rule.id,
            name=_pascal(rule.id),
            short_description=_multiformat(shortened(_sentence(rule.summary), _FIRST_SENTENCE_LIMIT)),
            full_description=_multiformat(
                shortened(_sentence(_one_paragraph(documentation.why or rule.summary)), _FIRST_SENTENCE_LIMIT)
            ),
            help=om.MultiformatMessageString(text=text, markdown=markdown),
            default_configuration=om.ReportingConfiguration(level=summary.level(severity)),
            relationships=[self._guards_against(number) for number in rule.cwe] or None,
            properties=_rule_properties(rule, severity),
        )

    def _guards_against(self, number: int) -> Any:
        return om.ReportingDescriptorRelationship(target=self._weakness(number), kinds=["relevant"])

    def _weakness(self, number: int) -> Any:
        component = om.ToolComponentReference(name=_CWE, index=0)
        return om.ReportingDescriptorReference(
            id=str(number), index=self.weaknesses.index(number), tool_component=component
        )

    def _weakness_taxonomy(self) -> Any:
        return om.ToolComponent(
            name=_CWE,
            organization="MITRE",
            short_description=_multiformat("The Common Weakness Enumeration."),
            information_uri="https://cwe.mitre.org/",
            is_comprehensive=False,
            taxa=[
                om.ReportingDescriptor(id=str(number), help_uri=f"https://cwe.mitre.org/data/definitions/{number}.html")
                for number in self.weaknesses
            ],
        )

    def _notice(self, notice: str) -> Any:
        return om.ReportingDescriptor(
            id=notice,
            name=_pascal(notice),
            short_description=_multiformat(meaning(notice)),
            full_description=_multiformat(meaning(notice)),
            help=_multiformat(meaning(notice)),
        )

    def _invocation(self) -> Any:
        return om.Invocation(
            execution_successful=not self.audit.incomplete,
            tool_execution_notifications=[self._notification(notification) for notification in self.notifications]
            or None,
        )

    def _notification(self, notification: Notification) -> Any:
        place = Location(notification.path, notification.region or Region(1, 1, 1, 1))
        index = self.rule_indexes.get(notification.rule_id)
        return om.Notification(
            message=om.Message(text=_sentence(_text(notification.message))),
            level=notification.level,
            descriptor=om.ReportingDescriptorReference(id=notification.id, index=self.notices.index(notification.id)),
            associated_rule=(
                om.ReportingDescriptorReference(id=notification.rule_id, index=index) if index is not None else None
            ),
            locations=[_location(place)] if notification.path else None,
        )

    def _result(self, result: Result) -> Any:
        text = _text(result.message)
        element = om.Result(
            rule_id=result.rule_id,
            rule_index=self.rule_indexes[result.rule_id],
            kind=result.kind,
            level=summary.level(result.severity) if result.kind == "fail" else "none",
            message=om.Message(text=text),
            locations=[_location(_anchored(result.location), result.snippet)],
            related_locations=[
                _location(location, number=number) for number, location in enumerate(result.related, start=1)
            ]
            or None,
            partial_fingerprints=_fingerprints(result),
            occurrence_count=result.count if result.count > 1 else None,
            properties=_result_properties(result),
        )
        if self.complete:
            self._complete(element, result)
        return element

    def _complete(self, element: Any, result: Result) -> None:
        """Add what GitHub does not read and others do."""
        rule = self.audit.rule(result.rule_id)
        if result.kind == "fail":
            element.rank = summary.rank(result.severity, rule.precision if rule else "")
        if rule is not None and rule.cwe:
            element.taxa = [self._weakness(number) for number in rule.cwe]
        element.baseline_state = result.baseline
        element.suppressions = [_suppression(result)] if result.suppression else None
        element.fixes = [_fix(result.fix)] if result.fix and result.fix.edits else None


def _multiformat(text: str) -> Any:
    return om.MultiformatMessageString(text=text)


def _sentence(text: str) -> str:
    """Text that ends as a sentence does: viewers set one after the other."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…", ":")) else text + "."


def _one_paragraph(text: str) -> str:
    return " ".join(text.split())


def _pascal(identifier: str) -> str:
    """`docker/non-root-user` as `DockerNonRootUser`."""
    words = "".join(character if character.isalnum() else " " for character in identifier).split()
    return "".join(word.capitalize() for word in words)


def _first_of_each(results: Sequence[Result], known: set[str]) -> dict[str, Result]:
    """The first result of each rule that is not one of ours (an engine's own check), by id, in the order of ids."""
    found: dict[str, Result] = {}
    for result in results:
        if result.rule_id not in known:
            found.setdefault(result.rule_id, result)
    return dict(sorted(found.items()))


def _foreign_rule(result: Result) -> Any:
    """An engine's own check, described by what it says: its engine documents it."""
    text = _sentence(_text(result.message))
    return om.ReportingDescriptor(
        id=result.rule_id,
        name=_pascal(result.rule_id),
        short_description=_multiformat(text),
        full_description=_multiformat(text),
        help=om.MultiformatMessageString(text=text, markdown=text),
        default_configuration=om.ReportingConfiguration(level=summary.level(result.severity)),
        properties={"tags": [result.engine], "precision": "medium"},
    )


def _rule_properties(rule: Rule, severity: Severity) -> dict[str, object]:
    tags = ["security"] if rule.security else ["maintainability"]
    tags += [f"external/cwe/cwe-{number:03d}" for number in rule.cwe]
    tags += [rule.domain, *rule.controls]
    properties: dict[str, object] = {"tags": tags[:_TAG_LIMIT], "precision": rule.precision}
    level = summary.level(severity)
    if rule.security:
        properties["security-severity"] = summary.security_severity(severity)
    properties["problem.severity"] = "recommendation" if level == "note" else level
    if rule.equivalents:
        properties["equivalents"] = list(rule.equivalents)
    return properties


def _result_properties(result: Result) -> dict[str, object]:
    properties: dict[str, object] = {"severity": result.severity.label, "engine": result.engine}
    if result.also:
        properties["alsoReportedBy"] = list(result.also)
    return properties


def _fingerprints(result: Result) -> dict[str, str] | None:
    found = {"primaryLocationLineHash": result.line_hash, "sp404audit/v1": result.fingerprint}
    return {name: value for name, value in found.items() if value} or None


def _location(location: Location, snippet: Snippet | None = None, number: int = -1) -> Any:
    return om.Location(
        id=number,
        physical_location=om.PhysicalLocation(
            artifact_location=_artifact(location.path),
            region=_region(location.region, _cut(snippet, location.region)),
            context_region=_context(snippet, location.region),
        ),
        message=om.Message(text=_sentence(_text(location.message))) if location.message else None,
    )


def _anchored(location: Location) -> Location:
    """Where a result is shown. GitHub wants a file for each (GH1015): what is about the repository as a whole stands at
    the configuration, where it can be set or accepted.
    """
    return location if location.path else Location(_CONFIGURATION)


def _artifact(path: str) -> Any:
    return om.ArtifactLocation(uri=uri(path), uri_base_id=_ROOT)


def _region(region: Region, snippet: str | None = None) -> Any:
    return om.Region(
        start_line=region.start_line,
        start_column=region.start_column,
        end_line=region.end_line,
        end_column=region.end_column,
        snippet=om.ArtifactContent(text=decodable(snippet)) if snippet else None,
    )


def _cut(snippet: Snippet | None, region: Region) -> str | None:
    """The text of the region itself, when the snippet holds all of its lines."""
    if snippet is None:
        return None
    first, last = region.start_line - snippet.first_line, region.end_line - snippet.first_line
    if first < 0 or last >= len(snippet.lines):
        return None
    lines = list(snippet.lines[first : last + 1])
    lines[-1] = lines[-1][: region.end_column - 1]
    lines[0] = lines[0][region.start_column - 1 :]
    return "\n".join(lines)


def _context(snippet: Snippet | None, region: Region) -> Any:
    """The lines around the region. The context must be larger than the region (SARIF 3.29.5)."""
    if snippet is None or not snippet.lines:
        return None
    last = snippet.first_line + len(snippet.lines) - 1
    context = Region(snippet.first_line, 1, last, len(snippet.lines[-1]) + 1)
    holds = context[:2] <= region[:2] and region[2:] <= context[2:]
    return _region(context, "\n".join(snippet.lines)) if holds and context != region else None


def _suppression(result: Result) -> _Suppression:
    suppression = result.suppression
    assert suppression is not None
    named = {"owner": suppression.owner, "until": suppression.until}
    return _Suppression(
        kind=suppression.kind,
        status="accepted",
        justification=_text(suppression.justification) or None,
        location=_location(suppression.location) if suppression.location else None,
        properties={name: visible(value) for name, value in named.items() if value} or None,
    )


def _fix(fix: Fix) -> Any:
    paths: dict[str, list[Any]] = {}
    for edit in fix.edits:
        replacement = om.Replacement(
            deleted_region=_region(edit.region),
            inserted_content=om.ArtifactContent(text=decodable(edit.text)) if edit.text else None,
        )
        paths.setdefault(edit.path, []).append(replacement)
    changes = [
        om.ArtifactChange(artifact_location=_artifact(path), replacements=replacements)
        for path, replacements in paths.items()
    ]
    return om.Fix(
        description=om.Message(text=_sentence(_text(fix.description))),
        artifact_changes=changes,
        properties={"safe": fix.safe},
    )
