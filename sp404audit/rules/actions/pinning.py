"""What a workflow uses is fixed to one state of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache

from sp404audit.documents.github.uses import Uses
from sp404audit.lazy import regex
from sp404audit.results import Edit, Fix
from sp404audit.rules.registry import Verdicts, fail, not_applicable, passed, rule, unproven

__all__ = ["pinned_uses"]

_VERSION = regex(r"v?[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}(?:[-+._]?[0-9A-Za-z][0-9A-Za-z.-]{0,30})?")
_MAJOR = regex(r"(v?)([0-9]{1,9})")
_ABBREVIATED = regex(r"[0-9a-fA-F]{7,39}")
_BRANCHES = frozenset(
    {"main", "master", "trunk", "develop", "dev", "development", "head", "stable", "latest", "next", "edge", "nightly"}
)


@rule(
    "actions/pinned-uses",
    severity="high",
    equivalents=[
        "zizmor:unpinned-uses",
        "scorecard:Pinned-Dependencies",
        "semgrep:yaml.github-actions.security.third-party-action-not-pinned-to-commit-sha"
        ".third-party-action-not-pinned-to-commit-sha",
        "kics:Unpinned Actions Full Length Commit SHA",
        "ghalint:action_ref_should_be_full_length_commit_sha",
    ],
    cwe=[829, 1357],
    precision="very-high",
)
def pinned_uses(
    uses: Uses,
    *,
    trusted_owners: Sequence[str] = ("actions", "github"),
    allowed: Sequence[str] = ("slsa-framework/slsa-github-generator/.github/workflows/*",),
) -> Verdicts:
    """Actions and reusable workflows are pinned to a full commit hash.

    A tag or a branch is a name that its owner, or whoever took over the account, can move to other code at any time.
    That code then runs with the job's token and secrets: in March 2025 every tag of a widely used action was moved to
    a commit that printed secrets to the log. A full commit hash always names the same code; an abbreviated one can be
    made to collide.

    `trusted_owners` are owners whose version tags count as a lesser risk. `allowed` are patterns of
    `owner/repository/path` that may be named by a tag, such as your own organisation's, or generators that verify
    themselves by their tag.

    Fix: write the commit of the version, and the version as a comment behind it, so that Dependabot or Renovate can
    keep both up to date.

    Passes:
        on: push
        jobs:
          build:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
              - uses: ./tools/setup

    Fails:
        on: push
        jobs:
          build:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@v4

    Fails (a branch, an abbreviated hash and no ref at all):
        on: push
        jobs:
          call:
            uses: octo-org/ci/.github/workflows/build.yml@main
          build:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@11bd719
              - uses: octo-org/lint

    Passes (a generator that verifies itself by its tag):
        on: push
        jobs:
          provenance:
            uses: slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.1.0
    """
    if uses.kind == "local":
        yield passed(uses, f"'{uses.text}' comes from this repository, at the very commit that runs")
    elif uses.kind == "expression":
        yield unproven(uses, "an expression stands where GitHub evaluates none; write the reference itself")
    elif uses.kind == "repository":
        yield from _judge(uses, frozenset(owner.lower() for owner in trusted_owners), allowed)
    elif uses.kind == "invalid":
        yield not_applicable(uses, f"'{uses.text[:80]}' names no action")


def _judge(uses: Uses, trusted_owners: frozenset[str], allowed: Sequence[str]) -> Verdicts:
    if uses.is_commit:
        yield passed(uses, f"'{uses.name}' is pinned to a commit")
        return
    if uses.ref and any(fnmatchcase(uses.action, pattern.lower()) for pattern in allowed):
        yield passed(uses, f"the policy allows '{uses.name}' to be named by a tag or branch")
        return
    kind = _describe(uses.ref)
    what = "workflow" if uses.is_workflow else "action"
    yield fail(
        uses,
        f"{what} '{uses.text[:120]}' names {kind}: {_consequence(kind)}; pin the full commit hash",
        severity="low" if kind == "a tag" and uses.owner in trusted_owners else "high",
        fix=next(_fixes(uses), None),
    )


def _describe(ref: str) -> str:
    """Tell what a ref that is no commit looks like."""
    if not ref:
        return "no version"
    if _ABBREVIATED.fullmatch(ref) and not ref.isdigit():
        return "an abbreviated commit"
    if _VERSION.fullmatch(ref):
        return "a tag"
    if ref.lower().removeprefix("refs/heads/") in _BRANCHES or ref.startswith("refs/heads/"):
        return "a branch"
    return "a tag or branch"


def _consequence(kind: str) -> str:
    if kind == "no version":
        return "GitHub refuses that"
    if kind == "an abbreviated commit":
        return "GitHub refuses it, and others can collide with it"
    return "its owner can move it to other code at any time"


@cache
def known_commits() -> dict[str, dict[str, str]]:
    """The commits of released versions: commit by version, by `owner/repo`."""
    import json
    from pathlib import Path

    data = json.loads(Path(__file__).with_name("known_commits.json").read_text("utf-8"))
    commits: dict[str, dict[str, str]] = data["commits"]
    return commits


def _fixes(uses: Uses) -> Iterator[Fix]:
    """Yield a fix where the table knows the commit: of this very version, or else of the newest in its major."""
    versions = known_commits().get(uses.name, {})
    if not versions or not uses.ends_its_line:
        return
    version, safe = uses.ref, True
    if version not in versions:
        major = _MAJOR.fullmatch(version)
        # The table is in ascending order.
        newest = [name for name in versions if major and name.startswith(f"{version}.")]
        if not newest:
            return
        version, safe = newest[-1], False
    target = uses.text.partition("@")[0]
    quote = uses.scalar.style
    text = f"{quote}{target}@{versions[version]}{quote} # {version}"
    yield Fix(f"pin to the commit of {version}", (Edit(uses.source_path, uses.region, text),), safe)
