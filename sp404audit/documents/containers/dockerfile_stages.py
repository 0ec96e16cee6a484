"""Build stages: which stage is built on which, what variables hold in them, and what the image ends up with.

Everything here works on facts, so that the same code judges a Dockerfile alone and the stage that a compose file or a
workflow asks for, with the arguments that they pass. Scoping follows BuildKit (`frontend/dockerfile/dockerfile2llb`):
an ARG before the first FROM holds in FROM lines only until a stage declares it again, ENV wins over ARG, and a stage
inherits both from the stage that it is built on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from sp404audit.documents.containers.dockerfile_variables import Expansion, Lookup, Missing, expand
from sp404audit.documents.containers.dockerfile_words import Word
from sp404audit.documents.containers.images import ImageUse
from sp404audit.documents.model import Fact
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Region

if TYPE_CHECKING:
    from sp404audit.documents.containers.dockerfile import Dockerfile, Instruction

__all__ = ["DockerfileFact", "Setting", "Stage", "StageFact", "StageState", "StepFact", "stage_state"]

PLATFORM: Mapping[str, str] = {
    "BUILDPLATFORM": "linux/amd64",
    "BUILDOS": "linux",
    "BUILDARCH": "amd64",
    "BUILDVARIANT": "",
    "TARGETPLATFORM": "linux/amd64",
    "TARGETOS": "linux",
    "TARGETARCH": "amd64",
    "TARGETVARIANT": "",
}
"""What the platform arguments are for a build without `--platform` on an ordinary runner."""

_KEPT = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "SHELL", "USER", "WORKDIR"}
)
"""The keywords that facts hold; RUN is shell, and the rest concerns the file alone."""
_LONGEST_TEXT = 2_000
_MOST_WORDS = 200


class StepFact(NamedTuple):
    """An instruction that outlives its document.

    Attributes:
        keyword: in upper case.
        location: of its arguments.
        text: its arguments as one line (cut at 2,000 characters).
        words: its arguments split (the first 200, each cut likewise), decoded in exec form.
        exec_form: whether they are a JSON array.
        pairs: (name, value as written or None) of ENV and ARG.
        flags: (name, value) of its options.
    """

    keyword: str
    location: Location
    text: str
    words: tuple[str, ...]
    exec_form: bool = False
    pairs: tuple[tuple[str, str | None], ...] = ()
    flags: tuple[tuple[str, str], ...] = ()

    def flag(self, name: str) -> str | None:
        """The value of an option; None when it is not given."""
        return dict(self.flags).get(name)


class StageFact(NamedTuple):
    """A build stage, numbered from 0: `image` is what FROM names, as written; `name` is empty for a nameless one."""

    number: int
    name: str
    image: str
    location: Location
    steps: tuple[StepFact, ...]


class DockerfileFact(NamedTuple):
    """A Dockerfile: `arguments` are the (name, default as written or None) of the ARGs before the first FROM."""

    location: Location
    arguments: tuple[tuple[str, str | None], ...]
    stages: tuple[StageFact, ...]
    escape: str = "\\"

    @property
    def path(self) -> str:
        """The file's path."""
        return self.location.path

    def index_of(self, target: str) -> int | None:
        """The stage that a build with `--target` makes: by name (the last of that name) or by number."""
        wanted = target.lower()
        for stage in reversed(self.stages):
            if stage.name.lower() == wanted and wanted:
                return stage.number
        if target.isascii() and target.isdecimal() and len(target) < 6 and int(target) < len(self.stages):
            return int(target)
        return None


class Setting(NamedTuple):
    """What an instruction sets: `value` with variables replaced, None when one of them (`unknown`) has no value."""

    value: str | None
    step: StepFact
    unknown: tuple[str, ...] = ()


class StageState(NamedTuple):
    """What an image of this stage has.

    Attributes:
        chain: the stages it is made of, the one with the external base first.
        image: the name of the external base image, resolved.
        user: the USER in force.
        healthcheck: the HEALTHCHECK in force.
        entrypoint: the ENTRYPOINT in force.
        command: the CMD in force.
        exposed: every EXPOSE.
        copies: every COPY and ADD of the chain.
        environment: the variables in force; the value None stands for one that is not known.
    """

    chain: tuple[StageFact, ...]
    image: Expansion
    user: Setting | None
    healthcheck: Setting | None
    entrypoint: Setting | None
    command: Setting | None
    exposed: tuple[StepFact, ...]
    copies: tuple[StepFact, ...]
    environment: Mapping[str, str | None]

    @property
    def base(self) -> StageFact:
        """The stage that names the external image."""
        return self.chain[0]

    @property
    def stage(self) -> StageFact:
        """The stage itself."""
        return self.chain[-1]


class Stage:
    """A build stage, as a subject of rules about one file.

    Attributes:
        document: its Dockerfile.
        index: its number, from 0.
        name: what AS calls it, as written; empty when nameless.
        from_: its FROM.
        image: the word that FROM names.
        instructions: those after FROM.
    """

    kinds: ClassVar[tuple[str, ...]] = ("dockerfile",)
    __slots__ = ("document", "from_", "image", "index", "instructions", "name")

    def __init__(self, document: Dockerfile, index: int, from_: Instruction) -> None:
        words = from_.words
        self.document = document
        self.index = index
        self.from_ = from_
        self.image: Word = words[0]
        self.name = words[2].text if len(words) > 2 and words[1].text.upper() == "AS" else ""
        self.instructions: list[Instruction] = []

    @property
    def region(self) -> Region:
        """Where its FROM stands."""
        return self.from_.region

    @property
    def is_last(self) -> bool:
        """Whether a build without a target makes it."""
        return self.index == len(self.document.stages) - 1


def stages_of(document: Dockerfile) -> list[Stage]:
    """Cut the instructions into stages; those before the first FROM are in none."""
    stages: list[Stage] = []
    for instruction in document.instructions:
        if instruction.keyword == "FROM":
            stages.append(Stage(document, len(stages), instruction))
        elif stages:
            stages[-1].instructions.append(instruction)
    return stages


def facts_of(document: Dockerfile) -> Iterator[Fact]:
    """Yield the `DockerfileFact` and an `ImageUse` for every external image."""
    path = document.source.path
    arguments: list[tuple[str, str | None]] = []
    for instruction in document.instructions:
        if instruction.keyword == "FROM":
            break
        if instruction.keyword == "ARG":
            arguments += _pairs(instruction)
    stages = tuple(_stage_fact(stage, path) for stage in document.stages)
    fact = DockerfileFact(Location(path), tuple(arguments), stages, document.escape)
    yield fact
    yield from _image_uses(document, fact)


def _stage_fact(stage: Stage, path: str) -> StageFact:
    steps = tuple(_step(instruction, path) for instruction in stage.instructions if instruction.keyword in _KEPT)
    return StageFact(stage.index, stage.name, stage.image.text, Location(path, stage.image.region), steps)


def _step(instruction: Instruction, path: str) -> StepFact:
    return StepFact(
        instruction.keyword,
        Location(path, instruction.arguments_region),
        instruction.text[:_LONGEST_TEXT],
        tuple(word.value[:_LONGEST_TEXT] for word in instruction.words[:_MOST_WORDS]),
        instruction.array is not None,
        _pairs(instruction) if instruction.keyword in ("ARG", "ENV") else (),
        tuple((flag.name, flag.value) for flag in instruction.flags),
    )


def _pairs(instruction: Instruction) -> tuple[tuple[str, str | None], ...]:
    return tuple((pair.name, pair.value.text if pair.value else None) for pair in instruction.pairs)


def _image_uses(document: Dockerfile, fact: DockerfileFact) -> Iterator[ImageUse]:
    lookup = global_scope(fact, ())
    earlier: set[str] = set()
    names = {stage.name.lower() for stage in fact.stages if stage.name}
    for stage in document.stages:
        owner = stage.name or str(stage.index)
        expansion = expand(stage.image.text, lookup, fact.escape)
        name = (expansion.value or "").lower()
        if name != "scratch" and name not in earlier:
            yield _use(document, stage.image, expansion.value, "FROM", owner)
        if stage.name:
            earlier.add(stage.name.lower())
        for instruction in stage.instructions:
            for word, name, origin in _foreign_sources(instruction):
                expansion = expand(name, lookup, fact.escape)
                value = expansion.value
                if value is None or not (value.lower() in names or _is_index(value, len(fact.stages))):
                    yield _use(document, word, value, origin, owner)


def _use(document: Dockerfile, word: Word, value: str | None, origin: str, owner: str) -> ImageUse:
    return ImageUse(Location(document.source.path, word.region), word.text, value, origin, owner)


def _foreign_sources(instruction: Instruction) -> Iterator[tuple[Word, str, str]]:
    """Yield (word, name, origin) for each `--from=` of COPY and ADD and each `--mount=…,from=` of RUN."""
    for flag in instruction.flags:
        if instruction.keyword in ("COPY", "ADD") and flag.name == "from" and flag.value:
            yield flag.value_word, flag.value, f"{instruction.keyword} --from"
        elif instruction.keyword == "RUN" and flag.name == "mount" and (name := flag.field("from")):
            start = flag.value_word.text.find(name)
            word = flag.value_word if start < 0 else flag.value_word.part(start, start + len(name))
            yield word, name, "RUN --mount"


def _is_index(text: str, count: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < count


def global_scope(fact: DockerfileFact, passed: Sequence[tuple[str, str | None]]) -> Lookup:
    """The variables that FROM lines see: the ARGs before the first FROM, and the platform's; no others are set."""
    given = dict(passed)
    values: dict[str, str | Missing] = {**PLATFORM}

    def lookup(name: str) -> str | Missing:
        return values.get(name, Missing.UNSET)

    for name, default in fact.arguments:
        values[name] = _argument(name, default, given, lookup, fact.escape)
    return lookup


def _argument(
    name: str, default: str | None, given: Mapping[str, str | None], lookup: Lookup, escape: str
) -> str | Missing:
    """The value of an ARG: what is passed, else its default."""
    if name in given:
        value = given[name]
        return Missing.UNKNOWN if value is None else value
    if default is None:
        return PLATFORM.get(name, Missing.UNSET)
    value = expand(default, lookup, escape).value
    return Missing.UNKNOWN if value is None else value


class _Builder:
    """Goes through a chain of stages as a build would, remembering what is in force."""

    def __init__(self, fact: DockerfileFact, passed: Sequence[tuple[str, str | None]], base_known: bool) -> None:
        self.escape = fact.escape
        self.given = dict(passed)
        self.globals = global_scope(fact, passed)
        self.declared = {name for name, _ in fact.arguments}
        self.arguments: dict[str, str | Missing] = {}
        self.environment: dict[str, str | Missing] = {}
        self.settings: dict[str, Setting] = {}
        self.exposed: list[StepFact] = []
        self.copies: list[StepFact] = []
        # Nothing is set in `scratch`; any other external image may have an environment of its own.
        self.absent: str | Missing = "" if base_known else Missing.UNKNOWN

    def lookup(self, name: str) -> str | Missing:
        if name in self.environment:
            return self.environment[name]
        return self.arguments.get(name, self.absent)

    def stage(self, stage: StageFact) -> None:
        command_before = self.settings.get("CMD")
        for step in stage.steps:
            self._step(step)
        # An ENTRYPOINT drops the CMD that was made for the one before.
        entrypoint = self.settings.get("ENTRYPOINT")
        if entrypoint and entrypoint.step in stage.steps and self.settings.get("CMD") is command_before:
            self.settings.pop("CMD", None)

    def _step(self, step: StepFact) -> None:
        if step.keyword == "ARG":
            self._argument(step)
        elif step.keyword == "ENV":
            # All values of one ENV see the variables as they were before it.
            values = [(name, self._expanded(value or "")) for name, value in step.pairs]
            self.environment.update(values)
        elif step.keyword == "EXPOSE":
            self.exposed.append(step)
        elif step.keyword in ("COPY", "ADD"):
            self.copies.append(step)
        elif step.keyword == "USER":
            found = expand(step.text.strip(), self.lookup, self.escape)
            self.settings["USER"] = Setting(found.value, step, found.unknown)
        else:
            self.settings[step.keyword] = Setting(step.text, step)

    def _argument(self, step: StepFact) -> None:
        for name, default in step.pairs:
            value = _argument(name, default, self.given, self.lookup, self.escape)
            if default is None and name not in self.given and name in self.declared:
                value = self.globals(name)
            self.arguments[name] = value

    def _expanded(self, text: str) -> str | Missing:
        value = expand(text, self.lookup, self.escape).value
        return Missing.UNKNOWN if value is None else value


def parents(fact: DockerfileFact, passed: Sequence[tuple[str, str | None]] = ()) -> list[int | None]:
    """For each stage, the number of the earlier stage that it is built on; None for an external image."""
    lookup = global_scope(fact, passed)
    earlier: dict[str, int] = {}
    found: list[int | None] = []
    for stage in fact.stages:
        name = expand(stage.image, lookup, fact.escape).value
        found.append(earlier.get(name.lower()) if name else None)
        if stage.name:
            earlier[stage.name.lower()] = stage.number
    return found


def stage_state(
    fact: DockerfileFact,
    index: int,
    passed: Sequence[tuple[str, str | None]] = (),
    inherited: Sequence[tuple[str, str]] = (),
) -> StageState:
    """Work out what an image of stage `index` has.

    Args:
        fact: the Dockerfile.
        index: the stage.
        passed: build arguments (name, value or None for one that is not known).
        inherited: environment variables that the external base image is known to set.
    """
    based_on = parents(fact, passed)
    chain = [fact.stages[index]]
    parent = based_on[index]
    while parent is not None:
        chain.append(fact.stages[parent])
        parent = based_on[parent]
    chain.reverse()
    image = expand(chain[0].image, global_scope(fact, passed), fact.escape)
    builder = _Builder(fact, passed, image.value == "scratch")
    builder.environment.update(inherited)
    for stage in chain:
        builder.stage(stage)
    settings = builder.settings
    environment = {name: value if isinstance(value, str) else None for name, value in builder.environment.items()}
    return StageState(
        tuple(chain),
        image,
        settings.get("USER"),
        settings.get("HEALTHCHECK"),
        settings.get("ENTRYPOINT"),
        settings.get("CMD"),
        tuple(builder.exposed),
        tuple(builder.copies),
        environment,
    )
