"""Measure the metrics: `python -m bench.metrics`, on a synthetic history of 100,000 commits and 1,000 tags.

The floor is `git log` alone, with the very format that the git source asks for, its output thrown away; `| cat` is what
it takes to hand that over to any reader at all. Beside them stand the git source (the log read, every change laid to
its deployment, reverts and patch releases looked for), and the whole command.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.__main__ import Contender, race
from sp404audit.dora.sources.git.commits import FORMAT

START = 1_600_000_000
BETWEEN = 900
BRANCH_EVERY = 10
REVERT_EVERY = 250
BODY = (
    "The reader kept the first of two equal keys and dropped the second without a word, so that a\n"
    "setting which was written twice had the value that nobody expected. Both are told now.\n\n"
    "Reviewed-by: Second Person <second@example.com>\n"
)
SOURCE = """
import sys
from pathlib import Path
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.git import collect
collected, history = collect(Path(sys.argv[1]), Settings(), Window(int(sys.argv[2]), int(sys.argv[3])))
found = history.attribute([each.sha for each in collected.deployments])
signals = history.failure_signals(collected.deployments, 86_400)
assert len(found) == int(sys.argv[4]) and signals
"""


def script(commits: int, tags: int) -> Iterator[str]:
    """The history for `git fast-import`: a main line with a merged branch of one commit in every ten, and reverts."""
    every = commits // tags
    yield "commit refs/heads/main\nmark :1\n" + _heads(START, 0) + "M 100644 inline file\ndata 1\nx\n\n"
    main = 1
    for number in range(2, commits + 1):
        at = START + number * BETWEEN
        message = f"fix: tell of both keys, part {number} (#{number})\n\n{BODY}"
        if number % REVERT_EVERY == 0:
            subject = f"fix: tell of both keys, part {number - 200} (#{number - 200})"
            message = f'Revert "{subject}" (#{number})\n\nReverts #{number - 200}\n'
        is_branch, is_merge = number % BRANCH_EVERY == 5, number % BRANCH_EVERY == 7
        name = "side" if is_branch else "main"
        yield f"commit refs/heads/{name}\nmark :{number}\n{_heads(at, number, message)}from :{main}\n"
        yield f"merge :{number - 2}\n\n" if is_merge else "\n"
        if not is_branch:
            main = number
        if number % every == 0:
            minor, patch = divmod(number // every, 2)
            yield f"tag v1.{minor}.{patch}\nfrom :{main}\ntagger A <a@example.com> {at + 60} +0000\ndata 1\nx\n"


def _heads(at: int, number: int, message: str = "first") -> str:
    author = f"Person {number % 97} <person{number % 97}@example.com> {at - number % 5 * 600} +0000"
    size = len(message.encode())
    return f"author {author}\ncommitter {author.rpartition('>')[0]}> {at} +0000\ndata {size}\n{message}\n"


def repository(folder: Path, commits: int, tags: int) -> Path:
    """Write the synthetic repository, packed as a clone is."""
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        for part in script(commits, tags):
            writer.stdin.write(part)
    # A clone's pack: fast-import's own is neither in the order of a walk nor compressed against its neighbours.
    subprocess.run(["git", "repack", "-a", "-d", "--quiet"], cwd=folder, check=True)
    return folder


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", type=Path, help="measure this clone instead of the synthetic history")
    parser.add_argument("--commits", type=int, default=100_000)
    parser.add_argument("--tags", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ours = str(Path(sys.executable).parent / "sp404audit")
    with tempfile.TemporaryDirectory() as name:
        folder = options.repository or repository(Path(name, "synthetic"), options.commits, options.tags)
        until = START + options.commits * BETWEEN + 86_400
        numbers = [str(until - 90 * 86_400), str(until), str(options.tags)]
        log = ["git", "-C", str(folder), "log", "-z", f"--format={FORMAT}", "--branches", "--tags"]
        dora = [ours, "dora", str(folder), "--as-of", str(until)]
        contenders = [
            Contender("git log alone", log),
            Contender("git log | cat", ["sh", "-c", f"{shlex.join(log)} | cat"]),
            Contender("git source", [sys.executable, "-c", SOURCE, str(folder), *numbers]),
            Contender("sp404audit", dora),
        ]
        race(f"metrics of {options.commits:,} commits, {options.tags:,} tags", contenders, options.rounds, Path(name))


if __name__ == "__main__":
    main()
