"""As whom the container runs."""

from __future__ import annotations

from sp404audit.documents.containers.built_images import FinalStage, ImageBase
from sp404audit.documents.containers.dockerfile_stages import Setting, StageState
from sp404audit.results import Edit, Fix, Location, Region
from sp404audit.rules import Verdict, Verdicts, fail, not_applicable, passed, rule, unproven
from sp404audit.rules.docker.runners import compose_runs, workload_containers
from sp404audit.rules.docker.startup import privilege_drop

_ROOT_NAMES = frozenset({"root", "containeradministrator", "administrator", "localsystem", "nt authority\\system"})
_UID = 10001
"""Above the ids that distributions give to their own users."""


@rule(
    "docker/non-root-user",
    severity="high",
    equivalents=[
        "hadolint:DL3002",
        "checkov:CKV_DOCKER_3",
        "checkov:CKV_DOCKER_8",
        "trivy:DS-0002",
        "kics:67fd0c4a-68cf-46d7-8c41-bc9fba7e40ae",
        "kics:fd54f200-402c-4333-a5a4-36ef6709af2f",
        "semgrep:missing-user",
        "semgrep:missing-user-entrypoint",
        "semgrep:last-user-is-root",
        "dockle:CIS-DI-0001",
    ],
    cwe=[250],
    controls=["CIS Docker 4.1"],
    precision="high",
)
def non_root_user(image: FinalStage) -> Verdicts:
    """Containers run as a user other than root.

    Whoever breaks out of a process that runs as root in the container is root towards the kernel and every mount. Only
    the stage that is built counts: the last one, or the `target` that compose or a workflow asks for.

    Fix: create a user in the final stage and switch to it with USER, or build on an image that has one.

    Passes:
        FROM python:3.13-slim
        RUN useradd --uid 10001 app
        USER app

    Passes (the base image brings its user):
        FROM gcr.io/distroless/static-debian12:nonroot
        COPY app /app
        ENTRYPOINT ["/app"]

    Passes (root in a stage that is left behind):
        FROM golang:1.25 AS build
        USER root
        FROM scratch
        COPY --from=build /app /app
        USER 65534

    Fails:
        FROM python:3.13-slim
        CMD ["python", "-m", "app"]

    Fails (compose undoes it):
        --- Dockerfile
        FROM node:24-slim
        USER node
        --- compose.yaml
        services:
          web:
            build: .
            user: root

    Fails (the stage that compose builds):
        --- Dockerfile
        FROM debian:13-slim AS agent
        CMD ["sleep", "infinity"]
        FROM agent
        USER 10001
        --- compose.yaml
        services:
          agent:
            build:
              context: .
              target: agent

    Unproven (the base image is not a public one that is known):
        FROM registry.example.com/base:1.4
        CMD ["serve"]
    """
    if image.is_only_a_base:
        yield not_applicable(image, "only the base of other images of this repository; those are judged")
        return
    if image.is_action:
        yield not_applicable(image, "a Docker action, which GitHub wants to run as root to reach the workspace")
        return
    if image.is_for_development:
        yield not_applicable(image, "a development container: its user is set by devcontainer.json")
        return
    if _holds_files_only(image):
        yield not_applicable(image, "made from scratch and starts nothing: it only holds files")
        return
    override = _overriding_user(image)
    verdicts = [_judge(image, state) for state in image.variants]
    worst = min(verdicts, key=lambda verdict: ("fail", "open", "pass").index(verdict.kind))
    if override is not None and worst.kind != "pass":
        yield override
    elif worst.kind == "fail" and not image.is_certain:
        asked = image.requests[0]
        why = f"{asked.owner or 'what builds it'} asks for a target that is not known, and the last stage runs as root"
        yield unproven(image, why, related=[(asked.location, "is what builds it")])
    elif worst.kind == "pass" and (undone := _undone(image)) is not None:
        yield undone
    else:
        yield worst


def _undone(image: FinalStage) -> Verdict | None:
    """The verdict when compose makes a container root whose image has another user, and no entrypoint drops it."""
    state = image.variants[0]
    known = ImageBase(image, state).known
    if privilege_drop(image, state) is not None or (known is not None and known.drops_privileges):
        return None
    run = next((run for run in compose_runs(image) if run.user and _is_root(run.user)), None)
    if run is None:
        return None
    message = f"compose runs {run.owner} as {run.user}, whatever its image says; remove the user"
    return fail(run.location, message, related=[(image.location, "begins the stage that is built")])


def _holds_files_only(image: FinalStage) -> bool:
    """Whether it is an image to copy from, or what `docker build --output` writes to disk."""
    state = image.variants[0]
    settings = (state.user, state.entrypoint, state.command, state.healthcheck)
    return state.image.value == "scratch" and not any(settings) and not state.exposed


def _judge(image: FinalStage, state: StageState) -> Verdict:
    """The verdict on the image as one set of build arguments makes it."""
    base = ImageBase(image, state)
    user = next((each.user for each in base.states if each.user is not None), None)
    if user is None:
        return _without_user(image, base)
    if user.value is None:
        names = ", ".join(user.unknown) or user.step.text
        return unproven(user.step.location, f"USER {user.step.text} hangs on {names}, which has no value here")
    if not _is_root(user.value):
        return passed(user.step.location, f"runs as {user.value}")
    drop = privilege_drop(image, state)
    if drop is not None:
        return _handed_over(drop.location, drop.program)
    return fail(
        user.step.location,
        f"USER {_shown(user)} is root; switch to another user at the end of the stage",
        related=[(image.location, "begins the stage that is built")],
    )


def _without_user(image: FinalStage, base: ImageBase) -> Verdict:
    state = base.states[0]
    drop = privilege_drop(image, state)
    if drop is not None:
        return _handed_over(drop.location, drop.program)
    known = base.known
    if known is not None and known.drops_privileges and all(each.entrypoint is None for each in base.states):
        return passed(base.location, f"the entrypoint of {base.label} hands over to {known.user}")
    if known is not None and known.user and not _is_root(known.user) and not known.drops_privileges:
        return passed(base.location, f"{base.label} runs as {known.user}")
    remedy = "create a user and switch to it with USER"
    if base.is_scratch:
        return fail(image, "no USER: in an image from scratch that is root; add USER with a number, such as 65534")
    if known is not None and known.user:
        return fail(image, f"no USER: {base.label} runs as root; {remedy}", fix=_fix(state, base))
    if base.expansion.value is None:
        names = ", ".join(base.expansion.unknown) or base.states[-1].base.image
        return unproven(base.location, f"no USER, and which image it is based on hangs on {names}, which has no value")
    return unproven(base.location, f"no USER, and it is not known as whom {base.label} runs; {remedy}")


def _handed_over(location: Location, program: str) -> Verdict:
    return passed(location, f"starts as root and hands over to another user with {program}")


def _is_root(user: str) -> bool:
    """Whether a USER is root: by name or number, whatever its group, on Linux and Windows."""
    name = user.strip().strip("\"'").partition(":")[0].strip().lower()
    return name in _ROOT_NAMES or not name.strip("0")


def _shown(user: Setting) -> str:
    written = user.step.text.strip()
    return written if written == user.value else f"{written} ({user.value})"


def _overriding_user(image: FinalStage) -> Verdict | None:
    """The verdict when everybody who runs the image in this repository sets a user that is not root."""
    if any(request.origin != "compose" for request in image.requests) and not image.names:
        return None
    places: list[tuple[Location, str]] = []
    for run in compose_runs(image):
        if not run.user or _is_root(run.user):
            return None
        places.append((run.location, f"compose runs {run.owner} as {run.user}"))
    for workload, container in workload_containers(image):
        # runAsNonRoot alone only keeps an image that is root from starting.
        setting = workload.effective(container, "runAsUser")
        if setting is None or not isinstance(setting.value, int) or setting.value == 0:
            return None
        places.append((workload.place(setting), f"{workload.title} runs it as {setting.value}"))
    if not places:
        return None
    location, message = places[0]
    return passed(location, message, related=places[1:])


def _fix(state: StageState, base: ImageBase) -> Fix | None:
    """Insert a user before what the container starts; the files that it writes may then need another owner."""
    start = state.command or state.entrypoint
    if start is None or start.step not in state.stage.steps or base.reference is None:
        return None
    entrypoint = state.entrypoint
    if entrypoint is not None and entrypoint.step in state.stage.steps:
        start = min(start, entrypoint, key=lambda setting: setting.step.location.region)
    line = start.step.location.region.start_line
    family = base.reference.familiar
    tag = base.reference.tag or ""
    if family == "node":
        text = "USER node\n"
    elif family == "alpine" or "alpine" in tag:
        text = f"RUN adduser -S -D -H -u {_UID} app\nUSER {_UID}\n"
    else:
        text = f"RUN useradd --system --uid {_UID} --no-create-home app\nUSER {_UID}\n"
    path = start.step.location.path
    return Fix("run as a user of its own", (Edit(path, Region(line, 1, line, 1), text),), safe=False)
