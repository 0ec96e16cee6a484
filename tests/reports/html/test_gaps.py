"""What was not audited: gathered by kind, the gravest first."""

from __future__ import annotations

import dataclasses

from sp404audit.outcome import Audit
from sp404audit.reports import Options
from sp404audit.reports.html.gaps import gaps, missing_engines
from sp404audit.reports.html.texts import Places
from sp404audit.results import Notification

PLACES = Places(Options())


def test_errors_come_first_each_kind_with_its_meaning(finished_audit: Audit) -> None:
    told = gaps(finished_audit, PLACES)
    assert [(gap.level, gap.id) for gap in told] == [
        ("error", "input/too-large"),
        ("error", "rule/crashed"),
        ("error", "yaml/syntax"),
        ("note", "input/link"),
    ]
    assert told[0].meaning == "A file is larger than the limit and was not read."
    assert told[1].items[0].rule_id == "docker/non-root-user"
    where = told[2].items[0].place
    assert where is not None
    assert where.text == r"dür/caf\xe9 \x1b[31m#1.yml:3:1"


def test_one_of_no_file_has_no_place(clean_audit: Audit) -> None:
    audit = dataclasses.replace(clean_audit, notifications=(Notification("engine/failed", "error", "timed out"),))
    assert gaps(audit, PLACES)[0].items[0].place is None


def test_very_many_of_a_kind_are_counted(clean_audit: Audit) -> None:
    notes = tuple(Notification("input/link", "note", "leads out", f"{number}") for number in range(70))
    (gap,) = gaps(dataclasses.replace(clean_audit, notifications=notes), PLACES)
    assert (len(gap.items), gap.more) == (50, 20)


def test_engines_that_were_not_there(finished_audit: Audit) -> None:
    assert [engine.name for engine in missing_engines(finished_audit)] == ["checkov"]
