"""Files that a repository declares to be encrypted, by their names or in .sops.yaml, and whether they are.

A name declares it when it ends in `.enc` or `.age`, holds `.enc.` or `.sops.`, or is an Ansible `vault.yml` of a group
or a host. A creation rule of .sops.yaml (https://getsops.io/docs/#using-sopsyaml-conf-to-select-kms-pgp-and-age-for-new-files)
counts when its pattern itself speaks of secrets: one that takes in every YAML file only says how to encrypt on request.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cache
from typing import ClassVar

from sp404audit.discovery import Kind
from sp404audit.documents.model import Document, Fact, Repository
from sp404audit.documents.secrets import encrypted
from sp404audit.documents.source import Source
from sp404audit.documents.yaml_tree import mapping, parse_stream, sequence, text
from sp404audit.records import NamedTuple
from sp404audit.results import WHOLE_FILE, Location

__all__ = ["CreationRule", "DeclaredFile", "SealedFile", "SopsConfig", "declares", "facts", "parse"]

_FORMATS = (".yaml", ".yml", ".json", ".env", ".ini")
_EXAMPLES = frozenset(("example", "examples", "sample", "template", "dist", "tmpl", "readme", "schema"))
_SECRET_WORDS = ("secret", "enc", "sops", "vault", "credential", "password", "private", "sealed")
_MAX_CANDIDATES = 2000
_MAX_PATH = 200


class SealedFile(NamedTuple):
    """A file that is encrypted, `tool` telling by what; or one that its name declares so and that is not."""

    location: Location
    tool: str


class CreationRule(NamedTuple):
    """A creation rule of .sops.yaml: which paths below `folder` it takes in, and whether only some keys of a file."""

    location: Location
    folder: str
    pattern: str
    is_partial: bool


class SopsConfig(Document):
    """A .sops.yaml."""

    kinds: ClassVar[tuple[str, ...]] = ("sops-config",)

    def __init__(self, source: Source, rules: list[CreationRule]) -> None:
        super().__init__(source)
        self.rules = rules

    def facts(self) -> Iterator[Fact]:
        """Yield its creation rules that name paths."""
        yield from self.rules


class DeclaredFile:
    """A file that is declared to be encrypted.

    Attributes:
        location: of the file.
        declaration: what declares it, in words.
        rule: the place of the creation rule that does, if one does.
        tool: what has encrypted it; empty when nothing has.
    """

    kinds: ClassVar[tuple[str, ...]] = ("sops-config",)

    def __init__(self, location: Location, declaration: str, rule: Location | None, tool: str) -> None:
        self.location = location
        self.declaration = declaration
        self.rule = rule
        self.tool = tool

    @staticmethod
    def in_repository(repository: Repository) -> Iterator[DeclaredFile]:
        """Yield the declared files in the order of their paths."""
        sealed = {fact.location.path: fact.tool for fact in repository.facts(SealedFile)}
        found = {
            path: DeclaredFile(Location(path), "its name", None, tool)
            for path, tool in sealed.items()
            if declares(path)
        }
        for rule in repository.facts(CreationRule):
            for path in _paths_of(rule, repository):
                if path not in found:
                    found[path] = DeclaredFile(
                        Location(path), "a rule of .sops.yaml", rule.location, sealed.get(path, "")
                    )
        yield from (found[path] for path in sorted(found))


def _paths_of(rule: CreationRule, repository: Repository) -> Iterator[str]:
    if not any(word in rule.pattern.lower() for word in _SECRET_WORDS):
        return
    pattern = encrypted.safe_pattern(rule.pattern)
    prefix = f"{rule.folder}/" if rule.folder else ""
    candidates = 0
    for path in sorted(repository.paths) if pattern is not None else ():
        if not path.endswith(_FORMATS) or not path.startswith(prefix) or len(path) > _MAX_PATH or _is_example(path):
            continue
        if rule.is_partial and repository.file_kinds.get(path) == Kind.KUBERNETES:
            continue  # only some of its keys: a manifest without a Secret has none of them
        candidates += 1
        if candidates > _MAX_CANDIDATES:
            return
        if pattern is not None and pattern.search(path[len(prefix) :]):
            yield path


def declares(path: str) -> bool:
    """Tell whether a file's name says that it is encrypted."""
    lower = path.lower()
    name = posixpath.basename(lower)
    if _is_example(lower) or name in (".sops.yaml", ".sops.yml"):
        return False
    if name.endswith((".enc", ".age")) or (name.endswith(_FORMATS) and (".enc." in name or ".sops." in name)):
        return True
    return name in ("vault.yml", "vault.yaml") and ("group_vars/" in lower or "host_vars/" in lower)


def _is_example(path: str) -> bool:
    name = posixpath.basename(path).lower()
    words = set(re.split(r"[._-]", name))
    return not words.isdisjoint(_EXAMPLES) or name.startswith("kustomization.")


def facts(source: Source) -> Iterator[Fact]:
    """Yield what is known of a file's encryption, whatever kind of file it is."""
    if encrypted.may_be(source.data):
        tools = [sealed.tool for sealed in encrypted.read(source)]
        if tools:
            yield SealedFile(Location(source.path, WHOLE_FILE), tools[0])
            return
    if declares(source.path) and _assignment().search(source.text[:100_000]):
        yield SealedFile(Location(source.path, WHOLE_FILE), "")


def parse(source: Source) -> SopsConfig:
    """Read a .sops.yaml; raise `DocumentError` when it is no YAML."""
    stream = parse_stream(source)
    rules: list[CreationRule] = []
    for root in stream.roots:
        fields = mapping(root)
        for item in sequence(fields.get("creation_rules")) if fields else ():
            rule = mapping(item)
            node = rule.get("path_regex") if rule else None
            pattern = text(node)
            if rule is not None and node is not None and pattern:
                location = Location(source.path, node.region)
                is_partial = "encrypted_regex" in rule or "encrypted_suffix" in rule
                rules.append(CreationRule(location, posixpath.dirname(source.path), pattern, is_partial))
    document = SopsConfig(source, rules)
    document.problems += stream.problems
    return document


@cache
def _assignment() -> re.Pattern[str]:
    """A key with a value, as no ciphertext has it."""
    return re.compile(r"(?m)^[ \t{]*[\"']?[A-Za-z_][\w.-]{0,80}[\"']?[ \t]*[:=][ \t]*[\"'\w]")
