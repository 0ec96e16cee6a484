"""Object storage that Terraform manages: buckets with what the configuration says of them, joined from all its parts.

For rules on backups and on data: `repository.derived(storage_buckets)`, or `StorageBucket` as the subject.
"""

from __future__ import annotations

from collections.abc import Iterable

from sp404audit.documents.hcl.evaluation import UNKNOWN, Symbol, Text, Value, as_bool, as_number, is_list
from sp404audit.documents.model import Repository
from sp404audit.documents.terraform.context import Context
from sp404audit.documents.terraform.resources import Part, Resource, resources
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["BucketIndex", "BucketsNamed", "LifecycleRule", "Setting", "StorageBucket", "storage_buckets"]


class Setting(NamedTuple):
    """What the configuration says of one property of a bucket.

    Attributes:
        state: True, False, or None when that is not known.
        location: the evidence; the bucket itself when nothing is said.
        is_explicit: whether anything is said; else `state` is the platform's default.
    """

    state: bool | None
    location: Location
    is_explicit: bool = True


class LifecycleRule(NamedTuple):
    """One rule of a bucket's lifecycle.

    Attributes:
        location: the rule.
        is_enabled: None when that is not known.
        prefix: the objects that it is about; the empty string for all; None when unknown, or chosen by tag or size.
        expires_after: days after which an object is deleted: an int, None for never, or `UNKNOWN`.
        noncurrent_expires_after: the same for versions that are no longer current.
        expiry: where the number of days is said; None when it is not said apart from the rule.
    """

    location: Location
    is_enabled: bool | None
    prefix: str | None
    expires_after: Value
    noncurrent_expires_after: Value
    expiry: Location | None = None


class StorageBucket:
    """A bucket or container for objects, in one use of its module.

    Attributes:
        provider: `aws`, `google` or `azure`.
        address: the resource, or the call of a module from the registry that makes one.
        location: its block.
        context: the use of the module that it belongs to.
        name: a string, a `Text` of which parts are unknown, or `UNKNOWN`.
        present: None when its `count` or `for_each` is unknown.
        versioning: whether old versions are kept.
        object_lock: whether objects cannot be deleted for a time.
        lock_days: for how long by default: an int, None, or `UNKNOWN`.
        encryption: whether encryption is configured; every provider encrypts by default.
        encryption_algorithm: `AES256`, `aws:kms` and so on; None when none is configured, or `UNKNOWN`.
        replication: whether objects are copied to another bucket.
        lifecycle: the rules that delete objects, or old versions of them.
        lifecycle_known: false when there may be other rules, or rules that cannot be read.
    """

    kinds = ("terraform",)

    def __init__(
        self, provider: str, address: str, location: Location, context: Context, name: Value, present: bool | None
    ) -> None:
        nothing = Setting(False, location, is_explicit=False)
        self.provider = provider
        self.address = address
        self.location = location
        self.context = context
        self.name = UNKNOWN if isinstance(name, Symbol) or name is None else name
        self.present = present
        self.versioning = nothing
        self.object_lock = nothing
        self.lock_days: Value = None
        self.encryption = nothing
        self.encryption_algorithm: Value = None
        self.replication = nothing
        self.lifecycle: tuple[LifecycleRule, ...] = ()
        self.lifecycle_known = True

    @staticmethod
    def in_repository(repository: Repository) -> tuple[StorageBucket, ...]:
        """Every bucket that Terraform manages in this repository."""
        return repository.derived(storage_buckets)

    @property
    def pattern(self) -> str:
        """The name, with `*` for what is unknown."""
        if isinstance(self.name, Text):
            return self.name.pattern
        return self.name if isinstance(self.name, str) else "*"


class BucketsNamed(NamedTuple):
    """The buckets that a name is known to mean, and those that it may mean; both in the order of their places."""

    certain: tuple[StorageBucket, ...]
    possible: tuple[StorageBucket, ...]


class BucketIndex:
    """Buckets by their names: a name is compared with each way of naming buckets, not with each bucket."""

    def __init__(self, buckets: Iterable[StorageBucket]) -> None:
        self._by_pattern: dict[str, list[tuple[int, StorageBucket]]] = {}
        for at, bucket in enumerate(buckets):
            self._by_pattern.setdefault(bucket.pattern, []).append((at, bucket))
        self._unsure = [pattern for pattern in self._by_pattern if "*" in pattern]
        self._found: dict[str, BucketsNamed] = {}

    def __bool__(self) -> bool:
        return bool(self._by_pattern)

    def named(self, pattern: str) -> BucketsNamed:
        """Return the buckets that a name, which may hold `*`, stands for."""
        if pattern not in self._found:
            certain = () if "*" in pattern else self._by_pattern.get(pattern, ())
            # A name without `*` can only be unsure about those with one.
            others = self._by_pattern if "*" in pattern else self._unsure
            possible = [one for other in others if _overlap(pattern, other) for one in self._by_pattern[other]]
            possible.sort(key=lambda one: one[0])
            self._found[pattern] = BucketsNamed(
                tuple([bucket for _, bucket in certain]), tuple([bucket for _, bucket in possible])
            )
        return self._found[pattern]


def _overlap(first: str, second: str) -> bool:
    """Tell whether two patterns may stand for one name: their ends fit, and one without `*` fits the other wholly."""
    for pattern, name in ((first, second), (second, first)):
        if "*" not in name:
            return _fits(pattern, name)
    before = list(zip(first.partition("*")[0], second.partition("*")[0], strict=False))
    after = list(zip(reversed(first.rpartition("*")[2]), reversed(second.rpartition("*")[2]), strict=False))
    return all(left == right for left, right in before + after)


def _fits(pattern: str, name: str) -> bool:
    first, *middle, last = pattern.split("*")
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def storage_buckets(repository: Repository) -> tuple[StorageBucket, ...]:
    """Every bucket that Terraform manages in this repository; ask by `repository.derived(storage_buckets)`."""
    from sp404audit.documents.terraform.storage_s3 import s3_buckets

    found: list[StorageBucket] = list(repository.derived(s3_buckets))
    azure_policies = [
        each for each in repository.derived(resources) if each.type == "azurerm_storage_management_policy"
    ]
    for resource in repository.derived(resources):
        if resource.mode != "resource":
            continue
        if resource.type == "google_storage_bucket":
            found.append(_google(resource))
        elif resource.type == "azurerm_storage_account":
            found.append(_azure(resource, azure_policies))
    return tuple(sorted(found, key=lambda bucket: bucket.location))


def _google(resource: Resource) -> StorageBucket:
    bucket = StorageBucket(
        "google", resource.address, resource.location, resource.context, resource.value("name"), resource.present
    )
    for part in resource.parts("versioning"):
        bucket.versioning = setting(part, "enabled")
    for part in resource.parts("retention_policy"):
        seconds = as_number(part.value("retention_period"))
        bucket.lock_days = UNKNOWN if seconds is None else int(seconds // 86_400)
        bucket.object_lock = setting(part, "is_locked")
    for part in resource.parts("encryption"):
        bucket.encryption = Setting(part.present, part.location)
        bucket.encryption_algorithm = "kms"
    rules = []
    for part in resource.parts("lifecycle_rule"):
        bucket.lifecycle_known = bucket.lifecycle_known and part.present is True
        actions = {action.value("type") for action in part.parts("action")}
        if "Delete" in actions or UNKNOWN in actions:
            rules.append(_google_rule(part))
    bucket.lifecycle = tuple(rules)
    return bucket


def _google_rule(part: Part) -> LifecycleRule:
    condition = next(part.parts("condition"), None)
    if condition is None:
        return LifecycleRule(part.location, True, "", UNKNOWN, UNKNOWN)
    prefix = condition.value("matches_prefix", ())
    only = _only_prefix(prefix)
    age = days(condition.value("age"))
    noncurrent = days(condition.value("days_since_noncurrent_time"))
    archived = condition.value("with_state") == "ARCHIVED" or condition.value("num_newer_versions") is not None
    if archived:
        return LifecycleRule(part.location, True, only, None, noncurrent if noncurrent is not None else age)
    return LifecycleRule(part.location, True, only, age, noncurrent)


def _azure(resource: Resource, policies: list[Resource]) -> StorageBucket:
    bucket = StorageBucket(
        "azure", resource.address, resource.location, resource.context, resource.value("name"), resource.present
    )
    for part in resource.parts("blob_properties"):
        if part.attribute("versioning_enabled") is not None:
            bucket.versioning = setting(part, "versioning_enabled")
    for part in resource.parts("immutability_policy"):
        bucket.object_lock = Setting(part.present, part.location)
        bucket.lock_days = days(part.value("period_since_creation_in_days"))
    rules: list[LifecycleRule] = []
    for policy in policies:
        account = policy.value("storage_account_id")
        linked = isinstance(account, Symbol) and (account.folder, account.address) == (
            bucket.context.id, resource.address
        )  # fmt: skip
        bucket.lifecycle_known = bucket.lifecycle_known and isinstance(account, Symbol)
        rules.extend(_azure_rule(rule) for rule in policy.parts("rule") if linked)
    bucket.lifecycle = tuple(rules)
    return bucket


def _azure_rule(rule: Part) -> LifecycleRule:
    current: Value = None
    noncurrent: Value = None
    for actions in rule.parts("actions"):
        for blob in actions.parts("base_blob"):
            current = days(blob.value("delete_after_days_since_modification_greater_than"))
            if current is None:
                current = days(blob.value("delete_after_days_since_creation_greater_than"))
        for version in actions.parts("version"):
            noncurrent = days(version.value("delete_after_days_since_creation"))
    prefixes: Value = ()
    for chosen in rule.parts("filters"):
        prefixes = chosen.value("prefix_match", ())
    enabled = as_bool(rule.value("enabled", True))
    return LifecycleRule(rule.location, enabled, _only_prefix(prefixes), current, noncurrent)


def _only_prefix(prefixes: Value) -> str | None:
    """The one prefix of a list, the empty string for none; None when there are several or it is not known."""
    if not is_list(prefixes) or len(prefixes) > 1:
        return None
    return "" if not prefixes else prefixes[0] if isinstance(prefixes[0], str) else None


def setting(part: Part, name: str, *, yes: str = "") -> Setting:
    """What an argument of a block says; `yes` is the word for it when it is no boolean."""
    value = part.value(name, False)
    state = as_bool(value)
    if yes and isinstance(value, str):
        state = value == yes
    if part.present is None and state:
        state = None
    return Setting(state, part.place(name))


def days(value: Value) -> Value:
    """A number of days: an int, None when not set (or 0, which means not set), or `UNKNOWN`."""
    if value is None:
        return None
    number = as_number(value)
    return UNKNOWN if number is None else int(number) or None
