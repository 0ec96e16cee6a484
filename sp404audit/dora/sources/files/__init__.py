"""Events out of files: our own simple form, CloudEvents, CDEvents and PagerDuty's webhooks.

Files are told apart by what is in them; one file may hold several forms. A record that cannot be used is told with its
place, and the rest goes on; the report is then partial.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from sp404audit.dora.events import Build, Change, Collected, Deployment, Incident, SourceReport
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings, matches_any
from sp404audit.dora.sources.files.cdevents import is_cdevent, is_cloudevent, read_cdevent, unwrap
from sp404audit.dora.sources.files.joining import Told, join
from sp404audit.dora.sources.files.merging import unique
from sp404audit.dora.sources.files.own import SOURCE, Event, kind_of, read_record
from sp404audit.dora.sources.files.pagerduty import body_of, read_signal
from sp404audit.dora.sources.files.problems import Place, Problems, RecordError
from sp404audit.dora.sources.files.reading import Record, records_of
from sp404audit.dora.sources.files.spells import Signal, incidents_of
from sp404audit.dora.window import utc

__all__ = ["MAX_BYTES", "collect"]

MAX_BYTES = 32 * 1024 * 1024
"""The largest event file that is read."""


def collect(
    paths: Sequence[str],
    settings: Settings,
    window: Window,
    *,
    configured: Sequence[str] = (),
    root: str = ".",
    stdin: IO[bytes] | None = None,
) -> Collected:
    """Read event files.

    Args:
        paths: files that the user named; they may lie anywhere, and `-` is standard input.
        settings: whose patterns of bots say which changes are a program's.
        window: of the measurement. Events outside of it are kept: what came before decides what is new.
        configured: files that the repository's own configuration names, relative to `root`; only regular files below
            it are opened.
        root: the repository.
        stdin: read for `-`; without it, the process's own.

    Returns:
        The events, whatever the files hold: nothing raises. A file or a record that cannot be used is a note, and the
        report is partial.
    """
    problems = Problems()
    reader = _Reader(problems, settings)
    for path in dict.fromkeys(paths):
        data = _read(path, problems, stdin)
        reader.file(data, "standard input" if path == "-" else path)
    for path in dict.fromkeys(configured):
        reader.file(_read_below(root, path, problems), path)
    return _collected(reader.events(), problems, window)


class _Reader:
    """Sorts records by form; what only makes sense together waits for the last file."""

    def __init__(self, problems: Problems, settings: Settings) -> None:
        self.problems = problems
        self.settings = settings
        self._own: list[Event] = []
        self._cdevents: list[Told] = []
        self._signals: list[Signal] = []

    def file(self, data: bytes | None, path: str) -> None:
        """Take in one file; None when it could not be read, which has been told."""
        for record in records_of(data, path, self.problems) if data is not None else ():
            try:
                self._take(record)
            except RecordError as error:
                self.problems.lost(record.place, error.id, str(error))

    def events(self) -> list[Event]:
        """Every event of every file, each once."""
        joined = join(self._cdevents, self.problems)
        alerts = incidents_of(self._signals, self.problems)
        return unique([*self._own, *joined, *alerts], self.problems)

    def _take(self, record: Record) -> None:
        values = record.values
        if is_cloudevent(values):
            self._take_cloudevent(values, record)
        elif is_cdevent(values):
            self._take_cdevent(values, record.place)
        elif (body := body_of(values)) is not None:
            signal = read_signal(body, record.place)
            if signal is not None:
                self._signals.append(signal)
        else:
            self._take_own(values, record)

    def _take_cloudevent(self, envelope: Mapping[str, Any], record: Record) -> None:
        body = unwrap(envelope)
        if is_cdevent(body):
            self._take_cdevent(body, record.place)
        elif envelope["type"].startswith("dev.cdevents.") and isinstance(body.get("subject"), Mapping):
            names = {"id": "id", "source": "source", "type": "type", "timestamp": "time"}
            context = {ours: envelope.get(theirs) for ours, theirs in names.items()}
            self._take_cdevent({**body, "context": context}, record.place)
        elif "kind" in body:
            self._take_own(body, record)
        else:
            self.problems.remark("events/ignored", "{n} CloudEvents hold neither a CDEvent nor our own form")

    def _take_cdevent(self, body: Mapping[str, Any], place: Place) -> None:
        event = read_cdevent(body)
        if event is None:
            self.problems.remark("events/ignored", "{n} CDEvents of custom types mean nothing to the metrics")
        else:
            self._cdevents.append((event, place))

    def _take_own(self, values: Mapping[str, Any], record: Record) -> None:
        event = read_record(values, kind_of(values, record.kind), record.place, self.problems)
        if isinstance(event, Change) and matches_any(event.author, self.settings.bots):
            event = event._replace(is_bot=True)
        self._own.append(event)


def _read(path: str, problems: Problems, stdin: IO[bytes] | None) -> bytes | None:
    """The bytes of a file that the user named: a pipe or a link is as good as a file then."""
    import sys

    try:
        if path == "-":
            data = (stdin or sys.stdin.buffer).read(MAX_BYTES + 1)
        else:
            with open(path, "rb") as file:  # noqa: PTH123 (a name of standard input's kind may be no path)
                data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name cannot be opened"
        problems.lost(Place(path), "events/unreadable", f"cannot be read: {reason}")
        return None
    if len(data) > MAX_BYTES:
        message = f"is larger than {MAX_BYTES // 1024 // 1024} MiB: not read; split it by time"
        problems.lost(Place(path), "events/too-large", message)
        return None
    return data


def _read_below(root: str, path: str, problems: Problems) -> bytes | None:
    """The bytes of a file that a configuration named, which may have come with the repository."""
    from sp404audit.discovery.reading import InputError, read

    parts = path.split("/")
    if path.startswith("/") or "\\" in path or ":" in path or ".." in parts or "" in parts:
        message = "a configuration can only name files below its root, by a relative path with /"
        problems.lost(Place(path), "events/unreadable", message)
        return None
    try:
        return read(root, "/".join(part for part in parts if part != "."), MAX_BYTES)
    except InputError as error:
        problems.lost(Place(path), "events/unreadable", error.notification.message)
        return None


def _collected(events: Iterable[Event], problems: Problems, window: Window) -> Collected:
    made = list(events)
    deployments = sorted((e for e in made if isinstance(e, Deployment)), key=lambda e: (e.finished_at, e.id))
    incidents = sorted((e for e in made if isinstance(e, Incident)), key=lambda e: (e.opened_at, e.id))
    builds = sorted((e for e in made if isinstance(e, Build)), key=lambda e: (e.started_at, e.id))
    changes = sorted((e for e in made if isinstance(e, Change)), key=lambda e: (e.committed_at, e.sha))
    if deployments and deployments[0].finished_at > window.since:
        first = utc(deployments[0].finished_at)
        message = f"the first deployment in event files is of {first}: whether there were any before, they do not say"
        problems.remark("events/coverage", message)
    counts = {
        "deployments": len(deployments),
        "incidents": len(incidents),
        "builds": len(builds),
        "changes": len(changes),
    }
    return Collected(
        SourceReport(SOURCE, counts, None, problems.lossy, problems.notes()),
        tuple(deployments),
        tuple(changes),
        tuple(incidents),
        tuple(builds),
    )
