import os
import subprocess
from pathlib import Path

import pytest

from sp404audit.discovery import Reader
from sp404audit.discovery.git_index import BrokenIndexError, tracked_paths

NAMES = ["a", "a.b/c", "dir/sub/file.txt", "é", "x" * 200, "long/" + "y" * 200 + "/" + "z" * 200, "n\nl"]


def git(root: Path, *arguments: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    }
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, env=environment)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", ".")
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


@pytest.mark.parametrize("version", ["2", "4"])
def test_versions(checkout: Path, version: str) -> None:
    git(checkout, "add", "-A")
    git(checkout, "update-index", "--index-version", version)
    assert tracked_paths(Reader(checkout)) == frozenset(NAMES)


def test_version_3_has_longer_entries(checkout: Path) -> None:
    git(checkout, "add", "-N", *NAMES)  # "intent to add" needs the extended flags
    assert (checkout / ".git/index").read_bytes()[4:8] == b"\0\0\0\3"
    assert tracked_paths(Reader(checkout)) == frozenset(NAMES)


def test_sha256_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", ".")
    (tmp_path / "a").write_text("x")
    git(tmp_path, "add", "-A")
    assert tracked_paths(Reader(tmp_path)) == frozenset({"a"})


def test_extensions_are_passed_over(checkout: Path) -> None:
    git(checkout, "add", "-A")
    git(checkout, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "x")
    git(checkout, "update-index", "--untracked-cache")
    assert tracked_paths(Reader(checkout)) == frozenset(NAMES)


def test_without_an_index(tmp_path: Path) -> None:
    assert tracked_paths(Reader(tmp_path)) is None
    git(tmp_path, "init", "-q", ".")
    assert tracked_paths(Reader(tmp_path)) is None


def test_an_empty_index(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", ".")
    git(tmp_path, "read-tree", "--empty")
    assert tracked_paths(Reader(tmp_path)) == frozenset()


def test_a_file_that_points_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /elsewhere\n")
    assert tracked_paths(Reader(tmp_path)) is None


def test_a_broken_index_is_no_index(checkout: Path) -> None:
    git(checkout, "add", "-A")
    index = checkout / ".git/index"
    whole = index.read_bytes()
    for end in range(0, len(whole), 7):
        index.write_bytes(whole[:end])
        with pytest.raises(BrokenIndexError):
            tracked_paths(Reader(checkout))
    for at in range(0, len(whole), 13):
        index.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        with pytest.raises(BrokenIndexError):
            tracked_paths(Reader(checkout))


def test_nonsense_without_a_checksum(checkout: Path) -> None:
    """`index.skipHash` writes zeros for the checksum: then the structure alone must hold."""
    git(checkout, "add", "-A")
    index = checkout / ".git/index"
    body = index.read_bytes()[:-20]
    index.write_bytes(body + bytes(20))
    assert tracked_paths(Reader(checkout)) == frozenset(NAMES)
    for end in range(1, len(body), 11):
        index.write_bytes(body[:end] + bytes(20))
        with pytest.raises(BrokenIndexError):
            tracked_paths(Reader(checkout))


def test_a_split_index_is_not_guessed_at(checkout: Path) -> None:
    git(checkout, "add", "-A")
    git(checkout, "update-index", "--split-index")
    with pytest.raises(BrokenIndexError, match="split"):
        tracked_paths(Reader(checkout))
