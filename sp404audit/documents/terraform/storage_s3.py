"""S3 buckets joined with the resources that configure them apart: versioning, lifecycle, public access and so on.

Since version 4 of the AWS provider a bucket's properties are resources of their own, which name their bucket by
reference or by name (upgrade guide to version 4 of the AWS provider).
"""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.hcl.evaluation import Symbol, Text, Value, is_known, is_list
from sp404audit.documents.model import Repository
from sp404audit.documents.terraform.context import Context
from sp404audit.documents.terraform.resources import Part, Resource, resources
from sp404audit.documents.terraform.storage import Setting, StorageBucket, setting
from sp404audit.documents.terraform.storage_s3_settings import configure
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["PUBLIC_ACCESS_FLAGS", "PublicAccessBlock", "S3Bucket", "s3_buckets"]

PUBLIC_ACCESS_FLAGS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")

_SPLIT_PREFIX = "aws_s3_bucket_"
_ACCOUNT_BLOCK = "aws_s3_account_public_access_block"
_MAX_DOUBTS = 5
"""How many resources of one type whose bucket is unknown are remembered: one is enough to doubt."""
_MAX_LINKS = 200
"""How many resources that refer to the same bucket are remembered: one for each key of its `for_each`."""
_MAX_NAMESAKES = 10
"""How many resources that give the same name of a bucket are remembered."""
_MAX_INSTANCES = 10_000
"""How many instances of resources with `for_each` are looked at one by one."""


class PublicAccessBlock(NamedTuple):
    """What one block of public access says.

    Attributes:
        location: its block.
        flags: what it says of each of the four.
        part: the resource; None when a module's arguments say it.
    """

    location: Location
    flags: dict[str, Setting]
    part: Part | None = None


class S3Bucket(StorageBucket):
    """An S3 bucket.

    Attributes:
        resource: the `aws_s3_bucket`; None when a module from the registry makes it.
        is_declared: false for a bucket from elsewhere of which this repository declares only the public access block.
        parts: the resources that surely configure every instance of it, by type without `aws_s3_bucket_`.
        doubts: why other resources of a type may configure it, each with its place.
        public_access: the blocks of public access that are surely its own.
        account_blocks: the account-wide blocks of the same root.
        foreign_account_blocks: account-wide blocks elsewhere in the repository: of the same account or another.
    """

    def __init__(self, address: str, location: Location, context: Context, name: Value, present: bool | None) -> None:
        super().__init__("aws", address, location, context, name, present)
        self.resource: Resource | None = None
        self.is_declared = True
        self.parts: dict[str, list[Resource]] = {}
        self.doubts: dict[str, list[tuple[Location, str]]] = {}
        self.public_access: tuple[PublicAccessBlock, ...] = ()
        self.account_blocks: tuple[PublicAccessBlock, ...] = ()
        self.foreign_account_blocks: tuple[PublicAccessBlock, ...] = ()

    @staticmethod
    def in_repository(repository: Repository) -> tuple[S3Bucket, ...]:
        """Every S3 bucket that Terraform manages in this repository, and those whose public access alone it manages."""
        return (*repository.derived(s3_buckets), *repository.derived(buckets_from_elsewhere))


def s3_buckets(repository: Repository) -> tuple[S3Bucket, ...]:
    """Every S3 bucket that Terraform manages; ask by `repository.derived(s3_buckets)`."""
    from sp404audit.documents.terraform.storage_s3_module import module_buckets

    index = repository.derived(SplitResources)
    found = [_bucket(each, index) for each in index.buckets]
    found += module_buckets(repository)
    account = [(root_of(each.context), public_access_block(each)) for each in index.account]
    for bucket in found:
        root = root_of(bucket.context)
        bucket.account_blocks = tuple(block for other, block in account if other is root)
        bucket.foreign_account_blocks = tuple(block for other, block in account if other is not root)
    return tuple(sorted(found, key=lambda bucket: bucket.location))


def buckets_from_elsewhere(repository: Repository) -> tuple[S3Bucket, ...]:
    """Buckets of which only the public access block is declared here; ask by `repository.derived`."""
    own = {block.location for bucket in repository.derived(s3_buckets) for block in bucket.public_access}
    doubtful = {
        place for bucket in repository.derived(s3_buckets) for place, _ in bucket.doubts.get("public_access_block", ())
    }
    known = own | doubtful
    found = []
    for resource in repository.derived(resources):
        is_block = resource.mode == "resource" and resource.type == "aws_s3_bucket_public_access_block"
        if is_block and resource.location not in known:
            context, name = resource.context, resource.value("bucket")
            bucket = S3Bucket(resource.address, resource.location, context, name, resource.present)
            bucket.is_declared = False
            bucket.public_access = (public_access_block(resource),)
            found.append(bucket)
    return tuple(found)


def root_of(context: Context) -> Context:
    """The root module that a context belongs to."""
    while context.caller is not None:
        context = context.caller
    return context


def public_access_block(part: Part) -> PublicAccessBlock:
    """Read a resource that blocks public access, of a bucket or of an account."""
    flags = {name: setting(part, name) for name in PUBLIC_ACCESS_FLAGS}
    said = {name: flag._replace(is_explicit=part.attribute(name) is not None) for name, flag in flags.items()}
    return PublicAccessBlock(part.location, said, part)


class Link(NamedTuple):
    """A resource that configures a bucket, and which of its instances: None or `*` for all."""

    part: Resource
    key: str | int | None


class SplitResources:
    """The resources that configure buckets, by what they say of their bucket."""

    def __init__(self, repository: Repository) -> None:
        self.buckets: list[Resource] = []
        self.account: list[Resource] = []
        self.by_symbol: dict[tuple[str, str], list[Link]] = {}
        self.by_name: dict[str, list[Link]] = {}
        self.by_text: dict[tuple[str, Text], list[Link]] = {}
        self.unresolved: dict[str, dict[str, list[Link]]] = {}
        self.instances = 0
        self.blocks: dict[Resource, PublicAccessBlock] = {}
        for resource in repository.derived(resources):
            if resource.mode != "resource":
                continue
            if resource.type == "aws_s3_bucket":
                self.buckets.append(resource)
            elif resource.type == _ACCOUNT_BLOCK:
                self.account.append(resource)
            elif resource.type.startswith(_SPLIT_PREFIX):
                instances = resource.instances() if self.instances < _MAX_INSTANCES else [resource]
                self.instances += len(instances)
                for instance in instances:
                    self._file(instance)

    def _file(self, resource: Resource) -> None:
        target = resource.value("bucket")
        if isinstance(target, Symbol):
            links, most = self.by_symbol.setdefault((target.folder, target.address), []), _MAX_LINKS
        elif isinstance(target, str):
            links, most = self.by_name.setdefault(target, []), _MAX_NAMESAKES
        elif isinstance(target, Text) and any(target.parts):
            links, most = self.by_text.setdefault((resource.context.id, target), []), _MAX_NAMESAKES
        else:
            by_type = self.unresolved.setdefault(root_of(resource.context).id, {})
            links, most = by_type.setdefault(resource.type, []), _MAX_DOUBTS
        if len(links) < most:
            links.append(Link(resource, target.key if isinstance(target, Symbol) else None))

    def block(self, part: Resource) -> PublicAccessBlock:
        """What a public access block says, read once."""
        if part not in self.blocks:
            self.blocks[part] = public_access_block(part)
        return self.blocks[part]

    def links(self, bucket: Resource) -> list[Link]:
        """What surely names this bucket."""
        found = list(self.by_symbol.get((bucket.context.id, bucket.address), ()))
        name = bucket.value("bucket")
        if isinstance(name, str):
            found += self.by_name.get(name, ())
        elif isinstance(name, Text):
            alike = self.by_text.get((bucket.context.id, name), ())
            found += (link for link in alike if _names_alike(bucket, link.part))
        else:
            found += (Link(part, None) for part in self._unknown(bucket) if _names_alike(bucket, part))
        return found

    def _unknown(self, bucket: Resource) -> Iterator[Resource]:
        for group in self.unresolved.get(root_of(bucket.context).id, {}).values():
            yield from (link.part for link in group)

    def doubtful(self, bucket: Resource) -> Iterator[Resource]:
        """What may name this bucket."""
        yield from (part for part in self._unknown(bucket) if not _names_alike(bucket, part))
        name = bucket.value("bucket")
        if isinstance(name, Text):
            alike = self.by_text.get((bucket.context.id, name), ())[:_MAX_DOUBTS]
            yield from (link.part for link in alike if not _names_alike(bucket, link.part))


def _names_alike(bucket: Resource, part: Resource) -> bool:
    """Tell whether a resource names its bucket by the very expression that a bucket of its module has for a name."""
    name = bucket.attribute("bucket")
    if name is None or bucket.context is not part.context or not _same_argument(bucket, part, "bucket"):
        return False
    by_instance = any(node.kind == "name" and node.value in ("each", "count") for node in name.value.walk())
    return not by_instance or _repeated_alike(bucket, part)


def _bucket(resource: Resource, index: SplitResources) -> S3Bucket:
    """Put a bucket together."""
    name = resource.value("bucket")
    bucket = S3Bucket(resource.address, resource.location, resource.context, name, resource.present)
    bucket.resource = resource
    groups: dict[str, list[Link]] = {}
    for link in index.links(resource):
        groups.setdefault(link.part.type.removeprefix(_SPLIT_PREFIX), []).append(link)
    for kind, links in groups.items():
        bucket.parts[kind], bucket.doubts[kind] = _surely(resource, links)
    for part in index.doubtful(resource):
        why = f"{part.address} configures a bucket that is not known"
        bucket.doubts.setdefault(part.type.removeprefix(_SPLIT_PREFIX), []).append((part.location, why))
    bucket.public_access = tuple(index.block(part) for part in bucket.parts.get("public_access_block", ()))
    configure(bucket, resource)
    return bucket


def _surely(bucket: Resource, links: list[Link]) -> tuple[list[Resource], list[tuple[Location, str]]]:
    """The resources that are there for every instance of a bucket, and what is in doubt of the others."""
    sure: list[Resource] = []
    doubts: list[tuple[Location, str]] = []
    partial: list[tuple[Resource, set[str]]] = []
    for part, key in links:
        covered = _covered(bucket, part, key)
        if part.present is None and not _repeated_alike(bucket, part):
            doubts.append((part.location, f"whether {part.address} is there depends on values that are not known"))
        elif covered is None:
            sure.append(part)
        else:
            partial.append((part, covered))
    missing = _instances(bucket).difference(*(covered for _, covered in partial))
    for part, _ in partial:
        if missing:
            doubts.append((part.location, f"{part.address} may not be about every instance of the bucket"))
        else:
            sure.append(part)
    return sure, doubts


def _covered(bucket: Resource, part: Resource, key: str | int | None) -> set[str] | None:
    """The instances of a bucket that a resource is about; None for all of them."""
    if key is None:
        return None
    if key != "*":
        return {str(key)}
    if part.attribute("count") is None and part.attribute("for_each") is None:
        return None
    if _repeated_alike(bucket, part):
        return None
    each = part.attribute("for_each")
    if each is not None and isinstance(part.context.evaluator.value(each.value), Symbol):
        return None
    return _instances(part)


def _instances(resource: Resource) -> set[str]:
    """The keys of a resource's instances; of an unknown collection one that nothing else has."""
    if (each := resource.attribute("for_each")) is not None:
        collection = resource.context.evaluator.value(each.value)
        if isinstance(collection, dict):
            return set(collection)
        known = is_list(collection) and is_known(collection)
        return {str(item) for item in collection} if known and is_list(collection) else {f"?{resource.address}"}
    if (count := resource.attribute("count")) is not None:
        number = resource.context.evaluator.value(count.value)
        return {str(index) for index in range(min(number, 100))} if isinstance(number, int) else {"0"}
    return {"0"}


def _repeated_alike(first: Resource, second: Resource) -> bool:
    """Tell whether two resources of one module have the same `count` and `for_each`."""
    if first.context is not second.context:
        return False
    return _same_argument(first, second, "count") and _same_argument(first, second, "for_each")


def _same_argument(first: Part, second: Part, name: str) -> bool:
    """Tell whether two blocks say the same of an argument: the same expression, or nothing."""
    one, other = first.attribute(name), second.attribute(name)
    if one is None or other is None:
        return one is other
    return all(
        (left.kind, left.value, len(left.parts)) == (right.kind, right.value, len(right.parts))
        for left, right in zip(one.value.walk(), other.value.walk(), strict=False)
    )
