from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents import loader
from sp404audit.documents.containers.images import ImageUse
from sp404audit.documents.kubernetes.kustomize import KustomizationFact, image_overrides, including
from sp404audit.documents.kubernetes.manifest import Kubernetes, Manifest, WorkloadFact, is_placeholder, parse
from sp404audit.documents.kubernetes.workloads import Workload
from sp404audit.documents.model import Fact, Repository
from sp404audit.documents.source import DocumentError, Source


def read(text: str, path: str = "manifest.yaml") -> Kubernetes:
    return parse(Source(path, text.encode()))


def workloads(text: str, path: str = "manifest.yaml") -> list[WorkloadFact]:
    return [fact for fact in read(text, path).facts() if isinstance(fact, WorkloadFact)]


def repository(files: dict[str, str]) -> Repository:
    facts: list[Fact] = []
    kinds = {}
    for path, text in sorted(files.items()):
        kinds[path] = "kustomization" if "kustomization" in path else "kubernetes" if "kind:" in text else "text"
        facts.extend(loader.load(kinds[path], Source(path, text.encode())).facts())
    return Repository(kinds, files, facts)


CONTAINERS = "containers: [{name: c, image: 'x:1'}]"
PODS = {
    "Pod": f"spec: {{{CONTAINERS}}}",
    "Deployment": f"spec: {{replicas: 3, template: {{metadata: {{labels: {{app: a}}}}, spec: {{{CONTAINERS}}}}}}}",
    "CronJob": f"spec: {{jobTemplate: {{spec: {{template: {{spec: {{{CONTAINERS}}}}}}}}}}}",
    "PodTemplate": f"template: {{spec: {{{CONTAINERS}}}}}",
    "Rollout": f"spec: {{template: {{spec: {{{CONTAINERS}}}}}}}",
}


@pytest.mark.parametrize("kind", PODS)
def test_every_kind_of_workload(kind: str) -> None:
    (fact,) = workloads(f"kind: {kind}\nmetadata: {{name: w, namespace: n}}\n{PODS[kind]}\n")
    assert (fact.kind, fact.name, fact.namespace) == (kind, "w", "n")
    assert [(each.name, each.role, each.image) for each in fact.containers] == [("c", "container", "x:1")]


def test_labels_and_replicas() -> None:
    (fact,) = workloads(f"kind: Deployment\n{PODS['Deployment']}\n")
    assert (fact.labels, fact.replicas) == ((("app", "a"),), 3)


def test_documents_and_lists_are_taken_apart() -> None:
    text = """
kind: List
items:
  - {kind: Pod, spec: {containers: [{image: 'a:1'}]}}
  - kind: PodList
    items:
      - {kind: Pod, spec: {containers: [{image: 'b:1'}]}}
---
# nothing
---
- {kind: Pod, spec: {containers: [{image: 'c:1'}]}}
---
just text
"""
    assert [fact.containers[0].image for fact in workloads(text)] == ["a:1", "b:1", "c:1"]


def test_json_manifests() -> None:
    text = json.dumps({"kind": "Pod", "spec": {"containers": [{"name": "c", "image": "x:1"}]}}, indent=1)
    (fact,) = workloads(text, "pod.json")
    assert (fact.containers[0].image, fact.containers[0].region.start_line) == ("x:1", 6)
    assert fact.insertion is None


def test_settings_keep_their_paths_and_places() -> None:
    text = """kind: Pod
spec:
  hostNetwork: true
  initContainers:
    - name: i
      image: x:1
      securityContext:
        capabilities: {drop: [ALL], add: []}
        runAsUser: "0"
  containers:
    - name: c
      image: x:1
      livenessProbe: {httpGet: {port: 80}}
      securityContext: {}
"""
    (fact,) = workloads(text)
    init = next(each for each in fact.containers if each.role == "init")
    host = fact.setting("hostNetwork")
    user = init.setting("securityContext.runAsUser")
    assert host is not None
    assert user is not None
    assert (host.value, host.region.start_line) == (True, 3)
    assert (user.value, user.region.start_line) == ("0", 9)
    assert init.setting("securityContext.capabilities.drop.0") is not None
    assert fact.containers[0].has("livenessProbe")
    assert not fact.containers[0].has("readinessProbe")
    assert fact.containers[0].setting("securityContext") is None


def test_images_are_told() -> None:
    text = "kind: Pod\nspec:\n  containers:\n    - {name: a, image: 'x:1'}\n    - {name: b, image: 'x:${TAG}'}\n"
    uses = [fact for fact in read(text).facts() if isinstance(fact, ImageUse)]
    assert [(use.owner, use.value, use.location.region.start_line) for use in uses] == [("a", "x:1", 4), ("b", None, 5)]


def test_objects_are_subjects() -> None:
    subjects = list(read("kind: Role\napiVersion: v1\nmetadata: {name: r}\n").subjects())
    (manifest,) = [subject for subject in subjects if isinstance(subject, Manifest)]
    assert (manifest.kind, manifest.api, manifest.metadata("name"), manifest.pod) == ("Role", "v1", "r", None)


def test_a_template_is_none_of_ours() -> None:
    with pytest.raises(DocumentError) as caught:
        read("kind: Pod\n{{- if .Values.x }}\nspec: {{ toYaml .Values.s | nindent 2 }}\n{{- end }}\n")
    assert (caught.value.problem.id, caught.value.problem.level) == ("input/template", "note")


def test_what_comes_before_an_error_is_kept() -> None:
    document = read("kind: Pod\nspec: {containers: [{image: 'a:1'}]}\n---\nkind: [\n")
    assert [manifest.kind for manifest in document.manifests] == ["Pod"]
    assert [problem.id for problem in document.problems] == ["yaml/syntax"]


def test_circles_and_odd_shapes_are_harmless() -> None:
    document = read(
        "kind: List\nitems: &a\n  - *a\n  - kind: Pod\n    spec: &s\n      containers: [*s, 1, {securityContext: *s}]\n"
        "  - {kind: [x], spec: 3}\n  - {kind: Deployment, spec: {template: []}}\n"
    )
    assert len(list(document.facts())) >= 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [("${UID}", True), ("{{ .Values.uid }}", True), ("<uid>", True), ("__UID__", True), ("%UID%", True),
     ("1000", False), (0, False), (None, False), ("a-b.c/d:1", False)],
)  # fmt: skip
def test_placeholders(value: object, expected: bool) -> None:
    assert is_placeholder(value) is expected


def test_kustomizations() -> None:
    files = {
        "base/kustomization.yaml": "resources: [a.yaml, 'https://example.com/x.yaml', ../../../etc]\n",
        "over/kustomization.yaml": "bases: [../base]\nnamespace: n\nimages: [{name: x, newTag: '2'}]\n",
    }
    found = repository(files)
    base, over = found.facts(KustomizationFact)
    assert (base.included, over.included, over.namespace) == (("base/a.yaml",), ("base",), "n")
    assert [fact.folder for fact in found.derived(including)["base/a.yaml"]] == ["base", "over"]
    assert found.derived(image_overrides) == {"x"}


_LINES = st.sampled_from(
    ["kind: Pod\n", "kind: List\n", "items:\n", "- kind: Deployment\n", "spec:\n", "  containers:\n", "  - image: x\n",
     "    securityContext: {runAsUser: 0}\n", "  template: &a\n", "    spec: *a\n", "---\n", "metadata: [\n", "spec: {{ x }}\n",  # noqa: E501
     "  securityContext: [1]\n", "kind: 3\n"]
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(_LINES, max_size=14).map("".join))
def test_any_manifest_is_read_or_refused(text: str) -> None:
    try:
        document = read(text)
    except DocumentError:
        return
    found = Repository({"manifest.yaml": "kubernetes"}, ["manifest.yaml"], document.facts())
    for workload in Workload.in_repository(found):
        assert workload.fact.containers
