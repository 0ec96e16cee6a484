"""Intervals, crontabs and timers."""

from __future__ import annotations

import pytest

from sp404audit.documents.pipeline.schedules import Schedule, cron_hours, hours_of, parse_crontab, parse_systemd
from sp404audit.documents.shell.commands import ShellCommand
from sp404audit.documents.source import Source


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("0 3 * * *", 24),
        ("0 */6 * * *", 6),
        ("5 * * * *", 1),
        ("*/15 * * * *", 0.25),
        ("0 3 * * 0", 168),
        ("0 1 * * 1-6", 28),
        ("0 5 1 * *", 730),
        ("0 0 2 * * *", 24),
        ("@daily", 24),
        ("@every 24h", 24),
        ("0 3,15 * * *", 12),
        ("nonsense", None),
        ("", None),
    ],
)
def test_cron_hours(expression: str, hours: float | None) -> None:
    assert cron_hours(expression) == (None if hours is None else pytest.approx(hours))


@pytest.mark.parametrize(
    ("text", "hours"),
    [("30d", 720), ("960h0m0s", 960), ("2 weeks", 336), ("90min", 1.5), ("1 month", 730), ("soon", None)],
)
def test_durations(text: str, hours: float | None) -> None:
    assert hours_of(text) == (None if hours is None else pytest.approx(hours))


def test_crontab_with_and_without_a_user() -> None:
    text = b"MAILTO=x\n# comment\n15 2 * * * backup flock -n /run/l /opt/scripts/backup.sh\n@hourly root /bin/true\n"
    facts = list(parse_crontab(Source("etc/cron.d/backup", text)).facts())
    assert [fact.expression for fact in facts if isinstance(fact, Schedule)] == ["15 2 * * *", "@hourly"]
    assert [fact.name for fact in facts if isinstance(fact, ShellCommand)] == ["backup.sh", "true"]
    plain = list(parse_crontab(Source("ops/crontab", b"0 3 * * * pg_dump x > y\n")).facts())
    assert [fact.name for fact in plain if isinstance(fact, ShellCommand)] == ["pg_dump"]


def test_systemd_units() -> None:
    timer = parse_systemd(Source("units/restic.timer", b"[Timer]\nOnCalendar=*-*-* 01:30:00\n"))
    (schedule,) = list(timer.facts())
    assert isinstance(schedule, Schedule)
    assert (schedule.owner, schedule.hours) == ("restic", 24)
    service = parse_systemd(Source("restic.service", b"[Service]\nExecStart=-/usr/bin/restic backup \\\n  /srv\n"))
    (command,) = list(service.facts())
    assert isinstance(command, ShellCommand)
    assert command.argv == ("/usr/bin/restic", "backup", "/srv")
