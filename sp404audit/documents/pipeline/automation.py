"""Other YAML that runs commands or makes buckets: Ansible's tasks, CloudFormation's templates.

Read only for what rules across files ask: commands, schedules, buckets. Modules are those of `ansible.builtin`
(ansible-core 2.17): https://docs.ansible.com/ansible/latest/collections/ansible/builtin/; CloudFormation's
`AWS::S3::Bucket`: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/.
"""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents import yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.pipeline.schedules import Schedule, cron_hours
from sp404audit.documents.shell import commands as shell
from sp404audit.documents.source import DocumentError, Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar, Sequence
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Automation", "TemplateBucket", "parse"]

_COMMANDS = frozenset({"command", "shell", "raw", "script"})
_PREFIX = "ansible.builtin."
_BUCKET = "AWS::S3::Bucket"
_MAX_NODES = 50_000
_NICKNAMES = ("reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly")


class TemplateBucket(NamedTuple):
    """A bucket of a CloudFormation template.

    Attributes:
        name: as written; empty when it is computed.
        expires: the days after which each enabled rule of its lifecycle deletes; 0 for a rule that cannot be read.
        encrypted: whether it names an encryption of its own.
    """

    location: Location
    name: str
    expires: tuple[tuple[int, str, Location], ...]
    encrypted: bool


class Automation(Document):
    """A YAML file of another tool; `roots` are its documents, none when it is not of a tool that we read."""

    def __init__(self, source: Source, roots: list[Node | None]) -> None:
        super().__init__(source)
        self.roots = roots

    def facts(self) -> Iterator[Fact]:
        """Yield the commands and schedules of tasks, and the buckets of a template."""
        template = _BUCKET in self.source.text
        for mapping in _mappings(self.roots):
            if template and yaml_tree.text(mapping.get("Type")) == _BUCKET:
                yield self._bucket(mapping)
            for key, _, value in mapping.pairs():
                module = key.removeprefix(_PREFIX)
                if module in _COMMANDS:
                    yield from self._commands(value, "ansible", _line(value))
                elif module == "cron" and isinstance(value, Mapping):
                    yield from self._cron(value)

    def _commands(self, value: Node | None, kind: str, owner: str) -> Iterator[Fact]:
        node = value.get("cmd") if isinstance(value, Mapping) else value
        if isinstance(node, Scalar):
            read = shell.parse(node.excerpt(self.source), templates=True, interpreter="sh")
            unit = shell.Unit(kind, self.source.path, node.region.start_line, owner, folder=None)
            yield from shell.command_facts(read, self.source.path, unit)

    def _cron(self, task: Mapping) -> Iterator[Fact]:
        job = task.get("job")
        if not isinstance(job, Scalar) or yaml_tree.text(task.get("state")) == "absent":
            return
        owner = f"line {job.region.start_line}"
        special = yaml_tree.text(task.get("special_time"))
        fields = [yaml_tree.text(task.get(name)) or "*" for name in ("minute", "hour", "day", "month", "weekday")]
        expression = f"@{special}" if special in _NICKNAMES else " ".join(fields)
        place = Location(self.source.path, job.region)
        hours = None if "{{" in expression else cron_hours(expression)
        yield Schedule(place, expression, hours, "cron", self.source.path, owner)
        yield from self._commands(job, "cron", owner)

    def _bucket(self, resource: Mapping) -> TemplateBucket:
        properties = yaml_tree.mapping(resource.get("Properties"))
        place = Location(self.source.path, resource.region)
        if properties is None:
            return TemplateBucket(place, "", (), False)
        lifecycle = yaml_tree.mapping(properties.get("LifecycleConfiguration"))
        expires = []
        for rule in yaml_tree.sequence(lifecycle.get("Rules")) if lifecycle is not None else ():
            if isinstance(rule, Mapping) and yaml_tree.text(rule.get("Status")) != "Disabled":
                days = rule.get("ExpirationInDays")
                number = days.resolved if isinstance(days, Scalar) else 0
                where = Location(self.source.path, (days or rule).region)
                prefix = yaml_tree.text(rule.get("Prefix")) or ""
                expires.append((number if isinstance(number, int) else 0, prefix, where))
        name = yaml_tree.text(properties.get("BucketName")) or ""
        computed = "$" in name or "{" in name
        return TemplateBucket(place, "" if computed else name, tuple(expires), "BucketEncryption" in properties)


def _line(node: Node | None) -> str:
    return "" if node is None else f"line {node.region.start_line}"


def _mappings(roots: list[Node | None]) -> Iterator[Mapping]:
    """Every mapping of the documents, each once, as far as the bound on nodes allows."""
    pending: list[Node | None] = list(reversed(roots))
    seen: set[int] = set()
    while pending and len(seen) < _MAX_NODES:
        node = pending.pop()
        if node is None or isinstance(node, Scalar) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Sequence):
            pending += reversed(node.items)
        elif isinstance(node, Mapping):
            yield node
            pending += [value for _, _, value in node.pairs()][::-1]


def parse(source: Source) -> Document:
    """Read a YAML file of Ansible or CloudFormation; one that is no YAML is left as text."""
    try:
        stream = yaml_tree.parse_stream(source)
    except DocumentError:
        # What its first bytes promised it does not keep: nothing was promised about such a file.
        return Document(source)
    return Automation(source, stream.roots)
