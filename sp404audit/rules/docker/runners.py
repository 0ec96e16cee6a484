"""Who runs an image that this repository builds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.documents.containers.built_images import FinalStage
from sp404audit.documents.containers.images import parse_reference
from sp404audit.documents.model import Repository

if TYPE_CHECKING:
    from sp404audit.documents.kubernetes.manifest import Container
    from sp404audit.documents.kubernetes.workloads import Workload

__all__ = ["workload_containers"]


def workload_containers(image: FinalStage) -> Iterator[tuple[Workload, Container]]:
    """Yield the containers of Kubernetes workloads that run the image, found by its name."""
    by_name = image.repository.derived(_containers)
    for name in sorted(image.names):
        yield from by_name.get(name, ())


def _containers(repository: Repository) -> dict[str, list[tuple[Workload, Container]]]:
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
