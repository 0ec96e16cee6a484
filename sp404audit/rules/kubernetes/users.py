"""As whom containers run on Kubernetes."""

from __future__ import annotations

import re

from sp404audit.documents.kubernetes.manifest import Container, Setting, is_placeholder
from sp404audit.documents.kubernetes.workloads import Workload
from sp404audit.records import NamedTuple
from sp404audit.results import Edit, Fix, Location
from sp404audit.rules import Verdict, Verdicts, fail, not_applicable, passed, rule, unproven


@rule(
    "kubernetes/run-as-non-root",
    severity="high",
    equivalents=["checkov:CKV_K8S_23", "trivy:KSV-0012", "kube-linter:run-as-non-root"],
    cwe=[250],
    controls=["CIS Kubernetes 5.2.7"],
)
def run_as_non_root(workload: Workload) -> Verdicts:
    """Containers on Kubernetes run as a user that is not root.

    Unless told otherwise a container runs as the user of its image, which is root in most. Whoever breaks out of such
    a container is root on the node. What the container says counts before what its pod says; init and ephemeral
    containers count like the others. `runAsNonRoot: true` makes Kubernetes refuse an image that runs as root.

    Fix: set `runAsNonRoot: true`, or `runAsUser` to a number above 0, in the security context of the pod.

    Passes:
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          template:
            spec:
              securityContext:
                runAsNonRoot: true
              containers:
                - name: api
                  image: registry.example.com/api:1.4.2

    Passes (the container's own setting counts):
        apiVersion: v1
        kind: Pod
        metadata:
          name: api
        spec:
          securityContext:
            runAsNonRoot: false
          containers:
            - name: api
              image: registry.example.com/api:1.4.2
              securityContext:
                runAsUser: 10001

    Fails (nothing is set):
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          template:
            spec:
              containers:
                - name: api
                  image: registry.example.com/api:1.4.2

    Fails (the init container runs as root):
        apiVersion: v1
        kind: Pod
        metadata:
          name: api
        spec:
          securityContext:
            runAsUser: 10001
          initContainers:
            - name: permissions
              image: registry.example.com/tools:2.0.1
              securityContext:
                runAsUser: 0
          containers:
            - name: api
              image: registry.example.com/api:1.4.2

    Unproven (a kustomization changes it):
        --- overlay/kustomization.yaml
        resources:
          - ../base/pod.yaml
        patches:
          - target:
              kind: Pod
            patch: |
              - op: add
                path: /spec/securityContext
                value: {runAsNonRoot: true}
        --- base/pod.yaml
        apiVersion: v1
        kind: Pod
        metadata:
          name: api
        spec:
          containers:
            - name: api
              image: registry.example.com/api:1.4.2
    """
    if workload.runs_windows:
        yield not_applicable(workload, f"{workload.title} runs on Windows, which has no root")
        return
    findings = [_judge(workload, container) for container in workload.fact.containers]
    changed = next((patch for patch in workload.patches if _may_set_user(patch.text)), None)
    if changed is not None and any(finding.kind == "fail" for finding in findings):
        why = f"{workload.title}: a kustomization may set the user of its containers"
        yield unproven(workload, why, related=[(changed.location, "the change")])
        return
    if workload.fact.kind == "DeploymentConfig" and all(finding.setting is None for finding in findings):
        yield unproven(workload, f"{workload.title}: OpenShift gives its containers a user, unless its policies differ")
        return
    silent = [finding for finding in findings if finding.kind == "fail" and finding.setting is None]
    if silent:
        yield _nothing_set(workload, silent)
    seen: set[Location] = set()
    for finding in findings:
        if finding.setting is None or finding.kind == "pass" or finding.where in seen:
            continue
        seen.add(finding.where)
        if finding.kind == "fail":
            yield fail(finding.where, finding.message, fix=_to_non_root(finding))
        else:
            yield unproven(finding.where, finding.message)
    if all(finding.kind == "pass" for finding in findings):
        first = findings[0]
        evidence = [(finding.where, finding.message) for finding in findings[1:]]
        yield passed(first.where, f"{workload.title}: {first.message}", related=evidence)


class _Finding(NamedTuple):
    kind: str
    container: Container
    setting: Setting | None
    where: Location
    message: str


def _judge(workload: Workload, container: Container) -> _Finding:
    """What is known of the user of one container."""
    user, non_root = workload.effective(container, "runAsUser"), workload.effective(container, "runAsNonRoot")

    def finding(kind: str, setting: Setting | None, message: str) -> _Finding:
        where = workload.place(container if setting is None else setting)
        return _Finding(kind, container, setting, where, message)

    name = f"container {container.name}" if container.name else "a container"
    if user is not None:
        number = _number(user.value)
        if number is not None and number > 0:
            return finding("pass", user, f"{name} runs as user {number}")
        if number is None and is_placeholder(user.value):
            return finding("open", user, f"{workload.title}: the user of {name} is filled in by another tool")
        what = "user 0, which is root" if number == 0 else f"{user.value!r}, which is no user's number"
        return finding("fail", user, f"{workload.title}: {name} runs as {what}")
    if non_root is None:
        return finding("fail", None, name)
    if non_root.value is True:
        return finding("pass", non_root, f"{name} must not run as root")
    if is_placeholder(non_root.value):
        return finding("open", non_root, f"{workload.title}: runAsNonRoot of {name} is filled in by another tool")
    return finding("fail", non_root, f"{workload.title}: runAsNonRoot is not true, so {name} may run as root")


def _number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value) else None


def _nothing_set(workload: Workload, silent: list[_Finding]) -> Verdict:
    """One result for all containers of which nothing says as whom they run."""
    names = ", ".join(finding.container.name or "nameless" for finding in silent)
    plural = "s" if len(silent) > 1 else ""
    message = f"{workload.title}: nothing keeps container{plural} {names} from running as root; set runAsNonRoot: true"
    related = [(finding.where, "this one too") for finding in silent[1:]]
    fix = None
    place = workload.fact.insertion
    has_context = any(setting.name.startswith("securityContext") for setting in workload.fact.settings)
    if place is not None and not has_context:
        text = f"securityContext:\n{' ' * (place.start_column + 1)}runAsNonRoot: true\n{' ' * (place.start_column - 1)}"
        edit = Edit(workload.location.path, place, text)
        fix = Fix("Set runAsNonRoot for the pod", (edit,), safe=False)
    return fail(silent[0].where, message, fix=fix, related=related)


def _to_non_root(finding: _Finding) -> Fix | None:
    if finding.setting is None or finding.setting.value is not False:
        return None
    edit = Edit(finding.where.path, finding.where.region, "true")
    return Fix("Set runAsNonRoot to true", (edit,), safe=False)


def _may_set_user(patch: str) -> bool:
    """Tell whether a patch may set the user; one in a file of its own is not read, and may."""
    return not patch or "runAs" in patch or "securityContext" in patch
