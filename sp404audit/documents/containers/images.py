"""Container images by name: the reference grammar, where images are used, and what a build is asked to make.

The grammar is that of the distribution project (`distribution/reference`, "grammar" in reference.go): a name that
starts with no host is one of Docker Hub, and one without a namespace there is in `library/`.
"""

from __future__ import annotations

import re
from functools import cache

from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["BuildRequest", "ImageReference", "ImageUse", "name_of", "parse_reference"]

DEFAULT_REGISTRY = "docker.io"
_MAXIMAL_LENGTH = 1024
"""Longer texts are no references: names end at 255 characters, tags at 128, digests soon after."""
_MAXIMAL_NAME = 255


@cache
def _reference_pattern() -> re.Pattern[str]:
    label = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
    host = rf"(?:{label}(?:\.{label})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
    part = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
    digest = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
    return re.compile(
        rf"(?:(?P<host>{host})/)?(?P<path>{part}(?:/{part})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>{digest}))?",
        re.ASCII,
    )


class ImageReference(NamedTuple):
    """The parts of an image's name.

    Attributes:
        registry: the host that serves it, `docker.io` unless the name says another.
        repository: the path on that host, `library/python` for the short `python`.
        tag: as written; None when there is none.
        digest: as written (`sha256:…`); None when there is none.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """The full name without tag and digest: `docker.io/library/python`."""
        return f"{self.registry}/{self.repository}"

    @property
    def familiar(self) -> str:
        """The name as people write it: `python`, `grafana/loki`, `ghcr.io/acme/api`."""
        if self.registry != DEFAULT_REGISTRY:
            return self.name
        return self.repository.removeprefix("library/")

    @property
    def effective_tag(self) -> str | None:
        """The tag that is pulled: `latest` when neither a tag nor a digest is given, None for a mere digest."""
        return self.tag or (None if self.digest else "latest")


def parse_reference(text: str) -> ImageReference | None:
    """Take an image's name apart; None when the text is no valid reference (a variable in it, upper case, …)."""
    if len(text) > _MAXIMAL_LENGTH:
        return None
    host, slash, _ = text.partition("/")
    # A first part is a host only if it could be no namespace: it holds a dot, a colon or upper case, or is localhost.
    has_host = bool(slash) and (host == "localhost" or any(mark in host for mark in ".:[") or host != host.lower())
    match = _reference_pattern().fullmatch(text if has_host else f"{DEFAULT_REGISTRY}/{text}")
    if match is None or match["host"] is None:
        return None
    registry = DEFAULT_REGISTRY if match["host"] == "index.docker.io" else match["host"]
    repository = match["path"]
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"library/{repository}"
    if len(registry) + 1 + len(repository) > _MAXIMAL_NAME:
        return None
    return ImageReference(registry, repository, match["tag"], match["digest"])


def name_of(text: str) -> str | None:
    """The full name, without tag and digest, of a reference whose tag may hang on a variable.

    `ghcr.io/acme/api:${{ github.sha }}` and `ghcr.io/acme/api:${TAG}` are both `ghcr.io/acme/api`. None when a variable
    stands in the name itself.
    """
    before, variable, _ = text.partition("$")
    if variable:
        folder, slash, last = before.rpartition("/")
        path, tag, _ = last.partition(":")
        if not tag or (not slash and "/" in _variables().sub("", text)):
            return None
        text = folder + slash + path
    reference = parse_reference(text)
    return None if reference is None else reference.name


@cache
def _variables() -> re.Pattern[str]:
    return re.compile(r"\$\{\{[^{}]*\}\}|\$\{[^{}]*\}")


class ImageUse(NamedTuple):
    """A place that names an image to be pulled.

    Names of build stages, `scratch`, and a service that is built from source without naming an image are no uses.

    Attributes:
        location: of the reference.
        text: the reference as written, variables and all.
        value: the reference with its variables replaced by what the repository says (defaults of ARG, `.env`,
            `${TAG:-1.2}`); None when it hangs on something that the repository does not tell.
        origin: where the name stands: `FROM`, `COPY --from`, `RUN --mount`, `compose`, `kubernetes`, `container`
            (a workflow job's), `services` (a workflow job's), `docker-action` (`uses: docker://…`), `script`.
        owner: the stage, service, container or job that uses it; empty when nameless.
    """

    location: Location
    text: str
    value: str | None
    origin: str
    owner: str = ""

    @property
    def reference(self) -> ImageReference | None:
        """The parts of the resolved reference; None when it is not known or not valid."""
        return None if self.value is None else parse_reference(self.value)


class BuildRequest(NamedTuple):
    """Somebody asks for an image to be built: a compose service, docker/build-push-action, `docker build` in a script.

    Paths are relative to the repository's root, normalised, with `/`; the root itself is the empty string.

    Attributes:
        location: of the request (compose `build`, the step, the command).
        context: the folder that is sent to the builder; None when it is not known or not in the repository (a git URL).
        dockerfile: the Dockerfile's path, defaults applied (`<context>/Dockerfile`); None when it is not known.
        target: the stage to build; None means the last one.
        args: build arguments as (name, value); value None when it is not known from the repository.
        tags: names the image gets (`image:` beside `build:`, `tags:`, `-t`), variables resolved as far as possible.
        origin: `compose`, `workflow`, `bake`, `script` or `action` (a Docker action, which GitHub builds).
        owner: the service, job or script that asks.
        user: the user that overrides the image's own at run time (compose `user:`); None when none does.
        healthcheck: whether the service has a health check of its own: True, False (switched off), None (says nothing).
        contexts: named build contexts (compose `additional_contexts`, `--build-context`), which stand for images.
        target_known: False when a target is asked for that the repository does not tell (`target: ${{ inputs.t }}`).
    """

    location: Location
    context: str | None
    dockerfile: str | None
    target: str | None = None
    args: tuple[tuple[str, str | None], ...] = ()
    tags: tuple[str, ...] = ()
    origin: str = ""
    owner: str = ""
    user: str | None = None
    healthcheck: bool | None = None
    contexts: tuple[str, ...] = ()
    target_known: bool = True
