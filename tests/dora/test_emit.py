"""What is emitted has the shape that CDEvents asks for, and is read back as what it was meant to say."""

from __future__ import annotations

import io
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.emit import (
    EmitError,
    Surroundings,
    as_cloudevent,
    as_line,
    build_event,
    deployment_event,
    incident_event,
)
from sp404audit.dora.events import Collected
from sp404audit.dora.figures import Window
from sp404audit.dora.settings import Settings
from sp404audit.dora.sources.files import collect

T0 = 1_767_225_600  # 2026-01-01T00:00:00Z
SHA = "0123456789abcdef0123456789abcdef01234567"
NOWHERE = Surroundings()
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "Acme/Shop",
    "GITHUB_SHA": SHA,
    "GITHUB_REF_TYPE": "tag",
    "GITHUB_REF_NAME": "v1.2.0",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_WORKFLOW": "release",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.example/acme/shop",
    "CI_PROJECT_PATH": "acme/shop",
    "CI_COMMIT_SHA": SHA,
    "CI_COMMIT_BRANCH": "main",
    "CI_PIPELINE_ID": "9",
    "CI_PIPELINE_URL": "https://gitlab.example/acme/shop/-/pipelines/9",
    "CI_ENVIRONMENT_NAME": "production",
}

_TEXT = {"type": "string", "minLength": 1}
_PLACE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {"id": _TEXT, "source": _TEXT},
}
_RUN = {
    "pipelineName": _TEXT,
    "url": _TEXT,
    "outcome": {"enum": ["success", "failure", "error", "cancel"]},
    "errors": _TEXT,
}
_SERVICE = ({"environment": _PLACE, "artifactId": _TEXT}, ["environment", "artifactId"], "service")
_ABOUT = {"description": _TEXT, "environment": _PLACE, "service": _PLACE, "artifactId": _TEXT}
CONTENT: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "service.deployed": _SERVICE,
    "service.upgraded": _SERVICE,
    "service.rolledback": _SERVICE,
    "incident.detected": (_ABOUT, ["environment"], "incident"),
    "incident.reported": ({**_ABOUT, "ticketURI": _TEXT}, ["environment", "ticketURI"], "incident"),
    "incident.resolved": (_ABOUT, ["environment"], "incident"),
    "pipelinerun.finished": (_RUN, [], "pipelineRun"),
}
"""By type: what the specification 0.4.1 allows and requires in the content of the subject, and the subject's type."""


def shape(kind: str) -> dict[str, Any]:
    """The schema of one type, from the facts of the specification."""
    content, required, subject_type = CONTENT[kind]
    context = {
        "version": {"const": "0.4.1"},
        "id": _TEXT,
        "source": {**_TEXT, "format": "uri-reference"},
        "type": {"const": f"dev.cdevents.{kind}.0.2.0"},
        "timestamp": {"type": "string", "format": "date-time"},
        "chainId": _TEXT,
    }
    subject = {
        "id": _TEXT,
        "source": _TEXT,
        "type": {"const": subject_type},
        "content": {"type": "object", "additionalProperties": False, "required": required, "properties": content},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["context", "subject"],
        "properties": {
            "context": {
                "type": "object",
                "additionalProperties": False,
                "required": ["version", "id", "source", "type", "timestamp"],
                "properties": context,
            },
            "subject": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "type", "content"],
                "properties": subject,
            },
            "customData": {"type": "object"},
            "customDataContentType": {"const": "application/json"},
        },
    }


def read(*events: dict[str, Any]) -> Collected:
    """Check the shape of the events, and read them, plain and enveloped."""
    for event in events:
        kind = event["context"]["type"].removeprefix("dev.cdevents.").removesuffix(".0.2.0")
        jsonschema.Draft202012Validator(shape(kind)).validate(event)
    plain, wrapped = (
        collect(["-"], Settings(), Window(T0, T0 + 1), stdin=io.BytesIO("".join(map(as_line, each)).encode()))
        for each in (events, map(as_cloudevent, events))
    )
    assert plain == wrapped
    assert not plain.report.partial, plain.report.notes
    return plain


def test_deployment_in_github_actions() -> None:
    event = deployment_event(Surroundings.of(GITHUB), T0 + 5, environment="production", unplanned=True)
    assert event["subject"]["content"]["artifactId"] == f"pkg:github/acme/shop@{SHA}"
    (got,) = read(event).deployments
    assert (got.finished_at, got.sha, got.version, got.environment) == (T0 + 5, SHA, "v1.2.0", "production")
    assert (got.service, got.unplanned, got.outcome) == ("Shop", True, "success")
    assert got.url == "https://github.com/Acme/Shop/actions/runs/77"


def test_deployment_in_gitlab_names_its_environment() -> None:
    (got,) = read(deployment_event(Surroundings.of(GITLAB), T0)).deployments
    assert (got.sha, got.environment, got.service, got.version) == (SHA, "production", "shop", "")
    assert got.url == "https://gitlab.example/acme/shop/-/pipelines/9"


def test_deployment_without_a_commit() -> None:
    (got,) = read(deployment_event(NOWHERE, T0, environment="prod", version="1.2+b/3", service="a b")).deployments
    assert (got.version, got.sha, got.service, got.production) == ("1.2+b/3", "", "a b", None)


@pytest.mark.parametrize("production", [True, False])
def test_kinds_and_flags(production: bool) -> None:
    event = deployment_event(
        NOWHERE,
        T0,
        kind="rolledback",
        environment="blue",
        sha=SHA,
        production=production,
        prerelease=True,
        remedies="v1",
        artifact="pkg:oci/x@sha256:0",
    )
    (got,) = read(event).deployments
    assert (got.rollback, got.production, got.prerelease, got.remedies) == (True, production, True, "v1")
    upgraded = deployment_event(NOWHERE, T0, kind="upgraded", environment="blue", sha=SHA)
    assert read(upgraded).deployments[0].rollback is False


def test_attempt_that_failed() -> None:
    around = Surroundings.of(GITHUB)
    event = deployment_event(around, T0, environment="prod", service="api", outcome="failure", kind="rolledback")
    got = read(event)
    (attempt,) = got.deployments
    assert (attempt.outcome, attempt.environment, attempt.service, attempt.rollback) == ("failure", "prod", "api", True)
    assert (attempt.sha, got.builds) == (SHA, ())


def test_incident_from_end_to_end() -> None:
    deployed = deployment_event(NOWHERE, T0, environment="prod", sha=SHA, id="d1")
    about: dict[str, Any] = {"name": "INC-7", "environment": "prod", "service": "api"}
    opened = incident_event(
        NOWHERE, T0 + 10, state="detected", title="down", severity="sev1", caused_by=["d1", "v9"], **about
    )
    reported = incident_event(NOWHERE, T0 + 20, state="reported", ticket="https://t.example/7", **about)
    resolved = incident_event(NOWHERE, T0 + 70, state="resolved", **about)
    (got,) = read(resolved, reported, opened, deployed).incidents
    assert (got.opened_at, got.resolved_at, got.severity, got.title) == (T0 + 10, T0 + 70, "sev1", "down")
    assert got.caused_by == ("events:deployment:/sp404audit#d1", "v9")
    assert (got.environment, got.service, got.url) == ("prod", "api", "https://t.example/7")


def test_incident_is_linked_by_its_artifact() -> None:
    deployed = deployment_event(NOWHERE, T0, environment="prod", sha=SHA, artifact="pkg:a/b@1")
    opened = incident_event(NOWHERE, T0 + 1, name="i", state="detected", environment="prod", artifact="pkg:a/b@1")
    got = read(deployed, opened)
    assert got.incidents[0].caused_by == (got.deployments[0].id,)


@pytest.mark.parametrize("outcome", ["success", "failure", "cancelled"])
def test_build(outcome: Any) -> None:
    event = build_event(
        Surroundings.of(GITHUB), T0 + 60, started_at=T0 + 9, queued_at=T0, outcome=outcome, branch="main"
    )
    (got,) = read(event).builds
    assert (got.queued_at, got.started_at, got.finished_at, got.outcome) == (T0, T0 + 9, T0 + 60, outcome)
    assert (got.workflow, got.branch, got.sha, got.attempt) == ("release", "main", SHA, 2)


def test_same_input_gives_the_same_event_and_other_input_another() -> None:
    def made(**change: Any) -> dict[str, Any]:
        return deployment_event(NOWHERE, T0, **{"environment": "prod", "sha": SHA, **change})

    assert as_line(made()) == as_line(made())
    assert made()["context"]["id"] != made(environment="test")["context"]["id"]
    assert made(id="mine")["context"]["id"] == "mine"
    assert len(read(made(), made()).deployments) == 1


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: deployment_event(NOWHERE, T0, sha=SHA), "--environment is needed"),
        (lambda: deployment_event(NOWHERE, T0, environment="x"), "--sha or --version is needed"),
        (lambda: deployment_event(NOWHERE, T0, environment="x", sha="main"), "--sha: 'main' is no commit"),
        (lambda: deployment_event(NOWHERE, -1, environment="x", sha=SHA), "--at: -1 is no time"),
        (lambda: deployment_event(NOWHERE, T0, environment="x" * 5000, sha=SHA), "--environment: longer than"),
        (lambda: deployment_event(NOWHERE, T0, environment="x", sha=SHA, url="ftp://x"), "--url: 'ftp://x' is no"),
        (lambda: incident_event(NOWHERE, T0, name="", state="detected", environment="x"), "the id of the incident"),
        (lambda: incident_event(NOWHERE, T0, name="i", state="detected"), "--environment is needed"),
        (lambda: incident_event(NOWHERE, T0, name="i", state="reported", environment="x"), "--ticket is needed"),
        (lambda: build_event(NOWHERE, T0, started_at=T0 + 1), "out of order"),
        (lambda: build_event(NOWHERE, T0, started_at=T0, outcome="running"), "is no end of a run"),
    ],
)
def test_events_that_would_say_nothing(make: Any, told: str) -> None:
    with pytest.raises(EmitError) as caught:
        make()
    assert told in str(caught.value)


WORDS = st.text(max_size=12)


@settings(max_examples=100, deadline=None)
@given(WORDS, WORDS, WORDS, WORDS, st.integers(0, 4_102_444_799), st.booleans())
def test_whatever_is_emitted_is_read_back(
    environment: str, service: str, version: str, chain: str, at: int, unplanned: bool
) -> None:
    try:
        event = deployment_event(
            NOWHERE, at, environment=environment, service=service, version=version, unplanned=unplanned, chain=chain
        )
    except EmitError:
        assert not environment.strip() or not version.strip()
        return
    (got,) = read(event).deployments
    assert (got.finished_at, got.environment, got.version) == (at, environment.strip(), version.strip())
    assert (got.service, got.unplanned) == (service.strip() or "service", unplanned)
