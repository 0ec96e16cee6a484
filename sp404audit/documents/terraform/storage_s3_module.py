"""S3 buckets made by the module of the Terraform registry that most people use for them.

Its arguments are those of the documentation of terraform-aws-modules/s3-bucket/aws.
"""

from __future__ import annotations

import re

from sp404audit.documents.hcl.evaluation import UNKNOWN, EvaluationError, Value, as_bool, is_list, step
from sp404audit.documents.model import Repository
from sp404audit.documents.terraform.resources import Part, called_modules
from sp404audit.documents.terraform.storage import LifecycleRule, Setting, days
from sp404audit.documents.terraform.storage_s3 import PUBLIC_ACCESS_FLAGS, PublicAccessBlock, S3Bucket
from sp404audit.lazy import regex

__all__ = ["module_buckets"]

_SOURCE = regex(r"(?:^|[/:])terraform-aws-modules/(?:terraform-aws-)?s3-bucket(?:/aws|\.git|\?|$)")
_SUBMODULE = regex(r"s3-bucket[^?]*//modules/")
_BLOCKED_BY_DEFAULT_SINCE = (3, 9)
"""The version since which the module blocks public access unless told otherwise (its changelog, 2023-04-26)."""
_VERSION = regex(r"(=|~>|<=?|>=?|!=)?\s*v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?")


def module_buckets(repository: Repository) -> list[S3Bucket]:
    """The buckets that calls of the module make."""
    found = []
    for call in called_modules(repository):
        source = call.value("source")
        if isinstance(source, str) and _SOURCE.search(source) and not _SUBMODULE.search(source):
            bucket = _bucket(call, source)
            if bucket is not None:
                found.append(bucket)
    return found


def _bucket(call: Part, source: str) -> S3Bucket | None:
    create = as_bool(call.value("create_bucket", True))
    if create is False or as_bool(call.value("is_directory_bucket", False)):
        return None
    present = call.present if create else None
    name = call.value("bucket", UNKNOWN)
    bucket = S3Bucket(f"module.{call.block.labels[0]}", call.location, call.context, name, present)
    bucket.public_access = (_public_access(call, source),)
    bucket.versioning = _flag(call, "versioning", "enabled", "status")
    bucket.object_lock = _argument(call, "object_lock_enabled")
    bucket.lock_days = days(_inside(call.value("object_lock_configuration"), "rule", "default_retention", "days"))
    for name in ("encryption", "replication"):
        argument = "server_side_encryption_configuration" if name == "encryption" else "replication_configuration"
        if call.attribute(argument) is not None:
            value = call.value(argument)
            setattr(bucket, name, Setting(None if value is UNKNOWN else bool(value), call.place(argument)))
    path = ("rule", "apply_server_side_encryption_by_default", "sse_algorithm")
    bucket.encryption_algorithm = _inside(call.value("server_side_encryption_configuration"), *path)
    rules = call.value("lifecycle_rule", ())
    bucket.lifecycle_known = is_list(rules)
    if is_list(rules):
        bucket.lifecycle = tuple(_rule(call, rule) for rule in rules)
    return bucket


def _public_access(call: Part, source: str) -> PublicAccessBlock:
    by_default = _blocks_by_default(call, source)
    attached = as_bool(call.value("attach_public_policy", True))
    flags = {}
    for name in PUBLIC_ACCESS_FLAGS:
        explicit = call.attribute(name) is not None
        state = as_bool(call.value(name, UNKNOWN if by_default is None else by_default))
        flags[name] = Setting(state if attached is not False else False, call.place(name), explicit)
    return PublicAccessBlock(call.location, flags)


def _blocks_by_default(call: Part, source: str) -> bool | None:
    """Whether the version in use blocks public access by default; None when either kind may be in use."""
    version = call.value("version")
    if version is None:
        reference = re.search(r"[?&]ref=v?(\d[\w.]*)", source)
        version = None if reference is None else reference.group(1)
        if reference is None and "ref=" in source:
            return None
    if version is None:
        return True  # the newest
    if not isinstance(version, str):
        return None
    return _newest_allowed(version) >= _BLOCKED_BY_DEFAULT_SINCE


def _newest_allowed(constraint: str) -> tuple[float, float]:
    """The newest major and minor version that a constraint lets in."""
    newest = (float("inf"), float("inf"))
    for part in constraint.split(","):
        match = _VERSION.fullmatch(part.strip())
        if match is None:
            continue
        operator, major, minor, patch = match.groups()
        bound = (float(major), float(minor or 0))
        if operator == "~>":
            bound = (float(major), float("inf")) if patch is None else bound
        elif operator == "<":
            bound = bound if patch and int(patch) else _before(bound)
        elif operator in (">", ">=", "!="):
            continue
        newest = min(newest, bound)
    return newest


def _before(bound: tuple[float, float]) -> tuple[float, float]:
    major, minor = bound
    return (major, minor - 1) if minor else (major - 1, float("inf"))


def _argument(call: Part, name: str) -> Setting:
    return Setting(as_bool(call.value(name, False)), call.place(name), call.attribute(name) is not None)


def _flag(call: Part, name: str, *keys: str) -> Setting:
    """Read a flag inside an object, under one of several keys; also where it is the word `Enabled`."""
    if call.attribute(name) is None:
        return Setting(False, call.location, is_explicit=False)
    value = call.value(name)
    found = [inner for key in keys if (inner := _inside(value, key)) is not None]
    state: bool | None = False
    if found:
        state = as_bool(found[0])
        if isinstance(found[0], str) and state is None:
            state = found[0] == "Enabled"
    return Setting(state, call.place(name))


def _inside(value: Value, *keys: str) -> Value:
    """A part of an object by its keys; None when there is none."""
    for key in keys:
        try:
            value = None if value is None else step(value, key)
        except EvaluationError:
            return None
    return value


def _rule(call: Part, rule: Value) -> LifecycleRule:
    enabled = _inside(rule, "enabled")
    if enabled is None:
        status = _inside(rule, "status")
        enabled = True if status is None else status == "Enabled" if isinstance(status, str) else status
    prefix = _inside(rule, "prefix") or _inside(rule, "filter", "prefix") or ""
    noncurrent = _inside(rule, "noncurrent_version_expiration", "noncurrent_days")
    if noncurrent is None:
        noncurrent = _inside(rule, "noncurrent_version_expiration", "days")
    return LifecycleRule(
        call.place("lifecycle_rule"),
        as_bool(enabled),
        prefix if isinstance(prefix, str) else None,
        days(_inside(rule, "expiration", "days")),
        days(noncurrent),
    )
