"""Every example is what it says: configurations are valid, workflows pass our own rules, Python runs."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from docs.pages import ROOT, Block, blocks, pages, rows, written
from sp404audit import __version__, audit
from sp404audit.discovery import Reader
from sp404audit.dora.settings import Settings
from sp404audit.policy.loading import resolve
from sp404audit.rules import registry
from sp404audit.rules.documentation import example_files

if TYPE_CHECKING:
    from tests.conftest import GitRepository

ACTION = ROOT / "action.yml"
REUSABLE = ROOT / ".github" / "workflows" / "audit.yml"
ZEROS = "0" * 40


def of(*languages: str) -> list[Block]:
    """The examples in these languages."""
    return [block for page in written() for block in blocks(page, *languages)]


def documents(key: str) -> list[Any]:
    """The YAML examples whose mapping has this key, as parameters of a test."""
    found = [(block, yaml.safe_load(block.text)) for block in of("yaml")]
    return [pytest.param(block, value, id=str(block)) for block, value in found if key in value]


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_yaml_is_of_a_kind_that_is_checked(block: Block) -> None:
    document = yaml.safe_load(block.text)
    kinds = {"version", "jobs", "repos", "services", "sp404audit"}
    assert isinstance(document, dict)
    assert kinds & set(document), "neither a configuration, a workflow, a hook, nor a file that holds a comment of ours"


@pytest.mark.parametrize(("block", "document"), documents("version"))
def test_configuration_is_valid(block: Block, document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yaml").write_text(block.text, "utf-8")
    policy = resolve(Reader(tmp_path))
    settings = Settings.of(policy)
    assert len(settings.targets) == len(policy.targets)
    assert document["version"] == 1


@pytest.mark.parametrize("block", of("toml"), ids=str)
def test_pyproject_is_valid(block: Block, tmp_path: Path) -> None:
    assert "sp404audit" in tomllib.loads(block.text)["tool"]
    (tmp_path / "pyproject.toml").write_text(block.text, "utf-8")
    assert resolve(Reader(tmp_path)).sources[-1] == "pyproject.toml"


@pytest.mark.parametrize(("block", "document"), documents("repos"))
def test_hook_exists(block: Block, document: dict[str, Any]) -> None:
    manifest = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    known = {hook["id"] for hook in manifest}
    for repository in document["repos"]:
        assert repository["rev"] == f"v{__version__}", str(block)
        assert {hook["id"] for hook in repository["hooks"]} <= known


@pytest.mark.parametrize(("block", "document"), documents("jobs"))
def test_workflow_passes_our_own_rules(block: Block, document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / ".github" / "workflows" / "example.yml"
    path.parent.mkdir(parents=True)
    path.write_text(block.text, "utf-8")
    report = audit(tmp_path, policy="strict", engines=["native"], select=["actions", "ci"])
    assert not [result.message for result in report.results if result.kind == "fail"]
    assert not [note.message for note in report.notifications if note.level == "error"]
    assert document["permissions"] == {}


USES = [
    pytest.param(block, step, id=f"{block} {number}")
    for block in of("yaml")
    for job in yaml.safe_load(block.text).get("jobs", {}).values()
    for number, step in enumerate(job.get("steps", ()))
    if step.get("uses", "").startswith("sp404audit/")
]


@pytest.mark.parametrize(("block", "step"), USES)
def test_inputs_of_the_action_exist(block: Block, step: dict[str, Any]) -> None:
    action = yaml.safe_load(ACTION.read_text("utf-8"))
    assert step["uses"].partition("@")[2] == ZEROS, "no commit of ours is known beforehand"
    assert set(step.get("with", {})) <= set(action["inputs"]), str(block)


def test_the_guide_tells_what_the_reusable_workflow_takes() -> None:
    called = yaml.safe_load(REUSABLE.read_text("utf-8"))[True]["workflow_call"]  # YAML 1.1 reads `on` as true
    left_out = set(yaml.safe_load(ACTION.read_text("utf-8"))["inputs"]) - set(called["inputs"])
    text = " ".join((ROOT / "docs" / "github-action.md").read_text("utf-8").split())
    sentence = text.partition("It takes the inputs of the action but for ")[2].partition(".")[0]
    assert re.findall(r"`([a-z-]+)`", sentence) == [*sorted(left_out, key=sentence.index), *called["outputs"]]
    jobs = [job for block in of("yaml") for job in yaml.safe_load(block.text).get("jobs", {}).values()]
    callers = [job for job in jobs if "uses" in job]
    assert {job["uses"] for job in callers} == {f"sp404audit/sp404audit/.github/workflows/audit.yml@{ZEROS}"}
    assert {name for job in callers for name in job.get("with", {})} <= set(called["inputs"])
    wanted = yaml.safe_load(REUSABLE.read_text("utf-8"))["jobs"]["audit"]["permissions"]
    assert all(job["permissions"] == wanted for job in callers)


def test_outputs_that_examples_read_exist() -> None:
    outputs = yaml.safe_load(ACTION.read_text("utf-8"))["outputs"]
    read = [name for block in of("yaml") for name in re.findall(r"steps\.audit\.outputs\.([a-z-]+)", block.text)]
    assert read
    assert set(read) <= set(outputs)


def test_the_guide_tells_every_input_and_output_of_the_action() -> None:
    page = ROOT / "docs" / "github-action.md"
    action = yaml.safe_load(ACTION.read_text("utf-8"))
    told = {cells[0].strip("`"): cells[-1].strip("` |") for cells in rows(page, "input")}
    assert list(told) == list(action["inputs"])
    for name, value in action["inputs"].items():
        if value["default"] and "${{" not in value["default"]:
            assert told[name] == value["default"], name
    outputs = [name for cells in rows(page, "output") for name in re.findall(r"`([a-z-]+)`", cells[0])]
    assert sorted(outputs) == sorted(action["outputs"])


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


PYTHON = [block for block in of("python") if block.page.parent == ROOT / "docs"]


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_is_python(block: Block) -> None:
    ast.parse(block.text)


@pytest.mark.parametrize("block", [block for block in PYTHON if "@rule" not in block.text], ids=str)
def test_python_runs(
    block: Block, tmp_path: Path, make_git: type[GitRepository], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    repository = make_git(tmp_path)
    shutil.copytree(ROOT / "fixtures" / "sp404mk2", tmp_path / "path" / "to" / "repository")
    repository.commit()
    monkeypatch.chdir(tmp_path)
    exec(compile(block.text, str(block), "exec"), {})
    assert capsys.readouterr().out


@pytest.fixture
def walk_through(tmp_path: Path) -> Any:
    """The rule of the walk-through, registered as long as a test needs it."""
    (block,) = [block for block in PYTHON if "@rule" in block.text]
    path = tmp_path / "walk_through.py"
    path.write_text(block.text, "utf-8")
    spec = importlib.util.spec_from_file_location("walk_through", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    before = set(registry.RULES)
    spec.loader.exec_module(module)
    (new,) = set(registry.RULES) - before
    yield registry.RULES[new]
    del registry.RULES[new], sys.modules[spec.name]


def test_the_rule_of_the_walk_through_does_what_it_says(walk_through: Any, tmp_path: Path) -> None:
    outcomes = []
    for number, example in enumerate(walk_through.documentation.examples):
        root = tmp_path / str(number)
        for name, text in example_files(example, ["dockerfile"]).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        parameters = {name: yaml.safe_load(value) for name, value in example.parameters.items()}
        rules = {walk_through.id: {"params": parameters}}
        policy = tmp_path / f"{number}.yaml"
        policy.write_text(yaml.safe_dump({"version": 1, "rules": rules} if parameters else {"version": 1}), "utf-8")
        report = audit(root, policy=policy, engines=["native"], select=[walk_through.id])
        assert example.outcome in {each.kind for each in report.results if each.rule_id == walk_through.id}
        outcomes.append(example.outcome)
    assert outcomes == ["pass", "fail", "pass"]


def test_contributing_shows_the_same_rule() -> None:
    (short,) = blocks(ROOT / "CONTRIBUTING.md", "python")
    (long,) = [block for block in PYTHON if "@rule" in block.text]
    assert short.text.splitlines()[:3] == [line for line in long.text.splitlines() if line][2:5]


@pytest.mark.parametrize("name", ["rev: v", "sp404audit=="])
def test_versions_are_this_one(name: str) -> None:
    found = [version for page in pages() for version in re.findall(rf"{name}([0-9][0-9.]*)", page.read_text("utf-8"))]
    assert found
    assert {version.rstrip(".") for version in found} == {__version__}
