"""Which files of rules are loaded, and how much is compared for that."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents import loader
from sp404audit.documents.model import Fact, Repository
from sp404audit.documents.monitoring import rule_loading
from sp404audit.documents.monitoring.facts import PrometheusFile
from sp404audit.documents.monitoring.rule_loading import loading
from sp404audit.documents.source import Source

ALERTS = "groups:\n  - name: g\n    rules:\n      - alert: Down\n        expr: up == 0\n"
CONFIG = "scrape_configs: []\nrule_files:\n"


def repository(files: dict[str, str]) -> Repository:
    """Put a repository together from configurations (`prometheus.yml`) and files of rules."""
    facts: list[Fact] = []
    kinds = {}
    for path, text in sorted(files.items()):
        kinds[path] = "prometheus" if path.endswith("prometheus.yml") else "prometheus-rules"
        facts.extend(loader.load(kinds[path], Source(path, text.encode())).facts())
    return Repository(kinds, files, facts)


def configured(*globs: str) -> str:
    return CONFIG + "".join(f"  - {glob!r}\n" for glob in globs)


def loaded(files: dict[str, str]) -> set[str]:
    return {rules.location.path for rules in loading(repository(files)).loaded}


def test_each_file_is_compared_with_the_globs_of_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    original = rule_loading._matches

    def call(pattern: str, path: str) -> bool:
        calls.append(pattern)
        return original(pattern, path)

    monkeypatch.setattr(rule_loading, "_matches", call)
    files = {}
    for at in range(40):
        files[f"part{at}/prometheus.yml"] = configured("alerts.yml", "rules/*.yml")
        files[f"part{at}/alerts.yml"] = ALERTS
        files[f"part{at}/rules/more.yml"] = ALERTS
    assert len(loaded(files)) == 80
    assert len(calls) <= 80


@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "a/b"]), st.sampled_from(
        ["x.yml", "*.yml", "b/*.yml", "*/x.yml", "?.yml", "[xy].yml", "../x.yml", "/etc/rules/x*.yml", "/x.yml"]
    )), min_size=1, max_size=6),
    st.sets(st.sampled_from(["x.yml", "y.yml", "a/x.yml", "a/zz.yml", "a/b/x.yml", "a/b/y.yml"]), min_size=1),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_the_index_loads_what_comparing_each_with_each_does(globs: list[tuple[str, str]], rules: set[str]) -> None:
    files = dict.fromkeys(rules, ALERTS)
    for at, (folder, glob) in enumerate(globs):
        files[f"{folder}/{at}-prometheus.yml".lstrip("/")] = configured(glob)
    found = loading(repository(files))
    every = [(config, glob) for config in repository(files).facts(PrometheusFile)
             for glob in rule_loading._globs(repository(files), config)]  # fmt: skip

    def names(glob: rule_loading._Glob, path: str) -> bool:
        if glob.is_exact:
            return any(rule_loading._matches(pattern, path) for pattern in glob.patterns)
        return rule_loading._matches(glob.name, path.rpartition("/")[2])

    assert {each.location.path for each in found.loaded} == {
        path for path in rules if any(names(glob, path) for _, glob in every)
    }
    unused = [(config.location.path, glob.text) for config, glob in every
              if not any(names(glob, path) for path in rules) and not set(glob.patterns) & set(files)]  # fmt: skip
    assert [(config.location.path, text) for config, text in found.elsewhere] == unused
