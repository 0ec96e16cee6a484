"""Services keep the isolation that a container gives them."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.compose.project import Service
from sp404audit.documents.values import Value, as_bool
from sp404audit.results import Edit, Fix
from sp404audit.rules import Verdicts, fail, passed, rule, unproven

_HOOKS = ("post_start", "pre_stop")


@rule(
    "compose/no-privileged",
    severity="critical",
    equivalents=[
        "kics:ae5b6871-7f45-42e0-bb4c-ab300c4d2026",
        "semgrep:privileged-service",
        "compose-lint:CL-0002",
    ],
    cwe=[250],
    controls=["CIS Docker 5.5"],
    precision="very-high",
)
def no_privileged(service: Service) -> Verdicts:
    """Services run without the privileged flag.

    A privileged container has every capability, every device of the host and no seccomp, AppArmor or SELinux
    confinement. Root in it is root on the host, two commands later.

    Fix: remove `privileged: true`. Where a service needs one privilege, give it that one with `cap_add` or `devices`.

    Passes:
        services:
          web:
            image: nginx:1.28

    Passes (an override takes the flag away again):
        --- compose.yaml
        services:
          web:
            image: nginx:1.28
            privileged: true
        --- compose.override.yaml
        services:
          web:
            privileged: false

    Fails:
        services:
          runner:
            image: docker:28-dind
            privileged: true

    Fails (through an anchor):
        x-defaults: &defaults
          restart: unless-stopped
          privileged: true
        services:
          worker:
            <<: *defaults
            image: ghcr.io/example/worker:1.4.0

    Unproven:
        services:
          runner:
            image: docker:28-dind
            privileged: ${RUNNER_PRIVILEGED}
    """
    found = False
    for what, value in _flags(service):
        flag = as_bool(service.text(value))
        if flag:
            found = True
            message = f"{what} is privileged: remove the flag, or add the one capability that it needs"
            remedy = Fix("take the flag away", (Edit(*value.location[:2], "false"),), safe=False)
            yield fail(value.location, message, fix=remedy)
        elif flag is None:
            found = True
            yield unproven(value.location, f"whether {what} is privileged depends on a variable without a value")
    if not found:
        yield passed(service.location, f"service {service.name} is not privileged")


def _flags(service: Service) -> Iterator[tuple[str, Value]]:
    """Yield each `privileged` of a service: its own, and those of the commands that compose runs in it."""
    own = service.get("privileged")
    if own is not None:
        yield f"service {service.name}", own
    for hook in _HOOKS:
        hooks = service.get(hook)
        for item in hooks.items if hooks is not None else ():
            value = item.get("privileged")
            if value is not None:
                yield f"the {hook} command of service {service.name}", value
