"""Kubernetes manifests: files of objects, in YAML or JSON, one or many a file, and in lists.

Objects are subjects where they stand (`Manifest`); what runs containers becomes a fact (`WorkloadFact`), since
kustomizations elsewhere may change it. The fields: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents import yaml_tree
from sp404audit.documents.containers.images import ImageUse
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import DocumentError, Problem, Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar, Sequence
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Region

__all__ = ["Container", "Kubernetes", "Manifest", "Setting", "WorkloadFact", "is_placeholder", "parse"]

MAX_SETTINGS = 200
"""How many settings of one container or pod are kept."""

_POD_PATHS: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "ScheduledJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "PodTemplate": ("template", "spec"),
    "ScaledJob": ("spec", "jobTargetRef", "template", "spec"),
}
_USUAL_POD_PATH = ("spec", "template", "spec")
"""Where Deployments and all that resembles them, of whatever API, keep their pods."""
_USUAL_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job")

_CONTAINERS = (("containers", "container"), ("initContainers", "init"), ("ephemeralContainers", "ephemeral"))
_CONTAINER_SETTINGS = (
    "securityContext", "resources", "livenessProbe", "readinessProbe", "startupProbe", "ports", "imagePullPolicy",
    "restartPolicy",
)  # fmt: skip
_POD_SETTINGS = (
    "securityContext", "hostNetwork", "hostPID", "hostIPC", "hostUsers", "serviceAccountName", "serviceAccount",
    "automountServiceAccountToken", "os", "nodeSelector", "volumes", "restartPolicy", "runtimeClassName",
)  # fmt: skip


class Setting(NamedTuple):
    """One field that is set.

    Attributes:
        name: its path, `securityContext.capabilities.drop.0`.
        value: by the YAML core schema; the text of a quoted scalar; None for null.
        region: of the value.
    """

    name: str
    value: bool | int | float | str | None
    region: Region


class Container(NamedTuple):
    """One container of a pod.

    Attributes:
        name: as written; empty when there is none.
        role: `container`, `init` or `ephemeral`.
        image: as written; None when there is none.
        region: where it begins.
        settings: what is set of security context, resources, probes, ports and policies.
    """

    name: str
    role: str
    image: str | None
    region: Region
    settings: tuple[Setting, ...]

    def setting(self, name: str) -> Setting | None:
        """What is set under a path; None when it is not set, or null."""
        return _setting(self.settings, name)

    def has(self, name: str) -> bool:
        """Tell whether anything is set below a path: `has("livenessProbe")`."""
        return any(each.name == name or each.name.startswith(f"{name}.") for each in self.settings)


class WorkloadFact(NamedTuple):
    """An object that runs containers.

    Attributes:
        location: of the object.
        kind: `Deployment`.
        name: `metadata.name`.
        namespace: `metadata.namespace`; empty when it is not set.
        labels: of the pods.
        replicas: as written; None when it is not set or no number.
        settings: what is set of the pod itself.
        containers: all of them, init and ephemeral ones after the others; in a patch without images, or none.
        insertion: where a field of the pod may be added, by text that ends with a line end and the indent of that
            place; None in flow style and JSON.
    """

    location: Location
    kind: str
    name: str
    namespace: str
    labels: tuple[tuple[str, str], ...]
    replicas: int | None
    settings: tuple[Setting, ...]
    containers: tuple[Container, ...]
    insertion: Region | None

    def setting(self, name: str) -> Setting | None:
        """What is set of the pod under a path; None when it is not set, or null."""
        return _setting(self.settings, name)


def _setting(settings: tuple[Setting, ...], name: str) -> Setting | None:
    for setting in settings:
        if setting.name == name:
            return None if setting.value is None else setting
    return None


def is_placeholder(value: object) -> bool:
    """Tell whether a value is to be filled in by another tool: `${TAG}`, `{{ .Values.tag }}`, `<tag>`, `%TAG%`."""
    if not isinstance(value, str):
        return False
    text = value.strip()
    marked = "$" in text or "{{" in text or "__" in text
    return marked or (text.startswith("<") and text.endswith(">")) or (text.startswith("%") and text.endswith("%"))


class Manifest:
    """One object of a file.

    Attributes:
        path: of the file.
        node: the object.
        kind: `kind`; empty when it is missing.
        api: `apiVersion`; empty when it is missing.
    """

    kinds = ("kubernetes",)
    __slots__ = ("api", "kind", "node", "path")

    def __init__(self, path: str, node: Mapping) -> None:
        self.path = path
        self.node = node
        self.kind = yaml_tree.text(node.get("kind")) or ""
        self.api = yaml_tree.text(node.get("apiVersion")) or ""

    @property
    def location(self) -> Location:
        """Where it begins."""
        return Location(self.path, self.node.region)

    def metadata(self, name: str) -> str:
        """A field of its metadata: `name`, `namespace`; empty when it is not set."""
        return yaml_tree.text(self.at("metadata", name)) or ""

    def at(self, *path: str) -> Node | None:
        """The node under a path of keys; None when there is none."""
        node: Node | None = self.node
        for key in path:
            node = node.get(key) if isinstance(node, Mapping) else None
        return node

    @property
    def pod(self) -> Mapping | None:
        """The specification of the pods that it runs, or a part of it in a patch; None when it runs none."""
        node = self.at(*_POD_PATHS.get(self.kind, _USUAL_POD_PATH))
        if not isinstance(node, Mapping):
            return None
        known = self.kind in _USUAL_KINDS or self.kind in _POD_PATHS
        return node if known or any(isinstance(node.get(key), Sequence) for key, _ in _CONTAINERS) else None


class Kubernetes(Document):
    """A file of manifests."""

    kinds = ("kubernetes",)

    def __init__(self, source: Source, manifests: list[Manifest]) -> None:
        from sp404audit.documents.monitoring import manifests as monitoring_manifests

        super().__init__(source)
        self.manifests = manifests
        self.monitoring: list[monitoring_manifests.Monitoring] = []
        for manifest in manifests:
            found = monitoring_manifests.read(manifest.node, source)
            if any(found):
                self.monitoring.append(found)
                self.problems += found.problems

    def subjects(self) -> Iterator[object]:
        """Yield the file, its objects, and the configurations of monitoring in them."""
        yield self
        yield from self.manifests
        for found in self.monitoring:
            yield from found.subjects

    def facts(self) -> Iterator[Fact]:
        """Yield workloads, the images and commands that they run, and what is there of monitoring and backups."""
        from sp404audit.documents.kubernetes.jobs import job_facts

        for manifest in self.manifests:
            pod = manifest.pod
            if pod is not None:
                workload = _workload(manifest, pod, self.source)
                yield workload
                yield from _image_uses(manifest.path, pod)
            yield from job_facts(manifest, self.source, self.problems)
        for found in self.monitoring:
            yield from found.facts


def parse(source: Source) -> Kubernetes:
    """Read a file of manifests.

    Raises:
        DocumentError: when nothing of it can be read, or it is a template that a tool must fill in first.
    """
    if source.path.endswith(".json"):
        from sp404audit.documents import json_tree

        roots: list[Node | None] = [json_tree.parse(source)]
        problems: list[Problem] = []
    else:
        stream = yaml_tree.parse_stream(source)
        roots, problems = stream.roots, stream.problems
        if problems and "{{" in source.text:
            message = "a template, not YAML before a tool fills it in: render it and audit what comes out"
            raise DocumentError("input/template", message, problems[0].region, level="note")
    document = Kubernetes(source, list(_manifests(source.path, roots)))
    document.problems = problems + document.problems
    return document


def _manifests(path: str, roots: list[Node | None]) -> Iterator[Manifest]:
    """The objects of a file, those in lists too, in order."""
    pending: list[Node | None] = list(reversed(roots))
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if isinstance(node, Sequence) and id(node) not in seen:
            seen.add(id(node))
            pending.extend(reversed(node.items))
        elif isinstance(node, Mapping) and id(node) not in seen:
            seen.add(id(node))
            items = node.get("items")
            if isinstance(items, Sequence) and (yaml_tree.text(node.get("kind")) or "").endswith("List"):
                pending.extend(reversed(items.items))
            elif "kind" in node:
                yield Manifest(path, node)


def _workload(manifest: Manifest, pod: Mapping, source: Source) -> WorkloadFact:
    replicas = manifest.at("spec", "replicas")
    number = replicas.resolved if isinstance(replicas, Scalar) else None
    containers = [
        _container(item, role)
        for key, role in _CONTAINERS
        for item in yaml_tree.sequence(pod.get(key))
        if isinstance(item, Mapping)
    ]
    labels_path = (*_POD_PATHS.get(manifest.kind, _USUAL_POD_PATH)[:-1], "metadata", "labels")
    labels = manifest.at(*labels_path)
    pairs = labels.pairs() if isinstance(labels, Mapping) else ()
    return WorkloadFact(
        manifest.location,
        manifest.kind,
        manifest.metadata("name") or manifest.metadata("generateName"),
        manifest.metadata("namespace"),
        tuple((name, yaml_tree.text(value) or "") for name, _, value in pairs),
        number if isinstance(number, int) and not isinstance(number, bool) else None,
        _settings(pod, _POD_SETTINGS),
        tuple(containers),
        _insertion(pod, source),
    )


def _container(node: Mapping, role: str) -> Container:
    name, image = yaml_tree.text(node.get("name")) or "", yaml_tree.text(node.get("image"))
    return Container(name, role, image, node.region, _settings(node, _CONTAINER_SETTINGS))


def _settings(node: Mapping, names: tuple[str, ...]) -> tuple[Setting, ...]:
    """Every scalar below these keys with its path; an object or list that is empty counts as null."""
    found: list[Setting] = []
    pending: list[tuple[str, Node]] = []
    for name in reversed(names):
        value = node.get(name)
        if value is not None:
            pending.append((name, value))
    looked_at = 0
    while pending and len(found) < MAX_SETTINGS and looked_at < 10 * MAX_SETTINGS:
        looked_at += 1
        path, value = pending.pop()
        if isinstance(value, Scalar):
            found.append(Setting(path, value.resolved, value.region))
        elif isinstance(value, Mapping):
            inner = [(f"{path}.{key}", item) for key, _, item in value.pairs()]
            pending.extend(reversed(inner))
            if not inner:
                found.append(Setting(path, None, value.region))
        elif isinstance(value, Sequence):
            pending.extend(reversed([(f"{path}.{index}", item) for index, item in enumerate(value.items)]))
    return tuple(found)


def _insertion(pod: Mapping, source: Source) -> Region | None:
    """Before the key `containers`, when the pod is written in block style."""
    key = pod.key("containers")
    if key is None or source.path.endswith(".json") or source.text[pod.start.index : pod.start.index + 1] == "{":
        return None
    before = source.line(key.start.line + 1)[: key.start.column]
    if before.strip():
        return None
    line, column = key.start.line + 1, key.start.column + 1
    return Region(line, column, line, column)


def _image_uses(path: str, pod: Mapping) -> Iterator[ImageUse]:
    for key, _ in _CONTAINERS:
        for container in yaml_tree.sequence(pod.get(key)):
            image = container.get("image") if isinstance(container, Mapping) else None
            if isinstance(container, Mapping) and isinstance(image, Scalar) and image.value.strip():
                if yaml_tree.text(container.get("imagePullPolicy")) == "Never":
                    continue  # made on the node itself
                text = image.value.strip()
                value = None if is_placeholder(text) else text
                owner = yaml_tree.text(container.get("name")) or ""
                yield ImageUse(Location(path, image.region), text, value, "kubernetes", owner)
