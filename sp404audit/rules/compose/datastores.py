"""Datastores, brokers and their admin interfaces ask who is there.

What switches authentication on or off is data (`datastores.json`), one entry a family of images. Kafka decides listener
by listener and has a module of its own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, zip_longest
from typing import Any

from sp404audit.documents.compose.project import Service
from sp404audit.documents.compose.service import UNKNOWN, Setting
from sp404audit.documents.containers.images import ImageReference
from sp404audit.documents.values import as_bool
from sp404audit.records import NamedTuple
from sp404audit.results import Kind, Location
from sp404audit.rules import Verdict, Verdicts, fail, passed, rule, unproven
from sp404audit.rules.compose import kafka

_DEVELOPMENT = frozenset(
    {"dev", "devel", "development", "devcontainer", "local", "test", "tests", "testing", "ci", "e2e", "override"}
)
"""A file with one of these words in its path says that it is not what runs in production: `compose.dev.yaml`."""
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash"})


class Assessment(NamedTuple):
    """What a service's settings say: `pass`, `fail` or `open`, why, and where."""

    kind: Kind
    message: str
    location: Location


@rule(
    "compose/datastore-authentication",
    severity="high",
    cwe=[306, 1392],
)
def datastore_authentication(service: Service) -> Verdicts:
    """Datastores and their admin interfaces run with authentication on and without default credentials.

    Many of them trust whoever connects unless told otherwise. One published port, one compromised neighbour on the
    same network, or one request forged by the web application then reads and writes everything.

    A failure is of medium severity when the service publishes no port and all its networks are internal, and of low
    severity in a file that is named for development or tests (`compose.dev.yaml`).

    Fix: give the service a credential of its own, as a secret where its image reads one from a file.

    Passes:
        services:
          cache:
            image: redis:8.2
            command: redis-server --requirepass ${REDIS_PASSWORD:?}

    Passes (the image refuses to start without a password):
        services:
          db:
            image: postgres:17
            environment:
              POSTGRES_PASSWORD_FILE: /run/secrets/db

    Fails (Redis lets everybody in by default):
        services:
          cache:
            image: redis:8.2
            command: redis-server --maxmemory 256mb

    Fails (switched off):
        services:
          db:
            image: postgres:17
            environment:
              POSTGRES_HOST_AUTH_METHOD: trust

    Fails (a credential that everybody knows):
        services:
          broker:
            image: rabbitmq:4.1-management
            environment:
              RABBITMQ_DEFAULT_USER: guest
              RABBITMQ_DEFAULT_PASS: guest

    Unproven (what the file says is not read):
        services:
          cache:
            image: valkey/valkey:8.1
            command: ["valkey-server", "/etc/valkey/valkey.conf"]
            volumes:
              - ./valkey.conf:/etc/valkey/valkey.conf:ro
    """
    reference = service.image_reference
    if reference is None:
        return
    if kafka.is_broker(reference):
        yield _verdict(service, Assessment(*kafka.assess(service)))
        return
    family = family_of(reference)
    if family is not None and _is_server(service, family):
        yield _verdict(service, assess(service, family))


def _verdict(service: Service, assessment: Assessment) -> Verdict:
    message = f"service {service.name}: {assessment.message}"
    if assessment.kind == "pass":
        return passed(assessment.location, message)
    if assessment.kind == "open":
        return unproven(assessment.location, message)
    is_for_development = not _DEVELOPMENT.isdisjoint(re.split(r"[/._-]", assessment.location.path.lower()))
    severity = "low" if is_for_development else None if is_reachable(service) else "medium"
    return fail(assessment.location, message, severity=severity)


def is_reachable(service: Service) -> bool:
    """Whether more than the services on its own internal networks can connect."""
    if service.ports or service.network_mode == "host":
        return True
    networks = [service.project.networks.get(name) for name in service.networks]
    return not networks or not all(
        network is not None and as_bool(network.value.text_of("internal")) for network in networks
    )


def assess(service: Service, family: dict[str, Any]) -> Assessment:
    """Judge a service by what the table says of its family of images."""
    name, image = family["name"], _image_location(service)
    failure = next(_failures(service, family), None)
    if failure is not None:
        return failure
    evidence = _evidence(service, family)
    if evidence is not None:
        return Assessment("pass", f"{name} asks for a credential", evidence)
    config = _configuration(service, family)
    if config is not None:
        return Assessment("open", f"whether {name} asks for a credential is up to a configuration file", config)
    if service.has_unknown_environment:
        message = f"whether {name} asks for a credential is up to an env_file that is not in the repository"
        return Assessment("open", message, image)
    state = _otherwise(service, family)
    if state == "open" and _is_started_by_others(service):
        message = f"whether {name} asks for a credential is up to a script or a variable that starts it"
        return Assessment("open", message, _command_location(service))
    if state == "secured":
        return Assessment("pass", f"{name} asks for a credential by default", image)
    if state == "unknown":
        return Assessment("open", f"nothing here says whether {name} asks for a credential: {family['remedy']}", image)
    default = next((each for each in family.get("default_credentials", ()) if each.get("unset")), None)
    if default is not None:
        return Assessment("fail", f"{name} keeps the credential that everybody knows: {family['remedy']}", image)
    return Assessment("fail", f"{name} asks for no credential: {family['remedy']}", image)


def _failures(service: Service, family: dict[str, Any]) -> Iterator[Assessment]:
    name, remedy = family["name"], family["remedy"]
    off = family.get("off", {})
    for first, *others in _switches(service, off):
        with_others = "".join(f" with {setting.name}: {setting.value}" for setting in others)
        what_to_do = f"remove {first.name}" if others else remedy
        message = f"{first.name}{with_others} switches the authentication of {name} off: {what_to_do}"
        yield Assessment("fail", message, first.location)
    flag = next((flag for flag in off.get("flags", ()) if has_flag(service, flag)), None)
    if flag is not None:
        yield Assessment(
            "fail", f"{flag} switches the authentication of {name} off: {remedy}", _command_location(service)
        )
    for flag, value in _values(service, family.get("on", {}).get("flags_with_value", [])):
        if not value:
            message = f"{flag} has no value here, so {name} asks for no credential: give it one"
            yield Assessment("fail", message, _command_location(service))
    for default in family.get("default_credentials", ()):
        for variable in default["password"]:
            setting = service.environment.get(variable)
            if setting is not None and setting.value == default["value"]:
                yield Assessment("fail", f"{variable} is the value that everybody knows: {remedy}", setting.location)


def _switches(service: Service, off: dict[str, Any]) -> Iterator[list[Setting]]:
    """The settings that switch authentication off; permission for an empty password does not where one is given."""
    passwords = (service.environment.get(variable) for variable in off.get("unless", ()))
    has_password = any(setting is not None and not setting.is_blank for setting in passwords)
    alone = ({variable: values} for variable, values in off.get("environment", {}).items())
    for switch in (*alone, *off.get("together", ())):
        found = [
            setting
            for variable, values in switch.items()
            if (setting := service.environment.get(variable)) is not None and _is_one_of(setting.value, values)
        ]
        if len(found) == len(switch) and not (has_password and "_EMPTY_" in found[0].name):
            yield found


def _is_one_of(value: str | None, values: list[str]) -> bool:
    """Whether a value is one of the table's; None is one that is given but not known."""
    if value is None:
        return values == ["given"]
    lowered = value.strip().lower()
    return lowered in values or (values in (["*"], ["given"]) and bool(lowered))


def _evidence(service: Service, family: dict[str, Any]) -> Location | None:
    """Where authentication is switched on; None when nothing does."""
    on = family.get("on", {})
    variables = list(on.get("environment", ()))
    for mark, more in on.get("environment_of", {}).items():
        if service.image_reference is not None and mark in service.image_reference.repository:
            variables += more
    for variable in variables:
        setting = service.environment.get(variable)
        if setting is not None and not setting.is_blank and as_bool(setting.value) is not False:
            return setting.location
    with_value = on.get("flags_with_value", ())
    has_value = any(value for _, value in _values(service, with_value))
    if has_value or any(has_flag(service, flag) for flag in on.get("flags", ())):
        return _command_location(service)
    for variable in on.get("environment_flags", ()):
        setting = service.environment.get(variable)
        if setting is not None and any(flag in _sketch(service, setting) for flag in with_value):
            return setting.location
    return None


def _sketch(service: Service, setting: Setting) -> str:
    return setting.value or (service.sketch(setting.raw) if setting.raw is not None else "")


def _configuration(service: Service, family: dict[str, Any]) -> Location | None:
    """Where a configuration file is named or mounted; None when none is."""
    ends = tuple(family.get("config", ()))
    if not ends:
        return None
    if any(word.lower().endswith(ends) and not word.startswith("-") for word in words_of(service)):
        return _command_location(service)
    for mount in service.mounts:
        target = service.part(mount.target or "", mount.value).rstrip("/")
        folder, _, name = target.rpartition("/")
        if target.endswith(ends) or ("." in name and folder in ends):
            return mount.value.location
    configs = service.get("configs")
    for item in configs.items if configs is not None else ():
        if (item.text_of("target") or item.text or "").endswith(ends):
            return item.location
    for variable in family.get("config_environment", ()):
        setting = service.environment.get(variable)
        if setting is not None:
            return setting.location
    return None


def _otherwise(service: Service, family: dict[str, Any]) -> str:
    """What holds when nothing is set, by the image's major version where that matters."""
    secured_from = family.get("open_below")
    if secured_from is None:
        return str(family["otherwise"])
    reference = service.image_reference
    digits = "" if reference is None else (reference.tag or "").removeprefix("v").partition(".")[0].partition("-")[0]
    if not digits.isdecimal() or len(digits) > 4:
        return "unknown"
    return "open" if int(digits) < secured_from else str(family["otherwise"])


# --- which images ----------------------------------------------------------------------------------------------


@cache
def _table() -> dict[str, dict[str, Any]]:
    """The families by the name of each image."""
    import json
    from pathlib import Path

    text = Path(__file__).with_name("datastores.json").read_text("utf-8")
    return {image: family for family in json.loads(text)["families"] for image in family["images"]}


def family_of(reference: ImageReference) -> dict[str, Any] | None:
    """The table's entry for an image; mirrors of Docker Hub count as the Hub."""
    table = _table()
    repository = reference.repository
    for name in (reference.name, repository):
        if name in table:
            return table[name]
    official = repository.rpartition("library/")[2]
    if official != repository and official in table:
        return table[official]
    return table.get("/".join(repository.split("/")[-2:])) if repository.count("/") > 1 else None


def _is_server(service: Service, family: dict[str, Any]) -> bool:
    """Whether the container runs the server of its image, and not a client or a tool."""
    servers = family.get("servers")
    words = words_of(service)
    if not servers or not words:
        return True
    first = words[0]
    if first.startswith(("-", UNKNOWN)) or first.endswith((".conf", "entrypoint.sh", "run.sh")):
        return True
    if first in _SHELLS or first.endswith((".sh", "/sh", "/bash")):
        return first.endswith(".sh") or any(posixpath.basename(word) in servers for word in words)
    return any(posixpath.basename(word) in servers for word in words[:3])


def words_of(service: Service) -> list[str]:
    """Every word of entrypoint and command; those of a script in them too."""
    words = service.words("entrypoint") + service.words("command")
    return [part.strip("\"'") for word in words for part in word.split()]


def has_flag(service: Service, flag: str) -> bool:
    """Whether a flag stands in the command, alone or with `=value`."""
    return any(word == flag or word.startswith(f"{flag}=") for word in words_of(service))


def _values(service: Service, flags: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each of the flags that stands in the command, with its value: the empty text for `--requirepass ""`."""
    words = words_of(service)
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        name, equals, value = word.partition("=")
        if name in flags:
            yield name, value if equals else "" if following.startswith("--") else following


def _is_started_by_others(service: Service) -> bool:
    """Whether the command is a script of the project's own, or holds words that the repository does not tell."""
    words = words_of(service)
    script = posixpath.basename(words[0]) if words else ""
    is_own = script.endswith((".sh", ".bash")) and script not in ("docker-entrypoint.sh", "entrypoint.sh", "run.sh")
    # What follows a flag is its value: `--maxmemory ${LIMIT}` tells nothing of passwords.
    return is_own or any(
        word.startswith(UNKNOWN) and not before.startswith("--") for before, word in pairwise(["", *words])
    )


def _command_location(service: Service) -> Location:
    value = service.get("command") or service.get("entrypoint")
    return value.location if value is not None else service.location


def _image_location(service: Service) -> Location:
    image = service.get("image")
    return image.location if image is not None else service.location
