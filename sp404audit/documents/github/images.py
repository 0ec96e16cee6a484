"""The images that a workflow pulls, and those that it asks to be built."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sp404audit.documents.containers.images import BuildRequest, ImageUse
from sp404audit.documents.github import expression
from sp404audit.documents.yaml_tree import Mapping, Scalar
from sp404audit.lazy import regex
from sp404audit.results import Location

if TYPE_CHECKING:
    from sp404audit.documents.github.action import Action
    from sp404audit.documents.github.matrix import Combination
    from sp404audit.documents.github.steps import Step
    from sp404audit.documents.github.workflow import Job

__all__ = ["action_image_facts", "image_facts", "resolve"]

_BUILD_ACTION = "docker/build-push-action"
_METADATA_ACTION = "docker/metadata-action"
_METADATA = regex(r"\$\{\{\s*steps\.([\w-]{1,100})\.outputs\.tags\s*\}\}")
_MAX_VARIANTS = 32
_REMOTE = regex(r"(?:https?|git|ssh)://|git@|github\.com/", re.IGNORECASE)
Lookup = Callable[[tuple[str, ...]], "str | None"]


def image_facts(job: Job) -> Iterator[ImageUse | BuildRequest]:
    """Yield the images of a job: its container, its services, the Docker actions and the builds of its steps."""
    yield from _uses_of(job, job.container_image, "container", job.id)
    for name, _, service in job.services():
        image = service.get("image") if isinstance(service, Mapping) else service
        if isinstance(image, Scalar):
            yield from _uses_of(job, image, "services", name)
    for step in job.steps:
        yield from _step_images(step, job)


def action_image_facts(action: Action) -> Iterator[ImageUse | BuildRequest]:
    """Yield the image that a Docker action runs in, pulled or built, and those of a composite action's steps."""
    image = action.image
    if image is not None and image.value.startswith("docker://"):
        yield _use(action.path, image, image.value.removeprefix("docker://"), "docker-action", action.name)
    elif image is not None:
        folder = posixpath.dirname(action.path)
        dockerfile = _inside(posixpath.join(folder, image.value))
        yield BuildRequest(Location(action.path, image.region), folder, dockerfile, origin="action", owner=action.name)
    for step in action.steps:
        yield from _step_images(step, None)


def _step_images(step: Step, job: Job | None) -> Iterator[ImageUse | BuildRequest]:
    uses = step.uses
    if uses is None:
        return
    if uses.kind == "docker":
        yield _use(step.source.path, uses.scalar, uses.image, "docker-action", job.id if job else "")
    elif uses.name == _BUILD_ACTION:
        for combination in _variants(job):
            yield _build_request(step, job, lookup(step, job, combination))


def _uses_of(job: Job, image: Scalar | None, origin: str, owner: str) -> Iterator[ImageUse]:
    """Yield an image, once for each value that the matrix gives it; an empty one means no container at all."""
    if image is None or not image.value.strip():
        return
    path = job.workflow.path
    if "${{" not in image.value:
        yield _use(path, image, image.value.strip(), origin, owner)
        return
    seen: set[str | None] = set()
    for combination in _variants(job):
        value = resolve(image.value, lookup(None, job, combination))
        if value != "" and value not in seen:
            seen.add(value)
            yield ImageUse(Location(path, image.region), image.value, value, origin, owner)


def _use(path: str, scalar: Scalar, image: str, origin: str, owner: str) -> ImageUse:
    value = None if "${{" in image else image
    return ImageUse(Location(path, scalar.region), image, value, origin, owner)


def _variants(job: Job | None) -> list[Combination]:
    """The combinations of the job's matrix; one empty one where there is none or it is not known."""
    matrix = job.matrix if job is not None else None
    combinations = matrix.combinations() if matrix is not None else None
    return combinations[:_MAX_VARIANTS] if combinations else [{}]


def lookup(step: Step | None, job: Job | None, combination: Combination) -> Lookup:
    """Make the function that tells what a context is worth in one job of a matrix, as far as the file tells."""

    def value_of(path: tuple[str, ...]) -> str | None:
        if path[0] == "matrix" and len(path) > 1:
            from sp404audit.documents.github.matrix import descend

            found = descend(combination.get(path[1]), path[2:])
            return found[0].value if len(found) == 1 and "${{" not in found[0].value else None
        if path[0] == "env" and len(path) == 2:
            return _variable(path[1], step, job)
        if path == ("github", "workspace"):
            return "."
        return None

    return value_of


def _variable(name: str, step: Step | None, job: Job | None) -> str | None:
    """The literal that `env:` gives a variable, names compared without case as expressions do."""
    scopes = step.variable_scopes() if step is not None else job.variable_scopes() if job is not None else ()
    for scope in scopes:
        for key, _, value in scope.pairs():
            if key.lower() == name:
                return value.value if isinstance(value, Scalar) and "${{" not in value.value else None
    return None


def resolve(text: str, value_of: Lookup) -> str | None:
    """Replace the expressions in a text by what they are worth; None when one is more than a context that is known."""
    resolved = resolve_partly(text, value_of)
    return None if "${{" in resolved else resolved


def resolve_partly(text: str, value_of: Lookup) -> str:
    """Replace the expressions in a text that are a context that is known; others stay as they are."""
    if "${{" not in text:
        return text.strip()
    parts: list[str] = []
    done = 0
    for embedded in expression.find(text):
        tree = embedded.tree
        value = value_of(tree.path) if isinstance(tree, expression.Context) and not tree.indexes else None
        if isinstance(tree, expression.Literal) and isinstance(tree.value, str):
            value = tree.value
        parts += [text[done : embedded.start], text[embedded.start : embedded.end] if value is None else value]
        done = embedded.end
    return ("".join(parts) + text[done:]).strip()


def _build_request(step: Step, job: Job | None, value_of: Lookup) -> BuildRequest:
    """Read the inputs of docker/build-push-action as its README describes them."""

    def given(name: str) -> str | None:
        scalar = step.input(name)
        return scalar.value if scalar is not None else None

    def known(name: str) -> str | None:
        value = given(name)
        return resolve(value, value_of) if value is not None else None

    context = _context(given("context"), value_of)
    dockerfile = _dockerfile(given("file"), known("file"), context)
    target = known("target")
    return BuildRequest(
        location=Location(step.source.path, step.region),
        context=context,
        dockerfile=dockerfile,
        target=target or None,
        args=tuple(_arguments(given("build-args") or "", value_of)),
        tags=tuple(_names(given("tags") or "", step, job, value_of)),
        origin="workflow",
        owner=job.id if job else "",
        contexts=tuple(line.partition("=")[0].strip() for line in _lines(given("build-contexts") or "")),
        target_known=given("target") is None or target is not None,
    )


def _context(given: str | None, value_of: Lookup) -> str | None:
    """The folder of the build; without `context` it is the repository at the commit, and so is `{{defaultContext}}`."""
    if given is None or not given.strip():
        return ""
    given = given.strip()
    if given.startswith("{{defaultContext}}"):
        given = given.removeprefix("{{defaultContext}}").lstrip(":") or "."
    value = resolve(given, value_of)
    return None if value is None or _REMOTE.match(value) else _inside(value)


def _dockerfile(given: str | None, known: str | None, context: str | None) -> str | None:
    """The Dockerfile: its path counts from the workspace; by default it is the one of the context."""
    if given is not None and given.strip():
        return _inside(known) if known is not None else None
    return None if context is None else posixpath.join(context, "Dockerfile")


def _inside(path: str) -> str | None:
    """A path as it counts from the repository's root; None when it leads out of it."""
    normal = posixpath.normpath(path.replace("\\", "/"))
    if normal.startswith(("/", "../")) or normal == "..":
        return None
    return "" if normal == "." else normal


def _lines(value: str) -> list[str]:
    return [line.strip() for line in value.splitlines() if line.strip() and not line.strip().startswith("#")]


def _arguments(value: str, value_of: Lookup) -> Iterator[tuple[str, str | None]]:
    for line in _lines(value):
        name, equals, literal = line.partition("=")
        yield name.strip(), resolve(literal, value_of) if equals else None


def _names(value: str, step: Step, job: Job | None, value_of: Lookup) -> Iterator[str]:
    """The names that a build is given, those that docker/metadata-action makes of its own inputs among them."""
    for line in _lines(value):
        for name in [line] if "${{" in line else line.split(","):
            made = _METADATA.fullmatch(name)
            if made is None:
                yield resolve_partly(name, value_of)
            else:
                yield from _metadata_names(made.group(1), step, job, value_of)


def _metadata_names(step_id: str, step: Step, job: Job | None, value_of: Lookup) -> Iterator[str]:
    siblings = job.steps if job is not None else step.action.steps if step.action is not None else []
    for sibling in siblings:
        images = sibling.input("images")
        if sibling.id == step_id and images is not None and sibling.uses and sibling.uses.name == _METADATA_ACTION:
            for line in _lines(images.value):
                name = line.partition(",")[0].removeprefix("name=")
                yield f"{resolve_partly(name, value_of)}:${{{{ steps.{step_id}.outputs.version }}}}"
