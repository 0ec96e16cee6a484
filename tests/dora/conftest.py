"""Repositories with exact histories, made by `git fast-import`, and the one whose metrics are known exactly."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

T0 = 1_735_689_600
"""2025-01-01T00:00Z, a Wednesday: where the synthetic history begins."""

HOUR = 3600
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "LC_ALL": "C",
}


class Repository:
    """A repository that is written commit by commit; every name, time and byte of it is given by the test.

    Times are seconds, zones as git writes them. `commits` holds the full ids by the names that the test gave.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commits: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", ".")
        self._import = subprocess.Popen(
            ["git", "fast-import", "--quiet", "--force", "--date-format=raw"],
            cwd=folder,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def git(self, *arguments: str, check: bool = True) -> str:
        """Run git in the repository, and return what it prints."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, check=check
        )
        return done.stdout.strip()

    def commit(
        self,
        name: str,
        at: int,
        message: str | bytes = "",
        *,
        authored: int | str | None = None,
        parents: Sequence[str] | None = None,
        branch: str = "main",
        author: str | bytes = "Ann <ann@example.com>",
        zone: str = "+0000",
        files: Mapping[str, str] | None = None,
    ) -> str:
        """Write a commit and return its id; without `parents` (names or ids) it follows the last one of the branch.

        A further root is the first commit of a branch of its own.

        Args:
            at: the committer's time.
            authored: the author's; the same where it is not given.
        """
        text = message if isinstance(message, bytes) else (message or name).encode()
        who = author if isinstance(author, bytes) else author.encode()
        written = at if authored is None else authored
        lines = [f"commit refs/heads/{branch}", "mark :1"]
        self._send("\n".join(lines).encode() + b"\nauthor " + who + f" {written} {zone}\n".encode())
        self._send(f"committer Ann <ann@example.com> {at} {zone}\n".encode())
        self._send(f"data {len(text)}\n".encode() + text + b"\n")
        for word, parent in zip(["from", *["merge"] * 64], parents or (), strict=False):
            self._send(f"{word} {self.commits.get(parent, parent)}\n".encode())
        for path, content in (files or {}).items():
            self._send(f"M 100644 inline {path}\ndata {len(content.encode())}\n{content}\n".encode())
        self._send(b"\nget-mark :1\n")
        assert self._import.stdin is not None
        assert self._import.stdout is not None
        self._import.stdin.flush()
        self.commits[name] = self._import.stdout.readline().decode().strip()
        return self.commits[name]

    def tag(self, name: str, of: str, at: int | None = None, *, zone: str = "+0000", message: str = "") -> None:
        """Tag a commit by name or id: annotated when a time is given, else lightweight."""
        target = self.commits.get(of, of)
        if at is None:
            self._send(f"reset refs/tags/{name}\nfrom {target}\n\n".encode())
            return
        text = (message or name).encode()
        self._send(f"tag {name}\nfrom {target}\ntagger Ann <ann@example.com> {at} {zone}\n".encode())
        self._send(f"data {len(text)}\n".encode() + text + b"\n")

    def branch(self, name: str, of: str) -> None:
        """Let a branch point to a commit."""
        self._send(f"reset refs/heads/{name}\nfrom {self.commits.get(of, of)}\n\n".encode())

    def save(self) -> Path:
        """Write everything to disk; nothing can be added afterwards but by `git`."""
        if self._import.poll() is None:
            self._import.communicate()
            assert self._import.returncode == 0
        return self.folder

    def close(self) -> None:
        """Let go of the process."""
        if self._import.poll() is None:
            self._import.kill()
            self._import.communicate()

    def _send(self, text: bytes) -> None:
        assert self._import.stdin is not None
        self._import.stdin.write(text)


@pytest.fixture
def new_repository(tmp_path: Path) -> Iterator[Callable[..., Repository]]:
    """Makes empty repositories: `new_repository("name")`; fill one, then `save()` it."""
    made: list[Repository] = []

    def new(name: str = "repository") -> Repository:
        made.append(Repository(tmp_path / name))
        return made[-1]

    yield new
    for each in made:
        each.close()


def write_synthetic(repository: Repository) -> Repository:
    r"""Write the history whose metrics are known exactly.

    Deployments v1.0.0, v1.1.0 (on C) and v1.1.1; lead times by committer 8, 6 and 1 hours, by author C's is 7;
    v1.1.0 failed (D reverts B), and v1.1.1 repaired it after 3 hours. C's message holds a \x01.
    """
    repository.commit("A", T0, "first")
    repository.tag("v1.0.0", "A", T0 + HOUR)
    repository.commit("B", T0 + 2 * HOUR, "feat: x (#1)")
    repository.commit("C", T0 + 4 * HOUR, b"fix: y\x01z\n\nwith a \x01 in it\n", authored=T0 + 3 * HOUR)
    repository.tag("v1.1.0", "C", T0 + 10 * HOUR)
    body = f'Revert "feat: x (#1)"\n\nThis reverts commit {repository.commits["B"]}.\n'
    repository.commit("D", T0 + 12 * HOUR, body)
    repository.tag("v1.1.1", "D", T0 + 13 * HOUR)
    return repository


@pytest.fixture
def synthetic(new_repository: Callable[..., Repository]) -> Repository:
    """The synthetic repository, saved: `synthetic.folder`, and the ids of A, B, C and D in `synthetic.commits`."""
    repository = write_synthetic(new_repository("synthetic"))
    repository.save()
    return repository
