"""References to images say which image they mean."""

from __future__ import annotations

from sp404audit.documents.containers.built_images import ExternalImage
from sp404audit.documents.containers.images import ImageUse
from sp404audit.rules import Verdicts, fail, passed, rule, unproven

_PULLED_BY_SCRIPT = "script"
_DOCKER_ACTION = "docker-action"


@rule(
    "images/no-latest-tag",
    severity="medium",
    equivalents=[
        "hadolint:DL3007",
        "checkov:CKV_DOCKER_7",
        "trivy:DS-0001",
        "kics:f45ea400-6bbe-4501-9fc7-1c3d75c32067",
        "semgrep:avoid-latest-version",
        "dclint:service-image-require-explicit-tag",
        "compose-lint:CL-0004",
        "dockle:DKL-DI-0006",
    ],
    precision="very-high",
)
def no_latest_tag(image: ExternalImage) -> Verdicts:
    """Image references name a version instead of `latest`.

    `latest` is whatever was pushed last. The same commit builds or deploys something else tomorrow, a rollback does not
    bring back what ran before, and nobody can tell which version has a vulnerability. A name without a tag means
    `latest` too.

    Fix: name the version that is in use now (`python:3.13-slim`), better with its digest.

    Passes:
        ARG PYTHON=3.13
        FROM python:${PYTHON}-slim

    Passes (a stage and a digest are versions enough):
        FROM alpine@sha256:4bcff63911fcb4448bd4fdacec207030997caf25e9bea4045fa6c8c44de311d1 AS base
        FROM base

    Fails:
        FROM python:latest

    Fails (by default):
        --- compose.yaml
        services:
          web:
            image: nginx:${NGINX_TAG:-latest}

    Fails (without a tag it is latest):
        --- k8s/pod.yaml
        apiVersion: v1
        kind: Pod
        metadata: {name: cache}
        spec:
          containers:
            - name: cache
              image: redis

    Unproven:
        ARG BASE
        FROM ${BASE}
    """
    use = image.use
    reference = image.reference
    if reference is None:
        if use.text.endswith(":latest") or (use.value or "").endswith(":latest"):
            yield fail(image, f"{use.text} is whatever was pushed last; name a version")
        else:
            yield unproven(image, _why_unknown(use))
    elif _is_latest(reference.effective_tag) and reference.digest is None:
        shown = use.value if "$" not in use.text else f"{use.text} (by default {use.value})"
        if reference.tag is None:
            yield fail(image, f"{shown} names no version, so latest is pulled, whatever that is; add a version")
        else:
            yield fail(image, f"{shown} is whatever was pushed last; name a version")
    else:
        yield passed(image, f"{use.value} names a version")


@rule(
    "images/digest-pinned",
    severity="low",
    equivalents=[
        "semgrep:dockerfile-source-not-pinned",
        "compose-lint:CL-0019",
        "scorecard:PinnedDependenciesID",
    ],
    cwe=[494],
    precision="very-high",
)
def digest_pinned(image: ExternalImage) -> Verdicts:
    """External base and service images are pinned by digest.

    A tag is a name that its owner, or whoever has the owner's password, can move at any time. A digest is the content
    itself: what was reviewed and tested is what is built on and what runs. The tag may stay in the name, for people.

    Fix: add the digest behind the tag (`docker buildx imagetools inspect NAME` shows it) and let Renovate or Dependabot
    raise both together.

    Passes:
        FROM python:3.13-slim@sha256:4bcff63911fcb4448bd4fdacec207030997caf25e9bea4045fa6c8c44de311d1 AS build
        FROM scratch
        COPY --from=build /srv /srv

    Fails:
        FROM python:3.13-slim

    Fails (the images of services count as well):
        --- compose.yaml
        services:
          proxy:
            image: nginx:1.28.0

    Unproven:
        ARG BASE
        FROM ${BASE}
    """
    use = image.use
    # What an action runs in is a matter of actions/pinned-uses; what a script pulls is neither base nor service.
    if use.origin in (_DOCKER_ACTION, _PULLED_BY_SCRIPT):
        return
    reference = image.reference
    if reference is None and use.value is None and "@sha256:" not in use.text:
        yield unproven(image, _why_unknown(use))
    elif "@sha256:" in (use.value or use.text):
        yield passed(image, "pinned by digest")
    elif reference is None:
        yield unproven(image, _why_unknown(use))
    else:
        yield fail(image, f"{use.value} is a name that its owner can move; add @sha256: and the digest")


def _is_latest(tag: str | None) -> bool:
    """Whether a tag is `latest`, or a variant of it: `latest-dev`, `latest-alpine`; `latest-2025-11` is a version."""
    return tag == "latest" or (tag is not None and tag.startswith("latest-") and not any(map(str.isdigit, tag)))


def _why_unknown(use: ImageUse) -> str:
    if use.value is None:
        return f"{use.text} hangs on a variable that the repository gives no value"
    return f"{use.value} is not a valid image name"
