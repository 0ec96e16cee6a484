"""CDEvents and PagerDuty's webhooks: what single events mean, and what they mean together."""

from __future__ import annotations

import base64
import io
import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.events import Collected
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.files import collect

T0 = 1_767_225_600  # 2026-01-01T00:00:00Z
HOUR = 3600
SHA = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
ARTIFACT = "pkg:oci/app@sha256%3A0b31b1c02ff458ad?repository_url=registry.example"
_ids = itertools.count()


def read(*records: Any) -> Collected:
    data = "\n".join(map(json.dumps, records)).encode()
    return collect(["-"], Settings(), Window(T0, T0 + 1), stdin=io.BytesIO(data))


def messages(collected: Collected) -> str:
    return "\n".join(note.message for note in collected.report.notes)


def event(kind: str, at: int, subject: str = "app", content: Any = None, **rest: Any) -> dict[str, Any]:
    """A CDEvent; `rest` goes into the context, `custom` into customData."""
    custom = rest.pop("custom", None)
    context = {
        "version": "0.4.1",
        "id": f"e{next(_ids)}",
        "source": "/ci",
        "type": f"dev.cdevents.{kind}.0.2.0",
        "timestamp": f"2026-01-01T{at // HOUR:02}:{at % HOUR // 60:02}:{at % 60:02}.123Z",
        **rest,
    }
    body = {
        "context": context,
        "subject": {"id": subject, "type": kind.split(".", maxsplit=1)[0], "content": content or {}},
    }
    return {**body, "customData": custom} if custom else body


def deployed(at: int, artifact: str = ARTIFACT, environment: str = "prod", **rest: Any) -> dict[str, Any]:
    content = {"environment": {"id": environment}, "artifactId": artifact}
    return event(rest.pop("kind", "service.deployed"), at, content=content, **rest)


def enveloped(body: dict[str, Any], **change: Any) -> dict[str, Any]:
    context = body["context"]
    return {
        "specversion": "1.0",
        "id": context["id"],
        "source": context["source"],
        "type": context["type"],
        "subject": body["subject"]["id"],
        "time": context["timestamp"],
        "datacontenttype": "application/cdevents+json",
        "data": body,
        **change,
    }


def test_deployments() -> None:
    got = read(
        deployed(1, id="one"),
        deployed(2, kind="service.upgraded", id="two"),
        deployed(3, kind="service.rolledback", id="three"),
        event("service.removed", 4),
        event("environment.created", 5),
    )
    assert [(each.id, each.finished_at - T0, each.rollback) for each in got.deployments] == [
        ("events:deployment:/ci#one", 1, False),
        ("events:deployment:/ci#two", 2, False),
        ("events:deployment:/ci#three", 3, True),
    ]
    assert {(each.environment, each.service, each.outcome) for each in got.deployments} == {("prod", "app", "success")}
    assert not got.report.partial
    assert "1 CDEvents of type service.removed mean nothing" in messages(got)
    assert "3 deployments of CDEvents name no commit; put it into customData.sha" in messages(got)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda body: body,
        enveloped,
        lambda body: enveloped(body, data=json.dumps(body)),
        lambda body: enveloped(body, data=None, data_base64=base64.b64encode(json.dumps(body).encode()).decode()),
        lambda body: enveloped(body, data={key: body[key] for key in ("subject", "customData")}),
    ],
    ids=["plain", "cloudevent", "text", "base64", "without context"],
)
def test_bindings_say_the_same(wrap: Any) -> None:
    body = deployed(HOUR, custom={"sha": SHA, "version": "v1", "production": True, "unplanned": True}, id="x")
    (got,) = read(wrap(body)).deployments
    assert (got.id, got.finished_at, got.sha, got.version) == ("events:deployment:/ci#x", T0 + HOUR, SHA, "v1")
    assert (got.production, got.unplanned) == (True, True)


@pytest.mark.parametrize(
    "others",
    [
        [event("artifact.packaged", 0, ARTIFACT, {"change": {"id": SHA}})],
        [event("artifact.published", 9, ARTIFACT, custom={"sha": SHA})],
        [event("change.merged", 0, SHA, chainId="c")],
        [event("artifact.packaged", 0, "pkg:x/y@1", {"change": {"id": SHA}}, chainId="c")],
    ],
    ids=["packaged", "published", "chain of a merge", "chain of an artifact"],
)
def test_commit_is_found_through_other_events(others: list[Any]) -> None:
    assert read(deployed(5, chainId="c"), *others).deployments[0].sha == SHA


def test_commit_of_a_chain_that_names_two_is_not_guessed() -> None:
    merges = [event("change.merged", 0, sha, chainId="c") for sha in (SHA, OTHER)]
    assert read(deployed(5, chainId="c"), *merges).deployments[0].sha == ""


@pytest.mark.parametrize(
    ("artifact", "sha", "version"),
    [
        (f"pkg:github/a/b@{SHA}", SHA, ""),
        ("pkg:pypi/app@1.2.3", "", "1.2.3"),
        ("pkg:npm/%40scope/app@v2%2Bb1?x=y", "", "v2+b1"),
        (ARTIFACT, "", ""),
        ("app:latest", "", ""),
    ],
)
def test_package_urls(artifact: str, sha: str, version: str) -> None:
    (got,) = read(deployed(0, artifact)).deployments
    assert (got.sha, got.version) == (sha, version)


def test_merged_change() -> None:
    (change,) = read(event("change.merged", 60, "7", custom={"sha": SHA})).changes
    assert (change.sha, change.merged_at, change.pull_request) == (SHA, T0 + 60, 7)
    assert "1 merged changes of CDEvents name no commit" in messages(read(event("change.merged", 60, "7")))


def test_incident_is_joined_by_its_subject_and_linked_by_its_artifact() -> None:
    about = {"environment": {"id": "prod"}, "service": {"id": "app"}, "artifactId": ARTIFACT, "description": "slow"}
    got = read(
        event("incident.resolved", 500, "i", about),
        event("incident.reported", 200, "i", {**about, "ticketURI": "https://tickets.example/1"}),
        event("incident.detected", 100, "i", about),
        deployed(50, id="cause"),
        deployed(60, environment="test"),
        deployed(300),
    )
    (incident,) = got.incidents
    assert (incident.id, incident.opened_at - T0, incident.resolved_at) == ("events:incident:/ci#i", 100, T0 + 500)
    assert incident.caused_by == ("events:deployment:/ci#cause",)
    assert (incident.service, incident.environment, incident.title) == ("app", "prod", "slow")
    assert incident.url == "https://tickets.example/1"


def test_incident_is_linked_by_relation_and_by_custom_data() -> None:
    link = [{"linkType": "RELATION", "linkKind": "CAUSE", "target": {"contextId": "cause"}}]
    path = [{"linkType": "PATH", "from": {"contextId": "cause"}}]
    got = read(
        deployed(1, id="cause"),
        event("incident.detected", 2, "a", links=link),
        event("incident.detected", 3, "b", custom={"caused_by": "v1.2.0; cause"}),
        event("incident.detected", 4, "c", links=path),
    )
    cause = "events:deployment:/ci#cause"
    assert [each.caused_by for each in got.incidents] == [(cause,), ("v1.2.0", cause), ()]


def test_incident_that_opens_again_is_two() -> None:
    signs = ["detected", "resolved", "resolved", "detected", "reported", "resolved", "detected"]
    got = read(*(event(f"incident.{sign}", 10 * at, "i") for at, sign in enumerate(signs)))
    spans = [(each.id[-2:], each.opened_at - T0, each.resolved_at and each.resolved_at - T0) for each in got.incidents]
    assert spans == [("#i", 0, 10), ("#2", 30, 50), ("#3", 60, None)]


def test_resolved_incident_that_nothing_opened() -> None:
    got = read(event("incident.resolved", 10, "i"))
    assert got.report.partial
    assert "is resolved here and opened nowhere" in messages(got)
    (incident,) = read(event("incident.resolved", 10, "i", custom={"opened_at": T0 + 4})).incidents
    assert incident.opened_at == T0 + 4


def test_tickets() -> None:
    got = read(
        event("ticket.created", 1, "t", {"ticketType": "incident", "summary": "down", "priority": "high"}),
        event("ticket.closed", 2, "t", {"ticketType": "incident"}),
        event("ticket.created", 1, "u", {"ticketType": "task"}),
    )
    (incident,) = got.incidents
    assert (incident.title, incident.severity, incident.resolved_at) == ("down", "high", T0 + 2)


def test_builds() -> None:
    got = read(
        event("pipelinerun.finished", 100, "r", {"outcome": "error", "pipelineName": "ci", "url": "https://x.example"}),
        event("pipelinerun.started", 40, "r"),
        event("pipelinerun.queued", 30, "r"),
        event("pipelinerun.started", 200, "r"),
        event("pipelinerun.finished", 260, "r", {"outcome": "success"}, custom={"branch": "main", "attempt": 2}),
        event("pipelinerun.finished", 300, "s", {"outcome": "cancel"}, custom={"started_at": T0 + 290}),
        event("pipelinerun.started", 400, "t"),
        event("pipelinerun.finished", 400, "t"),
    )
    spans = [(each.queued_at, each.started_at - T0, each.finished_at - T0, each.outcome) for each in got.builds]
    assert spans == [
        (T0 + 30, 40, 100, "failure"),
        (None, 200, 260, "success"),
        (None, 290, 300, "cancelled"),
        (None, 400, 400, "unknown"),
    ]
    assert (got.builds[0].workflow, got.builds[1].branch, got.builds[1].attempt) == ("ci", "main", 2)


def test_build_that_began_nobody_knows_when() -> None:
    got = read(event("pipelinerun.finished", 100, "r", {"outcome": "success"}))
    assert (got.builds, got.report.partial) == ((), True)
    assert "send pipelinerun.started of the same subject" in messages(got)


def test_attempt_to_deploy_that_failed() -> None:
    custom = {"deployment": True, "environment": "prod", "service": "api", "sha": SHA}
    got = read(event("pipelinerun.finished", 100, "r", {"outcome": "failure"}, custom=custom))
    (attempt,) = got.deployments
    assert (attempt.outcome, attempt.environment, attempt.service, attempt.sha) == ("failure", "prod", "api", SHA)
    assert got.builds == ()


def test_same_event_twice_is_one() -> None:
    one, two = deployed(5, id="x"), deployed(6, id="x")
    assert len(read(one, one, enveloped(one)).deployments) == 1
    first, second = read(one, two), read(two, one)
    assert first.deployments == second.deployments
    assert "1 CDEvents share id and source and differ" in messages(first)


@pytest.mark.parametrize(
    ("context", "accepted"),
    [
        ({"version": "0.4.0"}, True),
        ({"version": "0.9.7"}, True),
        ({"specversion": "0.5.0", "version": None}, True),
        ({"version": "0.5.0-draft", "type": "dev.cdevents.service.deployed.0.3.0-draft"}, True),
        ({"version": "draft"}, True),
        ({"type": "dev.cdevents.service.deployed"}, True),
        ({"type": "dev.cdevents.service.deployed.0.77.0"}, True),
        ({"version": "1.0.0"}, False),
        ({"specversion": "2.0.0"}, False),
        ({"type": "dev.cdevents.service.deployed.1.0.0"}, False),
        ({"type": "com.example.thing"}, False),
        ({"type": 5}, False),
        ({"id": ""}, False),
        ({"source": None}, False),
        ({"timestamp": "2026-01-01T00:00:00"}, False),
    ],
)
def test_versions_and_what_is_required(context: dict[str, Any], accepted: bool) -> None:
    got = read(deployed(0, **context))
    assert bool(got.deployments) is accepted
    assert got.report.partial is not accepted


def test_other_majors_are_refused_in_words() -> None:
    assert "CDEvents '1.0.0' is not known here; 0.x is" in messages(read(deployed(0, version="1.0.0")))
    assert "CloudEvents '2.0' is not known here" in messages(read(enveloped(deployed(0), specversion="2.0")))


@pytest.mark.parametrize(
    "change", [{"data": None}, {"data": "{"}, {"data": [1]}, {"data": None, "data_base64": "%%"}, {"data": "[" * 9999}]
)
def test_broken_envelopes(change: dict[str, Any]) -> None:
    assert read(enveloped(deployed(0), **change)).report.partial


def test_custom_types_and_foreign_cloudevents_are_counted() -> None:
    foreign = {"specversion": "1.0", "type": "com.example", "id": "1", "source": "/", "data": {}}
    got = read(event("x", 0, type="dev.cdeventsx.tool-thing.happened.0.1.0"), foreign)
    assert not got.report.partial
    assert "1 CDEvents of custom types" in messages(got)
    assert "1 CloudEvents hold neither" in messages(got)


def alert(kind: str, at: int, name: str = "P1", **data: Any) -> dict[str, Any]:
    body = {"id": name, "title": "down", "urgency": "high", "service": {"summary": "api"}, **data}
    time = f"2026-01-01T00:{at // 60:02}:{at % 60:02}Z"
    return {"event": {"id": f"E{next(_ids)}", "event_type": f"incident.{kind}", "occurred_at": time, "data": body}}


def test_pagerduty() -> None:
    fields = [{"name": "deployment", "value": "v1.2.0"}, {"name": "other", "value": "x"}]
    got = read(
        alert("triggered", 60, custom_fields=fields, html_url="https://x.example", priority={"summary": "P2"}),
        alert("acknowledged", 70),
        alert("resolved", 120),
        alert("triggered", 130, "P2")["event"],
    )
    closed, still_open = got.incidents
    assert (closed.id, closed.opened_at, closed.resolved_at) == ("events:incident:P1", T0 + 60, T0 + 120)
    assert (closed.title, closed.severity, closed.service, closed.caused_by) == ("down", "P2", "api", ("v1.2.0",))
    assert (still_open.id, still_open.resolved_at, still_open.severity) == ("events:incident:P2", None, "high")


def test_pagerduty_incident_that_is_triggered_again() -> None:
    got = read(alert("triggered", 1), alert("resolved", 5), alert("triggered", 9), alert("resolved", 12))
    assert [(each.id, each.opened_at - T0) for each in got.incidents] == [
        ("events:incident:P1", 1),
        ("events:incident:P1#2", 9),
    ]


def test_pagerduty_resolution_alone_counts_from_when_the_incident_was_created() -> None:
    (incident,) = read(alert("resolved", 50, created_at="2026-01-01T00:00:10Z")).incidents
    assert (incident.opened_at, incident.resolved_at) == (T0 + 10, T0 + 50)
    assert "event.data.id is missing" in messages(read(alert("resolved", 50, "")))


MAKERS = st.one_of(
    st.builds(deployed, st.integers(0, 50), st.sampled_from([ARTIFACT, "pkg:a/b@1"]), chainId=st.sampled_from("ab")),
    st.builds(
        event,
        st.sampled_from(["incident.detected", "incident.resolved", "pipelinerun.started", "pipelinerun.finished"]),
        st.integers(0, 50),
        st.sampled_from("xy"),
        st.just({"artifactId": ARTIFACT}),
    ),
    st.builds(event, st.just("change.merged"), st.integers(0, 50), st.sampled_from([SHA, OTHER]), chainId=st.just("a")),
    st.builds(alert, st.sampled_from(["triggered", "resolved"]), st.integers(0, 50), st.sampled_from(["P1", "P2"])),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(MAKERS, max_size=10), st.randoms(use_true_random=False))
def test_order_does_not_matter(records: list[Any], random: Any) -> None:
    want = read(*records)
    random.shuffle(records)
    assert read(*records)[1:] == want[1:]


def test_only_types_that_mean_nothing_are_said_to_mean_nothing() -> None:
    used = ["service.deployed", "incident.detected", "artifact.packaged", "pipelinerun.started", "ticket.created"]
    got = read(*(event(kind, 1, custom={"sha": SHA}) for kind in used), event("taskrun.finished", 2))
    told = [note.message for note in got.report.notes if note.id == "events/ignored"]
    assert told == ["1 CDEvents of type taskrun.finished mean nothing to the metrics"]


@pytest.mark.parametrize(("attempt", "read_as"), [(3, 3), (0, 1), (-1, 1), (10**9, 1), ("2", 1), (None, 1)])
def test_attempts_and_times_that_cannot_be(attempt: object, read_as: int) -> None:
    custom = {"attempt": attempt, "started_at": T0 + 5, "queued_at": T0 + 9}
    (build,) = read(event("pipelinerun.finished", 20, "r", {"outcome": "success"}, custom=custom)).builds
    assert (build.attempt, build.queued_at) == (read_as, None)
    custom = {"started_at": T0 + 5, "queued_at": T0 + 5}
    (build,) = read(event("pipelinerun.finished", 20, "r", {"outcome": "success"}, custom=custom)).builds
    assert build.queued_at == T0 + 5
