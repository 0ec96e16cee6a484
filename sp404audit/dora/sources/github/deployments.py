"""Deployments and how they ended, and releases, which stand for deployments where none are recorded.

A deployment has no state of its own; its statuses tell it, one question each
(https://docs.github.com/en/rest/deployments/statuses): the first `success` is when it was live, a `failure` or
`error` after that is when it went bad, and `inactive` only says that a later one took its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sp404audit.dora.events import Deployment, Outcome
from sp404audit.dora.settings import matches_any
from sp404audit.dora.sources.github.gathering import Gathering
from sp404audit.dora.sources.github.values import commit, moment, records, text, whole
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["Listed", "list_deployments", "read_courses", "read_environments", "read_releases"]

_VERSION = regex(r"(?:[^\s]{1,200}[-/@])?v?[0-9]{1,9}(?:\.[0-9]{1,9}){1,3}[^\s/]{0,100}")
_BAD = ("failure", "error")


class _Status(NamedTuple):
    """One word on a deployment; in order of time, and of their ids within a second."""

    at: int
    id: int
    state: str
    url: str


class _Course(NamedTuple):
    """How a deployment went: when it ended or was last heard of, how, and when it went bad after it had been live."""

    at: int
    outcome: Outcome
    failed_at: int | None = None
    url: str = ""


class Listed(NamedTuple):
    """The deployments of a repository, the latest first, and from when on the list has all; None for its beginning."""

    records: Mapping[int, Mapping[str, Any]]
    since: int | None


def list_deployments(gathering: Gathering) -> Listed:
    """The deployments since `gathering.earliest`, and some before them."""
    found: dict[int, Mapping[str, Any]] = {}
    since: int | None = None
    with gathering.part("deployments"):
        since = _list(gathering, found)
    ordered = sorted(found.items(), key=lambda each: (_created(each[1]), each[0]), reverse=True)
    gathering.counts["deployments"] = len(ordered)
    return Listed(dict(ordered), since)


def read_courses(gathering: Gathering, listed: Listed) -> list[Deployment]:
    """The deployments with the course of those to production, and in `gathering` from when on they are known.

    Statuses are asked for the latest first, so that a budget that ends cuts off the oldest.
    """
    made = {id_: _deployment(gathering, id_, record) for id_, record in listed.records.items()}

    def ask(id_: int) -> None:
        course = _course(gathering, id_)
        if course is not None:
            made[id_] = made[id_]._replace(
                finished_at=course.at, outcome=course.outcome, failed_at=course.failed_at, url=course.url
            )

    wanted = [id_ for id_ in made if _is_production(gathering, made[id_])]
    unknown = gathering.each("statuses of deployments", wanted, ask)
    if wanted:
        # Nobody recorded deployments before the first one: what came earlier has to be known from elsewhere. Whose
        # course is not known counts for nothing, and what came before it is not known either.
        first = min(made[id_].finished_at for id_ in wanted)
        reach = first if listed.since is None else listed.since
        gathering.covers_since = max([reach, *(_created(listed.records[id_]) + 1 for id_ in unknown)])
    return list(made.values())


def _list(gathering: Gathering, found: dict[int, Mapping[str, Any]]) -> int | None:
    """Read the list, the latest first, until it is too old; tell from when on it is known, None for its beginning.

    What was live when the window began has to be known, too: where there are deployments to production, the last one
    before the window is looked for, however old it is.
    """
    live, earlier = False, False
    for page in gathering.items("deployments", "/deployments", {}):
        for record in page:
            id_, created = whole(record, "id"), moment(record, "created_at")
            if id_ is None or created is None:
                gathering.odd["deployments"] += 1
            elif created < gathering.window.until:
                found[id_] = record
                if _is_production(gathering, _deployment(gathering, id_, record)):
                    live, earlier = True, earlier or created < gathering.window.since
        times = [_created(record) for record in page]
        if times and max(times) < gathering.earliest and (earlier or not live):
            return gathering.earliest
    return None


def _created(record: Mapping[str, Any]) -> int:
    return moment(record, "created_at") or 0


def _deployment(gathering: Gathering, id_: int, record: Mapping[str, Any]) -> Deployment:
    ref = text(record, "ref").removeprefix("refs/heads/").removeprefix("refs/tags/")
    is_production = record.get("production_environment")
    return Deployment(
        id=f"github:deployment:{id_}",
        source="github",
        finished_at=_created(record),
        outcome="unknown",
        sha=commit(record, "sha"),
        version=ref if _VERSION.fullmatch(ref) else "",
        environment=text(record, "environment"),
        production=is_production if isinstance(is_production, bool) else None,
        service=_service(gathering, ref),
        rollback="rollback" in text(record, "task").lower(),
        unplanned=matches_any(ref, gathering.settings.hotfix_branches),
        basis="deployment",
    )


def _service(gathering: Gathering, ref: str) -> str:
    """The service whose tags a ref is like; empty when it is none's."""
    services = gathering.settings.services.items()
    return next((name for name, pattern in services if matches_any(ref, [pattern.tags])), "")


def _is_production(gathering: Gathering, deployment: Deployment) -> bool:
    patterns = gathering.settings.production_environments
    return bool(deployment.production) or matches_any(deployment.environment, patterns)


def _course(gathering: Gathering, id_: int) -> _Course | None:
    """What the statuses tell; None when there are none."""
    statuses: list[_Status] = []
    for page in gathering.items("statuses of deployments", f"/deployments/{id_}/statuses", {}):
        for record in page:
            at, state = moment(record, "created_at"), text(record, "state")
            if at is None or not state:
                gathering.odd["statuses of deployments"] += 1
            else:
                urls = (text(record, key) for key in ("log_url", "target_url", "environment_url"))
                # Whoever deploys writes these; only what a browser may be sent to is taken.
                url = next((url for url in urls if url.startswith(("https://", "http://"))), "")
                statuses.append(_Status(at, whole(record, "id") or 0, state, url))
    return _judge(sorted(statuses))


def _judge(statuses: list[_Status]) -> _Course | None:
    states = [status.state for status in statuses]
    if "success" in states:
        live = states.index("success")
        after = [status.at for status in statuses[live:] if status.state in _BAD]
        return _Course(statuses[live].at, "success", after[0] if after else None, statuses[live].url)
    bad = [status for status in statuses if status.state in _BAD]
    if bad:
        return _Course(bad[-1].at, "failure", url=bad[-1].url)
    if not statuses:
        return None
    last = statuses[-1]
    # Inactive without ever having been live: another one took its place before.
    return _Course(last.at, "cancelled" if last.state == "inactive" else "running", url=last.url)


def read_releases(gathering: Gathering) -> list[Deployment]:
    """Published releases since `gathering.earliest`; drafts are none.

    The list is in the order of `created_at`, which is the commit's time: a release may be published long after.
    """
    made: dict[int, Deployment] = {}
    with gathering.part("releases"):
        for page in gathering.items("releases", "/releases", {}):
            for record in page:
                release = _release(gathering, record)
                if release is not None and release.finished_at < gathering.window.until:
                    made[whole(record, "id") or 0] = release
            times = [max(_created(record), moment(record, "published_at") or 0) for record in page]
            if times and max(times) < gathering.earliest:
                break
    gathering.counts["releases"] = len(made)
    return list(made.values())


def _release(gathering: Gathering, record: Mapping[str, Any]) -> Deployment | None:
    if record.get("draft") is True:
        return None
    id_, published, tag = whole(record, "id"), moment(record, "published_at"), text(record, "tag_name")
    if id_ is None or published is None or not tag:
        gathering.odd["releases"] += 1
        return None
    return Deployment(
        id=f"github:release:{id_}",
        source="github",
        finished_at=published,
        # A release names a branch more often than a commit; then the tag leads to it.
        sha=commit(record, "target_commitish"),
        version=tag,
        service=_service(gathering, tag),
        prerelease=record.get("prerelease") is True,
        url=text(record, "html_url"),
        basis="release",
    )


def read_environments(gathering: Gathering, deployments: Iterable[Deployment]) -> None:
    """Tell when no environment is called production, and which there are to choose from."""
    if any(_is_production(gathering, each) for each in deployments):
        return
    with gathering.part("environments"):
        page = gathering.client.get(f"{gathering.path}/environments", {"per_page": "100"})
        found, _ = records(page.data, "environments")
        names = sorted({text(record, "name", 60) for record in found} - {""})
        gathering.counts["environments"] = len(names)
        if names and not any(matches_any(name, gathering.settings.production_environments) for name in names):
            more = f" and {len(names) - 10} more" if len(names) > 10 else ""
            gathering.note(
                "no-production",
                f"no environment is taken for production; there are {', '.join(names[:10])}{more}: say which is, "
                "under metrics.production-environments in the policy",
            )
