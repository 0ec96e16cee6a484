"""Time limits of jobs: which limit counts, and what the fix writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]
PATH = ".github/workflows/ci.yml"


def _job(*lines: str) -> dict[str, str]:
    return {PATH: "on: push\njobs:\n  test:\n" + "".join(f"    {line}\n" for line in lines)}


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("pass", ("timeout-minutes: 60", "runs-on: x", "steps: [{run: make}]")),
        ("fail", ("timeout-minutes: 61", "runs-on: x", "steps: [{run: make}]")),
        ("pass", ("timeout-minutes: 0.5", "runs-on: x", "steps: [{run: make}]")),
        ("open", ("timeout-minutes: ${{ fromJSON(vars.LIMIT) }}", "runs-on: x", "steps: [{run: make}]")),
        ("pass", ("timeout-minutes: ${{ github.event_name == 'schedule' && 60 || 20 }}", "steps: [{run: make}]")),
        ("fail", ("timeout-minutes: ${{ github.event_name == 'schedule' && 90 || 20 }}", "steps: [{run: make}]")),
        ("pass", ("timeout-minutes: ${{ fromJSON('30') }}", "steps: [{run: make}]")),
        ("open", ("timeout-minutes: ${{ inputs.minutes || 20 }}", "steps: [{run: make}]")),
        ("open", ("timeout-minutes: 1${{ 0 }}", "steps: [{run: make}]")),
        ("open", ("timeout-minutes: ${{ true }}", "steps: [{run: make}]")),
        ("open", ('timeout-minutes: "soon"', "runs-on: x", "steps: [{run: make}]")),
        ("fail", ("runs-on: x", "steps: [{run: make, timeout-minutes: 5}, {run: make all}]")),
        ("fail", ("runs-on: x", "steps: [{run: make, timeout-minutes: 500}]")),
        ("pass", ("runs-on: x", "steps: [{run: make, timeout-minutes: 5}]")),
        ("notApplicable", ("uses: ./.github/workflows/other.yml",)),
        ("fail", ("runs-on: x", "timeout-minutes:", "  - 5", "steps: [{run: make}]")),
    ],
)
def test_limit(judge: Judge, kind: str, lines: tuple[str, ...]) -> None:
    assert [result.kind for result in judge("ci/timeouts", _job(*lines))] == [kind]


def test_fix_puts_the_limit_in_front_of_the_first_key(judge: Judge, tmp_path: Path) -> None:
    (result,) = judge("ci/timeouts", _job("runs-on: x", "steps: [{run: make}]"))
    assert result.fix is not None
    (edit,) = result.fix.edits
    lines = (tmp_path / PATH).read_text().splitlines(keepends=True)
    row, column = edit.region.start_line - 1, edit.region.start_column - 1
    lines[row] = lines[row][:column] + edit.text + lines[row][column:]
    assert (
        "".join(lines)[len("on: push\njobs:\n") :].partition("    steps")[0]
        == "  test:\n    timeout-minutes: 30\n    runs-on: x\n"
    )


def test_a_job_on_one_line_gets_no_fix(judge: Judge) -> None:
    (result,) = judge("ci/timeouts", {PATH: "on: push\njobs: {test: {runs-on: x, steps: [{run: make}]}}\n"})
    assert (result.kind, result.fix) == ("fail", None)
