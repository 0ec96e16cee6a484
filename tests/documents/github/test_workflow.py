from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.containers.images import BuildRequest, ImageUse
from sp404audit.documents.github import action, workflow
from sp404audit.documents.github.action import Action
from sp404audit.documents.github.code import Code
from sp404audit.documents.github.facts import ActionFact, JobFact, StepFact, WorkflowFact
from sp404audit.documents.github.steps import Step
from sp404audit.documents.github.uses import Uses
from sp404audit.documents.github.workflow import Job, Workflow
from sp404audit.documents.shell.commands import ShellCommand
from sp404audit.documents.source import DocumentError, Source
from sp404audit.documents.yaml_tree import text as text_of

PATH = ".github/workflows/ci.yml"


def read(text: str) -> Workflow:
    return workflow.parse(Source(PATH, dedent(text).encode()))


def read_action(text: str) -> Action:
    return action.parse(Source("action.yml", dedent(text).encode()))


def job(text: str) -> Job:
    """The only job of a workflow that consists of this job."""
    indented = "".join(f"    {line}\n" for line in dedent(text).strip().splitlines())
    return read(f"on: push\njobs:\n  only:\n{indented}").jobs["only"]


@pytest.mark.parametrize(
    ("on", "names"),
    [
        ("on: push", ["push"]),
        ("'on': [push, Pull_Request]", ["push", "pull_request"]),
        ("on:\n  push:\n  workflow_dispatch:\n", ["push", "workflow_dispatch"]),
        ("on: {push: {branches: main}}", ["push"]),
        ("on:", []),
        ("true: push", []),
        ("on: 7", ["7"]),
        ("on: [[push], {x: y}]", []),
    ],
)
def test_triggers_in_every_form(on: str, names: list[str]) -> None:
    assert list(read(f"{on}\njobs: {{}}").triggers) == names


def test_filters_of_triggers() -> None:
    triggers = read("""\
        on:
          push: {branches: [main, 'release/**'], paths-ignore: docs/**}
          schedule: [{cron: '0 3 * * *'}, {cron: '0 4 * * *'}, nonsense]
          workflow_dispatch:
            inputs: {Level: {type: choice}, free: }
        jobs: {}
        """).triggers
    assert triggers["push"].filter("branches") == ("main", "release/**")
    assert triggers["push"].filter("tags") is None
    assert triggers["push"].filters == (("branches", ("main", "release/**")), ("paths-ignore", ("docs/**",)))
    assert triggers["schedule"].filters == (("cron", ("0 3 * * *", "0 4 * * *")),)
    assert set(triggers["workflow_dispatch"].inputs) == {"level", "free"}


def test_permissions() -> None:
    read_all = read("on: push\npermissions: read-all\njobs: {a: {permissions: }, b: {permissions: {Contents: WRITE}}}")
    assert read_all.permissions is not None
    assert read_all.permissions.level("issues") == "read"
    nothing = read_all.jobs["a"].permissions
    assert nothing is not None
    assert nothing.level("contents") == "none"
    written = read_all.jobs["b"].permissions
    assert written is not None
    assert written.level("contents") == "write"
    assert [scope for scope, _ in written.written()] == ["contents"]
    assert read("on: push\njobs: {}").permissions is None


def test_the_region_of_a_block_is_all_of_it() -> None:
    permissions = read("on: push\npermissions:\n  contents: read\n  issues: write\n\njobs: {}\n").permissions
    assert permissions is not None
    assert permissions.region == (2, 1, 4, 16)


@pytest.mark.parametrize(
    ("text", "kind", "name", "path", "ref"),
    [
        ("actions/checkout@v4", "repository", "actions/checkout", "", "v4"),
        ("Octo-Org/Repo/sub/dir@release/v1", "repository", "octo-org/repo", "sub/dir", "release/v1"),
        ("a/b/.github/workflows/c.yml@main", "repository", "a/b", ".github/workflows/c.yml", "main"),
        ("a/b", "repository", "a/b", "", ""),
        ("./.github/actions/x", "local", "", ".github/actions/x", ""),
        ("$/tools", "local", "", "tools", ""),
        ("docker://alpine:3.20", "docker", "", "", ""),
        ("checkout@v4", "invalid", "", "", "v4"),
        ("a/${{ matrix.x }}@v1", "expression", "", "", ""),
        ("@", "invalid", "", "", ""),
    ],
)
def test_uses_taken_apart(text: str, kind: str, name: str, path: str, ref: str) -> None:
    uses = job(f"steps: [{{uses: '{text}'}}]").steps[0].uses
    assert uses is not None
    assert (uses.kind, uses.name, uses.path, uses.ref) == (kind, name, path, ref)


@pytest.mark.parametrize(
    ("ref", "expected"), [("a" * 40, True), ("A1" * 20, True), ("0" * 64, True), ("a" * 39, False), ("g" * 40, False)]
)
def test_only_a_full_hash_is_a_commit(ref: str, expected: bool) -> None:
    uses = job(f"steps: [{{uses: 'a/b@{ref}'}}]").steps[0].uses
    assert uses is not None
    assert uses.is_commit is expected


def test_the_comment_behind_uses() -> None:
    steps = job("""\
        steps:
          - uses: a/b@v1   # v1.2.3
          - uses: "a/b@v1"
          - {uses: a/b@v1, with: {}} # not of the value
        """).steps
    found = [(step.uses.comment, step.uses.ends_its_line) for step in steps if step.uses]
    assert found == [("v1.2.3", False), ("", True), ("", False)]


def test_what_a_step_inherits() -> None:
    workflow_ = read("""\
        on: push
        env: {A: workflow, B: workflow, C: workflow}
        defaults: {run: {shell: bash, working-directory: w}}
        jobs:
          one:
            env: {B: job, C: job}
            defaults: {run: {working-directory: j}}
            steps:
              - run: x
                env: {C: step}
              - run: x
                shell: pwsh
                working-directory: s
        """)
    first, second = workflow_.jobs["one"].steps
    assert [text_of(first.variable(name)) for name in "ABC"] == ["workflow", "job", "step"]
    assert first.variable("D") is None
    assert [text_of(each) for each in (first.shell, first.working_directory)] == ["bash", "j"]
    assert [text_of(each) for each in (second.shell, second.working_directory)] == ["pwsh", "s"]


def test_needs_with_a_cycle_and_a_stranger() -> None:
    jobs = read("""\
        on: push
        jobs:
          a: {needs: [b, stranger]}
          b: {needs: c}
          c: {needs: [a]}
          d: {needs: d}
        """).jobs
    assert jobs["a"].all_needs() == {"a", "b", "c"}
    assert jobs["d"].all_needs() == {"d"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("runs-on: ubuntu-24.04\nsteps: [{run: x}]", "bash"),
        ("runs-on: windows-2025\nsteps: [{run: x}]", "powershell"),
        ("runs-on: windows-2025\nsteps: [{run: x, shell: bash}]", "bash"),
        ("runs-on: windows-2025\nsteps: [{run: x, shell: cmd}]", "cmd"),
        ("runs-on: ubuntu-24.04\ncontainer: alpine\nsteps: [{run: x}]", "sh"),
        ("runs-on: ubuntu-24.04\nsteps: [{run: x, shell: 'python {0}'}]", "python"),
        ("runs-on: [self-hosted, Windows]\nsteps: [{run: x}]", "powershell"),
        ("runs-on: {group: g, labels: [ubuntu-24.04]}\nsteps: [{run: x}]", "bash"),
        ("runs-on: '${{ inputs.os }}'\nsteps: [{run: x}]", ""),
        ("runs-on: '${{ matrix.os }}'\nstrategy: {matrix: {os: [ubuntu-24.04, macos-15]}}\nsteps: [{run: x}]", "bash"),
        ("runs-on: '${{ matrix.os }}'\nstrategy: {matrix: {os: [ubuntu-24.04, windows-2025]}}\nsteps: [{run: x}]", ""),
        ("steps: [{run: x, shell: }]", ""),
    ],
)
def test_what_reads_a_command(text: str, language: str) -> None:
    found = [subject for subject in job(text).workflow.subjects() if isinstance(subject, Code)]
    assert [code.language for code in found] == [language]


def test_code_beside_commands() -> None:
    found = job("""\
        container: {image: a, options: --cpus 1}
        services: {db: {image: b, options: --memory 1g}, plain: c}
        steps:
          - uses: actions/github-script@v7
            with: {Script: return 1, result-encoding: string}
          - uses: actions/checkout@v4
            with: {script: no code here}
          - run: make
            shell: ${{ matrix.shell }}
        """)
    codes = [subject for subject in found.workflow.subjects() if isinstance(subject, Code)]
    assert [code.what for code in codes] == ["container.options", "services.db.options", "Script", "run", "shell"]
    assert codes[2].language == "javascript"


def test_matrix_values_and_combinations() -> None:
    matrix = job("""\
        strategy:
          matrix:
            os: [linux, mac, windows]
            node: [18, 20]
            target: [{name: a, image: x}, {name: b, image: y}]
            exclude: [{os: windows}, {os: mac, node: 18}]
            include:
              - {os: linux, extra: yes}
              - {os: bsd, node: 22}
        """).matrix
    assert matrix is not None
    assert [scalar.value for scalar in matrix.values(("os",)) or []] == ["linux", "mac", "linux", "bsd"]
    assert [scalar.value for scalar in matrix.values(("target", "image")) or []] == ["x", "y"]
    combinations = matrix.combinations()
    assert combinations is not None
    assert len(combinations) == 7
    assert {text_of(each["os"]) for each in combinations} == {"linux", "mac", "bsd"}
    assert all(text_of(each.get("extra")) == "yes" for each in combinations if text_of(each["os"]) == "linux")


def test_a_matrix_that_an_expression_makes_is_not_known() -> None:
    for text in ("matrix: '${{ fromJSON(x) }}'", "matrix: {os: '${{ fromJSON(x) }}'}", "matrix: {os: [a], include: x}"):
        matrix = job(f"strategy: {{{text}}}").matrix
        assert matrix is not None
        assert matrix.combinations() is None
        assert matrix.values(("os",)) is None


def test_steps_without_a_workflow_are_audited_as_a_fragment() -> None:
    fragment = read("""\
        # secrets.yml
        - name: write
          run: echo ${{ secrets.A }} > .env
        - uses: actions/checkout@v4
        """)
    assert [(problem.id, problem.level) for problem in fragment.problems] == [("yaml/schema", "error")]
    assert fragment.jobs == {}
    kinds = [type(subject) for subject in fragment.subjects()]
    assert kinds == [Workflow, Step, Code, Step, Uses]
    facts = list(fragment.facts())
    assert [fact.is_fragment for fact in facts if isinstance(fact, WorkflowFact)] == [True]
    assert not [fact for fact in facts if isinstance(fact, JobFact)]
    assert [fact.action for fact in facts if isinstance(fact, StepFact)] == ["", "actions/checkout"]
    assert [fact.name for fact in facts if isinstance(fact, ShellCommand)] == ["echo"]


def test_a_job_without_a_workflow_is_a_fragment_too() -> None:
    fragment = read("runs-on: ubuntu-24.04\nsteps:\n  - run: make\n")
    assert [step.run.value for step in fragment.steps() if step.run] == ["make"]


@pytest.mark.parametrize("text", ["hello", "- 1\n- 2", "{}", "name: x"])
def test_what_is_no_workflow_is_told_once(text: str) -> None:
    try:
        problems = read(text).problems
    except DocumentError as error:
        problems = [error.problem]
    assert [problem.id for problem in problems] == ["yaml/schema"]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_is_a_note(text: str) -> None:
    empty = read(text)
    assert [(problem.id, problem.level) for problem in empty.problems] == [("yaml/schema", "note")]
    assert list(empty.subjects()) == [empty]


def test_wrong_types_everywhere_cost_only_themselves() -> None:
    odd = read("""\
        on: {push: 7, schedule: x, workflow_call: {inputs: [a]}}
        name: [a]
        env: x
        permissions: [contents]
        defaults: {run: x}
        jobs:
          text: nonsense
          odd:
            needs: {a: b}
            runs-on: {labels: {a: b}}
            strategy: [x]
            container: [x]
            services: {db: [x]}
            environment: [x]
            steps: nonsense
          steps:
            steps: [1, [2], null, {uses: [a], run: {b: c}, with: x, env: [y], if: [z], name: [n]}]
          good:
            steps: [{uses: a/b@v1}]
        """)
    assert [problem.id for problem in odd.problems] == ["yaml/schema", "yaml/schema"]
    assert set(odd.jobs) == {"odd", "steps", "good"}
    for subject in odd.subjects():
        assert getattr(subject, "region", None) is not None
        assert isinstance(getattr(subject, "label", ""), str)
    assert [fact.action for fact in odd.facts() if isinstance(fact, StepFact)] == ["", "a/b"]


def test_duplicate_keys_and_further_documents_are_noted() -> None:
    doubled = read("on: push\njobs: {a: {steps: [{run: x}]}}\njobs: {b: {steps: [{run: y}]}}\n---\njobs: {}\n---\n")
    assert set(doubled.jobs) == {"b"}
    assert [(problem.id, problem.level) for problem in doubled.problems] == [("yaml/schema", "note")] * 2


def test_what_an_anchor_names_is_judged_once_and_told_for_each_job() -> None:
    aliased = read("""\
        on: push
        jobs:
          one: &job
            steps: [{uses: a/b@v1}]
          two: *job
        """)
    subjects = list(aliased.subjects())
    assert sum(isinstance(subject, Uses) for subject in subjects) == 1
    assert sum(isinstance(subject, Job) for subject in subjects) == 2
    assert [fact.job for fact in aliased.facts() if isinstance(fact, StepFact)] == ["one", "two"]


def test_a_tree_that_holds_itself() -> None:
    cyclic = read(
        "on: push\njobs: &jobs\n  a:\n    steps: &s\n      - run: x\n        env: *jobs\n      - *s\n    with: *jobs\n"
    )
    assert list(cyclic.jobs) == ["a"]
    assert [fact for fact in cyclic.facts() if isinstance(fact, JobFact)]


def test_an_expression_that_github_refuses_costs_only_itself() -> None:
    deep = "(" * 50_000 + "a" + ")" * 50_000
    bad = read(f"on: push\njobs:\n  a:\n    steps:\n      - run: echo ${{{{ {deep} }}}} ${{{{ github.head_ref }}}}\n")
    assert [problem.id for problem in bad.problems] == ["expression/too-deep"]
    assert bad.problems[0].region is not None
    assert bad.problems[0].region.start_line == 5
    (code,) = [subject for subject in bad.subjects() if isinstance(subject, Code)]
    assert [embedded.tree is not None for embedded in code.expressions] == [False, True]


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("'" + "(" * 50_000 + "'", "expression/too-deep"),
        ("success( || x", "expression/syntax"),
        ("github.ref == 'x' && always()", None),
        ("true", None),
        ("", None),
    ],
)
def test_conditions_that_github_refuses_are_told(condition: str, problem: str | None) -> None:
    for place in (f"if: {condition}\nsteps: []", f"steps:\n  - if: {condition}\n    run: x"):
        assert [each.id for each in job(place).workflow.problems] == ([problem] if problem else [])


def test_braces_in_comments_are_no_expressions() -> None:
    assert read("on: push # ${{ ((\njobs: {a: {steps: [{run: x}]}}\n").problems == []


def test_regions_within_code() -> None:
    (code,) = [
        subject
        for subject in job("steps:\n  - run: |\n      echo one\n      echo ${{ a }}\n").workflow.subjects()
        if isinstance(subject, Code)
    ]
    (embedded,) = code.expressions
    assert code.region_of(embedded.start, embedded.end) == (7, 16, 7, 24)


def test_facts_of_a_job() -> None:
    deploy = read("""\
        name: Ship
        on: {push: {branches: [main]}}
        concurrency: {group: w, cancel-in-progress: true}
        jobs:
          build:
            steps: [{run: make, timeout-minutes: 5}]
          deploy:
            needs: build
            if: github.ref == 'refs/heads/main'
            runs-on: [self-hosted, x64]
            environment: {name: production, url: u}
            concurrency: d
            timeout-minutes: 10
            permissions: write-all
            uses: ./.github/workflows/deploy.yml
            secrets: inherit
            with: {a: b}
        """)
    facts = {fact.id: fact for fact in deploy.facts() if isinstance(fact, JobFact)}
    fact = facts["deploy"]
    assert (fact.workflow, fact.needs, fact.environment, fact.timeout) == ("Ship", ("build",), "production", "10")
    assert (fact.uses, fact.secrets, fact.permissions) == (
        "./.github/workflows/deploy.yml",
        "inherit",
        (("*", "write"),),
    )
    assert (fact.concurrency, fact.runs_on, fact.with_) == ("d", ("self-hosted", "x64"), (("a", "b"),))
    assert fact.trigger("push") is not None
    assert fact.trigger("release") is None
    assert facts["build"].steps_have_timeouts
    (whole,) = [each for each in deploy.facts() if isinstance(each, WorkflowFact)]
    assert (whole.concurrency, whole.cancel_in_progress) == ("w", "true")


def test_commands_of_steps_with_their_place_and_shell() -> None:
    facts = job("""\
        env: {LEVEL: info}
        steps:
          - name: test
            working-directory: ./web
            run: |
              npm ci
              npm test -- --level "$LEVEL" ${{ matrix.x }}
          - run: Get-Item x
            shell: pwsh
        """).workflow.facts()
    commands = [fact for fact in facts if isinstance(fact, ShellCommand)]
    assert [command.argv[:2] for command in commands] == [("npm", "ci"), ("npm", "test")]
    assert commands[1].argv[3:] == ("--level", "info", None)
    assert commands[1].location.region.start_line == 10
    assert (commands[0].unit.kind, commands[0].unit.owner, commands[0].unit.folder) == ("step", "only", "web")
    assert commands[0].options == ("errexit",)


def test_images_that_a_job_pulls() -> None:
    facts = job("""\
        strategy: {matrix: {image: [node:22, '']}}
        container: ${{ matrix.image }}
        services:
          db: {image: postgres:17}
          cache: ''
          other: {image: '${{ inputs.image }}'}
        steps: [{uses: 'docker://alpine:3.20'}]
        """).workflow.facts()
    found = [(fact.origin, fact.owner, fact.value) for fact in facts if isinstance(fact, ImageUse)]
    assert found == [
        ("container", "only", "node:22"),
        ("services", "db", "postgres:17"),
        ("services", "other", None),
        ("docker-action", "only", "alpine:3.20"),
    ]


def test_builds_that_a_job_asks_for() -> None:
    facts = job("""\
        env: {REGISTRY: ghcr.io}
        strategy: {matrix: {include: [{dir: api, target: run}, {dir: web, target: ''}]}}
        steps:
          - uses: docker/build-push-action@v6
            with:
              context: ./${{ matrix.dir }}
              target: ${{ matrix.target }}
              build-args: |
                A=1
                B=${{ secrets.B }}
              tags: ${{ env.REGISTRY }}/acme/${{ matrix.dir }}:1
          - uses: docker/build-push-action@v6
          - uses: docker/build-push-action@v6
            with: {context: 'https://example.org/x.git', file: ./docker/Dockerfile}
          - uses: docker/build-push-action@v6
            with: {context: '{{defaultContext}}:sub', file: '${{ inputs.f }}', target: '${{ inputs.t }}'}
        """).workflow.facts()
    builds = list(dict.fromkeys(fact for fact in facts if isinstance(fact, BuildRequest)))
    assert [(build.context, build.dockerfile, build.target) for build in builds] == [
        ("api", "api/Dockerfile", "run"),
        ("web", "web/Dockerfile", None),
        ("", "Dockerfile", None),
        (None, "docker/Dockerfile", None),
        ("sub", None, None),
    ]
    assert builds[0].args == (("A", "1"), ("B", None))
    assert builds[0].tags == ("ghcr.io/acme/api:1",)
    assert [build.target_known for build in builds] == [True, True, True, True, False]


def test_an_action() -> None:
    composite = read_action("""\
        name: Setup
        inputs: {Version: {required: true}}
        runs:
          using: composite
          steps:
            - run: echo ${{ inputs.version }}
              shell: bash
            - uses: ./other
        """)
    assert (composite.using, list(composite.inputs)) == ("composite", ["version"])
    assert [type(subject) for subject in composite.subjects()] == [Action, Step, Code, Step, Uses]
    assert all(step.job is None and step.action is composite for step in composite.steps)
    assert [fact.unit.kind for fact in composite.facts() if isinstance(fact, ShellCommand)] == ["action"]
    docker = read_action("name: d\nruns: {using: Docker, image: 'docker://alpine:3'}")
    assert [fact.value for fact in docker.facts() if isinstance(fact, ImageUse)] == ["alpine:3"]
    assert [fact.image for fact in docker.facts() if isinstance(fact, ActionFact)] == ["docker://alpine:3"]
    odd = read_action("runs: {using: [x], steps: {a: b}}")
    assert [problem.id for problem in odd.problems] == ["yaml/schema"]
    assert [problem.id for problem in read_action("name: x").problems] == ["yaml/schema"]


_TRIGGER_KEYS = ["on", "push", "inputs", "if", "permissions", "concurrency", "group"]
_JOB_KEYS = ["jobs", "needs", "strategy", "matrix", "include", "exclude", "services", "container", "image", "defaults"]
_STEP_KEYS = ["steps", "uses", "run", "shell", "with", "env"]
_KEYS = st.sampled_from(_TRIGGER_KEYS + _JOB_KEYS + _STEP_KEYS)
_VALUES = st.recursive(
    st.sampled_from(["", "x", "1", "'${{ matrix.a }}'", "'${{ (('", "write-all", "a/b@v1", "docker://x", "true"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(_KEYS, inner, max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=4))
def test_any_shape_is_read_or_told(pairs: dict[str, str]) -> None:
    data = "".join(f"{key}: {value}\n" for key, value in pairs.items()).encode()
    for parse in (workflow.parse, action.parse):
        try:
            document = parse(Source(PATH, data))
        except DocumentError:
            continue
        for subject in document.subjects():
            assert getattr(subject, "region", None) is not None
        for fact in document.facts():
            assert hash(fact) is not None
