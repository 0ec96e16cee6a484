"""What a .dockerignore leaves out of the context."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.containers.dockerignore import IgnoreFile, ignore_file, parse
from sp404audit.documents.model import Repository
from sp404audit.documents.source import Source

MakeRepository = Callable[[dict[str, str]], Repository]


def ignores(text: str, path: str) -> bool:
    (fact,) = parse(Source(".dockerignore", text.encode())).facts()
    assert isinstance(fact, IgnoreFile)
    return path in fact.ignored


@pytest.mark.parametrize(
    ("text", "ignored", "kept"),
    [
        (".git\n", [".git", ".git/config"], ["a/.git", ".gitignore"]),
        ("/.git/\n", [".git", ".git/config"], [".github"]),
        (".git*\n", [".git", ".gitignore", ".github/x"], ["a/.git"]),
        ("**/.git\n", [".git", "a/.git", "a/b/.git/c"], ["a.git"]),
        ("*\n!*.html\n!assets\n", [".env", "a/x.html"], ["x.html", "assets/a/b"]),
        ("*.md\n!README.md\n", ["a.md"], ["README.md", "a/b.md"]),
        ("**/*.md\n", ["a.md", "a/b.md"], ["a.mdx"]),
        ("a/**\n", ["a/b", "a/b/c"], ["a", "ab"]),
        ("a/**/z\n", ["a/z", "a/b/z", "a/b/c/z/x"], ["z", "az"]),
        ("a?c\n", ["abc"], ["ac", "a/c"]),
        ("[a-c]x\n[^a-c]y\n", ["bx", "dy"], ["dx", "by"]),
        ("# c\n  \n #d\n", ["#d"], ["c", "# c"]),
        ("!a\na\n", ["a"], []),
        ("a\n! a\n", [], ["a"]),
        ("./a/../b\n", ["b"], ["a"]),
        ("**foo\n", ["foo", "xfoo", "a/xfoo/b"], ["foox"]),
        ("**\n", ["a", "a/b"], []),
        (".\n!\n", [], ["a"]),
        ("\\*\n", ["*"], ["a"]),
        ("node_modules", ["node_modules/a/b"], ["a/node_modules"]),
        ("a[\n", ["a["], ["a"]),
    ],
)
def test_patterns(text: str, ignored: list[str], kept: list[str]) -> None:
    assert {path: ignores(text, path) for path in ignored + kept} == dict.fromkeys(ignored, True) | dict.fromkeys(
        kept, False
    )


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab*?[]!^-\\/#. \n", max_size=60), st.text(alphabet="ab/.", min_size=1, max_size=20))
def test_any_pattern(text: str, path: str) -> None:
    ignores(text, path)


def test_no_pattern_is_slow() -> None:
    start = time.process_time()
    ignores("**/**/**/**/a*a*a*a*a*a*b\n" * 20, "a/" * 500 + "a" * 1000)
    assert time.process_time() - start < 5


def test_the_file_of_the_dockerfile_wins(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "app/Dockerfile": "FROM a\n",
            "app/Dockerfile.dockerignore": "x\n",
            "app/.dockerignore": "y\n",
            "other/Dockerfile": "FROM a\n",
            ".dockerignore": "z\n",
        }
    )

    def path_for(dockerfile: str, context: str) -> str | None:
        found = ignore_file(repository, dockerfile, context)
        return found.location.path if found else None

    assert path_for("app/Dockerfile", "") == "app/Dockerfile.dockerignore"
    assert path_for("other/Dockerfile", "") == ".dockerignore"
    assert path_for("other/Dockerfile", "app") == "app/.dockerignore"
    assert path_for("other/Dockerfile", "other") is None
