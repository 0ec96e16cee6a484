"""Events for other tools, and for `sp404audit dora --events`: one CDEvent from any pipeline.

They are written after CDEvents 0.4.1 (https://cdevents.dev, Apache-2.0), whose types are at version 0.2.0, for its
schemas are the last that validators in the field agree on. What the specification has no place for stands in
`customData`; the names there are those that `sources.files` reads.

There is no type for a deployment that failed: such an attempt is a pipeline run that finished, with
`deployment: true` in `customData`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sp404audit.dora.events import Outcome
from sp404audit.dora.sources.files.problems import RecordError
from sp404audit.dora.sources.files.values import commit, http_url, moment, text
from sp404audit.dora.window import utc
from sp404audit.records import NamedTuple

__all__ = [
    "EmitError",
    "Surroundings",
    "as_cloudevent",
    "as_line",
    "build_event",
    "deployment_event",
    "incident_event",
]

SPECIFICATION = "0.4.1"
TYPE_VERSION = "0.2.0"

Event = dict[str, Any]
State = Literal["detected", "reported", "resolved"]


class EmitError(ValueError):
    """An event that would say nothing or could not be read; the text names the option and the way out."""


class Surroundings(NamedTuple):
    """What the CI service tells a job of itself; empty texts where it tells nothing.

    Attributes:
        source: a URI of the repository.
        repository: its name, `owner/name`.
        sha, tag, branch: what runs.
        run, run_url, attempt: which run this is, and which attempt of it.
        workflow: the name of the pipeline.
        environment: into which the job deploys.
    """

    source: str = ""
    repository: str = ""
    sha: str = ""
    tag: str = ""
    branch: str = ""
    run: str = ""
    run_url: str = ""
    attempt: int = 1
    workflow: str = ""
    environment: str = ""

    @property
    def service(self) -> str:
        """What a service is called by default: the repository, without its owner."""
        return self.repository.rpartition("/")[2]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Surroundings:
        """Read the variables of GitHub Actions or GitLab CI/CD.

        They are those of https://docs.github.com/actions/reference/variables-reference and
        https://docs.gitlab.com/ci/variables/predefined_variables.
        """
        get = {key: value.strip() for key, value in environment.items()}.get
        if get("GITHUB_ACTIONS") == "true":
            repository, kind = get("GITHUB_REPOSITORY", ""), get("GITHUB_REF_TYPE", "")
            source = f"{get('GITHUB_SERVER_URL', '').rstrip('/')}/{repository}"
            name, run = get("GITHUB_REF_NAME", ""), get("GITHUB_RUN_ID", "")
            return cls(
                source,
                repository,
                get("GITHUB_SHA", ""),
                name if kind == "tag" else "",
                name if kind == "branch" else "",
                run,
                f"{source}/actions/runs/{run}" if run else "",
                _attempt(get("GITHUB_RUN_ATTEMPT", "")),
                get("GITHUB_WORKFLOW", ""),
            )
        if get("GITLAB_CI") == "true":
            return cls(
                get("CI_PROJECT_URL", ""),
                get("CI_PROJECT_PATH", ""),
                get("CI_COMMIT_SHA", ""),
                get("CI_COMMIT_TAG", ""),
                get("CI_COMMIT_BRANCH", ""),
                get("CI_PIPELINE_ID", ""),
                get("CI_PIPELINE_URL", ""),
                1,
                get("CI_PIPELINE_NAME", ""),
                get("CI_ENVIRONMENT_NAME", ""),
            )
        return cls()


def _attempt(written: str) -> int:
    return int(written) if written.isascii() and written.isdigit() and len(written) <= 6 else 1


def deployment_event(
    around: Surroundings,
    at: int,
    *,
    kind: Literal["deployed", "upgraded", "rolledback"] = "deployed",
    outcome: Literal["success", "failure"] = "success",
    environment: str = "",
    service: str = "",
    sha: str = "",
    version: str = "",
    artifact: str = "",
    production: bool | None = None,
    unplanned: bool = False,
    prerelease: bool = False,
    remedies: str = "",
    **rest: str,
) -> Event:
    """Say that a service was deployed, upgraded or rolled back, or that the attempt failed.

    Args:
        around: the CI service, for what is not given.
        at: when it was live, or when the attempt ended; seconds since 1970.
        kind: which of the three; an attempt that failed is none of them.
        outcome: of the attempt.
        environment: into which; needed unless the CI service names it.
        service: which service; by default the repository's name.
        sha: the commit; by default the one that runs.
        version: tag or release name; by default the tag that runs.
        artifact: a package URL of what was deployed; by default one is made of repository and commit.
        production: whether the environment is production; by default its name decides.
        unplanned: whether it is a remedy for a fault that users saw.
        prerelease: whether it is a release candidate or the like.
        remedies: id, version or commit of the deployment that it repairs.
        rest: `source`, `id`, `url`, `chain`.

    Raises:
        EmitError: without an environment, or with neither commit nor version, or for a value that cannot be read back.
    """
    environment = _text("--environment", environment) or around.environment
    if not environment:
        raise EmitError("--environment is needed: where was it deployed to?")
    sha, version = _commit(sha or around.sha), _text("--version", version) or around.tag
    if not sha and not version:
        raise EmitError("--sha or --version is needed: what was deployed?")
    service = _text("--service", service) or around.service or "service"
    custom: dict[str, Any] = {"sha": sha, "version": version, "production": production, "prerelease": prerelease}
    custom |= {"unplanned": unplanned, "remedies": _text("--remedies", remedies), "url": _url(rest, around)}
    if outcome == "success":
        content = {
            "environment": {"id": environment},
            "artifactId": _text("--artifact", artifact) or _artifact(around, service, sha, version),
        }
        return _event(f"service.{kind}", around, at, service, "service", content, custom, rest)
    custom |= {"deployment": True, "environment": environment, "service": service, "rollback": kind == "rolledback"}
    content = {"pipelineName": around.workflow, "url": custom["url"], "outcome": outcome}
    return _event("pipelinerun.finished", around, at, around.run or service, "pipelineRun", content, custom, rest)


def incident_event(
    around: Surroundings,
    at: int,
    *,
    name: str,
    state: State,
    environment: str = "",
    service: str = "",
    artifact: str = "",
    title: str = "",
    severity: str = "",
    caused_by: Sequence[str] = (),
    ticket: str = "",
    **rest: str,
) -> Event:
    """Say that an incident was detected, reported or resolved.

    Args:
        around: the CI service, for what is not given.
        at: when; seconds since 1970.
        name: of the incident: what its events have in common.
        state: which of the three.
        environment: where; needed unless the CI service names it.
        service: which service.
        artifact: a package URL of what is at fault; links the incident to the deployment that brought it.
        title: one line for people.
        severity: in the words of whoever runs the service.
        caused_by: ids, versions or commits of deployments.
        ticket: the address of its ticket; a reported incident needs one.
        rest: `source`, `id`, `url`, `chain`.

    Raises:
        EmitError: without a name or an environment, for a report without a ticket, or a value that cannot be read back.
    """
    name, environment = _text("ID", name), _text("--environment", environment) or around.environment
    if not name:
        raise EmitError("the id of the incident is needed: it is what joins its events")
    if not environment:
        raise EmitError("--environment is needed: where did it happen?")
    service, ticket = _text("--service", service), _http("--ticket", ticket)
    if state == "reported" and not ticket:
        raise EmitError("--ticket is needed for an incident that is reported; one that is noticed is detected")
    content: dict[str, Any] = {
        "description": _text("--title", title),
        "environment": {"id": environment},
        "service": {"id": service} if service else None,
        "artifactId": _text("--artifact", artifact),
        "ticketURI": ticket if state == "reported" else None,
    }
    custom = {
        "severity": _text("--severity", severity),
        "caused_by": [_text("--caused-by", each) for each in caused_by] or None,
        "url": _http("--url", rest.get("url", "")) or ticket,
    }
    return _event(f"incident.{state}", around, at, name, "incident", content, custom, rest)


def build_event(
    around: Surroundings,
    at: int,
    *,
    started_at: int,
    outcome: Outcome = "success",
    queued_at: int | None = None,
    workflow: str = "",
    branch: str = "",
    sha: str = "",
    attempt: int = 0,
    **rest: str,
) -> Event:
    """Say that a run of a pipeline finished.

    Args:
        around: the CI service, for what is not given.
        at: when its last job ended; seconds since 1970.
        started_at: when its first job began.
        outcome: how it ended.
        queued_at: when it was asked for.
        workflow: the name of the pipeline.
        branch: on which it ran.
        sha: of which commit.
        attempt: which attempt of the run.
        rest: `source`, `id`, `url`, `chain`.

    Raises:
        EmitError: for times out of order, or a value that cannot be read back.
    """
    if not (queued_at or 0) <= started_at <= at:
        raise EmitError("--queued-at, --started-at and --at are out of order")
    url = _url(rest, around)
    words = {"failure": "failure", "cancelled": "cancel", "success": "success"}
    if outcome not in words:
        raise EmitError(f"--outcome: {outcome} is no end of a run; say {', '.join(words)}")
    name = _text("--workflow", workflow) or around.workflow
    content = {"pipelineName": name, "url": url, "outcome": words[outcome]}
    custom = {
        "sha": _commit(sha or around.sha),
        "branch": _text("--branch", branch) or around.branch,
        "started_at": utc(started_at),
        "queued_at": utc(queued_at) if queued_at is not None else None,
        "attempt": attempt or around.attempt,
        "url": url,
    }
    subject = around.run or name or "run"
    return _event("pipelinerun.finished", around, at, subject, "pipelineRun", content, custom, rest)


def as_cloudevent(event: Event) -> Event:
    """Wrap an event into the envelope of CloudEvents 1.0, as the binding of CDEvents says."""
    context = event["context"]
    return {
        "specversion": "1.0",
        "id": context["id"],
        "source": context["source"],
        "type": context["type"],
        "subject": event["subject"]["id"],
        "time": context["timestamp"],
        "datacontenttype": "application/cdevents+json",
        "data": event,
    }


def as_line(event: Event) -> str:
    """The event as one line of JSON, with its end."""
    import json

    return json.dumps(event, ensure_ascii=True, separators=(",", ":")) + "\n"


def _event(
    kind: str,
    around: Surroundings,
    at: int,
    subject: str,
    subject_type: str,
    content: Mapping[str, Any],
    custom: Mapping[str, Any],
    rest: Mapping[str, str],
) -> Event:
    """Put an event together; what is empty is left out, and without an id of its own it gets one of what it says."""
    try:
        moment(at, "--at")
    except RecordError as error:
        raise EmitError(str(error)) from None
    source = _text("--source", rest.get("source", "")) or around.source or "/sp404audit"
    context = {
        "version": SPECIFICATION,
        "id": _text("--id", rest.get("id", "")),
        "source": source,
        "type": f"dev.cdevents.{kind}.{TYPE_VERSION}",
        "timestamp": utc(at),
        "chainId": _text("--chain", rest.get("chain", "")),
    }
    event: Event = {
        "context": _filled(context),
        "subject": {"id": subject, "source": source, "type": subject_type, "content": _filled(content)},
    }
    extra = _filled(custom)
    if extra:
        event |= {"customData": extra, "customDataContentType": "application/json"}
    if not context["id"]:
        event["context"] = _filled({**context, "id": _id_of(event)})
    return event


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is there: no empty texts, nothing unknown, and no `false` that is so without being said."""
    return {
        key: value
        for key, value in values.items()
        if value is not None and value != "" and (value is not False or key == "production")
    }


def _id_of(event: Event) -> str:
    """A UUID of all that the event says: a step that runs twice with the same input sends the same event."""
    import uuid

    return str(uuid.uuid5(uuid.NAMESPACE_URL, "urn:sp404audit:event:" + as_line(event)))


def _artifact(around: Surroundings, service: str, sha: str, version: str) -> str:
    """A package URL (ECMA-427) of what was deployed, of what is known of it."""
    from urllib.parse import quote, urlsplit

    if sha and around.repository and urlsplit(around.source).hostname == "github.com":
        return f"pkg:github/{quote(around.repository.lower(), safe='/')}@{sha}"
    return f"pkg:generic/{quote(service, safe='')}@{quote(version or sha, safe='')}"


def _commit(value: str) -> str:
    try:
        return commit(value, "--sha") if value else ""
    except RecordError as error:
        raise EmitError(str(error)) from None


def _text(option: str, value: str) -> str:
    try:
        return text(value, option)
    except RecordError as error:
        raise EmitError(str(error)) from None


def _url(rest: Mapping[str, str], around: Surroundings) -> str:
    return _http("--url", rest.get("url") or around.run_url)


def _http(option: str, value: str) -> str:
    found = http_url(_text(option, value), option)
    if value and not found:
        raise EmitError(f"{option}: {value!r} is no address; write it with https://")
    return found
