"""What an entry of the cache is found by: everything that the audit of one file goes by, hashed.

That is the file (path, kind, bytes), what the policy says of the rules that judge files, and the ruleset. The ruleset
is known by the content of this package's own files: version numbers stay the same while rules are written, sizes and
times of change survive a careless copy, and to read the files takes a few hundredths of a second of a scan that takes
seconds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sp404audit.policy.model import Policy, RuleChoice
from sp404audit.rules.registry import Rule

__all__ = ["Keys"]

_PARSERS = ("PyYAML", "tree-sitter", "tree-sitter-bash")
"""Packages that decide what is read of a file."""


class Keys:
    """Makes the keys of one audit.

    Args:
        policy: the policy in force.
        rules: those that judge single files.
    """

    def __init__(self, policy: Policy, rules: Iterable[Rule]) -> None:
        import hashlib
        import json

        settings = json.dumps([ruleset(), *_settings(policy, rules)], sort_keys=True, default=str)
        self._start = hashlib.sha256(settings.encode("utf-8", "surrogatepass"))

    def key(self, path: str, kind: str, data: bytes) -> bytes:
        """The key of a file; whoever changes a byte of it, its name or its kind gets another."""
        digest = self._start.copy()
        name = path.encode("utf-8", "surrogatepass")
        digest.update(b"%d %s %d %s " % (len(name), name, len(kind), kind.encode()))
        digest.update(data)
        return digest.digest()


def ruleset() -> str:
    """The hash of all that the code decides: this package, the interpreter, and the parsers.

    Raises:
        OSError: when the package's files cannot be read, for instance in an archive.
    """
    import hashlib
    from importlib import metadata

    digest = hashlib.sha256(sys.version.encode())
    for name in _PARSERS:
        try:
            digest.update(f"{name} {metadata.version(name)}\n".encode())
        except metadata.PackageNotFoundError:
            digest.update(f"{name}\n".encode())
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    for path in sorted(_files(top)):
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()
        digest.update(f"{os.path.relpath(path, top)} {len(data)}\n".encode("utf-8", "surrogatepass"))
        digest.update(data)
    return digest.hexdigest()


def _files(top: str) -> Iterator[str]:
    pending = [top]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        pending.append(entry.path)
                else:
                    yield entry.path


def _settings(policy: Policy, rules: Iterable[Rule]) -> Iterator[Any]:
    """All that the policy says of these rules, for any path: a path is part of the key itself."""
    for rule in rules:
        setting = policy.setting(rule)
        yield [rule.id, None if setting is None else [_plain(setting.parameters), setting.severity]]
    if policy.overrides:
        yield [policy.default, policy.select, policy.ignore, _choices(policy.rules)]
        yield [[override.paths, _choices(override.rules)] for override in policy.overrides]


def _choices(choices: Mapping[str, RuleChoice]) -> dict[str, Any]:
    return {name: [choice.enabled, choice.severity, _plain(choice.parameters)] for name, choice in choices.items()}


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return dict(parameters)
