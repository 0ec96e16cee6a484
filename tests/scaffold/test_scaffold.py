"""What a repository starts with: it is valid, meets our own rules, and is written nowhere else and over nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from sp404audit import __version__, audit, scaffold
from sp404audit.discovery import Reader
from sp404audit.policy.loading import CONFIGURATION_FILES, resolve
from sp404audit.scaffold import CONFIGURATION, PIECES, PRE_COMMIT, WORKFLOW, Piece, lay

LINKS = pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_is_written_once(piece: Piece, tmp_path: Path) -> None:
    assert lay(tmp_path, piece).kind == "written"
    written = (tmp_path / piece.path).read_text("utf-8")
    assert written == scaffold.text(piece)
    assert not re.search(r"@[A-Z_]+@", written), "every placeholder is filled in"
    assert lay(tmp_path, piece) == ("there", piece.path, "")


def test_what_it_writes_meets_every_rule_that_ships(tmp_path: Path) -> None:
    for piece in PIECES:
        lay(tmp_path, piece)
    finished = audit(tmp_path, policy="strict", ignore=["deps/update-bot"], engines=["native"])
    assert finished.failures == ()
    assert not [note for note in finished.notifications if note.level != "note"]
    assert finished.files == {"pre-commit": 1, "text": 1, "workflow": 1}


def test_the_configuration_is_valid_with_every_example_in_use(tmp_path: Path) -> None:
    content = scaffold.text(CONFIGURATION)
    (tmp_path / CONFIGURATION.path).write_text(content)
    assert resolve(Reader(tmp_path)).sources == ("sp404audit:recommended", CONFIGURATION.path)
    used = re.sub(r"^#(?! )|^#(?=  )", "", content, flags=re.MULTILINE)
    assert set(yaml.safe_load(used)) > {"rules", "overrides", "waivers", "exclude", "fail-on", "metrics"}
    (tmp_path / CONFIGURATION.path).write_text(used)
    assert resolve(Reader(tmp_path)).waivers


def test_the_hook_and_the_workflow_name_this_version() -> None:
    (repository,) = yaml.safe_load(scaffold.text(PRE_COMMIT))["repos"]
    assert repository["rev"] == f"v{__version__}"
    assert yaml.safe_load(scaffold.entry(PRE_COMMIT)) == [repository]
    assert f"sp404audit=={__version__}" in scaffold.text(WORKFLOW)


@pytest.mark.parametrize("path", CONFIGURATION_FILES)
def test_there_may_be_one_configuration(path: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text("version: 1\n")
    assert lay(tmp_path, CONFIGURATION) == ("there", path, "")
    assert (tmp_path / path).read_text() == "version: 1\n"


def test_a_table_in_pyproject_is_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.sp404audit.rules]\n")
    assert lay(tmp_path, CONFIGURATION) == ("there", "pyproject.toml", "")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert lay(tmp_path, CONFIGURATION).kind == "written"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    for piece in (WORKFLOW, PRE_COMMIT):
        (tmp_path / piece.path).write_text("mine\n")
        assert lay(tmp_path, piece) == ("exists", piece.path, "")
        assert (tmp_path / piece.path).read_text() == "mine\n"
    (tmp_path / PRE_COMMIT.path).write_text("repos:\n" + scaffold.entry(PRE_COMMIT))
    assert lay(tmp_path, PRE_COMMIT).kind == "there"


@LINKS
@pytest.mark.parametrize("link", [".github", ".github/workflows"])
def test_a_folder_that_is_a_link_is_not_entered(link: str, tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    (outside / "workflows").mkdir(parents=True)
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(outside, target_is_directory=True)
    outcome = lay(root, WORKFLOW)
    assert (outcome.kind, outcome.reason) == ("refused", f"{link} is no folder of the repository itself")
    assert [path for path in outside.rglob("*") if path.is_file()] == []


@LINKS
@pytest.mark.parametrize("piece", PIECES)
def test_a_link_in_place_of_the_file_is_not_followed(piece: Piece, tmp_path: Path) -> None:
    outside, root = tmp_path / "outside.yml", tmp_path / "root"
    (root / piece.path).parent.mkdir(parents=True)
    (root / piece.path).symlink_to(outside)
    assert lay(root, piece).kind in ("exists", "there")
    assert not outside.exists()


@LINKS
def test_the_root_itself_may_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "root", target_is_directory=True)
    assert lay(tmp_path / "link", WORKFLOW).kind == "written"
    assert (tmp_path / "root" / WORKFLOW.path).is_file()


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / ".github").write_text("")
    outcome = lay(tmp_path, WORKFLOW)
    assert (outcome.kind, outcome.reason) == ("refused", ".github is no folder of the repository itself")
