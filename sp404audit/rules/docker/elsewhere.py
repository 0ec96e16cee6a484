"""What may check the health of an image's containers though it is not seen to run that very image."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from sp404audit.documents.containers.built_images import FinalStage
from sp404audit.documents.containers.images import parse_reference
from sp404audit.documents.containers.known_images import known_image
from sp404audit.documents.model import Repository
from sp404audit.results import Location
from sp404audit.rules.docker.runners import compose_runs, containers_by_image, pulled_by_compose

if TYPE_CHECKING:
    from sp404audit.documents.hcl.reader import Block
    from sp404audit.documents.kubernetes.manifest import Container
    from sp404audit.documents.kubernetes.manifest import Setting as Probe

__all__ = ["checked_stranger", "platform_of", "probe_of"]

_PLATFORM_FILES = frozenset(
    {"chart.yaml", "fly.toml", "render.yaml", "railway.json", "railway.toml", "koyeb.yaml", "dockerrun.aws.json"}
)
"""Helm, Fly.io, Render, Railway, Koyeb, Elastic Beanstalk: each has a setting of its own for health checks."""
_PLATFORM_RESOURCES = frozenset(
    {
        "aws_apprunner_service", "aws_ecs_task_definition", "azurerm_container_app", "azurerm_container_group",
        "azurerm_linux_web_app", "digitalocean_app", "google_cloud_run_service", "google_cloud_run_v2_service",
        "helm_release", "kubernetes_deployment", "kubernetes_deployment_v1", "nomad_job",
    }
)  # fmt: skip
"""Resources of Terraform that run containers, each with health checks of its own."""
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def probe_of(container: Container) -> Probe | None:
    """The probe of a container; None when it has none."""
    return next((setting for name in _PROBES for setting in container.settings if setting.name.startswith(name)), None)


def checked_stranger(image: FinalStage) -> tuple[Location, str] | None:
    """What checks an image that nobody in the repository is seen to build; it may be this one, which has no name."""
    if image.names or compose_runs(image):
        return None  # it is known what runs it
    return image.repository.derived(_checked_stranger)


def _checked_stranger(repository: Repository) -> tuple[Location, str] | None:
    built = {name for other in FinalStage.in_repository(repository) for name in other.names}
    for name, found in repository.derived(containers_by_image).items():
        probe = next(((workload, probe) for workload, each in found if (probe := probe_of(each)) is not None), None)
        if probe is not None and name not in built and _is_private(name):
            return probe[0].place(probe[1]), f"{probe[0].title} probes {name}"
    for name, runs in repository.derived(pulled_by_compose).items():
        run = next((run for run in runs if run.healthcheck), None)
        if run is not None and name not in built and _is_private(name):
            return run.location, f"compose checks {run.owner}, which runs {name}"
    return None


def _is_private(name: str) -> bool:
    """Whether an image is none of the public ones that are known."""
    reference = parse_reference(name)
    return reference is not None and known_image(reference) is None


def platform_of(image: FinalStage) -> str | None:
    """A file that may bring the check: of a Helm chart, or of a platform that asks services its own way."""
    if compose_runs(image):
        return None
    return image.repository.derived(_platform_file)


def _platform_file(repository: Repository) -> str | None:
    found = [path for path in repository.paths if _is_platform_file(path)]
    if repository.files("terraform"):
        from sp404audit.documents.terraform.file import TerraformFile

        found += [file.location.path for file in repository.facts(TerraformFile) if _runs_containers(file.body)]
    return min(found, default=None)


def _runs_containers(body: Block) -> bool:
    return any(block.labels and block.labels[0] in _PLATFORM_RESOURCES for block in body.nested("resource"))


def _is_platform_file(path: str) -> bool:
    name = posixpath.basename(path).lower()
    return name in _PLATFORM_FILES or name.replace("-", "").replace("_", "").startswith(("taskdef", "ecstask"))
