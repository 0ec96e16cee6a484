"""The cache: it spares work and changes no report, whatever becomes of its file and whoever wrote it."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import os
import pkgutil
import random
import signal
import sqlite3
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sp404audit import audit, conductor, documents
from sp404audit.cache import codec, default_folder, entries, keys, store
from sp404audit.cache.judged import Judged
from sp404audit.cache.store import Store
from sp404audit.cli import main
from sp404audit.discovery import Kind, Reader, discover
from sp404audit.documents import loader
from sp404audit.outcome import Audit
from sp404audit.reports import FORMATS, Options, render
from sp404audit.results import Location, Notification, Region, Result, Severity
from sp404audit.rules.evaluation import FileTally

PACKAGE = Path(documents.__file__).parent.parent
FIXTURES = PACKAGE.parent / "fixtures"
WORKFLOW = ".github/workflows/ci.yml"
UNPINNED = "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@main\n"


def scan(root: Path, cache: Path | bool | None, **options: Any) -> Audit:
    return audit(root, engines=["native"], cache=cache, **options)


def reports(finished: Audit) -> dict[str, str]:
    return {name: render(name, finished, Options(verbose=True)) for name in FORMATS}


def database(cache: Path) -> Path:
    return cache / "files.sqlite3"


def edit(cache: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(database(cache)) as connection:
        connection.execute(statement, values)
    connection.close()


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were really judged."""
    paths: list[str] = []
    load = loader.load

    def noting(kind: str, source: Any) -> Any:
        paths.append(source.path)
        return load(kind, source)

    monkeypatch.setattr(loader, "load", noting)
    return paths


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / WORKFLOW).parent.mkdir(parents=True)
    (root / WORKFLOW).write_text(UNPINNED)
    (root / "Dockerfile").write_text("FROM python:latest\n# sp404audit: ignore[docker] -- a sample\nCMD a\n")
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


class TestReports:
    @pytest.mark.parametrize("name", ["sp404mk2", "sp404mk2-compliant"])
    def test_cold_and_warm_runs_say_the_same(self, name: str, cache: Path, judged: list[str]) -> None:
        plain = reports(scan(FIXTURES / name, cache=False, policy="strict"))
        cold = reports(scan(FIXTURES / name, cache, policy="strict"))
        judged.clear()
        warm = reports(scan(FIXTURES / name, cache, policy="strict"))
        assert plain == cold == warm
        assert judged == []

    def test_files_that_cannot_be_read_are_told_again(self, repository: Path, cache: Path, judged: list[str]) -> None:
        hostile: dict[str, bytes] = {
            "compose.yaml": b"services:\n\ta: [\n",
            "deep/compose.yaml": b"a: " + b"[" * 300,
            "main.tf": b'resource "aws_s3_bucket" "b" {\n  bucket = [1, \n}\n',
            "Dockerfile.odd": b"FROM a\nFRUM b\nRUN <<E\n",
            "run.sh": b"#!/bin/bash\n\xff\xfe\xed\xa0\x80 rm -rf $x\nif\n",
            "data.txt": b"-----BEGIN " + b"RSA PRIVATE KEY-----\n",
            ".github/workflows/b.yml": b'on: push\njobs: {"\\ud83d\\ude00": {"\\ud83d": &a [*a, *a]}}\n',
        }
        for name, content in hostile.items():
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            (repository / name).write_bytes(content)
        cold = scan(repository, cache)
        judged.clear()
        warm = scan(repository, cache)
        assert any(note.level == "error" for note in cold.notifications)
        assert reports(cold) == reports(warm)
        assert judged == []


class TestHits:
    def test_only_a_changed_file_is_judged_again(self, repository: Path, cache: Path, judged: list[str]) -> None:
        scan(repository, cache)
        (repository / WORKFLOW).write_text(UNPINNED + "\n")
        judged.clear()
        scan(repository, cache)
        assert judged == [WORKFLOW]

    def test_a_policy_that_says_something_else_finds_nothing(
        self, repository: Path, cache: Path, judged: list[str]
    ) -> None:
        scan(repository, cache)
        (repository / ".sp404audit.yaml").write_text("version: 1\nrules:\n  actions/pinned-uses:\n    severity: low\n")
        judged.clear()
        report = scan(repository, cache)
        assert WORKFLOW in judged
        pinned = [each for each in report.results if each.rule_id == "actions/pinned-uses" and each.kind == "fail"]
        assert {result.severity for result in pinned} == {Severity.LOW}

    def test_an_override_for_a_path_counts(self, repository: Path, cache: Path, judged: list[str]) -> None:
        scan(repository, cache)
        (repository / ".sp404audit.yaml").write_text(
            "version: 1\noverrides:\n  - paths: [.github/]\n    rules:\n      actions/pinned-uses: false\n"
        )
        judged.clear()
        scan(repository, cache)
        assert WORKFLOW in judged

    def test_another_choice_of_rules_finds_nothing(self, repository: Path, cache: Path, judged: list[str]) -> None:
        scan(repository, cache)
        judged.clear()
        scan(repository, cache, select=["actions"])
        assert WORKFLOW in judged

    def test_another_ruleset_finds_nothing(
        self, repository: Path, cache: Path, judged: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scan(repository, cache)
        monkeypatch.setattr(keys, "ruleset", lambda: "another")
        judged.clear()
        scan(repository, cache)
        assert WORKFLOW in judged

    def test_the_ruleset_is_known_by_its_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("cache/keys.py", "rules/words.json", "__pycache__/a.pyc"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("one")
        monkeypatch.setattr(keys, "__file__", str(tmp_path / "cache/keys.py"))
        before = keys.ruleset()
        (tmp_path / "__pycache__/a.pyc").write_text("two")
        assert keys.ruleset() == before
        (tmp_path / "rules/words.json").write_text("two")
        assert keys.ruleset() != before

    def test_a_rule_that_failed_is_asked_again(
        self, repository: Path, cache: Path, judged: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(conductor, "comments_in", lambda _: [])
            patch.setattr("sp404audit.documents.github.workflow.Workflow.facts", lambda _: 1 / 0)
            assert any(note.id == "rule/crashed" for note in scan(repository, cache).notifications)
        judged.clear()
        assert not any(note.id == "rule/crashed" for note in scan(repository, cache).notifications)
        assert judged == [WORKFLOW]


class TestWhere:
    def test_a_small_repository_has_no_cache(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        scan(repository, None)
        assert not (tmp_path / "xdg").exists()
        monkeypatch.setattr("sp404audit.cache.WORTHWHILE_FILES", 2)
        scan(repository, None)
        assert (tmp_path / "xdg" / "sp404audit" / "files.sqlite3").is_file()

    def test_the_command_does_without_when_told(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        monkeypatch.setattr("sp404audit.cache.WORTHWHILE_FILES", 2)
        command = ["scan", str(repository), "--engine", "native"]
        without = CliRunner().invoke(main, [*command, "--no-cache"])
        assert not (tmp_path / "xdg").exists()
        assert CliRunner().invoke(main, command).output == without.output != ""
        assert (tmp_path / "xdg" / "sp404audit" / "files.sqlite3").is_file()

    def test_a_cache_inside_the_repository_is_not_used(
        self, repository: Path, tmp_path: Path, judged: list[str]
    ) -> None:
        for cache in (repository / "cache", tmp_path / "link"):
            if cache.name == "link":
                cache.symlink_to(repository / "cache")
            scan(repository, cache)
            judged.clear()
            scan(repository, cache)
            assert WORKFLOW in judged

    @pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
    def test_a_folder_that_others_may_write_is_not_used(self, repository: Path, cache: Path) -> None:
        cache.mkdir()
        cache.chmod(0o777)
        scan(repository, cache)
        assert not database(cache).exists()

    def test_a_folder_that_cannot_be_made_is_done_without(self, repository: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert scan(repository, tmp_path / "file" / "cache").results

    def test_a_relative_variable_is_ignored(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", "cache")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert "cache/sp404audit" not in (default_folder() or "").replace(str(tmp_path / ".cache"), "")


def damaged(path: Path) -> None:
    data = bytearray(path.read_bytes())
    noise = random.Random(7)
    data[100:] = noise.randbytes(len(data) - 100)
    path.write_bytes(data)


def other_schema(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE VIEW entries AS SELECT x'00' AS key, 1 AS used, x'5b5d' AS data")
    connection.close()


class TestDamage:
    @pytest.mark.parametrize(
        "harm",
        [
            lambda path: path.write_bytes(b""),
            lambda path: path.write_bytes(b"no database at all" * 99),
            lambda path: path.write_bytes(path.read_bytes()[:5000]),
            damaged,
            other_schema,
        ],
        ids=["empty", "text", "cut", "noise", "schema"],
    )
    def test_a_damaged_file_is_made_anew_without_a_word(
        self, harm: Callable[[Path], object], repository: Path, cache: Path, judged: list[str]
    ) -> None:
        cold = reports(scan(repository, cache))
        harm(database(cache))
        assert reports(scan(repository, cache)) == cold
        judged.clear()
        assert reports(scan(repository, cache)) == cold
        assert judged == []

    def test_a_link_is_replaced_and_what_it_points_at_left_alone(
        self, repository: Path, cache: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "diary").write_text("dear diary, " * 99)
        cache.mkdir()
        database(cache).symlink_to(tmp_path / "diary")
        scan(repository, cache)
        assert (tmp_path / "diary").read_text() == "dear diary, " * 99
        assert not database(cache).is_symlink()

    def test_a_locked_file_is_done_without(
        self, repository: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cold = reports(scan(repository, cache))
        monkeypatch.setattr(store, "_SECONDS_TO_WAIT", 0.05)
        lock = sqlite3.connect(database(cache), isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        assert reports(scan(repository, cache)) == cold
        lock.close()

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX's")
    def test_a_killed_writer_leaves_whole_entries(self, tmp_path: Path) -> None:
        file = tmp_path / "a.sqlite3"
        code = (
            "import os, signal, sqlite3, sys\n"
            "from sp404audit.cache.store import Store\n"
            "s = Store(sys.argv[1], max_entry_bytes=1 << 20)\n"
            "s.put(b'whole', b'1'); s._write()\n"
            "s._make_room = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
            "s._connection.execute('PRAGMA cache_size = 1')\n"
            "[s.put(b'%d' % n, b'x' * 9000) for n in range(300)]; s.close()\n"
        )
        done = subprocess.run([sys.executable, "-c", code, str(file)], timeout=60)
        assert done.returncode == -signal.SIGKILL
        again = Store(str(file), max_entry_bytes=1 << 20)
        assert (again.get(b"whole"), again.get(b"7")) == (b"1", None)
        again.put(b"7", b"8")
        again.close()
        assert Store(str(file), max_entry_bytes=1 << 20).get(b"7") == b"8"

    def test_processes_share_it(self, repository: Path, cache: Path) -> None:
        code = (
            "import sys; from sp404audit import audit; from sp404audit.reports import render, Options\n"
            "a = audit(sys.argv[1], engines=['native'], cache=sys.argv[2])\n"
            "sys.stdout.write(render('json', a, Options()))"
        )
        command = [sys.executable, "-c", code, str(repository), str(cache)]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
        outputs = [process.communicate(timeout=60) for process in running]
        assert {process.returncode for process in running} == {0}
        assert len({output for output, _ in outputs}) == 1
        assert {error for _, error in outputs} == {b""}


class TestBounds:
    def test_what_was_not_used_for_longest_makes_room(self, tmp_path: Path) -> None:
        file = str(tmp_path / "a.sqlite3")
        first = Store(file, max_entry_bytes=1 << 20, max_bytes=400_000)
        for number in range(30):
            first.put(b"old %d" % number, b"x" * 10_000)
        first.close()
        edit_day = sqlite3.connect(file)
        edit_day.execute("UPDATE entries SET used = used - 9")
        edit_day.commit()
        edit_day.close()
        second = Store(file, max_entry_bytes=1 << 20, max_bytes=400_000)
        assert second.get(b"old 3") is not None
        for number in range(20):
            second.put(b"new %d" % number, b"x" * 10_000)
        second.close()
        third = Store(file, max_entry_bytes=1 << 20, max_bytes=400_000)
        assert third.get(b"old 0") is None
        assert third.get(b"old 3") is not None
        assert third.get(b"new 19") is not None
        third.close()
        assert Path(file).stat().st_size < 800_000

    def test_a_large_entry_is_not_read(self, tmp_path: Path) -> None:
        one = Store(str(tmp_path / "a.sqlite3"), max_entry_bytes=10)
        one.put(b"a", b"x" * 11)
        one.put(b"b", b"x" * 10)
        one._write()
        assert (one.get(b"a"), one.get(b"b")) == (None, b"x" * 10)
        one.close()


HIT = FileTally(1, (Result("a/b", "fail", Severity.LOW, "no", Location("f", Region(2, 1, 2, 5))),))


def entry(**changes: Any) -> Judged:
    return Judged((HIT,), (), (), (Notification("yaml/syntax", "error", "odd", "f"),), is_partial=True)._replace(
        **changes
    )


def dumped(judged: Judged) -> Any:
    data = entries.dump(judged, "f")
    assert data is not None
    return json.loads(data)


class TestPoison:
    """An entry that was written by somebody else builds nothing but facts and results, and fails silently."""

    def test_what_is_dumped_is_loaded(self) -> None:
        data = entries.dump(entry(), "f")
        assert data is not None
        assert entries.load(data, "f", {"a/b"}) == entry()

    @pytest.mark.parametrize(
        "name",
        [
            "os:system",
            "posix:system",
            "source:Source",
            "model:Repository",
            "..results:Location",
            "shell.commands:Location",
            "shell.commands:parse",
            "shell.commands:NamedTuple",
            "shell.commands:__builtins__",
            "no_such_module:Fact",
            "shell.commands",
            "",
            None,
            7,
            ["os", "system"],
        ],
    )
    def test_only_facts_are_built(self, name: object) -> None:
        data = dumped(entry())
        data[1] = [[name, ["true"]]]
        assert entries.load(json.dumps(data).encode(), "f", {"a/b"}) is None

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"null",
            b"[]",
            b"[[],[]]",
            b"[" * 100_000,
            b'{"a":1}',
            b"\xff\xff",
            b"[[[],[],[],false],[1]]",
            b"9" * 9999,
        ],
    )
    def test_other_data_is_no_entry(self, data: bytes) -> None:
        assert entries.load(data, "f", {"a/b"}) is None

    @pytest.mark.parametrize(
        ("at", "value"),
        [
            ((0, 0, 0, 0), 0),
            ((0, 0, 0, 0), "many"),
            ((0, 0, 0, 1), []),
            ((0, 0, 0, 1, 0, 0), "other/rule"),
            ((0, 0, 0, 1, 0, 1), "passed"),
            ((0, 0, 0, 1, 0, 2), 9),
            ((0, 0, 0, 1, 0, 2), True),
            ((0, 0, 0, 1, 0, 3), None),
            ((0, 0, 0, 1, 0, 4), [2, 1, 2]),
            ((0, 0, 0, 1, 0, 4), [0, 1, 2, 3]),
            ((0, 0, 0, 1, 0, 4), [1, 1, 1, 1 << 40]),
            ((0, 0, 0, 1, 0, 4), [1, 1, 1, True]),
            ((0, 0, 0, 1, 0, 4), [1, 1, 1, 1, "", "another/file"]),
            ((0, 0, 0, 1, 0, 4), [1, 1, 1, 1, 5]),
            ((0, 0, 0, 1, 0, 6), ["a", [["another/file", [1, 1, 1, 1], "x"]], True]),
            ((0, 2, 0, 1), "fatal"),
            ((0, 2, 0, 3), "another/file"),
            ((0, 2, 0, 0), "rule/crashed"),
            ((0, 3), "yes"),
        ],
    )
    def test_a_field_of_another_kind_makes_the_entry_void(self, at: tuple[int, ...], value: object) -> None:
        data = dumped(entry())
        inner = data
        for index in at[:-1]:
            inner = inner[index]
        inner[at[-1]] = value
        assert entries.load(json.dumps(data).encode(), "f", {"a/b"}) is None

    def test_a_void_entry_is_written_again(self, repository: Path, cache: Path, judged: list[str]) -> None:
        cold = reports(scan(repository, cache))
        edit(cache, "UPDATE entries SET data = ?", b"[]")
        assert reports(scan(repository, cache)) == cold
        judged.clear()
        scan(repository, cache)
        assert judged == []

    def test_an_entry_counts_for_the_very_file_only(self, repository: Path, cache: Path, judged: list[str]) -> None:
        scan(repository, cache)
        (repository / "copy").mkdir()
        (repository / "copy" / "Dockerfile").write_bytes((repository / "Dockerfile").read_bytes())
        judged.clear()
        scan(repository, cache)
        assert "copy/Dockerfile" in judged


@functools.cache
def fact_classes() -> list[type[tuple[Any, ...]]]:
    """Every class that something asks the repository's facts for."""
    texts = (file.read_text("utf-8") for file in PACKAGE.rglob("*.py"))
    asked = {
        argument.id if isinstance(argument, ast.Name) else argument.attr
        for text in texts
        if ".facts(" in text
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "facts"
        for argument in call.args
        if isinstance(argument, ast.Name | ast.Attribute)
    }
    found = []
    for module in pkgutil.walk_packages(documents.__path__, "sp404audit.documents."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if (
                name in asked
                and isinstance(value, type)
                and issubclass(value, tuple)
                and value.__module__ == module.name
            ):
                found.append(value)
    return found


def test_there_are_facts() -> None:
    assert len(fact_classes()) >= 30


PATHS = st.sampled_from(["f", "a/b.yml", "\udcff"])
TEXTS = st.one_of(st.text(max_size=4), st.sampled_from(["\ud83d\ude00", "\udc80", "\x00", "é"]))
NUMBERS = st.integers(1, 1 << 20)


def values(annotation: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of an annotation, so that the test knows what fields hold without asking the codec."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Location:
        return st.builds(Location, PATHS, values(Region), TEXTS)
    if annotation is Region:
        return st.builds(Region, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
    if origin is tuple and parts[-1] is Ellipsis:
        return (
            st.lists(values(parts[0], depth + 1), max_size=2 if depth < 3 else 0).map(tuple)
            if depth < 4
            else st.just(())
        )
    if origin is tuple:
        return st.tuples(*(values(part, depth + 1) for part in parts))
    if parts:
        return st.one_of([values(part, depth + 1) for part in parts])
    if isinstance(annotation, type) and issubclass(annotation, tuple):
        hints = typing.get_type_hints(annotation)
        fields = [values(hint, depth + 1) for hint in hints.values()]
        return st.tuples(*fields).map(lambda row: cast("Any", annotation)(*row))
    plain = {
        str: TEXTS,
        int: st.integers(),
        bool: st.booleans(),
        float: st.floats(allow_nan=False),
        type(None): st.none(),
    }
    return plain[annotation]


@pytest.mark.parametrize("kind", fact_classes(), ids=codec.fact_name)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_fact_comes_back_as_it_was(kind: type[tuple[Any, ...]], data: st.DataObject) -> None:
    fact = data.draw(values(kind))
    written = entries.dump(entry(facts=(fact,)), "f")
    assert written is not None
    read = entries.load(written, "f", {"a/b"})
    assert read is not None
    assert repr(read.facts) == repr((fact,))
    assert same_types(read.facts[0], fact)


def same_types(one: object, other: object) -> bool:
    pending = [(one, other)]
    while pending:
        left, right = pending.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, tuple) and isinstance(right, tuple):
            pending.extend(zip(left, right, strict=True))
    return True


def kept(root: Path) -> Iterator[tuple[str, bool]]:
    """Each file of a repository that can be read, and whether its facts have a form in the cache."""
    reader = Reader(root)
    for file in discover(root).files:
        if file.kind is not Kind.TEXT:
            from sp404audit.documents.source import Source

            document = loader.load(file.kind, Source(file.path, reader.read(file.path)))
            facts = tuple(document.facts())
            yield file.path, entries.dump(entry(facts=facts, notifications=()), "f") is not None


@pytest.mark.parametrize("name", ["sp404mk2", "sp404mk2-compliant"])
def test_what_documents_really_tell_has_a_form_in_the_cache(name: str) -> None:
    assert [path for path, is_kept in kept(FIXTURES / name) if not is_kept] == []
