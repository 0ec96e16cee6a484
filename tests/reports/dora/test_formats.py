"""Every format of the metrics report: what people see stays as it is, machines can read it, hostile names stay text."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from sp404audit.dora.figures import METRICS, Bucket, MetricsReport
from sp404audit.reports import Options
from sp404audit.reports.dora import FOLDER_FORMATS, FORMATS, json_report, render, render_folder, wording
from sp404audit.reports.dora.explain import explain
from sp404audit.reports.dora.rebuild import rebuild_metrics

GOLDEN = Path(__file__).parent.parent.parent / "golden"


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, "utf-8", newline="\n")
    assert text == path.read_text("utf-8"), f"{name} changed: look at it, then UPDATE_GOLDEN=1"


@pytest.mark.parametrize(
    ("format", "name"),
    [
        ("text", "metrics.txt"),
        ("markdown", "metrics.md"),
        ("openmetrics", "metrics.openmetrics"),
        ("csv", "metrics.csv"),
    ],
)
def test_what_people_see(finished: MetricsReport, format: str, name: str) -> None:  # noqa: A002
    golden(name, render(format, finished, Options(verbose=True, width=120)))


def test_what_lies_behind_a_figure(finished: MetricsReport) -> None:
    golden("metrics.explain.txt", explain(finished, "change_failure_rate", Options(width=120)))


def test_json_keeps_its_schema(finished: MetricsReport) -> None:
    validator = jsonschema.Draft202012Validator(json_report.schema())
    jsonschema.Draft202012Validator.check_schema(json_report.schema())
    assert [error.json_path for error in validator.iter_errors(json.loads(render("json", finished)))] == []


def test_the_schema_says_what_each_value_is(finished: MetricsReport) -> None:
    metrics = json_report.schema()["properties"]["metrics"]["properties"]
    for figure in finished.figures:
        described = metrics[figure.metric]["properties"]
        assert set(figure.values) <= set(described), figure.metric
        for name, told in described.items():
            assert {"description", "$ref"} & set(told), (figure.metric, name)


def test_json_holds_the_promised_keys(finished: MetricsReport) -> None:
    metrics = json.loads(render("json", finished))["metrics"]
    assert list(metrics) == list(METRICS)
    assert {"deployments", "per_week"} <= metrics["deployment_frequency"].keys()
    times = {"median_seconds", "p75_seconds", "p90_seconds", "per_deployment_median_seconds"}
    assert {*times, "changes", "deployments", "interval_seconds"} <= metrics["lead_time"].keys()
    assert {"k", "n", "rate", "interval"} <= metrics["change_failure_rate"].keys()
    for metric in metrics.values():
        assert {"target", "verdict", "confidence", "method", "evidence"} <= metric.keys()


@pytest.mark.parametrize("format", [*FORMATS, *FOLDER_FORMATS])
def test_a_report_made_again_is_the_same(finished: MetricsReport, format: str) -> None:  # noqa: A002
    again = rebuild_metrics(json.loads(render("json", finished)))
    write: Callable[[MetricsReport], object]
    if format in FOLDER_FORMATS:
        write = lambda report: render_folder(format, report)  # noqa: E731
    else:
        write = lambda report: render(format, report)  # noqa: E731
    assert write(again) == write(finished)


@pytest.mark.parametrize(
    "damage",
    [
        lambda report: report.update(schema_version=9),
        lambda report: report["metrics"].pop("mttr"),
        lambda report: report["metrics"]["mttr"].update(verdict="splendid"),
        lambda report: report.update(window=None),
    ],
)
def test_a_damaged_report_is_refused(finished: MetricsReport, damage: Callable[[object], object]) -> None:
    report = json.loads(render("json", finished))
    damage(report)
    with pytest.raises(ValueError, match=r"^[a-z_.$]+: "):
        rebuild_metrics(report)


def test_openmetrics_is_parsed_back(finished: MetricsReport) -> None:
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    families = {
        family.name: family for family in parser.text_string_to_metric_families(render("openmetrics", finished))
    }
    frequency = finished.figure("deployment_frequency")
    assert families["sp404audit_dora_deployments_per_week"].samples[0].value == pytest.approx(frequency.value)
    info = {sample.labels["metric"]: sample.labels for sample in families["sp404audit_dora_figure"].samples}
    assert set(info) == set(METRICS)
    assert info["mttr"]["verdict"] == finished.figure("mttr").verdict


@pytest.mark.heavy("multitool")
def test_sarif_is_valid(finished: MetricsReport, sarif_problems: Callable[..., list[str]]) -> None:
    assert sarif_problems(render("sarif", finished)) == []


def test_sarif_has_a_result_for_each_target(finished: MetricsReport) -> None:
    (run,) = json.loads(render("sarif", finished))["runs"]
    kinds = {"pass": "pass", "fail": "fail", "not proven": "open"}
    told = {result["ruleId"]: result.get("kind", "fail") for result in run["results"]}
    aimed = [figure for figure in finished.figures if figure.target]
    assert told == {f"dora/{each.metric.replace('_', '-')}": kinds[each.verdict] for each in aimed}


def test_the_ledgers_are_tables(finished: MetricsReport) -> None:
    files = render_folder("ledgers", finished)
    rows = {name: list(csv.DictReader(io.StringIO(text))) for name, text in files.items()}
    assert len(rows["deployments.csv"]) == len(finished.deployments)
    assert sum(row["role"] == "counted" for row in rows["deployments.csv"]) == finished.figure("deployment_frequency").n
    assert {row["metric"] for row in rows["metrics.csv"]} == set(METRICS)
    assert rows["incidents.csv"][-1]["resolved_at"] == ""


def test_a_badge_never_shows_a_level_alone(finished: MetricsReport) -> None:
    badges = {name: json.loads(text) for name, text in render_folder("badges", finished).items()}
    assert set(badges) == {"targets.json", *(f"{metric}.json" for metric in METRICS)}
    for badge in badges.values():
        assert badge["schemaVersion"] == 1
        assert not re.search("elite|high|low", badge["message"], re.IGNORECASE)
    assert badges["recovery_time.json"]["color"] == "blue", "there is no target"


def test_history_is_one_line(finished: MetricsReport) -> None:
    line = render("history", finished)
    assert line.count("\n") == 1
    assert json.loads(line)["metrics"]["mttr"]["n"] == finished.figure("mttr").n


def test_plots_are_drawings_with_words(finished: MetricsReport) -> None:
    plots = render_folder("plots", finished)
    assert {"deployments.svg", "recoveries.svg", "deployment_frequency.svg", "build_time.svg", "mttr.svg"} <= set(plots)
    for text in plots.values():
        root = ElementTree.fromstring(text)
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert not [each for each in root.iter() if "style" in each.attrib or each.tag.endswith("script")]


@pytest.mark.parametrize("format", ["text", "markdown"])
def test_hostile_names_stay_text(finished: MetricsReport, format: str) -> None:  # noqa: A002
    text = render(format, finished, Options(verbose=True))
    assert "\x1b" not in text
    assert "\u202e" not in text
    if format == "markdown":
        assert "<script>" not in text


def test_a_gap_is_not_zero() -> None:
    weeks = (Bucket(0, 1, 0.0, 0), Bucket(1, 2, None, 0), Bucket(2, 3, 7.0, 7))
    assert wording.spark(weeks) == "▁·█"
    assert wording.spark((Bucket(0, 1, None, 0),)) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1.0 min"),
        (900, "15.0 min"),
        (21_600, "6.0 h"),
        (172_800, "2.0 d"),
        (-90, "-1.5 min"),
    ],
)
def test_spans(seconds: float, text: str) -> None:
    assert wording.span(seconds) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0, "0.0 %"), (1, "100.0 %"), (0.999, "99.90 %"), (0.99997, "99.997 %"), (0.0004, "0.04 %"), (0.049, "4.9 %")],
)
def test_shares(ratio: float, text: str) -> None:
    assert wording.share(ratio) == text
