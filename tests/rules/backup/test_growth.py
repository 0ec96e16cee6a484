"""How much is compared with how much: a tree of many alike parts costs as many times more as it has parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sp404audit.documents.terraform import storage
from sp404audit.results import Result
from sp404audit.rules.backup import _pruning, retention

Judge = Callable[[str, dict[str, str]], list[Result]]

BACKUP = """#!/bin/bash
pg_dump -f /tmp/x.sql x
aws s3 cp /tmp/x.sql s3://{bucket}/x.sql
"""
PRUNE = """#!/bin/bash
aws s3 rm "s3://{bucket}/$(date -d '-45 days' +%F).sql"
"""
TERRAFORM = 'variable "e" {{}}\nresource "aws_s3_bucket" "b" {{\n  bucket = "{bucket}{unknown}"\n}}\n'


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[None]:
    """Let a function of a module leave a mark in the list at each call."""
    calls: list[None] = []
    original = getattr(module, name)

    def call(*args: Any) -> Any:
        calls.append(None)
        return original(*args)

    monkeypatch.setattr(module, name, call)
    return calls


def tree(size: int, name: str) -> dict[str, str]:
    """As many folders as `size` says, each with a backup and, in a script of its own, what prunes it."""
    files = {}
    for at in range(size):
        bucket = name.format(at)
        files[f"part{at}/backup.sh"] = BACKUP.format(bucket=bucket)
        files[f"part{at}/prune.sh"] = PRUNE.format(bucket=bucket)
    return files


@pytest.mark.parametrize("name", ["acme-dumps", "acme-dumps-{}"])
def test_a_store_is_compared_with_the_commands_that_name_it(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    calls = counted(monkeypatch, _pruning, "_acts_on")
    results = judge("backup/retention", tree(40, name))
    assert {result.kind for result in results} == {"pass"}
    # Three commands of its own group, and at most two elsewhere: with each of the others it would be thousands.
    assert 0 < len(calls) <= 40 * 5


@pytest.mark.parametrize("rule", ["backup/retention", "backup/encrypted"])
@pytest.mark.parametrize(("name", "unknown"), [("acme", ""), ("acme-{}", ""), ("acme", "-${var.e}")])
def test_a_store_is_compared_with_the_ways_of_naming_buckets(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, rule: str, name: str, unknown: str
) -> None:
    calls = counted(monkeypatch, storage, "_overlap")
    files = tree(30, name)
    for at in range(30):
        files[f"infra{at}/main.tf"] = TERRAFORM.format(bucket=name.format(at), unknown=unknown)
    assert judge(rule, files)
    assert len(calls) <= 30


def test_what_a_tool_forgets_elsewhere_is_reckoned_once(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch, retention, "_kept_by")
    files = {f"part{at}/backup.sh": "#!/bin/bash\nrestic backup /srv\n" for at in range(30)}
    files |= {f"part{at}/prune.sh": "#!/bin/bash\nrestic forget --keep-daily 60 --prune\n" for at in range(30)}
    assert {result.kind for result in judge("backup/retention", files)} == {"pass"}
    assert len(calls) == 30


def test_a_command_that_prunes_a_longer_name_prunes_another_store(judge: Judge) -> None:
    files = {"b.sh": BACKUP.format(bucket="acme"), "p.sh": PRUNE.format(bucket="acme-dumps")}
    assert [result.kind for result in judge("backup/retention", files)] == ["open"]


def test_of_the_commands_that_prune_a_store_another_groups_is_told(judge: Judge) -> None:
    files = {"a/backup.sh": BACKUP.format(bucket="acme"), "z/prune.sh": PRUNE.format(bucket="acme")}
    [result] = judge("backup/retention", files)
    assert (result.kind, result.location.path) == ("pass", "z/prune.sh")
