"""From policy files and the repository's own configuration to the policy in force.

What ships is trusted and only read; any other file is checked against the schema, and an error names the file, the
line, the key and the nearest valid name.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sp404audit.discovery import InputError, Reader
from sp404audit.documents.source import DocumentError, Source
from sp404audit.documents.yaml_tree import Mapping as MappingNode
from sp404audit.documents.yaml_tree import Node, Scalar, Sequence, parse
from sp404audit.policy.model import Override, Policy, RuleChoice, Waiver
from sp404audit.results import WHOLE_FILE, Location, Region, Severity

__all__ = ["CONFIGURATION_FILES", "DEFAULT_POLICY", "PolicyError", "origins", "packs", "packs_folder", "resolve"]

DEFAULT_POLICY = "recommended"
CONFIGURATION_FILES = (".sp404audit.yaml", ".sp404audit.yml", ".github/sp404audit.yaml", ".github/sp404audit.yml")
_BUILT_IN = "sp404audit:"
_MAX_BYTES = 1024 * 1024
_MAX_EXTENDS = 16


class PolicyError(Exception):
    """A policy, configuration or baseline that cannot be used; the text names file, place and way out."""


@dataclass
class _File:
    """One file, read: its values, and where each of them stands by the path of keys and indexes that leads to it."""

    name: str
    values: Mapping[str, Any]
    places: Mapping[tuple[str | int, ...], Region] = field(default_factory=dict)
    trusted: bool = False

    def place(self, *keys: str | int) -> Region:
        """The place of a key, or of the nearest one around it."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys, WHOLE_FILE)

    def error(self, message: str, *keys: str | int) -> PolicyError:
        region = self.place(*keys)
        return PolicyError(f"{self.name}:{region.start_line}:{region.start_column}: {message}")


def packs_folder() -> Path:
    """The folder of the policies that ship: inside the wheel, or at the top of the checkout."""
    inside = Path(__file__).parent.parent / "_policies"
    return inside if inside.is_dir() else Path(__file__).parent.parent.parent / "policies"


def packs() -> list[str]:
    """The names of the policies that ship."""
    return sorted(path.stem for path in packs_folder().glob("*.yaml"))


def resolve(
    reader: Reader,
    policy: str | Path | None = None,
    *,
    isolated: bool = False,
    config: str | Path | None = None,
    select: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
) -> Policy:
    """Put together the policy in force.

    Args:
        reader: of the repository, whose own configuration comes on top unless `isolated`.
        policy: the policy to start from, in place of what the configuration extends.
        isolated: leave the configuration out.
        config: the configuration, in place of the one that the repository would be looked through for: a file of it.
        select: the command line's word on which rules run.
        ignore: the command line's word on which rules do not.

    Raises:
        PolicyError: see the class.
    """
    _check_names((*select, *ignore))
    return _merge(_files(reader, policy, isolated=isolated, config=config), select, ignore)


def origins(
    reader: Reader, policy: str | Path | None = None, *, isolated: bool = False, config: str | Path | None = None
) -> dict[str, Location]:
    """Tell where each value of the policy in force stands: the last file that sets it, and its place there.

    Args:
        reader: of the repository.
        policy: the policy to start from, in place of what the configuration extends.
        isolated: leave the configuration out.
        config: the configuration, in place of the one that the repository would be looked through for: a file of it.

    Returns:
        Places by `fail-on`, `default`, `rules.RULE`, `exclude.PATTERN`, `overrides.NUMBER` (counted over all files) and
        `metrics.targets.NAME`; what no file sets is missing.

    Raises:
        PolicyError: see the class.
    """
    found: dict[str, Location] = {}
    overrides = 0
    for file in _files(reader, policy, isolated=isolated, config=config):
        values = file.values
        keys: dict[str, tuple[str | int, ...]] = {key: (key,) for key in ("fail-on", "default") if key in values}
        keys |= {f"rules.{name}": ("rules", name) for name in values.get("rules", {})}
        keys |= {f"exclude.{pattern}": ("exclude", at) for at, pattern in enumerate(values.get("exclude", ()))}
        keys |= {f"overrides.{overrides + at}": ("overrides", at) for at in range(len(values.get("overrides", ())))}
        targets = values.get("metrics", {}).get("targets", {})
        keys |= {f"metrics.targets.{name}": ("metrics", "targets", name) for name in targets}
        overrides += len(values.get("overrides", ()))
        found |= {name: Location(file.name, file.place(*each)) for name, each in keys.items()}
    return found


def _files(
    reader: Reader, policy: str | Path | None, *, isolated: bool, config: str | Path | None = None
) -> list[_File]:
    """The files that make up the policy, those that are extended first and the configuration last."""
    if isolated and config is not None:
        raise PolicyError(f"{config} is a configuration, and isolated leaves every configuration out; choose one")
    configuration = None if isolated else _configuration(reader) if config is None else _named(reader, config)
    files: list[_File] = []
    if policy is not None:
        _add(files, str(policy), None, reader)
    elif configuration is not None and "extends" in configuration.values:
        for name in configuration.values["extends"]:
            _add(files, name, configuration, reader)
    else:
        _add(files, DEFAULT_POLICY, None, reader)
    if configuration is not None:
        files.append(configuration)
    return files


def _check_names(names: Iterable[str]) -> None:
    """Refuse a rule on the command line that does not exist: a typo must not switch off a check."""
    from sp404audit import rules

    others = ("all", "*", "checkov", "pip-audit")
    unsure = [name for name in names if name not in rules.DOMAINS and name.partition("/")[0] not in others]
    if not unsure:
        return
    known = {rule.id for rule in rules.all_rules()} | {f"{domain}/*" for domain in rules.DOMAINS}
    for name in unsure:
        if name not in known:
            raise PolicyError(f"{name} is no rule{_nearest(name, known)}")


def _nearest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(names), 1, 0.5)
    return f"; did you mean {near[0]}?" if near else "; `sp404audit rules` lists them"


def _add(files: list[_File], name: str, parent: _File | None, reader: Reader) -> None:
    """Append a policy file after those that it extends."""
    if len(files) >= _MAX_EXTENDS:
        raise PolicyError(f"{name}: policies extend each other in a circle, or more than {_MAX_EXTENDS} deep")
    found = _policy_file(name, parent, reader)
    for base in found.values.get("extends", ()):
        if base in (name, found.name):
            raise found.error(f"extends itself ({base})", "extends")
        _add(files, base, found, reader)
    if all(file.name != found.name for file in files):
        files.append(found)


def _policy_file(name: str, parent: _File | None, reader: Reader) -> _File:
    plain = name.removeprefix(_BUILT_IN)
    if plain in packs() and not Path(name).is_file():
        path = packs_folder() / f"{plain}.yaml"
        return _read_yaml(f"{_BUILT_IN}{plain}", path.read_bytes(), trusted=True)
    if parent is None:
        path = Path(name)
        if not path.is_file():
            raise PolicyError(f"{name} is no policy that ships ({', '.join(packs())}) and no file")
        return _read_yaml(name, path.read_bytes())
    if parent.trusted or name.startswith(_BUILT_IN):
        raise parent.error(f"{name} is no policy that ships{_nearest(plain, packs())}", "extends")
    below = _below_root(name, parent)
    try:
        return _read_yaml(below, reader.read(below, _MAX_BYTES))
    except InputError as error:
        raise parent.error(f"cannot extend {name}: {error.notification.message}", "extends") from None


def _below_root(name: str, parent: _File) -> str:
    """A path in `extends`, relative to the file that names it, made relative to the root."""
    parts = parent.name.split("/")[:-1]
    for part in name.replace("\\", "/").split("/"):
        if part == "..":
            if not parts:
                raise parent.error(f"cannot extend {name}: it lies outside the repository", "extends")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if name.startswith(("/", "~")) or not parts:
        raise parent.error(f"cannot extend {name}: give a path inside the repository", "extends")
    return "/".join(parts)


def _configuration(reader: Reader) -> _File | None:
    """Read the repository's own configuration, of which there may be one."""
    found: list[_File] = []
    for path in CONFIGURATION_FILES:
        data = _read_if_there(reader, path)
        if data is not None:
            found.append(_read_yaml(path, data))
    if (data := _read_project(reader)) is not None and b"tool.sp404audit" in data:
        in_project = _read_pyproject(data)
        if in_project is not None:
            found.append(in_project)
    if len(found) > 1:
        names = " and ".join(file.name for file in found)
        raise PolicyError(f"{names} both configure sp404audit; keep one")
    return found[0] if found else None


def _named(reader: Reader, config: str | Path) -> _File:
    """Read the configuration that somebody names."""
    try:
        real = os.path.realpath(config)
        if not reader.holds(real):
            raise PolicyError(f"{config} lies outside of {reader.root}; name a file of the repository, or use a policy")
        path = os.path.relpath(real, reader.root).replace(os.sep, "/")
        return _read_yaml(path, reader.read(path, _MAX_BYTES))
    except InputError as error:
        raise PolicyError(f"{config}: {error.notification.message}") from None
    except ValueError as error:  # a NUL character; another drive on Windows
        raise PolicyError(f"{str(config)!r} names no file: {error}") from None


def _read_if_there(reader: Reader, path: str) -> bytes | None:
    if not reader.has(path):
        return None
    try:
        return reader.read(path, _MAX_BYTES)
    except InputError as error:
        raise PolicyError(f"{path}: {error.notification.message}") from None


def _read_project(reader: Reader) -> bytes | None:
    """Read pyproject.toml. It is first of all a file of the repository: one that can't be read configures nothing."""
    try:
        return reader.read("pyproject.toml")
    except InputError:
        return None


def _read_yaml(name: str, data: bytes, *, trusted: bool = False) -> _File:
    try:
        roots = parse(Source(name, data))
    except DocumentError as error:
        region = error.problem.region or WHOLE_FILE
        raise PolicyError(f"{name}:{region.start_line}:{region.start_column}: {error.problem.message}") from None
    root = roots[0] if roots else None
    if not isinstance(root, MappingNode):
        raise PolicyError(f"{name}:1:1: a policy is a mapping that begins with `version: 1`")
    places: dict[tuple[str | int, ...], Region] = {}
    values = _plain(root, (), places)
    assert isinstance(values, dict)
    return _checked(_File(name, values, places, trusted))


def _plain(node: Node, keys: tuple[str | int, ...], places: dict[tuple[str | int, ...], Region]) -> Any:
    """Turn a tree into values, noting the place of each; the parser bounds its depth."""
    if len(keys) > 20:
        return None
    if isinstance(node, Scalar):
        places.setdefault(keys, node.region)
        return node.resolved
    if isinstance(node, Sequence):
        places.setdefault(keys, node.region)
        return [_plain(item, (*keys, number), places) for number, item in enumerate(node)]
    assert isinstance(node, MappingNode)
    places.setdefault(keys, node.region)
    values = {}
    for name, key, value in node.pairs():
        places[(*keys, name)] = key.region
        values[name] = _plain(value, (*keys, name), places)
    return values


def _read_pyproject(data: bytes) -> _File | None:
    import tomllib

    from sp404audit.documents.toml_file import key_regions

    source = Source("pyproject.toml", data)
    try:
        values = tomllib.loads(source.text).get("tool", {}).get("sp404audit")
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"pyproject.toml: {error}") from None
    except RecursionError:
        raise PolicyError("pyproject.toml: values are nested too deeply") from None
    if not isinstance(values, dict):
        return None
    prefix = ("tool", "sp404audit")
    regions = key_regions(source)
    places: dict[tuple[str | int, ...], Region] = {
        tuple(keys[2:]): region for keys, region in regions.items() if tuple(keys[:2]) == prefix
    }
    return _checked(_File("pyproject.toml", {"version": 1, **_dates_as_text(values)}, places))


def _dates_as_text(value: Any) -> Any:
    """TOML has dates of its own; YAML has text."""
    if isinstance(value, dict):
        return {key: _dates_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def _checked(file: _File) -> _File:
    """Check a file against the schema; raise on its first mistake, in the order of the file."""
    if file.trusted:
        return file
    from jsonschema import Draft202012Validator

    from sp404audit.policy.schema import config_schema
    from sp404audit.rules import all_rules

    validator = Draft202012Validator(config_schema(all_rules()))
    errors = sorted(validator.iter_errors(file.values), key=lambda error: file.place(*error.absolute_path))
    for error in errors:
        raise _explained(file, error)
    return file


def _explained(file: _File, error: Any) -> PolicyError:
    """Say what a schema error means to whoever wrote the file."""
    keys = tuple(error.absolute_path)
    name = keys[-1] if keys else "the file"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in known)
        what = "rule" if keys and keys[-1] == "rules" else "parameter" if keys and keys[-1] == "params" else "key"
        return file.error(f"{unknown} is no {what}{_hint(str(unknown), known)}", *keys, unknown)
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return file.error(f"{name} lacks {missing}: add `{missing}:`", *keys)
    if error.validator == "enum":
        near = _hint(str(error.instance), [str(value) for value in error.validator_value])
        return file.error(f"{error.instance!r} is no value of {name}{near}", *keys)
    return file.error(f"{name}: {error.message}", *keys)


def _hint(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    choices = list(names)
    near = get_close_matches(name, choices, 1, 0.5)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are {', '.join(choices)}" if 0 < len(choices) <= 12 else ""


def _merge(files: list[_File], select: tuple[str, ...], ignore: tuple[str, ...]) -> Policy:
    """Lay the files over each other, the first one lowest."""
    choices: dict[str, RuleChoice] = {}
    overrides: list[Override] = []
    waivers: list[Waiver] = []
    exclude: list[str] = []
    targets: dict[str, str] = {}
    metrics: dict[str, Any] = {}
    target_places: dict[str, Location] = {}
    default, fail_on = True, Severity.LOW
    for file in files:
        values = file.values
        for name, choice in _choices(values.get("rules", {})).items():
            choices[name] = choice.over(choices.get(name, RuleChoice()))
        overrides += [Override(tuple(item["paths"]), _choices(item["rules"])) for item in values.get("overrides", ())]
        waivers += [_waiver(file, number, item) for number, item in enumerate(values.get("waivers", ()))]
        exclude += values.get("exclude", ())
        settings = values.get("metrics", {})
        metrics |= settings
        for key, value in settings.get("targets", {}).items():
            targets[key] = str(value)
            target_places[key] = Location(file.name, file.place("metrics", "targets", key))
        if "default" in values:
            default = values["default"] in ("on", True)
        if "fail-on" in values:
            fail_on = Severity.parse(values["fail-on"])
    named = [file.values["name"] for file in files if "name" in file.values]
    return Policy(
        name=named[-1] if named else DEFAULT_POLICY,
        sources=tuple(file.name for file in files),
        rules=choices,
        default=default,
        overrides=tuple(overrides),
        exclude=tuple(exclude),
        waivers=tuple(waivers),
        fail_on=fail_on,
        targets=targets,
        metrics={key: value for key, value in metrics.items() if key != "targets"},
        target_places=target_places,
        select=select,
        ignore=ignore,
    )


def _choices(rules: Mapping[str, Any]) -> dict[str, RuleChoice]:
    return {name: _choice(value) for name, value in rules.items()}


def _choice(value: Any) -> RuleChoice:
    if isinstance(value, Mapping):
        severity = value.get("severity")
        return RuleChoice(
            value.get("enabled", True), Severity.parse(severity) if severity else None, value.get("params", {})
        )
    if value in ("off", False):
        return RuleChoice(False)
    return RuleChoice(True, None if value in ("on", True) else Severity.parse(value))


def _waiver(file: _File, number: int, item: Mapping[str, Any]) -> Waiver:
    try:
        until = datetime.date.fromisoformat(item["until"])
    except ValueError:
        raise file.error(f"{item['until']} is no date: write YYYY-MM-DD", "waivers", number, "until") from None
    place = Location(file.name, file.place("waivers", number))
    return Waiver(item["rule"], tuple(item["paths"]), item["reason"], item["owner"], until, place)
