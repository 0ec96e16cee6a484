"""Whether anybody notices that a container no longer works."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.containers.built_images import FinalStage, ImageBase
from sp404audit.documents.containers.dockerfile_stages import Setting, StageState
from sp404audit.results import Location
from sp404audit.rules import Verdict, Verdicts, fail, not_applicable, passed, rule, unproven
from sp404audit.rules.docker.elsewhere import checked_stranger, platform_of, probe_of
from sp404audit.rules.docker.runners import compose_runs, workload_containers
from sp404audit.rules.docker.services import service_of

_JOBS = ("Job", "CronJob")


@rule(
    "docker/healthcheck",
    severity="medium",
    equivalents=[
        "checkov:CKV_DOCKER_2",
        "trivy:DS-0026",
        "hadolint:DL3057",
        "kics:b03a748a-542d-44f4-bb86-9199ab4fd2d5",
        "dockle:CIS-DI-0006",
    ],
    controls=["CIS Docker 4.6"],
    precision="medium",
    security=False,
)
def healthcheck(image: FinalStage) -> Verdicts:
    """Images of services declare a health check, or whatever runs them does.

    Without one the engine knows only whether the process exists. A server that hangs, or that has lost its database,
    keeps getting requests, `depends_on` cannot wait for it, and nothing restarts it. A check in the compose service or
    a probe in the Kubernetes workload that runs the image does as well. Tools, jobs and mere bases need none. Platforms
    such as Fly.io and charts of Helm ask in their own way, which is not read: there it is not proven.

    Fix: add `HEALTHCHECK CMD` with a request to the service that fails on a bad status, or a `healthcheck:` or probe
    where the image is run.

    Passes:
        FROM node:24-slim
        EXPOSE 3000
        HEALTHCHECK --timeout=3s CMD ["node", "health.js"]
        CMD ["node", "server.js"]

    Passes (compose checks it):
        --- Dockerfile
        FROM nginxinc/nginx-unprivileged:1.28
        EXPOSE 8080
        --- compose.yaml
        services:
          web:
            build: .
            healthcheck:
              test: ["CMD", "curl", "-f", "http://127.0.0.1:8080/"]

    Fails:
        FROM node:24-slim
        EXPOSE 3000
        CMD ["node", "server.js"]

    Fails (a check that is switched off):
        FROM node:24-slim
        HEALTHCHECK NONE
        EXPOSE 3000
        CMD ["node", "server.js"]

    Fails (compose switches it off):
        --- Dockerfile
        FROM node:24-slim
        EXPOSE 3000
        HEALTHCHECK CMD ["node", "health.js"]
        --- compose.yaml
        services:
          web:
            build: .
            healthcheck: {disable: true}

    Passes (Kubernetes probes it; the tag is that of the commit):
        --- Dockerfile
        FROM node:24-slim
        EXPOSE 3000
        CMD ["node", "server.js"]
        --- build.sh
        docker build -t "ghcr.io/example/web:${TAG}" .
        --- k8s/web.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          template:
            spec:
              containers:
                - name: web
                  image: ghcr.io/example/web
                  readinessProbe: {httpGet: {path: /ready, port: 3000}}

    Unproven (the platform has checks of its own):
        --- Dockerfile
        FROM node:24-slim
        EXPOSE 3000
        CMD ["node", "server.js"]
        --- fly.toml
        app = "web"

    Unproven (whether it keeps running is not known):
        FROM debian:13-slim
        COPY reconcile /usr/bin/reconcile
        ENTRYPOINT ["/usr/bin/reconcile"]
    """
    if image.is_only_a_base:
        yield not_applicable(image, "only the base of other images of this repository; those are judged")
        return
    if image.is_action or image.is_for_development:
        yield not_applicable(image, "runs a step or a shell for a developer, no service")
        return
    state = image.variants[0]
    base = ImageBase(image, state)
    check = next((each.healthcheck for each in base.states if each.healthcheck is not None), None)
    evidence = list(_checks(image, check, base))
    off = _switched_off(image)
    if off is not None:
        yield off
    elif evidence:
        (location, message), *others = evidence
        yield passed(location, message, related=others)
    else:
        yield _without_check(image, state, check, base)


def _runs_as_job(image: FinalStage) -> bool:
    workloads = [workload for workload, _ in workload_containers(image)]
    return bool(workloads) and not compose_runs(image) and all(each.fact.kind in _JOBS for each in workloads)


def _switched_off(image: FinalStage) -> Verdict | None:
    """The verdict when every service of compose that runs the image switches its check off.

    One of several may: a worker that runs the image of the web server has nothing to answer its requests.
    """
    runs = compose_runs(image)
    if not runs or any(run.healthcheck is not False for run in runs):
        return None
    first = runs[0]
    return fail(first.location, f"compose switches the health check of {first.owner} off; ask the service instead")


def _without_check(image: FinalStage, state: StageState, check: Setting | None, base: ImageBase) -> Verdict:
    if _runs_as_job(image):
        return not_applicable(image, "no service: only jobs of Kubernetes run it")
    service = service_of(image, state)
    if service.answer == "no":
        return not_applicable(image, f"no service: {service.reason}")
    related = [(service.location, service.reason)]
    if service.answer == "unknown":
        return unproven(
            image, f"{service.reason}: whether it is a service that needs a check is not known", related=related
        )
    if check is not None:
        return fail(
            check.step.location, "HEALTHCHECK NONE switches the check off; ask the service instead", related=related
        )
    if base.known is None and not base.is_scratch:
        why = f"no HEALTHCHECK here, and it is not known whether {base.label} has one"
        return unproven(image, why, related=related)
    stranger = checked_stranger(image)
    if stranger is not None:
        location, what = stranger
        why = f"{service.reason}; {what}, which may be this image: nothing here says what it is called"
        return unproven(image, why, related=[*related, (location, "the check")])
    platform = platform_of(image)
    if platform is not None:
        why = f"{service.reason}; no HEALTHCHECK, and whether what {platform} sets up checks its health is not read"
        return unproven(image, why, related=[*related, (Location(platform), "says how it is run")])
    message = f"{service.reason}, but nothing checks its health; add HEALTHCHECK, or a check where it is run"
    return fail(image, message, related=related)


def _checks(image: FinalStage, check: Setting | None, base: ImageBase) -> Iterator[tuple[Location, str]]:
    """Everything that checks the health of containers of this image."""
    if check is not None and not _is_none(check):
        yield check.step.location, "HEALTHCHECK"
    elif check is None and base.known is not None and base.known.has_healthcheck:
        yield base.location, f"{base.label} brings its own HEALTHCHECK"
    for run in compose_runs(image):
        if run.healthcheck:
            yield run.location, f"compose checks {run.owner}"
    for workload, container in workload_containers(image):
        probe = probe_of(container)
        if probe is not None:
            yield workload.place(probe), f"{workload.title} probes it"


def _is_none(check: Setting) -> bool:
    return bool(check.step.words) and check.step.words[0].upper() == "NONE"
