"""Event files as people and programs write them: every form, by what comes out."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.events import Collected, Deployment
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources import files
from sp404audit.dora.sources.files import collect
from sp404audit.dora.sources.files.own import KINDS

DAY = 86_400
T0 = 1_767_225_600  # 2026-01-01T00:00:00Z
WINDOW = Window(T0, T0 + 30 * DAY)
SHA = "0123456789abcdef0123456789abcdef01234567"
SCHEMA = json.loads((Path(files.__file__).parent / "schema/events-1.json").read_text("utf-8"))


def read(content: str | bytes, **options: Any) -> Collected:
    """What comes of this standard input."""
    data = content.encode() if isinstance(content, str) else content
    return collect(["-"], options.pop("settings", Settings()), WINDOW, stdin=io.BytesIO(data), **options)


def messages(collected: Collected) -> str:
    return "\n".join(f"{note.id}: {note.message}" for note in collected.report.notes)


DEPLOYMENT = {
    "kind": "deployment",
    "id": "42",
    "finished_at": "2026-01-02T01:00:00+01:00",
    "outcome": "success",
    "sha": SHA,
    "version": "v1.2.0",
    "environment": "prod",
    "production": True,
    "service": "api",
    "unplanned": True,
    "remedies": "v1.1.9",
    "url": "https://ci.example/42",
}
EXPECTED = Deployment(
    "events:deployment:42",
    "events",
    T0 + DAY,
    "success",
    SHA,
    "v1.2.0",
    "prod",
    production=True,
    service="api",
    unplanned=True,
    remedies="v1.1.9",
    url="https://ci.example/42",
    basis="event",
)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(DEPLOYMENT),
        json.dumps([DEPLOYMENT], indent=2),
        json.dumps({"deployments": [{key: value for key, value in DEPLOYMENT.items() if key != "kind"}]}),
        json.dumps({"version": 1, "events": [DEPLOYMENT]}),
        json.dumps(DEPLOYMENT) + "\n" + json.dumps(DEPLOYMENT) + "\n",
        json.dumps(DEPLOYMENT, indent=1) + "\n" + json.dumps(DEPLOYMENT, indent=1),
        "\x1e" + json.dumps(DEPLOYMENT) + "\n\x1e" + json.dumps(DEPLOYMENT) + "\n",
        "\ufeff" + json.dumps(DEPLOYMENT),
        ",".join(DEPLOYMENT) + "\n" + ",".join(map(str, DEPLOYMENT.values())) + "\n",
        ";".join(DEPLOYMENT) + "\r\n" + ";".join(map(str, DEPLOYMENT.values())) + "\r\n",
        "\t".join(DEPLOYMENT).upper() + "\n" + "\t".join(map(str, DEPLOYMENT.values())),
        json.dumps({"specversion": "1.0", "type": "x", "id": "1", "source": "/x", "data": DEPLOYMENT}),
    ],
    ids=[
        "json",
        "list",
        "object",
        "events",
        "ndjson",
        "sequence",
        "rfc7464",
        "bom",
        "csv",
        "excel",
        "tsv",
        "cloudevent",
    ],
)
def test_every_form_says_the_same(content: str) -> None:
    got = read(content)
    assert got.deployments == (EXPECTED,)
    assert not got.report.partial
    assert got.report.counts == {"deployments": 1, "incidents": 0, "builds": 0, "changes": 0}


def test_utf_16_as_powershell_writes_it() -> None:
    assert read(json.dumps(DEPLOYMENT).encode("utf-16")).deployments == (EXPECTED,)


def test_kinds_are_told_by_their_keys() -> None:
    got = read(
        "\n".join(
            json.dumps(record)
            for record in (
                {"finished_at": T0},
                {"opened_at": T0 + 5, "resolved_at": T0 + 65, "caused_by": ["v1", "42"], "severity": "sev1"},
                {"queued_at": T0, "started_at": T0 + 10, "finished_at": T0 + 70, "workflow": "ci", "attempt": 2},
                {"sha": SHA, "committed_at": T0, "merged_at": T0 + 9, "pull_request": 7, "labels": ["hotfix"]},
            )
        )
    )
    assert [each.finished_at for each in got.deployments] == [T0]
    (incident,) = got.incidents
    assert (incident.opened_at, incident.resolved_at, incident.caused_by) == (T0 + 5, T0 + 65, ("v1", "42"))
    (build,) = got.builds
    assert (build.queued_at, build.started_at, build.finished_at, build.attempt) == (T0, T0 + 10, T0 + 70, 2)
    (change,) = got.changes
    assert (change.sha, change.merged_at, change.pull_request, change.labels) == (SHA, T0 + 9, 7, ("hotfix",))


def test_bots_are_told_by_the_settings() -> None:
    record = {"sha": SHA, "committed_at": T0, "author": "renovate@example.com"}
    got = read(json.dumps(record), settings=Settings(bots=("renovate*",)))
    assert got.changes[0].is_bot


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("2026-01-01T00:00:00Z", 0),
        ("2026-01-01t00:00:00z", 0),
        ("2026-01-01 00:00:59.999999Z", 59),
        ("2026-01-01T05:30:00+05:30", 0),
        ("2025-12-31T16:00:00-08:00", 0),
        ("2026-01-01T00:00:00-00:00", 0),
        ("2026-01-01T00:00:60Z", 59),
        (T0 + 0.9, 0),
        (str(T0), 0),
        (f"{T0}.5", 0),
    ],
)
def test_times(time: str | float, seconds: int) -> None:
    assert read(json.dumps({"finished_at": time})).deployments[0].finished_at == T0 + seconds


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("2026-01-01T00:00:00", "has no offset; write 2026-01-01T00:00:00Z"),
        ("2026-01-01", "is no time"),
        ("2026-13-01T00:00:00Z", "is no time"),
        ("2026-02-29T00:00:00Z", "is no time"),
        ("2026-01-01T00:00:00+99:00", "is no time"),
        ("0001-01-01T00:00:00+01:00", "outside of the years 1970 to 2099"),
        ("٢٠٢٦-01-01T00:00:00Z", "is no time"),
        (T0 * 1000, "divide by 1000"),
        (-1, "is no time"),
        (True, "is no time"),
        ([], "a list is no time"),
        ("9" * 5000, "is no time"),
        (10**400, "is no time"),
        ("yesterday", "write 2026-01-31T09:00:00Z or seconds since 1970"),
    ],
)
def test_no_times(time: object, reason: str) -> None:
    got = read(json.dumps({"finished_at": time}))
    assert got.deployments == ()
    assert got.report.partial
    assert reason in messages(got)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_none(constant: str) -> None:
    got = read(f'{{"finished_at": {constant}}}')
    assert (got.deployments, got.report.partial) == ((), True)


def test_a_bad_record_costs_only_itself_and_is_told_with_its_place(tmp_path: Path) -> None:
    lines = [json.dumps({"finished_at": T0}), "{broken", '["list"]', json.dumps({"finished_at": "now"}), ""]
    (tmp_path / "a.ndjson").write_text("\n".join([*lines, json.dumps({"finished_at": T0 + 1})]))
    (tmp_path / "b.json").write_text(json.dumps({"builds": [{"started_at": T0}, {"started_at": 9, "finished_at": 1}]}))
    (tmp_path / "c.csv").write_text(
        f'kind,finished_at,version\ndeployment,{T0 + 2},"a\nb"\nrelease,{T0},x\n,{T0},a,b\n'
    )
    paths = [str(tmp_path / name) for name in ("a.ndjson", "b.json", "c.csv", "missing.json")]
    got = collect(paths, Settings(), WINDOW)
    assert [each.finished_at for each in got.deployments] == [T0, T0 + 1, T0 + 2]
    told = messages(got).replace(f"{tmp_path}/", "")
    assert "a.ndjson:2: no JSON" in told
    assert "a.ndjson:3: a list is no JSON object" in told
    assert "a.ndjson:4: finished_at: 'now' is no time" in told
    assert "b.json.builds[0]: a build needs finished_at" in told
    assert "b.json.builds[1]: finished_at lies before started_at" in told
    assert "c.csv:4: kind: 'release' is none of deployment, incident, build, change" in told
    assert "c.csv:5: 4 cells under 3 columns" in told
    assert "missing.json: cannot be read: No such file" in told
    assert got.report.partial


def test_first_line_may_be_the_bad_one() -> None:
    got = read('{"finished_at": }\n{"finished_at": 5}\n{"finished_at": 6}\n')
    assert [each.finished_at for each in got.deployments] == [5, 6]
    assert "standard input:1: no JSON" in messages(got)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "standard input is empty"),
        (b"\xff\x00\x01", "not UTF-8"),
        ("hello\nworld\n", "neither JSON nor a table"),
        ("finished_at,id,id\n5,1,2\n", "column 'id' is there twice"),
        ('finished_at\n"5\n', "no table from here on"),
        ('{"deployments": [\n  {"finished_at": 5},\n  oops\n]}', "standard input:3: no JSON"),
        ("[" * 100_000, "nests too deep"),
        ('{"finished_at": 5, "x": ' + "[" * 200 + "]" * 200 + "}", "nests more than 32 levels deep"),
        ('{"version": 2, "deployments": []}', "version: 2 of this form is not known"),
        ("[1, null]", "1 is no JSON object"),
        ('{"color": "red"}', "no kind; write kind: deployment, incident, build, change"),
        ('{"finished_at": 5, "enviroment": "prod"}', "did you mean environment?"),
        ('{"finished_at": 5, "sha": "main"}', "sha: 'main' is no commit"),
        ('{"finished_at": 5, "outcome": "meh"}', "outcome: 'meh' is no outcome; write success"),
        ('{"finished_at": 5, "production": "maybe"}', "neither true nor false"),
        ('{"finished_at": 5, "version": {"a": 1}}', "version: a mapping is no text"),
        ('{"finished_at": 5, "version": "' + "x" * 5000 + '"}', "longer than 4,096 characters"),
        ('{"finished_at": 5, "failed_at": 4}', "failed_at lies before finished_at"),
        ('{"opened_at": 5, "resolved_at": 4}', "resolved_at lies before opened_at"),
        ('{"started_at": 5, "finished_at": 6, "queued_at": 7}', "queued_at lies after started_at"),
        ('{"sha": "0123456", "committed_at": 5}', "is no whole id of a commit"),
        ('{"started_at": 5, "finished_at": 6, "attempt": 0}', "attempt: 0 is no number from 1 on"),
    ],
)
def test_what_is_wrong_is_said(content: str | bytes, reason: str) -> None:
    assert reason in messages(read(content))


def test_many_problems_are_counted() -> None:
    got = read("\n".join(['{"finished_at": 5}'] + ["{}"] * 50))
    assert len(got.report.notes) == 21
    assert "30 more records could not be used" in messages(got)


def test_too_large_and_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 30)
    assert "is larger than" in messages(read('{"finished_at": 5, "version": "1"}'))
    monkeypatch.undo()
    monkeypatch.setattr("sp404audit.dora.sources.files.reading.MAX_RECORDS", 2)
    got = read("\n".join(f'{{"finished_at": {n}}}' for n in range(5)))
    assert (len(got.deployments), got.report.partial) == (2, True)


def test_lines_that_open_and_never_close_take_no_longer_than_their_length() -> None:
    got = read('{"a":\n' * 50_000)
    assert (got.deployments, got.report.partial) == ((), True)


def test_files_of_a_configuration_lie_below_its_root(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    (root / "in").mkdir(parents=True)
    (tmp_path / "outside.json").write_text(json.dumps(DEPLOYMENT))
    (root / "in/events.json").write_text(json.dumps(DEPLOYMENT))
    (root / "link.json").symlink_to(tmp_path / "outside.json")
    paths = ["../outside.json", str(tmp_path / "outside.json"), "link.json", "in/../../outside.json", "C:\\x", "in"]
    refused = collect([], Settings(), WINDOW, configured=paths, root=str(root))
    assert (refused.deployments, len(refused.report.notes)) == ((), len(paths))
    taken = collect([], Settings(), WINDOW, configured=["in/events.json"], root=str(root))
    assert taken.deployments == (EXPECTED,)
    assert collect([str(root / "link.json")], Settings(), WINDOW).deployments == (EXPECTED,)


def test_same_id_is_one_event() -> None:
    running = {**DEPLOYMENT, "outcome": "running", "finished_at": T0 + 5 * DAY}
    got = read(json.dumps([running, DEPLOYMENT, DEPLOYMENT]))
    assert got.deployments == (EXPECTED,)
    assert "1 ids of deployments stand for records that differ" in messages(got)
    told = [{"id": "1", "opened_at": 50, "title": "slow"}, {"id": "1", "opened_at": 40, "resolved_at": 90}]
    (incident,) = read(json.dumps(told)).incidents
    assert (incident.opened_at, incident.resolved_at, incident.title) == (40, 90, "slow")


def test_records_without_an_id_that_say_the_same_are_one() -> None:
    got = read(json.dumps([{"finished_at": 5, "version": "1"}] * 3 + [{"finished_at": 5, "version": "2"}]))
    assert len(got.deployments) == 2


def test_schema_and_reader_know_the_same_keys() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name, kind in KINDS.items():
        definition = SCHEMA["$defs"][name]
        assert set(definition["properties"]) == set(kind.fields)
        assert set(definition["required"]) == set(kind.required)


TIMES = st.integers(T0 - 400 * DAY, T0 + 400 * DAY)
TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=8)
SHAS = st.integers(0, 16**40 - 1).map(lambda number: f"{number:040x}")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "moment": TIMES,
    "boolean": st.booleans(),
    "words": st.lists(TEXTS.filter(lambda word: ";" not in word), min_size=1, max_size=3, unique=True),
    "outcome": st.sampled_from(["success", "failure", "cancelled", "running", "unknown"]),
    "commit": SHAS,
    "count": st.integers(1, 10**8),
    "http_url": TEXTS.map("https://x.example/".__add__),
}


@st.composite
def record(draw: st.DrawFn) -> dict[str, Any]:
    """A record that the schema allows, with times in their order."""
    name = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[name]
    optional = draw(st.sets(st.sampled_from(sorted(set(kind.fields) - {"kind", "id"}))))
    made = {key: draw(VALUES[kind.fields[key].__name__]) for key in sorted({*optional, *kind.required})}
    ordered = [
        key
        for key in ("opened_at", "resolved_at", "queued_at", "started_at", "finished_at", "failed_at")
        if key in made
    ]
    made |= dict(zip(ordered, sorted(made[key] for key in ordered), strict=True))
    return {"kind": name, **({"id": str(draw(st.integers(0, 99)))} if name != "change" else {}), **made}


@settings(max_examples=100, deadline=None)
@given(st.lists(record(), max_size=12), st.randoms(use_true_random=False))
def test_forms_agree_and_order_does_not_matter(records: list[dict[str, Any]], random: Any) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for one in records:
        validator.validate(one)
    want = read(json.dumps(records))
    assert not want.report.partial, messages(want)
    shuffled = list(records)
    random.shuffle(shuffled)
    for got in (read("\n".join(map(json.dumps, shuffled))), read(table(shuffled))):
        assert got[1:] == want[1:]


def table(records: list[dict[str, Any]]) -> str:
    import csv

    columns = sorted({"finished_at", *(key for one in records for key in one)})
    out = io.StringIO()
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    for one in records:
        writer.writerow({key: ";".join(value) if isinstance(value, list) else value for key, value in one.items()})
    return out.getvalue()


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore"))))
def test_any_bytes_are_answered(data: bytes) -> None:
    read(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["kind", "context", "subject", "event", "data", "type", "specversion", "finished_at", "content"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_json_is_answered(value: Any) -> None:
    read(json.dumps(value))
