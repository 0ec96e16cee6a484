"""Uptime: for which share of the window the service was up. Not a metric of DORA.

What nobody saw is not up: with a Prometheus, the figure is of the time that was seen, and its interval counts the rest
as down and as up. Without one, it is what incidents leave: one less the union of their times by the window; incidents
of which no severity is known are down only at the lower end. Several services are never averaged: the worst counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sp404audit.dora.events import Availability, Incident
from sp404audit.dora.figures import Bucket, Confidence, Counted, Figure, Interval, Target, Verdict, Window
from sp404audit.dora.ledger import Ledger
from sp404audit.dora.metrics.assembly import Draft, finish
from sp404audit.dora.targets import judge
from sp404audit.dora.window import utc
from sp404audit.dora.wording import amount, interval_text, plural, span
from sp404audit.records import NamedTuple

__all__ = ["uptime"]

_TITLE = "Uptime"


class _Seen(NamedTuple):
    """How long one service was up, down and not seen, of the whole window."""

    of: Availability
    up: float
    down: float
    unknown: float

    @property
    def whole(self) -> float:
        return self.up + self.down + self.unknown

    @property
    def observed(self) -> float | None:
        return self.up / (self.up + self.down) if self.up + self.down > 0 else None

    @property
    def interval(self) -> Interval:
        whole = self.whole or 1.0
        return Interval(self.up / whole, 1 - self.down / whole, "unseen time counted as down and as up")


def uptime(ledger: Ledger) -> Figure:
    """Measure uptime from monitoring where there is any, else from incidents."""
    if ledger.availability:
        return _from_monitoring(ledger)
    return _from_incidents(ledger)


def _from_monitoring(ledger: Ledger) -> Figure:
    window = ledger.scope.window
    seen = [_over(each, window) for each in ledger.availability]
    worst = min(seen, key=_badness)
    coverage = 1 - worst.unknown / worst.whole
    interval = worst.interval if worst.observed is not None else None
    values = {
        "observed": worst.observed,
        "coverage": coverage,
        "lower": worst.interval.lower,
        "upper": worst.interval.upper,
        **_budget(ledger, worst.down),
        "down_seconds": worst.down,
        "unknown_seconds": worst.unknown,
        "signal": worst.of.signal,
        "service": worst.of.service,
        "services": {each.of.service: each.observed for each in sorted(seen, key=_name)},
    }
    confidence, because = _confidence(worst, coverage, ledger)
    return finish(
        Draft(
            metric="uptime",
            title=_TITLE,
            method="uptime/v1:samples",
            unit="ratio",
            value=worst.observed,
            n=_days_seen(worst, window),
            values=values,
            events="days with samples",
            interval=interval,
            confidence=confidence,
            because=because,
            sources=[each.of.source for each in seen],
            evidence=[row for each in seen for row in _evidence(each, window, counts=each is worst)],
            remarks=_remarks(worst, seen),
            buckets=_days(worst, ledger),
            in_dora=False,
            judged=lambda target: _judge(target, worst.observed, worst.interval, coverage, ledger),
        ),
        ledger,
    )


def _is_scrape(signal: str) -> bool:
    """Whether a signal is that of the scrape itself: `up`, or `up{job="api"}`."""
    return signal.partition("{")[0].strip() == "up"


def _badness(seen: _Seen) -> tuple[float, str]:
    return (seen.observed if seen.observed is not None else 2.0), seen.of.service


def _name(seen: _Seen) -> str:
    return seen.of.service


def _over(availability: Availability, window: Window) -> _Seen:
    """Stretch what was seen over the window: what the source did not look at is unknown."""
    up, down = max(0.0, availability.up), max(0.0, availability.down)
    whole = float(max(1, window.until - window.since))
    if up + down > whole:  # it looked at more than the window; its shares are all that is known
        scale = whole / (up + down)
        up, down = up * scale, down * scale
    return _Seen(availability, up, down, whole - up - down)


def _confidence(worst: _Seen, coverage: float, ledger: Ledger) -> tuple[Confidence, str]:
    if worst.observed is None:
        return "none", f"{worst.of.source} has no sample of {worst.of.signal} in the window"
    seen = f"{amount(coverage, 'ratio')} of the window was seen, by {worst.of.signal}"
    if coverage < ledger.scope.settings.uptime.min_coverage:
        return "low", seen
    return ("medium" if _is_scrape(worst.of.signal) else "high"), seen


def _judge(
    target: Target, value: float | None, reach: Interval, coverage: float | None, ledger: Ledger
) -> tuple[Verdict, str]:
    settings = ledger.scope.settings
    if value is None:
        return "not proven", "nothing was seen of the service"
    verdict = judge(target, value, reach, by_point=settings.verdicts == "point")
    told = f"{amount(value, 'ratio')} of what was seen, {interval_text(reach, 'ratio')} of the window"
    least = settings.uptime.min_coverage
    if coverage is not None and coverage < least and verdict == "pass":
        return "not proven", f"{told}; a verdict needs {amount(least, 'ratio')} of the window to have been seen"
    if verdict == "not proven":
        return verdict, f"{told}: what was not seen decides"
    return verdict, told


def _budget(ledger: Ledger, down: float) -> dict[str, object]:
    """How much downtime the target allows in the window, and how much of that is used."""
    target = ledger.scope.settings.targets.get("uptime")
    window = ledger.scope.window
    budget = (1 - target.value) * (window.until - window.since) if target else None
    return {
        "budget_seconds": budget,
        "budget_used_seconds": down,
        "budget_left_seconds": budget - down if budget is not None else None,
    }


def _days_seen(worst: _Seen, window: Window) -> int:
    """On how many days anything was seen."""
    if worst.observed is None:
        return 0
    return sum(1 for _, up, down, _ in _days_within(worst.of, window) if up + down > 0) or 1


def _evidence(seen: _Seen, window: Window, *, counts: bool) -> Iterable[Counted]:
    """A line for each day of the service that counts, as far as days are told apart; one for each other service."""
    of = seen.of
    name = of.service or of.signal
    days = _days_within(of, window) if counts else []
    for start, up, down, unknown in days:
        value = up / (up + down) if up + down > 0 else None
        day = utc(start).partition("T")[0]
        rule = _rule(of.signal, up, down, unknown)
        yield Counted(f"{name} {day}", max(start, window.since), value, value is not None, rule, of.source)
    if not days:
        rule = _rule(of.signal, seen.up, seen.down, seen.unknown)
        rule = rule if counts else f"{rule}; another service was worse"
        is_seen = counts and seen.observed is not None
        yield Counted(name, window.since, seen.observed, is_seen, rule, of.source)


def _rule(signal: str, up: float, down: float, unknown: float) -> str:
    return f"{signal}: up {span(up)}, down {span(down)}, not seen {span(unknown)}"


def _days_within(of: Availability, window: Window) -> list[tuple[int, float, float, float]]:
    return [day for day in of.days if window.since - 86_400 < day[0] < window.until]


def _remarks(worst: _Seen, seen: Sequence[_Seen]) -> list[str]:
    remarks = [each.of.remark for each in seen if each.of.remark]
    if _is_scrape(worst.of.signal):
        remarks.append("`up` tells that a target could be scraped, not that users were served")
    if len(seen) > 1:
        remarks.append(f"the worst of {plural(len(seen), 'service')} counts: {worst.of.service or worst.of.signal}")
    return list(dict.fromkeys(remarks))


def _days(worst: _Seen, ledger: Ledger) -> tuple[Bucket, ...]:
    """A bucket a day; a day of which nothing was seen is a gap."""
    window = ledger.scope.window
    found = []
    for start, up, down, unknown in _days_within(worst.of, window):
        value = up / (up + down) if up + down > 0 else None
        whole = up + down + unknown
        found.append(Bucket(start, round(start + whole), value, 1 if value is not None else 0, whole < 82_800))
    return tuple(found)


def _from_incidents(ledger: Ledger) -> Figure:
    """What incidents leave of the window."""
    window = ledger.scope.window
    severe = [each for each in ledger.incidents if _is_severe(each, ledger) is True]
    perhaps = [each for each in ledger.incidents if _is_severe(each, ledger) is not False]
    whole = window.until - window.since
    down, most = _union(severe, ledger), _union(perhaps, ledger)
    reach = Interval(1 - most / whole, 1 - down / whole, "incidents without a severity counted as down and as up")
    is_known = bool(ledger.incidents)
    value = reach.upper if is_known else None
    touching = [each for each in ledger.incidents if _union([each], ledger) > 0 or ledger.holds(each.opened_at)]
    return finish(
        Draft(
            metric="uptime",
            title=_TITLE,
            method="uptime/v1:incidents",
            unit="ratio",
            value=value,
            n=len(touching),
            values={
                "observed": value,
                "coverage": None,
                "lower": reach.lower if is_known else None,
                "upper": reach.upper if is_known else None,
                **(_budget(ledger, down) if is_known else {}),
                "down_seconds": down if is_known else None,
                "signal": "incidents" if is_known else None,
            },
            events="incidents",
            interval=reach if is_known else None,
            confidence="low" if is_known else "none",
            because="from the times of incidents, not from monitoring" if is_known else "nothing tells of uptime",
            sources=[each.source for each in touching],
            evidence=[_incident_evidence(each, ledger) for each in touching],
            remarks=["what no incident tells of is taken for up"] if is_known else [],
            in_dora=False,
            judged=lambda target: _judge(target, value, reach, None, ledger),
        ),
        ledger,
    )


def _is_severe(incident: Incident, ledger: Ledger) -> bool | None:
    """Whether an incident is downtime by the policy; None when it names no severity."""
    wanted = ledger.scope.settings.uptime.incident_severities
    if not wanted:
        return True
    if not incident.severity:
        return None
    return incident.severity.strip().lower() in {each.strip().lower() for each in wanted}


def _union(incidents: Iterable[Incident], ledger: Ledger) -> int:
    """For how many seconds of the window at least one of the incidents was open."""
    window, total, reached = ledger.scope.window, 0, ledger.scope.window.since
    last = min(window.until, ledger.scope.as_of)
    for each in sorted(incidents, key=lambda each: (each.opened_at, each.id)):
        end = min(last, last if each.resolved_at is None else each.resolved_at)
        start = max(reached, each.opened_at)
        if end > start:
            total += end - start
            reached = end
    return total


def _incident_evidence(incident: Incident, ledger: Ledger) -> Counted:
    severe = _is_severe(incident, ledger)
    rules = {
        True: "down while it was open",
        None: "names no severity: down only at the lower end",
        False: f"its severity, {incident.severity}, is no downtime by the policy",
    }
    seconds = _union([incident], ledger)
    share = seconds / (ledger.scope.window.until - ledger.scope.window.since)
    rule = f"{rules[severe]} ({span(seconds)} of the window)" if severe is not False else rules[severe]
    counted = severe is not False
    return Counted(incident.id, incident.opened_at, share, counted, rule, incident.source, incident.url)
