"""What is really built: the stages that somebody asks for, each with the arguments and the context of the request.

A Dockerfile that nobody in the repository builds is taken to be built as `docker build` would: its last stage.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import ClassVar

from sp404audit.documents.containers.dockerfile_stages import (
    DockerfileFact,
    StageFact,
    StageState,
    StepFact,
    stage_state,
)
from sp404audit.documents.containers.images import BuildRequest, ImageReference, ImageUse, name_of, parse_reference
from sp404audit.documents.containers.known_images import KnownImage, known_image, known_whatever_tag
from sp404audit.documents.model import Repository
from sp404audit.results import Location

__all__ = ["BuildContext", "ExternalImage", "FinalStage", "ImageBase", "build_requests", "image_uses"]

_MOST_VARIANTS = 8
_MOST_BASES = 8
"""How many Dockerfiles of the repository a chain of base images is followed through."""


def build_requests(repository: Repository) -> tuple[BuildRequest, ...]:
    """Every request to build an image, whoever makes it."""
    return repository.derived(_build_requests)


def _build_requests(repository: Repository) -> tuple[BuildRequest, ...]:
    from sp404audit.documents.compose.builds import compose_requests
    from sp404audit.documents.containers.script_builds import script_requests

    # A compose file alone does not tell what its services build: override files and extends have a say.
    return (*compose_requests(repository), *repository.facts(BuildRequest), *script_requests(repository))


def image_uses(repository: Repository) -> tuple[ImageUse, ...]:
    """Every place that names an image to be pulled, whatever kind of file it is in."""
    return repository.derived(_image_uses)


def _image_uses(repository: Repository) -> tuple[ImageUse, ...]:
    from sp404audit.documents.compose.builds import compose_images
    from sp404audit.documents.containers.script_builds import script_images

    return (*repository.facts(ImageUse), *compose_images(repository), *script_images(repository))


class FinalStage:
    """A stage of a Dockerfile that becomes an image.

    Attributes:
        repository: where it is built.
        dockerfile: its Dockerfile.
        stage: the stage.
        requests: those who ask for it; empty when nobody in the repository does and it is the last stage.
    """

    kinds: ClassVar[tuple[str, ...]] = ("dockerfile",)

    def __init__(
        self, repository: Repository, dockerfile: DockerfileFact, stage: StageFact, requests: tuple[BuildRequest, ...]
    ) -> None:
        self.repository = repository
        self.dockerfile = dockerfile
        self.stage = stage
        self.requests = requests

    @staticmethod
    def in_repository(repository: Repository) -> Iterable[FinalStage]:
        """Find every stage that is built."""
        return repository.derived(_final_stages)

    @property
    def location(self) -> Location:
        """Where its FROM names the base."""
        return self.stage.location

    @cached_property
    def variants(self) -> tuple[StageState, ...]:
        """What the image has, once for each set of arguments that it is built with."""
        arguments = dict.fromkeys(request.args for request in self.requests) or {(): None}
        return tuple(self._state(passed) for passed in list(arguments)[:_MOST_VARIANTS])

    def _state(self, passed: tuple[tuple[str, str | None], ...]) -> StageState:
        state = stage_state(self.dockerfile, self.stage.number, passed)
        reference = parse_reference(state.image.value or "")
        known = known_image(reference) if reference else None
        if known is None or not known.environment:
            return state
        return stage_state(self.dockerfile, self.stage.number, passed, known.environment)

    @property
    def names(self) -> frozenset[str]:
        """The full names (without tag) that its builds give it."""
        names = (name_of(tag) for request in self.requests for tag in request.tags)
        return frozenset(name for name in names if name)

    @property
    def is_certain(self) -> bool:
        """Whether it is known to be built: False when everybody asks for a target that the repository does not tell."""
        return not self.requests or any(request.target_known for request in self.requests)

    @property
    def is_action(self) -> bool:
        """Whether nobody but GitHub builds it, to run a Docker action."""
        return bool(self.requests) and all(request.origin == "action" for request in self.requests)

    @property
    def is_for_development(self) -> bool:
        """Whether it is the image of a development container, which never leaves a developer's machine."""
        return ".devcontainer" in self.dockerfile.path.split("/")

    def local_base(self, state: StageState) -> FinalStage | None:
        """The image of this repository that it is based on, if it is one."""
        reference = parse_reference(state.image.value or "")
        found = _images_by_name(self.repository).get(reference.name) if reference else None
        return found if found is not self else None

    @property
    def is_only_a_base(self) -> bool:
        """Whether other Dockerfiles of the repository build on it, and nothing here runs it."""
        if not self.names or any(request.origin == "compose" for request in self.requests):
            return False
        origins = self.repository.derived(_origins_by_name)
        found = [origin for name in self.names for origin in origins.get(name, ())]
        return bool(found) and all(origin == "FROM" for origin in found)


def _origins_by_name(repository: Repository) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for use in image_uses(repository):
        reference = use.reference
        if reference is not None:
            found.setdefault(reference.name, set()).add(use.origin)
    return found


class ImageBase:
    """The external image at the bottom of a final stage, with what the Dockerfiles on the way set.

    Attributes:
        states: from the final stage down, one for each Dockerfile of the repository that the chain goes through.
        reference: the external image; None when its name is not known, or it is `scratch`.
        known: what the table of public images says of it.
    """

    def __init__(self, image: FinalStage, state: StageState) -> None:
        self.states = [state]
        current: FinalStage | None = image
        while current is not None and len(self.states) < _MOST_BASES:
            current = current.local_base(self.states[-1])
            if current is not None:
                self.states.append(current.variants[0])
        bottom = self.states[-1].image
        self.expansion = bottom
        self.is_scratch = bottom.value == "scratch"
        self.reference = parse_reference(bottom.value) if bottom.value and not self.is_scratch else None
        self.known: KnownImage | None = known_image(self.reference) if self.reference else None
        if bottom.value is None:
            # A name without its version (`debian:${VERSION}`) may tell enough.
            name, colon, tag = self.states[-1].base.image.partition(":")
            by_name = parse_reference(name) if colon and "$" in tag else None
            self.known = known_whatever_tag(by_name) if by_name else None

    @property
    def location(self) -> Location:
        """Where the external image is named."""
        return self.states[-1].base.location

    @property
    def label(self) -> str:
        """The external image as a message names it."""
        if self.reference is None:
            return self.expansion.value or self.states[-1].base.image
        tag = self.reference.tag
        return f"{self.reference.familiar}:{tag}" if tag else self.reference.familiar


def _final_stages(repository: Repository) -> tuple[FinalStage, ...]:
    requests: dict[str, list[BuildRequest]] = {}
    for request in build_requests(repository):
        if request.dockerfile is not None:
            requests.setdefault(request.dockerfile, []).append(request)
    found = []
    for fact in repository.facts(DockerfileFact):
        if fact.stages:
            by_stage = _requested(fact, requests.get(fact.path, []))
            found += [FinalStage(repository, fact, fact.stages[n], tuple(by_stage[n])) for n in sorted(by_stage)]
    return tuple(found)


def _requested(fact: DockerfileFact, requests: list[BuildRequest]) -> dict[int, list[BuildRequest]]:
    last = len(fact.stages) - 1
    by_stage: dict[int, list[BuildRequest]] = {}
    for request in requests:
        number = last if request.target is None else fact.index_of(request.target)
        if number is not None:
            by_stage.setdefault(number, []).append(request)
    return by_stage or {last: []}


def _images_by_name(repository: Repository) -> dict[str, FinalStage]:
    return repository.derived(_index_images)


def _index_images(repository: Repository) -> dict[str, FinalStage]:
    found: dict[str, FinalStage] = {}
    for image in FinalStage.in_repository(repository):
        for name in image.names:
            found.setdefault(name, image)
    return found


class ExternalImage:
    """A use of an image that this repository does not build.

    Attributes:
        use: where and how it is named.
    """

    kinds: ClassVar[tuple[str, ...]] = ("dockerfile", "compose", "kubernetes", "workflow", "action")

    def __init__(self, use: ImageUse) -> None:
        self.use = use

    @staticmethod
    def in_repository(repository: Repository) -> Iterator[ExternalImage]:
        """Find every use of an external image, save those in manifests whose version a kustomization sets."""
        replaced = repository.derived(_replaced_by_kustomizations)
        local, contexts = repository.derived(_local_names)
        for use in image_uses(repository):
            reference = use.reference
            if use.origin == "kubernetes" and _untagged(use.text) in replaced:
                continue
            name = name_of(use.text) if reference is None else reference.name
            if name not in local and use.text not in contexts:
                yield ExternalImage(use)

    @property
    def location(self) -> Location:
        """Where it is named."""
        return self.use.location

    @property
    def reference(self) -> ImageReference | None:
        """The parts of its name; None when they are not known."""
        return self.use.reference


def _replaced_by_kustomizations(repository: Repository) -> frozenset[str]:
    if not repository.files("kustomization"):
        return frozenset()
    from sp404audit.documents.kubernetes.kustomize import image_overrides

    return image_overrides(repository)


def _untagged(text: str) -> str:
    """An image's name as written, without tag and digest."""
    name = text.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(":")[0]


def _local_names(repository: Repository) -> tuple[frozenset[str | None], frozenset[str]]:
    """The names of images that are built here, and those of named build contexts, which stand for images."""
    requests = build_requests(repository)
    names = frozenset(name_of(tag) for request in requests for tag in request.tags) - {None}
    return names, frozenset(name for request in requests for name in request.contexts)


class BuildContext:
    """A folder that is sent to the builder, with the Dockerfile that is built from it.

    Attributes:
        repository: where it lies.
        dockerfile: the Dockerfile.
        folders: the folder, the root being the empty string; when nobody in the repository builds the Dockerfile, the
            folders that may be it: the Dockerfile's own and the root.
        request: who builds it; None when nobody in the repository does.
    """

    kinds: ClassVar[tuple[str, ...]] = ("dockerfile", "dockerignore")

    def __init__(
        self, repository: Repository, dockerfile: DockerfileFact, folders: tuple[str, ...], request: BuildRequest | None
    ) -> None:
        self.repository = repository
        self.dockerfile = dockerfile
        self.folders = folders
        self.request = request

    @staticmethod
    def in_repository(repository: Repository) -> Iterator[BuildContext]:
        """Find every context from which a Dockerfile of the repository is built."""
        requests: dict[str, list[BuildRequest]] = {}
        for request in build_requests(repository):
            if request.dockerfile is not None:
                requests.setdefault(request.dockerfile, []).append(request)
        for fact in repository.facts(DockerfileFact):
            asked = requests.get(fact.path, [])
            by_context = {request.context: request for request in reversed(asked) if request.context is not None}
            for context in sorted(by_context):
                yield BuildContext(repository, fact, (context,), by_context[context])
            if not asked:
                folders = dict.fromkeys((posixpath.dirname(fact.path), ""))
                yield BuildContext(repository, fact, tuple(folders), None)

    @property
    def location(self) -> Location:
        """Where its Dockerfile is."""
        return self.dockerfile.location

    @property
    def wholesale_copies(self) -> list[StepFact]:
        """Each COPY and ADD that takes the whole context."""
        steps = (step for stage in self.dockerfile.stages for step in stage.steps)
        return [step for step in steps if step.keyword in ("COPY", "ADD") and _takes_all(step)]


def _takes_all(step: StepFact) -> bool:
    if step.flag("from") is not None or step.flag("exclude") is not None:
        return False  # with --exclude it says itself what is left out
    sources = step.words[:-1]
    return any(posixpath.normpath(source).strip("/") in (".", "", "*") for source in sources if source)
