"""What `doctor` knows: each value with the place that it comes from, and one broken part hides no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sp404audit import __version__, cache
from sp404audit.diagnosis import Diagnosis, Value, diagnose

CONFIGURATION = """\
version: 1
extends: [strict, ./org.yaml]
fail-on: high
rules:
  ci/coverage-gate: {severity: high, params: {minimum: 90}}
  docker/healthcheck: off
exclude: [vendor/]
overrides:
  - paths: [examples/, "*.md"]
    rules: {ci/*: note}
waivers:
  - {rule: ci/timeouts, paths: ["*"], reason: r, owner: "@o", until: 2027-01-01}
"""


@pytest.fixture
def found(tmp_path: Path) -> Diagnosis:
    (tmp_path / ".sp404audit.yaml").write_text(CONFIGURATION)
    (tmp_path / "org.yaml").write_text("version: 1\nrules:\n  shell/*: note\nmetrics:\n  targets: {lead-time: 1h}\n")
    (tmp_path / "vendor").mkdir()
    for name in ("Dockerfile", "vendor/Dockerfile"):
        (tmp_path / name).write_text("FROM scratch\n")
    return diagnose(tmp_path)


def test_every_value_has_its_place(found: Diagnosis) -> None:
    values = {value.key: value[1:] for value in found.values}
    assert values["fail-on"] == ("high", ".sp404audit.yaml:3")
    assert values["default"] == ("on", "sp404audit:strict")
    assert values["rules.ci/coverage-gate"] == ("high minimum=90", ".sp404audit.yaml:5")
    assert values["rules.docker/healthcheck"] == ("off", ".sp404audit.yaml:6")
    assert values["rules.shell/*"] == ("note", "org.yaml:3")
    assert values["rules.images/digest-pinned"] == ("high", "sp404audit:strict")
    assert values["metrics.targets.lead-time"] == ("1h", "org.yaml:5")
    assert values["exclude"] == ("vendor/", ".sp404audit.yaml:7")
    assert values["rules.ci/* in examples/, *.md"] == ("note", ".sp404audit.yaml:9")
    assert values["waiver ci/timeouts"] == ("* until 2027-01-01", ".sp404audit.yaml:12")
    assert found.sources[-2:] == ("org.yaml", ".sp404audit.yaml")
    assert found.problem == ""


def test_rules_files_and_versions(found: Diagnosis) -> None:
    assert found.rules_in_force == found.rules - 1
    assert found.files == {"dockerfile": 1, "text": 2}
    assert found.version == __version__
    assert found.python[0] == "3"
    assert found.engines[0] == ("native", __version__, "takes part")
    assert [engine.name for engine in found.engines] == ["native", "checkov", "pip-audit"]


def test_a_policy_of_the_command_line_replaces_what_is_extended(tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yaml").write_text("version: 1\nextends: [strict]\n")
    assert diagnose(tmp_path, "sp404").sources == ("sp404audit:recommended", "sp404audit:sp404", ".sp404audit.yaml")


def test_a_broken_configuration_hides_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yaml").write_text("version: 1\nrulez: {}\n")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    found = diagnose(tmp_path)
    assert ".sp404audit.yaml:2:1: rulez is no key" in found.problem
    assert found.files == {"dockerfile": 1, "text": 1}
    assert (found.values, found.sources, found.rules_in_force) == ((), (), 0)


@pytest.mark.skipif(os.name == "nt", reason="the program has another name there")
def test_git_is_looked_for_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert diagnose(tmp_path).git[0].isdigit()
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "git").write_text("#!/bin/sh\ntouch ran\n")
    (tmp_path / "git").chmod(0o755)
    assert diagnose(tmp_path).git.startswith("not found: git is needed"), "one in the repository is not run"
    assert not (tmp_path / "ran").exists()


def test_the_cache_has_a_folder_and_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert diagnose(tmp_path).cache == (str(tmp_path / "cache" / "sp404audit"), 0)
    assert not (tmp_path / "cache").exists(), "nothing is made"
    (tmp_path / "cache" / "sp404audit").mkdir(parents=True)
    (tmp_path / "cache" / "sp404audit" / cache.FILE_NAME).write_bytes(b"x" * 2048)
    assert diagnose(tmp_path).cache.size == 2048


def test_values_that_nobody_sets_are_told_too(tmp_path: Path) -> None:
    assert Value("fail-on", "low", "sp404audit:recommended") in diagnose(tmp_path).values
