"""The controls: a tile for each, by domain and by framework; what passed and what is not proven, with the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports import summary
from sp404audit.reports.html.evidence import Evidence, gathered
from sp404audit.reports.html.rules import Explanation, explain, item_of
from sp404audit.reports.html.texts import Anchors, Places, inline
from sp404audit.results import Kind, Result, Severity

if TYPE_CHECKING:
    from markupsafe import Markup

    from sp404audit.outcome import Audit, ControlVerdict

__all__ = ["Control", "Row", "State", "Tile", "by_domain", "by_framework", "judged", "not_applicable", "states"]

_EVIDENCE = 10
_TILES = 40

_WORDS = {
    "fail": "failed",
    "open": "not proven",
    "pass": "passed",
    "accepted": "accepted",
    "notApplicable": "not applicable",
}
_ORDER = tuple(_WORDS)


class State(NamedTuple):
    """How a control stands: `kind` is a verdict or `accepted`; `severity` is that of the gravest failure."""

    rule_id: str
    kind: str
    severity: Severity
    places: int


class Tile(NamedTuple):
    """A control in the heat map. `letter` says what its colour says, `words` say all of it."""

    letter: str
    tone: str
    label: str
    rule_id: str
    words: str
    href: str


class Row(NamedTuple):
    """A domain or a framework: its tiles, the gravest first, how many there are beyond, and the totals by state."""

    name: str
    tiles: tuple[Tile, ...]
    more: int
    failed: int
    judged: int


class Control(NamedTuple):
    """A control that did not fail, with its evidence; `left` counts evidence that is not shown."""

    anchor: str
    rule_id: str
    extent: str
    explanation: Explanation
    evidence: tuple[Evidence, ...]
    left: int


def states(audit: Audit) -> list[State]:
    """How each control stands, also the checks of other engines that reported something; by id."""
    worst: dict[str, Severity] = {}
    for result in audit.results:
        if result.kind == "fail" and result.suppression is None and result.baseline != "absent":
            worst[result.rule_id] = max(result.severity, worst.get(result.rule_id, Severity.NOTE))
    found = [_state(audit, verdict, worst) for verdict in audit.verdicts]
    return sorted([*found, *_of_engines(audit, worst)], key=lambda state: state.rule_id)


def _state(audit: Audit, verdict: ControlVerdict, worst: Mapping[str, Severity]) -> State:
    kind = "accepted" if verdict.kind == "notApplicable" and verdict.suppressed else verdict.kind
    severity = worst.get(verdict.rule.id) or summary.severity_in_force(audit, verdict.rule)
    places = verdict.suppressed if kind == "accepted" else verdict.counts.get(verdict.kind, 0)
    return State(verdict.rule.id, kind, severity, places)


def _of_engines(audit: Audit, worst: Mapping[str, Severity]) -> Iterable[State]:
    places: dict[str, int] = {}
    for result in audit.results:
        if audit.rule(result.rule_id) is None and result.kind == "fail" and result.rule_id in worst:
            places[result.rule_id] = places.get(result.rule_id, 0) + result.count
    return (State(rule_id, "fail", worst[rule_id], count) for rule_id, count in places.items())


def by_domain(found: Iterable[State], links: Mapping[str, str]) -> list[Row]:
    """The heat map: a row for each domain.

    Args:
        found: the controls.
        links: the id of the element that tells more of a control, by rule id.
    """
    rows: dict[str, list[tuple[str, State]]] = {}
    for state in found:
        domain, _, name = state.rule_id.partition("/")
        rows.setdefault(domain, []).append((name, state))
    return [_row(name, controls, links) for name, controls in sorted(rows.items())]


def by_framework(audit: Audit, found: Iterable[State], links: Mapping[str, str]) -> list[Row]:
    """The same for the frameworks whose items the rules give evidence for; an item is as good as its worst rule."""
    items: dict[str, dict[str, list[State]]] = {}
    for state in found:
        rule = audit.rule(state.rule_id)
        for control in rule.controls if rule else ():
            framework, item = item_of(control)
            items.setdefault(framework, {}).setdefault(item, []).append(state)
    return [
        _row(framework, [(item, min(of_item, key=_gravity)) for item, of_item in sorted(by_item.items())], links)
        for framework, by_item in sorted(items.items())
    ]


def _gravity(state: State) -> tuple[int, int, str]:
    return _ORDER.index(state.kind), -state.severity if state.kind == "fail" else 0, state.rule_id


def _row(name: str, controls: Sequence[tuple[str, State]], links: Mapping[str, str]) -> Row:
    ordered = sorted(controls, key=lambda each: (_gravity(each[1]), each[0]))
    tiles = tuple(_tile(label, state, links) for label, state in ordered[:_TILES])
    judged_states = [state for _, state in ordered if state.kind in ("fail", "open", "pass")]
    failed = sum(1 for state in judged_states if state.kind == "fail")
    return Row(name, tiles, len(ordered) - len(tiles), failed, len(judged_states))


def _tile(label: str, state: State, links: Mapping[str, str]) -> Tile:
    letters = {"pass": "✓", "open": "?", "accepted": "A", "notApplicable": "–"}
    tones = {"notApplicable": "none"}
    words = _WORDS[state.kind]
    if state.kind == "fail":
        words += f", {state.severity.label}, {summary.number(state.places, 'place')}"
    return Tile(
        letter=letters.get(state.kind) or state.severity.label[0].upper(),
        tone=state.severity.label if state.kind == "fail" else tones.get(state.kind, state.kind),
        label=label,
        rule_id=state.rule_id,
        words=words,
        href=links.get(state.rule_id, ""),
    )


def judged(audit: Audit, kind: Kind, anchors: Anchors, places: Places) -> list[Control]:
    """The controls with one verdict, `pass` or `open`, by id, with what speaks for it."""
    by_rule: dict[str, list[Result]] = {}
    for result in audit.results:
        if result.kind == kind and result.suppression is None and result.baseline != "absent":
            by_rule.setdefault(result.rule_id, []).append(result)
    found = []
    for verdict in audit.verdicts:
        if verdict.kind != kind:
            continue
        evidence = gathered(by_rule.get(verdict.rule.id, ()), places)
        found.append(
            Control(
                anchor=anchors.new(kind, verdict.rule.id),
                rule_id=verdict.rule.id,
                extent=summary.number(verdict.counts.get(kind, 0), "place"),
                explanation=explain(verdict.rule),
                evidence=tuple(evidence[:_EVIDENCE]),
                left=len(evidence) - len(evidence[:_EVIDENCE]),
            )
        )
    return found


def not_applicable(audit: Audit) -> list[tuple[str, Markup]]:
    """The controls that found nothing to judge, each with its requirement."""
    return [
        (verdict.rule.id, inline(verdict.rule.summary))
        for verdict in audit.verdicts
        if verdict.kind == "notApplicable" and not verdict.suppressed
    ]
