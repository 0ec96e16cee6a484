"""Who runs an image that this repository builds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.documents.containers.built_images import FinalStage
from sp404audit.documents.containers.images import parse_reference
from sp404audit.documents.model import Repository
from sp404audit.records import NamedTuple
from sp404audit.results import Location

if TYPE_CHECKING:
    from sp404audit.documents.kubernetes.manifest import Container
    from sp404audit.documents.kubernetes.workloads import Workload

__all__ = ["ComposeRun", "compose_runs", "containers_by_image", "pulled_by_compose", "workload_containers"]


class ComposeRun(NamedTuple):
    """A compose service that runs an image.

    Attributes:
        location: where it says so.
        owner: the service.
        user: the user that it sets; None when it sets none.
        healthcheck: whether it has a health check of its own: True, False (switched off), None (says nothing).
    """

    location: Location
    owner: str
    user: str | None
    healthcheck: bool | None


def compose_runs(image: FinalStage) -> list[ComposeRun]:
    """The services that build the image, and those that pull what another builds, found by its name."""
    built = (request for request in image.requests if request.origin == "compose")
    found = [ComposeRun(each.location, each.owner, each.user, each.healthcheck) for each in built]
    by_name = image.repository.derived(pulled_by_compose)
    return found + [run for name in sorted(image.names) for run in by_name.get(name, ())]


def pulled_by_compose(repository: Repository) -> dict[str, list[ComposeRun]]:
    """The compose services that pull their image, by its full name; ask by `Repository.derived`."""
    if not repository.files("compose"):
        return {}
    from sp404audit.documents.compose.builds import healthcheck_of
    from sp404audit.documents.compose.project import Service

    found: dict[str, list[ComposeRun]] = {}
    for service in Service.in_repository(repository):
        reference, image = service.image_reference, service.get("image")
        if reference is not None and image is not None:
            user = service.text(service.get("user"))
            run = ComposeRun(image.location, service.name, user, healthcheck_of(service))
            found.setdefault(reference.name, []).append(run)
    return found


def workload_containers(image: FinalStage) -> Iterator[tuple[Workload, Container]]:
    """Yield the containers of Kubernetes workloads that run the image, found by its name."""
    by_name = image.repository.derived(containers_by_image)
    for name in sorted(image.names):
        yield from by_name.get(name, ())


def containers_by_image(repository: Repository) -> dict[str, list[tuple[Workload, Container]]]:
    """The containers of workloads by the full name of their image; ask by `Repository.derived`."""
    if not repository.files("kubernetes"):
        return {}
    from sp404audit.documents.kubernetes.workloads import Workload

    found: dict[str, list[tuple[Workload, Container]]] = {}
    for workload in Workload.in_repository(repository):
        for container in workload.fact.containers:
            reference = parse_reference(container.image or "")
            if reference is not None:
                found.setdefault(reference.name, []).append((workload, container))
    return found
