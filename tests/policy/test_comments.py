from __future__ import annotations

import pytest

from sp404audit.documents.source import Source
from sp404audit.policy.comments import Comment, comments_in

WORKFLOW = """\
jobs:
  # sp404audit: ignore[actions/pinned-uses, ci/timeouts] until=2027-01-31 -- the vendor signs its tags
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: a/b@v1

  deploy:
    steps:
      - uses: c/d@v1  # sp404audit: ignore[actions/pinned-uses]
"""


def read(text: str) -> list[Comment]:
    return comments_in(Source("file", text.encode()))


def test_a_comment_above_a_block_reaches_to_its_end() -> None:
    above, beside = read(WORKFLOW)
    assert (above.first_line, above.last_line) == (2, 6)
    assert above.names == ("actions/pinned-uses", "ci/timeouts")
    assert (above.until, above.reason) == ("2027-01-31", "the vendor signs its tags")
    assert (beside.first_line, beside.last_line) == (10, 10)
    assert (beside.until, beside.reason) == ("", "")


@pytest.mark.parametrize(
    ("comment", "tool", "names", "reason"),
    [
        ("# zizmor: ignore[unpinned-uses] signed", "zizmor", ("unpinned-uses",), "signed"),
        ("# hadolint ignore=DL3007,DL3008", "hadolint", ("DL3007", "DL3008"), ""),
        ("# checkov:skip=CKV_AWS_18:no logs here", "checkov", ("CKV_AWS_18",), "no logs here"),
        ("#trivy:ignore:AVD-DS-0002", "trivy", ("AVD-DS-0002",), ""),
        ("// tfsec:ignore:aws-s3-enable-versioning", "tfsec", ("aws-s3-enable-versioning",), ""),
        ("key = 1  # gitleaks:allow", "gitleaks", ("gitleaks:allow",), ""),
    ],
)
def test_comments_of_other_tools(comment: str, tool: str, names: tuple[str, ...], reason: str) -> None:
    (found,) = read(comment + "\nnext\n")
    assert (found.tool, found.names, found.reason) == (tool, names, reason)


def test_a_global_comment_of_hadolint_counts_for_the_whole_file() -> None:
    (found,) = read("# hadolint global ignore=DL3007\nFROM a\nFROM b\n")
    assert (found.first_line, found.last_line) == (1, 3)


def test_a_comment_of_checkov_counts_for_the_block_that_it_stands_in() -> None:
    text = 'resource "a" "b" {\n  # checkov:skip=CKV_1:reason\n  x = 1\n}\nresource "c" "d" {\n}\n'
    (found,) = read(text)
    assert (found.first_line, found.last_line) == (1, 4)


def test_a_comment_above_a_continued_instruction_reaches_over_it() -> None:
    (found,) = read("# sp404audit: ignore[docker/x] -- y\nRUN a \\\n&& b \\\n&& c\nRUN d\n")
    assert (found.first_line, found.last_line) == (1, 4)


def test_text_that_only_mentions_a_tool_is_no_comment() -> None:
    assert read("run: echo zizmor: ignore me\n") == []


def test_their_number_is_bounded() -> None:
    assert len(read("x  # gitleaks:allow\n" * 5000)) == 1000


def test_prose_about_comments_is_none() -> None:
    prose = "# Guide\n\nWrite `# sp404audit: ignore[docker/x] -- y`.\n\n"
    text = prose + "<!-- sp404audit: ignore[secrets/z] -- a sample -->\nkey\n"
    (found,) = comments_in(Source("docs/guide.md", text.encode()))
    assert found.names == ("secrets/z",)


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("x = 1  # {}", True),
        ("# {}", True),
        ("x = 'a', \"it's\"  # {}", True),
        (r"x = 'it\'s'  # {}", True),
        ('x = "# {}"', False),
        ("x = b'a', b'\\n# {}\\n'", False),
        (r"x = 'it\'s # {}'", False),
        ("x = '" + "a" * 20_000 + "'  # {}", False),
    ],
)
def test_a_comment_within_a_string_of_python_is_none(line: str, counts: bool) -> None:
    text = line.replace("{}", "sp404audit: " + "ignore[ci] -- why")
    assert bool(comments_in(Source("tests/test_a.py", text.encode()))) is counts
    assert comments_in(Source("script.sh", text.encode()))


@pytest.mark.parametrize("path", ["baseline.json", "out/AUDIT.SARIF", "findings.csv", "report.html", "junit.xml"])
def test_a_report_in_the_repository_holds_no_comments(path: str) -> None:
    assert comments_in(Source(path, b"# sp404audit: " + b"ignore[ci] -- quoted")) == []
