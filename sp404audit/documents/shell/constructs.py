"""The constructs around a command, and what they make of it."""

from __future__ import annotations

from functools import lru_cache

from sp404audit.records import NamedTuple

__all__ = ["Frame", "Pipeline", "Surroundings", "surroundings"]


class Frame(NamedTuple):
    """A construct around a command. `start` and `end` enclose the whole construct.

    | kind | name | of |
    |---|---|---|
    | condition, branch | if, elif, else, while, until | the test, or what then runs; a loop's body is `loop` |
    | list | `&&`, `||` or empty: the operator behind | a member of an and-or list; `partner` is the `||` alternative |
    | pipeline | | a member: `position` of `size` |
    | function | its name | the body |
    | negated, subshell, group, case, loop, substitution, process | | what is inside |
    | payload | ssh, bash, eval, trap … | what another shell runs, or what `docker exec` and its like start |
    """

    kind: str
    start: int
    end: int
    name: str = ""
    position: int = 0
    size: int = 0
    partner: tuple[int, int] | None = None
    partner_text: str = ""


class Pipeline(NamedTuple):
    """Where a command stands in its pipeline; `id` is the offset at which the pipeline begins."""

    id: int
    position: int
    size: int


class Surroundings(NamedTuple):
    """What the constructs around a command make of it; `Command` tells what each of these means."""

    pipeline: Pipeline | None
    function: str | None
    payload: str | None
    alternative: Frame | None
    guarded: bool
    in_condition: bool
    errexit_ignored: bool
    substitution: bool
    conditional: bool


@lru_cache(maxsize=1024)
def surroundings(frames: tuple[Frame, ...]) -> Surroundings:
    """Read the constructs around a command, outermost first; commands that stand together share them."""
    pipeline: Pipeline | None = None
    function = payload = None
    alternative: Frame | None = None
    in_condition = errexit_ignored = substitution = conditional = False
    is_local = True  # up to where its exit status ends to matter directly
    for frame in reversed(frames):
        kind, name = frame.kind, frame.name
        if kind in ("function", "substitution", "process") or (kind == "payload" and name == "trap"):
            is_local = False
        if kind == "function":
            function = name if function is None else function
        elif kind == "payload":
            payload = name if payload is None else payload
        elif kind in ("substitution", "process"):
            substitution = True
        elif kind in ("branch", "case", "loop"):
            conditional = True
        elif kind == "list":
            conditional = conditional or frame.position > 0
        if not is_local:
            continue
        if kind == "pipeline" and pipeline is None:
            pipeline = Pipeline(frame.start, frame.position, frame.size)
        elif kind == "list":
            errexit_ignored = errexit_ignored or bool(name)
            alternative = frame if alternative is None and frame.partner else alternative
        elif kind == "condition":
            in_condition = errexit_ignored = True
        elif kind == "negated":
            errexit_ignored = True
    return Surroundings(
        pipeline,
        function,
        payload,
        alternative,
        alternative is not None and _does_nothing(alternative.partner_text),
        in_condition,
        errexit_ignored,
        substitution,
        conditional,
    )


def _does_nothing(text: str) -> bool:
    """Whether an alternative throws a failure away: `|| true`, `|| :`."""
    words = text.split(None, 1)  # none in what is cut off
    return bool(words) and words[0].rstrip(";") in ("true", ":", "/bin/true")
