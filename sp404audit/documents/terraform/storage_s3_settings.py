"""What an S3 bucket's own blocks and the resources joined to it say: versions, locks, encryption, lifecycle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.documents.hcl.evaluation import UNKNOWN, Value
from sp404audit.documents.terraform.resources import Part, Resource
from sp404audit.documents.terraform.storage import LifecycleRule, Setting, days, setting

if TYPE_CHECKING:
    from sp404audit.documents.terraform.storage_s3 import S3Bucket
from sp404audit.results import Location

__all__ = ["configure"]

_SPLIT = {
    "versioning": "versioning",
    "object_lock": "object_lock_configuration",
    "encryption": "server_side_encryption_configuration",
    "replication": "replication_configuration",
}
"""The resource that says each property, by type without `aws_s3_bucket_`."""


def configure(bucket: S3Bucket, resource: Resource) -> None:
    """Fill in the properties of a bucket; what may be said where it was not read is unknown."""
    _versioning(bucket, resource)
    _object_lock(bucket, resource)
    for whole in _said(bucket, resource, "encryption"):
        bucket.encryption = Setting(whole.present, whole.location)
        for rule in whole.parts("rule"):
            for part in rule.parts("apply_server_side_encryption_by_default"):
                bucket.encryption_algorithm = part.value("sse_algorithm")
    for part in _said(bucket, resource, "replication"):
        bucket.replication = Setting(part.present, part.location)
    _lifecycle(bucket, resource)
    gaps = bool(bucket.context.module.gaps)
    bucket.lifecycle_known = bucket.lifecycle_known and not gaps
    for name, kind in _SPLIT.items():
        said: Setting = getattr(bucket, name)
        doubts = bucket.doubts.get(kind)
        if not said.state and (doubts or (gaps and not said.is_explicit)):
            setattr(bucket, name, Setting(None, doubts[0][0] if doubts else bucket.location))


def _said(bucket: S3Bucket, resource: Resource, name: str) -> Iterator[Part]:
    """The block inside the bucket, which older providers have, and the resources of the same name."""
    yield from resource.parts(_SPLIT[name])
    yield from bucket.parts.get(_SPLIT[name], ())


def _versioning(bucket: S3Bucket, resource: Resource) -> None:
    for part in resource.parts("versioning"):
        bucket.versioning = setting(part, "enabled")
    for whole in bucket.parts.get("versioning", ()):
        for part in whole.parts("versioning_configuration"):
            bucket.versioning = setting(part, "status", yes="Enabled")


def _object_lock(bucket: S3Bucket, resource: Resource) -> None:
    if resource.attribute("object_lock_enabled") is not None:
        bucket.object_lock = setting(resource, "object_lock_enabled")
    for whole in _said(bucket, resource, "object_lock"):
        bucket.object_lock = setting(whole, "object_lock_enabled", yes="Enabled")
        if isinstance(whole, Resource) and whole.attribute("object_lock_enabled") is None:
            bucket.object_lock = Setting(True, whole.location)
        for rule in whole.parts("rule"):
            for retention in rule.parts("default_retention"):
                years = days(retention.value("years"))
                bucket.lock_days = years * 365 if isinstance(years, int) else years or days(retention.value("days"))


def _lifecycle(bucket: S3Bucket, resource: Resource) -> None:
    rules = [(part, _inline_rule(part)) for part in resource.parts("lifecycle_rule")]
    for whole in bucket.parts.get("lifecycle_configuration", ()):
        rules += ((part, _rule(part)) for part in whole.parts("rule"))
    bucket.lifecycle = tuple(rule for _, rule in rules)
    bucket.lifecycle_known = not bucket.doubts.get("lifecycle_configuration") and all(
        part.present is True for part, _ in rules
    )


def _inline_rule(part: Part) -> LifecycleRule:
    expires: Value = None
    noncurrent: Value = None
    said: Location | None = None
    for expiration in part.parts("expiration"):
        expires = _expiry(expiration)
        said = expiration.place("days")
    for expiration in part.parts("noncurrent_version_expiration"):
        noncurrent = days(expiration.value("days"))
    prefix = part.value("prefix", "")
    chosen = prefix if isinstance(prefix, str) and part.attribute("tags") is None else None
    return LifecycleRule(part.location, setting(part, "enabled").state, chosen, expires, noncurrent, said)


def _rule(part: Part) -> LifecycleRule:
    expires: Value = None
    noncurrent: Value = None
    said: Location | None = None
    for expiration in part.parts("expiration"):
        expires = _expiry(expiration)
        said = expiration.place("days")
    for expiration in part.parts("noncurrent_version_expiration"):
        noncurrent = days(expiration.value("noncurrent_days"))
    enabled = setting(part, "status", yes="Enabled").state
    return LifecycleRule(part.location, enabled, _prefix(part), expires, noncurrent, said)


def _expiry(expiration: Part) -> Value:
    """Days until objects are deleted; a fixed date deletes at a time that only the calendar tells."""
    if expiration.value("date") is not None:
        return UNKNOWN
    return days(expiration.value("days"))


def _prefix(rule: Part) -> str | None:
    """The prefix of the objects that a rule is about; None when it chooses them in another way."""
    prefix = rule.value("prefix", "")
    for filter_ in rule.parts("filter"):
        if any(True for _ in filter_.parts("tag")) or filter_.attribute("object_size_greater_than") is not None:
            return None
        prefix = filter_.value("prefix", prefix)
        for both in filter_.parts("and"):
            if both.attribute("tags") is not None:
                return None
            prefix = both.value("prefix", prefix)
    return prefix if isinstance(prefix, str) else None
