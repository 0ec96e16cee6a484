"""Against a real Prometheus on loopback, with blocks written for it: the traps of measuring uptime, to the second."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sp404audit.dora.events import Availability, Collected
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings, UptimeSettings
from sp404audit.dora.sources.prometheus import collect

pytestmark = [pytest.mark.heavy("prometheus"), pytest.mark.xdist_group("prometheus")]

BINARIES = Path(__file__).parents[4] / ".ci/prometheus/usr/bin"
T0 = 1_704_067_200  # 2024-01-01T00:00:00Z
DAY = 86_400
WINDOW = Window(T0, T0 + DAY)

Value = Callable[[int], object]
"""What a series is at so many seconds after T0; None for no sample."""


def series(
    name: str, labels: str, value: Value, seconds: int = DAY, step: int = 15, offset: float = 0
) -> Iterator[str]:
    for at in range(0, seconds, step):
        if (sample := value(at)) is not None:
            yield f"{name}{{{labels}}} {sample} {T0 + at + offset:.3f}"


def api(down: range) -> Value:
    """A replica that is down for a while; the monitor itself is off from 10:00 to 12:00."""
    return lambda at: None if 36_000 <= at < 43_200 else int(at not in down)


def sli(at: int) -> object:
    if at == 7200:
        return "NaN"
    return 0.5 if at < 3600 else 1


TRAPS: list[tuple[str, list[tuple[str, Value, dict[str, Any]]]]] = [
    ("up", [
        ('job="api",instance="a"', api(range(3600, 4800)), {}),
        ('job="api",instance="b"', api(range(4500, 5400)), {}),
        ('job="api",instance="c"', lambda at: 0 if 7200 <= at < 7500 else None, {}),
        ('job="shifted",instance="a"', lambda at: int(at not in range(600, 1200)), {"offset": 3.217}),
        ('job="shifted",instance="b"', lambda at: int(at not in range(900, 1500)), {"offset": 11.004}),
        ('job="late",instance="a"', lambda at: 1 if at >= 43_200 else None, {}),
    ]),
    ("probe_success", [
        ('job="web",instance="https://one.example"', lambda at: int(at >= 600), {"step": 60}),
        ('job="web",instance="https://two.example"', lambda at: 1, {"step": 60}),
    ]),
    ("sli:availability:ratio5m", [('service="shop"', sli, {"step": 60})]),
]  # fmt: skip


@contextmanager
def prometheus(folder: Path, metrics: list[str], retention: str, port: int) -> Iterator[str]:
    """Write blocks with these samples, and serve them."""
    written, data, config = folder / "metrics.txt", folder / "data", folder / "prometheus.yml"
    written.write_text("\n".join([*metrics, "# EOF", ""]), "utf-8")
    config.write_text("scrape_configs: []\n", "utf-8")
    command = [str(BINARIES / "promtool"), "tsdb", "create-blocks-from", "openmetrics", str(written), str(data)]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    options = [f"--config.file={config}", f"--storage.tsdb.path={data}", f"--storage.tsdb.retention.time={retention}"]
    options += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([BINARIES / "prometheus", *options], stdout=log, stderr=log, cwd=folder)
    try:
        wait(f"http://127.0.0.1:{port}/-/ready", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text("utf-8")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(log.read_text("utf-8"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[str]:
    lines = []
    for name, told in TRAPS:
        lines.append(f"# TYPE {name} gauge")
        for labels, value, options in told:
            lines += series(name, labels, value, **options)
    with prometheus(tmp_path_factory.mktemp("prometheus"), lines, "100y", free_port()) as url:
        yield url


def ask(url: str, window: Window = WINDOW, **uptime: Any) -> Collected:
    return collect(url, Settings(uptime=UptimeSettings(**uptime)), window, environment={})


def seconds(availability: Availability) -> tuple[float, float, float]:
    return availability.up, availability.down, availability.unknown


def only(collected: Collected) -> Availability:
    assert not collected.report.partial, collected.report.notes
    (found,) = collected.availability
    return found


def test_overlapping_outages_a_dead_replica_and_a_monitor_that_was_off(server: str) -> None:
    got = only(ask(server, selector='up{job="api"}'))
    assert seconds(got) == (DAY - 7200 - 300, 300, 7200)
    assert (got.source, got.service, got.signal) == ("prometheus", "api", 'up{job="api"}')
    assert (got.since, got.until) == (T0, T0 + DAY)
    assert got.days == ((T0, DAY - 7200 - 300, 300, 7200),)


def test_quorum(server: str) -> None:
    assert seconds(only(ask(server, selector='up{job="api"}', quorum=2))) == (DAY - 7200 - 1800, 1800, 7200)
    three = ask(server, selector='up{job="api"}', quorum=4)
    assert seconds(only(three)) == (0, DAY - 7200, 7200)
    assert "4 replicas must be up, and only 3 were ever seen" in three.report.notes[0].message


def test_replicas_that_are_scraped_at_other_times(server: str) -> None:
    """The outage that both share lasts from the later one's first failure to the earlier one's first success."""
    got = only(ask(server, selector='up{job="shifted"}'))
    assert got.down == pytest.approx(1203.217 - 911.004)
    assert got.unknown == pytest.approx(0)  # the first second counts with the first sample
    assert got.since == T0 + 3


def test_windows_add_up(server: str) -> None:
    cut = T0 + 50_003
    whole = only(ask(server, selector='up{job="api"}'))
    parts = [
        only(ask(server, Window(since, until), selector='up{job="api"}'))
        for since, until in ((T0, cut), (cut, T0 + DAY))
    ]
    assert [part.since for part in parts] == [T0, cut]
    assert tuple(map(sum, zip(*map(seconds, parts), strict=True))) == seconds(whole)


def test_days_of_another_time_zone(server: str) -> None:
    window = Window(T0, T0 + DAY, "Asia/Kolkata")
    got = only(ask(server, window, selector='up{job="api"}'))
    midnight = T0 + DAY - 19_800
    assert [day[0] for day in got.days] == [midnight - DAY, midnight]
    assert tuple(map(sum, zip(*(day[1:] for day in got.days), strict=True))) == seconds(got)
    assert got.days[1] == (midnight, 19_800, 0, 0)


def test_nothing_after_the_last_sample_is_known(server: str) -> None:
    got = only(ask(server, Window(T0 + DAY - 600, T0 + DAY + 600), selector='up{job="api"}'))
    assert seconds(got) == (600, 0, 600)


def test_measured_from_the_first_sample_on(server: str) -> None:
    collected = ask(server, selector='up{job="late"}')
    got = only(collected)
    assert (got.since, seconds(got)) == (T0 + 43_200, (43_200, 0, 0))
    assert collected.report.covers_since == T0 + 43_200
    assert "the first sample is of 2024-01-01T12:00:00Z: measured from there on" in got.remark


def test_probes_come_before_up_and_are_a_service_each(server: str) -> None:
    one, two = ask(server).availability
    assert (one.signal, one.service, two.service) == ("probe_success", "https://one.example", "https://two.example")
    assert (seconds(one), seconds(two)) == ((DAY - 600, 600, 0), (DAY, 0, 0))


def test_ratio_of_a_recording_rule(server: str) -> None:
    collected = ask(server, query="sli:availability:ratio5m")
    got = only(collected)
    assert (got.service, seconds(got)) == ("shop", (DAY - 1800 - 60, 1800, 60))
    assert "1 samples are no share from 0 to 1" in collected.report.notes[0].message


def test_expression_is_worked_out_by_the_server_and_that_is_told(server: str) -> None:
    collected = ask(server, query="sli:availability:ratio5m * 1")
    got = only(collected)
    assert seconds(got) == (DAY - 1800 - 60, 1800, 60)
    assert "values every 60 s as the server works them out" in got.remark


def test_expression_over_more_steps_than_an_answer_may_have(server: str) -> None:
    got = only(ask(server, Window(T0 - 20 * DAY, T0 + DAY), query="sli:availability:ratio5m * 1"))
    assert (got.since, seconds(got)) == (T0, (DAY - 1800 - 60, 1800, 60))


def test_selector_that_ends_in_a_comment(server: str) -> None:
    assert seconds(only(ask(server, selector='up{job="api"} # ours'))) == (DAY - 7200 - 300, 300, 7200)


def test_no_sample_is_no_sight_and_not_all_well(server: str) -> None:
    got = only(ask(server, selector='up{job="nobody"}'))
    assert seconds(got) == (0, 0, DAY)
    empty = ask(server, Window(T0 - 9 * DAY, T0 - 8 * DAY))
    assert empty.availability == ()
    assert "no sample of probe_success or up in the window" in empty.report.notes[0].message


def test_query_that_is_none(server: str) -> None:
    got = ask(server, query="up{")
    assert (got.availability, got.report.partial) == ((), True)
    assert "does not take the query" in got.report.notes[0].message


def test_retention_that_is_shorter_than_the_window(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """Prometheus drops whole blocks, here of two hours, that end more than the retention before the newest ends."""
    lines = ["# TYPE up gauge", *series("up", 'job="api",instance="a"', lambda at: 1, 2 * DAY, 60)]
    with prometheus(tmp_path, lines, "23h", free_port()) as url:
        collected = ask(url, Window(T0, T0 + 2 * DAY))
    got = only(collected)
    assert (got.signal, got.since, seconds(got)) == ("up", T0 + DAY, (DAY, 0, 0))
    assert [day[0] for day in got.days] == [T0 + DAY]
    assert collected.report.covers_since == T0 + DAY
    told = [note.message for note in collected.report.notes]
    assert any("keeps 23 hours and the window is 2 days: what is older is gone, not up" in text for text in told)
