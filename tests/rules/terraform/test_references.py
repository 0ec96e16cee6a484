from __future__ import annotations

import pytest

from sp404audit.documents import loader
from sp404audit.documents.model import Fact, Repository
from sp404audit.documents.source import Source
from sp404audit.documents.terraform.module import Module
from sp404audit.rules import Verdict
from sp404audit.rules.terraform.references import reference_declared


def verdicts(files: dict[str, str], *others: str) -> list[Verdict]:
    facts: list[Fact] = []
    for path, text in sorted(files.items()):
        facts.extend(loader.load("terraform", Source(path, text.encode())).facts())
    found = Repository(dict.fromkeys(files, "terraform"), [*files, *others], facts)
    return [verdict for module in Module.in_repository(found) for verdict in reference_declared(module)]


def test_one_result_for_a_name_on_a_line_and_none_where_nothing_is_named() -> None:
    files = {"a/main.tf": 'output "o" {\n  value = "${var.x}${var.x}"\n}\n', "b/main.tf": 'variable "x" {}\n'}
    assert [(verdict.kind, verdict.message) for verdict in verdicts(files)] == [
        ("fail", "the variable var.x is declared in no file of a/"),
        ("notApplicable", "names nothing that must be declared"),
    ]


@pytest.mark.parametrize("folder", ["docs", "examples/simple", "modules/x/example"])
def test_samples_are_left_out(folder: str) -> None:
    (verdict,) = verdicts({f"{folder}/main.tf": 'output "o" {\n  value = var.x\n}\n'})
    assert verdict.kind == "notApplicable"


def test_what_may_be_declared_elsewhere_is_unproven() -> None:
    text = 'output "o" {\n  value = var.x\n}\n'
    (verdict,) = verdicts({"main.tf": text}, "variables.tf")
    assert (verdict.kind, "variables.tf was not read" in verdict.message) == ("open", True)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('variable "region" {}\noutput "o" {\n  value = var.regoin\n}\n', "var.region"),
        ('locals {\n  common_tags = {}\n}\noutput "o" {\n  value = local.common_tag\n}\n', "local.common_tags"),
        ('resource "a" "only" {}\noutput "o" {\n  value = a.other.id\n}\n', "a.only"),
        ('provider "aws" {\n  alias = "east1"\n}\ndata "a" "b" {\n  provider = aws.east_1\n}\n', "aws.east1"),
        ('data "a" "image" {}\noutput "o" {\n  value = data.a.imag.id\n}\n', "data.a.image"),
        ('output "o" {\n  value = True\n}\n', "true"),
    ],
)
def test_a_similar_name_is_offered(text: str, hint: str) -> None:
    (verdict,) = verdicts({"main.tf": text})
    assert verdict.message.endswith(f"did you mean {hint}?")
