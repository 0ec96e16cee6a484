"""docker-bake files in HCL: which images `docker buildx bake` builds.

Attributes and inheritance follow Docker's "Bake file reference". Paths count from the folder of the file, which is
where bake is usually run.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import ClassVar

from sp404audit.documents.containers.images import BuildRequest
from sp404audit.documents.hcl import reader as hcl
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.source import Source
from sp404audit.results import Location

__all__ = ["BakeFile", "parse"]

_MOST_INHERITED = 50


class BakeFile(Document):
    """A bake file: the body of blocks and what its variables default to."""

    kinds: ClassVar[tuple[str, ...]] = ("hcl",)

    def __init__(self, source: Source, body: hcl.Block) -> None:
        super().__init__(source)
        self.targets = {block.labels[0]: block for block in body.nested("target") if block.labels}
        self.groups = [block for block in body.nested("group") if block.labels]
        defaults = {block.labels[0]: block.attribute("default") for block in body.nested("variable") if block.labels}
        self.variables = {name: value.value.text for name, value in defaults.items() if value is not None}

    def facts(self) -> Iterator[Fact]:
        """Yield a request for every target that is meant to be built."""
        for name in self._built():
            yield self._request(name)

    def _built(self) -> list[str]:
        """The targets that groups name, and those that are no mere base: not inherited, not named with `_`."""
        grouped = {name for group in self.groups for name in self._texts(group.attribute("targets")) if name}
        inherited = {
            base for block in self.targets.values() for base in self._texts(block.attribute("inherits")) if base
        }
        return [
            name
            for name in self.targets
            if name in grouped or (name not in inherited and not name.startswith("_") and not grouped)
        ]

    def _request(self, name: str) -> BuildRequest:
        block = self.targets[name]
        attributes = self._attributes(name)
        context = self._inside("", attributes, "context", ".")
        remote = attributes.get("dockerfile-inline") is not None
        dockerfile = (
            None if context is None or remote else self._inside(context, attributes, "dockerfile", "Dockerfile")
        )
        target = attributes.get("target")
        target_name = self._text(target.value) if target is not None else None
        return BuildRequest(
            Location(self.source.path, self.source.region(block.start, block.head)),
            context,
            dockerfile,
            target=target_name or None,
            args=tuple(self._pairs(attributes.get("args"))),
            tags=tuple(tag for tag in self._texts(attributes.get("tags")) if tag),
            origin="bake",
            owner=name,
            contexts=tuple(key for key, _ in self._pairs(attributes.get("contexts"))),
            target_known=target is None or target_name is not None,
        )

    def _attributes(self, name: str) -> dict[str, hcl.Attribute]:
        """The attributes of a target and of those that it inherits from; its own win, then those of the later."""
        order: list[str] = []
        pending = [name]
        while pending and len(order) < _MOST_INHERITED:
            current = pending.pop()
            if current not in self.targets or current in order:
                continue
            order.append(current)
            pending += [base for base in self._texts(self.targets[current].attribute("inherits")) if base]
        found: dict[str, hcl.Attribute] = {}
        for each in order:
            for attribute in self.targets[each].attributes:
                found.setdefault(attribute.name, attribute)
        return found

    def _inside(self, folder: str, attributes: dict[str, hcl.Attribute], name: str, default: str) -> str | None:
        """A path that counts from a folder of the repository; None when it is unknown or leads elsewhere."""
        attribute = attributes.get(name)
        path = default if attribute is None else self._text(attribute.value)
        if not path or "://" in path or path.startswith(("/", "git@", "target:")):
            return None
        start = posixpath.dirname(self.source.path) if name == "context" else folder
        joined = posixpath.normpath(posixpath.join(start, path))
        if joined == ".." or joined.startswith("../"):
            return None
        return "" if joined == "." else joined

    def _text(self, expression: hcl.Expression) -> str | None:
        """A text with the defaults of the file's variables in it; None when it takes more to know it."""
        if expression.kind == "literal":
            return expression.text
        if expression.kind == "name" and not expression.parts:
            return self.variables.get(str(expression.value))
        if expression.kind == "template":
            parts = [self._text(part) for part in expression.parts if part.kind != "template"]
            known = [part for part in parts if part is not None]
            return "".join(known) if len(known) == len(expression.parts) else None
        return None

    def _texts(self, attribute: hcl.Attribute | None) -> list[str | None]:
        if attribute is None or attribute.value.kind != "list":
            return []
        return [self._text(part) for part in attribute.value.parts]

    def _pairs(self, attribute: hcl.Attribute | None) -> list[tuple[str, str | None]]:
        if attribute is None or attribute.value.kind != "object":
            return []
        parts = attribute.value.parts
        keys = [part.text or str(part.value or "") for part in parts[::2]]
        return [(key, self._text(value)) for key, value in zip(keys, parts[1::2], strict=False) if key]


def parse(source: Source) -> Document:
    """Read a bake file; other HCL (Terragrunt, Packer, Nomad) has no model and is only text."""
    if not posixpath.basename(source.path).lower().startswith("docker-bake"):
        return Document(source)
    body, problems = hcl.parse(source)
    document = BakeFile(source, body)
    document.problems += problems
    return document
