"""What each deployment counts as: the rules, one line each for the ledger.

A release that reaches several places within `merge_window` is one deployment; the same revision again is a redeploy; an
older revision than what is live is a rollback; what failed, was a preview, or went elsewhere, is no deployment at all.
Whether it lies in the window is asked last: what stands before it decides what is a redeploy within.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sp404audit.dora.events import Deployment
from sp404audit.dora.figures import Window
from sp404audit.dora.fusion import plain_version
from sp404audit.dora.settings import Settings, matches_any
from sp404audit.dora.sources.git.versions import is_lower
from sp404audit.records import NamedTuple

__all__ = ["COUNTED", "LATE_TAG", "Standing", "classify", "production", "role_in"]

COUNTED = "counted"
LATE_TAG = "late tag"


class Standing(NamedTuple):
    """What a deployment counts as, wherever the window lies.

    Attributes:
        role: as in `DeploymentRow`, but for the two that speak of the window.
        rule: why, one line for people.
        head: id of the deployment that it belongs to: itself, or the one that it repeats or carries further.
        reverses: id of the counted deployment that it rolls back; empty when it is no rollback or that is not known.
    """

    deployment: Deployment
    role: str
    rule: str
    head: str = ""
    reverses: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is one of the deployments that the metrics rest on."""
        return self.role == COUNTED


def production(settings: Settings) -> Callable[[Deployment], bool]:
    """What counts as production: what its source or the policy says; what names no environment, as a tag, does."""

    def is_production(deployment: Deployment) -> bool:
        if deployment.production:
            return True
        if not deployment.environment:
            return deployment.production is None
        return matches_any(deployment.environment, settings.production_environments)

    return is_production


def role_in(window: Window, standing: Standing) -> tuple[str, str]:
    """Role and rule of a deployment in the ledger of a window."""
    at = standing.deployment.finished_at
    if at < window.since:
        return "before the window", f"before the window; otherwise: {standing.rule}"
    if at >= window.until:
        return "after the window", f"after the window; otherwise: {standing.rule}"
    return standing.role, standing.rule


def classify(
    deployments: Sequence[Deployment],
    settings: Settings,
    superseded: Mapping[str, str],
    goes_back: Callable[[Deployment, Deployment], bool],
) -> list[Standing]:
    """Say of each deployment what it counts as.

    Args:
        deployments: in order of time (`fusion.in_order`).
        settings: the counting rules.
        superseded: those that a better source contradicts, and why.
        goes_back: whether the first deployment's commit is an ancestor of the second's.
    """
    is_production = production(settings)
    lanes = _Lanes(settings, goes_back)
    return [_out(each, is_production, superseded, settings) or lanes.place(each) for each in deployments]


def _out(
    deployment: Deployment,
    is_production: Callable[[Deployment], bool],
    superseded: Mapping[str, str],
    settings: Settings,
) -> Standing | None:
    """What a deployment is when it cannot count, whatever came before it."""
    if not is_production(deployment):
        where = deployment.environment or "an environment without a name"
        return Standing(deployment, "other environment", f"{where} is not production")
    if deployment.id in superseded:
        return Standing(deployment, "other source", superseded[deployment.id])
    if deployment.outcome in ("failure", "cancelled"):
        return Standing(deployment, "failed attempt", f"never went live: its outcome is {deployment.outcome}")
    if deployment.outcome != "success":
        return Standing(deployment, "unfinished", "no source says that it ended in success")
    if deployment.prerelease and not settings.count_prereleases:
        return Standing(deployment, "prerelease", "a prerelease; the policy does not count those")
    return None


@dataclass
class _Release:
    """A release of a service: its counted deployment, and when it first came up."""

    first: int
    head: Deployment
    places: set[str]


class _Lanes:
    """Follows what is live where, a service and an environment at a time."""

    def __init__(self, settings: Settings, goes_back: Callable[[Deployment, Deployment], bool]) -> None:
        self._settings = settings
        self._goes_back = goes_back
        self._live: dict[tuple[str, str], tuple[Deployment, str]] = {}
        self._releases: dict[tuple[str, str], _Release] = {}
        self._rollbacks: dict[tuple[str, str], Standing] = {}
        self._number = 0

    def place(self, deployment: Deployment) -> Standing:
        """Say what a successful deployment to production counts as, and remember it as live."""
        self._number += 1
        key = (deployment.service, _release_of(deployment))
        lane = (deployment.service, deployment.environment.lower())
        live, live_head = self._live.get(lane, (None, ""))
        release = self._releases.get(key)
        if live is not None and self._is_late_tag(deployment, live, key, release):
            return Standing(
                deployment, LATE_TAG, f"tagged late, for an older release than {_named(live)}, which was live"
            )
        if live is not None and self._is_rollback(deployment, live, key, release):
            standing = self._rollback(deployment, live, live_head, key)
        elif deployment.rollback:
            standing = self._rollback(deployment, None, "", key)
        elif release is not None:
            standing = self._again(deployment, release)
        else:
            standing = Standing(deployment, COUNTED, _counted_rule(deployment), deployment.id)
        if release is None:
            release = self._releases[key] = _Release(self._number, deployment, set())
        elif standing.counts:
            release.head = deployment
        release.places.add(lane[1])
        runs = release.head.id if standing.role != "rollback" or release.head.id != deployment.id else ""
        self._live[lane] = (deployment, runs)
        return standing

    def _is_rollback(
        self, deployment: Deployment, live: Deployment, key: tuple[str, str], release: _Release | None
    ) -> bool:
        live_key = (live.service, _release_of(live))
        if deployment.rollback:
            return True
        return key != live_key and self._is_older(deployment, live, release, self._releases[live_key])

    def _is_late_tag(
        self, deployment: Deployment, live: Deployment, key: tuple[str, str], release: _Release | None
    ) -> bool:
        """Whether a name was given to an old release after the fact: nothing went live, and what is live stays so."""
        live_key = (live.service, _release_of(live))
        if deployment.basis != "tag" or deployment.rollback or key == live_key:
            return False
        if not is_lower(deployment.version, live.version):
            return False
        return self._is_older(deployment, live, release, self._releases[live_key])

    def _is_older(
        self, deployment: Deployment, live: Deployment, release: _Release | None, live_release: _Release
    ) -> bool:
        """Whether a deployment was live before what is live, or is of a commit that is contained in it."""
        if release is not None and release.first < live_release.first:
            return True
        return bool(deployment.sha and live.sha) and self._goes_back(deployment, live)

    def _rollback(self, deployment: Deployment, live: Deployment | None, head: str, key: tuple[str, str]) -> Standing:
        earlier = self._rollbacks.get(key)
        if earlier is not None and self._within(deployment, earlier.deployment):
            name = _named(earlier.deployment)
            return Standing(deployment, "merged", f"the rollback to {name} in another place", earlier.deployment.id)
        if live is None:
            rule = "its source calls it a rollback"
        elif deployment.rollback:
            rule = f"its source calls it a rollback; {_named(live)} was live"
        else:
            rule = f"older than {_named(live)}, which was live"
        if self._settings.count_rollbacks:
            rule = f"a rollback ({rule}); the policy counts those"
            return Standing(deployment, COUNTED, rule, deployment.id, reverses=head)
        standing = self._rollbacks[key] = Standing(deployment, "rollback", rule, deployment.id, reverses=head)
        return standing

    def _again(self, deployment: Deployment, release: _Release) -> Standing:
        """What a release is that has been deployed before."""
        head = release.head
        place = deployment.environment.lower()
        is_known_place = place in release.places and not (not place and deployment.version != head.version)
        if not is_known_place and self._within(deployment, head):
            where = f"in {deployment.environment}" if place else f"under another name, {_named(deployment)}"
            return Standing(deployment, "merged", f"the release of {_named(head)} {where}", head.id)
        if place not in release.places and place and "" not in release.places:
            rule = f"{_named(head)} reached {deployment.environment} later than the merge window"
            return Standing(deployment, COUNTED, rule, deployment.id)
        rule = f"the revision of {_named(head)} again"
        if self._settings.count_redeploys:
            return Standing(deployment, COUNTED, f"{rule}; the policy counts those", deployment.id)
        return Standing(deployment, "redeploy", rule, head.id)

    def _within(self, later: Deployment, earlier: Deployment) -> bool:
        return later.finished_at - earlier.finished_at <= self._settings.merge_window


def _release_of(deployment: Deployment) -> str:
    """What makes two deployments the same release: the commit, else the version, else nothing."""
    if deployment.sha:
        return f"commit {deployment.sha}"
    return f"version {plain_version(deployment.version)}" if deployment.version else f"id {deployment.id}"


def _named(deployment: Deployment) -> str:
    return deployment.version or deployment.sha[:12] or deployment.id


def _counted_rule(deployment: Deployment) -> str:
    if not deployment.environment:
        return f"a {deployment.basis or 'deployment'} that names no environment is taken for production"
    said = "its source" if deployment.production else "the policy"
    return f"went live in {deployment.environment}, which {said} calls production"
