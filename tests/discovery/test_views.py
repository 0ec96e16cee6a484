"""A repository as git's index has it, and one with some contents from memory, are found and read as on disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sp404audit.discovery import Discovery, InputError, Kind, discover
from sp404audit.discovery.reading import MAX_BYTES, LinkEnd
from sp404audit.discovery.views import Overlay, index_file, open_index
from sp404audit.git import GitError

if TYPE_CHECKING:
    from tests.conftest import GitRepository

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="made of things that Windows has not")


def kinds(found: Discovery) -> dict[str, str]:
    return {file.path: str(file.kind) for file in found.files if file.kind is not Kind.TEXT}


class TestOverlay:
    def test_contents_stand_in_for_those_on_disk(self, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_text("FROM a\n")
        (tmp_path / "other").write_text("on disk")
        reader = Overlay(tmp_path, {"Dockerfile": b"FROM memory\n"})
        assert reader.read("Dockerfile") == b"FROM memory\n"
        assert reader.head("Dockerfile", 4) == b"FROM"
        assert reader.read("other") == b"on disk"
        assert [(file.path, file.size) for file in discover(reader).files] == [("Dockerfile", 12), ("other", 0)]

    def test_new_files_in_new_folders_are_found(self, tmp_path: Path) -> None:
        (tmp_path / "app").mkdir()
        contents = {"app/Dockerfile": b"FROM a\n", ".github/workflows/ci.yml": b"on: push\n", "x.sh": b"true\n"}
        reader = Overlay(tmp_path, contents)
        assert kinds(discover(reader)) == {
            "app/Dockerfile": "dockerfile",
            ".github/workflows/ci.yml": "workflow",
            "x.sh": "shell",
        }
        assert reader.has("app/Dockerfile")
        assert reader.has(".github/workflows")
        assert not reader.has("nothing")

    def test_too_large_is_too_large_in_memory_too(self, tmp_path: Path) -> None:
        reader = Overlay(tmp_path, {"Dockerfile": b"x" * (MAX_BYTES + 1)})
        with pytest.raises(InputError, match="is larger than 10 MiB"):
            reader.read("Dockerfile")
        assert [note.id for note in discover(reader).notifications] == ["input/too-large"]

    @POSIX
    def test_nothing_is_found_below_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")
        assert kinds(discover(Overlay(tmp_path, {"link/Dockerfile": b"FROM a\n"}))) == {}

    @POSIX
    def test_a_content_replaces_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").symlink_to("/etc/passwd")
        reader = Overlay(tmp_path, {"Dockerfile": b"FROM a\n"})
        assert reader.read("Dockerfile") == b"FROM a\n"
        assert not discover(reader).notifications


@pytest.fixture
def repository(make_git: type[GitRepository], tmp_path: Path) -> GitRepository:
    return make_git(tmp_path / "repository")


class TestIndex:
    def test_contents_are_those_that_are_staged(self, repository: GitRepository) -> None:
        repository.write("Dockerfile", "FROM staged\n")
        repository.write("sub/compose.yaml", "services: {}\n")
        repository.git("add", "-A")
        repository.write("Dockerfile", "FROM later\n")
        repository.write("untracked.sh", "true\n")
        (repository.root / "sub/compose.yaml").unlink()
        with open_index(repository.root) as reader:
            assert reader.read("Dockerfile") == b"FROM staged\n"
            assert reader.head("Dockerfile", 4) == b"FROM"
            assert kinds(discover(reader)) == {"Dockerfile": "dockerfile", "sub/compose.yaml": "compose"}
            assert reader.tracked == frozenset(("Dockerfile", "sub/compose.yaml"))
            assert reader.has("sub")
            assert not reader.has("untracked.sh")
            with pytest.raises(InputError, match="cannot be read: No such file"):
                reader.read("untracked.sh")

    def test_what_is_found_is_what_is_found_on_disk(self, repository: GitRepository) -> None:
        fixture = Path(__file__).parent.parent.parent / "fixtures/sp404mk2"
        for file in fixture.rglob("*"):
            if file.is_file():
                repository.write(file.relative_to(fixture).as_posix(), file.read_bytes())
        repository.write("vendor/x/Dockerfile", "FROM x\n")
        repository.write(".env", "A=1\n")
        repository.commit()
        with open_index(repository.root) as reader:
            found = discover(reader)
            on_disk = discover(repository.root)
            assert found == on_disk
            for path, *_ in on_disk.files:
                assert reader.read(path) == (repository.root / path).read_bytes()

    def test_a_subfolder_is_a_repository_of_its_own_here(self, repository: GitRepository) -> None:
        repository.write("app/Dockerfile", "FROM a\n")
        repository.write("Dockerfile", "FROM b\n")
        repository.git("add", "-A")
        with open_index(repository.root / "app") as reader:
            assert kinds(discover(reader)) == {"Dockerfile": "dockerfile"}
            assert reader.read("Dockerfile") == b"FROM a\n"

    def test_an_index_that_is_empty_or_missing(self, repository: GitRepository, tmp_path: Path) -> None:
        with open_index(repository.root) as reader:
            assert discover(reader).files == ()
        with pytest.raises(GitError, match="is no git repository"), open_index(tmp_path):
            pass

    @POSIX
    def test_filters_are_not_run(self, repository: GitRepository, tmp_path: Path) -> None:
        mark = tmp_path / "mark"
        repository.write("Dockerfile", "FROM a\n")
        repository.write(".gitattributes", "* filter=evil text eol=crlf working-tree-encoding=UTF-16\n")
        repository.git(
            "-c", "core.attributesFile=/dev/null", "update-index", "--add", "--cacheinfo", self._blob(repository)
        )
        for kind in ("smudge", "clean", "process"):
            repository.git("config", f"filter.evil.{kind}", f"touch {mark}")
        with open_index(repository.root) as reader:
            assert reader.read("Dockerfile") == b"FROM a\n"
        assert not mark.exists()

    @staticmethod
    def _blob(repository: GitRepository) -> str:
        name = repository.git("hash-object", "-w", "--no-filters", "Dockerfile").decode().strip()
        return f"100644,{name},Dockerfile"

    def test_links_are_told_and_not_followed(self, repository: GitRepository) -> None:
        targets = {
            "out/Dockerfile": "../../etc/passwd",
            "absolute.sh": "/etc/passwd",
            "compose.yaml": "real/compose.yaml",
            "folder": "real",
            "nowhere.sh": "nothing",
            "circle.sh": "circle.sh",
            "twice.sh": "compose.yaml",
        }
        repository.write("real/compose.yaml", "services: {}\n")
        repository.git("add", "-A")
        for path, target in targets.items():
            name = repository.git("hash-object", "-w", "--stdin", input=target.encode()).decode().strip()
            repository.git("update-index", "--add", "--cacheinfo", f"120000,{name},{path}")
        with open_index(repository.root) as reader:
            assert {path: reader.link_end(path).name for path in targets} == {
                "out/Dockerfile": "OUTSIDE",
                "absolute.sh": "OUTSIDE",
                "compose.yaml": "FILE",
                "folder": "FOLDER",
                "nowhere.sh": "NOWHERE",
                "circle.sh": "NOWHERE",
                "twice.sh": "FILE",
            }
            found = discover(reader)
            assert kinds(found) == {"real/compose.yaml": "compose"}
            assert {note.path for note in found.notifications} == set(targets)
            with pytest.raises(InputError, match="is a link: not opened"):
                reader.read("compose.yaml")

    @POSIX
    def test_links_end_where_they_end_on_disk(self, tmp_path: Path, repository: GitRepository) -> None:
        repository.write("a/b/file", "x")
        for path, target in {"a/up": "..", "a/b/far": "../../../x", "dot": "./a/./b", "a/b/here": "file"}.items():
            (repository.root / path).symlink_to(target)
        repository.git("add", "-A")
        from sp404audit.discovery import Reader

        with open_index(repository.root) as reader:
            ends = {path: reader.link_end(path) for path in ("a/up", "a/b/far", "dot", "a/b/here")}
            on_disk = Reader(repository.root)
            assert ends == {path: on_disk.link_end(path) for path in ends}
            assert LinkEnd.FOLDER in ends.values()

    def test_submodules_are_not_walked(self, repository: GitRepository) -> None:
        repository.write("Dockerfile", "FROM a\n")
        head = repository.commit()
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},deps/module")
        with open_index(repository.root) as reader:
            found = discover(reader)
            assert kinds(found) == {"Dockerfile": "dockerfile"}
            assert found.pruned == ("deps/module",)

    def test_a_conflict_is_told(self, repository: GitRepository) -> None:
        repository.write("Dockerfile", "FROM a\n")
        repository.write("x.sh", "true\n")
        repository.commit()
        repository.git("checkout", "-q", "-b", "other")
        repository.write("Dockerfile", "FROM b\n")
        repository.commit()
        repository.git("checkout", "-q", "main")
        repository.write("Dockerfile", "FROM c\n")
        repository.commit()
        with pytest.raises(AssertionError):
            repository.git("merge", "-q", "other")
        with open_index(repository.root) as reader:
            assert kinds(discover(reader)) == {"Dockerfile": "dockerfile", "x.sh": "shell"}
            with pytest.raises(InputError, match="is in conflict in git's index") as caught:
                reader.read("Dockerfile")
            assert caught.value.notification.id == "input/conflict"

    def test_objects_that_are_missing_or_too_large(self, repository: GitRepository) -> None:
        repository.write("Dockerfile", "FROM a\n")
        repository.write("big.sh", b"#" * (MAX_BYTES + 1))
        repository.write("big.yaml", b"#" * (MAX_BYTES + 1))
        repository.write("x.sh", "true\n")
        repository.git("add", "-A")
        name = repository.git("rev-parse", ":Dockerfile").decode().strip()
        (repository.root / ".git/objects" / name[:2] / name[2:]).unlink()
        with open_index(repository.root) as reader:
            with pytest.raises(InputError, match="git has no object for it"):
                reader.read("Dockerfile")
            assert {note.path: note.id for note in discover(reader).notifications} == {
                "big.sh": "input/too-large",
                "big.yaml": "input/too-large",
            }
            assert reader.read("x.sh") == b"true\n"

    def test_a_broken_object_costs_no_other_file(self, repository: GitRepository) -> None:
        for name in ("a.sh", "b.sh", "c.sh", "d.sh"):
            repository.write(name, f"echo {name}\n" * 100)
        repository.git("add", "-A")
        for name, damage in (("b.sh", b"nonsense"), ("c.sh", b"")):
            object_name = repository.git("rev-parse", f":{name}").decode().strip()
            file = repository.root / ".git/objects" / object_name[:2] / object_name[2:]
            file.chmod(0o644)
            file.write_bytes(file.read_bytes()[:24] + damage)
        with open_index(repository.root) as reader:
            for name in ("b.sh", "c.sh"):
                with pytest.raises(InputError, match=r"broken|no object"):
                    reader.read(name)
            for name in ("a.sh", "d.sh"):
                assert reader.read(name) == f"echo {name}\n".encode() * 100

    def test_a_link_may_be_too_long_or_missing(self, repository: GitRepository) -> None:
        name = repository.git("hash-object", "-w", "--stdin", input=b"x/" * 5000).decode().strip()
        repository.git("update-index", "--add", "--cacheinfo", f"120000,{name},long.sh")
        repository.git("update-index", "--add", "--cacheinfo", f"120000,{'1' * 40},missing.sh")
        with open_index(repository.root) as reader:
            assert reader.link_end("long.sh") is reader.link_end("missing.sh") is LinkEnd.NOWHERE

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems want names to be UTF-8")
    def test_names_that_are_no_text(self, repository: GitRepository) -> None:
        (repository.root / os.fsdecode(b"\xff.sh")).write_text("true\n")
        repository.git("add", "-A")
        with open_index(repository.root) as reader:
            assert discover(reader) == discover(repository.root)
            assert reader.read(os.fsdecode(b"\xff.sh")) == b"true\n"

    def test_odd_names(self, repository: GitRepository) -> None:
        names = ["a b.sh", "ä/ö.sh", "-x.sh", "q'\"$(x).sh"]
        if os.name == "posix":
            names += ["line\nbreak.sh", "tab\t.sh"]
        for name in names:
            repository.write(name, f"echo {len(name)}\n")
        repository.git("add", "-A")
        with open_index(repository.root) as reader:
            assert set(kinds(discover(reader))) == set(names)
            for name in names:
                assert reader.read(name) == f"echo {len(name)}\n".encode()


class TestTheIndexOfAHook:
    def test_git_names_it(self, repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
        repository.write("Dockerfile", "FROM a\n")
        repository.commit()
        (repository.root / ".git/next-index").write_bytes((repository.root / ".git/index").read_bytes())
        monkeypatch.chdir(repository.root)
        monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index")
        assert index_file(repository.root) == str((repository.root / ".git/next-index").resolve())
        repository.write("Dockerfile", "FROM b\n")
        repository.git("add", "-A")
        with open_index(repository.root) as reader:
            assert reader.read("Dockerfile") == b"FROM a\n"

    def test_one_of_another_repository_is_none_of_ours(
        self, repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "index").write_bytes(b"x")
        for value in (str(tmp_path / "index"), ".git/nothing", ""):
            monkeypatch.setenv("GIT_INDEX_FILE", value)
            assert index_file(repository.root) is None
