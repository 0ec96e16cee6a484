"""Hints at failures: reverts in all their forms, patch releases, rollbacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest

from sp404audit.dora.events import Deployment
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.git import GitHistory, collect
from sp404audit.dora.sources.git.commits import Commits
from sp404audit.dora.sources.git.messages import Revert, read_revert, split_subject
from sp404audit.dora.sources.git.signals import find_reverts

T0 = 1_735_689_600
DAY = 86_400
WINDOW = Window(T0, T0 + 90 * DAY)
Build = Callable[[Sequence[tuple[str, str] | str]], tuple[dict[str, Deployment], GitHistory, set[str]]]


@pytest.fixture
def build(new_repository: Callable[..., Any]) -> Build:
    """Makes a line of commits `(name, message)` and deployments (a version), ten days from one to the next.

    `<name>` in a message stands for the id of an earlier commit.
    """

    made = count()

    def build(steps: Sequence[tuple[str, str] | str]) -> tuple[dict[str, Deployment], GitHistory, set[str]]:
        repository = new_repository(f"repository{next(made)}")
        last = ""
        for number, step in enumerate(steps):
            at = T0 + number * 10 * DAY
            if isinstance(step, str):
                repository.tag(step, last, at)
                continue
            last, message = step
            for name, sha in repository.commits.items():
                message = message.replace(f"<{name}>", sha)
            repository.commit(last, at, message)
        collected, history = collect(repository.save(), Settings(), WINDOW)
        ids = {note.id for note in collected.report.notes}
        return {each.version: each for each in collected.deployments}, history, ids

    return build


def reverted(deployments: dict[str, Deployment], history: GitHistory) -> dict[str, str]:
    name = {each.id: version for version, each in deployments.items()}
    found = history.failure_signals(list(deployments.values()), DAY)
    return {name[each.deployment]: name[each.recovered_by] for each in found if each.kind == "revert"}


BAD = ("bad", "feat: x (#7)")
RELEASED: tuple[tuple[str, str] | str, ...] = (("first", "first"), "v1.0.0", BAD, "v1.1.0")


@pytest.mark.parametrize(
    "message",
    [
        "anything\n\nThis reverts commit <bad>.",
        'Revert "something else"\n\nThis reverts commit <bad>, reversing\nchanges made to <first>.',
        'Revert "feat: x (#7)"',
        'Revert "feat: x" (#9)',
        'Revert "feat: x (#7)" (#9)\n\nReverts acme/api#7',
        "roll it back (#9)\n\nReverts #7",
        "revert: feat: x",
        "revert(api)!: feat: x (#9)",
        'Revert "feat: x"\n\nThis reverts commit 0123456789012345678901234567890123456789.',
    ],
)
def test_every_form_of_a_revert(build: Build, message: str) -> None:
    deployments, history, notes = build([*RELEASED, ("revert", message), "v1.2.0"])
    assert reverted(deployments, history) == {"v1.1.0": "v1.2.0"}
    assert "git/lost-reverts" not in notes


def test_a_short_id_is_enough(build: Build) -> None:
    deployments, history, _ = build(RELEASED)
    sha = deployments["v1.1.0"].sha
    assert history.resolve(sha[:8]) == sha


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # Taken back before it was deployed, or within the deployment that brought it: nobody saw it.
        ([("first", "1"), "v1.0.0", BAD, ("r", "This reverts commit <bad>"), "v1.1.0", ("c", "c"), "v1.2.0"], {}),
        # Never deployed at all.
        ([("first", "1"), "v1.0.0", BAD, ("r", "This reverts commit <bad>")], {}),
        # Taken back and brought in again between two deployments: it was live all the time.
        ([*RELEASED, ("r", "This reverts commit <bad>"), ("rr", "This reverts commit <r>"), "v1.2.0"], {}),
        # Brought in again later: the second deployment of it did not fail.
        (
            [*RELEASED, ("r", "This reverts commit <bad>"), "v1.2.0", ("rr", "This reverts commit <r>"), "v1.3.0"],
            {"v1.1.0": "v1.2.0"},
        ),
        # … and taken back once more: both that brought it in did.
        (
            [
                *[*RELEASED, ("r", "This reverts commit <bad>"), "v1.2.0", ("rr", "This reverts commit <r>"), "v1.3.0"],
                *[("rrr", "This reverts commit <rr>"), "v1.4.0"],
            ],
            {"v1.1.0": "v1.2.0", "v1.3.0": "v1.4.0"},
        ),
        # The same, as git and GitHub name the subjects.
        (
            [
                *[*RELEASED, ("r", 'Revert "feat: x (#7)" (#8)'), "v1.2.0"],
                *[("rr", 'Reapply "feat: x (#7)" (#9)'), "v1.3.0", ("rrr", 'Revert "Reapply "feat: x (#7)"" (#10)')],
                "v1.4.0",
            ],
            {"v1.1.0": "v1.2.0", "v1.3.0": "v1.4.0"},
        ),
        # Reverted twice, the second time by the name of the first commit.
        (
            [
                *[*RELEASED, ("r", "This reverts commit <bad>"), "v1.2.0", ("rr", "This reverts commit <r>"), "v1.3.0"],
                *[("again", "This reverts commit <bad>"), "v1.4.0"],
            ],
            {"v1.1.0": "v1.2.0", "v1.3.0": "v1.4.0"},
        ),
        # Two commits of one deployment: it failed once, and the first remedy counts.
        (
            [
                *[("first", "1"), "v1.0.0", BAD, ("worse", "worse"), "v1.1.0", ("r", "This reverts commit <worse>")],
                *["v1.2.0", ("r2", "This reverts commit <bad>"), "v1.3.0"],
            ],
            {"v1.1.0": "v1.2.0"},
        ),
    ],
)
def test_what_counts_by_parity(build: Build, steps: list[tuple[str, str] | str], expected: dict[str, str]) -> None:
    deployments, history, _ = build(steps)
    assert reverted(deployments, history) == expected


def test_reverts_of_what_is_not_there_are_counted_apart(build: Build) -> None:
    lost = "This reverts commit 0123456789012345678901234567890123456789."
    deployments, history, notes = build([*RELEASED, ("r", lost), ("s", 'Revert "never heard of"'), "v1.2.0"])
    assert reverted(deployments, history) == {}
    assert history.reverts.lost == 1
    assert "git/lost-reverts" in notes


def test_subjects_that_name_each_other_end(build: Build) -> None:
    steps: list[tuple[str, str] | str] = []
    subject = "x"
    for number in range(40):
        steps += [(str(number), subject), f"v1.{number}.0"]
        subject = f'Revert "{subject}"'
    deployments, history, _ = build(steps)
    assert len(reverted(deployments, history)) == 20


def test_work_is_bounded_however_much_is_reverted() -> None:
    """Every commit takes back the hundred before it."""
    count = 3000
    shas = [f"{number:040x}" for number in range(count)]
    commits = Commits()
    for number, sha in enumerate(shas):
        reverts = "".join(f"This reverts commit {each}.\n" for each in shas[number + 1 : number + 101])
        commits.add([sha, "", "0", "0", "A <a@example.com>", f"x\n\n{reverts}"])
    numbers = {sha: number for number, sha in enumerate(shas)}
    found = find_reverts(commits, numbers.get)
    assert sum(len(chain.steps) for chain in found.chains) <= 20 * count


def patches(deployments: dict[str, Deployment], history: GitHistory, window: int) -> list[str]:
    name = {each.id: version for version, each in deployments.items()}
    found = history.failure_signals(list(deployments.values()), window)
    return [name[each.deployment] for each in found if each.kind == "patch-release"]


def test_patch_releases_within_the_window(build: Build) -> None:
    steps: list[tuple[str, str] | str] = []
    for name in ("v1.0.0", "v1.1.0", "v1.1.1-rc.1", "v1.1.1", "v1.2.0"):
        steps += [(name, name), name]
    deployments, history, _ = build(steps)
    assert patches(deployments, history, 40 * DAY) == ["v1.1.0"]
    assert patches(deployments, history, 40 * DAY - 1) == []


def test_patch_releases_say_nothing_where_most_releases_are_patches(build: Build) -> None:
    steps: list[tuple[str, str] | str] = [("first", "first"), "v1.0.0"]
    for number in range(1, 4):
        steps += [(str(number), "x"), f"v1.0.{number}"]
    deployments, history, notes = build([*steps, ("a", "a"), "v1.1.0", ("b", "b"), "v1.2.0"])
    assert history.patch_shares()[""] == 3 / 5
    assert "git/patch-releases" not in notes
    assert len(patches(deployments, history, 99 * DAY)) == 3
    deployments, history, notes = build([*steps, ("a", "a"), "v1.1.0"])
    assert history.patch_shares()[""] == 3 / 4
    assert "git/patch-releases" in notes
    assert patches(deployments, history, 99 * DAY) == []


def test_a_deployment_of_an_older_commit_is_a_rollback(new_repository: Callable[..., Any]) -> None:
    repository = new_repository()
    for number, name in enumerate("ABC"):
        repository.commit(name, T0 + number)
        repository.tag(f"v1.{number}.0", name, T0 + number * DAY)
    repository.tag("v1.2.1", "A", T0 + 3 * DAY)  # what v1.0.0 was, under a new name
    repository.tag("v0.9.0", "A", T0 + 4 * DAY)  # an old release, named late
    collected, history = collect(repository.save(), Settings(), WINDOW)
    found = [each for each in history.failure_signals(collected.deployments, 1) if each.kind == "rollback"]
    assert [(each.deployment, each.recovered_by) for each in found] == [("git:tag:v1.2.0", "git:tag:v1.2.1")]
    # From other sources the same version may come back; each environment goes its own way.
    a, b, c = (repository.commits[name] for name in "ABC")
    events = [
        Deployment("1", "github", 1, sha=b, version="v2", environment="prod"),
        Deployment("2", "github", 2, sha=a, environment="staging"),
        Deployment("3", "github", 3, sha=c, environment="prod"),
        Deployment("4", "github", 4, sha=c, environment="prod"),
        Deployment("5", "github", 5, sha=b, version="v2", environment="Prod"),
        Deployment("6", "github", 6, sha="f" * 40, environment="prod"),
    ]
    found = [each for each in history.failure_signals(events, 1) if each.kind == "rollback"]
    assert [(each.deployment, each.recovered_by) for each in found] == [("4", "5")]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("fix: x (#12)", ("fix: x", 12)),
        ("fix: x (#12) (#13)", ("fix: x", 13)),
        ("fix: x  (#12)  ", ("fix: x", 12)),
        ("Merge pull request #5 from a/b", ("Merge pull request #5 from a/b", 5)),
        ("Merge pull request #x", ("Merge pull request #x", 0)),
        ("(#12)", ("(#12)", 0)),
        ("fix (#)", ("fix (#)", 0)),
        ("fix (#1234567890)", ("fix (#1234567890)", 0)),
        ("fix (#\N{ARABIC-INDIC DIGIT ONE})", ("fix (#\N{ARABIC-INDIC DIGIT ONE})", 0)),
        ("", ("", 0)),
    ],
)
def test_subjects(subject: str, expected: tuple[str, int]) -> None:
    assert split_subject(subject) == expected


def test_what_a_revert_says() -> None:
    message = "x\n\nThis reverts commit abcdef0.\nThis reverts commit 1234567.\nReverts #4\nReverts a/b#5 and so on"
    assert read_revert("x", message) == Revert(("abcdef0", "1234567"), (4, 5), "")
    assert read_revert("x", "reverts nothing, This reverts commit abc, Reverts # 4, it Reverts #4") is None
    assert read_revert('Revert "Revert "a (#1)" (#2)"', "") == Revert((), (), 'Revert "a (#1)"')
