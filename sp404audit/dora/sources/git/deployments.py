"""Deployments as git knows them: tags, or what was merged to the main line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sp404audit.dora.events import Deployment
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings, matches_any
from sp404audit.dora.sources.git.commits import UNKNOWN, Commits
from sp404audit.dora.sources.git.references import Tag
from sp404audit.dora.sources.git.versions import Version, read_version
from sp404audit.records import NamedTuple

__all__ = ["Release", "deployed_merges", "deployed_tags", "releases_among"]


class Release(NamedTuple):
    """A tag that is a deployment: of which service, and its version where its name is one."""

    tag: Tag
    service: str
    version: Version | None


def releases_among(tags: Sequence[Tag], settings: Settings) -> list[Release]:
    """Choose the tags that are deployments, by the policy's patterns or else by their names.

    Without patterns, a prefix names a service where there are several; a lone one is the project's own name. A single
    number (`v4`) is a version only where no tag has more: otherwise it moves along with the others.
    """
    read = [(tag, read_version(tag.name)) for tag in tags]
    if settings.services:
        return [
            Release(tag, service, version)
            for tag, version in read
            for service, pattern in settings.services.items()
            if matches_any(tag.name, [pattern.tags])
        ]
    if settings.tags:
        return [Release(tag, "", version) for tag, version in read if matches_any(tag.name, [settings.tags])]
    versions = [(tag, version) for tag, version in read if version is not None]
    has_dotted = any(not version.single for _, version in versions)
    prefixes = {version.service for _, version in versions} - {""}
    return [
        Release(tag, version.service if len(prefixes) > 1 else "", version)
        for tag, version in versions
        if not (has_dotted and version.single)
    ]


def deployed_tags(releases: Iterable[Release], numbers: Mapping[str, int], commits: Commits) -> list[Deployment]:
    """Make deployments of releases whose commits are in the history, in order of time, then of commits.

    An annotated tag was made when it says, a lightweight one, as far as git knows, with its commit.
    """
    found: list[Deployment] = []
    for tag, service, version in releases:
        number = numbers.get(tag.sha)
        if number is None:
            continue
        at = commits.committed[number] if tag.created_at is None else tag.created_at
        if at == UNKNOWN:
            continue
        prerelease = version is not None and version.prerelease
        id_ = f"git:tag:{tag.name}" if not service else f"git:tag:{tag.name}:{service}"
        found.append(
            Deployment(
                id_,
                "git",
                at,
                sha=tag.sha,
                version=tag.name,
                service=service,
                prerelease=prerelease,
                basis="tag",
            )
        )
    return sorted(found, key=lambda each: (each.finished_at, -numbers[each.sha], each.id))


def deployed_merges(line: Sequence[int], commits: Commits, window: Window) -> list[Deployment]:
    """Take each commit of the main line for a deployment, in order of time.

    Only those of the window, of as long a time before it, and the last one before that: a long history has a hundred
    thousand, and no figure needs the older ones. None went live before its parent, whatever the clocks said; those of
    one second, as a rebase makes them, went live together.

    Args:
        line: numbers of the commits of the main line, the newest first.
        commits: all commits.
        window: the stretch that is measured.
    """
    since = window.since - (window.until - window.since)
    found: dict[int, Deployment] = {}
    latest = UNKNOWN
    for number in reversed(_recent(line, commits, since)):
        latest = max(latest, commits.committed[number])
        sha = commits.shas[number]
        if latest != UNKNOWN:
            found[latest] = Deployment(f"git:merge:{sha}", "git", latest, sha=sha, basis="merge")
    return list(found.values())


def _recent(line: Sequence[int], commits: Commits, since: int) -> Sequence[int]:
    """The beginning of a line, up to the last commit before a moment."""
    end = next((place for place, number in enumerate(line) if 0 <= commits.committed[number] < since), len(line))
    return line[: end + 1]
