"""Counting rules from a policy: defaults, what is read, and errors with the way out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sp404audit.discovery import Reader
from sp404audit.dora.settings import Settings, SettingsError, matches_any
from sp404audit.policy.loading import PolicyError, resolve


def settings_of(tmp_path: Path, metrics: str) -> Settings:
    (tmp_path / ".sp404audit.yaml").write_text(f"version: 1\nextends: [sp404]\nmetrics:\n{metrics}")
    return Settings.of(resolve(Reader(tmp_path)))


def test_the_handbook_has_six_targets() -> None:
    found = Settings.of(resolve(Reader(Path(__file__).parent), "sp404"))
    assert sorted(found.targets) == [
        "build_time",
        "change_failure_rate",
        "deployment_frequency",
        "lead_time",
        "mttr",
        "uptime",
    ]
    assert found.targets["mttr"].value == 900
    assert found.lead_measure == "merge_to_deploy"


def test_a_configuration_adds_to_the_policy(tmp_path: Path) -> None:
    found = settings_of(
        tmp_path,
        """\
  production-environments: ["eu-*"]
  attribution-window: 2h
  count-redeploys: true
  services: {api: {tags: "api-*", paths: [services/api]}}
  uptime: {selector: 'up{job="api"}', quorum: 2, min-coverage: 95%}
  targets: {lead-time: 1d, rework-rate: 10%}
""",
    )
    assert found.production_environments == ("eu-*",)
    assert found.attribution_window == 7200
    assert found.count_redeploys
    assert found.services["api"].paths == ("services/api",)
    assert found.uptime.min_coverage == 0.95
    assert found.targets["lead_time"].value == 86_400
    assert found.targets["lead_time"].file == ".sp404audit.yaml:9"
    assert found.targets["mttr"].file.startswith("sp404audit:sp404:")


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ("  targets: {speed: 1}\n", "speed is no key"),
        ("  deployment-from: tags\n", "did you mean deployments-from"),
        ("  bands: dora-2019\n", "'dora-2019' is no value of bands"),
        ("  attribution-window: soon\n", "attribution-window"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, metrics: str, message: str) -> None:
    with pytest.raises(PolicyError, match=r"\.sp404audit\.yaml:\d+:\d+: .*" + message):
        settings_of(tmp_path, metrics)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (
            "  targets: {lead-time: soon}\n",
            r"\.sp404audit\.yaml:4: metrics\.targets\.lead-time: 'soon' is no target; write 30m",
        ),
        ("  merge-window: 3 fortnights\n", "metrics.merge-window"),
        ("  patch-window: 3x\n", "'3x' is no span; write 1h"),
    ],
)
def test_a_value_that_means_nothing(tmp_path: Path, metrics: str, message: str) -> None:
    with pytest.raises((SettingsError, PolicyError), match=message):
        settings_of(tmp_path, metrics)


def test_globs() -> None:
    assert matches_any("Prod-EU", ["prod*"])
    assert not matches_any("preprod", ["prod*", "?rod"])
    assert matches_any("dependabot[bot]@example.com", ["*[bot]*"])
    assert matches_any("a.c", ["a.c"])
    assert not matches_any("abc", ["a.c"])
    assert not matches_any("", ["?"])
    assert matches_any("", ["*"])


def test_a_hostile_glob_costs_no_time() -> None:
    started = time.process_time()
    assert not matches_any("a" * 2000, ["*a" * 200 + "b"])
    assert time.process_time() - started < 2
