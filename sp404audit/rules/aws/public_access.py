"""Who may reach what is stored in S3."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.terraform.module import Declared
from sp404audit.documents.terraform.storage_s3 import PUBLIC_ACCESS_FLAGS, PublicAccessBlock, S3Bucket, root_of
from sp404audit.results import Edit, Fix
from sp404audit.rules import Verdict, Verdicts, fail, passed, rule, unproven


@rule(
    "aws/s3-public-access-block",
    severity="high",
    equivalents=[
        "checkov:CKV2_AWS_6", "checkov:CKV_AWS_53", "checkov:CKV_AWS_54", "checkov:CKV_AWS_55", "checkov:CKV_AWS_56",
        "trivy:AWS-0086", "trivy:AWS-0087", "trivy:AWS-0091", "trivy:AWS-0093", "trivy:AWS-0094",
    ],
    cwe=[284],
    controls=["CIS AWS 2.1.4", "NIST 800-53 AC-3"],
)  # fmt: skip
def s3_public_access_block(bucket: S3Bucket) -> Verdicts:
    """Every S3 bucket blocks public access in all four ways.

    One careless ACL or policy makes a bucket readable by everyone; a public access block makes both without effect,
    whoever writes them later. AWS blocks new buckets since April 2023, but only a declared block stays, is seen in
    reviews, and covers older buckets. A block for the whole account counts for the buckets of the same root module.

    Fix: add an `aws_s3_bucket_public_access_block` for the bucket and set `block_public_acls`, `block_public_policy`,
    `ignore_public_acls` and `restrict_public_buckets` to true. Serve websites through CloudFront with an origin
    access control: such a bucket stays private.

    Passes:
        resource "aws_s3_bucket" "samples" {
          bucket = "sp404-samples"
        }

        resource "aws_s3_bucket_public_access_block" "samples" {
          bucket                  = aws_s3_bucket.samples.id
          block_public_acls       = true
          block_public_policy     = true
          ignore_public_acls      = true
          restrict_public_buckets = true
        }

    Passes (a block for the whole account):
        resource "aws_s3_bucket" "samples" {
          bucket = "sp404-samples"
        }

        resource "aws_s3_account_public_access_block" "this" {
          block_public_acls       = true
          block_public_policy     = true
          ignore_public_acls      = true
          restrict_public_buckets = true
        }

    Fails (a flag is left at its default, false):
        resource "aws_s3_bucket" "samples" {
          bucket = "sp404-samples"
        }

        resource "aws_s3_bucket_public_access_block" "samples" {
          bucket              = aws_s3_bucket.samples.id
          block_public_acls   = true
          block_public_policy = true
          ignore_public_acls  = true
        }

    Fails (no block at all):
        resource "aws_s3_bucket" "samples" {
          bucket = "sp404-samples"
        }

    Unproven (which bucket the block is about is not known):
        variable "bucket" {
          type = string
        }

        resource "aws_s3_bucket" "samples" {
          bucket = "sp404-samples"
        }

        resource "aws_s3_bucket_public_access_block" "this" {
          bucket                  = var.bucket
          block_public_acls       = true
          block_public_policy     = true
          ignore_public_acls      = true
          restrict_public_buckets = true
        }
    """
    own = bucket.public_access
    lacking = next((block for block in own if not _is_complete(block)), None)
    complete = next((block for block in (*own, *bucket.account_blocks) if _is_complete(block)), None)
    if complete is not None and (lacking is None or complete not in own):
        yield passed(
            complete.location, f"all four flags are true for {_name(bucket)}", related=[(bucket, "the bucket")]
        )
    elif lacking is not None:
        yield from _of_block(bucket, lacking)
    elif why := _doubt(bucket):
        yield unproven(bucket, f"{_name(bucket)}: {why}")
    else:
        message = f"{_name(bucket)} has no public access block: add one"
        yield fail(bucket, message, severity="medium", fix=_block_to_add(bucket))


def _is_complete(block: PublicAccessBlock) -> bool:
    return all(flag.state for flag in block.flags.values())


def _of_block(bucket: S3Bucket, block: PublicAccessBlock) -> Iterator[Verdict]:
    """What a block lacks: the flags that are false, else those that are not known."""
    off = {name: flag for name, flag in block.flags.items() if flag.state is False}
    unknown = [name for name, flag in block.flags.items() if flag.state is None]
    if not off:
        flags = ", ".join(unknown)
        yield unproven(block.location, f"{_name(bucket)}: {flags} of its public access block depend on unknown values")
        return
    explicit = {name: flag for name, flag in off.items() if flag.is_explicit}
    unset = [name for name in off if name not in explicit]
    said = [f"{_listed(list(explicit))} false"] if explicit else []
    said += [f"{_listed(unset)} not set, which means false"] if unset else []
    where = next(iter(explicit.values())).location if explicit else block.location
    related = [(bucket, "the bucket")]
    yield fail(
        where, f"{_name(bucket)} may become public: {'; '.join(said)}", fix=_flags_to_set(block), related=related
    )


def _listed(names: list[str]) -> str:
    """The names with the verb that fits: `a is`, `a and b are`."""
    *others, last = names
    return f"{', '.join(others)} and {last} are" if others else f"{last} is"


def _flags_to_set(block: PublicAccessBlock) -> Fix | None:
    """Put true for a literal false, and add the flags that are missing."""
    if block.part is None:
        return None
    edits: list[Edit] = []
    missing = [name for name, flag in block.flags.items() if not flag.is_explicit]
    for name, flag in block.flags.items():
        if flag.state is False and flag.is_explicit:
            place = block.part.literal_place(name)
            if place is None:
                return None
            edits.append(Edit(place.path, place.region, "true"))
    if missing:
        place = block.part.place_before_end()
        if place is None:
            return None
        edits.append(Edit(place.path, place.region, "".join(f"  {name} = true\n" for name in missing)))
    return Fix("Set all four flags to true", tuple(edits), safe=False)


def _doubt(bucket: S3Bucket) -> str:
    """Why the lack of a block is not proven; empty when it is."""
    for _, why in bucket.doubts.get("public_access_block", ()):
        return why
    if bucket.context.module.gaps:
        return bucket.context.module.gaps[0]
    if (own := _own_endpoint(bucket)) is not None:
        return f"the provider in {own.location.path} asks another S3 than that of AWS, such as LocalStack or MinIO"
    for block in (*bucket.account_blocks, *bucket.foreign_account_blocks):
        if all(flag.state is not False for flag in block.flags.values()):
            return f"whether the account-wide block in {block.location.path} is about its account is not known"
    return ""


def _own_endpoint(bucket: S3Bucket) -> Declared | None:
    """A provider of AWS that is sent to an S3 elsewhere: what AWS blocks by default, that one may not know at all."""
    for declared in root_of(bucket.context).module.blocks("provider"):
        if declared.block.labels[:1] == ("aws",):
            endpoints = declared.block.nested("endpoints")
            if any(block.attribute("s3") is not None for block in endpoints):
                return declared
    return None


def _name(bucket: S3Bucket) -> str:
    calls = bucket.context.calls
    return f"{calls}.{bucket.address}" if calls else bucket.address


def _block_to_add(bucket: S3Bucket) -> Fix | None:
    """Add a block behind the bucket, when it is one bucket."""
    resource = bucket.resource
    if resource is None or resource.attribute("count") or resource.attribute("for_each"):
        return None
    place = resource.place_after()
    if place is None:
        return None
    flags = "".join(f"  {name:<23} = true\n" for name in PUBLIC_ACCESS_FLAGS)
    header = f'resource "aws_s3_bucket_public_access_block" "{resource.name}" {{'
    text = f"\n\n{header}\n  {'bucket':<23} = {resource.address}.id\n{flags}}}"
    return Fix("Add a public access block", (Edit(place.path, place.region, text),), safe=False)
