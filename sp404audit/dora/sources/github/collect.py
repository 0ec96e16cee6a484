"""Everything that GitHub knows of a repository's delivery, put into the events that every source tells."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TypeVar

from sp404audit.dora.events import Build, Change, Collected, Deployment, Incident, SourceReport
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.github.access import Token, api_url, repository_at, repository_of
from sp404audit.dora.sources.github.client import DEFAULT_BUDGET, Client
from sp404audit.dora.sources.github.deployments import list_deployments, read_courses, read_environments, read_releases
from sp404audit.dora.sources.github.gathering import Gathering
from sp404audit.dora.sources.github.issues import read_incidents
from sp404audit.dora.sources.github.problems import RefusedError
from sp404audit.dora.sources.github.pulls import hotfixes, list_pulls, read_changes
from sp404audit.dora.sources.github.runs import list_runs, read_builds
from sp404audit.dora.sources.github.store import open_store
from sp404audit.dora.sources.github.values import text

__all__ = ["collect", "open_client", "repository_name"]

_Event = TypeVar("_Event", Deployment, Change, Incident, Build)


def open_client(
    environment: Mapping[str, str] | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    budget: int = DEFAULT_BUDGET,
    cache: bool | str = True,
) -> Client:
    """Make a client from the environment: `GITHUB_TOKEN` or `GH_TOKEN`, and `GITHUB_API_URL`.

    Args:
        environment: the process's own by default.
        root: the repository that is measured; nothing is kept inside it.
        budget: how many requests may count against GitHub's limit (`--api-budget`).
        cache: whether to keep pages in the user's cache, or the folder to keep them in.

    Raises:
        AccessError: for a token or an address that cannot be used.
    """
    given = os.environ if environment is None else environment
    token = Token.of(given)
    url = api_url(given, token)
    folder = cache if isinstance(cache, str) else None
    pages = open_store(token.hash if token else "", root, folder) if cache is not False else None
    return Client(url, token, pages=pages, budget=budget)


def repository_name(given: str, root: str | os.PathLike[str], client: Client) -> str:
    """The repository to ask about, as `owner/name`: the one that the user gives, or that of the remote `origin`.

    Raises:
        AccessError: when there is none, or not on the server that is asked.
    """
    return repository_of(given) if given else repository_at(root, client.url)


def collect(repository: str, settings: Settings, window: Window, client: Client) -> Collected:
    """Ask GitHub for deployments, releases, incidents, pull requests and builds.

    What cannot be had is told in the report's notes, with the way out; the rest is there. Lists come first, and then
    what is asked once a record, in the order in which figures rest on it: a budget that ends leaves something of each.

    Args:
        repository: `owner/name`.
        settings: the counting rules: which labels, branches, workflows and environments are asked about.
        window: the stretch that is measured; a month before it is read, too.
        client: whom to ask.

    Raises:
        AccessError: for a repository that is not named so.
    """
    gathering = Gathering(repository_of(repository), settings, window, client)
    branch = settings.branch or _default_branch(gathering)
    listed = list_deployments(gathering)
    releases = read_releases(gathering)
    incidents = read_incidents(gathering)
    pulls = list_pulls(gathering, branch) if branch else []
    runs = list_runs(gathering, branch) if branch else []
    deployments = read_courses(gathering, listed)
    read_environments(gathering, deployments)
    builds = read_builds(gathering, runs)
    changes = read_changes(gathering, pulls)
    if gathering.covers_since is None and releases:
        gathering.covers_since = min(each.finished_at for each in releases)
    remedies = hotfixes(gathering, changes)
    told = [
        each._replace(unplanned=True) if each.sha and each.sha in remedies else each
        for each in (*deployments, *releases)
    ]
    notes = gathering.conclude()
    report = SourceReport("github", gathering.counts, gathering.covers_since, gathering.partial, notes)
    return Collected(
        report,
        deployments=_ordered(told, "finished_at"),
        changes=tuple(sorted(changes, key=lambda each: (each.committed_at, each.sha))),
        incidents=_ordered(incidents, "opened_at"),
        builds=_ordered(builds, "started_at"),
    )


def _ordered(events: Iterable[_Event], time: str) -> tuple[_Event, ...]:
    return tuple(sorted(events, key=lambda each: (getattr(each, time), getattr(each, "id", ""))))


def _default_branch(gathering: Gathering) -> str:
    """The main line by GitHub's word; empty when it gives none, and then nothing that needs it is asked."""
    branch = ""
    with gathering.part("pull requests and workflow runs, for want of the name of the default branch"):
        page = gathering.client.get(gathering.path)
        branch = text(page.data, "default_branch") if isinstance(page.data, dict) else ""
        if not branch:
            raise RefusedError("no-branch", "GitHub names no default branch; name it: metrics.branch in the policy")
    return branch
