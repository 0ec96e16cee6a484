"""The documentation of event files names every key, and its examples are read without a complaint."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
import yaml

from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources import prometheus
from sp404audit.dora.sources.files import collect
from sp404audit.dora.sources.files.own import KINDS
from sp404audit.policy.schema import config_schema

DOCS = Path(__file__).parents[4] / "docs"
EVENTS = (DOCS / "events.md").read_text("utf-8")
UPTIME = (DOCS / "uptime.md").read_text("utf-8")
EXAMPLES = re.findall(r"```(?:csv|json)\n(.*?)```", EVENTS, re.DOTALL)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_documented(kind: str) -> None:
    section = EVENTS.split(f"### {kind}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", section, re.MULTILINE)
    assert {key for key, _ in rows} == set(KINDS[kind].fields)
    assert {key for key, text in rows if text.startswith("required")} == set(KINDS[kind].required)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_read(example: str) -> None:
    got = collect(["-"], Settings(), Window(1_769_760_000, 1_769_900_000), stdin=io.BytesIO(example.encode()))
    assert not got.report.partial
    assert not [note for note in got.report.notes if note.id != "events/coverage"]
    assert sum(got.report.counts.values()) >= 1


def test_links_lead_somewhere() -> None:
    (target,) = re.findall(r"\]\((\.\./[^)]*)\)", EVENTS)
    assert (DOCS / target).is_file()


def test_uptime_names_its_variables_and_a_configuration_that_is_one() -> None:
    import jsonschema

    assert all(name in UPTIME for name in (prometheus.TOKEN, prometheus.USERNAME, prometheus.PASSWORD))
    (example,) = re.findall(r"```yaml\n(.*?)```", UPTIME, re.DOTALL)
    jsonschema.Draft202012Validator(config_schema(())).validate(yaml.safe_load(example))
