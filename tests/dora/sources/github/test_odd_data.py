"""Answers as no GitHub of today gives them: every field may be missing, null, of another type, or without end."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.events import Collected
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.github import collect
from sp404audit.dora.sources.github.client import Client
from sp404audit.dora.sources.github.issues import causes
from sp404audit.dora.sources.github.limits import pause_after, server_time
from sp404audit.dora.sources.github.values import labels, moment, records
from sp404audit.dora.sources.http import Answer, parse_url

T0, DAY = 1_772_323_200, 86_400
SHAPES = json.loads((Path(__file__).parent / "shapes.json").read_text("utf-8"))
LISTS = {
    "/deployments": ("", "deployment"),
    "/statuses": ("", "status"),
    "/environments": ("environments", "environment"),
    "/releases": ("", "release"),
    "/actions/runs": ("workflow_runs", "run"),
    "/jobs": ("jobs", "job"),
    "/pulls": ("", "pull"),
    "/commits": ("", "commit"),
    "/issues": ("", "issue"),
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["2026-03-02T00:00:00Z", "production", "success", "failure", "a" * 40, "main", 2**70, -1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """An answer to each question: some of records of which some fields are anything, and some that are anything."""
    made: dict[str, Any] = {"": draw(st.just({"default_branch": "main"}) | json_values)}
    odd = draw(st.sets(st.sampled_from(sorted(LISTS)), min_size=1, max_size=3))
    for path, (key, kind) in LISTS.items():
        found = [copy.deepcopy(SHAPES[kind])]
        if path in odd:
            fields = [*sorted(found[0]), "merged_at", "run_attempt", "run_started_at", "body", "production_environment"]
            found[0].update(draw(st.dictionaries(st.sampled_from(fields), json_values, max_size=4)))
            found += draw(st.lists(json_values, max_size=1))
        listed = {"total_count": draw(json_values) if path in odd else 1, key: found} if key else found
        made[path] = draw(st.just(listed) | json_values) if path in odd else listed
    return made


class Canned(Client):
    """A client whose answers are given; that is all that the collecting sees of one."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(parse_url("http://127.0.0.1:9"))
        self._given = given

    def _page(self, target: str, settled: str) -> Any:
        from sp404audit.dora.sources.github.client import Page

        path = target.partition("?")[0]
        return Page(self._given[next((name for name in LISTS if path.endswith(name)), "")])


@settings(max_examples=100, deadline=None)
@given(answers())
def test_nothing_of_it_breaks_the_run(given: dict[str, Any]) -> None:
    collected = collect("octo/shop", Settings(), Window(T0, T0 + DAY), Canned(given))
    assert isinstance(collected, Collected)
    for each in collected.deployments:
        assert each.finished_at >= 0
        assert each.outcome in ("success", "failure", "cancelled", "running", "unknown")
    assert all(each.finished_at >= each.started_at for each in collected.builds)
    assert all(each.resolved_at is None or each.resolved_at >= each.opened_at for each in collected.incidents)
    for note in collected.report.notes:
        assert "\n" not in note.message


def test_odd_records_are_counted() -> None:
    empty: dict[str, Any] = {name: ({"total_count": 0, key: []} if key else []) for name, (key, _) in LISTS.items()}
    given = {**empty, "": {"default_branch": "main"}, "/deployments": [7, {}], "/releases": {"message": "?"}}
    collected = collect("octo/shop", Settings(), Window(T0, T0 + DAY), Canned(given))
    (note,) = collected.report.notes
    assert note.id == "github/odd"
    assert note.message == "records that cannot be read were left out: deployments (2), releases (1)"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01T00:00:00Z", T0),
        ("2026-03-01T01:00:00+01:00", T0),
        ("2026-03-01T00:00:00.999Z", T0),
        ("2026-03-01T00:00:00", None),
        ("2026-13-01T00:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("2026-03-01", None),
        ("", None),
        (None, None),
        (T0, None),
        ([], None),
    ],
)
def test_moments(value: Any, expected: int | None) -> None:
    assert moment({"at": value}, "at") == expected


def test_labels_and_lists() -> None:
    assert labels({"labels": [{"name": "a"}, "b", {"name": None}, 3, {}, ""]}) == ("a", "b")
    assert labels({"labels": "incident"}) == ()
    assert records([{"a": 1}, 2]) == ([{"a": 1}], 1)
    assert records({"x": None}, "x") == ([], 1)


@settings(max_examples=100, deadline=None)
@given(st.integers(100, 599), st.dictionaries(
    st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset", "date"]), st.text(max_size=30)),
    st.binary(max_size=60))  # fmt: skip
def test_limits_of_any_kind(status: int, headers: dict[str, str], body: bytes) -> None:
    answer = Answer(status, headers, body)
    pause = pause_after(answer, 0.0)
    assert pause is None or pause >= 1
    server_time(answer)


class TestCauses:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ("Caused-by: 3f2a91c", ("3f2a91c",)),
            ("caused by: v1.4.2", ("v1.4.2",)),
            ("Root cause: `3f2a91c0d5`.", ("3f2a91c0d5",)),
            ("**Root cause:** v2.0.0-rc.1", ("v2.0.0-rc.1",)),
            ("text\r\n> Root-cause: deployment 42\r\n", ("github:deployment:42",)),
            ("- caused by: api-v1.2.3, web/v2.0.0", ("api-v1.2.3", "web/v2.0.0")),
            ("Root cause: 1.4", ("1.4",)),
            ("Root cause: release 1.4 and 1.5", ("1.4", "1.5")),
            ("Root cause: https://example.com/octo/shop/commit/3f2a91c0d5#diff", ("3f2a91c0d5",)),
            ("Root cause: <https://example.com/octo/shop/releases/tag/v1.4.2>", ("v1.4.2",)),
            ("Root cause: https://api.example.com/repos/octo/shop/deployments/42", ("github:deployment:42",)),
            ("Root cause: the release v1.4.2 lacked an index", ("v1.4.2",)),
            ("Root cause: a full disk", ()),
            ("Root cause: timeouts of 1.4 seconds", ()),
            ("Root cause: 500 errors", ()),
            ("Root cause: defaced feedbacc", ()),
            ("The root cause: v1.4.2", ()),
            ("Root cause v1.4.2", ()),
            ("Root cause:\nv1.4.2", ()),
            ("", ()),
        ],
    )
    def test_lines(self, body: str, expected: tuple[str, ...]) -> None:
        assert causes(body) == expected

    def test_labels_come_first_and_nothing_twice(self) -> None:
        named = ["incident", "caused-by: v1.4.2", "Caused by/v1.4.1"]
        assert causes("Caused-by: v1.4.2\nCaused-by: 3f2a91c", named) == ("v1.4.2", "v1.4.1", "3f2a91c")

    @pytest.mark.parametrize(
        "body",
        [
            "root cause: " + "a/" * 200 + "\n" + "> " * 30_000,
            ("Root cause: https://" + "x/" * 200 + "\n") * 150,
            "caused by: " + "-" * 60_000,
            "\n" * 65_000,
            "Caused-by: v1" + ".1" * 30_000,
            ("caused by" + " " * 20) * 2000,
        ],
    )
    def test_in_bounded_time(self, body: str) -> None:
        began = time.process_time()
        causes(body)
        assert time.process_time() - began < 1
