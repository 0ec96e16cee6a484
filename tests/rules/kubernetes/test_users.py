from __future__ import annotations

import pytest

from sp404audit.documents import loader
from sp404audit.documents.kubernetes.workloads import Workload
from sp404audit.documents.model import Fact, Repository
from sp404audit.documents.source import Source
from sp404audit.rules.kubernetes.users import run_as_non_root

CONTAINERS = "containers: [{name: c, image: 'x:1'}]"


def repository(files: dict[str, str]) -> Repository:
    facts: list[Fact] = []
    kinds = {}
    for path, text in sorted(files.items()):
        kinds[path] = "kustomization" if "kustomization" in path else "kubernetes" if "kind:" in text else "text"
        facts.extend(loader.load(kinds[path], Source(path, text.encode())).facts())
    return Repository(kinds, files, facts)


def verdicts(spec: str, **files: str) -> list[tuple[str, int]]:
    """Kinds and lines of what the rule says of a pod with this specification."""
    text = "kind: Pod\nmetadata: {name: p}\nspec:\n" + spec
    found = repository({"pod.yaml": text, **files})
    result: list[tuple[str, int]] = []
    for workload in Workload.in_repository(found):
        for verdict in run_as_non_root(workload):
            where = verdict.where
            location = where.location if isinstance(where, Workload) else where
            result.append((verdict.kind, location.region.start_line))  # type: ignore[union-attr]
    return result


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (f"  {CONTAINERS}\n", [("fail", 4)]),
        (f"  securityContext: {{runAsNonRoot: true}}\n  {CONTAINERS}\n", [("pass", 4)]),
        (f"  securityContext: {{runAsUser: 7}}\n  {CONTAINERS}\n", [("pass", 4)]),
        (f"  securityContext: {{runAsUser: '7'}}\n  {CONTAINERS}\n", [("pass", 4)]),
        (f"  securityContext: {{runAsUser: 0, runAsNonRoot: true}}\n  {CONTAINERS}\n", [("fail", 4)]),
        (f"  securityContext: {{runAsUser: 7, runAsNonRoot: false}}\n  {CONTAINERS}\n", [("pass", 4)]),
        (f"  securityContext: {{runAsNonRoot: false}}\n  {CONTAINERS}\n", [("fail", 4)]),
        (f"  securityContext: {{runAsNonRoot: null}}\n  {CONTAINERS}\n", [("fail", 5)]),
        (f"  securityContext: {{runAsUser: app}}\n  {CONTAINERS}\n", [("fail", 4)]),
        (f"  securityContext: {{runAsUser: $UID}}\n  {CONTAINERS}\n", [("open", 4)]),
        (f"  os: {{name: windows}}\n  {CONTAINERS}\n", [("notApplicable", 1)]),
        (f"  nodeSelector: {{kubernetes.io/os: windows}}\n  {CONTAINERS}\n", [("notApplicable", 1)]),
        ("  securityContext: {runAsUser: 7}\n  containers:\n    - {image: 'x:1'}\n"
         "    - {image: 'x:1', securityContext: {runAsUser: 0}}\n", [("fail", 7)]),
        ("  containers:\n    - {image: 'x:1', securityContext: {runAsUser: 7}}\n  initContainers:\n"
         "    - {image: 'x:1'}\n", [("fail", 7)]),
        ("  containers:\n    - {image: 'x:1', securityContext: {runAsUser: 7}}\n  ephemeralContainers:\n"
         "    - {image: 'x:1', securityContext: {runAsNonRoot: false}}\n", [("fail", 7)]),
        ("  containers:\n    - {image: 'x:1'}\n    - {image: 'y:1'}\n    - {image: 'z:1', securityContext: {runAsUser: 0}}\n",  # noqa: E501
         [("fail", 5), ("fail", 7)]),
    ],
)  # fmt: skip
def test_as_whom_containers_run(spec: str, expected: list[tuple[str, int]]) -> None:
    assert verdicts(spec) == expected


STRATEGIC = "kind: Pod\nmetadata: {name: p}\nspec: {securityContext: {runAsNonRoot: true}}\n"


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"kustomization.yaml": "resources: [pod.yaml]\n"}, "fail"),
        ({"o/kustomization.yaml": "resources: [../pod.yaml]\npatches: [{path: p.yaml}]\n", "o/p.yaml": STRATEGIC}, "open"),  # noqa: E501
        ({"o/kustomization.yaml": "resources: [../pod.yaml]\npatches: [{path: p.yaml}]\n",
          "o/p.yaml": STRATEGIC.replace("name: p", "name: q")}, "fail"),
        ({"kustomization.yaml": "resources: [pod.yaml]\n",
          "o/kustomization.yaml": "resources: [..]\npatchesStrategicMerge: [p.yaml]\n", "o/p.yaml": STRATEGIC}, "open"),
        ({"kustomization.yaml": "resources: [pod.yaml]\npatches: [{target: {kind: Pod}, path: six.yaml}]\n",
          "six.yaml": "- {op: add}\n"}, "open"),
        ({"kustomization.yaml": "resources: [pod.yaml]\npatches: [{target: {kind: Service}, path: six.yaml}]\n"}, "fail"),  # noqa: E501
        ({"kustomization.yaml": "resources: [pod.yaml]\npatches: [{patch: 'kind: Pod\n\n  replicas: 2'}]\n"}, "fail"),
    ],
)  # fmt: skip
def test_kustomizations_may_change_it(files: dict[str, str], kind: str) -> None:
    assert [verdict for verdict, _ in verdicts(f"  {CONTAINERS}\n", **files)] == [kind]


def test_a_pod_may_be_mended() -> None:
    text = "kind: Pod\nspec:\n  containers:\n    - image: x:1\n"
    (workload,) = Workload.in_repository(repository({"p.yaml": text}))
    (verdict,) = run_as_non_root(workload)
    assert verdict.fix is not None
    (edit,) = verdict.fix.edits
    lines = text.splitlines(keepends=True)
    line, column = edit.region.start_line - 1, edit.region.start_column - 1
    lines[line] = lines[line][:column] + edit.text + lines[line][column:]
    (workload,) = Workload.in_repository(repository({"p.yaml": "".join(lines)}))
    assert [each.kind for each in run_as_non_root(workload)] == ["pass"]


def test_openshift_gives_its_containers_a_user() -> None:
    text = "kind: DeploymentConfig\nspec:\n  template:\n    spec:\n      containers:\n        - image: x:1\n"
    (workload,) = Workload.in_repository(repository({"p.yaml": text}))
    assert [verdict.kind for verdict in run_as_non_root(workload)] == ["open"]


def test_components_change_what_is_taken_in_beside_them() -> None:
    patch = "patches: [{target: {kind: Pod}, patch: '- {op: add, path: /spec/securityContext, value: {}}'}]\n"
    files = {
        "base/kustomization.yaml": "resources: [../pod.yaml]\n",
        "component/kustomization.yaml": f"kind: Component\n{patch}",
    }
    overlay = {"overlay/kustomization.yaml": "resources: [../base]\ncomponents: [../component]\n"}
    assert [kind for kind, _ in verdicts(f"  {CONTAINERS}\n", **files)] == ["fail"]
    assert [kind for kind, _ in verdicts(f"  {CONTAINERS}\n", **files, **overlay)] == ["open"]
