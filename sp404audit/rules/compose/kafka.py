"""Whether a Kafka broker asks its clients who they are: that is set listener by listener.

Facts from Kafka's configuration reference (https://kafka.apache.org/documentation/#brokerconfigs): `listeners`,
`listener.security.protocol.map`, `controller.listener.names`; images read them from `KAFKA_…` or `KAFKA_CFG_…`.
"""

from __future__ import annotations

from sp404audit.documents.compose.project import Service
from sp404audit.documents.compose.service import Setting
from sp404audit.documents.containers.images import ImageReference
from sp404audit.documents.values import as_bool
from sp404audit.results import Kind, Location

_IMAGES = frozenset(
    {
        "apache/kafka", "apache/kafka-native", "bitnami/kafka", "bitnamilegacy/kafka", "confluentinc/cp-kafka",
        "confluentinc/cp-server", "confluentinc/confluent-local", "wurstmeister/kafka",
    }
)  # fmt: skip
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_REMEDY = "use SASL_SSL, or SSL with client certificates"


def is_broker(reference: ImageReference) -> bool:
    """Whether the image is one of a Kafka broker."""
    return reference.repository in _IMAGES


def assess(service: Service) -> tuple[Kind, str, Location]:
    """Say whether the broker's listeners authenticate their clients, why, and where that stands."""
    allowed = service.environment.get("ALLOW_PLAINTEXT_LISTENER")
    if allowed is not None and as_bool(allowed.value):
        return "fail", f"ALLOW_PLAINTEXT_LISTENER lets every client of Kafka in: {_REMEDY}", allowed.location
    listeners = _setting(service, "LISTENERS") or _setting(service, "ADVERTISED_LISTENERS")
    image = service.get("image")
    where = listeners.location if listeners is not None else image.location if image is not None else service.location
    if listeners is not None and listeners.value is None:
        return "open", "the listeners of Kafka depend on a variable without a value", where
    if listeners is None:
        if service.has_unknown_environment or _mounts_configuration(service):
            return "open", "the listeners of Kafka are set outside of this file", where
        return "fail", f"Kafka's default listener lets every client in: {_REMEDY}", where
    protocols = _protocols(service)
    if protocols is None:
        return "open", "the protocols of Kafka's listeners depend on a variable without a value", where
    for name, host in _listeners(listeners.value or "", _controllers(service)):
        if protocols.get(name, name) == "PLAINTEXT" and host not in _LOOPBACK:
            return "fail", f"the listener {name} of Kafka lets every client in: {_REMEDY}", where
    return "pass", "the listeners of Kafka authenticate their clients", where


def _mounts_configuration(service: Service) -> bool:
    targets = (service.part(mount.target or "", mount.value) for mount in service.mounts)
    return any(target.endswith((".properties", "/config", "/config/kraft", "/etc/kafka")) for target in targets)


def _setting(service: Service, name: str) -> Setting | None:
    return service.environment.get(f"KAFKA_{name}") or service.environment.get(f"KAFKA_CFG_{name}")


def _listeners(text: str, controllers: frozenset[str]) -> list[tuple[str, str]]:
    """Name and host of each listener that clients may use."""
    found = []
    for item in text.split(","):
        name, scheme, address = item.strip().partition("://")
        if scheme and name not in controllers:
            found.append((name, address.rpartition(":")[0]))
    return found


def _controllers(service: Service) -> frozenset[str]:
    setting = _setting(service, "CONTROLLER_LISTENER_NAMES")
    names = (setting.value or "") if setting is not None else ""
    return frozenset(name.strip() for name in names.split(","))


def _protocols(service: Service) -> dict[str, str] | None:
    """The security protocol of each listener that is named differently; None when not known."""
    setting = _setting(service, "LISTENER_SECURITY_PROTOCOL_MAP")
    if setting is None:
        return {}
    if setting.value is None:
        return None
    pairs = (item.strip().partition(":") for item in setting.value.split(","))
    return {name: protocol for name, colon, protocol in pairs if colon}
