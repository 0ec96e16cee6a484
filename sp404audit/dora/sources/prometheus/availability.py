"""What a Prometheus is asked, and what its samples say of each service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sp404audit.dora.events import Availability, Note
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import UptimeSettings
from sp404audit.dora.sources.prometheus.fetching import Fetched, fetch
from sp404audit.dora.sources.prometheus.samples import Samples
from sp404audit.dora.sources.prometheus.server import Server
from sp404audit.dora.sources.prometheus.timeline import by_day, service_runs, total
from sp404audit.dora.window import Calendar, utc
from sp404audit.records import NamedTuple

__all__ = ["LEAD", "Measured", "Question", "measure", "questions"]

SOURCE = "prometheus"

LEAD = 300
"""So many seconds before the window are looked at: a sample from there still speaks when the window begins."""

_MINUTE = 60_000
_MANY = 1.5
"""A scrape interval that differs more from the usual distance of samples is not theirs."""


class Question(NamedTuple):
    """One thing to look at.

    Attributes:
        expression: a selector, or for a ratio any expression.
        signal: its name for people.
        ratio: whether values are shares of good from 0 to 1; else 1 is up and 0 is down.
        quorum: how many replicas must be up; ratios have none.
        named: whether the user asked for exactly this: no sample at all then is no sight of it, not another question.
    """

    expression: str
    signal: str
    ratio: bool
    quorum: int
    named: bool


class Measured(NamedTuple):
    """The availability of a service, from how many samples, and what people should know of it."""

    availability: Availability
    samples: int
    notes: tuple[Note, ...]


class _Service(NamedTuple):
    """The series of one service and how often they are scraped; remarks are ids and texts."""

    name: str
    replicas: list[Samples]
    interval: int
    remarks: list[Remark]


Remark = tuple[str, str]


def questions(wanted: UptimeSettings) -> tuple[Question, ...]:
    """What to look at, best first.

    A ratio of good answers says most about what users saw, a probe from outside comes next, and `up` only says that
    the monitor could fetch metrics.
    """
    if wanted.query:
        return (Question(wanted.query, wanted.query, ratio=True, quorum=1, named=True),)
    if wanted.selector:
        return (Question(wanted.selector, wanted.selector, ratio=False, quorum=wanted.quorum, named=True),)
    names = ("probe_success", "up")
    return tuple(Question(name, name, ratio=False, quorum=wanted.quorum, named=False) for name in names)


def measure(server: Server, question: Question, window: Window, calendar: Calendar) -> tuple[list[Measured], str]:
    """Ask, and work out what each service was.

    Returns:
        The services by name, and why it stopped early, when it did: then they end where it stopped.

    Raises:
        PrometheusError: when no answer is to be had.
    """
    since, until = window.since * 1000, window.until * 1000
    if not question.named and not server.has_series(question.expression, since, until):
        return [], ""
    fetched = fetch(server, question.expression, since - LEAD * 1000, until)
    reached = window._replace(until=fetched.until // 1000)
    if reached.until <= reached.since:
        return [], fetched.stopped
    services = list(_services(fetched, question, since, {} if question.ratio else server.scrape_intervals()))
    if not services and question.named:
        services = [_Service("", [], 1000, [("no-samples", "no sample in the window: neither up nor down was seen")])]
    return [_measured(service, fetched, question, reached, calendar) for service in services], fetched.stopped


def _services(
    fetched: Fetched, question: Question, since: int, intervals: Mapping[tuple[str, str], int]
) -> Iterable[_Service]:
    """Sort the series by service; those without a sample in the window tell nothing."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Samples]] = {}
    for samples in fetched.series:
        if samples.times and samples.times[-1] >= since:
            # Ratios of several series cannot be put together without their weights: each is a service.
            own = tuple(sorted(samples.labels.items())) if question.ratio else ()
            groups.setdefault((_service_of(samples.labels, question.ratio), own), []).append(samples)
    for (name, _), replicas in sorted(groups.items(), key=lambda group: group[0]):
        remarks: list[Remark] = []
        interval = fetched.step or _interval(replicas, intervals, remarks)
        yield _Service(name, replicas, interval, remarks)


def _service_of(labels: Mapping[str, str], ratio: bool) -> str:
    """The name of the service that a series is about.

    Targets of one job are replicas of a service; a job of probes has a target for each service.
    """
    job, instance = labels.get("job", ""), labels.get("instance", "")
    if ratio:
        plain = {key: value for key, value in labels.items() if key != "__name__"}
        if len(plain) == 1 and ("service" in plain or "job" in plain):
            return plain.get("service", job)
        return ", ".join(f"{key}={value}" for key, value in sorted(plain.items()))
    return (instance or job) if labels.get("__name__") == "probe_success" else job


def _interval(replicas: list[Samples], intervals: Mapping[tuple[str, str], int], remarks: list[Remark]) -> int:
    """The scrape interval in milliseconds: as the server has it now, unless most samples are further apart."""
    gaps = sorted(gap for gap in (samples.median_gap() for samples in replicas) if gap)
    usual = gaps[(len(gaps) - 1) // 2] if gaps else None
    keys = {(samples.labels.get("job", ""), samples.labels.get("instance", "")) for samples in replicas}
    jobs = {job for job, _ in keys}
    stated = [value for key, value in intervals.items() if key in keys]
    stated = stated or [value for (job, _), value in intervals.items() if job in jobs]
    if not stated:
        if usual is None:
            remarks.append(("interval", "one sample and no scrape interval: it was taken to speak for a minute"))
        return usual or _MINUTE
    interval = max(stated)
    if usual is not None and usual > interval * _MANY:
        apart = f"scraped every {interval / 1000:g} s now, samples are {usual / 1000:g} s apart"
        remarks.append(("interval", f"{apart}: the latter was used"))
        return usual
    return interval


def _measured(service: _Service, fetched: Fetched, question: Question, window: Window, calendar: Calendar) -> Measured:
    began = min((samples.times[0] // 1000 for samples in service.replicas), default=window.since)
    since = max(window.since, began)
    span = (since * 1000, window.until * 1000)
    meaning = _share if question.ratio else _up_or_down
    replicas = [samples.runs(service.interval, *span, meaning) for samples in service.replicas]
    runs = service_runs(replicas, question.quorum) if not question.ratio else [run for each in replicas for run in each]
    remarks = [*service.remarks, *fetched.remarks, *_remarks(service, question, since, window)]
    availability = Availability(
        SOURCE,
        service.name,
        question.signal,
        since,
        window.until,
        *total(runs, *span),
        by_day(runs, calendar.days(window._replace(since=since)), *span),
        "; ".join(text for _, text in remarks),
    )
    name = service.name or question.signal
    notes = tuple(Note(f"{SOURCE}/{id_}", f"{name}: {text}") for id_, text in remarks)
    return Measured(availability, sum(len(samples.times) for samples in service.replicas), notes)


def _remarks(service: _Service, question: Question, since: int, window: Window) -> Iterable[Remark]:
    if since > window.since:
        yield "first-sample", f"the first sample is of {utc(since)}: measured from there on"
    seen = len(service.replicas)
    if question.quorum > seen > 0:
        yield "quorum", f"{question.quorum} replicas must be up, and only {seen} were ever seen"
    meaning = _share if question.ratio else _up_or_down
    strange = sum(
        samples.unreadable + sum(meaning(value) is None for value in samples.values) for samples in service.replicas
    )
    if strange:
        expected = "no share from 0 to 1" if question.ratio else "neither 0 nor 1"
        yield "values", f"{strange:,} samples are {expected}: not known what they mean"


def _share(value: float) -> float | None:
    return value if 0 <= value <= 1 else None


def _up_or_down(value: float) -> float | None:
    return value if value in (0, 1) else None
