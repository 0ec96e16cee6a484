from __future__ import annotations

from pathlib import Path

import pytest

from sp404audit.discovery import Reader
from sp404audit.policy.loading import PolicyError, packs, packs_folder, resolve
from sp404audit.policy.model import Policy
from sp404audit.policy.schema import config_schema
from sp404audit.results import Severity
from sp404audit.rules import all_rules
from sp404audit.rules.registry import RULES


def configured(root: Path, text: str, name: str = ".sp404audit.yaml") -> Policy:
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return resolve(Reader(root))


def refused(root: Path, text: str, name: str = ".sp404audit.yaml") -> str:
    with pytest.raises(PolicyError) as caught:
        configured(root, text, name)
    return str(caught.value)


def rule(rule_id: str):  # type: ignore[no-untyped-def]
    all_rules()
    return RULES[rule_id]


@pytest.mark.parametrize("name", packs())
def test_what_ships_is_valid(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.yaml"
    copy.write_bytes((packs_folder() / f"{name}.yaml").read_bytes())
    policy = resolve(Reader(tmp_path), str(copy))
    assert policy.name == name


def test_recommended_is_what_is_in_force_without_a_word(tmp_path: Path) -> None:
    policy = resolve(Reader(tmp_path))
    assert policy.name == "recommended"
    assert policy.setting(rule("policy/acceptance-reasoned")) is None


def test_strict_asks_every_rule(tmp_path: Path) -> None:
    policy = resolve(Reader(tmp_path), "strict")
    assert [each.id for each in all_rules() if policy.setting(each) is None] == []


def test_the_handbook_is_a_policy(tmp_path: Path) -> None:
    policy = resolve(Reader(tmp_path), "sp404")
    assert policy.setting(rule("ci/coverage-gate")).parameters["minimum"] == 80  # type: ignore[union-attr]
    assert policy.setting(rule("backup/retention")).parameters["days"] == 30  # type: ignore[union-attr]
    assert set(policy.targets) == {
        "deployment-frequency", "lead-time", "mttr", "change-failure-rate", "uptime", "build-time",
    }  # fmt: skip


def test_a_configuration_lies_over_what_it_extends(tmp_path: Path) -> None:
    policy = configured(
        tmp_path,
        "version: 1\nextends: [strict]\n"
        "fail-on: high\nrules:\n  docker/*: off\n  docker/healthcheck: low\n"
        "  ci/coverage-gate: {severity: critical, params: {minimum: 95}}\n",
    )
    assert policy.setting(rule("docker/non-root-user")) is None
    assert policy.setting(rule("docker/healthcheck")).severity is Severity.LOW  # type: ignore[union-attr]
    coverage = policy.setting(rule("ci/coverage-gate"))
    assert coverage is not None
    assert (coverage.severity, coverage.parameters["minimum"]) == (Severity.CRITICAL, 95)
    assert policy.fail_on is Severity.HIGH
    assert policy.sources == ("sp404audit:strict", ".sp404audit.yaml")


def test_overrides_count_for_their_paths(tmp_path: Path) -> None:
    policy = configured(
        tmp_path,
        'version: 1\noverrides:\n  - paths: ["examples/**"]\n    rules: {actions/pinned-uses: off}\n'
        '  - paths: ["*.yml"]\n    rules: {actions/pinned-uses: note}\n',
    )
    pinned = rule("actions/pinned-uses")
    assert policy.setting(pinned, "src/a.yaml").severity is None  # type: ignore[union-attr]
    assert policy.setting(pinned, "examples/a.yaml") is None
    assert policy.setting(pinned, "b.yml").severity is Severity.NOTE  # type: ignore[union-attr]


def test_select_and_ignore_win(tmp_path: Path) -> None:
    policy = resolve(Reader(tmp_path), select=("docker", "policy/acceptance-reasoned"), ignore=("docker/healthcheck",))
    asked = {each.id for each in all_rules() if policy.setting(each)}
    assert "docker/non-root-user" in asked
    assert "policy/acceptance-reasoned" in asked
    assert not asked & {"docker/healthcheck", "ci/timeouts"}


def test_pyproject_holds_a_configuration_too(tmp_path: Path) -> None:
    policy = configured(
        tmp_path,
        '[tool.sp404audit]\nextends = ["strict"]\nexclude = ["old/**"]\n'
        '[[tool.sp404audit.waivers]]\nrule = "ci/timeouts"\n'
        'paths = ["*"]\nreason = "legacy"\nowner = "@platform"\nuntil = 2030-01-31\n',
        "pyproject.toml",
    )
    assert policy.exclude == ("old/**",)
    assert policy.waivers[0].until.isoformat() == "2030-01-31"


def test_a_configuration_that_is_named_stands_in_for_the_one_that_is_found(tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yaml").write_text("version: 1\nfail-on: high\n")
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/base.yaml").write_text("version: 1\nname: ours\n")
    named = tmp_path / "ci/audit.yaml"
    named.write_text("version: 1\nextends: [./base.yaml]\nfail-on: medium\n")
    policy = resolve(Reader(tmp_path), config=named)
    assert policy.sources == ("ci/base.yaml", "ci/audit.yaml")
    assert policy.fail_on is Severity.MEDIUM
    named.write_text("version: 1\nfail-in: medium\n")
    with pytest.raises(PolicyError, match=r"ci/audit.yaml:2:1: fail-in is no key; did you mean fail-on"):
        resolve(Reader(tmp_path), config=named)


@pytest.mark.parametrize("name", ["missing.yaml", "../outside.yaml", "link.yaml", "folder", "nul\0"])
def test_a_configuration_that_is_named_is_a_file_of_the_repository(name: str, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    (root / "folder").mkdir(parents=True)
    (tmp_path / "outside.yaml").write_text("version: 1\n")
    (root / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(PolicyError, match=name.removeprefix("../").rstrip("\0")):
        resolve(Reader(root), config=f"{root}/{name}")


def test_isolated_allows_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="choose one"):
        resolve(Reader(tmp_path), isolated=True, config=tmp_path / "a.yaml")


def test_isolated_leaves_the_configuration_out(tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yaml").write_text("not: valid\n")
    assert resolve(Reader(tmp_path), isolated=True).sources == ("sp404audit:recommended",)


def test_a_policy_on_the_command_line_replaces_what_the_configuration_extends(tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yaml").write_text("version: 1\nextends: [strict]\nrules: {ci/timeouts: off}\n")
    policy = resolve(Reader(tmp_path), "sp404")
    assert policy.sources == ("sp404audit:recommended", "sp404audit:sp404", ".sp404audit.yaml")


def test_files_of_the_repository_are_extended_from_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "org.yaml").write_text("version: 1\nname: org\nextends: [./base.yaml]\n")
    (tmp_path / "policies" / "base.yaml").write_text("version: 1\nrules: {ci/timeouts: off}\n")
    policy = configured(tmp_path, "version: 1\nextends: [policies/org.yaml]\n")
    assert policy.sources == ("policies/base.yaml", "policies/org.yaml", ".sp404audit.yaml")
    assert policy.setting(rule("ci/timeouts")) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\nrulez: {}\n", ".sp404audit.yaml:2:1: rulez is no key; did you mean rules?"),
        ("version: 1\nrules:\n  docker/non-root: off\n", "3:3: docker/non-root is no rule; did you mean docker/non-"),
        ("version: 1\nrules:\n  ci/timeouts: hgih\n", "3:3: 'hgih' is no value of ci/timeouts; did you mean"),
        ("version: 1\nrules:\n  ci/coverage-gate:\n    params: {minimun: 1}\n", "4:14: minimun is no parameter;"),
        ("version: 1\nrules:\n  ci/coverage-gate:\n    params: {minimum: high}\n", "minimum"),
        ("version: 2\n", "version"),
        ("rules: {}\n", "lacks version"),
        ("- a\n", "a policy is a mapping"),
        ("version: 1\nrules: [\n", ".sp404audit.yaml:3:1"),
        ("version: 1\nwaivers:\n  - {rule: ci/timeouts, paths: ['*'], reason: x, owner: y}\n", "lacks until"),
        ("version: 1\nwaivers:\n  - {rule: ci/timeouts, paths: ['*'], reason: x, owner: y, until: 2026-02-31}\n",
         "2026-02-31 is no date"),
        ("version: 1\nextends: [../../etc/passwd]\n", "outside the repository"),
        ("version: 1\nextends: [/etc/passwd]\n", "inside the repository"),
        ("version: 1\nextends: [missing.yaml]\n", "cannot extend missing.yaml"),
        ("version: 1\nextends: [.sp404audit.yaml]\n", "extends itself"),
        ("version: 1\nx: &a [*a]\n", "x is no key"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_place_and_way_out(text: str, says: str, tmp_path: Path) -> None:
    assert says in refused(tmp_path, text)


def test_two_configurations_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / ".sp404audit.yml").write_text("version: 1\n")
    assert "both configure sp404audit" in refused(tmp_path, "version: 1\n")


def test_a_configuration_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("version: 1\n")
    root = tmp_path / "repository"
    root.mkdir()
    (root / ".sp404audit.yaml").symlink_to(outside)
    with pytest.raises(PolicyError, match="link"):
        resolve(Reader(root))


def test_a_name_that_is_no_rule_is_refused_on_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="did you mean docker/non-root-user"):
        resolve(Reader(tmp_path), ignore=("docker/nonroot-user",))
    with pytest.raises(PolicyError, match="no policy that ships"):
        resolve(Reader(tmp_path), "stritc")


def test_the_schema_that_ships_is_the_one_that_the_rules_make() -> None:
    import json

    shipped = Path(packs_folder().parent, "sp404audit", "policy", "schema", "config-1.json")
    assert json.loads(shipped.read_text(encoding="utf-8")) == json.loads(json.dumps(config_schema(all_rules())))


def test_a_project_file_that_cannot_be_read_configures_nothing(tmp_path: Path) -> None:
    with (tmp_path / "pyproject.toml").open("wb") as file:
        file.truncate(11 * 2**20)
    assert resolve(Reader(tmp_path)).name == "recommended"


def test_a_project_file_without_end_is_refused(tmp_path: Path) -> None:
    text = "[tool.sp404audit]\nexclude = " + "[" * 5000 + "]" * 5000 + "\n"
    assert "nested too deeply" in refused(tmp_path, text, "pyproject.toml")
