import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sp404audit.discovery import Discovery, Kind, discover
from sp404audit.discovery.ignore import MAX_PATTERNS
from sp404audit.discovery.walk import MAX_DEPTH

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="made of things that Windows has not")


def write(root: Path, *paths: str, text: str = "x\n") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def kinds(found: Discovery) -> dict[str, str]:
    return {file.path: str(file.kind) for file in found.files if file.kind is not Kind.TEXT}


def notes(found: Discovery) -> list[tuple[str, str, str]]:
    return [(note.id, note.level, note.path) for note in found.notifications]


def commit_all(root: Path) -> None:
    for arguments in (["init", "-q", "."], ["add", "-A", "-f"]):
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def test_files_in_order_with_kind_and_size(tmp_path: Path) -> None:
    write(tmp_path, "b/Dockerfile", "a.sh", "c.py", ".github/workflows/ci.yml", text="1234")
    found = discover(tmp_path)
    assert [tuple(file) for file in found.files] == [
        (".github/workflows/ci.yml", "workflow", 4),
        ("a.sh", "shell", 4),
        ("b/Dockerfile", "dockerfile", 4),
        ("c.py", "text", 0),
    ]
    assert found.paths == {"b/Dockerfile", "a.sh", "c.py", ".github/workflows/ci.yml"}
    assert found.notifications == ()


def test_what_looks_like_it_but_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "Dockerfile/readme", "docker-compose.yml/x", "app/Dockerfile")
    found = discover(tmp_path)
    assert kinds(found) == {"app/Dockerfile": "dockerfile"}
    assert not found.notifications


def test_workflows_of_others_are_none(tmp_path: Path) -> None:
    write(tmp_path, ".github/workflows/a.yml", "fixtures/x/.github/workflows/b.yml", "vendor/y/.github/workflows/c.yml")
    assert kinds(discover(tmp_path)) == {".github/workflows/a.yml": "workflow"}


def test_pruned_folders_are_counted(tmp_path: Path) -> None:
    write(
        tmp_path, "a.sh", "node_modules/x/b.sh", "app/vendor/c.sh", "rust/Cargo.toml", "rust/target/d.sh", "target/e.sh"
    )
    found = discover(tmp_path)
    assert set(kinds(found)) - {"rust/Cargo.toml"} == {"a.sh", "target/e.sh"}
    assert found.pruned == ("app/vendor", "node_modules", "rust/target")
    assert notes(found) == [("input/pruned", "note", "")]
    assert "3 folders" in found.notifications[0].message


def test_pruned_folders_that_git_ignores_are_not_worth_a_word(tmp_path: Path) -> None:
    write(tmp_path, "node_modules/x/b.sh")
    write(tmp_path, ".gitignore", text="node_modules\n")
    assert discover(tmp_path).notifications == ()


@POSIX
def test_links(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, "ci/real.sh")
    write(tmp_path, "outside/secret.sh", "outside/Dockerfile")
    for link, target in {
        "inside.sh": "ci/real.sh",
        "loop.sh": "pool.sh",
        "pool.sh": "loop.sh",
        "up": "..",
        "self": ".",
        "Dockerfile": "/dev/zero",
        "plain.txt": "ci/real.sh",
        "etc": "/etc",
        "away.sh": "../outside/secret.sh",
    }.items():
        (root / link).symlink_to(target)
    found = discover(root)
    assert kinds(found) == {"ci/real.sh": "shell"}
    assert set(notes(found)) == {
        ("input/link", "note", "inside.sh"),
        ("input/link", "note", "loop.sh"),
        ("input/link", "note", "pool.sh"),
        ("input/link", "note", "up"),
        ("input/link", "note", "self"),
        ("input/link", "note", "etc"),
        ("input/link", "warning", "Dockerfile"),
        ("input/link", "warning", "away.sh"),
    }
    assert "inside.sh" in found.paths


@POSIX
def test_fifos_and_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "Dockerfile")
    os.mkfifo(tmp_path / "unrelated")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("deploy.sh")
    found = discover(tmp_path)
    assert found.files == ()
    assert notes(found) == [
        ("input/not-regular", "warning", "Dockerfile"),
        ("input/not-regular", "warning", "deploy.sh"),
    ]


def test_files_over_the_limit(tmp_path: Path) -> None:
    for name in ("big.sh", "big.bin", "big.txt"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(11 * 2**20)
    found = discover(tmp_path)
    assert notes(found) == [("input/too-large", "error", "big.sh")]
    assert kinds(found) == {}


def test_depth_is_bounded(tmp_path: Path) -> None:
    deep = "/".join(["d"] * MAX_DEPTH)
    write(tmp_path, f"{deep}/ok.sh", f"{deep}/d/lost.sh")
    found = discover(tmp_path)
    assert list(kinds(found)) == [f"{deep}/ok.sh"]
    assert notes(found) == [("input/too-deep-path", "warning", f"{deep}/d")]


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
def test_names_of_any_bytes(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/.github/workflows"
    os.makedirs(folder)  # noqa: PTH103 (bytes)
    names = [b"a\nb.yml", b"\x1b[31m.yml", b"\xff\xfe.yml", b"-rf.yml", b" x .yml", b"::error::.yml"]
    for name in names:
        with open(os.path.join(folder, name), "wb") as file:  # noqa: PTH123 (bytes)
            file.write(b"on: push\n")
    found = discover(tmp_path)
    assert {os.fsencode(file.path) for file in found.files} == {b".github/workflows/" + name for name in names}
    assert {file.kind for file in found.files} == {Kind.WORKFLOW}


def test_ignored_and_not_tracked_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "tracked.sh", "Dockerfile", ".env")
    commit_all(tmp_path)
    write(tmp_path, "local.sh", "local/x.sh", "new.sh", "local.txt")
    write(tmp_path, ".gitignore", text="*.sh\nlocal*\nDockerfile\n.env\n!new.sh\n")
    assert set(kinds(discover(tmp_path))) == {"tracked.sh", "Dockerfile", ".env", "new.sh"}


def test_without_git_only_local_state_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "deploy.sh", ".env", "prod.tfvars", ".github/workflows/ci.yml")
    write(tmp_path, ".gitignore", text="*\n")
    assert set(kinds(discover(tmp_path))) == {"deploy.sh", ".github/workflows/ci.yml"}


def test_a_broken_index_hides_nothing(tmp_path: Path) -> None:
    write(tmp_path, "deploy.sh", ".env")
    commit_all(tmp_path)
    write(tmp_path, ".gitignore", text="*\n")
    index = tmp_path / ".git" / "index"
    index.write_bytes(index.read_bytes()[:-30])
    found = discover(tmp_path)
    assert set(kinds(found)) == {"deploy.sh", ".env"}
    assert notes(found) == [("input/unreadable", "note", ".git/index")]


def test_text_is_read_where_it_is_tracked(tmp_path: Path) -> None:
    write(tmp_path, "notes.txt", "a.json")
    commit_all(tmp_path)
    write(tmp_path, "later.txt")
    assert [file.path for file in discover(tmp_path).files] == ["a.json", "notes.txt"]


def test_an_endless_gitignore_is_left_out_and_told(tmp_path: Path) -> None:
    write(tmp_path, ".env")
    write(tmp_path, ".gitignore", text="**/a*a*a*a*a*a*a*a*b\n" * (MAX_PATTERNS + 1))
    started = time.process_time()
    found = discover(tmp_path)
    assert time.process_time() - started < 1
    assert notes(found) == [("input/too-large", "warning", ".gitignore")]
    assert set(kinds(found)) == {".env"}


def test_repositories_inside_are_others(tmp_path: Path) -> None:
    write(tmp_path, "a.sh", "sub/b.sh", "sub/.git")
    assert set(kinds(discover(tmp_path))) == {"a.sh", "sub/b.sh"}
    (tmp_path / ".git").mkdir()
    found = discover(tmp_path)
    assert set(kinds(found)) == {"a.sh"}
    assert found.pruned == ("sub",)


def test_exclude(tmp_path: Path) -> None:
    write(tmp_path, "a.sh", "fixtures/b.sh", "fixtures/c.txt", "x/fixtures/d.sh")
    assert [file.path for file in discover(tmp_path, exclude=["/fixtures/"]).files] == ["a.sh", "x/fixtures/d.sh"]


def test_notifications_are_bounded(tmp_path: Path) -> None:
    for number in range(105):
        write(tmp_path, f"Dockerfile{number}.tmpl", f"{number}.sh.j2")
    found = discover(tmp_path)
    assert len(found.notifications) == 101
    assert found.notifications[-1].message.startswith("5 more")


def test_the_same_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "z.sh", "a/y.sh", "a.sh", "node_modules/x")
    absolute = discover(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert discover(".") == absolute
    monkeypatch.chdir(tmp_path / "a")
    assert discover("..") == absolute
