"""A Terraform module: a folder, and what its files declare together."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import cached_property

from sp404audit.documents.hcl.reader import Attribute, Block
from sp404audit.documents.model import Repository
from sp404audit.documents.terraform.file import TerraformFile, VariableValues
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Declared", "Module", "ModuleCall", "modules"]

_SUFFIXES = (".tf", ".tofu", ".tf.json", ".tofu.json")
_SAMPLES = frozenset({"doc", "docs", "documentation", "example", "examples"})
_GENERATOR = regex(
    r"terragrunt\.hcl(?:\.json)?|cdktf\.json|.*\.tm(?:\.hcl)?"
    r"|.*\.(?:tf|tofu)\.(?:j2|jinja2?|tpl|tmpl|tftpl|gotmpl|erb|template|example|sample|dist)"
)
"""Files beside a module that say: more declarations are written into this folder, by Terragrunt, the CDK, Terramate,
a template engine, or people who copy a sample."""


class Declared(NamedTuple):
    """A block, and the file that it stands in."""

    file: TerraformFile
    block: Block

    @property
    def location(self) -> Location:
        """The block's header."""
        return self.file.locate(self.block)


class LocalValue(NamedTuple):
    """A value that a `locals` block names."""

    file: TerraformFile
    attribute: Attribute


class ModuleCall(NamedTuple):
    """A `module` block.

    Attributes:
        name: its label.
        source: where the module comes from, as written; None when that is not literal.
        folder: the folder of this repository that it names; None for a registry, a URL, or a path out of the tree.
        file: the file that it stands in.
        block: the block.
    """

    name: str
    source: str | None
    folder: str | None
    file: TerraformFile
    block: Block

    @property
    def location(self) -> Location:
        """The block's header."""
        return self.file.locate(self.block)


class Module:
    """One folder with Terraform files.

    Attributes:
        folder: relative to the root of the repository, which is the empty string.
        files: its files, overrides last.
        gaps: why not all declarations may be known; empty when they are.
        values: the files with values for variables in this folder and below.
    """

    kinds = ("terraform",)

    def __init__(
        self,
        folder: str,
        files: list[TerraformFile],
        gaps: tuple[str, ...] = (),
        values: tuple[VariableValues, ...] = (),
    ) -> None:
        self.folder = folder
        self.files = tuple(sorted(files, key=lambda file: (file.is_override, file.location.path)))
        self.gaps = gaps
        self.values = values

    @staticmethod
    def in_repository(repository: Repository) -> list[Module]:
        """Every module of the repository, in the order of their folders."""
        return list(repository.derived(modules).values())

    @property
    def location(self) -> Location:
        """The first file: where a statement about the whole module is put."""
        return self.files[0].location

    @property
    def is_sample(self) -> bool:
        """Whether it lies in a folder of documentation or examples."""
        return not _SAMPLES.isdisjoint(self.folder.lower().split("/"))

    def blocks(self, *types: str) -> Iterator[Declared]:
        """The top-level blocks of these types, overrides last."""
        for file in self.files:
            for block in file.body.blocks:
                if block.type in types:
                    yield Declared(file, block)

    def _labelled(self, type_: str) -> dict[str, Declared]:
        found: dict[str, Declared] = {}
        for declared in self.blocks(type_):
            if declared.block.labels:
                found.setdefault(declared.block.labels[0], declared)
        return found

    @cached_property
    def variables(self) -> dict[str, Declared]:
        """The input variables by name."""
        return self._labelled("variable")

    @cached_property
    def outputs(self) -> dict[str, Declared]:
        """The outputs by name."""
        return self._labelled("output")

    @cached_property
    def locals(self) -> dict[str, LocalValue]:
        """The local values by name."""
        return {
            attribute.name: LocalValue(declared.file, attribute)
            for declared in self.blocks("locals")
            for attribute in declared.block.attributes
        }

    @cached_property
    def calls(self) -> dict[str, ModuleCall]:
        """The modules that it calls, by the name of the call."""
        return {name: self._call(name, declared) for name, declared in self._labelled("module").items()}

    def _call(self, name: str, declared: Declared) -> ModuleCall:
        attribute = declared.block.attribute("source")
        source = attribute.value.text if attribute else None
        folder = None
        if source is not None and source.startswith(("./", "../")):
            folder = posixpath.normpath(posixpath.join(self.folder, source))
            if folder == ".." or folder.startswith("../"):
                folder = None
            elif folder == ".":
                folder = ""
        return ModuleCall(name, source, folder, declared.file, declared.block)

    @cached_property
    def resources(self) -> dict[str, Declared]:
        """Resources, data sources and ephemeral resources by address, as it is written in references."""
        prefixes = {"resource": "", "data": "data.", "ephemeral": "ephemeral.", "action": "action."}
        found: dict[str, Declared] = {}
        for declared in self.blocks(*prefixes):
            type_, labels = declared.block.type, declared.block.labels
            if len(labels) == 2:
                found.setdefault(f"{prefixes[type_]}{labels[0]}.{labels[1]}", declared)
        return found

    @cached_property
    def _overrides(self) -> dict[tuple[str, tuple[str, ...]], list[Declared]]:
        found: dict[tuple[str, tuple[str, ...]], list[Declared]] = {}
        for file in self.files:
            for block in file.body.blocks if file.is_override else ():
                found.setdefault((block.type, block.labels), []).append(Declared(file, block))
        return found

    def merged(self, declared: Declared) -> list[Declared]:
        """The block, and before it the blocks of override files that are merged into it: the first one counts."""
        if declared.file.is_override:
            return [declared]
        return [*reversed(self._overrides.get((declared.block.type, declared.block.labels), [])), declared]

    @cached_property
    def provider_aliases(self) -> frozenset[str]:
        """The provider configurations that have an alias: `aws.use1`."""
        found = set()
        for _, block in self.blocks("provider"):
            alias = block.attribute("alias")
            if block.labels and alias is not None and isinstance(alias.value.value, str):
                found.add(f"{block.labels[0]}.{alias.value.value}")
        for _, block in self.blocks("terraform"):
            for required in block.nested("required_providers"):
                for attribute in required.attributes:
                    found.update(_configuration_aliases(attribute))
        return frozenset(found)


def _configuration_aliases(provider: Attribute) -> Iterator[str]:
    """The aliases that a module says its caller must provide."""
    parts = provider.value.parts if provider.value.kind == "object" else ()
    for key, value in zip(parts[::2], parts[1::2], strict=False):
        if key.value != "configuration_aliases":
            continue
        for node in value.parts:
            if node.kind == "name" and len(node.parts) == 1:
                yield f"{node.value}.{node.parts[0].value}"
            elif node.text:
                yield node.text


def modules(repository: Repository) -> dict[str, Module]:
    """Every module of the repository by its folder; ask by `repository.derived(modules)`."""
    files: dict[str, list[TerraformFile]] = {}
    for file in repository.facts(TerraformFile):
        files.setdefault(file.folder, []).append(file)
    gaps = _gaps(repository, files)
    values: dict[str, list[VariableValues]] = {}
    for given in repository.facts(VariableValues):
        folder = given.folder
        while folder and folder not in files:
            folder = folder.rpartition("/")[0]
        values.setdefault(folder, []).append(given)
    return {
        folder: Module(folder, files[folder], tuple(gaps.get(folder, ())), tuple(values.get(folder, ())))
        for folder in sorted(files)
    }


def _gaps(repository: Repository, files: dict[str, list[TerraformFile]]) -> dict[str, list[str]]:
    """Why the declarations of a folder may not all be known."""
    read = {file.location.path for folder in files.values() for file in folder if file.body.complete}
    gaps: dict[str, list[str]] = {}
    for path in sorted(repository.paths):
        folder, _, name = path.rpartition("/")
        if folder in files and name.endswith(_SUFFIXES) and path not in read:
            gaps.setdefault(folder, []).append(f"{path} was not read")
        elif folder in files and _GENERATOR.fullmatch(name):
            gaps.setdefault(folder, []).append(f"{path} may generate declarations")
    return gaps
