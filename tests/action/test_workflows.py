"""The action and the workflows of this repository keep every rule that ships, and what others hold them to."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sp404audit import audit
from sp404audit.documents.github.expression import find

ROOT = Path(__file__).parent.parent.parent
ACTION = ROOT / "action.yml"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TOOLS = ROOT / ".ci/tools/bin"
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def jobs() -> list[tuple[str, Any]]:
    return [(f"{path.name}: {name}", job) for path in WORKFLOWS for name, job in loaded(path)["jobs"].items()]


def scripts() -> list[str]:
    steps = [step for _, job in jobs() for step in job.get("steps", ())] + loaded(ACTION)["runs"]["steps"]
    return [step["run"] for step in steps if "run" in step]


def test_this_repository_is_compliant_by_every_rule() -> None:
    finished = audit(ROOT, engines=["native"], cache=False)
    assert finished.policy.sources[:1] == ("sp404audit:strict",)
    assert [f"{each.location.path}: {each.message}" for each in finished.failures] == []
    assert [note.message for note in finished.notifications if note.level == "error"] == []
    passed = {verdict.rule.id for verdict in finished.verdicts if verdict.kind == "pass"}
    assert passed >= {
        "actions/least-privilege-token", "actions/no-script-injection", "actions/pinned-uses", "ci/coverage-gate",
        "ci/deploy-needs-gates", "ci/timeouts", "deps/audit-required", "deps/update-bot", "shell/strict-mode",
    }  # fmt: skip
    assert not any(verdict.kind == "open" for verdict in finished.verdicts)


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_what_is_used_is_pinned_and_says_its_version(path: Path) -> None:
    for line in path.read_text("utf-8").splitlines():
        if "uses:" in line and not line.lstrip().startswith("#") and "uses: $/" not in line:
            assert PINNED.search(line), line


def test_one_version_of_an_action_is_used_everywhere() -> None:
    texts = "\n".join(path.read_text("utf-8") for path in [ACTION, *WORKFLOWS])
    pins = set(re.findall(r"uses: ([\w.-]+/[\w.-]+)[\w./-]*@([0-9a-f]{40}) # (\S+)", texts))
    assert len(pins) == len({name for name, _, _ in pins})


def test_no_script_holds_an_expression() -> None:
    assert scripts()
    assert [script for script in scripts() if find(script)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_is_permitted_that_no_job_asks_for(path: Path) -> None:
    workflow = loaded(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job.get("permissions"), name
        if "uses" not in job:
            assert job["timeout-minutes"] <= 60
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_only_the_jobs_that_publish_may_write() -> None:
    writers = {name for name, job in jobs() if "write" in job["permissions"].values()}
    assert writers == {"audit.yml: audit", "ci.yml: audit", "release.yml: publish", "release.yml: announce"}
    publish = loaded(ROOT / ".github/workflows/release.yml")["jobs"]["publish"]
    assert publish["environment"]["name"] == "pypi"
    assert not any(
        "run" in step or "checkout" in step["uses"] for step in publish["steps"]
    )  # no code of ours beside it


def test_the_reusable_workflow_hands_on_inputs_of_the_action() -> None:
    workflow = loaded(ROOT / ".github/workflows/audit.yml")
    offered = workflow[True]["workflow_call"]["inputs"]  # YAML 1.1 reads `on` as a truth value
    (step,) = [step for step in workflow["jobs"]["audit"]["steps"] if step["uses"] == "$/"]
    assert step["with"] == {name: f"${{{{ inputs.{name} }}}}" for name in offered}
    inputs = loaded(ACTION)["inputs"]
    for name, each in offered.items():
        assert str(each["default"]).lower() == inputs[name]["default"], name
    assert inputs.keys() - offered.keys() == {"summary", "annotations", "python-version", "github-token"}


def test_the_action_and_the_workflow_that_init_writes_use_the_same_versions() -> None:
    from sp404audit.scaffold import WORKFLOW, text

    pins = dict(re.findall(r"uses: ([\w./-]+)@(\S+)", ACTION.read_text("utf-8")))
    ours = dict(re.findall(r"uses: ([\w./-]+)@(\S+)", text(WORKFLOW)))
    assert ours["github/codeql-action/upload-sarif"] == pins["github/codeql-action/upload-sarif"]


@pytest.mark.heavy("tools")
@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-actions", [ACTION]),
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.dependabot", [ROOT / ".github/dependabot.yml"]),
    ],
)
def test_github_understands_it(schema: str, paths: list[Path]) -> None:
    done = subprocess.run(
        [TOOLS / "check-jsonschema", "--builtin-schema", schema, *paths], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.heavy("tools")
def test_zizmor_finds_nothing_even_as_an_auditor(tmp_path: Path) -> None:
    command = [str(TOOLS / "zizmor"), "--offline", "--quiet", "--persona", "auditor", "--format", "plain"]
    done = subprocess.run([*command, str(ACTION), str(ROOT / ".github")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    bad = tmp_path / "action.yml"
    bad.write_text(ACTION.read_text("utf-8").replace('"$PYTHON" -I -m', "${{ inputs.path }} -I -m"), "utf-8")
    assert "template-injection" in subprocess.run([*command, str(bad)], capture_output=True, text=True).stdout
