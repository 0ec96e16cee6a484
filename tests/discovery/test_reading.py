import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sp404audit.discovery import InputError, Reader, read

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="made of things that Windows has not")


def refusal(root: Path, path: str, limit: int = 100) -> tuple[str, str, str]:
    with pytest.raises(InputError) as caught:
        read(root, path, limit)
    note = caught.value.notification
    return note.id, note.level, note.path


def test_a_file_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 100)
    assert read(tmp_path, "a/b", 100) == b"x" * 100
    assert Reader(tmp_path).head("a/b", 3) == b"xxx"
    assert refusal(tmp_path, "a/b", 99) == ("input/too-large", "error", "a/b")


def test_a_sparse_file_is_never_read(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(2**40)
    assert refusal(tmp_path, "big") == ("input/too-large", "error", "big")


def test_the_root_may_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("x")
    (tmp_path / "link").symlink_to("real")
    assert read(tmp_path / "link", "a") == b"x"


@POSIX
def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "root" / "in").mkdir(parents=True)
    (tmp_path / "root" / "in" / "a").write_text("x")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("x")
    root = tmp_path / "root"
    (root / "file").symlink_to("in/a")
    (root / "folder").symlink_to("in")
    (root / "away").symlink_to(tmp_path / "out")
    for path in ("file", "folder/a", "away/a", "../out/a", "in/../../out/a"):
        assert refusal(root, path)[0] == "input/link"


@POSIX
def test_what_is_no_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
    for path in ("fifo", "socket", ".", ""):
        assert refusal(tmp_path, path)[0] in ("input/not-regular", "input/link")
    assert refusal(tmp_path, "fifo") == ("input/not-regular", "warning", "fifo")


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    assert refusal(tmp_path, "missing") == ("input/unreadable", "error", "missing")
    assert refusal(tmp_path, "a\0b")[0] == "input/unreadable"
    assert refusal(tmp_path, "x" * 5000)[0] == "input/unreadable"


@pytest.fixture
def as_anybody() -> Iterator[None]:
    """Give up root's right to read everything, where the tests have it."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no permissions of this kind here")
def test_without_permission(request: pytest.FixtureRequest) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "a")
        file.write_text("x")
        file.chmod(0)
        request.getfixturevalue("as_anybody")
        assert refusal(Path(folder), "a") == ("input/unreadable", "error", "a")
        if os.getuid() == 0:
            os.seteuid(0)
