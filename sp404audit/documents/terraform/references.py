"""The references in a Terraform module: what each expression names, seen from where it stands.

What a name may refer to: https://developer.hashicorp.com/terraform/language/expressions/references
"""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.hcl.reader import Block, Expression
from sp404audit.documents.terraform.file import TerraformFile
from sp404audit.documents.terraform.module import Module
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Reference", "is_declared", "references"]


class Reference(NamedTuple):
    """One use of a name.

    Attributes:
        kind: `variable`, `local value`, `module`, `resource`, `data source`, `provider` or `name` (a bare word).
        address: the name in full: `var.region`, `data.aws_ami.base`, `aws.use1`.
        location: where it stands.
    """

    kind: str
    address: str
    location: Location


_EVERYWHERE = frozenset({"each", "count", "self", "path", "terraform", "tofu"})
_UNCHECKED_BLOCKS = frozenset({"moved", "removed"})
_SETTINGS_WITH_REFERENCES = ("backend", "cloud")
"""Blocks of `terraform` in which OpenTofu takes variables; in the others names mean other things."""
_KINDS = {"var": "variable", "local": "local value", "module": "module"}
_MODES = {"data": "data source", "ephemeral": "ephemeral resource", "action": "action"}
_WORDS = {("provisioner", "when"), ("provisioner", "on_failure"), ("action_trigger", "events")}
"""Arguments whose values are bare words by definition."""


class _Place(NamedTuple):
    """A block yet to be looked at: the names that its surroundings define, and its top-level block's type."""

    block: Block
    names: frozenset[str]
    top: str


def references(module: Module) -> Iterator[Reference]:
    """Yield every reference in a module that is not to a name defined around it, in the order of its files."""
    for file in module.files:
        for block in file.body.blocks:
            if block.type == "terraform":
                for settings in block.nested(*_SETTINGS_WITH_REFERENCES):
                    yield from _in_block(file, settings)
            elif block.type not in _UNCHECKED_BLOCKS:
                yield from _in_block(file, block)


def _in_block(file: TerraformFile, top: Block) -> Iterator[Reference]:
    data_in_check = {
        f"data.{block.labels[0]}.{block.labels[1]}" for block in top.nested("data") if len(block.labels) == 2
    }
    pending = [_Place(top, frozenset(), top.type)]
    while pending:
        place = pending.pop()
        block = place.block
        inner = place.names
        if block.type == "dynamic" and block.labels:
            iterator = block.attribute("iterator")
            inner |= {str(iterator.value.value) if iterator else block.labels[0]}
        pending.extend(_Place(each, inner, place.top) for each in block.blocks)
        for attribute in block.attributes:
            if _is_reference_by_itself(block, attribute.name, place.top):
                yield from _of_providers(file, attribute.value, attribute.name)
            elif not _is_no_reference(block, attribute.name, place.top):
                # A dynamic block's `labels` see its iterator; its `for_each` does not.
                names = inner if block.type == "dynamic" and attribute.name == "labels" else place.names
                for reference in _in_expression(file, attribute.value, names, literal=attribute.name == "depends_on"):
                    if reference.address not in data_in_check:
                        yield reference


def _is_reference_by_itself(block: Block, name: str, top: str) -> bool:
    """Tell whether an argument names provider configurations."""
    if name == "provider":
        return block.type in ("resource", "data", "ephemeral", "import", "action")
    return name == "providers" and block.type == "module" and top == "module"


def _is_no_reference(block: Block, name: str, top: str) -> bool:
    """Tell whether an argument holds words that look like references and are none."""
    if block.type == "variable":
        return name in ("type", "default", "ephemeral", "nullable")
    if block.type == "lifecycle":
        return name == "ignore_changes"
    if block.type == "dynamic":
        return name == "iterator"
    if block.type == "import" and top == "import":
        return name == "to"
    return (block.type, name) in _WORDS


def _of_providers(file: TerraformFile, value: Expression, argument: str) -> Iterator[Reference]:
    """The provider configurations with an alias that an argument names; those without need no declaration."""
    named = value.parts[1::2] if argument == "providers" and value.kind == "object" else (value,)
    for node in named:
        if node.kind == "name" and node.parts and node.parts[0].kind == "attribute":
            yield Reference("provider", f"{node.value}.{node.parts[0].value}", file.locate(node))
        elif node.text and node.text.count(".") == 1:
            yield Reference("provider", node.text, file.locate(node))


def _in_expression(
    file: TerraformFile, expression: Expression, names: frozenset[str], *, literal: bool
) -> Iterator[Reference]:
    """The references in an expression; `literal` lets plain strings be references, as they once were."""
    pending = [(expression, names)]
    while pending:
        node, known = pending.pop()
        if node.kind in ("for", "for_object", "for_group", "for_template"):
            inner = known | set(str(node.value).split(","))
            pending.extend((part, inner) for part in reversed(node.parts[1:]))
            pending.append((node.parts[0], known))
            continue
        if node.kind == "object":
            pairs = list(zip(node.parts[::2], node.parts[1::2], strict=False))
            for key, value in reversed(pairs):
                pending.append((value, known))
                if not (key.kind == "name" and not key.parts and key.end - key.start == len(str(key.value))):
                    pending.append((key, known))
            continue
        pending.extend((part, known) for part in reversed(node.parts))
        if node.kind == "name" and node.value not in known:
            yield from _named(file, node)
        elif literal and node.text and "." in node.text and "${" not in node.text:
            yield from _of_path(node.text.split("."), file.locate(node))


def _named(file: TerraformFile, node: Expression) -> Iterator[Reference]:
    """What a name with its steps refers to."""
    path = [str(node.value)]
    for part in node.parts:
        if part.kind != "attribute":
            break
        path.append(str(part.value))
    yield from _of_path(path, file.locate(node))


def _of_path(path: list[str], location: Location) -> Iterator[Reference]:
    if path[0] == "resource" and len(path) > 2:
        path = path[1:]
    first = path[0]
    if first in _EVERYWHERE:
        return
    if len(path) == 1:
        yield Reference("name", first, location)
    elif first in _KINDS:
        yield Reference(_KINDS[first], f"{first}.{path[1]}", location)
    elif first in _MODES:
        yield Reference(_MODES[first], ".".join(path[:3]), location)
    else:
        yield Reference("resource", f"{first}.{path[1]}", location)


def is_declared(reference: Reference, module: Module) -> bool:
    """Tell whether the module declares what a reference names."""
    name = reference.address.partition(".")[2]
    if reference.kind == "variable":
        return name in module.variables
    if reference.kind == "local value":
        return name in module.locals
    if reference.kind == "module":
        return name in module.calls
    if reference.kind == "provider":
        return reference.address in module.provider_aliases
    return reference.address in module.resources
