"""For how long a service was up, as a Prometheus saw it: from raw samples, with what nobody saw told apart.

Averages over a range weigh every sample alike, a query over a range fills gaps with the last value, and both make a
monitor that was off look like a service that was up. Here raw samples are fetched a day at a time; each speaks for its
own scrape interval, and what no sample speaks for is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

from sp404audit.dora.events import Collected, Note, SourceReport
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.http import Client, parse_url
from sp404audit.dora.sources.prometheus.availability import Measured, Question, measure, questions
from sp404audit.dora.sources.prometheus.server import MAX_ANSWER, PrometheusError, Server
from sp404audit.dora.window import Calendar

__all__ = ["PASSWORD", "SOURCE", "TOKEN", "USERNAME", "CredentialsError", "collect"]

SOURCE = "prometheus"
"""The name of this source in events and reports."""

TOKEN, USERNAME, PASSWORD = (
    "SP404AUDIT_PROMETHEUS_TOKEN",
    "SP404AUDIT_PROMETHEUS_USERNAME",
    "SP404AUDIT_PROMETHEUS_PASSWORD",
)
"""Environment variables that hold what the server wants: a bearer token, or a name and a password."""

TIMEOUT = 30.0
"""Seconds for one answer."""

_MANY_HOURS = 48


class CredentialsError(ValueError):
    """Credentials that cannot be sent; the text names the variable and never its value."""


def collect(
    url: str,
    settings: Settings,
    window: Window,
    *,
    environment: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> Collected:
    """Ask a Prometheus for how long each service was up.

    Args:
        url: where the server is, with the path below which `/api/v1` lies. It must be the user's own word: whoever
            sets it is sent the credentials, so that it is never taken from the configuration of a repository.
        settings: `settings.uptime` says what to look at: a ratio, else a selector, else probes, else `up`.
        window: what is measured; days are the calendar's of its time zone.
        environment: where credentials are looked for; without it, the process's own.
        timeout: seconds for one answer.

    Returns:
        The availability of each service. Trouble with the server is a note, and the report is partial then.

    Raises:
        UrlError: when the address is none.
        CredentialsError: when the environment holds credentials that cannot be sent.
    """
    import os

    address = parse_url(url)
    headers = _credentials(os.environ if environment is None else environment)
    notes: list[Note] = []
    if headers and not address.is_private:
        notes.append(Note("prometheus/plain-http", f"credentials go to {address.origin} unencrypted; use https"))
    with Client(address, headers, timeout=timeout, limit=MAX_ANSWER) as client:
        server = Server(client)
        found, partial = _ask(server, questions(settings.uptime), window, notes)
        if not partial:
            _tell_retention(server, window, notes)
    notes += [Note("prometheus/warning", f"the server warns: {text}") for text in server.warnings]
    availability = tuple(each.availability for each in found)
    notes += [note for each in found for note in each.notes]
    late = [each.since for each in availability if each.since > window.since]
    counts = {"services": len(availability), "samples": sum(each.samples for each in found)}
    report = SourceReport(SOURCE, counts, max(late, default=None), partial, tuple(dict.fromkeys(notes)))
    return Collected(report, availability=availability)


def _ask(
    server: Server, wanted: tuple[Question, ...], window: Window, notes: list[Note]
) -> tuple[list[Measured], bool]:
    """Put the questions in their order of preference until one has an answer; whether it is only a part of one."""
    calendar = Calendar(window.timezone)
    try:
        for question in wanted:
            found, stopped = measure(server, question, window, calendar)
            if stopped:
                notes.append(Note("prometheus/partial", f"{question.signal}: {stopped}"))
            if found or stopped:
                return found, bool(stopped)
    except PrometheusError as error:
        notes.append(Note("prometheus/failed", str(error)))
        return [], True
    asked = " or ".join(question.signal for question in wanted)
    notes.append(Note("prometheus/no-samples", f"no sample of {asked} in the window: neither up nor down was seen"))
    return [], False


def _tell_retention(server: Server, window: Window, notes: list[Note]) -> None:
    kept = server.retention()
    if kept is None or kept >= (window.until - window.since) * 1000:
        return
    hours = kept / 3_600_000
    span = f"{hours:g} hours" if hours < _MANY_HOURS else f"{hours / 24:g} days"
    lengths = f"the server keeps {span} and the window is {window.days:g} days"
    way_out = "raise --storage.tsdb.retention.time, or measure a shorter window"
    notes.append(Note("prometheus/retention", f"{lengths}: what is older is gone, not up; {way_out}"))


def _credentials(environment: Mapping[str, str]) -> Mapping[str, str]:
    token = environment.get(TOKEN, "").strip()
    username, password = environment.get(USERNAME, ""), environment.get(PASSWORD, "").strip("\r\n")
    if token and (username or password):
        raise CredentialsError(f"{TOKEN} and {USERNAME} are both set; a server takes one of them")
    if password and not username:
        raise CredentialsError(f"{PASSWORD} is set and {USERNAME} is not")
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            raise CredentialsError(f"{TOKEN} holds characters that no token can")
        return {"Authorization": f"Bearer {token}"}
    if username:
        import base64

        if ":" in username:
            raise CredentialsError(f"{USERNAME} holds a colon, which no name can (RFC 7617)")
        return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}
    return {}
