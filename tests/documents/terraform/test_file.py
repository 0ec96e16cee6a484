from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents import loader
from sp404audit.documents.hcl.evaluation import UNKNOWN, Symbol, Text
from sp404audit.documents.model import Fact, Repository
from sp404audit.documents.source import Source
from sp404audit.documents.terraform.context import MAX_CONTEXTS_PER_MODULE, contexts
from sp404audit.documents.terraform.module import modules
from sp404audit.documents.terraform.references import is_declared, references
from sp404audit.documents.terraform.resources import Resource, resources
from sp404audit.documents.terraform.storage import BucketIndex, StorageBucket, storage_buckets
from sp404audit.documents.terraform.storage_s3 import S3Bucket, s3_buckets

BUCKET = 'resource "aws_s3_bucket" "b" {\n  bucket = "acme-data"\n}\n'
FLAGS = "".join(
    f"  {name} = true\n"
    for name in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
)


def repository(files: dict[str, str], others: tuple[str, ...] = ()) -> Repository:
    facts: list[Fact] = []
    kinds = {}
    for path, text in sorted(files.items()):
        kinds[path] = "tfvars" if ".tfvars" in path else "terraform"
        facts.extend(loader.load(kinds[path], Source(path, text.encode())).facts())
    return Repository(kinds, [*files, *others], facts)


def resource(files: dict[str, str], address: str) -> Resource:
    return next(each for each in repository(files).derived(resources) if each.address == address)


def evaluate(expression: str, declarations: str = "", **files: str) -> object:
    """What `x.y.value` is worth in a module with these declarations."""
    text = f'{declarations}\nresource "x" "y" {{\n  value = {expression}\n}}\n'
    return resource({"main.tf": text, **files}, "x.y").value("value")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('"a${1 + 1}b"', "a2b"),
        ("1 + 2 * 3 - 4 / 2", 5),
        ("10 % 4 == 2 && !false", True),
        ("1 / 0", UNKNOWN),
        ("1e999 + 1", UNKNOWN),
        ("9e20 * 9e20", UNKNOWN),
        ('true ? "a" : "b"', "a"),
        ("var.unknown ? 1 : 1", 1),
        ("var.unknown ? 1 : 2", UNKNOWN),
        ("var.unknown || true", True),
        ("var.unknown && false", False),
        ("var.unknown == null", UNKNOWN),
        ('"a-${var.unknown}-b"', Text(("a-", None, "-b"))),
        ('upper("a-${var.unknown}")', Text(("A-", None))),
        ("[for v in [1, 2, 3] : v * 2 if v > 1]", (4, 6)),
        ('{for k, v in {a = 1} : v => k}', {"1": "a"}),
        ('{for v in ["a", "b"] : "k" => v...}', {"k": ("a", "b")}),
        ('merge({a = 1}, {b = 2}, null)["b"]', 2),
        ('concat(["a"], ["b"])[1]', "b"),
        ('lookup({a = 1}, "b", 7)', 7),
        ('try({a = 1}.b, "fallback")', "fallback"),
        ("try(var.unknown.x, 1)", UNKNOWN),
        ("can({a = 1}.b)", False),
        ('coalesce(null, "", "c")', "c"),
        ("one([])", None),
        ('format("%s-%d%%", "a", 3)', "a-3%"),
        ('format("%05d", 3)', Text((None,))),
        ('join("-", ["a", "b"])', "a-b"),
        ('split(",", "a,b")', ("a", "b")),
        ('toset(["b", "a", "b"])', ("a", "b")),
        ("length(flatten([[1], [2, [3]]]))", 3),
        ('jsonencode({a = [1, "b", true]})', '{"a":[1,"b",true]}'),
        ('contains(["a"], "b")', False),
        ('element(["a", "b"], 3)', "b"),
        ('keys({b = 1, a = 2})', ("a", "b")),
        ('zipmap(["a"], [1])', {"a": 1}),
        ('substr("abcdef", 1, 3)', "bcd"),
        ('replace("a.b", ".", "-")', "a-b"),
        ('replace("a.b", "/[.]/", "-")', UNKNOWN),
        ("tonumber(\"12\") + 1", 13),
        ("max(1, 3, 2)", 3),
        ("timestamp()", UNKNOWN),
        ('"%{ if true }yes%{ else }no%{ endif }"', "yes"),
        ('"%{ for v in ["a", "b"] }${v};%{ endfor }"', "a;b;"),
        ("terraform.workspace", UNKNOWN),
        ("each.key", UNKNOWN),
        ("null", None),
        ("(({a = 1}).a)", 1),
        ("provider::aws::arn_parse(\"x\").account", UNKNOWN),
    ],
)  # fmt: skip
def test_values(expression: str, expected: object) -> None:
    assert evaluate(expression, 'variable "unknown" {}') == expected


def test_locals_are_followed_and_circles_are_unknown() -> None:
    declared = 'locals {\n  a = local.b\n  b = "x-${local.c}"\n  c = "y"\n  d = local.e\n  e = local.d\n}\n'
    assert evaluate("local.a", declared) == "x-y"
    assert evaluate("local.d", declared) is UNKNOWN


def test_long_chains_and_doubling_end() -> None:
    chain = "".join(f"  l{number} = local.l{number + 1}\n" for number in range(5_000))
    assert evaluate("local.l0", f"locals {{\n{chain}  l5000 = 1\n}}\n") is UNKNOWN
    doubling = "".join(f'  d{number} = "${{local.d{number + 1}}}${{local.d{number + 1}}}"\n' for number in range(60))
    assert not isinstance(evaluate("local.d0", f'locals {{\n{doubling}  d60 = "ab"\n}}\n'), str)
    lists = "".join(f"  n{number} = [local.n{number + 1}, local.n{number + 1}]\n" for number in range(60))
    declared = f"locals {{\n{lists}  n60 = 1\n}}\n" + f"locals {{\n{lists.replace('n', 'm')}  m60 = 1\n}}\n"
    for expression in ("flatten(local.n0)", "local.n0 == local.m0", "jsonencode(local.n0)", "local.n0 == null"):
        assert evaluate(expression, declared) is UNKNOWN


VARIABLE = 'variable "v" {\n  default = "default"\n}\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "default"),
        ({"terraform.tfvars": 'v = "file"'}, "file"),
        ({"terraform.tfvars": 'v = "file"', "z.auto.tfvars": 'v = "auto"'}, "auto"),
        ({"terraform.tfvars.json": '{"v": "json"}'}, "json"),
        ({"env/prod.tfvars": 'v = "prod"'}, UNKNOWN),
        ({"env/prod.tfvars": 'v = "default"'}, "default"),
        ({"env/prod.tfvars": 'w = "prod"'}, "default"),
    ],
)
def test_a_roots_variables(files: dict[str, str], expected: object) -> None:
    assert evaluate("var.v", VARIABLE, **files) == expected


def test_a_variable_without_default_has_what_all_files_of_values_agree_on() -> None:
    assert evaluate("var.v", 'variable "v" {}', **{"a.tfvars": "v = 1", "b.tfvars": "v = 1"}) == 1
    assert evaluate("var.v", 'variable "v" {}', **{"a.tfvars": "v = 1", "b.tfvars": "v = 2"}) is UNKNOWN


CHILD = 'variable "name" {\n  default = "none"\n}\nresource "x" "y" {\n  value = var.name\n}\noutput "o" {\n  value = x.y.id\n}\n'  # noqa: E501


def test_each_call_has_its_own_arguments() -> None:
    files = {
        "main.tf": 'module "a" {\n  source = "./m"\n  name = "one"\n}\nmodule "b" {\n  source = "./m"\n}\n',
        "m/main.tf": CHILD,
    }
    found = {each.context.calls: each.value("value") for each in repository(files).derived(resources)}
    assert found == {"module.a": "one", "module.b": "none"}


def test_outputs_lead_to_resources_of_the_called_module() -> None:
    files = {
        "main.tf": 'module "a" {\n  source = "./m"\n}\nresource "p" "q" {\n  of = module.a.o\n}\n',
        "m/main.tf": CHILD,
    }
    value = resource(files, "p.q").value("of")
    assert isinstance(value, Symbol)
    assert (value.address, value.path) == ("x.y", ("id",))


def test_calls_from_examples_make_no_use_of_the_module() -> None:
    files = {"examples/a/main.tf": 'module "a" {\n  source = "../../"\n  name = "shown"\n}\n', "main.tf": CHILD}
    assert [each.value("value") for each in repository(files).derived(resources)] == ["none"]


def test_module_paths_never_leave_the_root_and_circles_end() -> None:
    files = {
        "a/main.tf": 'module "b" {\n  source = "../b"\n}\nmodule "x" {\n  source = "../../../etc"\n}\n',
        "b/main.tf": 'module "a" {\n  source = "../a"\n}\nmodule "self" {\n  source = "./"\n}\n',
    }
    found = repository(files)
    assert found.derived(modules)["a"].calls["x"].folder is None
    assert {context.module.folder for context in found.derived(contexts)} == {"a", "b"}


def test_many_calls_are_bounded() -> None:
    calls = "".join(f'module "m{number}" {{\n  source = "./m"\n  name = "{number}"\n}}\n' for number in range(100))
    found = repository({"main.tf": calls, "m/main.tf": CHILD}).derived(resources)
    assert len(found) == MAX_CONTEXTS_PER_MODULE + 1
    assert found[-1].value("value") is UNKNOWN


@pytest.mark.parametrize(
    ("line", "expected"),
    [("count = 0", []), ("count = var.n", [None]), ("count = 2", [True]), ("for_each = toset([])", []),
     ('for_each = {a = 1}', [True]), ("for_each = var.n", [None])],
)  # fmt: skip
def test_presence(line: str, expected: list[bool | None]) -> None:
    files = {"main.tf": f'variable "n" {{}}\nresource "x" "y" {{\n  {line}\n}}\n'}
    assert [each.present for each in repository(files).derived(resources)] == expected


def test_dynamic_blocks() -> None:
    text = """
resource "x" "y" {
  dynamic "rule" {
    for_each = { a = 1, b = 2 }
    iterator = each_rule
    content {
      name = each_rule.key
    }
  }
  dynamic "none" {
    for_each = []
    content {}
  }
  dynamic "some" {
    for_each = var.n
    content {}
  }
  rule {
    name = "static"
  }
}
variable "n" {}
"""
    found = resource({"main.tf": text}, "x.y")
    assert [part.value("name") for part in found.parts("rule")] == ["a", "b", "static"]
    assert list(found.parts("none")) == []
    assert [part.present for part in found.parts("some")] == [None]


def test_override_files_win() -> None:
    files = {
        "main.tf": 'resource "x" "y" {\n  value = 1\n  other = 2\n}\n',
        "prod_override.tf": 'resource "x" "y" {\n  value = 9\n}\n',
    }
    found = resource(files, "x.y")
    assert (found.place("value").path, found.value("other")) == ("prod_override.tf", 2)


def undeclared(files: dict[str, str], others: tuple[str, ...] = ()) -> list[tuple[str, int]]:
    return [
        (reference.address, reference.location.region.start_line)
        for module in repository(files, others).derived(modules).values()
        for reference in references(module)
        if not is_declared(reference, module)
    ]


@pytest.mark.parametrize(
    "text",
    [
        'variable "a" {\n  type = object({ b = optional(string), c = list(any) })\n}\noutput "o" {\n  value = var.a.b\n}\n',  # noqa: E501
        'output "o" {\n  value = [for a in ["x"] : { for b in [a] : b => a... if b != a }]\n}\n',
        'output "o" {\n  value = "%{ for a in ["x"] }${a}%{ endfor } $${not.this} %%{ nor this }"\n}\n',
        'resource "a" "b" {\n  count = 1\n  x = count.index\n  y = self.id\n  z = path.module\n  w = terraform.workspace\n'  # noqa: E501
        "  lifecycle {\n    ignore_changes = [tags, x[0].y]\n    replace_triggered_by = [a.b.id]\n  }\n"
        '  provisioner "local-exec" {\n    when = destroy\n    on_failure = continue\n  }\n}\n',
        'resource "a" "b" {\n  depends_on = ["a.c", "data.d.e"]\n}\nresource "a" "c" {}\ndata "d" "e" {}\n',
        'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n'
        "      configuration_aliases = [aws.west]\n    }\n  }\n}\n"
        'resource "a" "b" {\n  provider = aws.west\n}\ndata "c" "d" {\n  provider = google-beta\n}\n',
        'provider "aws" {\n  alias = "west"\n}\nmodule "m" {\n  source = "x/y/z"\n  providers = {\n    aws = aws.west\n'
        '    aws.x = aws.west\n  }\n}\nresource "a" "b" {\n  provider = "aws.west"\n  x = module.m.y\n}\n',
        'moved {\n  from = a.old\n  to = a.new\n}\nremoved {\n  from = a.older\n}\nimport {\n  to = a.generated\n  id = "x"\n}\n',  # noqa: E501
        'check "c" {\n  data "http" "h" {}\n  assert {\n    condition = data.http.h.status_code == 200\n  }\n}\n',
        'ephemeral "a" "b" {}\nlocals {\n  x = ephemeral.a.b.c\n  y = provider::x::f(1)\n  z = { key = 1, (local.x) = 2 }\n}\n',  # noqa: E501
        'resource "a" "b" {\n  dynamic "outer" {\n    for_each = ["x"]\n    iterator = it\n    content {\n'
        '      dynamic "inner" {\n        for_each = it.value\n        content {\n          x = "${it.key}${inner.value}"\n'  # noqa: E501
        "        }\n      }\n    }\n  }\n}\n",
        'data "a" "b" {}\noutput "o" {\n  value = [data.a.b[*].id, data.a.b.0.id, resource.c.d.id]\n}\nresource "c" "d" {}\n',  # noqa: E501
    ],
)  # fmt: skip
def test_what_is_declared_or_needs_no_declaration(text: str) -> None:
    assert undeclared({"main.tf": text}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('output "o" {\n  value = var.missing\n}\n', [("var.missing", 2)]),
        ('output "o" {\n  value = "${local.x}-${a.b.id}"\n}\n', [("local.x", 2), ("a.b", 2)]),
        ('output "o" {\n  value = data.a.b.id\n}\n', [("data.a.b", 2)]),
        ('output "o" {\n  value = module.m.x\n  depends_on = [a.b]\n}\n', [("module.m", 2), ("a.b", 3)]),
        ('output "o" {\n  value = <<-EOT\n    x\n    ${var.y}\n  EOT\n}\n', [("var.y", 4)]),
        ('output "o" {\n  value = [for a in b : a]\n}\n', [("b", 2)]),
        ('resource "a" "b" {\n  provider = aws.east\n}\n', [("aws.east", 2)]),
        ('resource "a" "b" {\n  dynamic "c" {\n    for_each = c.value\n    content {}\n  }\n}\n', [("c.value", 3)]),
        ('resource "a" "b" {\n  dynamic "c" {\n    for_each = [1]\n    iterator = d\n    content {\n'
         "      x = c.value\n    }\n  }\n}\n", [("c.value", 6)]),
    ],
)  # fmt: skip
def test_what_is_not_declared(text: str, expected: list[tuple[str, int]]) -> None:
    assert undeclared({"main.tf": text}) == expected


def test_json_and_hcl_make_one_module() -> None:
    json = """{
  "variable": {"region": {"default": "eu"}},
  "locals": {"name": "x-${var.region}"},
  "resource": {"a": {"b": [{"x": "${var.region}", "y": "${local.gone}",
    "dynamic": {"c": {"for_each": ["x"], "content": {"v": "${c.value}"}}}, "depends_on": ["d.e"]}]}}
}"""
    files = {"main.tf": 'resource "d" "e" {\n  name = local.name\n}\n', "more.tf.json": json}
    assert undeclared(files) == [("local.gone", 4)]
    assert resource(files, "d.e").value("name") == "x-eu"
    assert resource(files, "a.b").value("x") == "eu"


def test_gaps_are_told() -> None:
    files = {"m/a.tf": BUCKET, "m/b.tf": "x = ["}
    assert repository(files).derived(modules)["m"].gaps == ("m/b.tf was not read",)
    assert repository({"m/a.tf": BUCKET}, ("m/linked.tf",)).derived(modules)["m"].gaps
    for generator in ("terragrunt.hcl", "stack.tm.hcl", "variables.tf.example", "backend.tf.j2"):
        assert repository({"m/a.tf": BUCKET}, (f"m/{generator}",)).derived(modules)["m"].gaps
    assert not repository({"m/a.tf": BUCKET}, ("m/x/terragrunt.hcl",)).derived(modules)["m"].gaps


def block(bucket: str, extra: str = "") -> str:
    return f'resource "aws_s3_bucket_public_access_block" "p" {{\n  {extra}\n  bucket = {bucket}\n{FLAGS}}}\n'


def joined(files: dict[str, str]) -> list[tuple[str, bool, bool]]:
    """Address, whether a block is surely there, whether one may be – for each bucket."""
    return [
        (bucket.address, bool(bucket.public_access), bool(bucket.doubts.get("public_access_block")))
        for bucket in repository(files).derived(s3_buckets)
    ]


MANY = 'resource "aws_s3_bucket" "b" {\n  for_each = toset(["x", "y"])\n  bucket = "acme-${each.key}"\n}\n'
COUNTED = 'resource "aws_s3_bucket" "b" {\n  count = var.on ? 1 : 0\n  bucket = "acme"\n}\nvariable "on" {}\n'


@pytest.mark.parametrize(
    "text",
    [
        BUCKET + block("aws_s3_bucket.b.id"),
        BUCKET + block("aws_s3_bucket.b.bucket"),
        BUCKET + block('"${aws_s3_bucket.b.id}"'),
        BUCKET + block('"acme-data"'),
        BUCKET + block("local.name") + "locals {\n  name = aws_s3_bucket.b.id\n}\n",
        MANY + block("each.value.id", "for_each = aws_s3_bucket.b"),
        MANY + block("each.value.id", "for_each = { for k, v in aws_s3_bucket.b : k => v }"),
        MANY + block("each.value", "for_each = toset([for v in aws_s3_bucket.b : v.id])"),
        MANY + block("aws_s3_bucket.b[each.key].id", "for_each = { x = 1, y = 2 }"),
        BUCKET + block("each.value", "for_each = { b = aws_s3_bucket.b.id, other = aws_s3_bucket.o.id }")
        + 'resource "aws_s3_bucket" "o" {}\n',
        BUCKET + block("each.value", "for_each = toset([aws_s3_bucket.b.id, aws_s3_bucket.o.id])")
        + 'resource "aws_s3_bucket" "o" {}\n',
        MANY + block("aws_s3_bucket.b[each.key].id", 'for_each = toset(["x", "y"])'),
        MANY + block('aws_s3_bucket.b[each.value].id', 'for_each = toset(["y", "x"])'),
        COUNTED + block("aws_s3_bucket.b[0].id", "count = var.on ? 1 : 0"),
        COUNTED + block("one(aws_s3_bucket.b[*].id)", "count = var.on ? 1 : 0"),
        COUNTED + block('try(aws_s3_bucket.b[0].id, "")', "count = var.on ? 1 : 0"),
        COUNTED + block('join("", aws_s3_bucket.b.*.id)', "count = var.on ? 1 : 0"),
        COUNTED + block('element(concat(aws_s3_bucket.b[*].id, [""]), 0)', "count = var.on ? 1 : 0"),
        COUNTED + block("aws_s3_bucket.b[count.index].id", "count = var.on ? 1 : 0"),
        'variable "n" {}\nresource "aws_s3_bucket" "b" {\n  bucket = "a-${var.n}"\n}\n' + block('"a-${var.n}"'),
        'variable "n" {}\nresource "aws_s3_bucket" "b" {\n  bucket = var.n\n}\n' + block("var.n"),
    ],
)  # fmt: skip
def test_a_block_is_joined_with_its_bucket(text: str) -> None:
    assert set(joined({"main.tf": text})) <= {("aws_s3_bucket.b", True, False), ("aws_s3_bucket.o", True, False)}


@pytest.mark.parametrize(
    "text",
    [
        'variable "n" {}\n' + BUCKET + block("var.n"),
        'variable "n" {}\n' + BUCKET + block("aws_s3_bucket.b.id", "count = var.n"),
        MANY + block('aws_s3_bucket.b["x"].id'),
        MANY + block("aws_s3_bucket.b[each.key].id", 'for_each = toset(["x"])'),
        MANY + block("each.value.id", 'for_each = { for k, v in aws_s3_bucket.b : k => v if k != "x" }'),
        'variable "n" {}\nvariable "m" {}\nresource "aws_s3_bucket" "b" {\n  bucket = "a-${var.n}"\n}\n' + block('"a-${var.m}"'),  # noqa: E501
    ],
)  # fmt: skip
def test_a_block_that_may_be_the_buckets_is_in_doubt(text: str) -> None:
    assert joined({"main.tf": text}) == [("aws_s3_bucket.b", False, True)]


@pytest.mark.parametrize(
    "text",
    [
        BUCKET,
        BUCKET + block('"another"'),
        BUCKET + block("aws_s3_bucket.b.id", "count = 0"),
        BUCKET + block("data.aws_s3_bucket.d.id") + 'data "aws_s3_bucket" "d" {\n  bucket = "else"\n}\n',
        BUCKET + 'resource "aws_s3_bucket" "other" {\n  bucket = "o"\n}\n' + block("aws_s3_bucket.other.id"),
    ],
)
def test_a_block_of_another_bucket_is_none(text: str) -> None:
    assert joined({"main.tf": text})[0] == ("aws_s3_bucket.b", False, False)


def test_blocks_are_joined_across_modules() -> None:
    inner = BUCKET + 'output "id" {\n  value = aws_s3_bucket.b.id\n}\n'
    files = {"main.tf": 'module "m" {\n  source = "./m"\n}\n' + block("module.m.id"), "m/main.tf": inner}
    assert joined(files) == [("aws_s3_bucket.b", True, False)]
    files = {
        "main.tf": BUCKET + 'module "m" {\n  source = "./m"\n  bucket = aws_s3_bucket.b.id\n}\n',
        "m/main.tf": 'variable "bucket" {}\n' + block("var.bucket"),
    }
    assert joined(files) == [("aws_s3_bucket.b", True, False)]


def bucket_of(text: str) -> StorageBucket:
    return repository({"main.tf": text}).derived(storage_buckets)[0]


def test_what_a_bucket_says_of_backups() -> None:
    split = """
resource "aws_s3_bucket_versioning" "b" {
  bucket = aws_s3_bucket.b.id
  versioning_configuration {
    status = "Enabled"
  }
}
resource "aws_s3_bucket_lifecycle_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {
      prefix = "db/"
    }
    expiration {
      days = 35
    }
    noncurrent_version_expiration {
      noncurrent_days = 7
    }
  }
  rule {
    id     = "off"
    status = "Disabled"
    expiration {
      days = 1
    }
  }
}
resource "aws_s3_bucket_object_lock_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    default_retention {
      mode = "COMPLIANCE"
      years = 1
    }
  }
}
"""
    bucket = bucket_of(BUCKET + split)
    assert bucket.versioning.state is True
    assert [rule[1:5] for rule in bucket.lifecycle] == [(True, "db/", 35, 7), (False, "", 1, None)]
    assert bucket.lifecycle_known
    assert (bucket.object_lock.state, bucket.lock_days) == (True, 365)


def test_what_older_configurations_say_inside_the_bucket() -> None:
    inline = """
resource "aws_s3_bucket" "b" {
  bucket = "sp404-${var.env}"
  versioning {
    enabled = true
  }
  lifecycle_rule {
    enabled = true
    prefix  = "x/"
    transition {
      days          = 30
      storage_class = "GLACIER"
    }
  }
}
variable "env" {}
"""
    bucket = bucket_of(inline)
    assert bucket.versioning.state is True
    assert [rule[1:5] for rule in bucket.lifecycle] == [(True, "x/", None, None)]
    assert bucket.pattern == "sp404-*"


def test_the_registrys_module_makes_buckets() -> None:
    text = """
module "backups" {
  source  = "terraform-aws-modules/s3-bucket/aws"
  version = "~> 4.1"
  bucket  = "acme-backups"
  versioning = { enabled = true }
  lifecycle_rule = [{ id = "x", enabled = true, expiration = { days = 90 } }]
}
"""
    bucket = bucket_of(text)
    assert isinstance(bucket, S3Bucket)
    assert (bucket.name, bucket.versioning.state) == ("acme-backups", True)
    assert [rule[1:5] for rule in bucket.lifecycle] == [(True, "", 90, None)]
    assert all(flag.state for flag in bucket.public_access[0].flags.values())


@pytest.mark.parametrize(
    ("version", "blocks"),
    [('version = "3.6.0"', False), ('version = "~> 3.6.0"', False), ('version = "~> 3.6"', True), ("", True),
     ('version = ">= 2.0, < 3.0.0"', False), ("version = var.v", None), ('version = "= 3.9.0"', True)],
)  # fmt: skip
def test_what_the_registrys_module_does_by_default(version: str, blocks: bool | None) -> None:
    call = f'module "b" {{\n  source = "terraform-aws-modules/s3-bucket/aws"\n  {version}\n}}\nvariable "v" {{}}\n'
    (bucket,) = repository({"main.tf": call}).derived(s3_buckets)
    assert {flag.state for flag in bucket.public_access[0].flags.values()} == {blocks}


def test_buckets_of_google_and_azure() -> None:
    google = bucket_of("""
resource "google_storage_bucket" "b" {
  name = "acme-dumps"
  versioning {
    enabled = true
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = 40
    }
  }
  retention_policy {
    retention_period = 2592000
    is_locked        = true
  }
}
""")
    assert (google.provider, google.versioning.state, google.object_lock.state, google.lock_days) == (
        "google", True, True, 30,
    )  # fmt: skip
    assert [rule[1:5] for rule in google.lifecycle] == [(True, "", 40, None)]
    azure = bucket_of("""
resource "azurerm_storage_account" "a" {
  name = "acmebackups"
  blob_properties {
    versioning_enabled = true
  }
}
resource "azurerm_storage_management_policy" "p" {
  storage_account_id = azurerm_storage_account.a.id
  rule {
    name    = "r"
    enabled = true
    filters {
      prefix_match = ["db/"]
    }
    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = 60
      }
    }
  }
}
""")
    assert [rule[1:5] for rule in azure.lifecycle] == [(True, "db/", 60, None)]


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ('"acme"', "acme", True),
        ('"acme"', "other", False),
        ('"acme-${var.e}"', "acme-prod", None),
        ('"acme-${var.e}"', "other-prod", False),
        ('"acme-${var.e}"', "acme-*", None),
        ('"acme-${var.e}-x"', "*-y", False),
        ('"${var.e}-backups"', "acme-*", None),
        ("var.e", "anything", None),
        ('"acme"', "a*e", None),
    ],
)
def test_names_are_compared_in_three_values(name: str, asked: str, expected: bool | None) -> None:
    text = f'variable "e" {{}}\nresource "aws_s3_bucket" "b" {{\n  bucket = {name}\n}}\n'
    bucket = bucket_of(text)
    named = BucketIndex([bucket]).named(asked)
    assert (named.certain, named.possible) == {True: ((bucket,), ()), None: ((), (bucket,)), False: ((), ())}[expected]


def test_an_index_gives_buckets_in_the_order_in_which_it_was_given_them() -> None:
    texts = ['"acme-${var.a}"', '"acme-x"', '"${var.a}-x"', '"acme-${var.a}"', '"acme-x"', '"other"']
    buckets = [bucket_of(f'resource "aws_s3_bucket" "b" {{\n  bucket = {name}\n}}\n') for name in texts]
    index = BucketIndex(buckets)
    assert index.named("acme-x") == ((buckets[1], buckets[4]), (buckets[0], buckets[2], buckets[3]))
    assert index.named("acme-*") == ((), tuple(buckets[:5]))
    assert not BucketIndex([])


_LINES = st.sampled_from(
    ['variable "a" {\n  default = local.b\n}\n', "locals {\n  b = module.m.o\n}\n", BUCKET,
     'module "m" {\n  source = "./"\n}\n', 'module "m" {\n  source = "./m"\n  x = var.a\n}\n', "}\n", 'x = "${\n',
     block("aws_s3_bucket.b[each.key].id", "for_each = local.b"), 'output "o" {\n  value = var.a[0].x...\n}\n',
     'resource "aws_s3_bucket" {\n', "resource {\n}\n", 'dynamic "x" {\n  for_each = y\n}\n', MANY]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(_LINES, max_size=6).map("".join), st.lists(_LINES, max_size=4).map("".join))
def test_any_configuration_is_put_together(root: str, child: str) -> None:
    found = repository({"main.tf": root, "m/main.tf": child})
    found.derived(storage_buckets)
    for module in found.derived(modules).values():
        list(references(module))
