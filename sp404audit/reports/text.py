"""The report for people at a terminal: every finding with its code, why it matters, what to do; then the verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sp404audit.reports import summary
from sp404audit.reports.escape import shortened, visible
from sp404audit.reports.frames import frame, width
from sp404audit.reports.page import SEVERITY_STYLES, Page
from sp404audit.results import WHOLE_FILE, Location, Notification, Result

if TYPE_CHECKING:
    from sp404audit.dora.figures import MetricsReport
    from sp404audit.outcome import Audit, ControlVerdict
    from sp404audit.reports import Options
    from sp404audit.rules import Rule

__all__ = ["render"]

_WIDTH = 100
_UNPROVEN_SHOWN = 20
_NOTIFICATIONS_SHOWN = 50
_RELATED_SHOWN = 3

_LEVEL_STYLES = {"error": "bold red", "warning": "yellow", "note": "blue"}
_VERDICT_STYLES = {"Compliant": "bold green", "Not compliant": "bold red", "Incomplete": "bold yellow"}
_HEADING, _QUIET = "bold", "dim"


def render(audit: Audit, options: Options) -> str:
    """Write the report.

    With `options.verbose`, passed, inapplicable, unproven and accepted results are shown too, each with its place;
    with `options.quiet`, there is a line for each failure and the verdict. `options.min_severity` hides failures;
    totals and verdict still count them.
    """
    page = Page(min(options.width, _WIDTH))
    shown = [result for result in audit.failures if result.severity >= options.min_severity]
    if options.quiet:
        for result in shown:
            _concise(page, result)
    else:
        _failures(page, audit, shown)
        _unproven(page, audit, verbose=options.verbose)
        if options.verbose:
            _passed(page, audit)
            _accepted(page, audit)
        _failed_controls(page, audit, shown)
        _totals(
            page, audit, hidden=sum(result.count for result in audit.failures if result.severity < options.min_severity)
        )
        if audit.metrics is not None:
            _metrics(page, audit.metrics)
        _not_audited(page, audit, verbose=options.verbose)
    _verdict(page, audit)
    return page.coloured() if options.color else page.plain()


def _place(location: Location) -> str:
    """`path:line:column`, which terminals and editors open on a click; a whole file has its path alone."""
    path = visible(location.path) or "(repository)"
    if location.region == WHOLE_FILE:
        return path
    return f"{path}:{location.region.start_line}:{location.region.start_column}"


def _message(result: Result) -> str:
    return shortened(visible(" ".join(result.message.split())))


def _concise(page: Page, result: Result) -> None:
    severity = (result.severity.label, SEVERITY_STYLES[result.severity])
    page.line(_place(result.location), ": ", severity, f" {result.rule_id}: {_message(result)}")


def _failures(page: Page, audit: Audit, results: Iterable[Result]) -> None:
    path: str | None = None
    explained: set[str] = set()
    for result in results:
        if result.location.path != path:
            path = result.location.path
            explained = set()
            page.gap()
            name = visible(path) or "(repository)"
            page.line((name, "bold underline"))
            page.line(("─" * min(width(name), page.width), _QUIET))
        page.gap()
        _failure(page, audit, result, explain=result.rule_id not in explained)
        explained.add(result.rule_id)


def _failure(page: Page, audit: Audit, result: Result, *, explain: bool) -> None:
    style = SEVERITY_STYLES[result.severity]
    page.line((result.severity.label, style), f"[{result.rule_id}]: ", (_message(result), "bold"))
    lines = frame(result.snippet, result.location.region)
    gutter = max((len(str(line.number)) for line in lines), default=1)
    page.line((" " * gutter + "--> ", _QUIET), _place(result.location))
    for line in lines:
        label = str(line.number) if line.number else ""
        page.line((f"{label:>{gutter}} | ", _QUIET), (line.text, "" if line.number else style))
    rule = audit.rule(result.rule_id)
    if rule is not None and explain:
        _explain(page, gutter, rule)
    _particulars(page, gutter, result)
    if rule is not None and explain:
        _remark(page, gutter, "more", f"sp404audit explain {rule.id}")


def _particulars(page: Page, gutter: int, result: Result) -> None:
    """What belongs to this one place: a ready change, other places, other tools that say the same."""
    if result.fix is not None:
        _remark(page, gutter, "change", visible(result.fix.description))
    for location in result.related[:_RELATED_SHOWN]:
        text = shortened(visible(location.message))
        _remark(page, gutter, "see also", _place(location) + (f": {text}" if text else ""))
    if len(result.related) > _RELATED_SHOWN:
        _remark(page, gutter, "see also", f"{len(result.related) - _RELATED_SHOWN} more places")
    if result.also:
        _remark(page, gutter, "also reported by", visible(", ".join(result.also)))


def _explain(page: Page, gutter: int, rule: Rule) -> None:
    """The requirement and the remedy: once a file, where the rule fails first."""
    _remark(page, gutter, "requirement", rule.summary)
    if remedy := rule.remedy:
        _remark(page, gutter, "what to do", remedy)


def _remark(page: Page, gutter: int, label: str, text: str) -> None:
    head = f"= {label}: "
    indent = " " * (gutter + 1)
    wrapped = textwrap.wrap(" ".join(text.split()), page.width - 8, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(wrapped):
        if number:
            page.line(indent + "    " + line)
        else:
            page.line((indent + head, _QUIET), line)


def _of_rule(audit: Audit, rule_id: str, kind: str) -> list[Result]:
    return [each for each in audit.results if each.rule_id == rule_id and each.kind == kind and not each.suppression]


def _unproven(page: Page, audit: Audit, *, verbose: bool) -> None:
    """Controls of which nothing failed and something could not be judged; a line each, all places when verbose."""
    verdicts = [verdict for verdict in audit.verdicts if verdict.kind == "open"]
    if not verdicts:
        return
    page.gap()
    page.line((f"Not proven by the repository ({summary.number(len(verdicts), 'control')})", _HEADING))
    for verdict in verdicts if verbose else verdicts[:_UNPROVEN_SHOWN]:
        _evidence(page, verdict, _of_rule(audit, verdict.rule.id, "open"), verbose=verbose)
    if not verbose and len(verdicts) > _UNPROVEN_SHOWN:
        page.line(f"  and {len(verdicts) - _UNPROVEN_SHOWN} more; --verbose shows all")


def _evidence(page: Page, verdict: ControlVerdict, results: list[Result], *, verbose: bool) -> None:
    for result in results if verbose else results[:1]:
        more = f" (and {len(results) - 1} more)" if len(results) > 1 and not verbose else ""
        page.line(f"  {verdict.rule.id}: ", f"{_message(result)} ", (f"[{_place(result.location)}]", _QUIET), more)


def _passed(page: Page, audit: Audit) -> None:
    verdicts = [verdict for verdict in audit.verdicts if verdict.kind == "pass"]
    if verdicts:
        page.gap()
        page.line((f"Passed ({summary.number(len(verdicts), 'control')})", _HEADING))
    for verdict in verdicts:
        _evidence(page, verdict, _of_rule(audit, verdict.rule.id, "pass"), verbose=True)
    absent = [verdict.rule.id for verdict in audit.verdicts if verdict.kind == "notApplicable"]
    if absent:
        page.gap()
        page.line((f"Not applicable ({summary.number(len(absent), 'control')})", _HEADING))
        for line in textwrap.wrap(", ".join(absent), page.width - 2, break_long_words=False, break_on_hyphens=False):
            page.line("  " + line)


def _accepted(page: Page, audit: Audit) -> None:
    suppressed = [result for result in audit.results if result.suppression]
    if suppressed:
        page.gap()
        page.line((f"Accepted ({len(suppressed)})", _HEADING))
    for result in suppressed:
        assert result.suppression is not None
        until = f", until {visible(result.suppression.until)}" if result.suppression.until else ""
        owner = f", {visible(result.suppression.owner)}" if result.suppression.owner else ""
        reason = shortened(visible(result.suppression.justification))
        page.line(f"  {result.rule_id}: {reason}{owner}{until} ", (f"[{_place(result.location)}]", _QUIET))


def _failed_controls(page: Page, audit: Audit, failures: Iterable[Result]) -> None:
    """The failed controls, the gravest first: what a reader with ten minutes begins with."""
    failed = summary.by_rule(failures)
    if not failed:
        return
    page.gap()
    ours = sum(1 for each in failed if audit.rule(each.rule_id))
    others = f", {summary.number(len(failed) - ours, 'check')} of other engines" if ours < len(failed) else ""
    page.line((f"Failed ({summary.number(ours, 'control')}{others})", _HEADING))
    label = max(len(each.severity.label) for each in failed)
    name = max(len(each.rule_id) for each in failed)
    for each in failed:
        files = summary.number(each.files, "file")
        where = _place(each.first) if each.places == 1 else f"{each.places} places in {files}"
        severity = (f"{each.severity.label:<{label}}", SEVERITY_STYLES[each.severity])
        page.line("  ", severity, f"  {each.rule_id:<{name}}  {where}")


def _metrics(page: Page, metrics: MetricsReport) -> None:
    from sp404audit.reports.dora.text import overview

    page.gap()
    page.line(("Delivery metrics", _HEADING))
    overview(page, metrics)


def _totals(page: Page, audit: Audit, *, hidden: int) -> None:
    page.gap()
    page.line(("Summary", _HEADING))
    by_severity = summary.by_severity(audit.failures)
    pieces: list[str | tuple[str, str]] = []
    for severity, count in by_severity.items():
        text = f"{count} {severity.label}"
        pieces += [", "] if pieces else []
        pieces.append((text, SEVERITY_STYLES[severity]) if count else text)
    page.line("  failures     ", *pieces, f" ({hidden} below --min-severity not shown)" if hidden else "")
    domains = summary.by_domain(audit.failures)
    _row(page, "by domain", ", ".join(f"{domain} {count}" for domain, count in domains.items()))
    _row(page, "controls", summary.controls(audit))
    _row(page, "accepted", summary.accepted(audit))
    kinds = ", ".join(f"{count} {kind}" for kind, count in audit.files.items())
    _row(page, "files", f"{sum(audit.files.values())} audited" + (f": {kinds}" if kinds else ""))
    _row(page, "policy", visible(audit.policy.name))
    engines = [f"{engine.name} {engine.version}".rstrip() for engine in audit.engines if not engine.missing]
    _row(page, "engines", ", ".join(engines) if len(engines) > 1 else "")


def _row(page: Page, label: str, text: str) -> None:
    """A row of the summary; one without text is left out."""
    wrapped = textwrap.wrap(text, page.width - 15, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(wrapped):
        page.line(f"  {'' if number else label:<13}{line}")


def _not_audited(page: Page, audit: Audit, *, verbose: bool) -> None:
    missing = [engine for engine in audit.engines if engine.missing]
    if not audit.notifications and not missing:
        return
    page.gap()
    page.line(("Not audited", _HEADING))
    on_purpose: dict[str, list[Notification]] = {}
    told = 0
    for notification in audit.notifications:
        if notification.level == "note" and not verbose:
            on_purpose.setdefault(notification.id, []).append(notification)
            continue
        told += 1
        if told <= _NOTIFICATIONS_SHOWN or verbose:
            _notification(page, notification)
    if told > _NOTIFICATIONS_SHOWN and not verbose:
        page.line(f"  and {told - _NOTIFICATIONS_SHOWN} more; --verbose shows all")
    for notifications in on_purpose.values():
        more = f" (and {len(notifications) - 1} more)" if len(notifications) > 1 else ""
        _notification(page, notifications[0], more)
    for engine in missing:
        controls = f"; not evaluated without it: {', '.join(engine.controls)}" if engine.controls else ""
        page.line("  ", (f"{'note':<7}", _LEVEL_STYLES["note"]), f" engine {engine.name}: {engine.missing}{controls}")


def _notification(page: Page, notification: Notification, more: str = "") -> None:
    place = _place(Location(notification.path, notification.region or WHOLE_FILE)) + ": " if notification.path else ""
    level = (f"{notification.level:<7}", _LEVEL_STYLES[notification.level])
    page.line("  ", level, f" {notification.id}: {place}{shortened(visible(notification.message))}{more}")


def _verdict(page: Page, audit: Audit) -> None:
    """The last line: what the exit code says, in words."""
    page.gap()
    word, rest = summary.verdict(audit)
    page.line((word, _VERDICT_STYLES[word]), f": {rest}")
