"""What Terraform names, it must also declare."""

from __future__ import annotations

from collections.abc import Iterable

from sp404audit.documents.terraform.module import Module
from sp404audit.documents.terraform.references import Reference, is_declared, references
from sp404audit.rules import Verdicts, fail, not_applicable, passed, rule, unproven

_MAX_GUESSES = 50
"""For how many undeclared names of a module a similar one is looked for: comparing names is slow."""


@rule("terraform/reference-declared", severity="high", security=False)
def reference_declared(module: Module) -> Verdicts:
    """Every resource, data source, module, variable, local value and provider alias that is named is declared.

    Terraform refuses a module that names what its own folder does not declare: `plan` stops with an error, and the
    change that was to be deployed is not. A declaration in a calling module does not count. Folders of documentation
    and examples are left out, since what they show is often only a part.

    Fix: declare it in the same folder, pass it in as a variable, or correct the name.

    Passes:
        variable "environment" {
          type = string
        }

        resource "aws_s3_bucket" "samples" {
          bucket = "samples-${var.environment}"
        }

        output "bucket" {
          value = aws_s3_bucket.samples.id
        }

    Fails:
        resource "aws_s3_bucket" "samples" {
          bucket = "samples-${var.environment}"
        }

        output "bucket" {
          value = aws_s3_bucket.sample.id
        }

    Unproven (a tool may write the declaration):
        --- live/terragrunt.hcl
        generate "variables" {
          path     = "generated.tf"
          contents = "…"
        }
        --- live/main.tf
        resource "aws_s3_bucket" "samples" {
          bucket = "samples-${var.environment}"
        }
    """
    if module.is_sample:
        yield not_applicable(module, "documentation and examples may show only a part of a module")
        return
    count = 0
    undeclared: dict[tuple[str, int, str], Reference] = {}
    for reference in references(module):
        count += 1
        if not is_declared(reference, module):
            place = reference.location
            undeclared.setdefault((place.path, place.region.start_line, reference.address), reference)
    for number, reference in enumerate(undeclared.values()):
        if module.gaps:
            yield unproven(reference, f"{reference.address} is declared in no file that was read; {module.gaps[0]}")
        else:
            yield fail(reference, _message(reference, module, guess=number < _MAX_GUESSES))
    if not count:
        yield not_applicable(module, "names nothing that must be declared")
    elif not undeclared:
        yield passed(module, f"all {count} references of this module are declared in it")


def _message(reference: Reference, module: Module, *, guess: bool) -> str:
    where = f"{module.folder}/" if module.folder else "the root folder"
    if reference.kind == "name":
        if reference.address.lower() in ("true", "false", "null"):
            return f"{reference.address!r} names nothing; did you mean {reference.address.lower()}?"
        return (
            f"{reference.address!r} names nothing: it is neither the name of a for expression or dynamic block "
            "around it, nor a resource with its type before it"
        )
    message = f"the {reference.kind} {reference.address} is declared in no file of {where}"
    similar = _similar(reference, module) if guess else ""
    return f"{message}; did you mean {similar}?" if similar else message


def _similar(reference: Reference, module: Module) -> str:
    """A declared name that is close to the one written; of a resource also the only one of its type."""
    import difflib

    prefix, _, name = reference.address.rpartition(".")
    by_kind: dict[str, Iterable[str]] = {
        "variable": module.variables,
        "local value": module.locals,
        "module": module.calls,
        "provider": [alias.rpartition(".")[2] for alias in sorted(module.provider_aliases)],
    }
    names = list(by_kind.get(reference.kind, ()))
    if reference.kind not in by_kind:
        names = [address.rpartition(".")[2] for address in module.resources if address.startswith(f"{prefix}.")]
        if len(names) == 1:
            return f"{prefix}.{names[0]}"
    close = difflib.get_close_matches(name, names[:500], n=1)
    return f"{prefix}.{close[0]}" if close else ""
