"""The metrics of a repository, from all sources that are asked: the library's front door to them.

`measure` gathers, `report` counts: the first asks git and whatever else is named, the second is a function of what they
told, for whoever has events of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from sp404audit.discovery import Reader
from sp404audit.dora.comparison import before, with_comparisons
from sp404audit.dora.counting import production
from sp404audit.dora.events import Collected, History
from sp404audit.dora.figures import Figure, MetricsReport, Window
from sp404audit.dora.fusion import fuse, known_at
from sp404audit.dora.influences import with_influences
from sp404audit.dora.ledger import Ledger, Scope, draw_up
from sp404audit.dora.metrics import figures
from sp404audit.dora.settings import Settings, SettingsError
from sp404audit.dora.window import Calendar, WindowError, parse_moment, utc, window
from sp404audit.git import GitError
from sp404audit.policy import loading
from sp404audit.policy.model import Policy
from sp404audit.results import Result

__all__ = ["MeasureError", "measure", "report"]


_LATEST = 4_102_444_800
"""2100-01-01T00:00Z: what is dated later is a mistake."""


class MeasureError(Exception):
    """Nothing can be measured as asked; the text says why and what to do instead."""


def measure(
    path: str | Path = ".",
    *,
    policy: str | Path | None = None,
    isolated: bool = False,
    config: str | Path | None = None,
    since: str | None = None,
    until: str | None = None,
    as_of: str | None = None,
    timezone: str = "UTC",
    service: str = "",
    events: Sequence[str | Path] = (),
    github: str | None = None,
    api_budget: int = 500,
    prometheus: str | None = None,
    findings: Iterable[Result] = (),
) -> MetricsReport:
    """Measure the delivery of a repository.

    Args:
        path: its root. Without options only its git history is read; there is no network.
        policy: the policy to start from, as in `sp404audit.audit`; its `metrics:` holds counting rules and targets.
        isolated: leave the repository's own configuration out.
        config: the configuration to use, a file below the root, in place of the one that is found by its name.
        since: where the window begins: a date, or a span before its end; 90 days without.
        until: where it ends, itself not in it; `as_of` without.
        as_of: the moment that counts as now: what came later is not known, and what lasts on then has lasted so far.
            Without one, the environment's SOURCE_DATE_EPOCH, else the clock: the one thing that makes two reports on
            the same events differ, so fix it where that matters.
        timezone: where days and weeks begin.
        service: one of the repository's services; empty for all.
        events: event files; `-` is standard input.
        github: ask GitHub's API about `owner/name`, or with `auto` about the remote `origin`.
        api_budget: how many requests to GitHub may be made.
        prometheus: URL of a Prometheus to ask for uptime.
        findings: results of a scan of the same repository, to be named beside the figures that they bear upon.

    Raises:
        MeasureError: for a window, setting or service that means nothing, and when git alone is asked and its history
            is cut off or missing; the text names the command that mends it.
        PolicyError: when a policy or configuration cannot be read.
        NotADirectoryError: when `path` is no folder.
    """
    root = Path(path)
    if not root.is_dir():
        raise NotADirectoryError(f"{path} is no folder; give the root of a repository")
    in_force = loading.resolve(Reader(root), policy, isolated=isolated, config=config)
    scope = _scope(in_force, since=since, until=until, as_of=as_of, timezone=timezone, service=service)
    others = _others(root, scope, events=events, github=github, api_budget=api_budget, prometheus=prometheus)
    collected, history = _git(root, scope, others)
    try:
        return report(scope, collected, history, policy=in_force.name, findings=findings)
    except GitError as error:
        raise MeasureError(str(error)) from None


def report(
    scope: Scope,
    collected: Sequence[Collected],
    history: History | None = None,
    *,
    policy: str = "",
    findings: Iterable[Result] = (),
) -> MetricsReport:
    """Count what the sources told, and measure it.

    Args:
        scope: what is measured, and by which rules.
        collected: what each source told, in any order.
        history: the commit graph; None when there is none.
        policy: name of the policy, for the report.
        findings: as for `measure`.

    Raises:
        MeasureError: when the service is none of the repository's.
    """
    from sp404audit import __version__

    known = [known_at(each, scope.as_of) for each in collected]
    resolve = history.resolve if history is not None else None
    fused = fuse(known, scope.window, production(scope.settings), resolve)
    services = tuple(sorted({*scope.settings.services, *(each.service for each in fused.deployments)} - {""}))
    if scope.service and scope.service not in services:
        there_are = f"there are {', '.join(services)}" if services else "name them under `metrics: services:`"
        raise MeasureError(f"{scope.service} is no service of this repository; {there_are}")
    reports = [each.report for each in collected]
    ledger = draw_up(scope, fused, reports, history)

    def earlier() -> tuple[Figure, ...]:
        return figures(_since_known(draw_up(scope._replace(window=before(scope.window)), fused, reports, history)))

    compared = with_comparisons(figures(ledger), [each.name for each in reports], earlier)
    return MetricsReport(
        version=__version__,
        policy=policy,
        window=scope.window,
        as_of=scope.as_of,
        figures=with_influences(compared, findings),
        sources=ledger.sources,
        disagreements=fused.disagreements,
        services=services,
        service=scope.service,
        deployments=ledger.rows(),
        changes=tuple(each.row for each in ledger.arrivals),
        incidents=ledger.incidents,
        builds=tuple(each for each in ledger.builds if ledger.holds(each.finished_at)),
        availability=ledger.availability,
    )


def _since_known(ledger: Ledger) -> Ledger:
    """A ledger that begins with the first deployment where nothing tells of what came before: no record is no zero."""
    first = min((each.deployment.finished_at for each in ledger.standings), default=None)
    if first is None or ledger.begins_at is not None or first <= ledger.scope.window.since:
        return ledger
    return replace(ledger, covers_since=max(first, ledger.covers_since or first))


def _scope(
    policy: Policy, *, since: str | None, until: str | None, as_of: str | None, timezone: str, service: str
) -> Scope:
    try:
        settings = Settings.of(policy)
        calendar = Calendar(timezone)
        now = _now(as_of, calendar)
        measured = window(since, until, now, calendar)
    except (SettingsError, WindowError) as error:
        raise MeasureError(str(error)) from None
    if measured.since < 0 or now > _LATEST:
        raise MeasureError("the window reaches beyond the years 1970 to 2100; choose another --since or --as-of")
    if measured.until > now:
        told = f"the window would end at {utc(measured.until)}"
        raise MeasureError(f"{told}, and nothing is known after {utc(now)}; choose an earlier end, or a later --as-of")
    return Scope(settings, measured, now, calendar, service)


def _now(as_of: str | None, calendar: Calendar) -> int:
    if as_of:
        return parse_moment(as_of, calendar)
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    if fixed.isascii() and fixed.isdigit() and len(fixed) <= 12:
        return int(fixed)
    import time

    return int(time.time())


def _asked(scope: Scope) -> Window:
    """What sources are asked for: from the window's beginning up to now, since what came later tells what failed."""
    return scope.window._replace(until=max(scope.window.until, scope.as_of))


def _others(
    root: Path,
    scope: Scope,
    *,
    events: Sequence[str | Path],
    github: str | None,
    api_budget: int,
    prometheus: str | None,
) -> list[Collected]:
    """Ask every source but git; each is imported only when it is named."""
    collected = []
    if events:
        from sp404audit.dora.sources import files

        collected.append(files.collect([str(each) for each in events], scope.settings, _asked(scope), root=str(root)))
    if github is not None:
        collected.append(_github(root, scope, "" if github == "auto" else github, api_budget))
    if prometheus is not None:
        collected.append(_prometheus(scope, prometheus))
    return collected


def _github(root: Path, scope: Scope, name: str, budget: int) -> Collected:
    from sp404audit.dora.sources import github

    try:
        with github.open_client(root=root, budget=budget) as client:
            return github.collect(github.repository_name(name, root, client), scope.settings, _asked(scope), client)
    except github.AccessError as error:
        raise MeasureError(str(error)) from None


def _prometheus(scope: Scope, url: str) -> Collected:
    from sp404audit.dora.sources import prometheus
    from sp404audit.dora.sources.http import UrlError

    try:
        return prometheus.collect(url, scope.settings, scope.window)
    except (UrlError, prometheus.CredentialsError) as error:
        raise MeasureError(f"Prometheus: {error}") from None


def _git(root: Path, scope: Scope, others: Sequence[Collected]) -> tuple[list[Collected], History | None]:
    """Read the history; where it is cut off, the other sources do without, and the report says so."""
    from sp404audit.dora.events import Note, SourceReport
    from sp404audit.dora.sources.git import HistoryError, collect

    try:
        told, history = collect(root, scope.settings, _asked(scope))
    except HistoryError as error:
        if not others:
            raise MeasureError(str(error)) from None
        note = Note("git/no-history", str(error))
        return [*others, Collected(SourceReport("git", partial=True, notes=(note,)))], None
    return [*others, told], history
