"""Held against GitHub's own description: what is asked, what the test's server answers, and what Prism answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.github import collect
from sp404audit.dora.sources.github.client import Client
from sp404audit.dora.sources.github.deployments import read_environments
from sp404audit.dora.sources.github.gathering import Gathering
from sp404audit.dora.sources.github.runs import read_builds
from sp404audit.dora.sources.http import Client as HttpClient
from sp404audit.dora.sources.http import HttpError, parse_url

if TYPE_CHECKING:
    from tests.dora.sources.github.conftest import GitHub, MakeClient
    from tests.dora.sources.github.description import Description

SLUG = "octo/shop"
SHAPES = Path(__file__).parent / "shapes.json"
DECADE = Window(1_293_840_000, 1_609_459_200)
"""2011 to 2020: the examples of the description are from all over it."""

SETTINGS = Settings(production_environments=("production",))
RUN = {"conclusion": "success", "created_at": "2020-01-20T17:42:40Z", "run_started_at": "2020-01-20T17:42:40Z"}


@pytest.mark.heavy("github-openapi")
class TestDescription:
    def test_every_described_question_is_asked_and_no_other(
        self, known: GitHub, make_client: MakeClient, window: Window, description: Description
    ) -> None:
        known.deployments = [each for each in known.deployments if each["environment"] != "production"]
        collect(SLUG, Settings(), window, make_client())
        known.deploy(1, window.since, (window.since, "success"))
        collect(SLUG, Settings(), window, make_client())
        asked = {description.template(seen.path) for seen in known.seen}
        assert asked == set(description.slim["paths"])

    def test_the_shapes_are_those_of_the_description(self, description: Description, description_module: Any) -> None:
        assert SHAPES.read_text("utf-8") == description_module.shapes(description), (
            "python tests/dora/sources/github/description.py writes them anew"
        )

    def test_a_wrong_answer_is_found(self, description: Description) -> None:
        shapes = json.loads(SHAPES.read_text("utf-8"))
        path = f"/repos/{SLUG}/deployments"
        assert description.problems(path, 200, [shapes["deployment"]]) == []
        for wrong in ({"id": "1"}, {"created_at": "yesterday"}, {"sha": None}):
            assert description.problems(path, 200, [{**shapes["deployment"], **wrong}]), wrong
        assert description.problems(path, 200, {"message": "not a list"})
        assert description.problems(f"{path}/1/statuses", 200, [{**shapes["status"], "state": "fine"}])
        with pytest.raises(KeyError):
            description.problems("/user", 200, {})


@pytest.fixture(scope="module")
def prism(
    description: Description, prism_file: Path, tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[str]:
    """A Prism that mocks the questions asked, by the description's own examples."""
    folder = tmp_path_factory.mktemp("prism")
    (folder / "openapi.json").write_text(json.dumps(description.for_mock()), "utf-8")
    port = free_port()
    node = shutil.which("node")
    assert node is not None
    command = [node, str(prism_file), "mock", "-h", "127.0.0.1", "-p", str(port), str(folder / "openapi.json")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            with HttpClient(parse_url(url), {}, timeout=10, limit=10_000_000) as client:
                client.get(f"/repos/{SLUG}")
        except HttpError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"Prism does not answer:\n{log.read_text('utf-8', 'replace')[-2000:]}")


class Recording(Client):
    """Remembers what was asked, and the status of each answer."""

    def __init__(self, url: str) -> None:
        super().__init__(parse_url(url), wait=lambda _: None)
        self.asked: list[tuple[str, int]] = []

    def _insist(self, target: str, headers: Any) -> Any:
        answer = super()._insist(target, headers)
        self.asked.append((target.partition("?")[0], answer.status))
        return answer


@pytest.mark.heavy("github-openapi", "prism")
@pytest.mark.xdist_group("prism")
class TestPrism:
    def test_every_question_is_understood(self, prism: str, description: Description) -> None:
        with Recording(prism) as client:
            collected = collect(SLUG, SETTINGS, DECADE, client)
            # The example of a run has not ended, and there are deployments to production: these two go unasked.
            gathering = Gathering(SLUG, SETTINGS, DECADE, client)
            read_environments(gathering, [])
            (build,) = read_builds(gathering, [(29_679_449, RUN)])
        assert {status for _, status in client.asked} == {200}
        assert {description.template(path) for path, _ in client.asked} == set(description.slim["paths"])
        # Its links to the next page lead to another server.
        assert {note.id for note in collected.report.notes} == {"github/cut"}
        assert any("there are staging:" in note.message for note in gathering.notes)
        assert gathering.counts["environments"] == 1
        assert (build.finished_at - build.started_at, build.outcome) == (119, "success")

    def test_official_examples_are_read(self, prism: str) -> None:
        with Recording(prism) as client:
            collected = collect(SLUG, SETTINGS, DECADE, client)
        deployment = next(each for each in collected.deployments if each.basis == "deployment")
        assert (deployment.outcome, len(deployment.sha)) == ("success", 40)
        release = next(each for each in collected.deployments if each.basis == "release")
        assert release.version == "v1.0.0"
        assert collected.incidents == (), "its example of an issue is a pull request"
        assert any(each.pull_request == 1347 for each in collected.changes)
        assert not any(note.id == "github/odd" for note in collected.report.notes)

    def test_it_would_not_understand_a_wrong_one(self, prism: str) -> None:
        with HttpClient(parse_url(prism), {}, timeout=60, limit=10_000_000) as client:
            assert client.get(f"/repos/{SLUG}/deployments?per_page=many").status == 422
            assert client.get(f"/repos/{SLUG}/deployment").status == 404
