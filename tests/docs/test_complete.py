"""What there is in the code is told in the documentation, with the values that it has."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.__main__ import IMAGES
from docs.hooks import PAGES
from docs.pages import DOCS, ROOT, rows, spans
from docs.picture import metrics_picture, scan_picture
from sp404audit import audit
from sp404audit.discovery.reading import MAX_BYTES
from sp404audit.dora.bands import tables
from sp404audit.dora.figures import METRICS
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources import files
from sp404audit.dora.sources.files.reading import MAX_RECORDS
from sp404audit.dora.statistics import LEAST_FOR_INTERVAL, wilson
from sp404audit.dora.targets import TARGETS, parse_target
from sp404audit.dora.window import parse_span
from sp404audit.engines import process
from sp404audit.git import MAX_OUTPUT_BYTES, SECONDS
from sp404audit.policy.loading import CONFIGURATION_FILES, packs
from sp404audit.policy.schema import config_schema
from sp404audit.reports import FORMATS
from sp404audit.reports.dora import FOLDER_FORMATS
from sp404audit.reports.dora import FORMATS as DORA_FORMATS
from sp404audit.rules import all_rules

README = ROOT / "README.md"
SETTINGS = DOCS / "metrics" / "settings.md"
METRICS_GUIDE = DOCS / "metrics" / "index.md"


def names(page: Path, head: str) -> list[str]:
    """The code in the first cells of a table."""
    return [name for cells in rows(page, head) for name in re.findall(r"`([^`]+)`", cells[0])]


def mentioned(page: Path) -> set[str]:
    """The pieces of code in the prose of a page."""
    return {span for _, span in spans(page)}


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml without the objects of Python that it names."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def _files(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    values = entry.values() if isinstance(entry, dict) else entry
    return [name for each in values for name in _files(each)]


def test_every_page_is_in_the_navigation() -> None:
    site = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), _Loader)
    wanted = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert set(_files(site["nav"])) == wanted | {page for name, page in PAGES.items() if (ROOT / name).is_file()}
    assert site["strict"] is True
    assert site["theme"]["font"] is False


def test_formats_are_told() -> None:
    assert set(names(DOCS / "reports.md", "format")) == set(FORMATS)
    assert set(FORMATS) <= mentioned(README)
    told = {name.partition(":")[0] for name in names(METRICS_GUIDE, "format")}
    badges = {name.partition(":")[0] for name in mentioned(METRICS_GUIDE)}
    assert set(DORA_FORMATS) <= told
    assert set(FOLDER_FORMATS) <= badges


def test_policies_and_configuration_files_are_told() -> None:
    assert set(names(DOCS / "policy.md", "policy")) == set(packs())
    assert set(CONFIGURATION_FILES) <= mentioned(DOCS / "policy.md")


def test_keys_of_a_policy_are_told() -> None:
    assert set(names(DOCS / "policy.md", "key")) == set(config_schema(all_rules())["properties"])


def test_metrics_are_told() -> None:
    text = METRICS_GUIDE.read_text("utf-8").lower()
    headings = re.findall(r"^### (.*?)(?: \(not dora's\))?$", text, re.MULTILINE)
    titles = [metric.replace("_", " ") for metric in METRICS]
    short = {"change failure rate": "change fail rate", "recovery time": "failed deployment recovery time"}
    short |= {"lead time": "change lead time", "rework rate": "deployment rework rate", "mttr": "mean time to restore"}
    assert headings == [short.get(title, title) for title in titles]


def keys_of_metrics() -> dict[str, str]:
    """The rows of the table of counting rules: key and default, as written."""
    (last,) = [part for part in SETTINGS.read_text("utf-8").split("\n## ") if part.startswith("Counting rules")]
    return dict(re.findall(r"^\| `([a-z-]+)` \|.*\| ?(.*?) ?\|$", last, re.MULTILINE))


def test_counting_rules_are_told() -> None:
    known = set(config_schema(())["properties"]["metrics"]["properties"]) - {"targets"}
    assert set(keys_of_metrics()) == known


@pytest.mark.parametrize(("key", "text"), keys_of_metrics().items(), ids=keys_of_metrics())
def test_default_is_the_one_in_force(key: str, text: str) -> None:
    value: Any = getattr(Settings(), key.replace("-", "_"))
    words = re.findall(r"`([^`]+)`", text)
    if key == "uptime":
        assert "../uptime.md" in SETTINGS.read_text("utf-8")
    elif isinstance(value, bool):
        assert words == [str(value).lower()]
    elif isinstance(value, int):
        assert [parse_span(word) for word in words] == [value]
    elif isinstance(value, tuple):
        assert tuple(words) == value
    elif isinstance(value, str):
        assert words == ([value] if value else [])


def test_targets_are_told_as_they_are_written() -> None:
    told = {cells[0].strip("`"): re.findall(r"`([^`]+)`", cells[1]) for cells in rows(SETTINGS, "key")[: len(TARGETS)]}
    for key, kind in TARGETS.items():
        assert told[key]
        assert all(parse_target(key, text).comparison == kind.comparison for text in told[key])


def test_tables_of_bands_are_told() -> None:
    assert set(names(DOCS / "metrics" / "methods.md", "table")) == set(tables())
    assert set(tables()) <= mentioned(SETTINGS)


def test_numbers_of_the_statistics() -> None:
    text = (DOCS / "metrics" / "methods.md").read_text("utf-8")
    upper = wilson(0, 20).upper
    assert upper is not None
    assert f"anything up to {upper:.1%}".replace("%", " %") in text
    assert LEAST_FOR_INTERVAL == 6
    assert "fewer than six" in text


@pytest.mark.parametrize("page", [DOCS / "architecture.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_rooms_are_told(page: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = project["tool"]["importlinter"]["contracts"]
    rooms = [room.removeprefix("sp404audit.") for layer in contract["layers"] for room in layer.split(" | ")]
    assert {name.removesuffix("/").removesuffix(".py") for name in mentioned(page)} >= set(rooms)


def test_exit_codes_are_the_same_everywhere() -> None:
    told = [[cells[0] for cells in rows(page, "exit code")] for page in (README, DOCS / "policy.md")]
    assert told == [["0", "1", "2", "3"]] * 2


def test_limits_are_told() -> None:
    told = {cells[0]: cells[1] for cells in rows(DOCS / "security.md", "what")}
    assert told["a file"] == f"{MAX_BYTES >> 20} MiB"
    text = (DOCS / "security.md").read_text("utf-8")
    assert f"({process.TIMEOUT_SECONDS:.0f} s)" in text
    assert f"({process.MEMORY_BYTES >> 30} GiB)" in text
    assert (SECONDS, f"{MAX_OUTPUT_BYTES >> 20} MiB" in told["git"]) == (60, True)
    assert told["event files"].startswith(f"{files.MAX_BYTES >> 20} MiB, {MAX_RECORDS:,} records")


def test_figures_of_the_fixture() -> None:
    report = audit(ROOT / "fixtures" / "sp404mk2", engines=["native"], isolated=True, cache=False)
    failed = sum(1 for verdict in report.verdicts if verdict.kind == "fail")
    for page in (README, DOCS / "comparison.md"):
        assert f"{failed} controls" in " ".join(page.read_text("utf-8").split()), page.name


def test_number_of_rules() -> None:
    domains = {rule.domain for rule in all_rules()}
    assert f"{len(all_rules())} rules in {_words(len(domains))} domains" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert {f"{domain}.md" for domain in domains} | {"index.md"} == {page.name for page in (DOCS / "rules").iterdir()}


def _words(number: int) -> str:
    return {15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen"}.get(number, str(number))


@pytest.mark.parametrize(("name", "draw"), [("scan.svg", scan_picture), ("metrics.svg", metrics_picture)])
def test_the_picture_shows_what_is_printed(name: str, draw: Callable[[], str]) -> None:
    """By its words: how they are drawn is rich's affair, and may change with its version."""
    there = (IMAGES / name).read_text("utf-8")
    drawn, printed = (re.findall(r">([^<>]+)</text>", svg) for svg in (there, draw()))
    assert drawn == printed, "run `make docs`"
    assert "http" not in there.replace("http://www.w3.org/2000/svg", "").partition("-->")[2]
