"""Terraform's resources, in each use of their module, with what their arguments are worth there."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.hcl import reader as hcl
from sp404audit.documents.hcl.evaluation import UNKNOWN, Names, Symbol, Value, is_list
from sp404audit.documents.hcl.reader import Attribute, Block
from sp404audit.documents.model import Repository
from sp404audit.documents.terraform.context import Context, all_of, contexts, is_filled, is_repeated
from sp404audit.documents.terraform.file import TerraformFile
from sp404audit.documents.terraform.module import Declared
from sp404audit.results import Location, Region

__all__ = ["Part", "Resource", "called_modules", "resources"]

MAX_INSTANCES = 50
"""How many elements of a `for_each` are looked at one by one."""


class Part:
    """A block of a resource in one context, with what its arguments are worth there.

    Attributes:
        context: where it is used.
        file: the file that it stands in.
        block: the block.
        names: what names are worth inside it: `each`, the iterator of a `dynamic` block.
        present: whether it is there, if what it stands in is; None when a `dynamic` block's collection is unknown.
    """

    __slots__ = ("block", "context", "file", "names", "present")

    def __init__(self, context: Context, file: TerraformFile, block: Block, names: Names, present: bool | None) -> None:
        self.context = context
        self.file = file
        self.block = block
        self.names = names
        self.present = present

    @property
    def location(self) -> Location:
        """The block's header."""
        return self.file.locate(self.block)

    def attribute(self, name: str) -> Attribute | None:
        """An argument as written."""
        return self.block.attribute(name)

    def place(self, name: str) -> Location:
        """The place of an argument, or of the block when it is not set."""
        attribute = self.attribute(name)
        return self.location if attribute is None else self.file.locate(attribute)

    def literal_place(self, name: str) -> Location | None:
        """The place of an argument's value when it is a literal: what a fix may replace."""
        attribute = Part.attribute(self, name)
        literal = attribute is not None and attribute.value.kind == "literal"
        return self.file.locate(attribute.value) if attribute is not None and literal else None

    def place_before_end(self) -> Location | None:
        """The beginning of the line of the closing brace, where a fix may add arguments; None when it shares a line."""
        path = self.file.location.path
        closing = hcl.region(self.file.starts, self.block.end - 1, self.block.end - 1)
        ends = [each.end for each in self.block.attributes] + [each.end for each in self.block.blocks]
        last = hcl.region(self.file.starts, max(ends), max(ends)).end_line if ends else 0
        if path.endswith(".json") or last >= closing.start_line:
            return None
        line = closing.start_line
        return None if line == self.location.region.start_line else Location(path, Region(line, 1, line, 1))

    def place_after(self) -> Location | None:
        """The place behind the closing brace; None in JSON."""
        path = self.file.location.path
        after = hcl.region(self.file.starts, self.block.end, self.block.end)
        return None if path.endswith(".json") else Location(path, after)

    def value(self, name: str, default: Value = None) -> Value:
        """What an argument is worth; `default` when it is not set, or set to null."""
        attribute = self.attribute(name)
        if attribute is None:
            return default if self.block.complete else UNKNOWN
        value = self.context.evaluator.value(attribute.value, self.names)
        return default if value is None else value

    def parts(self, *types: str) -> Iterator[Part]:
        """The nested blocks of these types, those of `dynamic` blocks included; what is known to be absent is not."""
        for block in self.block.blocks:
            if block.type in types:
                yield Part(self.context, self.file, block, self.names, True)
            elif block.type == "dynamic" and block.labels and block.labels[0] in types:
                yield from self._dynamic(block)

    def _dynamic(self, block: Block) -> Iterator[Part]:
        attribute = block.attribute("for_each")
        collection = UNKNOWN if attribute is None else self.context.evaluator.value(attribute.value, self.names)
        content = next(block.nested("content"), None)
        present = is_filled(collection)
        if content is None or present is False:
            return
        iterator = block.attribute("iterator")
        name = str(iterator.value.value) if iterator is not None else block.labels[0]
        for key, value in _elements(collection):
            names = {**self.names, name: {"key": key, "value": value}}
            yield Part(self.context, self.file, content, names, present)


class Resource(Part):
    """A resource or data source in one context.

    Attributes:
        mode: `resource`, `data` or `ephemeral`.
        type: `aws_s3_bucket`.
        name: its label.
    """

    __slots__ = ("mode", "name", "overrides", "type")
    kinds = ("terraform",)

    def __init__(self, context: Context, declared: Declared, names: Names | None = None) -> None:
        block = declared.block
        names = _names_of(context, block) if names is None else names
        super().__init__(context, declared.file, block, names, is_repeated(context, block))
        self.present = all_of((context.present, self.present))
        self.mode = block.type
        self.type, self.name = block.labels
        others = context.module.merged(declared)[:-1]
        self.overrides = tuple(Part(context, file, part, self.names, self.present) for file, part in others)

    @staticmethod
    def in_repository(repository: Repository) -> list[Resource]:
        """Every resource in every context, unless it is known to be absent (`count = 0`)."""
        return repository.derived(resources)

    def instances(self) -> list[Resource]:
        """The resource once for each element of its `for_each`, with the worth of `each`; itself when unknown."""
        each = self.attribute("for_each")
        elements = _elements(UNKNOWN if each is None else self.context.evaluator.value(each.value))
        if not 1 < len(elements) <= MAX_INSTANCES:
            return [self]
        declared = Declared(self.file, self.block)
        return [Resource(self.context, declared, {"each": {"key": key, "value": value}}) for key, value in elements]

    @property
    def address(self) -> str:
        """How references name it in its module: `aws_s3_bucket.logs`, `data.aws_s3_bucket.logs`."""
        return f"{'' if self.mode == 'resource' else self.mode + '.'}{self.type}.{self.name}"

    @property
    def symbol(self) -> Symbol:
        """What a reference to it evaluates to."""
        return Symbol(self.context.id, self.address)

    def attribute(self, name: str) -> Attribute | None:
        """An argument as written, from an override file where one sets it."""
        for part in self.overrides:
            if (attribute := part.attribute(name)) is not None:
                return attribute
        return super().attribute(name)

    def place(self, name: str) -> Location:
        """The place of an argument, or of the block when it is not set."""
        return next((part.place(name) for part in self.overrides if part.attribute(name)), super().place(name))

    def parts(self, *types: str) -> Iterator[Part]:
        """The nested blocks of these types; those of an override file replace the others."""
        for part in self.overrides:
            found = list(part.parts(*types))
            if found:
                yield from found
                return
        yield from super().parts(*types)


def resources(repository: Repository) -> list[Resource]:
    """Every resource in every context that may be present; ask by `repository.derived(resources)`."""
    found = []
    for context in repository.derived(contexts):
        if context.present is False:
            continue
        for declared in context.module.resources.values():
            resource = Resource(context, declared)
            if resource.present is not False:
                found.append(resource)
    return found


def called_modules(repository: Repository) -> list[Part]:
    """Every call of a module in every context, unless it is known to be absent; ask by `repository.derived`."""
    found = []
    for context in repository.derived(contexts):
        for call in context.module.calls.values() if context.present is not False else ():
            part = Part(context, call.file, call.block, _names_of(context, call.block), True)
            part.present = all_of((context.present, is_repeated(context, call.block)))
            if part.present is not False:
                found.append(part)
    return found


def _names_of(context: Context, block: Block) -> Names:
    """What `each` and `count` are worth in a block: known when all instances agree, or follow another resource's."""
    if (each := block.attribute("for_each")) is not None:
        collection = context.evaluator.value(each.value)
        if isinstance(collection, Symbol):
            symbol = collection if collection.path else collection._replace(key="*")
            return {"each": {"key": UNKNOWN, "value": symbol}}
        elements = _elements(collection)
        if len(elements) == 1:
            return {"each": {"key": elements[0][0], "value": elements[0][1]}}
        return {"each": {"key": UNKNOWN, "value": _common([value for _, value in elements])}}
    if (count := block.attribute("count")) is not None and context.evaluator.value(count.value) == 1:
        return {"count": {"index": 0}}
    return {}


def _common(values: list[Value]) -> Value:
    """What several values agree on: of objects key by key."""
    if not values:
        return UNKNOWN
    first = values[0]
    if all(value == first for value in values):
        return first
    objects = [value for value in values if isinstance(value, dict)]
    if len(objects) != len(values):
        return UNKNOWN
    keys = set().union(*objects)
    return {key: _common([each.get(key, UNKNOWN) for each in objects]) for key in sorted(keys)}


def _elements(collection: Value) -> list[tuple[Value, Value]]:
    """Keys and values of a collection that `for_each` takes; one unknown pair when it is not known."""
    if isinstance(collection, dict):
        return [(key, collection[key]) for key in sorted(collection)]
    if is_list(collection):
        return [(value, value) for value in collection]
    return [(UNKNOWN, UNKNOWN)]
