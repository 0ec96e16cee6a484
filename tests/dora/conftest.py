"""Repositories with exact histories, made by `git fast-import`, and the one whose metrics are known exactly."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sp404audit.dora.events import Build, Change, Collected, Deployment, FailureSignal, Incident, SourceReport
from sp404audit.dora.figures import MetricsReport, Window
from sp404audit.dora.ledger import Scope
from sp404audit.dora.measure import report
from sp404audit.dora.settings import Settings
from sp404audit.dora.targets import TARGETS, parse_target
from sp404audit.dora.window import Calendar

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
        self._marks: dict[str, str] = {}
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
        mark = f":{len(self._marks) + 1}"
        lines = [f"commit refs/heads/{branch}", f"mark {mark}"]
        self._send("\n".join(lines).encode() + b"\nauthor " + who + f" {written} {zone}\n".encode())
        self._send(f"committer Ann <ann@example.com> {at} {zone}\n".encode())
        self._send(f"data {len(text)}\n".encode() + text + b"\n")
        for word, parent in zip(["from", *["merge"] * 64], parents or (), strict=False):
            # What is not on disk yet is known by its mark only.
            known = self._marks.get(self.commits.get(parent, parent), parent)
            self._send(f"{word} {known}\n".encode())
        for path, content in (files or {}).items():
            self._send(f"M 100644 inline {path}\ndata {len(content.encode())}\n{content}\n".encode())
        self._send(f"\nget-mark {mark}\n".encode())
        assert self._import.stdin is not None
        assert self._import.stdout is not None
        self._import.stdin.flush()
        self.commits[name] = self._import.stdout.readline().decode().strip()
        self._marks[self.commits[name]] = mark
        return self.commits[name]

    def tag(self, name: str, of: str, at: int | None = None, *, zone: str = "+0000", message: str = "") -> None:
        """Tag a commit by name or id: annotated when a time is given, else lightweight."""
        target = self._marks.get(self.commits.get(of, of), of)
        if at is None:
            self._send(f"reset refs/tags/{name}\nfrom {target}\n\n".encode())
            return
        text = (message or name).encode()
        self._send(f"tag {name}\nfrom {target}\ntagger Ann <ann@example.com> {at} {zone}\n".encode())
        self._send(f"data {len(text)}\n".encode() + text + b"\n")

    def branch(self, name: str, of: str) -> None:
        """Let a branch point to a commit."""
        self._send(f"reset refs/heads/{name}\nfrom {self._marks.get(self.commits.get(of, of), of)}\n\n".encode())

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


class Graph:
    """A commit graph in memory, for what the metrics ask of a history: parents by the names of commits.

    A name doubles as the commit's id; `changes` holds what `attribute` gives, merges left out.
    """

    def __init__(
        self, parents: Mapping[str, Sequence[str]], changes: Sequence[Change], *, squashed: bool = False
    ) -> None:
        self.parents = parents
        self.changes = {change.sha: change for change in changes}
        self.signals: tuple[FailureSignal, ...] = ()
        self._squashed = squashed

    @property
    def squashed(self) -> bool:
        return self._squashed

    def resolve(self, name: str) -> str | None:
        return name if name in self.parents else None

    def contained(self, tip: str) -> set[str]:
        found, ahead = set(), [tip]
        while ahead:
            commit = ahead.pop()
            if commit not in found:
                found.add(commit)
                ahead.extend(self.parents.get(commit, ()))
        return found

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        return ancestor in self.contained(descendant)

    def attribute(self, tips: Sequence[str], paths: Sequence[str] = ()) -> list[tuple[Change, ...]]:
        seen: set[str] = set()
        lists = []
        for tip in tips:
            new = self.contained(tip) - seen
            seen |= new
            lists.append(tuple(self.changes[each] for each in sorted(new) if each in self.changes))
        return lists

    def failure_signals(self, deployments: Sequence[Deployment], patch_window: int) -> tuple[FailureSignal, ...]:
        known = {each.id for each in deployments}
        return tuple(signal for signal in self.signals if signal.deployment in known)


class Bench:
    """Builds what the metrics are counted from; times are hours after `T0`."""

    at = staticmethod(lambda hours: T0 + round(hours * HOUR))

    def deployment(self, name: str, hours: float, **fields: Any) -> Deployment:
        """A successful deployment to production of a commit of its own, from event files."""
        given = {"source": "events", "sha": name, "environment": "production", "basis": "event", **fields}
        return Deployment(id=f"{given['source']}:{name}:{hours}", finished_at=self.at(hours), **given)

    def tag(self, version: str, hours: float, sha: str = "") -> Deployment:
        """A tag in git."""
        return Deployment(f"git:tag:{version}", "git", self.at(hours), sha=sha or version, version=version, basis="tag")

    def incident(self, name: str, opened: float, resolved: float | None = None, **fields: Any) -> Incident:
        end = None if resolved is None else self.at(resolved)
        return Incident(f"events:incident:{name}", "events", self.at(opened), end, **fields)

    def change(self, name: str, hours: float, **fields: Any) -> Change:
        return Change(name, fields.pop("authored_at", self.at(hours)), self.at(hours), **fields)

    def line(self, *changes: Change, squashed: bool = False) -> Graph:
        """A history without branches, oldest commit first."""
        names = [change.sha for change in changes]
        parents = {name: names[max(0, place - 1) : place] for place, name in enumerate(names)}
        return Graph(parents, changes, squashed=squashed)

    def scope(self, days: float = 28, since: float = 0, as_of: float | None = None, **settings: Any) -> Scope:
        """A window that begins `since` hours after `T0`; it is known what came up to `as_of`, by default its end."""
        start, end = self.at(since), self.at(since + 24 * days)
        now = end if as_of is None else self.at(as_of)
        targets = {TARGETS[key].metric: parse_target(key, text) for key, text in settings.pop("targets", {}).items()}
        return Scope(Settings(targets=targets, **settings), Window(start, end), now, Calendar())

    def told(self, *events: Deployment | Incident | Build | Change, name: str = "events", **fields: Any) -> Collected:
        """What one source tells, in order."""
        kinds = {Deployment: "deployments", Incident: "incidents", Build: "builds", Change: "changes"}
        lists: dict[str, list[Any]] = {kind: [] for kind in kinds.values()}
        for event in events:
            lists[kinds[type(event)]].append(event)
        counts = {kind: len(found) for kind, found in lists.items() if found}
        report = SourceReport(name, counts, **fields)
        return Collected(report, **{kind: tuple(found) for kind, found in lists.items()})

    def report(self, *events: Any, scope: Scope | None = None, history: Graph | None = None) -> MetricsReport:
        """The report on events of one source, and on the history."""
        return report(scope or self.scope(), [self.told(*events)], history)


@pytest.fixture(scope="session")
def bench() -> Bench:
    """Builds events and reports on them; it has no state."""
    return Bench()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Finds a port for a server that has to be told one.

    It is not one of those that the system gives to whoever asks for any, as other tests do before the server starts.
    """

    def found() -> int:
        first, count = 20_000, 10_000
        for number in range(count):
            port = first + (os.getpid() + number) % count
            try:
                socket.create_server(("127.0.0.1", port)).close()
            except OSError:
                continue
            return port
        raise AssertionError("no port is free")

    return found
