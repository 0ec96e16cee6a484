"""Input made to hurt: whatever a repository holds, the audit ends, runs nothing, and tells what it left out.

Each case is a repository with one hostile file beside a workflow with a known failure. That failure must be found, and
the hostile file must either be audited or have exactly one notification.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sp404audit import audit
from sp404audit.outcome import Audit

WITNESS = ".github/workflows/witness.yml"
WORKFLOW = ".github/workflows/hostile.yml"
JOBS = b"jobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@main\n"
UNPINNED = "actions/pinned-uses"
AUDITED = "audited"


class Case(NamedTuple):
    """A hostile file, and what must become of it: `AUDITED`, or the id of its notification."""

    name: str
    path: str
    content: bytes
    outcome: str


def workflow(name: str, head: bytes, outcome: str = AUDITED, jobs: bytes = JOBS) -> Case:
    return Case(name, WORKFLOW, b"on: push\n" + head + jobs, outcome)


def doubled(rows: int) -> bytes:
    lines = [b"n0: &n0 {k: v}"]
    lines += [b"n%d: &n%d {<<: [*n%d, *n%d], k%d: v}" % (n, n, n - 1, n - 1, n) for n in range(1, rows)]
    return b"\n".join(lines) + b"\nenv: *n%d\n" % (rows - 1)


def laughs(rows: int) -> bytes:
    lines = [b"l0: &l0 [ha]"] + [
        b"l%d: &l%d [%s]" % (n, n, b", ".join([b"*l%d" % (n - 1)] * 9)) for n in range(1, rows)
    ]
    return b"\n".join(lines) + b"\n"


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return opening * depth + closing * depth


CASES = [
    workflow("aliases that expand to a billion", laughs(10)),
    workflow("an alias of its own parent", b"env: &e\n  A: *e\n"),
    workflow("merge keys that double", doubled(30)),
    workflow("a number of 100,000 digits", b"env: {A: " + b"7" * 100_000 + b"}\n"),
    workflow("a tag that would run a program", b"env: !!python/object/apply:os.system ['touch RAN']\n"),
    workflow("keys of every type", b"? [a]\n: b\n? {c: d}\n: e\n1.5: f\n~: g\n"),
    workflow("line ends that only YAML 1.1 knows", "name: 'a\u2028b\u0085c'\n".encode()),
    workflow("300 anchors with one name", b"".join(b"a%d: &x v\n" % n for n in range(300)) + b"b: *x\n"),
    workflow("depth without end", b"x: " + nested(b"[", b"]", 30_000) + b"\n", "yaml/too-deep"),
    workflow("depth that is never closed", b"x: " + b"{a: " * 30_000, "yaml/too-deep"),
    workflow("tabs", b"\tx: y\n", "yaml/syntax"),
    workflow("NUL bytes", b"name: a\0b\n", "input/encoding"),
    workflow("bytes of no encoding", b"name: \xff\xfe\x80\n", "input/encoding"),
    workflow("an expression that nests without end", b"", "expression/too-deep",
             b"jobs: {a: {runs-on: x, if: '${{ " + nested(b"(", b")", 5_000) + b" }}', steps: []}}\n"),
    workflow("expressions that never close", b"env: {A: '" + b"${{ a" * 20_000 + b"'}\n", "expression/syntax"),
    Case("UTF-16", WORKFLOW, (b"on: push\n" + JOBS).decode().encode("utf-16"), AUDITED),
    Case("old line ends", WORKFLOW, (b"on: push\n" + JOBS).replace(b"\n", b"\r"), AUDITED),
    Case("a byte order mark", WORKFLOW, b"\xef\xbb\xbfon: push\n" + JOBS, AUDITED),
    Case("a document that is a word", WORKFLOW, b"hello\n", "yaml/schema"),
    Case("nothing", WORKFLOW, b"", "yaml/schema"),
    Case("jobs that need each other", WORKFLOW,
         b"on: [push, workflow_call]\njobs:\n  a: {needs: b, runs-on: x, steps: [{uses: x/y@main}]}\n"
         b"  b: {needs: a, runs-on: x, steps: []}\n  c: {uses: ./.github/workflows/hostile.yml}\n", AUDITED),
    Case("a line of a megabyte", "Dockerfile", b"FROM debian:latest\nRUN echo " + b"a " * 500_000, AUDITED),
    Case("a line that goes on", "Dockerfile", b"FROM debian:latest\nRUN a \\\n" + b" && b \\\n" * 20_000, AUDITED),
    Case("3,000 stages", "Dockerfile",
         b"FROM a AS s0\n" + b"".join(b"FROM s%d AS s%d\n" % (n, n + 1) for n in range(3_000)), AUDITED),
    Case("arguments that double", "Dockerfile",
         b"ARG a0=x\n" + b"".join(b"ARG a%d=${a%d}${a%d}\n" % (n + 1, n, n) for n in range(40)) + b"FROM ${a40}\n",
         AUDITED),
    Case("instructions that are none", "Dockerfile", b"FORM debian\nRAN x\n\x00\x01\n", "dockerfile/syntax"),
    Case("a here-document without end", "Dockerfile", b"FROM debian\nRUN <<EOF\nUSER root\n", "dockerfile/syntax"),
    Case("compose files of each other", "compose.yaml",
         b"include: [compose.yaml, ../../etc/passwd]\nservices:\n  a: {extends: {file: compose.yaml, service: a}}\n"
         b"  b: {image: x, env_file: /etc/passwd}\n", "compose/path-escape"),
    Case("dashboards with NaN", "grafana/d.json", b'{"panels": [{"id": NaN}], "title": "a"}', "json/syntax"),
    Case("dashboards without end", "grafana/d.json", b'{"panels":' + nested(b"[", b"]", 50_000), "json/too-deep"),
    Case("a chart's template", "chart/templates/d.yaml", b"apiVersion: v1\nkind: Pod\n{{- x }}\n", "input/template"),
    Case("a script that is a program", "deploy.sh", b"\x7fELF" + bytes(range(256)) * 50, "input/binary"),
    Case("substitutions without end", "deploy.sh", b"#!/bin/sh\n" + nested(b"$(", b")", 5_000), "shell/too-deep"),
    Case("quotes without end", "deploy.sh", b"#!/bin/sh\necho \"$(cat <<EOF\n'`\n", AUDITED),
    Case("variables that set each other", "deploy.sh",
         b"#!/bin/bash\n" + b'if x; then A="$B b"; fi\nif y; then B="$A c"; fi\n' * 40 + b'cp x "$A"\n', AUDITED),
    workflow("20,000 comments that accept failures", b"# sp404audit: ignore[a/b] until=2099-01-01 -- x\n" * 20_000),
    Case("values that double", ".env", b"A0=x\n" + b"".join(b"A%d=$A%d$A%d\n" % (n + 1, n, n) for n in range(60)),
         AUDITED),
    Case("an alternative without a command", "deploy.sh", b"#!/bin/bash\n[[ x ]] || <<EOF\nexit 64\necho\n", AUDITED),
    Case("20,000 variables", ".env", b"".join(b"A%d=%d\n" % (n, n) for n in range(20_000)), AUDITED),
    Case("a key that goes on", "a.txt", b"-----BEGIN " + b"PRIVATE KEY-----" * 20_000, AUDITED),
]  # fmt: skip


def run(root: Path) -> Audit:
    (root / WITNESS).parent.mkdir(parents=True, exist_ok=True)
    (root / WITNESS).write_bytes(b"on: push\n" + JOBS)
    started = time.process_time()
    report = audit(root, policy="strict", engines=["native"])
    assert time.process_time() - started < 10
    found = {result.location.path for result in report.failures if result.rule_id == UNPINNED}
    assert WITNESS in found
    assert not list(root.rglob("RAN*"))
    return report


def about(report: Audit, path: str) -> list[str]:
    return sorted(note.id for note in report.notifications if note.path == path)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_files(tmp_path: Path, case: Case) -> None:
    target = tmp_path / case.path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(case.content)
    report = run(tmp_path)
    assert about(report, case.path) == ([] if case.outcome == AUDITED else [case.outcome])
    if case.outcome == AUDITED and b"actions/checkout@main" in case.content:
        assert any(result.location.path == case.path for result in report.failures if result.rule_id == UNPINNED)
    errors = [note for note in report.notifications if note.level == "error"]
    assert report.incomplete == bool(errors)
    assert report.exit_code == 1


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="made of things that Windows has not")


@POSIX
def test_links_pipes_and_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / WORKFLOW).symlink_to("/etc/passwd")
    (tmp_path / "Dockerfile").symlink_to("/dev/zero")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "above").symlink_to("..")
    os.mkfifo(tmp_path / "deploy.sh")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("compose.yaml")
    report = run(tmp_path)
    assert {note.path: (note.id, note.level) for note in report.notifications if note.path} == {
        WORKFLOW: ("input/link", "warning"),
        "Dockerfile": ("input/link", "warning"),
        "above": ("input/link", "note"),
        "deploy.sh": ("input/not-regular", "warning"),
        "compose.yaml": ("input/not-regular", "warning"),
    }
    assert not report.incomplete


def test_a_sparse_file(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").touch()
    with (tmp_path / "Dockerfile").open("wb") as file:
        file.truncate(2**36)
    report = run(tmp_path)
    assert about(report, "Dockerfile") == ["input/too-large"]
    assert report.incomplete
    unproven = [result for result in report.results if result.kind == "open" and result.location.path == "Dockerfile"]
    assert unproven, "what needed the file is not proven"


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
def test_names(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/.github/workflows/"
    os.makedirs(folder)  # noqa: PTH103 (bytes)
    names = [b"a\nb.yml", b"\x1b[1m.yml", b"\xff.yml", b"-x.yml", b"::warning::.yml", b" .yml", "\u202ex.yml".encode()]
    for name in names:
        with open(folder + name, "wb") as file:  # noqa: PTH123 (bytes)
            file.write(b"on: push\n" + JOBS)
    found = {os.fsencode(result.location.path).rpartition(b"/")[2] for result in run(tmp_path).failures}
    assert found >= set(names)


def test_folders_without_end(tmp_path: Path) -> None:
    folder = tmp_path / "/".join(["d"] * 100)
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM debian\n")
    report = run(tmp_path)
    assert [note.id for note in report.notifications] == ["input/too-deep-path"]
    assert not report.incomplete


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def test_git_runs_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", ".")
    (tmp_path / WORKFLOW).parent.mkdir(parents=True)
    (tmp_path / WORKFLOW).write_bytes(b"on: push\n" + JOBS)
    git(tmp_path, "add", "-A")
    for key in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "filter.x.clean",
        "filter.x.process",
        "core.sshCommand",
    ):
        git(tmp_path, "config", key, f"touch '{tmp_path}/RAN-{key}'")
    (tmp_path / ".gitattributes").write_text("* filter=x diff=x\n")
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-commit"):
        path = tmp_path / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch '{tmp_path}/RAN-{hook}'\n")
        path.chmod(0o755)
    assert WORKFLOW in {result.location.path for result in run(tmp_path).failures}


@pytest.mark.parametrize("damage", ["truncated", "elsewhere", "ignoring"])
def test_git_hides_nothing(tmp_path: Path, damage: str) -> None:
    (tmp_path / WORKFLOW).parent.mkdir(parents=True)
    for path in (WORKFLOW, WITNESS):
        (tmp_path / path).write_bytes(b"on: push\n" + JOBS)
    if damage == "elsewhere":
        (tmp_path / ".git").write_text("gitdir: /elsewhere/.git\n")
    else:
        git(tmp_path, "init", "-q", ".")
        git(tmp_path, "add", "-A")
    if damage == "truncated":
        index = tmp_path / ".git/index"
        index.write_bytes(index.read_bytes()[:40])
    (tmp_path / ".gitignore").write_text("*\n" + "**/a*a*a*a*a*a*b\n" * 1000)
    assert WORKFLOW in {result.location.path for result in run(tmp_path).failures}


def test_configuration_of_other_tools_is_not_obeyed(tmp_path: Path) -> None:
    run_it = "open('RAN-it', 'w')\n"
    for name in ("yaml.py", "sitecustomize.py", "click.py", "evil/__init__.py"):
        path: Path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(run_it)
    (tmp_path / ".checkov.yaml").write_text("external-checks-dir: [evil]\nskip-check: [CKV_GHA_7]\n")
    (tmp_path / "zizmor.yml").write_text("rules: {unpinned-uses: {disable: true}}\n")
    command = [sys.executable, "-I", "-m", "sp404audit", "scan", str(tmp_path), "--engine", "native"]
    run(tmp_path)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert done.returncode == 1, done.stderr
    assert not list(tmp_path.rglob("RAN*"))


def test_a_thousand_results_are_counted(tmp_path: Path) -> None:
    steps = b"".join(b"      - uses: a/b%d@main\n" % n for n in range(1000))
    (tmp_path / WORKFLOW).parent.mkdir(parents=True)
    (tmp_path / WORKFLOW).write_bytes(b"on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n" + steps)
    found = [each for each in run(tmp_path).failures if each.rule_id == UNPINNED and each.location.path == WORKFLOW]
    assert len(found) == 101
    assert any("900 more" in each.message for each in found)


def test_a_rule_that_fails_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sp404audit.rules import all_rules
    from sp404audit.rules.registry import RULES

    all_rules()

    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError("broken")

    replaced: Callable[..., object] = broken
    monkeypatch.setattr(RULES["actions/least-privilege-token"], "function", replaced)
    monkeypatch.setitem(vars(RULES["actions/least-privilege-token"]), "subject", RULES[UNPINNED].subject)
    report = run(tmp_path)
    assert "rule/crashed" in {note.id for note in report.notifications}
    assert report.incomplete
