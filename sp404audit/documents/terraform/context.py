"""Terraform modules as they are used: each call with its own arguments, down to the values of resources.

A module that nobody in the repository calls is a root: its variables have the values of its `*.tfvars` files, else
their defaults. Calls from folders of examples and documentation make no use of a module that lies elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from sp404audit.documents.hcl.evaluation import (
    UNKNOWN,
    EvaluationError,
    Evaluator,
    Names,
    Scope,
    Symbol,
    Value,
    as_number,
    is_list,
)
from sp404audit.documents.hcl.reader import Block, Expression
from sp404audit.documents.model import Repository
from sp404audit.documents.terraform.file import VariableValues
from sp404audit.documents.terraform.module import Module, ModuleCall, modules
from sp404audit.records import NamedTuple

__all__ = ["Context", "all_of", "contexts", "is_filled", "is_repeated"]

MAX_CONTEXTS_PER_MODULE = 20
MAX_CONTEXTS = 2_000
MAX_CALL_DEPTH = 10

_REPEATED: Names = {
    "each": {"key": UNKNOWN, "value": UNKNOWN},
    "count": {"index": UNKNOWN},
    "self": UNKNOWN,
    "path": UNKNOWN,
    "terraform": UNKNOWN,
}
_NAMED_BY = {"aws_s3_bucket": "bucket", "google_storage_bucket": "name"}
"""The argument that an object's id is made of."""


class Context:
    """A module as one caller uses it, or as a root.

    Attributes:
        module: the module.
        id: tells contexts apart: the folder, and the calls that lead to it.
        caller: the context that calls it; None for a root.
        call: the call; None for a root.
        children: the contexts that its own calls make, by the name of the call.
        arguments_known: false in the one context that stands for all calls beyond the bound.
    """

    def __init__(
        self,
        module: Module,
        registry: dict[str, Context],
        caller: Context | None = None,
        call: ModuleCall | None = None,
    ) -> None:
        self.module = module
        self.caller = caller
        self.call = call
        self.id: str = module.folder if caller is None or call is None else f"{caller.id}\0{call.name}"
        self.children: dict[str, Context] = {}
        self.registry = registry
        self.arguments_known = True
        self.evaluator: Evaluator = Evaluator(
            self, next(iter(registry.values())).evaluator.budget if registry else None
        )
        self._known: dict[tuple[str, str], Value] = {}
        registry[self.id] = self

    @property
    def calls(self) -> str:
        """The calls that lead here, outermost first: `module.a.module.b`; empty for a root."""
        names: list[str] = []
        context: Context | None = self
        while context is not None and context.call is not None:
            names.append(f"module.{context.call.name}")
            context = context.caller
        return ".".join(reversed(names))

    @property
    def present(self) -> bool | None:
        """Whether this use exists at all: `count` and `for_each` of all calls that lead here; None when unknown."""
        if self.caller is None or self.call is None:
            return True
        return all_of((self.caller.present, is_repeated(self.caller, self.call.block)))

    # -- Scope

    def look_up(self, name: str, steps: tuple[Expression, ...], evaluator: Evaluator, names: Names) -> Value:
        """Return the value of a reference that begins with `name`."""
        if name in _REPEATED:
            return evaluator.follow(_REPEATED[name], steps, names)
        if name == "resource" and steps:
            name, steps = str(steps[0].value), steps[1:]
        first = steps[0].value if steps and steps[0].kind == "attribute" else None
        if not isinstance(first, str):
            return UNKNOWN
        if name in ("var", "local"):
            return evaluator.follow(self._named(name, first), steps[1:], names)
        if name == "module":
            return self._output(first, steps[1:], evaluator, names)
        if name in ("data", "ephemeral", "action") and len(steps) > 1:
            name, first, steps = f"{name}.{first}", str(steps[1].value), steps[1:]
        address = f"{name}.{first}"
        if address not in self.module.resources:
            return UNKNOWN
        return evaluator.follow(Symbol(self.id, address), steps[1:], names)

    def configured(self, symbol: Symbol) -> Value:
        """What the configuration says a symbol is worth."""
        context = self.registry.get(symbol.folder)
        declared = context.module.resources.get(symbol.address) if context else None
        if context is None or declared is None or not symbol.path:
            return UNKNOWN
        name = symbol.path[0]
        if name in ("id", "bucket", "name", "self_link"):
            name = _NAMED_BY.get(declared.block.labels[0], name)
        for _, block in context.module.merged(declared):
            attribute = block.attribute(name)
            if attribute is not None:
                return context.remembered(("configured", f"{symbol.address}.{name}"), attribute.value)
        return UNKNOWN

    def _named(self, kind: str, name: str) -> Value:
        if kind == "local":
            local = self.module.locals.get(name)
            return UNKNOWN if local is None else self.remembered((kind, name), local.attribute.value)
        if (kind, name) not in self._known:
            self._known[kind, name] = UNKNOWN  # a variable cannot depend on itself
            self._known[kind, name] = self._variable(name)
        return self._known[kind, name]

    def remembered(self, key: tuple[str, str], expression: Expression) -> Value:
        """The value of an expression of this module, computed once under a key."""
        if key not in self._known:
            self._known[key] = UNKNOWN  # what depends on itself is unknown
            self._known[key] = self.evaluator.value(expression)
        return self._known[key]

    def _variable(self, name: str) -> Value:
        declared = self.module.variables.get(name)
        if declared is None or not self.arguments_known:
            return UNKNOWN
        default = declared.block.attribute("default")
        otherwise = UNKNOWN if default is None else self.evaluator.value(default.value)
        if self.caller is not None and self.call is not None:
            argument = self.call.block.attribute(name)
            return otherwise if argument is None else self.caller.evaluator.value(argument.value)
        return _given(name, self.module.values, otherwise)

    def _output(self, name: str, steps: tuple[Expression, ...], evaluator: Evaluator, names: Names) -> Value:
        """The output of a called module: of one in this repository its value, of another a symbol."""
        call = self.module.calls.get(name)
        if call is None:
            return UNKNOWN
        child = self.children.get(name)
        if child is None:
            return (
                UNKNOWN
                if call.folder is not None
                else evaluator.follow(Symbol(self.id, f"module.{name}"), steps, names)
            )
        if steps and steps[0].kind in ("index", "splat"):
            steps = steps[1:]
        output = child.module.outputs.get(str(steps[0].value)) if steps and steps[0].kind == "attribute" else None
        value = output.block.attribute("value") if output else None
        if value is None:
            return UNKNOWN
        return evaluator.follow(child.remembered(("output", str(steps[0].value)), value.value), steps[1:], names)


def contexts(repository: Repository) -> list[Context]:
    """Every use of every module, roots first; ask by `repository.derived(contexts)`."""
    by_folder = repository.derived(modules)
    called = {
        call.folder
        for module in by_folder.values()
        for call in module.calls.values()
        if call.folder in by_folder and call.folder != module.folder and not _only_shows(module, by_folder[call.folder])
    }
    registry: dict[str, Context] = {}
    found = [Context(module, registry) for folder, module in by_folder.items() if folder not in called]
    uses: dict[str, int] = {}
    _call_down(found, by_folder, registry, uses)
    for folder, module in by_folder.items():
        if folder in called and folder not in uses:  # modules that call each other in a circle
            found.append(Context(module, registry))
    return found


class _Use(NamedTuple):
    context: Context
    folders: frozenset[str]


def _call_down(
    found: list[Context], by_folder: dict[str, Module], registry: dict[str, Context], uses: dict[str, int]
) -> None:
    """Add a context for every call, breadth first, within bounds."""
    pending = [_Use(context, frozenset({context.module.folder})) for context in found]
    merged: set[str] = set()
    while pending:
        use = pending.pop(0)
        for name, call in use.context.module.calls.items():
            module = by_folder.get(call.folder) if call.folder is not None else None
            if module is None or module.folder in use.folders or _only_shows(use.context.module, module):
                continue
            count = uses[module.folder] = uses.get(module.folder, 0) + 1
            if count > MAX_CONTEXTS_PER_MODULE or len(found) >= MAX_CONTEXTS or len(use.folders) > MAX_CALL_DEPTH:
                if module.folder in merged:
                    continue
                merged.add(module.folder)
            child = Context(module, registry, use.context, call)
            child.arguments_known = module.folder not in merged
            use.context.children[name] = child
            found.append(child)
            pending.append(_Use(child, use.folders | {module.folder}))


def _only_shows(caller: Module, called: Module) -> bool:
    return caller.is_sample and not called.is_sample


def all_of(states: Iterable[bool | None]) -> bool | None:
    """Three-valued and."""
    states = list(states)
    return False if False in states else None if None in states else True


def is_repeated(context: Context, block: Block) -> bool | None:
    """Whether `count` or `for_each` leave at least one instance."""
    if (count := block.attribute("count")) is not None:
        number = as_number(context.evaluator.value(count.value))
        return None if number is None else number > 0
    if (each := block.attribute("for_each")) is not None:
        return is_filled(context.evaluator.value(each.value))
    return True


def is_filled(collection: Value) -> bool | None:
    """Tell whether a collection that `for_each` takes has elements; None when that is not known."""
    if is_list(collection) or isinstance(collection, dict):
        return bool(collection)
    if isinstance(collection, Symbol):
        return True
    return None


def _given(name: str, files: tuple[VariableValues, ...], otherwise: Value) -> Value:
    """The value of a root module's variable: what its files of values agree on."""
    automatic = [file for file in files if file.is_automatic]
    for file in sorted(automatic, key=lambda file: (".auto." in file.location.path, file.location.path)):
        if (attribute := file.body.attribute(name)) is not None:
            otherwise = _literal(attribute.value)
    values = [otherwise]
    for file in files:
        attribute = None if file.is_automatic else file.body.attribute(name)
        if attribute is not None:
            values.append(_literal(attribute.value))
    if len(values) > 1 and otherwise is UNKNOWN:
        values.pop(0)  # no default: a value comes from one of the files
    return values[0] if all(value == values[0] for value in values) else UNKNOWN


class _NoScope:
    """The scope of a file of values, which may hold no reference."""

    def look_up(self, *_: object) -> Value:
        raise EvaluationError("no reference may stand here")

    def configured(self, _: Symbol) -> Value:
        return UNKNOWN


def _literal(expression: Expression) -> Value:
    return Evaluator(cast("Scope", _NoScope())).value(expression)
