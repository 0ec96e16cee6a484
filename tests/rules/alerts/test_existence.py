from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]
RULE = "alerts/exist"
RULES = "groups: [{name: g, rules: [{alert: Down, expr: up == 0}]}]\n"
RECORDING = "groups: [{name: g, rules: [{record: 'a:b', expr: up}]}]\n"
JOBS = "scrape_configs: [{job_name: a, static_configs: [{targets: ['a:1']}]}]\n"


def compose(*volumes: str) -> str:
    return f"services:\n  prometheus: {{image: 'prom/prometheus:v3.5.0', volumes: {list(volumes)}}}\n"


def config(*globs: str) -> str:
    return f"rule_files: {list(globs)}\n{JOBS}"


def kinds(results: list[Result]) -> list[str]:
    return [result.kind for result in results]


@pytest.mark.parametrize(
    ("globs", "kind"),
    [
        (["rules/*.yml"], "pass"),
        (["/etc/prometheus/rules/*.yml"], "pass"),
        (["/etc/prometheus/rules/a.yml"], "pass"),
        (["/etc/prometheus/*/*.yml"], "pass"),
        (["*.yml"], "fail"),
        (["/etc/prometheus/rules/*.rules"], "fail"),
        ([], "fail"),
    ],
)
def test_maps_globs_through_mounts(judge: Judge, globs: list[str], kind: str) -> None:
    files = {
        "compose.yaml": compose("./monitoring/:/etc/prometheus/:ro"),
        "monitoring/prometheus.yml": config(*globs),
        "monitoring/rules/a.yml": RULES,
    }
    assert kinds(judge(RULE, files)) == [kind]


def test_maps_globs_through_mounts_of_files_and_configs(judge: Judge) -> None:
    files = {
        "compose.yaml": compose("./p.yml:/etc/prometheus/prometheus.yml", "./alerts/api.yml:/rules/api.yml"),
        "p.yml": config("/rules/*.yml"),
        "alerts/api.yml": RULES,
    }
    assert kinds(judge(RULE, files)) == ["pass"]


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"rules/a.yml": RULES}, "pass"),
        ({"examples/prometheus.yml": JOBS}, "open"),
        ({"prometheus.yml": config("/srv/rules/*.yml")}, "open"),
        ({"prometheus.yml": config("rules.yml"), "rules.yml": RECORDING}, "fail"),
        ({"prometheus.yml": JOBS + "remote_write: [{url: 'https://x.example'}]\n"}, "open"),
        ({"prometheus.yml": JOBS, "m.tf": 'resource "datadog_monitor" "a" {}\n'}, "pass"),
        (
            {
                "prometheus.yml": JOBS,
                "g.yaml": "apiVersion: 1\ngroups: [{name: g, rules: [{title: T, uid: x, condition: A}]}]\n",
            },
            "pass",
        ),
    ],
)
def test_judges(judge: Judge, files: dict[str, str], kind: str) -> None:
    assert kinds(judge(RULE, files)) == [kind]


@pytest.mark.parametrize("made_from", ["templates/api.yml.j2", "mixin/alerts.libsonnet"])
def test_cannot_tell_what_is_generated(judge: Judge, made_from: str) -> None:
    files = {
        "compose.yaml": compose("./monitoring:/etc/prometheus"),
        "monitoring/prometheus.yml": config("rules/api.yml"),
        made_from: "x",
    }
    assert kinds(judge(RULE, files)) == ["open"]


def test_counts_objectives_that_sloth_makes_alerts_from(judge: Judge) -> None:
    slo = "version: prometheus/v1\nservice: a\nslos:\n  - {name: up, objective: 99.9, alerting: {name: A}}\n"
    files = {"prometheus.yml": config("rules/*.yml"), "slo/a.yml": slo}
    assert kinds(judge(RULE, files)) == ["pass"]


def test_has_nothing_to_say_where_nothing_is_monitored(judge: Judge) -> None:
    assert judge(RULE, {"compose.yaml": "services: {a: {image: x}}\n"}) == []


def test_points_to_rules_that_nothing_loads(judge: Judge) -> None:
    (result,) = judge(RULE, {"prometheus.yml": config("x.yml"), "rules/a.yml": RULES})
    assert (result.kind, [place.path for place in result.related]) == ("fail", ["rules/a.yml"])


def test_files_without_a_rule_are_no_rules(judge: Judge) -> None:
    (result,) = judge(RULE, {"prometheus.yml": config("rules.yml"), "rules.yml": "groups: []\n"})
    assert result.kind == "fail"
    assert "(rules.yml)" in result.message


def test_a_list_of_files_that_is_commented_out_names_none(judge: Judge) -> None:
    (result,) = judge(RULE, {"prometheus.yml": f"rule_files:\n  # - rules.yml\n{JOBS}"})
    assert result.message.endswith("name their files in rule_files")


@pytest.mark.parametrize(
    ("image", "kind"), [("victoriametrics/vmalert:v1.100.0", "pass"), ("grafana/loki:3", "pass"), ("busybox:1", "fail")]
)
def test_what_evaluates_rules_by_itself_loads_what_it_mounts(judge: Judge, image: str, kind: str) -> None:
    services = f"services:\n  ruler: {{image: '{image}', volumes: ['./rules:/rules']}}\n"
    files = {"compose.yaml": services, "prometheus.yml": JOBS, "rules/fake/a.yml": RULES}
    assert kinds(judge(RULE, files)) == [kind]


def test_modules_of_terraform_make_alarms_too(judge: Judge) -> None:
    module = 'module "a" {\n  source = "terraform-aws-modules/cloudwatch/aws//modules/metric-alarm"\n}\n'
    assert kinds(judge(RULE, {"prometheus.yml": JOBS, "main.tf": module})) == ["pass"]
