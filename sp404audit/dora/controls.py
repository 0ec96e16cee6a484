"""The policy's targets as controls, so that a missed one stands beside the failures of the scan in every report.

They are no rules of the registry: no file is judged, and what they say follows from the figures alone.
"""

from __future__ import annotations

from collections.abc import Callable

from sp404audit.dora.figures import Figure, MetricsReport, Verdict
from sp404audit.policy.fingerprints import stable_fingerprint
from sp404audit.results import Kind, Location, Region, Result, Severity
from sp404audit.rules.registry import Rule, Verdicts, fail, passed, unproven

__all__ = ["controls", "results"]

_DOCUMENTATION = {
    "deployment_frequency": """Production is deployed to as often as the policy wants.

    Small and frequent deployments are easier to review, to test and to take back.

    Fix: look at the slowest stage of `sp404audit dora explain lead_time`, and deploy smaller batches.
    """,
    "lead_time": """A change reaches production within the time that the policy wants.

    The longer a change lies about, the later its faults show, and the harder they are to lay to it.

    Fix: look at the stages in `sp404audit dora explain lead_time`: waiting for review, for the build, for a release.
    """,
    "change_failure_rate": """Deployments fail no more often than the policy allows.

    Each failed deployment costs users service and the team a repair that nobody had planned.

    Fix: look at what failed in `sp404audit dora explain change_failure_rate`, and test for it before production.
    """,
    "recovery_time": """A failed deployment is mended within the time that the policy wants.

    Fix: rehearse the rollback, and let the alert that found the fault start it.
    """,
    "rework_rate": """Unplanned repairs make up no more of the deployments than the policy allows.

    Fix: look at what was repaired in `sp404audit dora explain rework_rate`.
    """,
    "mttr": """Incidents are over within the time that the policy wants.

    Fix: look at the longest ones in `sp404audit dora explain mttr`: were they noticed late, or mended slowly?
    """,
    "uptime": """The service is up for as much of the time as the policy wants.

    Fix: look at the days with downtime in `sp404audit dora explain uptime`.
    """,
    "build_time": """A build is done within the time that the policy wants.

    Whoever waits for a build starts something else, and comes back late.

    Fix: look at the slowest runs in `sp404audit dora explain build_time`; cache, split and run jobs side by side.
    """,
}
_KINDS: dict[Verdict, Kind] = {"pass": "pass", "fail": "fail", "not proven": "open"}
_WHERE = Location("")
"""The repository as a whole."""


def controls(report: MetricsReport) -> tuple[Rule, ...]:
    """A control for each figure that has a target, by id."""
    return tuple(sorted((_control(figure) for figure in _aimed(report)), key=lambda control: control.id))


def results(report: MetricsReport) -> tuple[Result, ...]:
    """The verdict of each of them, at the line of the configuration that sets the target.

    A target of a policy that ships has no line in the repository; its place is the repository as a whole.
    """
    return tuple(_result(figure, report.service) for figure in _aimed(report))


def _aimed(report: MetricsReport) -> list[Figure]:
    return [figure for figure in report.figures if figure.target is not None]


def _id(figure: Figure) -> str:
    return f"dora/{figure.metric.replace('_', '-')}"


def _control(figure: Figure) -> Rule:
    return Rule(
        _id(figure),
        _judging(_DOCUMENTATION[figure.metric]),
        severity=Severity.MEDIUM,
        equivalents=(),
        cwe=(),
        controls=(),
        precision="high",
        security=False,
    )


def _judging(documentation: str) -> Callable[[Figure], Verdicts]:
    """The function of a control: what is documented, and the figure's own verdict."""

    def judge(figure: Figure) -> Verdicts:
        because = figure.verdict_because
        if figure.verdict == "pass":
            yield passed(_WHERE, because)
        elif figure.verdict == "fail":
            yield fail(_WHERE, because)
        else:
            yield unproven(_WHERE, because)

    judge.__doc__ = documentation
    return judge


def _result(figure: Figure, service: str) -> Result:
    assert figure.target is not None
    return Result(
        rule_id=_id(figure),
        kind=_KINDS[figure.verdict],
        severity=Severity.MEDIUM,
        message=f"{figure.title}, target {figure.target.text.strip()}: {figure.verdict_because}",
        location=_place(figure.target.file),
        engine="dora",
        fingerprint=stable_fingerprint(_id(figure), "", f"{service} {figure.target.statistic}"),
    )


def _place(file: str) -> Location:
    """Where the target is set, when that is in the repository: a path relative to it."""
    path, _, line = file.rpartition(":")
    if not path or ":" in path or path.startswith(("/", "..")) or not line.isdecimal():
        return _WHERE
    return Location(path, Region(int(line), 1, int(line), 1))
