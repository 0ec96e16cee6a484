from __future__ import annotations

from collections.abc import Sequence

import pytest

from sp404audit.documents import loader
from sp404audit.documents.model import Fact, Repository
from sp404audit.documents.source import Source
from sp404audit.documents.terraform.storage_s3 import S3Bucket
from sp404audit.results import Edit
from sp404audit.rules import Verdict
from sp404audit.rules.aws.public_access import s3_public_access_block

BUCKET = 'resource "aws_s3_bucket" "b" {\n  bucket = "acme-data"\n}\n'
NAMES = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
ON = dict.fromkeys(NAMES, "true")


def block(flags: dict[str, str], type_: str = "aws_s3_bucket_public_access_block", extra: str = "") -> str:
    bucket = "" if "account" in type_ else "  bucket = aws_s3_bucket.b.id\n"
    lines = "".join(f"  {name} = {value}\n" for name, value in flags.items())
    return f'resource "{type_}" "p" {{\n{bucket}{extra}{lines}}}\n'


def verdicts(files: dict[str, str]) -> list[Verdict]:
    facts: list[Fact] = []
    for path, text in sorted(files.items()):
        facts.extend(loader.load("terraform", Source(path, text.encode())).facts())
    found = Repository(dict.fromkeys(files, "terraform"), files, facts)
    return [verdict for bucket in S3Bucket.in_repository(found) for verdict in s3_public_access_block(bucket)]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (BUCKET + block(ON), ["pass"]),
        (BUCKET + block({}), ["fail"]),
        (BUCKET + block(ON | {"ignore_public_acls": "false"}), ["fail"]),
        (BUCKET + block(ON | {"ignore_public_acls": "var.f"}) + 'variable "f" {}', ["open"]),
        (BUCKET + block(ON | {"ignore_public_acls": "var.f"}) + 'variable "f" {\n default = true\n}', ["pass"]),
        (BUCKET + block(ON | {"ignore_public_acls": "!true"}), ["fail"]),
        (BUCKET + block(ON, extra="  count = 0\n"), ["fail"]),
        (BUCKET + block(ON, "aws_s3_account_public_access_block"), ["pass"]),
        (BUCKET + block(ON | {"block_public_acls": "false"}, "aws_s3_account_public_access_block"), ["fail"]),
        (BUCKET + block(ON | {"block_public_acls": "var.f"}, "aws_s3_account_public_access_block"), ["open"]),
        (BUCKET, ["fail"]),
        (block({"block_public_acls": "false"}).replace("aws_s3_bucket.b.id", "data.aws_s3_bucket.b.id"), ["fail"]),
        ('data "aws_s3_bucket" "b" {\n  bucket = "x"\n}\n', []),
        ('resource "aws_s3_bucket" "b" {\n  count = 0\n}\n', []),
        ('module "b" {\n  source = "terraform-aws-modules/s3-bucket/aws"\n}\n', ["pass"]),
        ('module "b" {\n  source = "terraform-aws-modules/s3-bucket/aws"\n  block_public_acls = false\n}\n', ["fail"]),
        ('module "b" {\n  source = "terraform-aws-modules/s3-bucket/aws"\n  create_bucket = false\n}\n', []),
        ('module "b" {\n  source = "terraform-aws-modules/s3-bucket/aws//modules/notification"\n}\n', []),
    ],
)
def test_verdicts(text: str, kinds: list[str]) -> None:
    assert [verdict.kind for verdict in verdicts({"main.tf": text})] == kinds


def test_an_account_block_of_another_root_proves_nothing() -> None:
    files = {"account/main.tf": block(ON, "aws_s3_account_public_access_block"), "app/main.tf": BUCKET}
    assert [verdict.kind for verdict in verdicts(files)] == ["open"]


def test_a_part_that_was_not_read_proves_nothing() -> None:
    assert [verdict.kind for verdict in verdicts({"main.tf": BUCKET, "more.tf": "x = ["})] == ["open"]


def test_a_module_used_twice_is_judged_for_each_use() -> None:
    files = {
        "main.tf": 'module "a" {\n  source = "./m"\n}\nmodule "b" {\n  source = "./m"\n  open = true\n}\n',
        "m/main.tf": 'variable "open" {\n  default = false\n}\n' + BUCKET + block(ON | {NAMES[0]: "!var.open"}),
    }
    assert sorted((verdict.kind, verdict.message.split(" ")[0]) for verdict in verdicts(files)) == [
        ("fail", "module.b.aws_s3_bucket.b"),
        ("pass", "all"),
    ]


def applied(text: str, edits: Sequence[Edit]) -> str:
    source = Source("main.tf", text.encode())
    for edit in sorted(edits, key=lambda edit: edit.region, reverse=True):
        start = source.offset(*edit.region[:2])
        end = source.offset(*edit.region[2:])
        text = text[:start] + edit.text + text[end:]
    return text


@pytest.mark.parametrize(
    "text", [BUCKET, BUCKET + block({}), BUCKET + block({NAMES[0]: "false", NAMES[1]: "true", NAMES[2]: "false"})]
)
def test_the_fix_mends_it(text: str) -> None:
    (verdict,) = verdicts({"main.tf": text})
    assert verdict.fix is not None
    assert [each.kind for each in verdicts({"main.tf": applied(text, verdict.fix.edits)})] == ["pass"]


def test_what_is_graver_says_so() -> None:
    (missing,) = verdicts({"main.tf": BUCKET})
    (off,) = verdicts({"main.tf": BUCKET + block(ON | {NAMES[1]: "false"})})
    assert missing.severity is not None
    assert (missing.severity.label, off.severity) == ("medium", None)
    assert "block_public_policy is false" in off.message


def test_flags_are_told_together() -> None:
    (verdict,) = verdicts({"main.tf": BUCKET + block({NAMES[0]: "false", NAMES[1]: "true"})})
    *_, told = verdict.message.partition("may become public: ")
    assert told == f"{NAMES[0]} is false; {NAMES[2]} and {NAMES[3]} are not set, which means false"


def test_another_s3_than_that_of_aws_is_not_judged_by_it() -> None:
    provider = 'provider "aws" {\n  endpoints {\n    s3 = "http://localhost:4566"\n  }\n}\n'
    (verdict,) = verdicts({"main.tf": provider + BUCKET})
    assert verdict.kind == "open"
