"""What compose asks to be built and what it pulls, once override files, extends and includes are merged."""

from __future__ import annotations

import posixpath

from sp404audit.documents.compose.file import pairs_of, texts_of
from sp404audit.documents.compose.project import Service
from sp404audit.documents.containers.images import BuildRequest, ImageUse
from sp404audit.documents.model import Repository
from sp404audit.documents.values import Value

__all__ = ["compose_images", "compose_requests", "healthcheck_of"]


def compose_requests(repository: Repository) -> tuple[BuildRequest, ...]:
    """One request for each merged service with `build`."""
    requests = []
    for service in Service.in_repository(repository):
        build = service.get("build")
        if build is not None and service.get("provider") is None:
            requests.append(_request(service, build))
    return tuple(requests)


def compose_images(repository: Repository) -> tuple[ImageUse, ...]:
    """One use for each merged service that pulls its image, variables replaced by what `.env` files say.

    With `pull_policy` `never` or `build` the image is one that was made on the machine.
    """
    uses: dict[ImageUse, None] = {}
    for service in Service.in_repository(repository):
        image = service.get("image")
        is_local = service.get("build") is not None or service.text(service.get("pull_policy")) in ("build", "never")
        if image is not None and image.text and not is_local:
            uses[ImageUse(image.location, image.text, service.text(image), "compose", service.name)] = None
    return tuple(uses)


def _request(service: Service, build: Value) -> BuildRequest:
    context = _context(service, build)
    target = build.get("target")
    target_name = service.text(target)
    contexts = build.get("additional_contexts")
    named = (value for value in (service.get("image"), *texts_of(build.get("tags"))) if value is not None)
    names = (service.text(value) or value.text for value in named)
    return BuildRequest(
        build.location,
        context,
        _dockerfile(service, build, context),
        target=target_name or None,
        args=tuple(
            (name, service.text(value) if value is not None else None) for name, value in pairs_of(build.get("args"))
        ),
        tags=tuple(name for name in names if name),
        origin="compose",
        owner=service.name,
        user=service.text(service.get("user")),
        healthcheck=healthcheck_of(service),
        contexts=tuple(name for name, _ in pairs_of(contexts)),
        target_known=target is None or target.is_null or target_name is not None,
    )


def _context(service: Service, build: Value) -> str | None:
    value = build if build.form == "scalar" else build.get("context")
    if value is None or value.is_null:
        # Without a context it is the folder of the file that says `build`.
        return service.path(".", build)
    return service.path(service.sketch(value), value)


def _dockerfile(service: Service, build: Value, context: str | None) -> str | None:
    if context is None or build.get("dockerfile_inline") is not None:
        return None
    value = build.get("dockerfile")
    name = "Dockerfile" if value is None or value.is_null else service.text(value)
    if not name or name.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(context, name))
    return None if path == ".." or path.startswith("../") else path


def healthcheck_of(service: Service) -> bool | None:
    """Whether a service has a health check of its own: False when it switches one off, None when it says nothing."""
    check = service.healthcheck
    if check is None or not (check.test or check.is_disabled):
        return None
    return not check.is_disabled
