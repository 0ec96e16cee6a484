"""A GitHub on loopback that keeps state as the real one does, and a repository on it whose events are known exactly.

Every answer of it is held against GitHub's own description when a test ends, where that is installed (`.ci/run`).
"""

from __future__ import annotations

import copy
import datetime
import hashlib
import importlib.util
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from sp404audit.dora.figures import Window
from sp404audit.dora.sources.github.access import Token
from sp404audit.dora.sources.github.client import Client
from sp404audit.dora.sources.github.store import open_store
from sp404audit.dora.sources.http import parse_url

if TYPE_CHECKING:
    from tests.dora.sources.github.description import Description

T0 = 1_772_323_200
"""2026-03-01T00:00Z: where the window of the known repository begins."""

HOUR, DAY = 3600, 86_400
SLUG = "octo/shop"


class Seen(NamedTuple):
    """A question, and the status of its answer."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int


class Reply(NamedTuple):
    """What a fault answers instead."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: Any = None
    is_odd: bool = False


Fault = Callable[[str, dict[str, str]], Reply | None]


def iso(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_SHAPES = json.loads((Path(__file__).parent / "shapes.json").read_text("utf-8"))


class GitHub:
    """Holds one repository, and serves it; whatever is put into its lists is what it answers.

    Attributes:
        faults: asked in order before anything is answered; the first that has a reply wins.
        most_per_page: fewer than what is asked for, so that three pages need no three hundred records.
        ahead: by how many seconds its clock is ahead.
        prefix: where the API begins: `/api/v3` on an enterprise server.
        seen: every question.
    """

    def __init__(self) -> None:
        self.deployments: list[dict[str, Any]] = []
        self.statuses: dict[int, list[dict[str, Any]]] = {}
        self.environments: list[dict[str, Any]] = []
        self.releases: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.jobs: dict[int, list[dict[str, Any]]] = {}
        self.pulls: list[dict[str, Any]] = []
        self.commits: dict[int, list[dict[str, Any]]] = {}
        self.issues: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.most_per_page = 100
        self.has_etags = True
        self.ahead = 0
        self.prefix = ""
        self.seen: list[Seen] = []
        self.replies: list[tuple[str, int, Any]] = []
        self.url = ""

    # --- records, made of the least that the description allows -------------------------------------------------

    @staticmethod
    def record(kind: str, **values: Any) -> dict[str, Any]:
        return {**copy.deepcopy(_SHAPES[kind]), **values}

    def deploy(self, id: int, created: int, *states: tuple[int, str], **values: Any) -> None:  # noqa: A002
        at = {"created_at": iso(created), "updated_at": iso(created)}
        values = {"environment": "production", "task": "deploy", "ref": "main", "sha": f"{id:040x}", **values}
        self.deployments.append(self.record("deployment", id=id, **at, **values))
        log = f"https://example.com/{SLUG}/actions/runs/{id}"
        self.statuses[id] = [
            self.record(
                "status",
                id=id * 100 + n,
                state=state,
                log_url=log,
                created_at=iso(moment),
                updated_at=iso(moment),
            )
            for n, (moment, state) in enumerate(states)
        ][::-1]

    def release(self, id: int, tag: str, published: int | None, **values: Any) -> None:  # noqa: A002
        author = self.record("user", login="octocat")
        times = {"created_at": iso(T0), "published_at": None if published is None else iso(published)}
        values = {"draft": published is None, "html_url": f"https://example.com/releases/{tag}", **times, **values}
        self.releases.append(self.record("release", id=id, tag_name=tag, author=author, **values))

    def run(self, id: int, created: int, *jobs: dict[str, Any], attempt: int = 1, **values: Any) -> None:  # noqa: A002
        started = values.pop("started", created)
        times = {"created_at": iso(created), "run_started_at": iso(started), "updated_at": iso(created + 10 * DAY)}
        names = {"name": "build", "path": ".github/workflows/build.yml", "head_branch": "main", "status": "completed"}
        values = {"conclusion": "success", "head_sha": f"{id:040x}", **names, **times, **values}
        self.runs.append(self.record("run", id=id, run_attempt=attempt, **values))
        self.jobs[id] = [{**job, "run_id": id} for job in jobs]

    def job(self, created: int, started: int, completed: int, *, attempt: int = 1, **values: Any) -> dict[str, Any]:
        times = {"created_at": iso(created), "started_at": iso(started), "completed_at": iso(completed)}
        values = {"status": "completed", "conclusion": "success", "run_attempt": attempt, **times, **values}
        return self.record("job", **values)

    def pull(self, number: int, merged: int | None, *commits: tuple[str, int, int], **values: Any) -> None:
        branch = values.pop("branch", f"feature-{number}")
        head = {**self.record("pull")["head"], "ref": branch}
        named = [
            {"id": n, "node_id": "text", "url": "https://example.com/",
             "name": name, "description": "", "color": "ff0000", "default": False}
            for n, name in enumerate(values.pop("labels", ()))
        ]  # fmt: skip
        user = self.record("user", login=values.pop("login", "ada"), type=values.pop("type", "User"))
        updated = values.pop("updated", merged or T0)
        times = {"created_at": iso(updated - HOUR), "updated_at": iso(updated), "closed_at": iso(updated)}
        values = {
            "merge_commit_sha": f"{number:040x}",
            "state": "closed",
            "head": head,
            "user": user,
            **times,
            **values,
        }
        merged_at = None if merged is None else iso(merged)
        self.pulls.append(self.record("pull", number=number, merged_at=merged_at, labels=named, **values))
        self.commits[number] = []
        for sha, authored, committed in commits:
            commit = self.record("commit", sha=sha)
            people = {"name": "Ada", "email": "ada@example.com"}
            commit["commit"]["author"] = {**people, "date": iso(authored)}
            commit["commit"]["committer"] = {**people, "date": iso(committed)}
            self.commits[number].append(commit)

    def issue(self, number: int, opened: int, closed: int | None, *labels: str, **values: Any) -> None:
        times = {"created_at": iso(opened), "closed_at": None if closed is None else iso(closed)}
        state = {"state": "open" if closed is None else "closed", "updated_at": iso(closed or opened)}
        named = [{"name": label} for label in labels]
        address = {"html_url": f"https://example.com/{SLUG}/issues/{number}"}
        self.issues.append(self.record("issue", number=number, labels=named, **times, **state, **address, **values))

    # --- answers ---------------------------------------------------------------------------------------------------

    def answer(self, path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        assert path.startswith(f"{self.prefix}/")
        path = path.removeprefix(self.prefix)
        reply = next((reply for fault in self.faults if (reply := fault(path, query)) is not None), None)
        if reply is None:
            reply = self._regular(path, query)
        body = b"" if reply.body is None else json.dumps(reply.body, sort_keys=True).encode()
        sent = {"Content-Type": "application/json; charset=utf-8", **reply.headers}
        status = reply.status
        if status == 200 and self.has_etags:
            sent.setdefault("ETag", f'W/"{hashlib.sha256(body).hexdigest()}"')
            if headers.get("if-none-match") == sent["ETag"]:
                # RFC 9110, section 15.4.5, lists what a 304 has to repeat, and Link is none of it.
                status, body = 304, b""
                sent.pop("Link", None)
        self.seen.append(Seen(path, query, headers, status))
        if status != 304 and not reply.is_odd:
            self.replies.append((path, status, reply.body))
        return status, sent, body

    def _regular(self, path: str, query: dict[str, str]) -> Reply:
        name = path.removeprefix(f"/repos/{SLUG}")
        if name == path:
            return Reply(404, body={"message": "Not Found"})
        if not name:
            return Reply(200, body=self.record("repository", default_branch="main"))
        found = self._list(name, query)
        if found is None:
            return Reply(404, body={"message": "Not Found"})
        key, records, total = found
        size = min(int(query.get("per_page", "30")), self.most_per_page)
        number = int(query.get("page", "1"))
        part = records[(number - 1) * size : number * size]
        links = {}
        if number * size < len(records):
            following = urlencode({**query, "page": str(number + 1)})
            first = urlencode({**query, "page": "1"})
            place = f"{self.url}{self.prefix}{path}"
            links["Link"] = f'<{place}?{first}>; rel="first", <{place}?{following}>; rel="next"'
        return Reply(200, links, {"total_count": total, key: part} if key else part)

    def _list(self, name: str, query: dict[str, str]) -> tuple[str, list[dict[str, Any]], int] | None:
        _, *parts = name.split("/")
        match parts:
            case ["deployments"]:
                return self._plain("", sorted(self.deployments, key=lambda each: each["created_at"], reverse=True))
            case ["deployments", id_, "statuses"]:
                return self._plain("", self.statuses[int(id_)])
            case ["environments"]:
                return self._plain("environments", self.environments)
            case ["releases"]:
                return self._plain("", self.releases)
            case ["actions", "runs"]:
                # A thousand is the most that one question gives, however many there are.
                found = self._found_runs(query)
                return "workflow_runs", found[:1000], len(found)
            case ["actions", "runs", id_, "jobs"]:
                return self._plain("jobs", self.jobs[int(id_)])
            case ["pulls"]:
                return self._plain("", sorted(self.pulls, key=lambda each: each["updated_at"], reverse=True))
            case ["pulls", number, "commits"]:
                return self._plain("", self.commits[int(number)])
            case ["issues"]:
                return self._plain("", self._found_issues(query))
        return None

    @staticmethod
    def _plain(key: str, records: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]], int]:
        return key, records, len(records)

    def _found_runs(self, query: dict[str, str]) -> list[dict[str, Any]]:
        since, _, until = query["created"].partition("..")
        found = [
            run
            for run in self.runs
            if since <= run["created_at"] <= until
            and run["head_branch"] == query["branch"]
            and run["status"] == query["status"]
        ]
        return sorted(found, key=lambda each: (each["created_at"], each["id"]), reverse=True)

    def _found_issues(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return [
            issue
            for issue in self.issues
            if query["labels"] in [label["name"] for label in issue["labels"]]
            and query["state"] in ("all", issue["state"])
            and query.get("since", "") <= issue["updated_at"]
        ]


@contextmanager
def _served(github: GitHub) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, sent, body = github.answer(parts.path, dict(parse_qsl(parts.query)), headers)
            self.send_response_only(status)
            sent.setdefault("Date", formatdate(time() + github.ahead, usegmt=True))
            for name, value in sent.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that is killed, or goes away, is no error."""

    server = Server(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture(scope="session")
def description_module() -> Any:
    """The module `description` beside this file."""
    return _load("description")


@pytest.fixture(scope="session")
def description(description_module: Any) -> Description | None:
    """What GitHub says of its API; None where that is not installed."""
    return cast("Description", description_module.Description()) if description_module.SOURCE.is_file() else None


@pytest.fixture(scope="session")
def prism_file() -> Path:
    """Where `.ci/run` installs Prism."""
    return Path(__file__).parents[4] / ".ci/node_modules/@stoplight/prism-cli/dist/index.js"


def _shortened(body: Any) -> Any:
    """An answer with the first and the last of a long list: the records between are made like these."""
    if isinstance(body, dict):
        return {key: _shortened(value) for key, value in body.items()}
    return [*body[:10], *body[-10:]] if isinstance(body, list) and len(body) > 20 else body


@pytest.fixture
def github(description: Description | None) -> Iterator[GitHub]:
    """An empty GitHub that is served on loopback; its answers, and what it was asked with, must be as described."""
    made = GitHub()
    with _served(made):
        yield made
    if description is None:
        return
    replies = [(path, status, _shortened(body)) for path, status, body in made.replies]
    assert [line for path, status, body in replies for line in description.problems(path, status, body)] == []
    for seen in made.seen:
        if seen.path.startswith("/repos/"):
            assert set(seen.query) <= description.parameters(seen.path), seen


@pytest.fixture
def other_github() -> Iterator[GitHub]:
    """A second server, which nothing may be sent to."""
    made = GitHub()
    with _served(made):
        yield made
    assert made.seen == []


@pytest.fixture
def secret() -> str:
    """What reads as a token, and is none: put together here, so that no scanner takes it for one in this file."""
    return "_".join(("ghp", "canary" * 6))


MakeClient = Callable[..., Client]


@pytest.fixture
def make_client(github: GitHub, tmp_path: Path, secret: str) -> Iterator[MakeClient]:
    """Makes clients for `github`, which share a cache and wait in no time."""
    made: list[Client] = []

    def make(*, waits: list[float] | None = None, is_cached: bool = True, **options: Any) -> Client:
        token = Token.of({"GITHUB_TOKEN": secret})
        assert token is not None
        pages = open_store(token.hash, None, str(tmp_path / "cache")) if is_cached else None
        wait = (lambda _: None) if waits is None else waits.append
        client = Client(parse_url(github.url), token, pages=pages, **{"wait": wait, **options})
        made.append(client)
        return client

    yield make
    for client in made:
        client.__exit__(None, None, None)


@pytest.fixture
def known_environment(github: GitHub, tmp_path: Path, secret: str) -> dict[str, str]:
    """What a process needs that asks `github`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    caches = str(tmp_path / "caches")
    return {**kept, "GITHUB_API_URL": github.url, "GITHUB_TOKEN": secret, "XDG_CACHE_HOME": caches}


@pytest.fixture
def window() -> Window:
    """March 2026."""
    return Window(T0, T0 + 31 * DAY)


@pytest.fixture
def known(github: GitHub) -> GitHub:
    """The repository octo/shop, of which `test_collect.py` says what it comes to: for whole-flow tests, too.

    In March 2026 it had two deployments that went live and a rollback; the second went bad. Its deployments: 101
    (v1.0.0), 102 (failed two hours later), 103 (back to the first), 104 (never went live), 105 (staging), 106 (under
    way), and 100 in February.
    """
    github.environments = [github.record("environment", name=name) for name in ("production", "staging")]
    _known_deployments(github)
    _known_builds(github)
    _known_pulls(github)
    github.release(1, "v1.0.0", T0 + HOUR, target_commitish="main")
    github.release(2, "v1.2.0", None)
    github.release(3, "v1.1.0-rc.1", T0 + 20 * HOUR, prerelease=True)
    github.issue(20, T0 + 26 * HOUR, T0 + 27 * HOUR, "incident", "severity: Critical", "service: web",
                 body=f"Checkout is down\n\nCaused-by: {102:040x}\n", title="Checkout fails")  # fmt: skip
    github.issue(21, T0 + 5 * DAY, None, "incident", "sev2", body="Root cause: a full disk")
    github.issue(22, T0 + 6 * DAY, T0 + 6 * DAY + HOUR, "incident", pull_request=_PULL_REQUEST)
    github.issue(23, T0 + 7 * DAY, T0 + 7 * DAY + HOUR, "incident", state_reason="duplicate")
    github.issue(24, T0 + 8 * DAY, T0 + 8 * DAY + HOUR, "question")
    return github


_PULL_REQUEST = dict.fromkeys(("url", "html_url", "diff_url", "patch_url"), "https://example.com/")


def _known_deployments(github: GitHub) -> None:
    github.deploy(100, T0 - 10 * DAY, (T0 - 10 * DAY + 60, "success"))
    github.deploy(101, T0 + HOUR, (T0 + HOUR + 60, "in_progress"), (T0 + HOUR + 300, "success"),
                  (T0 + 30 * HOUR, "inactive"), ref="v1.0.0", production_environment=True)  # fmt: skip
    github.deploy(102, T0 + 24 * HOUR, (T0 + 24 * HOUR + 600, "success"), (T0 + 26 * HOUR, "failure"))
    github.deploy(103, T0 + 27 * HOUR, (T0 + 27 * HOUR + 120, "success"), task="deploy:rollback", sha=f"{101:040x}")
    github.deploy(104, T0 + 30 * HOUR, (T0 + 30 * HOUR + 5, "queued"), (T0 + 30 * HOUR + 60, "error"))
    github.deploy(105, T0 + 31 * HOUR, (T0 + 31 * HOUR + 60, "success"), environment="staging")
    github.deploy(106, T0 + 32 * HOUR, (T0 + 32 * HOUR + 60, "in_progress"))


def _known_builds(github: GitHub) -> None:
    start = T0 + 2 * DAY
    github.run(1, start, github.job(start, start + 20, start + 200), github.job(start, start + 30, start + 260))
    again = start + HOUR
    first = github.job(start + 60, start + 70, start + 400, conclusion="failure")
    second = github.job(again, again + 15, again + 300, attempt=2)
    github.run(2, start + 60, first, second, attempt=2, started=again)
    github.run(3, start + 90, conclusion="cancelled")
    github.run(4, start + 95, head_branch="feature")


def _known_pulls(github: GitHub) -> None:
    branch = [("a" * 40, T0 + 2 * HOUR, T0 + 3 * HOUR), ("b" * 40, T0 + 4 * HOUR, T0 + 4 * HOUR)]
    github.pull(7, T0 + 20 * HOUR, *branch, labels=("feature",))
    github.pull(8, T0 + 26 * HOUR, ("c" * 40, T0 + 25 * HOUR, T0 + 25 * HOUR), branch="hotfix/checkout",
                merge_commit_sha=f"{103:040x}")  # fmt: skip
    github.pull(9, None)
    github.pull(10, T0 + 40 * HOUR, ("d" * 40, T0 + 39 * HOUR, T0 + 39 * HOUR), login="renovate[bot]", type="Bot")
