import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.discovery import IgnoreRules
from sp404audit.discovery.ignore import MAX_PATTERNS


def ignores(patterns: str, path: str) -> bool:
    rules = IgnoreRules()
    assert rules.add("", patterns)
    return rules.ignores(path)


@pytest.mark.parametrize(
    ("patterns", "ignored", "kept"),
    [
        ("*.log", ["a.log", "b/c.log"], ["a.log.txt", "log"]),
        ("/build", ["build", "build/x"], ["src/build"]),
        ("build/", ["build/x", "a/build/x"], ["build"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b"]),
        ("**/a/b", ["a/b", "x/a/b", "x/y/a/b"], ["a/c/b"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["b", "x/a/b"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a"]),
        ("a?c", ["abc"], ["ac", "abbc"]),
        ("[ab].txt", ["a.txt", "b.txt"], ["c.txt"]),
        ("[!a-c].txt", ["d.txt"], ["a.txt"]),
        ("[]x]", ["]", "x"], ["y"]),
        (r"\#a", ["#a"], ["a"]),
        (r"\!a", ["!a"], ["a"]),
        ("# a", [], ["a", "# a"]),
        ("a\\ ", ["a "], ["a"]),
        ("a  ", ["a"], ["a "]),
        ("*.log\n!keep.log", ["a.log"], ["keep.log"]),
        ("out/\n!out/keep", ["out/keep"], []),
        ("*\n!*/\n!*.c", ["a.h", "x/a.h"], ["a.c", "x/a.c"]),
        ("a\r\nb\r\n", ["a", "b"], []),
        ("", [], ["a"]),
        ("[[:alpha:]]", [], ["a"]),
        ("[z-a]", [], ["a"]),
    ],
)
def test_patterns(patterns: str, ignored: list[str], kept: list[str]) -> None:
    assert [path for path in ignored if not ignores(patterns, path)] == []
    assert [path for path in kept if ignores(patterns, path)] == []


def test_the_nearest_file_decides() -> None:
    rules = IgnoreRules()
    rules.add("", "*.env\n")
    rules.add("app", "!dev.env\n/only\n")
    assert rules.ignores("prod.env")
    assert not rules.ignores("app/dev.env")
    assert rules.ignores("app/only")
    assert not rules.ignores("only")


def test_too_many_patterns_leave_nothing_out() -> None:
    rules = IgnoreRules()
    assert not rules.add("", "a\n" * (MAX_PATTERNS + 1))
    assert not rules.ignores("a")


def test_time_is_linear_in_hostile_patterns() -> None:
    rules = IgnoreRules()
    rules.add("", "**/" + "a*" * 60 + "b\n" + "**/a/" * 30 + "b\n")
    path = "/".join(["a" * 250] * 12 + ["a"] * 400)
    started = time.process_time()
    assert not rules.ignores(path)
    assert time.process_time() - started < 2


WORDS = st.text(alphabet="ab*?[]!^-\\. #", min_size=1, max_size=6)
PATTERNS = st.lists(
    st.builds(
        lambda negated, parts, anchored, folder: negated + anchored + "/".join(parts) + folder,
        st.sampled_from(["", "!"]),
        st.lists(st.one_of(st.just("**"), WORDS), min_size=1, max_size=3),
        st.sampled_from(["", "/"]),
        st.sampled_from(["", "/"]),
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    return root


@given(patterns=PATTERNS, parts=st.lists(st.text(alphabet="ab. #", min_size=1, max_size=4), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_agrees_with_git(checkout: Path, patterns: list[str], parts: list[str]) -> None:
    """`git check-ignore` is the reference; a pattern of which we cannot be sure leaves nothing out."""
    if any(part in (".", "..") or part.strip(" .") == "" for part in parts):
        return
    text = "\n".join(patterns) + "\n"
    (checkout / ".gitignore").write_text(text)
    path = "/".join(parts)
    asked = subprocess.run(
        ["git", "check-ignore", "-q", "--no-index", "--", path], cwd=checkout, check=False, capture_output=True
    )
    if ignores(text, path):
        assert asked.returncode == 0, (text, path)
    elif not any(character in text for character in "[\\!"):
        assert asked.returncode == 1, (text, path)
