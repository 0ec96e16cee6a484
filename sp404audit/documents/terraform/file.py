"""Terraform's files – `*.tf`, `*.tofu`, `*.tfvars` and their JSON forms – as facts of which modules are put together.

How files make a module: https://developer.hashicorp.com/terraform/language/files
"""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.hcl import reader as hcl
from sp404audit.documents.hcl.reader import Attribute, Block, Expression
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import Source
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Region

__all__ = ["Terraform", "TerraformFile", "VariableValues", "VariablesFile", "parse", "parse_variables"]

_OVERRIDE = regex(r"(?:^|_)override\.(?:tf|tofu)(?:\.json)?$")


class TerraformFile(NamedTuple):
    """Everything that one file of a module declares.

    Attributes:
        location: the file.
        folder: its folder, which is the module; the empty string for the root.
        body: its blocks; `body.complete` is false when a part of it could not be read.
        starts: the offset of each line, to turn the tree's offsets into places.
        is_override: whether its blocks are merged into those of the other files.
    """

    location: Location
    folder: str
    body: Block
    starts: tuple[int, ...]
    is_override: bool

    def locate(self, node: Attribute | Block | Expression) -> Location:
        """The place of a node of `body`: an attribute with its value, the header of a block."""
        return locate(self.location.path, self.starts, node)


class VariableValues(NamedTuple):
    """The values that a `*.tfvars` file gives to variables.

    Attributes:
        location: the file.
        folder: its folder.
        is_automatic: whether Terraform reads it without being told (`terraform.tfvars`, `*.auto.tfvars`).
        body: its attributes.
        starts: the offset of each line.
    """

    location: Location
    folder: str
    is_automatic: bool
    body: Block
    starts: tuple[int, ...]


def locate(path: str, starts: tuple[int, ...], node: Attribute | Block | Expression) -> Location:
    """The place of a node, on its first line when it spans several."""
    start, end = (node.start, node.head) if isinstance(node, Block) else (node.start, node.end)
    place = hcl.region(starts, start, end)
    if place.end_line == place.start_line:
        return Location(path, place)
    if isinstance(node, Attribute):
        return Location(path, hcl.region(starts, start, start + len(node.name)))
    return Location(path, Region(place.start_line, place.start_column, place.start_line, place.start_column + 1))


class Terraform(Document):
    """One file of a module."""

    kinds = ("terraform",)

    def __init__(self, source: Source, body: Block) -> None:
        super().__init__(source)
        self.body = body

    def facts(self) -> Iterator[Fact]:
        """Yield the file as a fact."""
        folder, _, name = self.source.path.rpartition("/")
        override = _OVERRIDE.search(name) is not None
        yield TerraformFile(Location(self.source.path), folder, self.body, tuple(self.source.starts), override)


class VariablesFile(Document):
    """One file of values for variables."""

    kinds = ("tfvars",)

    def __init__(self, source: Source, body: Block) -> None:
        super().__init__(source)
        self.body = body

    def facts(self) -> Iterator[Fact]:
        """Yield the file as a fact."""
        folder, _, name = self.source.path.rpartition("/")
        name = name.removesuffix(".json")
        automatic = name == "terraform.tfvars" or name.endswith(".auto.tfvars")
        yield VariableValues(Location(self.source.path), folder, automatic, self.body, tuple(self.source.starts))


def parse(source: Source) -> Terraform:
    """Read a file of a module, in HCL or in JSON.

    Raises:
        DocumentError: when it is JSON and cannot be read.
    """
    if source.path.endswith(".json"):
        from sp404audit.documents.terraform import json_file as terraform_json

        body, problems = terraform_json.parse(source)
    else:
        body, problems = hcl.parse(source)
    document = Terraform(source, body)
    document.problems += problems
    return document


def parse_variables(source: Source) -> VariablesFile:
    """Read a file of values for variables, in HCL or in JSON.

    Raises:
        DocumentError: when it is JSON and cannot be read.
    """
    if source.path.endswith(".json"):
        from sp404audit.documents.terraform import json_file as terraform_json

        body, problems = terraform_json.parse_values(source)
    else:
        body, problems = hcl.parse(source)
    document = VariablesFile(source, body)
    document.problems += problems
    return document
