"""Tags read as versions, authors as people or programs, and the stream of git's log in any pieces."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.sources.git.authors import is_bot
from sp404audit.dora.sources.git.commits import UNKNOWN, Commits, _add_times, _texts
from sp404audit.dora.sources.git.messages import MAX_MESSAGE
from sp404audit.dora.sources.git.references import MAX_TIME
from sp404audit.dora.sources.git.versions import patch_share, read_version


@pytest.mark.parametrize(
    ("name", "service", "numbers", "prerelease"),
    [
        ("v1.2.3", "", (1, 2, 3), False),
        ("1.2", "", (1, 2, 0), False),
        ("2024.01.15", "", (2024, 1, 15), False),
        ("2024-01-15", "", (2024, 1, 15), False),
        ("release-1.2.3", "", (1, 2, 3), False),
        ("Release/v1.2.3", "", (1, 2, 3), False),
        ("service-1.2.3", "service", (1, 2, 3), False),
        ("service/v1.2.3", "service", (1, 2, 3), False),
        ("service@1.2.3", "service", (1, 2, 3), False),
        ("@acme/ui-kit@1.2.3-beta.1", "@acme/ui-kit", (1, 2, 3), True),
        ("go/sub/v2.0.1", "go/sub", (2, 0, 1), False),
        ("log4j-2.17.1", "log4j", (2, 17, 1), False),
        ("python-3-1.2.3", "python-3", (1, 2, 3), False),
        ("curl-8_0_1", "curl", (8, 0, 1), False),
        ("1!2.0", "", (2, 0, 0), False),
        ("1.0.0-alpha", "", (1, 0, 0), True),
        ("1.0.0-0.3.7.x", "", (1, 0, 0), True),
        ("1.0.0+20130313", "", (1, 0, 0), False),
        ("1.0.0-rc.1+build", "", (1, 0, 0), True),
        ("1.0a1", "", (1, 0, 0), True),
        ("1.0.dev3", "", (1, 0, 0), True),
        ("1.0.post2", "", (1, 0, 0), False),
        ("1.0-1", "", (1, 0, 0), False),
        ("1.2.3.Final", "", (1, 2, 3), False),
        ("1.2.3.M2", "", (1, 2, 3), True),
        ("1.2.3-SNAPSHOT", "", (1, 2, 3), True),
        ("1.2.3-hotfix.1", "", (1, 2, 3), False),
        ("1.2.3.4.5.6", "", (1, 2, 3, 4, 5, 6), False),
    ],
)
def test_versions(name: str, service: str, numbers: tuple[int, ...], prerelease: bool) -> None:
    version = read_version(name)
    assert version is not None
    assert (version.service, version.numbers, version.prerelease) == (service, numbers, prerelease)


@pytest.mark.parametrize("name", ["", "latest", "v", "nightly-build", "foo-1", "1.2.", "v1..2", "1" * 400, "٣.٤"])
def test_what_is_no_version(name: str) -> None:
    assert read_version(name) is None


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="v1._-/@+a!", max_size=400))
def test_any_name_is_read_or_not(name: str) -> None:
    version = read_version(name)
    assert version is None or len(version.numbers) >= 3


def test_the_share_of_patches() -> None:
    assert patch_share(set()) == 0
    assert patch_share({(1, 0, 0)}) == 0
    assert patch_share({(1, 0, 0), (1, 0, 1), (1, 1, 0), (2, 0, 0), (2, 0, 0, 1)}) == 0.5


@pytest.mark.parametrize(
    ("identity", "bot"),
    [
        ("dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>", True),
        ("github-actions <action@github.com>", True),
        ("pre-commit-ci (bot) <x@example.com>", True),
        ("Weblate <hosted@weblate.org>", True),
        ("Ann <ann@example.com>", False),
        ("Bot Abbot <abbot@example.com>", False),
        ("Robot Fan <robot.fan@example.com>", False),
        ("", False),
        ("<>", False),
    ],
)
def test_programs_and_people(identity: str, bot: bool) -> None:
    assert is_bot(identity) is bot


def records(messages: list[str]) -> bytes:
    lines = [f"{n:040x}\0\0{n}\0{n}\0A <a@example.com>\0{text}\0" for n, text in enumerate(messages)]
    return "".join(lines).encode("utf-8", "surrogateescape")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=30)), st.integers(1, 50))
def test_the_log_is_the_same_in_any_pieces(messages: list[str], size: int) -> None:
    stream = io.BytesIO(records(messages))
    texts = list(_texts(lambda _: stream.read(size)))
    fields = [field for text in texts for field in text.split("\0")]
    assert fields[5::6] == messages
    commits = Commits()
    commits.add(fields)
    assert list(commits.committed) == list(range(len(messages)))
    assert len(commits.subjects) == len(commits.pulls) == len(commits) == len(messages)


def test_an_endless_message_is_cut_and_what_follows_is_not_lost() -> None:
    stream = io.BytesIO(records(["a", "x" * (20 * MAX_MESSAGE), "b"]))
    texts = list(_texts(lambda _: stream.read(1000)))
    fields = [field for text in texts for field in text.split("\0")]
    assert fields[5] == "a"
    assert len(fields[11]) <= MAX_MESSAGE + 1000
    assert fields[17] == "b"


def test_times_out_of_range_are_unknown() -> None:
    commits = Commits()
    column = ["0", str(MAX_TIME), str(MAX_TIME + 1), "-1", "", "9" * 5000, "1_0", " 7", "٣", "x"]
    _add_times(commits.authored, column)
    assert list(commits.authored) == [0, MAX_TIME, *[UNKNOWN] * 8]
    for each in column:
        _add_times(commits.committed, [each])
    assert commits.committed == commits.authored
