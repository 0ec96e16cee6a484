"""How compose merges one file over another, element by element.

The rules are those of the Compose Specification (13-merge.md): mappings merge by key, sequences are appended, commands
are replaced, ports and mounts with the same target are replaced, `!reset` removes and `!override` replaces.
"""

from __future__ import annotations

from collections.abc import Callable

from sp404audit.documents.values import Entry, Value, mapping_of, sequence_of
from sp404audit.records import NamedTuple

__all__ = ["Mount", "Port", "as_mapping", "merge", "merge_entries", "mount_of", "port_of"]

_REPLACED = frozenset({("command",), ("entrypoint",), ("healthcheck", "test")})
_NAME_AND_VALUE = frozenset(
    {
        ("environment",), ("labels",), ("annotations",), ("sysctls",), ("extra_hosts",), ("build", "args"),
        ("build", "labels"), ("build", "additional_contexts"), ("build", "extra_hosts"), ("deploy", "labels"),
        ("storage_opt",), ("depends_on",), ("networks",), ("models",),
    }
)  # fmt: skip
"""Elements that may be a list or a mapping and mean the same."""
_ONE_OR_LIST = frozenset({("env_file",), ("dns",), ("dns_search",), ("tmpfs",)})


class Mount(NamedTuple):
    """A mount of a service in either form.

    Attributes:
        value: where it stands.
        source: as written, variables and all; None for an anonymous volume.
        target: as written.
        type: `bind`, `volume`, `tmpfs`, `npipe`, … as written in the long form; empty in the short one.
        options: of the short form (`ro`, `z`), or `ro` for `read_only: true`.
    """

    value: Value
    source: str | None
    target: str | None
    type: str = ""
    options: tuple[str, ...] = ()


class Port(NamedTuple):
    """A published port of a service in either form, each part as written; None where a part is missing."""

    value: Value
    host_ip: str | None
    published: str | None
    target: str | None
    protocol: str = "tcp"


def _split(text: str) -> list[str]:
    """Cut a short form at its colons, none of which are inside of `${…}` or `[…]`."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        if character in "{[":
            depth += 1
        elif character in "}]":
            depth = max(0, depth - 1)
        elif character == ":" and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _join_drives(parts: list[str]) -> list[str]:
    r"""Put Windows drives back together, which their colon has cut: `C`, `\data` → `C:\data`."""
    joined: list[str] = []
    for part in parts:
        if joined and len(joined[-1]) == 1 and joined[-1].isalpha() and part.startswith(("\\", "/")):
            joined[-1] += ":" + part
        else:
            joined.append(part)
    return joined


def mount_of(value: Value) -> Mount | None:
    """Read an item of `volumes`; None when it is neither a text nor a mapping."""
    if value.form == "mapping":
        is_read_only = (value.text_of("read_only") or "").lower() in ("true", "yes", "on")
        options: tuple[str, ...] = ("ro",) if is_read_only else ()
        source, target = value.text_of("source") or value.text_of("src"), value.text_of("target")
        return Mount(value, source, target or value.text_of("dst"), value.text_of("type") or "", options)
    if value.form != "scalar" or not value.text:
        return None
    parts = _join_drives(_split(value.text))
    if len(parts) == 1:
        return Mount(value, None, parts[0])
    options = tuple(parts[2].split(",")) if len(parts) > 2 else ()
    return Mount(value, parts[0], parts[1], "", options)


def port_of(value: Value) -> Port | None:
    """Read an item of `ports`; None when it is neither a text nor a mapping."""
    if value.form == "mapping":
        protocol = value.text_of("protocol") or "tcp"
        return Port(value, value.text_of("host_ip"), value.text_of("published"), value.text_of("target"), protocol)
    if value.form != "scalar" or not value.text:
        return None
    parts = _split(value.text)
    last, _, protocol = parts[-1].rpartition("/") if _ends_in_protocol(parts[-1]) else (parts[-1], "", "tcp")
    parts[-1] = last
    target, published = parts[-1], parts[-2] if len(parts) > 1 else None
    host = ":".join(parts[:-2]).strip("[]") if len(parts) > 2 else None
    return Port(value, host, published or None, target, protocol)


def _ends_in_protocol(text: str) -> bool:
    return text.rpartition("/")[2].lower() in ("tcp", "udp", "sctp") and "/" in text


def _mount_key(value: Value) -> object:
    mount = mount_of(value)
    return mount.target if mount and mount.target else value


def _port_key(value: Value) -> object:
    port = port_of(value)
    return port[1:] if port else value


def _target_key(value: Value) -> object:
    """Secrets and configs: by what they become in the container."""
    if value.form == "mapping":
        return value.text_of("target") or value.text_of("source") or value
    return value.text


def _device_key(value: Value) -> object:
    parts = _split(value.text or "")
    return parts[1] if len(parts) > 1 else value.text


_UNIQUE_BY: dict[tuple[str, ...], Callable[[Value], object]] = {
    ("volumes",): _mount_key,
    ("ports",): _port_key,
    ("secrets",): _target_key,
    ("configs",): _target_key,
    ("build", "secrets"): _target_key,
    ("devices",): _device_key,
}


def as_mapping(value: Value) -> Value:
    """Turn a list of `NAME=value` (or mere names) into the mapping that means the same."""
    if value.form != "sequence":
        return value
    entries: dict[str, Entry] = {}
    for item in value.items:
        name, equals, rest = (item.text or "").partition("=")
        if not equals and ":" in name:  # an extra_hosts item in its older form
            name, _, rest = name.partition(":")
        style = '"' if rest or equals else ""
        entries[name] = Entry(name, item.location, item._replace(text=rest, style=style))
    return mapping_of(value.location, tuple(entries.values()), value.tag)


def _alike(value: Value, path: tuple[str, ...]) -> Value:
    """Bring an element with several forms into the one that merges."""
    if path in _NAME_AND_VALUE:
        return as_mapping(value)
    if path in _ONE_OR_LIST and value.form == "scalar" and not value.is_null:
        return sequence_of(value.location, (value,), value.tag)
    if path == ("build",) and value.form == "scalar" and not value.is_null:
        return mapping_of(value.location, (Entry("context", value.location, value),), value.tag)
    return value


def merge(base: Value, over: Value, path: tuple[str, ...] = ()) -> Value:
    """Merge one service over another.

    Args:
        base: what is merged over.
        over: what wins.
        path: which element of a service the two are; empty for a whole service.
    """
    if over.tag == "!override":
        return over
    if over.is_null:
        return base
    base, over = _alike(base, path), _alike(over, path)
    if base.form == over.form == "mapping":
        return mapping_of(over.location if path else base.location, merge_entries(base.entries, over.entries, path))
    if base.form == over.form == "sequence" and path not in _REPLACED:
        return sequence_of(base.location, _merged_items(base.items, over.items, _UNIQUE_BY.get(path)))
    return over


def merge_entries(base: tuple[Entry, ...], over: tuple[Entry, ...], path: tuple[str, ...] = ()) -> tuple[Entry, ...]:
    """Merge the pairs of two mappings that are the element `path` of a service."""
    merged = {entry.key: entry for entry in base}
    for entry in over:
        old = merged.get(entry.key)
        if entry.value.tag == "!reset":
            merged.pop(entry.key, None)
        elif old is None:
            merged[entry.key] = entry
        else:
            merged[entry.key] = old._replace(value=merge(old.value, entry.value, (*path, entry.key)))
    return tuple(merged.values())


def _merged_items(
    base: tuple[Value, ...], over: tuple[Value, ...], key: Callable[[Value], object] | None
) -> tuple[Value, ...]:
    if key is None:
        return base + over
    merged = {key(item): item for item in base}
    for item in over:
        merged[key(item)] = item
    return tuple(merged.values())
