"""What runs containers on Kubernetes, seen together with the kustomizations that may change it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sp404audit.documents.kubernetes.kustomize import KustomizationFact, Patch, including
from sp404audit.documents.kubernetes.manifest import Container, Setting, WorkloadFact
from sp404audit.documents.model import Repository
from sp404audit.results import Location

__all__ = ["Workload"]


class Workload:
    """A Deployment, StatefulSet, DaemonSet, Job, CronJob, Pod or anything else that holds a pod.

    Attributes:
        fact: what its manifest says.
        patches: the changes that kustomizations in the repository make to it.
    """

    kinds = ("kubernetes", "kustomization")
    __slots__ = ("fact", "patches")

    def __init__(self, fact: WorkloadFact, patches: tuple[Patch, ...] = ()) -> None:
        self.fact = fact
        self.patches = patches

    @staticmethod
    def in_repository(repository: Repository) -> Iterator[Workload]:
        """Yield every workload; manifests that are only patches are none."""
        overlays = repository.derived(including)
        written: dict[str, list[WorkloadFact]] = {}
        for fact in repository.facts(WorkloadFact):
            written.setdefault(fact.location.path, []).append(fact)
        patches = [patch for fact in repository.facts(KustomizationFact) for patch in fact.patches]
        patch_files = {patch.path for patch in patches if patch.path}
        plain = repository.files("kubernetes")
        for path, facts in written.items():
            if path in patch_files:
                continue
            changes = [
                patch
                for overlay in overlays.get(path, ())
                for patch in overlay.patches
                if patch.path not in plain or patch.path in written
            ]
            for fact in facts:
                if any(container.image for container in fact.containers):
                    found = (patch for patch in changes if _is_for(patch, fact, written.get(patch.path, ())))
                    yield Workload(fact, tuple(found))

    @property
    def location(self) -> Location:
        """Where its manifest begins."""
        return self.fact.location

    @property
    def title(self) -> str:
        """What people call it: `Deployment api`."""
        return f"{self.fact.kind} {self.fact.name}".rstrip()

    def place(self, part: Setting | Container) -> Location:
        """The place of a setting or a container."""
        return Location(self.fact.location.path, part.region)

    @property
    def runs_windows(self) -> bool:
        """Whether its pods run on Windows, where users have no numbers."""
        names = ("os.name", "nodeSelector.kubernetes.io/os", "nodeSelector.beta.kubernetes.io/os")
        return any((setting := self.fact.setting(name)) is not None and setting.value == "windows" for name in names)

    def effective(self, container: Container, name: str) -> Setting | None:
        """A field of the security context that counts for a container: its own, else the pod's."""
        path = f"securityContext.{name}"
        return container.setting(path) or self.fact.setting(path)


def _is_for(patch: Patch, fact: WorkloadFact, changes: Sequence[WorkloadFact]) -> bool:
    """Tell whether a patch may be for a workload: by its target, else by what its file, read as manifests, says."""
    if not patch.kind and not patch.name and changes:
        return any((change.kind, change.name) == (fact.kind, fact.name) for change in changes)
    if patch.kind and patch.kind != fact.kind:
        return False
    if not patch.name or re.search(r"[^\w.-]", patch.name):
        return True
    return patch.name.rstrip(".*") in fact.name
