"""Pull requests that were merged, and when their first commits were made: what a squash hides from git."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sp404audit.dora.events import Change
from sp404audit.dora.settings import matches_any
from sp404audit.dora.sources.github.client import PER_PAGE
from sp404audit.dora.sources.github.gathering import Gathering
from sp404audit.dora.sources.github.values import commit, entry, labels, moment, text, whole
from sp404audit.records import NamedTuple

__all__ = ["Pull", "hotfixes", "list_pulls", "read_changes"]


class Pull(NamedTuple):
    """A merged pull request; its labels hold the first of the policy's hotfix labels when its branch says the same."""

    number: int
    sha: str
    created_at: int
    merged_at: int
    author: str
    is_bot: bool
    labels: tuple[str, ...]


def list_pulls(gathering: Gathering, branch: str) -> list[Pull]:
    """Pull requests that were merged into a branch since `gathering.earliest`, the latest first."""
    pulls: dict[int, Pull] = {}
    with gathering.part("pull requests"):
        parameters = {"state": "closed", "base": branch, "sort": "updated", "direction": "desc"}
        for page in gathering.items("pull requests", "/pulls", parameters):
            for record in page:
                pull = _pull(gathering, record)
                if pull is not None and gathering.earliest <= pull.merged_at < gathering.window.until:
                    pulls[pull.number] = pull
            # What was updated last before that was merged before that, too.
            if page and max(moment(record, "updated_at") or 0 for record in page) < gathering.earliest:
                break
    gathering.counts["pull requests"] = len(pulls)
    return sorted(pulls.values(), key=lambda each: (each.merged_at, each.number), reverse=True)


def read_changes(gathering: Gathering, pulls: list[Pull]) -> list[Change]:
    """A change for what each pull request became on the main line, and one for each of its commits.

    Which of them are in the history depends on how it was merged: the commit that a squash made, or the commits
    themselves. A rebase makes new commits, of which the API names the last.
    """
    changes = {pull.sha: _change(pull, pull.sha) for pull in pulls}
    gathering.each("commits of pull requests", pulls, lambda pull: _add_commits(gathering, pull, changes))
    return list(changes.values())


def hotfixes(gathering: Gathering, changes: list[Change]) -> set[str]:
    """The commits that were merged as a remedy for a fault, by their pull request's label or branch."""
    wanted = {label.casefold() for label in gathering.settings.hotfix_labels}
    return {each.sha for each in changes if any(label.casefold() in wanted for label in each.labels)}


def _pull(gathering: Gathering, record: Mapping[str, Any]) -> Pull | None:
    """A pull request; None for one that was closed without a merge, or cannot be read."""
    if record.get("merged_at") is None:
        return None
    number, merged, sha = whole(record, "number"), moment(record, "merged_at"), commit(record, "merge_commit_sha")
    if number is None or merged is None or not sha:
        gathering.odd["pull requests"] += 1
        return None
    author = text(entry(record, "user"), "login")
    named = labels(record)
    settings = gathering.settings
    if settings.hotfix_labels and matches_any(text(entry(record, "head"), "ref"), settings.hotfix_branches):
        named = (*named, settings.hotfix_labels[0]) if settings.hotfix_labels[0] not in named else named
    return Pull(
        number=number,
        sha=sha,
        created_at=moment(record, "created_at") or merged,
        merged_at=merged,
        author=author,
        is_bot=text(entry(record, "user"), "type") == "Bot" or matches_any(author, settings.bots),
        labels=named,
    )


def _change(pull: Pull, sha: str) -> Change:
    return Change(
        sha=sha,
        authored_at=min(pull.created_at, pull.merged_at),
        committed_at=pull.merged_at,
        author=pull.author,
        is_bot=pull.is_bot,
        merged_at=pull.merged_at,
        pull_request=pull.number,
        labels=pull.labels,
    )


def _add_commits(gathering: Gathering, pull: Pull, changes: dict[str, Change]) -> None:
    """Ask for the commits of a pull request, the oldest first; GitHub tells no more than 250 of them.

    A merged pull request gets no further commits, so that they need to be asked for once only.
    """
    parameters = {"per_page": str(PER_PAGE)}
    path = f"{gathering.path}/pulls/{pull.number}/commits"
    page = gathering.client.get(path, parameters, settled=f"merged as {pull.sha}")
    first: int | None = None
    for record in gathering.of_page("commits of pull requests", page):
        sha, details = commit(record, "sha"), entry(record, "commit")
        authored = moment(entry(details, "author"), "date")
        committed = moment(entry(details, "committer"), "date")
        times = [at for at in (authored, committed) if at is not None]
        if not sha or not times:
            gathering.odd["commits of pull requests"] += 1
            continue
        # The author's time: the committer's is that of the last rebase.
        first = times[0] if first is None else first
        made = _change(pull, sha)._replace(
            authored_at=times[0], committed_at=times[-1], author=text(entry(details, "author"), "email")
        )
        changes.setdefault(sha, made._replace(first_commit_at=first))
    if first is not None:
        changes[pull.sha] = changes[pull.sha]._replace(first_commit_at=first)
