"""What a rule is, and what it answers.

A rule is one function::

    @rule("docker/non-root-user", severity="high", equivalents=["hadolint:DL3002"], cwe=[250])
    def non_root_user(image: BuiltImage) -> Verdicts:
        \"\"\"Containers run as a non-root user. …\"\"\"
        yield fail(image.location, "no USER: …")

Its first parameter's annotation says what it judges; keyword-only parameters with defaults are its policy parameters;
its docstring is its documentation, and the examples in it run as tests.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from sp404audit.records import NamedTuple
from sp404audit.results import Edit, Fix, Kind, Location, Region, Severity

if TYPE_CHECKING:
    from sp404audit.rules.documentation import Documentation

__all__ = [
    "RULES",
    "HasLocation",
    "HasRegion",
    "Parameter",
    "Rule",
    "Verdict",
    "Verdicts",
    "Where",
    "fail",
    "not_applicable",
    "passed",
    "rule",
    "unproven",
]


@runtime_checkable
class HasLocation(Protocol):
    """Anything that knows its file and its place in it."""

    @property
    def location(self) -> Location:
        """The place."""


@runtime_checkable
class HasRegion(Protocol):
    """Anything that knows its place in the file under audit."""

    @property
    def region(self) -> Region:
        """The place."""


Where = Location | Region | HasLocation | HasRegion


class Verdict(NamedTuple):
    """What a rule says of one place. Made by `passed`, `fail`, `unproven` and `not_applicable`."""

    kind: Kind
    where: Where
    message: str
    severity: Severity | None = None
    fix: Fix | None = None
    related: tuple[tuple[Where, str], ...] = ()


Verdicts = Iterator[Verdict]


def passed(where: Where, message: str = "", *, related: Iterable[tuple[Where, str]] = ()) -> Verdict:
    """The requirement is met; `where` is the evidence, `message` says why it counts."""
    return Verdict("pass", where, message, None, None, tuple(related))


def fail(
    where: Where,
    message: str,
    *,
    severity: str | Severity | None = None,
    fix: Fix | str | None = None,
    edits: Iterable[Edit] = (),
    related: Iterable[tuple[Where, str]] = (),
) -> Verdict:
    """The requirement is not met.

    Args:
        where: the place to mend.
        message: names the thing and the value found, and says what to do. Never holds a secret.
        severity: when this case is more or less grave than the rule as such; a policy that sets one wins.
        fix: a `Fix`, or the description of one whose replacements are `edits`.
        edits: replacements that mend it.
        related: other places that belong to it, each with what is to be seen there.
    """
    if isinstance(fix, str):
        fix = Fix(fix, tuple(edits))
    if isinstance(severity, str):
        severity = Severity.parse(severity)
    return Verdict("fail", where, message, severity, fix, tuple(related))


def unproven(where: Where, why: str, *, related: Iterable[tuple[Where, str]] = ()) -> Verdict:
    """The repository does not prove it either way; `why` says what is missing."""
    return Verdict("open", where, why, None, None, tuple(related))


def not_applicable(where: Where, why: str) -> Verdict:
    """The requirement does not concern this subject, for a reason worth telling."""
    return Verdict("notApplicable", where, why)


class Parameter(NamedTuple):
    """A policy parameter of a rule, as its signature declares it."""

    name: str
    type: str
    default: object

    def accepts(self, value: object) -> bool:
        """Tell whether a policy file may give this value: its kind must be the default's."""
        default = self.default
        if isinstance(default, bool) or isinstance(value, bool):
            return isinstance(default, bool) and isinstance(value, bool)
        if isinstance(default, float):
            return isinstance(value, int | float)
        if isinstance(default, list | tuple):
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        if default is None:
            return isinstance(value, str | int | float)
        return isinstance(value, type(default))


class Rule:
    """One requirement, and the function that judges it.

    Attributes:
        id: `domain/kebab-name`.
        function: called once for each subject, yields verdicts.
        severity: how grave a failure is unless the policy or the verdict says otherwise.
        equivalents: the same check in other tools, `tool:ID`.
        cwe: numbers of the weaknesses that it guards against (https://cwe.mitre.org).
        precision: how seldom it is wrong, in GitHub's words: `very-high`, `high`, `medium`, `low`.
        security: whether a failure is a security problem (GitHub shows those apart).
        points_at_secret: whether a failure's place is a secret itself, which no report may show.
    """

    def __init__(
        self,
        id: str,  # noqa: A002
        function: Callable[..., Verdicts],
        *,
        severity: Severity,
        equivalents: tuple[str, ...],
        cwe: tuple[int, ...],
        controls: tuple[str, ...],
        precision: str,
        security: bool,
        points_at_secret: bool = False,
    ) -> None:
        self.id = id
        self.function = function
        self.severity = severity
        self.equivalents = equivalents
        self.cwe = cwe
        self.controls = controls
        self.precision = precision
        self.security = security
        self.points_at_secret = points_at_secret

    def __repr__(self) -> str:
        return f"Rule({self.id!r})"

    @property
    def domain(self) -> str:
        """The first part of the id, which is also the rule's package."""
        return self.id.partition("/")[0]

    @cached_property
    def subject(self) -> type[Any]:
        """The class of what the rule judges: the annotation of its function's first parameter."""
        code = self.function.__code__
        annotation = self.function.__annotations__[code.co_varnames[0]]
        if not isinstance(annotation, str):
            return annotation  # type: ignore[no-any-return]
        found = vars(sys.modules[self.function.__module__]).get(annotation)
        if not isinstance(found, type):
            raise TypeError(f"{self.id}: import {annotation} at run time, not only for type checking")
        return found

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The policy parameters that the function's signature declares."""
        annotations = self.function.__annotations__
        defaults: Mapping[str, object] = self.function.__kwdefaults__ or {}
        return tuple(Parameter(name, str(annotations.get(name, "")), value) for name, value in defaults.items())

    @cached_property
    def documentation(self) -> Documentation:
        """The docstring, read: summary, reasons, remedy and examples."""
        from sp404audit.rules.documentation import read

        return read(self.function.__doc__ or "")

    @property
    def remedy(self) -> str:
        """What to do where the rule fails; `documentation.fix`, without reading the examples."""
        from sp404audit.rules.documentation import remedy

        return remedy(self.function.__doc__ or "")

    @property
    def summary(self) -> str:
        """The requirement, in one sentence."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]


RULES: dict[str, Rule] = {}
"""Every rule of the modules imported so far, by id; `rules.load` imports the modules."""


def rule(
    id: str,  # noqa: A002
    *,
    severity: str,
    equivalents: Iterable[str] = (),
    cwe: Iterable[int] = (),
    controls: Iterable[str] = (),
    precision: str = "high",
    security: bool = True,
    points_at_secret: bool = False,
) -> Callable[[Callable[..., Verdicts]], Callable[..., Verdicts]]:
    """Register a function as a rule; see `Rule` for what the arguments mean. The function itself is left as it is."""

    def register(function: Callable[..., Verdicts]) -> Callable[..., Verdicts]:
        if id in RULES and RULES[id].function.__module__ != function.__module__:
            raise ValueError(f"two rules are named {id}: {RULES[id].function.__module__}, {function.__module__}")
        RULES[id] = Rule(
            id,
            function,
            severity=Severity.parse(severity),
            equivalents=tuple(equivalents),
            cwe=tuple(cwe),
            controls=tuple(controls),
            precision=precision,
            security=security,
            points_at_secret=points_at_secret,
        )
        return function

    return register
