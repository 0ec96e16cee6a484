"""What the action installs: locked, complete, in an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sp404audit import __version__
from sp404audit.action import install

if TYPE_CHECKING:
    from tests.action.conftest import Runner

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
REQUIRED = {
    "action.txt": PROJECT["project"]["dependencies"],
    "engines.txt": PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["engines"],
    "release.txt": ["build>=1.2", *PROJECT["build-system"]["requires"]],
}


def locked(lock: Path) -> dict[str, str]:
    """The version of each package that a lock names; fails for one without hashes."""
    text = lock.read_text("utf-8").replace("\\\n", " ")
    found = {}
    for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
        match = re.fullmatch(r"([a-z0-9.-]+)==(\S+)(?: ; [^-]+)?((?:\s+--hash=sha256:[0-9a-f]{64})+)", line)
        assert match, line
        found[match[1]] = match[2]
    return found


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_meets_what_the_project_requires(lock: Path) -> None:
    versions = locked(lock)
    for requirement in REQUIRED[lock.name]:
        name, bounds = re.fullmatch(r"([a-z0-9-]+)(.*)", requirement).groups()  # type: ignore[union-attr]
        assert name in versions, f"{name} is required and not in {lock.name}; make lock"
        for operator, bound in re.findall(r"(>=|<)([\d.]+)", bounds):
            holds = numbers(versions[name]) >= numbers(bound)
            assert holds is (operator == ">="), f"{name} {versions[name]} is not {requirement}; make lock"


def test_every_lock_is_held_to_something() -> None:
    assert {path.name for path in LOCKS} == set(REQUIRED)
    assert (ROOT / "requirements/release.in").read_text("utf-8").split()[-2:] == REQUIRED["release.txt"]


def test_a_lock_names_no_index() -> None:
    for lock in LOCKS:
        assert not re.search(r"https?:|-index|find-links", lock.read_text("utf-8"))


@pytest.mark.parametrize(
    ("engines", "lock"),
    [("", "action.txt"), ("native", "action.txt"), ("native,\n", "action.txt"), ("native, checkov", "engines.txt"),
     ("pip-audit", "engines.txt"), ("nonsense", "engines.txt")],
)  # fmt: skip
def test_engines_are_installed_where_they_are_asked_for(engines: str, lock: str) -> None:
    assert install.lock_file(engines).name == lock


def test_the_key_of_the_cache_follows_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text("a==1")
    before = install.cache_key(lock)
    lock.write_text("a==2")
    assert before.startswith("sp404audit-")
    assert before != install.cache_key(lock)


@pytest.mark.heavy("wheels")
def test_the_action_installs_itself_and_audits(runner: Runner, tmp_path: Path) -> None:
    """From the locks, by hash, without network; the second use finds what the first one made."""
    del runner.given["install"], runner.given["plan"]
    runner.environment |= {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(ROOT / ".ci/wheels"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_TARGET": str(tmp_path / "elsewhere"),
    }
    # What the repository holds is not imported, whatever it is called.
    (runner.workspace / "yaml.py").write_text("raise SystemExit('the repository was run')\n")
    first = runner()
    assert first.exit_codes["Decide"] == 1, first.log
    python = first.steps["install"]["python"]
    assert Path(python).is_relative_to(runner.temporary / "temp/sp404audit")
    assert python != sys.executable
    code = "import click, sp404audit; print(sp404audit.__version__, sp404audit.__file__, click.__file__)"
    told = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert told[0] == __version__
    assert Path(told[1]).is_relative_to(ROOT)
    assert Path(told[2]).is_relative_to(runner.temporary)
    assert not (tmp_path / "elsewhere").exists()
    again = runner(path=".")
    assert again.steps["install"]["python"] == python
    assert again.outputs["json-file"] != first.outputs["json-file"]


@pytest.mark.heavy("wheels")
def test_a_package_that_was_tampered_with_is_refused(runner: Runner, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for wheel in (ROOT / ".ci/wheels").glob("*.whl"):
        (wheels / wheel.name).write_bytes(wheel.read_bytes())
    click = next(wheels.glob("click-*.whl"))
    click.write_bytes(click.read_bytes() + b"\0")
    del runner.given["install"], runner.given["plan"]
    runner.environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}
    finished = runner()
    assert finished.failed
    assert finished.annotations("error") == ["action.txt could not be installed; pip tells why in the log of this step"]
    assert "Audit" not in finished.exit_codes
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in finished.log
